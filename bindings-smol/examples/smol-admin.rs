//! A server that is seen to by `@socket.io/admin-ui`: https://admin.socket.io, name `admin`, password `changeit`.

use sio_admin::{Auth, Options, instrument};
use sio_smol::{Args, Config, Cors, EventName, Io, Smol, Socket};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let page = ["https://admin.socket.io"].into();
    let cors = Cors {
        origin: page,
        credentials: true,
        ..Cors::default()
    };
    let io = Io::new(Config::v4().cors(cors));
    // The password, by bcrypt: `htpasswd -nbB admin changeit`.
    let hash = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS";
    instrument(
        &Smol::new(),
        &io,
        Options::new(Auth::password("admin", hash)),
    )?;
    io.of("/")
        .on_any(|socket: Socket, name: EventName, args: Args| socket.emit(&*name, &args));
    Ok(smol::block_on(sio_smol::listen("127.0.0.1:3000", io))?)
}
