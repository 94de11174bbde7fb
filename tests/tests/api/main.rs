//! What the server API of Socket.IO 2.x offers, seen from a client: each test names the rows of the API that
//! it shows, and `ROWS.md` is made from those names.

mod children;
mod deflate;
mod engine;
mod http;
mod namespaces;
mod options;
mod parsers;
mod reference;
mod rows;
mod shown;
mod sockets;
mod world;

#[path = "../../servers/json.rs"]
mod json;

use sio_tokio as sio;
