//! The chat on tokio: open the page twice. What it does is said in `tests/servers/chat/mod.rs`.

use sio_tokio as sio;

#[path = "../../tests/servers/chat/mod.rs"]
mod body;
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let server = tokio::task::spawn_blocking(body::server).await?;
    support::run(server, body::address()?, body::ready).await
}
