//! A WebSocket that sends everything back, from a client's side, on smol. What it does is said in
//! `tests/servers/ws_echo_client.rs`.

use sio_smol as sio;

#[path = "../ws_echo_client.rs"]
mod body;

fn main() {
    smol::block_on(body::run());
}
