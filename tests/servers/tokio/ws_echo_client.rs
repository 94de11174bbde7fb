//! A WebSocket that sends everything back, from a client's side, on tokio. What it does is said in
//! `tests/servers/ws_echo_client.rs`.

use sio_tokio as sio;

#[path = "../ws_echo_client.rs"]
mod body;

#[tokio::main]
async fn main() {
    body::run().await;
}
