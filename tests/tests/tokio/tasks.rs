//! Its tasks: how many there are, and what is left when they are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use async_tungstenite::tokio::TokioAdapter;
use futures_util::future::join_all;
use sio_driver::binding::{Instant, Runtime, serve_stream};
use sio_tokio::{Io, Remote, Server, Sleep, Socket, Tokio};
use tokio::net::TcpListener;

use crate::client::{Client, Poller, calm};
use crate::here::within;

/// tokio, with the tasks counted that the driver spawns.
#[derive(Clone, Default)]
struct Counting {
    tasks: Arc<AtomicUsize>,
}

impl Runtime for Counting {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Tokio.now()
    }

    fn wall_clock(&self) -> SystemTime {
        Tokio.wall_clock()
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Tokio.sleep_until(at)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Tokio.spawn(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        Tokio.random(bytes);
    }
}

#[tokio::test]
async fn one_task_for_each_connection() {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("echo", |socket: Socket| socket.emit("echoed", &()));
    main.on("later", async |socket: Socket| {
        tokio::task::yield_now().await;
        socket.emit("echoed", &())
    });
    let runtime = Counting::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(io.clone());
    let counting = runtime.clone();
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, from) = listener.accept().await.unwrap();
            let stream = TokioAdapter::new(stream);
            let served = serve_stream(
                counting.clone(),
                server.clone(),
                stream,
                Remote::plain(from),
            );
            // The task of the stream itself.
            tokio::spawn(served);
        }
    });
    let mut clients = join_all((0..10).map(|_| Client::open(address, ""))).await;
    for client in &mut clients {
        client.enter("").await;
        for event in ["echo", "later"] {
            client.send(&format!(r#"42["{event}"]"#)).await;
            client.expect(r#"42["echoed"]"#).await;
        }
    }
    // A stream that became a WebSocket lives on in its own task: nothing was spawned besides.
    assert_eq!(runtime.tasks.load(Ordering::Relaxed), 0);

    // A polling session has one, however many requests there are.
    let poller = Poller::open(address).await;
    poller.enter().await;
    poller.post(r#"42["later"]"#).await;
    poller.poll().await;
    assert_eq!(runtime.tasks.load(Ordering::Relaxed), 1);
    drop(clients);
    within("the end", io.close()).await;
    accepting.abort();
}
