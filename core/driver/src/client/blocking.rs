//! Clients for programs that have no runtime: their calls wait where they are made.
//!
//! A [`Client`] has a thread for itself, which runs its one task and nothing else. It begins when the client is built
//! and ends when the client has closed, or its last handle is dropped. All that does not wait is the other clients',
//! and is reached through these: a [`Socket`] of this module is one of [theirs](crate::client::Socket), too.
//!
//! The calls may be made on any thread, those of a runtime included, on which nothing else goes on meanwhile. But
//! handlers and hooks run on their client's thread, and must not wait there: they are told [`InHandler`].

mod emitter;
pub mod engine;
mod iter;
mod thread;
mod wait;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sio_core::packet::{FromArgs, IntoArgs};

use super::builder::Builder;
use super::connect::FirstError;
use super::emitter::Retry;
use super::error::{BuildError, ConnectError};
use super::events::Events;
use super::handles::{self, Handlers};
use super::inner;
use super::queue::Inbox;
use super::status::Watch;
use crate::error::{AckError, EmitError};

pub use emitter::Emitter;
pub use iter::{Iter, NextError};
pub use thread::OwnThread;
pub use wait::{InHandler, WaitError};

use thread::{Apart, Thread};
use wait::{may_wait, outcome, wait, wait_until};

/// A client with a thread of its own: [`client::Client`](crate::client::Client), with calls that wait.
///
/// Cheap to clone; all clones are the same client. When the last handle of it is dropped, of the client itself, of
/// one of its sockets or of a socket's events, it is closed, politely, in the background, and its thread ends.
pub struct Client<R> {
    inner: handles::Client<R>,
    thread: Arc<Thread>,
}

/// A namespace of a server: [`client::Socket`](crate::client::Socket), with calls that wait.
///
/// Handlers are given one of those.
#[derive(Clone)]
pub struct Socket {
    inner: inner::Socket,
    thread: Arc<Thread>,
}

impl<R: OwnThread> Builder<R> {
    /// A client with a thread of its own, whose calls wait. Nothing is dialled yet.
    ///
    /// # Errors
    /// As [`build`](Self::build), and [`BuildError::Thread`].
    pub fn build_blocking(mut self) -> Result<Client<R>, BuildError> {
        let (runtime, drive, door) = R::apart().map_err(BuildError::Thread)?;
        self.runtime = runtime;
        let mut thread = None;
        let inner = self.build_on(|runtime, plan| {
            let begun = Apart::begin(runtime, plan, drive, door);
            let (face, handle) = begun.map_err(BuildError::Thread)?;
            thread = Some(handle);
            Ok(Box::new(face))
        })?;
        // What is asked before anything is dialled runs out of time, too.
        inner.alive.start();
        let thread = Arc::new(Thread::new(thread));
        Ok(Client { inner, thread })
    }
}

/// A socket in the namespace that is the path of this URL, of a client of its own with everything as it usually is.
/// One failure ends the trying.
///
/// # Errors
/// The URL is none, or the first attempt has failed.
pub fn connect_on<R: OwnThread>(runtime: R, url: &str) -> Result<Socket, WaitError<FirstError>> {
    may_wait()?;
    let failed = |why: BuildError| WaitError::Failed(why.into());
    let builder = Builder::new(runtime, url).map_err(failed)?;
    let namespace = builder.namespace().to_owned();
    let socket = builder.build_blocking().map_err(failed)?.socket(namespace);
    match wait(socket.connect_at_once()) {
        Ok(()) => Ok(socket),
        Err(why) => Err(WaitError::Failed(why.into())),
    }
}

impl<R> Client<R> {
    /// The socket of a namespace: the same one each time. It does nothing until it is told to connect.
    ///
    /// # Panics
    /// There are [`max_namespaces`](sio_core::client::Config::max_namespaces) others.
    pub fn socket(&self, namespace: impl AsRef<str>) -> Socket {
        self.with(self.inner.socket(namespace))
    }

    /// The same with handlers that it has in common with others, if it was not there yet.
    ///
    /// # Panics
    /// As [`socket`](Self::socket).
    pub fn socket_with(&self, namespace: impl AsRef<str>, handlers: &Handlers) -> Socket {
        self.with(self.inner.socket_with(namespace, handlers))
    }

