//! The floor under WebSocket: tungstenite on tokio's current-thread runtime, and answers made by
//! moving bytes. It parses no JSON, keeps no sessions, sends no heartbeats and joins no rooms; it
//! knows as much of the `bench` contract as `ack` and `binary` ask for.
//!
//! Replies are fed as messages come and flushed when there is nothing more to read: one write for
//! what one read brought.

use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

const OPEN: &str = r#"0{"sid":"floor","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// What it reads at once: as much as sio does.
const READ: usize = 16 * 1024;

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    runtime.block_on(async {
        let port = std::env::var("PORT")
            .ok()
            .and_then(|port| port.parse().ok());
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(3000))).await?;
        println!("listening");
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A client that goes away ends its own task; the generator notices what it misses.
            tokio::spawn(async { serve(stream).await.ok() });
        }
    })
}

async fn serve(stream: TcpStream) -> Result<(), Error> {
    let config = WebSocketConfig::default().read_buffer_size(READ);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    socket.send(Message::text(OPEN)).await?;
    loop {
        let message = match socket.next().now_or_never() {
            Some(message) => message,
            None => {
                socket.flush().await?;
                socket.next().await
            }
        };
        let Some(message) = message.transpose()? else {
            return Ok(());
        };
        match message {
            Message::Text(text) => {
                if let Some(reply) = reply(&text) {
                    socket.feed(Message::text(reply)).await?;
                }
            }
            Message::Binary(bytes) => socket.feed(Message::Binary(bytes)).await?,
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
        }
    }
}

/// `42<id>["echo",<args>]` becomes `43<id>[<args>]`, and `message` becomes `message-back`.
fn reply(text: &str) -> Option<String> {
    if text == "40" {
        return Some(r#"40{"sid":"floor"}"#.to_owned());
    }
    if let Some((head, rest)) = text.split_once(r#"["message","#) {
        return Some([head, r#"["message-back","#, rest].concat());
    }
    let (id, args) = text.strip_prefix("42")?.split_once(r#"["echo","#)?;
    Some(["43", id, "[", args].concat())
}
