//! What a test's own side (its clients, its waiting) runs on: the simulation if the server does, tokio
//! for all others. Tests use nothing of a runtime but this.

use std::net::SocketAddr;
use std::time::Duration;

use async_tungstenite::tokio::TokioAdapter;
use futures_util::future::{AbortHandle, abortable};
use futures_util::io::{AsyncRead, AsyncWrite};
use sio_driver::binding::Runtime;
use sio_sim::Sim;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// How long anything may take before a test gives up: never a measure, only an end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A client's end of a connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) async fn connect(address: SocketAddr) -> Box<dyn Stream> {
    match Sim::current() {
        Some(sim) => Box::new(sim.connect(address).await.unwrap()),
        None => {
            let stream = TcpStream::connect(address).await.unwrap();
            Box::new(TokioAdapter::new(stream))
        }
    }
}

pub(crate) async fn sleep(time: Duration) {
    match Sim::current() {
        Some(sim) => sim.sleep(time).await,
        None => tokio::time::sleep(time).await,
    }
}

/// Waits inside a handler, which must not know what runs it.
pub(crate) async fn pause(time: Duration) {
    match Sim::current() {
        Some(sim) => sim.sleep(time).await,
        None => {
            smol::Timer::after(time).await;
        }
    }
}

pub(crate) async fn in_time<T>(
    what: &str,
    patience: Duration,
    future: impl Future<Output = T>,
) -> T {
    let (future, end) = (std::pin::pin!(future), std::pin::pin!(sleep(patience)));
    match futures_util::future::select(future, end).await {
        futures_util::future::Either::Left((value, _)) => value,
        futures_util::future::Either::Right(_) => panic!("waited too long for {what}"),
    }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    in_time(what, PATIENCE, future).await
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// A part of the test that runs beside it.
pub(crate) struct Task<T> {
    result: oneshot::Receiver<T>,
    abort: AbortHandle,
}

pub(crate) fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Task<T> {
    let (tell, result) = oneshot::channel();
    let (future, abort) = abortable(future);
    let task = async move {
        if let Ok(value) = future.await {
            // Nobody may want to know.
            let _ = tell.send(value);
        }
    };
    match Sim::current() {
        Some(sim) => sim.spawn(task),
        None => drop(tokio::spawn(task)),
    }
    Task { result, abort }
}

impl<T> Task<T> {
    /// Its result; `None` if it was aborted or has panicked.
    pub(crate) async fn end(self) -> Option<T> {
        self.result.await.ok()
    }

    pub(crate) fn abort(&self) {
        self.abort.abort();
    }
}
