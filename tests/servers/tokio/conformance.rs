//! The `conformance` server on tokio. What it does is said in `tests/servers/conformance.rs`.

use sio_tokio as sio;

#[path = "../conformance.rs"]
mod body;
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    support::run(body::server(), body::address(), |_| "listening".to_owned()).await
}
