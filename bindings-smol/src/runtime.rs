//! smol as the driver's runtime.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::SystemTime;

use sio_driver::binding::{Instant, Runtime, system_clock};
use smol::{Executor, Timer};

/// The timers of async-io, and an executor: smol's global one, or one of your own.
///
/// ```
/// use std::sync::{Arc, Weak};
/// use sio_smol::{Config, Io, Smol};
///
/// let executor = Arc::new(smol::Executor::new());
/// let runtime = Smol::on(&executor);
/// let io = Io::new(Config::v4());
/// # let closing = io.clone();
/// # let closed = executor.spawn(async move { closing.close().await });
/// smol::block_on(executor.run(async {
///     let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
///     runtime.serve(listener, io).await
/// }))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Smol {
    /// `None` is the global one. Not held: connections hold this, and the executor holds them.
    executor: Option<Weak<Executor<'static>>>,
}

impl Smol {
    /// On smol's global executor, as [`smol::spawn`] is.
    pub fn new() -> Self {
        Self::default()
    }

    /// On an executor that the application runs, on as many threads as it likes. When it is dropped, so
    /// are its connections.
    pub fn on(executor: &Arc<Executor<'static>>) -> Self {
        Self {
            executor: Some(Arc::downgrade(executor)),
        }
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.executor {
            Some(_) => "Smol(own executor)",
            None => "Smol",
        })
    }
}

/// A timer of async-io.
#[derive(Debug)]
pub struct Sleep {
    inner: Timer,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.inner).poll(cx).map(drop)
    }
}

impl sio_driver::binding::Sleep for Sleep {
    fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.inner.set_at(system_clock::to_std(at));
    }
}

impl Runtime for Smol {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        system_clock::from_std(std::time::Instant::now())
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep {
            inner: Timer::at(system_clock::to_std(at)),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self.executor.as_ref().map(Weak::upgrade) {
            None => smol::spawn(task).detach(),
            Some(Some(executor)) => executor.spawn(task).detach(),
            // Nothing runs any more.
            Some(None) => drop(task),
        }
    }

    /// # Panics
    /// If the operating system has no random source: no session could be safe.
    fn random(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has random bytes");
    }
}
