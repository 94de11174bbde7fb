//! The `cluster` server on tokio. What it does is said in `tests/servers/cluster.rs`.

use sio_tokio as sio;

#[path = "../cluster.rs"]
mod body;
mod support;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (server, io) = body::server(|redis, options| redis.join(&sio::Tokio, options));
    body::settled(&io).await;
    support::run(server, body::address(), |_| "ready".to_owned()).await
}
