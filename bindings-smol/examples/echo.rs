//! The smallest server: it sends everything back.

use sio_smol::{Args, Config, EventName, Io, Socket};

fn main() -> std::io::Result<()> {
    let io = Io::new(Config::default());
    io.of("/")
        .on_any(|socket: Socket, name: EventName, args: Args| socket.emit(&*name, &args));
    smol::block_on(async {
        let listener = smol::net::TcpListener::bind("127.0.0.1:3000").await?;
        sio_smol::serve(listener, io).await
    })
}
