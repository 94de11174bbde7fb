//! The chat on smol: open the page twice. What it does is said in `tests/servers/chat/mod.rs`.

use sio_smol as sio;

#[path = "../../tests/servers/chat/mod.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    support::run(1, body::server(), body::address()?, body::ready)
}
