//! `ws_echo_client`: opens a WebSocket at each of the URLs of its arguments, one after another, and sends every message
//! back until that one is over, for suites that test WebSockets; messages may have up to 64 MiB. With `DEFLATE` set,
//! compression is offered, and messages of any size are compressed where it is agreed on: each by itself if it is
//! `alone`.

use crate::sio::client::{Config, PerMessageDeflate, websocket_echo};

pub(crate) async fn run() {
    let deflate = std::env::var("DEFLATE").ok().map(|how| PerMessageDeflate {
        threshold: 0,
        server_no_context_takeover: how == "alone",
        client_no_context_takeover: how == "alone",
        ..PerMessageDeflate::default()
    });
    let config = Config::default()
        .max_message_bytes(64 << 20)
        .per_message_deflate(deflate);
    for url in std::env::args().skip(1) {
        if let Err(why) = websocket_echo(&url, config.clone()).await {
            println!("{url}: {why:?}");
        }
    }
}
