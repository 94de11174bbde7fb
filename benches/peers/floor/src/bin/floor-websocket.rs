//! The floor under WebSocket: tungstenite on tokio's current-thread runtime, and answers made by
//! moving bytes. It parses no JSON and keeps no sessions; it knows as much of the `bench` contract as the
//! load generator asks for.
//!
//! Replies are fed as messages come and flushed when there is nothing more to read: one write for
//! what one read brought. A broadcast is one finished piece of memory and one write for each member, made
//! by the task of whoever asked for it: no mailbox, no other task, no room but the one there is. Heartbeats
//! are one queue for all, and nobody minds whether they are answered.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

const OPEN: &str = r#"0{"sid":"floor","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

/// What it reads at once: as much as sio does.
const READ: usize = 16 * 1024;

/// When a client is pinged after it came.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// Members of the one room, or clients in the order of their heartbeats.
type Streams = Arc<Mutex<VecDeque<(Instant, Weak<TcpStream>)>>>;

/// A stream that others write to, too.
struct Shared(Arc<TcpStream>);

impl AsyncRead for Shared {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Shared {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(SockRef::from(&*self.0).shutdown(std::net::Shutdown::Write))
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (crowd, waiting) = (Streams::default(), Streams::default());
        tokio::spawn(heartbeats(waiting.clone()));
        let port = std::env::var("PORT")
            .ok()
            .and_then(|port| port.parse().ok());
        let listener = TcpListener::bind(("127.0.0.1", port.unwrap_or(3000))).await?;
        println!("listening");
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let stream = Arc::new(stream);
            push(&waiting, &stream);
            let crowd = crowd.clone();
            // A client that goes away ends its own task; the generator notices what it misses.
            tokio::spawn(async move { serve(stream, &crowd).await.ok() });
        }
    })
}

fn push(streams: &Streams, stream: &Arc<TcpStream>) {
    let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
    streams.push_back((Instant::now(), Arc::downgrade(stream)));
}

async fn heartbeats(waiting: Streams) {
    loop {
        let next = {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some((since, stream)) = waiting.front() {
                if since.elapsed() < HEARTBEAT {
                    break;
                }
                write(stream, b"\x81\x012");
                waiting.pop_front();
            }
            let next = waiting.front().map(|(since, _)| *since + HEARTBEAT);
            next.unwrap_or_else(|| Instant::now() + HEARTBEAT / 10)
        };
        tokio::time::sleep_until(next).await;
    }
}

/// Writes all of it. The generator reads on, so a full socket is not full for long.
fn write(stream: &Weak<TcpStream>, mut bytes: &[u8]) {
    let Some(stream) = stream.upgrade() else {
        return;
    };
    while !bytes.is_empty() {
        match SockRef::from(&*stream).send(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            // It has gone.
            Err(_) => return,
        }
    }
}

/// `42["blast","crowd",<n>,<payload>]`: so many ticks, in one piece, to everybody.
fn blast(crowd: &Streams, text: &str) -> Option<()> {
    let rest = text.strip_prefix(r#"42["blast","crowd","#)?;
    let (count, payload) = rest.split_once(',')?;
    let tick = [r#"42["tick","#, payload].concat();
    let mut frame = vec![0x81, u8::try_from(tick.len()).ok().filter(|it| *it < 126)?];
    frame.extend(tick.into_bytes());
    let frames = frame.repeat(count.parse().ok()?);
    let crowd = crowd.lock().unwrap_or_else(PoisonError::into_inner);
    for (_, stream) in crowd.iter() {
        write(stream, &frames);
    }
    Some(())
}

async fn serve(stream: Arc<TcpStream>, crowd: &Streams) -> Result<(), Error> {
    let config = WebSocketConfig::default().read_buffer_size(READ);
    let mut socket = accept_async_with_config(Shared(stream.clone()), Some(config)).await?;
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
                if text.starts_with(r#"420["join","#) {
                    push(crowd, &stream);
                    socket.feed(Message::text("430[]")).await?;
                } else if blast(crowd, &text).is_some() {
                } else if let Some(reply) = reply(&text) {
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
