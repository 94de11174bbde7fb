//! The smallest server: it sends everything back.

use sio_tokio::{Args, Config, EventName, Io, Socket};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // As 4.x has it; `Config::v2()` is for pages and devices with a client of 2.x.
    let io = Io::new(Config::v4());
    io.of("/")
        .on_any(|socket: Socket, name: EventName, args: Args| socket.emit(&*name, &args));
    io.on_error(|error| eprintln!("{error}"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    sio_tokio::serve(listener, io).await
}
