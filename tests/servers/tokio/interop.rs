//! The `interop` server on tokio. What it does is said in `tests/servers/interop.rs`.

use sio_tokio as sio;

#[path = "../interop.rs"]
mod body;
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    support::run(body::server(), body::address(), |_| "listening".to_owned()).await
}
