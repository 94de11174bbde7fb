//! Streams of the application's that panic.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::io::{AsyncRead, AsyncWrite};
use sio_driver::client::{BoxStream, ConnectError, Connector, Dialer, Status};
use sio_tokio::{AckError, TransportKind};

use crate::here::within;
use crate::server::{builder, served};
use crate::world::On;

/// Makes connections of which nothing can be read any more once they are broken.
struct Broken<R> {
    runtime: R,
    address: SocketAddr,
    breaks: Arc<AtomicBool>,
}

struct Line {
    stream: BoxStream,
    breaks: Arc<AtomicBool>,
}

impl<R: Dialer> Connector for Broken<R> {
    fn connect(
        &self,
        _secure: bool,
        _host: &str,
        _port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
        let stream = self.runtime.connect(self.address, None);
        let breaks = self.breaks.clone();
        Box::pin(async move {
            let stream = stream.await?;
            Ok(Box::new(Line { stream, breaks }) as BoxStream)
        })
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        assert!(!self.breaks.load(Ordering::Relaxed), "on purpose");
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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

/// Whoever waits for it hears that it has ended, and others on its executor do not notice.
async fn a_stream_that_panics_ends_its_client_alone<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let other = builder(&world, runtime.clone()).build().unwrap();
    let others = other.socket("/");
    within("the other", others.connect()).await.unwrap();
    for way in [TransportKind::WebSocket, TransportKind::Polling] {
        let breaks = Arc::<AtomicBool>::default();
        let broken = || Broken {
            runtime: runtime.clone(),
            address: world.address,
            breaks: breaks.clone(),
        };
        let client = builder(&world, runtime.clone()).transports([way]);
        let client = client.connector(broken()).build().unwrap();
        let socket = client.socket("/");
        within("the namespace", socket.connect()).await.unwrap();
        let plain = builder(&world, runtime.clone()).transports([way]);
        let plain = plain.path("/socket.io/").connector(broken());
        let mut plain = within("a session", plain.connect_engine()).await.unwrap();
        breaks.store(true, Ordering::Relaxed);
        let asked = within("an end", socket.emit_with_ack::<u64>("echo", &7_u64)).await;
        assert_eq!(asked, Err(AckError::Disconnected));
        let again = within("a word", socket.connect()).await;
        assert!(matches!(again, Err(ConnectError::Closed)), "{again:?}");
        within("its end", client.close()).await;
        assert!(matches!(client.status().current(), Status::Closed));
        let _ = plain.send("40");
        assert_eq!(within("the end of the session", plain.next()).await, None);
        let answer: u64 = within("an answer", others.emit_with_ack("echo", &8_u64))
            .await
            .unwrap();
        assert_eq!(answer, 8);
    }
    within("the other to close", other.close()).await;
    world.ends().await;
}

on_each_runtime! {
    a_stream_that_panics_ends_its_client_alone,
}