    /// What it is doing: each status that is another one than that which was seen last.
    pub fn status(&self) -> Iter<Watch> {
        Iter::new(self.inner.status())
    }

    /// Closes it for good, and waits until nothing is left of it: its sockets leave, what was emitted before leaves
    /// too, within [`close_timeout`](sio_core::client::Config::close_timeout), and its thread ends.
    ///
    /// # Errors
    /// A handler has called it. It is not closed.
    pub fn close(&self) -> Result<(), InHandler> {
        may_wait()?;
        wait(self.inner.close());
        self.thread.join();
        Ok(())
    }

    fn with(&self, inner: inner::Socket) -> Socket {
        let thread = self.thread.clone();
        Socket { inner, thread }
    }
}

impl Socket {
    /// Wants to be in its namespace, dials if need be, and waits until it is in. While the client dials again and
    /// again, so does this wait: see [`connect_within`](Self::connect_within).
    ///
    /// # Errors
    /// It is not let in, was dialled often enough, or a connection was lost before and is not to be dialled again.
    pub fn connect(&self) -> Result<(), WaitError<ConnectError>> {
        outcome(|| self.inner.connect())
    }

    /// The same, and ends the trying, too, if it is not in after so long: with [`ConnectError::Timeout`], and the
    /// socket wants nothing any more.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), or it took too long.
    pub fn connect_within(&self, time: Duration) -> Result<(), WaitError<ConnectError>> {
        may_wait()?;
        // By this thread's clock: a runtime's timer is its runtime's, on whose thread this is not. Beyond what the
        // clock knows is for ever.
        let until = Instant::now().checked_add(time);
        match wait_until(self.inner.connect(), until) {
            Some(outcome) => outcome.map_err(WaitError::Failed),
            None => {
                self.inner.disconnect();
                Err(WaitError::Failed(ConnectError::Timeout))
            }
        }
    }

    /// Emits, waits for the server's answer, and decodes it as `T`.
    ///
    /// # Errors
    /// There is none in time ([`ack_timeout`](sio_core::client::Config::ack_timeout)), it is none of that type, or
    /// the event was not sent.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<T, WaitError<AckError>> {
        outcome(|| self.inner.emit_with_ack(event, args))
    }

    /// What may be lost: it is dropped unless there is a connection for it now.
    pub fn volatile(&self) -> Emitter {
        Emitter::new(self.inner.volatile())
    }

    /// The time for an answer.
    pub fn timeout(&self, time: Duration) -> Emitter {
        Emitter::new(self.inner.timeout(time))
    }

    /// Whether it may be compressed, where compression is on.
    pub fn compress(&self, yes: bool) -> Emitter {
        Emitter::new(self.inner.compress(yes))
    }

    /// Emits with an answer until there is one, so often besides the first time. It may arrive more than once.
    pub fn retry(&self, times: impl Into<Retry>) -> Emitter {
        Emitter::new(self.inner.retry(times))
    }

    /// Waits until there is room again for what was refused as [`EmitError::Full`].
    ///
    /// # Errors
    /// The client is closed.
    pub fn ready(&self) -> Result<(), WaitError<EmitError>> {
        outcome(|| self.inner.ready())
    }

    /// Waits until all that it has emitted until now has left.
    ///
    /// # Errors
    /// It is not known whether it has, as of the future that
    /// [`client::Socket::flushed`](crate::client::Socket::flushed) gives.
    pub fn flushed(&self) -> Result<(), WaitError<EmitError>> {
        outcome(|| self.inner.flushed())
    }

    /// Its events from now on, of which so many may wait. They end when the client is closed.
    pub fn events(&self, inbox: Inbox) -> Iter<Events> {
        Iter::new(self.inner.events(inbox))
    }

    /// Closes its client, with all sockets: [`Client::close`].
    ///
    /// # Errors
    /// A handler has called it. It is not closed.
    pub fn close_client(&self) -> Result<(), InHandler> {
        may_wait()?;
        wait(self.inner.close_client());
        self.thread.join();
        Ok(())
    }
}

impl<R> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            thread: self.thread.clone(),
        }
    }
}

impl<R> Deref for Client<R> {
    type Target = handles::Client<R>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl Deref for Socket {
    type Target = inner::Socket;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<R> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Socket {}
