//! A machine that is suspended: its clock stands still, and that on the wall runs on.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sio_driver::binding::{Instant, Runtime};
use sio_driver::client::{BoxStream, Dialer, Disconnected};
use sio_tokio::{CloseReason, TransportKind};

use crate::here::{until, within};
use crate::server::{Heard, WAYS, builder, served};
use crate::world::On;

/// A runtime on a machine that was suspended for so many seconds.
#[derive(Clone)]
struct Laptop<R> {
    inside: R,
    slept: Arc<AtomicU64>,
}

impl<R> Laptop<R> {
    fn new(inside: R) -> Self {
        let slept = Arc::default();
        Self { inside, slept }
    }

    fn sleeps(&self, seconds: u64) {
        self.slept.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl<R: Runtime> Runtime for Laptop<R> {
    type Sleep = R::Sleep;

    fn now(&self) -> Instant {
        self.inside.now()
    }

    fn wall_clock(&self) -> SystemTime {
        let slept = self.slept.load(Ordering::Relaxed);
        self.inside.wall_clock() + Duration::from_secs(slept)
    }

    fn sleep_until(&self, at: Instant) -> R::Sleep {
        self.inside.sleep_until(at)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inside.spawn(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.inside.random(bytes);
    }
}

impl<R: Dialer> Dialer for Laptop<R> {
    type Tls = R::Tls;

    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static {
        self.inside.resolve(host, port)
    }

    fn connect(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send + 'static {
        self.inside.connect(to, from)
    }

    fn usual_tls(&self) -> io::Result<R::Tls> {
        self.inside.usual_tls()
    }

    fn secure(
        &self,
        tls: &R::Tls,
        host: &str,
        stream: BoxStream,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send {
        self.inside.secure(tls, host, stream)
    }
}

/// Its server has given it up long ago: so does it, and dials again.
async fn who_slept_dials_again<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let laptop = Laptop::new(runtime.clone());
        let client = builder(&world, laptop.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let told = Heard::default();
        let notes = told.clone();
        socket.on_disconnect(move |why: Disconnected| {
            notes.note(format!("{} {}", why.reason, why.active));
        });
        within("the namespace", socket.connect()).await.unwrap();
        laptop.sleeps(3600);
        // It looks at both clocks whenever something happens.
        socket.emit("say", &"awake").unwrap();
        until("the end of the connection", || told.len() > 0).await;
        assert_eq!(told.all(), ["ping timeout true"]);
        within("the namespace", socket.connect()).await.unwrap();
        let said = heard.len();
        socket.emit("say", &"back").unwrap();
        until("what was said", || {
            heard.all().split_off(said).contains(&"back".to_owned())
        })
        .await;
        assert_eq!(told.len(), 1);
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

/// A plain client notices, too.
async fn a_plain_client_that_slept_is_over<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    for way in [TransportKind::WebSocket, TransportKind::Polling] {
        let laptop = Laptop::new(runtime.clone());
        let plain = builder(&world, laptop.clone()).transports([way]);
        let mut plain = within("a session", plain.connect_engine()).await.unwrap();
        laptop.sleeps(1);
        // It enters a namespace, and is told so.
        plain.send("0").unwrap();
        assert!(within("an answer", plain.next()).await.is_some());
        laptop.sleeps(3600);
        plain.send(r#"2["say","late"]"#).unwrap();
        assert_eq!(within("the end", plain.next()).await, None);
        let closed = plain.closed().map(|closed| closed.reason);
        assert_eq!(closed, Some(CloseReason::PingTimeout));
        within("the client to close", plain.close()).await;
    }
    world.ends().await;
}

on_each_runtime! {
    who_slept_dials_again,
    a_plain_client_that_slept_is_over,
}
