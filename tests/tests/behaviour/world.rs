//! A server on a port of its own, run by one of the runtimes.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use sio_tokio::{Io, Server};
use tokio::sync::oneshot;

use crate::client::{Client, Poller, within};

/// What ends when the server has: with what its `serve` returned.
pub(crate) type Served = oneshot::Receiver<std::io::Result<()>>;

/// One way to run a server, on threads of its own.
pub(crate) trait Host: Sync {
    /// Serves on this listener until the server is closed.
    fn serve(&self, listener: TcpListener, server: Server) -> Served;
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

/// Runs `work` on a thread of its own.
fn apart(work: impl FnOnce() -> std::io::Result<()> + Send + 'static) -> Served {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        // A test that has failed does not listen any more.
        let _ = tell.send(work());
    });
    told
}

impl Host for Tokio {
    fn serve(&self, listener: TcpListener, server: Server) -> Served {
        let workers = self.workers;
        apart(move || {
            let mut builder = match workers {
                0 => tokio::runtime::Builder::new_current_thread(),
                _ => tokio::runtime::Builder::new_multi_thread(),
            };
            if workers > 0 {
                builder.worker_threads(workers);
            }
            builder.enable_all().build()?.block_on(async {
                listener.set_nonblocking(true)?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                sio_tokio::serve_with(listener, server).await
            })
        })
    }
}

impl Host for Smol {
    fn serve(&self, listener: TcpListener, server: Server) -> Served {
        apart(move || {
            let executor = Arc::new(smol::Executor::new());
            let runtime = sio_smol::Smol::on(executor.clone());
            let listener = smol::Async::new(listener)?;
            smol::block_on(executor.run(runtime.serve(listener, server)))
        })
    }
}

impl Host for SmolGlobal {
    fn serve(&self, listener: TcpListener, server: Server) -> Served {
        apart(move || {
            let listener = smol::Async::new(listener)?;
            smol::block_on(sio_smol::serve_with(listener, server))
        })
    }
}

/// Runs a test's clients, which are tokio's whatever the server runs on.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

/// Waits inside a handler, which must not know what runs it.
pub(crate) async fn pause(time: std::time::Duration) {
    smol::Timer::after(time).await;
}

/// A server that is being served.
pub(crate) struct World {
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let served = on.serve(listener, server);
        Self {
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

    /// Nothing is left: every test ends with this.
    pub(crate) async fn ends(self) {
        let Self {
            io,
            address,
            served,
        } = self;
        within("the server to close", io.close()).await;
        let served = within("serve to return", served).await;
        served.unwrap().unwrap();
        assert_eq!(io.engine_sessions(), 0);
        assert_eq!(io.of("/").len(), 0);
        TcpListener::bind(address).unwrap();
    }
}
