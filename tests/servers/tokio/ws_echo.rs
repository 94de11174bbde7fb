//! A WebSocket echo on tokio, for suites. What it does is said in `tests/servers/ws_echo.rs`.

use sio_tokio as sio;

#[path = "../ws_echo.rs"]
mod body;
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    support::run(body::server(), body::address(), |_| "listening".to_owned()).await
}
