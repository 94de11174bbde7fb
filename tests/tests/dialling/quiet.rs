//! A network that goes away without a word.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use sio_driver::client::{BoxStream, Config, Connector, Dialer, Disconnected};
use sio_tokio::TransportKind;

use crate::here::{until, within};
use crate::server::{Heard, builder, served};
use crate::world::On;

/// Makes connections by which nothing more arrives once they are cut.
struct Cut<R> {
    runtime: R,
    address: SocketAddr,
    cut: Arc<AtomicBool>,
}

struct Line {
    stream: BoxStream,
    cut: Arc<AtomicBool>,
}

impl<R: Dialer> Connector for Cut<R> {
    fn connect(
        &self,
        _secure: bool,
        _host: &str,
        _port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
        let (stream, cut) = (self.runtime.connect(self.address, None), self.cut.clone());
        Box::pin(async move {
            let stream = stream.await?;
            Ok(Box::new(Line { stream, cut }) as BoxStream)
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.cut.load(Ordering::Relaxed) {
            true => Poll::Pending,
            false => Pin::new(&mut self.stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// One that is asked for a sign of life while nothing is said keeps its client, as long as it gives one: else its
/// client is gone long before the heartbeat is due.
async fn a_server_that_says_nothing_is_asked<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    for way in [
        &[TransportKind::WebSocket][..],
        &[TransportKind::Polling, TransportKind::WebSocket],
    ] {
        let cut = Arc::new(AtomicBool::new(false));
        let connector = Cut {
            runtime: runtime.clone(),
            address: world.address,
            cut: cut.clone(),
        };
        let config = Config::v4()
            .reconnection(None)
            .keepalive(Duration::from_millis(20))
            .check_timeout(Duration::from_secs(4));
        let client = builder(&world, runtime.clone()).config(config);
        let client = client.transports(way).connector(connector);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let told = Heard::default();
        let notes = told.clone();
        socket.on_disconnect(move |why: Disconnected| notes.note(why.reason.to_string()));
        within("the namespace", socket.connect()).await.unwrap();
        // It is asked many times meanwhile, once it is reached by a WebSocket.
        crate::here::pause(Duration::from_millis(400)).await;
        assert_eq!(told.all(), [""; 0]);
        let answer: u64 = within("an answer", socket.emit_with_ack("echo", &7_u64))
            .await
            .unwrap();
        assert_eq!(answer, 7);
        cut.store(true, Ordering::Relaxed);
        until("the end of the connection", || told.len() > 0).await;
        assert_eq!(told.all(), ["ping timeout"]);
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

on_each_runtime! {
    a_server_that_says_nothing_is_asked,
}
