//! A WebSocket echo on smol, for suites. What it does is said in `tests/servers/ws_echo.rs`.

use sio_smol as sio;

#[path = "../ws_echo.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    support::run(1, body::server(), body::address(), |_| {
        "listening".to_owned()
    })
}
