//! The `conformance` server on smol. What it does is said in `tests/servers/conformance.rs`.

use sio_smol as sio;

#[path = "../conformance.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    support::run(1, body::server(), body::address(), |_| {
        "listening".to_owned()
    })
}
