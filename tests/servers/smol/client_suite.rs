//! The `client_suite` server on smol. What it does is said in `tests/servers/client_suite.rs`.

use sio_smol as sio;

#[path = "../client_suite.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    support::run(1, body::server(), body::address(), |_| {
        "listening".to_owned()
    })
}
