//! Waiting for a socket to be in its namespace.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::builder::Builder;
use super::dialer::Dialer;
use super::error::{BuildError, ConnectError};
use super::inner::{Socket, Waiter};
use crate::sync::BoxFuture;
use crate::sync::one_shot::{Waiting, answer, take_forsaken};

/// A socket on its way into its namespace: a future that ends when it is in, or when it will not be by itself.
///
/// It goes on whether this is awaited or not. While the client dials again and again, so does this wait: see
/// [`within`](Self::within).
#[derive(Debug)]
pub struct Connect {
    socket: Socket,
    waiting: Waiting<Result<(), ConnectError>>,
    limit: Limit,
}

/// How long it may take.
struct Limit(Option<BoxFuture<()>>);

impl Socket {
    /// Wants to be in its namespace, and dials if need be. [`Connect`] only waits: for `Ok` when it is in, for
    /// [`ConnectError::Refused`] and its like when it is not let in, for [`ConnectError::GaveUp`] when it was dialled
    /// often enough, or when a connection was lost before and is not to be dialled again.
    pub fn connect(&self) -> Connect {
        self.wait(false)
    }

    /// The same without waiting.
    pub fn open(&self) {
        self.start();
    }

    /// The same, but the first failure ends the wait.
    pub(super) fn connect_at_once(&self) -> Connect {
        self.wait(true)
    }

    fn wait(&self, hasty: bool) -> Connect {
        let (give, waiting) = answer();
        let waiter = Waiter {
            answer: give,
            hasty,
        };
        let shared = self.shared();
        let mut forsaken = Vec::new();
        {
            let mut rest = self.inner.rest();
            if shared.gone.is_raised() {
                drop(rest);
                waiter.answer.give(Err(ConnectError::Closed));
            } else if self.connected() {
                drop(rest);
                waiter.answer.give(Ok(()));
            } else {
                forsaken = take_forsaken(&mut rest.waiters, |it| &it.answer);
                rest.waiters.push(waiter);
            }
        }
        drop(forsaken);
        self.start();
        Connect {
            socket: self.clone(),
            waiting,
            limit: Limit(None),
        }
    }

    fn start(&self) {
        let key = self.inner.key;
        self.shared()
            .with(|state, now| state.machine.open(now, key));
        if let Some(alive) = &self.alive {
            alive.start();
        }
    }
}

impl Connect {
    /// Ends the trying, too, if it is not in after so long: with [`ConnectError::Timeout`], and the socket wants
    /// nothing any more.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.limit = Limit(Some(self.socket.shared().face.sleep(time)));
        self
    }
}

impl Future for Connect {
    type Output = Result<(), ConnectError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Poll::Ready(outcome) = Pin::new(&mut this.waiting).poll(cx) {
            return Poll::Ready(outcome.unwrap_or(Err(ConnectError::Closed)));
        }
        if let Some(limit) = &mut this.limit.0
            && limit.as_mut().poll(cx).is_ready()
        {
            this.limit.0 = None;
            this.socket.disconnect();
            return Poll::Ready(Err(ConnectError::Timeout));
        }
        Poll::Pending
    }
}

impl std::fmt::Debug for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "within",
            None => "none",
        })
    }
}

/// A socket in the namespace that is the path of this URL, of a client of its own with everything as it usually is.
/// One failure ends the trying.
///
/// # Errors
/// The URL is none, or the first attempt has failed.
pub async fn connect_on<R: Dialer>(runtime: R, url: &str) -> Result<Socket, FirstError> {
    let builder = Builder::new(runtime, url)?;
    let namespace = builder.namespace().to_owned();
    let socket = builder.build()?.socket(namespace);
    socket.connect_at_once().await?;
    Ok(socket)
}

/// Why there is no socket at once.
#[derive(Debug)]
#[non_exhaustive]
pub enum FirstError {
    /// There cannot be one.
    Build(BuildError),
    /// The first attempt has failed.
    Connect(ConnectError),
}

impl From<BuildError> for FirstError {
    fn from(why: BuildError) -> Self {
        Self::Build(why)
    }
}

impl From<ConnectError> for FirstError {
    fn from(why: ConnectError) -> Self {
        Self::Connect(why)
    }
}

impl std::fmt::Display for FirstError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Build(why) => why.fmt(f),
            Self::Connect(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for FirstError {}
