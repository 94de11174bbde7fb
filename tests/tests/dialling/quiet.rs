//! A network that goes away without a word.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::io::{AsyncRead, AsyncWrite};
use sio_driver::client::{BoxStream, Client, Config, Connector, Dialer, Disconnected, Status};
use sio_tokio::TransportKind;

use crate::here::{until, within};
use crate::server::{Heard, builder, served};
use crate::world::{On, World};

/// Makes connections by which nothing more arrives once they are cut.
struct Cut<R> {
    runtime: R,
    address: SocketAddr,
    cut: Arc<AtomicBool>,
    /// How often something was written.
    writes: Arc<AtomicUsize>,
}

struct Line {
    stream: BoxStream,
    cut: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
}

impl<R: Dialer> Connector for Cut<R> {
    fn connect(
        &self,
        _secure: bool,
        _host: &str,
        _port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
        let stream = self.runtime.connect(self.address, None);
        let (cut, writes) = (self.cut.clone(), self.writes.clone());
        Box::pin(async move {
            let stream = stream.await?;
            let line = Line {
                stream,
                cut,
                writes,
            };
            Ok(Box::new(line) as BoxStream)
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
        let written = Pin::new(&mut self.stream).poll_write(cx, buffer);
        if written.is_ready() {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

/// The ways on which a client comes to a WebSocket.
const WAYS: [&[TransportKind]; 2] = [
    &[TransportKind::WebSocket],
    &[TransportKind::Polling, TransportKind::WebSocket],
];

/// A client that asks its server for a sign of life whenever nothing was said for a moment, and what it does that by.
struct Asks<R> {
    client: Client<R>,
    told: Heard,
    cut: Arc<AtomicBool>,
    writes: Arc<AtomicUsize>,
}

impl<R: Dialer> Asks<R> {
    /// `patience`: how long it waits for one.
    fn new(world: &World, runtime: &R, way: &[TransportKind], patience: Duration) -> Self {
        let (cut, writes) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let connector = Cut {
            runtime: runtime.clone(),
            address: world.address,
            cut: cut.clone(),
            writes: writes.clone(),
        };
        let config = Config::v4()
            .reconnection(None)
            .keepalive(Duration::from_millis(20))
            .check_timeout(patience);
        let client = builder(world, runtime.clone()).config(config);
        let client = client.transports(way).connector(connector);
        let client = client.build().unwrap();
        let told = Heard::default();
        let notes = told.clone();
        client
            .socket("/")
            .on_disconnect(move |why: Disconnected| notes.note(why.reason.to_string()));
        Self {
            client,
            told,
            cut,
            writes,
        }
    }
}

/// One that is asked for a sign of life while nothing is said keeps its client, as long as it gives one.
async fn a_server_that_says_nothing_is_asked<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    for way in WAYS {
        // However late the answers are.
        let asks = Asks::new(&world, &runtime, way, Duration::from_secs(3600));
        let socket = asks.client.socket("/");
        within("the namespace", socket.connect()).await.unwrap();
        let count = || asks.writes.load(Ordering::Relaxed);
        // Once it is reached by a WebSocket nothing else is said.
        let before = count();
        until("it to be asked several times", || count() > before + 8).await;
        let answer: u64 = within("an answer", socket.emit_with_ack("echo", &7_u64))
            .await
            .unwrap();
        assert_eq!(answer, 7);
        assert_eq!(asks.told.all(), [""; 0]);
        within("the client to close", asks.client.close()).await;
    }
    world.ends().await;
}

/// And one that gives none loses it, long before the heartbeat is due.
async fn a_server_that_does_not_answer_is_given_up<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    for way in WAYS {
        // On a machine that has much to do the first answer may be late, too: then it is dialled again.
        let asks = loop {
            let asks = Asks::new(&world, &runtime, way, Duration::from_secs(1));
            let entered = asks.client.socket("/").connect();
            if within("the namespace, or none", entered).await.is_ok() {
                break asks;
            }
        };
        // While it polls it is not asked.
        let is_there = || {
            let status = asks.client.status().current();
            let websocket = TransportKind::WebSocket;
            status
                == Status::Connected {
                    transport: websocket,
                }
                || asks.told.len() > 0
        };
        until("a websocket", is_there).await;
        asks.cut.store(true, Ordering::Relaxed);
        until("the end of the connection", || asks.told.len() > 0).await;
        assert_eq!(asks.told.all(), ["ping timeout"]);
        within("the client to close", asks.client.close()).await;
    }
    world.ends().await;
}

on_each_runtime! {
    a_server_that_says_nothing_is_asked,
    a_server_that_does_not_answer_is_given_up,
}
