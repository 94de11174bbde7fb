//! The `interop` server on smol. What it does is said in `tests/servers/interop.rs`.

use sio_smol as sio;

#[path = "../interop.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    support::run(1, body::server(), body::address(), |_| {
        "listening".to_owned()
    })
}
