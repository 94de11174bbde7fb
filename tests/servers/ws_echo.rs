//! `ws_echo`: sends every WebSocket message back, for suites that test WebSockets. `HOST` and `PORT`
//! (127.0.0.1, 9001) say where to listen; messages may have up to 64 MiB. With `DEFLATE` set, messages of
//! any size are compressed for clients that offer it.

use crate::sio::{Config, Server};

#[path = "common.rs"]
mod common;

pub(crate) fn server() -> Server {
    let config = Config::default()
        .max_http_buffer_size(64 << 20)
        .max_fragments(1 << 20);
    let config = config.per_message_deflate(std::env::var_os("DEFLATE").map(|_| {
        crate::sio::PerMessageDeflate {
            threshold: 0,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            ..Default::default()
        }
    }));
    Server::default().websocket_echo(config)
}

pub(crate) fn address() -> (String, u16) {
    common::address(9001)
}
