//! The page of `@socket.io/admin-ui` and servers of each binding: `tests/interop/admin.js`.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use sio_admin::{Auth, Mode, Options, instrument};
use sio_driver::binding::Runtime;
use sio_tests::example::Binding;
use sio_tests::install::{chromium, page_packages};
use sio_tests::suite::Suite;
use sio_tokio::{Ack, Args, Config, Cors, Data, Io, Socket};

/// Of `changeit`, made as cheap as may be.
const HASH: &str = "$2a$04$CWJU9AKgHRhsS8LupLMCSu9tNeTcMmfrBFmsudz6AAfwrIetG4C5K";

/// A server with something to show.
fn application<R: Runtime>(runtime: &R, options: Options) -> Io {
    let io = Io::new(Config::v4().cors(Cors::v2()));
    // Of what admins say that is no order.
    io.on_error(|_| ());
    let main = io.of("/");
    main.use_(|socket: Socket| {
        let kept = std::collections::BTreeMap::from([("name", "nobody")]);
        socket.set_data(kept);
        Ok::<(), String>(())
    });
    main.on(
        "join",
        |socket: Socket, Data(room): Data<String>, ack: Ack| {
            socket.join(room).unwrap();
            ack.send(&())
        },
    );
    main.on(
        "leave",
        |socket: Socket, Data(room): Data<String>, ack: Ack| {
            socket.leave(room);
            ack.send(&())
        },
    );
    main.on("rooms", |socket: Socket, ack: Ack| {
        ack.send(&(socket.rooms(),))
    });
    main.on("hello", |socket: Socket, args: Args, ack: Ack| {
        socket.emit("welcome", &args)?;
        ack.send(&())
    });
    let often = options
        .server_id("test server")
        .interval(Duration::from_millis(500));
    instrument(runtime, &io, often).unwrap();
    io
}

/// Serves until the test is over.
fn served(binding: Binding, options: Options) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || match binding {
        Binding::Tokio => tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let io = application(&sio_tokio::Tokio, options);
            sio_tokio::serve(listener, io).await
        }),
        Binding::Smol => smol::block_on(async {
            let listener = smol::net::TcpListener::try_from(listener).unwrap();
            let io = application(&sio_smol::Smol::new(), options);
            sio_smol::serve(listener, io).await
        }),
    });
    address
}

pub(crate) fn page(binding: Binding) {
    let all = served(binding, Options::new(Auth::password("admin", HASH)));
    let figures = Options::new(Auth::Open)
        .read_only(true)
        .mode(Mode::Production);
    let figures = served(binding, figures);
    let pages = page_packages().join("node_modules/@socket.io/admin-ui/ui/dist");
    Suite::node("admin.js")
        .env("CHROMIUM", chromium())
        .env("PAGES", pages)
        .env("DEVELOPMENT", format!("http://{all}"))
        .env("PRODUCTION", format!("http://{figures}"))
        .run();
}
