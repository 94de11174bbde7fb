//! A server with an address of its own, run by one of the runtimes.

#[path = "replayed.rs"]
mod replayed;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sio_driver::binding::Runtime;
use sio_driver::cluster::{Broker, Cluster, Event, InMemoryBroker, Options, Order};
use sio_sim::Sim;
use sio_tokio::{Io, Server};
use tokio::sync::oneshot;

use crate::client::{Client, Poller};
use crate::here::{sleep, until, within};

/// What ends when the server has: with what its `serve` returned.
pub(crate) type Served = oneshot::Receiver<std::io::Result<()>>;

/// One way to run a server, on threads of its own.
pub(crate) trait Host: Sync {
    /// Serves, somewhere, until the server is closed.
    fn serve(&self, server: Server) -> (SocketAddr, Served);

    /// The threads that it starts besides those it was given, by name.
    fn threads(&self) -> &'static [&'static str] {
        &[]
    }

    /// Joins a cluster, on threads of its own, until the link ends.
    #[allow(dead_code, reason = "faults/ does not")]
    fn join(&self, broker: InMemoryBroker, options: Options) -> Cluster;

    /// Whether one could listen there.
    fn is_free(&self, address: SocketAddr) -> bool {
        TcpListener::bind(address).is_ok()
    }
}

/// What a test runs on.
pub(crate) type On = &'static dyn Host;

/// tokio, with so many worker threads; with none, its current-thread runtime.
pub(crate) struct Tokio {
    pub(crate) workers: usize,
}

/// smol, on an executor of its own and one thread.
pub(crate) struct Smol;

/// smol, on the global executor.
pub(crate) struct SmolGlobal;

/// Serves on a port of its own, on a thread of its own.
pub(crate) fn apart(
    serve: impl FnOnce(TcpListener) -> std::io::Result<()> + Send + 'static,
) -> (SocketAddr, Served) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        // A test that has failed does not listen any more.
        let _ = tell.send(serve(listener));
    });
    (address, told)
}

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = match workers {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().unwrap()
}

/// A broker that tells when its link ends.
struct Watched {
    broker: InMemoryBroker,
    /// Dropped with it.
    _end: oneshot::Sender<()>,
}

impl Broker for Watched {
    fn order(&mut self, order: Order) {
        self.broker.order(order);
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.broker.poll_event(cx)
    }
}

/// Joins a cluster on a thread of its own: `run` is told by what, and what it is to wait for.
fn joined(
    broker: InMemoryBroker,
    run: impl FnOnce(Watched, std::sync::mpsc::Sender<Cluster>, oneshot::Receiver<()>) + Send + 'static,
) -> Cluster {
    let (end, ended) = oneshot::channel();
    let watched = Watched { broker, _end: end };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || run(watched, tell, ended));
    told.recv().expect("it is joined")
}

impl Host for Tokio {
    fn join(&self, broker: InMemoryBroker, options: Options) -> Cluster {
        let workers = self.workers;
        joined(broker, move |broker, tell, ended| {
            runtime(workers).block_on(async {
                let cluster = Cluster::join(&sio_tokio::Tokio, broker, options);
                tell.send(cluster).unwrap();
                drop(tell);
                let _ = ended.await;
            });
        })
    }

    fn threads(&self) -> &'static [&'static str] {
        match self.workers {
            0 => &[],
            _ => &["tokio-rt-worker"; 2],
        }
    }

    fn serve(&self, server: Server) -> (SocketAddr, Served) {
        let workers = self.workers;
        apart(move |listener| {
            runtime(workers).block_on(async {
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                sio_tokio::serve(listener, server).await
            })
        })
    }
}

impl Host for Smol {
    fn join(&self, broker: InMemoryBroker, options: Options) -> Cluster {
        joined(broker, move |broker, tell, ended| {
            let executor = Arc::new(smol::Executor::new());
            let runtime = sio_smol::Smol::on(&executor);
            tell.send(Cluster::join(&runtime, broker, options)).unwrap();
            drop(tell);
            let _ = smol::block_on(executor.run(ended));
        })
    }

    fn threads(&self) -> &'static [&'static str] {
        &["async-io"]
    }

    fn serve(&self, server: Server) -> (SocketAddr, Served) {
        apart(move |listener| {
            let executor = Arc::new(smol::Executor::new());
            let listener = smol::Async::new(listener)?;
            let serving = sio_smol::Smol::on(&executor).serve(listener, server);
            smol::block_on(executor.run(serving))
        })
    }
}

