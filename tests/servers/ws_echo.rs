//! `ws_echo`: sends every WebSocket message back, for suites that test WebSockets. `HOST` and `PORT`
//! (127.0.0.1, 9001) say where to listen; messages may have up to 64 MiB.

use crate::sio::{Config, Server};

#[path = "common.rs"]
mod common;

pub(crate) fn server() -> Server {
    Server::default().websocket_echo(Config {
        max_http_buffer_size: 64 << 20,
        max_fragments: 1 << 20,
        ..Config::default()
    })
}

pub(crate) fn address() -> (String, u16) {
    common::address(9001)
}