impl Host for SmolGlobal {
    fn join(&self, broker: InMemoryBroker, options: Options) -> Cluster {
        Cluster::join(&sio_smol::Smol::new(), broker, options)
    }

    fn threads(&self) -> &'static [&'static str] {
        &["async-io", "smol-1"]
    }

    fn serve(&self, server: Server) -> (SocketAddr, Served) {
        apart(move |listener| {
            let listener = smol::Async::new(listener)?;
            smol::block_on(sio_smol::serve(listener, server))
        })
    }
}

/// The simulation.
pub(crate) struct Simulated;

impl Host for Simulated {
    fn join(&self, broker: InMemoryBroker, options: Options) -> Cluster {
        let sim = Sim::current().expect("a test runs in it");
        Cluster::join(&sim.at([10, 0, 0, 2]), broker, options)
    }

    fn serve(&self, server: Server) -> (SocketAddr, Served) {
        let host = [10, 0, 0, 2];
        let sim = Sim::current().expect("a test runs in it").at(host);
        let mut ports = (3000..).map(|port| SocketAddr::from((host, port)));
        let free = ports.find_map(|address| Some((address, sim.listen(address).ok()?)));
        let (address, listener) = free.expect("a port is free");
        let (tell, told) = oneshot::channel();
        let serving = sim.clone();
        sim.spawn(async move {
            let _ = tell.send(serving.serve(listener, server).await);
        });
        (address, told)
    }

    fn is_free(&self, address: SocketAddr) -> bool {
        let sim = Sim::current().expect("a test runs in it");
        sim.listen(address).is_ok()
    }
}

/// Runs a test whose server has threads of its own; the test's side is tokio's.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// Runs a test in the simulation: twice with the same seed, which must be the same to the last byte, and
/// with others, which must not. The variable `SIO_SIM_SEED` names one seed to run instead.
pub(crate) fn simulate<F: Future<Output = ()>>(test: impl Fn() -> F) {
    let play = |seed| {
        let sim = Sim::new(seed);
        sim.run(test());
        assert_eq!(sim.left(), Vec::<String>::new(), "tasks that are left");
        sim
    };
    if let Ok(seed) = std::env::var("SIO_SIM_SEED") {
        play(seed.parse().expect("SIO_SIM_SEED is a number"));
        return;
    }
    let sim = play(1);
    replayed::check(&sim.history());
    let first = sim.trace();
    first.assert_same(&play(1).trace());
    // A short story may go the same way by chance.
    let schedule = first.schedule();
    assert!((2..10).any(|seed| play(seed).trace().schedule() != schedule));
}

/// A server that is being served.
pub(crate) struct World {
    on: On,
    pub(crate) io: Io,
    pub(crate) address: SocketAddr,
    pub(crate) served: Served,
}

impl World {
    pub(crate) async fn new(on: On, io: Io) -> Self {
        let server = Server::new(io.clone());
        Self::serving(on, io, server).await
    }

    pub(crate) async fn serving(on: On, io: Io, server: Server) -> Self {
        let (address, served) = on.serve(server);
        Self {
            on,
            io,
            address,
            served,
        }
    }

    /// A WebSocket client that is in no namespace yet.
    pub(crate) async fn open(&self) -> Client {
        Client::open(self.address, "").await
    }

    /// A WebSocket client in `/`, and its socket id.
    pub(crate) async fn join(&self) -> (Client, String) {
        let mut client = self.open().await;
        let id = client.enter("").await;
        (client, id)
    }

    pub(crate) async fn poller(&self) -> Poller {
        Poller::open(self.address).await
    }

    /// The same in the place of a session that has ended, which counts until it is wound up, a moment later.
    pub(crate) async fn poller_instead(&self) -> Poller {
        within("room for another", async {
            loop {
                if let Some(poller) = Poller::knock(self.address).await {
                    return poller;
                }
                sleep(Duration::from_millis(2)).await;
            }
        })
        .await
    }

    /// Nothing is left: every test ends with this.
    pub(crate) async fn ends(self) {
        let Self {
            on,
            io,
            address,
            served,
        } = self;
        within("the server to close", io.close()).await;
        let served = within("serve to return", served).await;
        served.unwrap().unwrap();
        assert_eq!(io.engine_sessions(), 0);
        assert_eq!(io.of("/").len(), 0);
        // A process that another test has just started holds the listener, too, until it runs its own programme.
        until("the port to be free", || on.is_free(address)).await;
    }
}
