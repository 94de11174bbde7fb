//! A client of Engine.IO alone: messages, without what Socket.IO makes of them.
//!
//! A [`Client`] is one session, from its open packet to its end: it is not dialled again, and nothing is kept for
//! the next one. One task of the runtime carries it out, with one timer, as for clients of Socket.IO.

mod link;
mod task;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};

use futures_core::Stream;
use sio_core::client::Session;
use sio_core::engine::{Message, TransportKind};
use sio_core::id::Sid;

use super::builder::Builder;
use super::connect::FirstError;
use super::dialer::Dialer;
use super::error::ConnectError;
use super::queue::{Inbox, Overflow, Queue};
use super::task::Plan;
use crate::error::EmitError;
use crate::sync::one_shot::answer;
use crate::sync::signal::Signal;

pub use link::Closed;
use link::{Link, State};

pub(super) use task::Task;

/// One session of Engine.IO, as its client has it.
///
/// Messages come by [`next`](Self::next), or by the [`Stream`] that it is: while more of them wait than 1 MiB, the
/// client reads no further. [`Sender`]s can be kept elsewhere. When it is dropped it is closed, politely, in the
/// background.
pub struct Client {
    link: Arc<Link>,
}

/// Sends on the session of a [`Client`]. Cheap to clone, usable from any task or thread; it keeps no session open.
#[derive(Clone)]
pub struct Sender {
    link: Arc<Link>,
}

/// Messages that may wait to be taken, each with 128 bytes beside its content, before no more are read.
const WAITING: Inbox = Inbox::new(8192, Overflow::Wait);

impl<R: Dialer> Builder<R> {
    /// Dials, and speaks Engine.IO without Socket.IO: credentials, [`on_dial`](Self::on_dial), cookies, and what is
    /// done about reconnection, have no meaning there. Servers usually are at the [path](Self::path) `/engine.io/`.
    ///
    /// # Errors
    /// An option is wrong, or there is no connection.
    pub async fn connect_engine(self) -> Result<Client, FirstError> {
        let (runtime, plan) = self.plain()?;
        let (task, opened) = begin(runtime.clone(), plan);
        runtime.spawn(task);
        opened.await
    }
}

/// A session, which the task carries out, and its client, once it is open. Whoever stops to wait for that gives it up.
pub(super) fn begin<R: Dialer>(
    runtime: R,
    plan: Plan<R>,
) -> (Task<R>, impl Future<Output = Result<Client, FirstError>>) {
    let mut seed = [0; 16];
    runtime.random(&mut seed);
    let config = plan.way.config.clone();
    let session = Session::new(runtime.now(), 0, seed, plan.dial, config);
    let (give, opened) = answer();
    let clock = runtime.clone();
    let link = Arc::new(Link {
        state: Mutex::new(State {
            session,
            opening: Some(give),
            sleeper: None,
            touched: false,
        }),
        clock: Box::new(move || clock.now()),
        messages: Queue::new(WAITING),
        sid: OnceLock::new(),
        closed: OnceLock::new(),
        gone: Signal::default(),
    });
    let client = Client { link: link.clone() };
    let opened = async move {
        match opened.await {
            Some(Ok(())) => Ok(client),
            Some(Err(why)) => Err(ConnectError::Transport(why).into()),
            None => Err(ConnectError::Closed.into()),
        }
    };
    (Task::new(runtime, plan.way, link), opened)
}

/// A session with the server of this URL, at `/engine.io/`, with everything as it usually is.
///
/// # Errors
/// The URL is none, or there is no connection.
pub async fn connect_on<R: Dialer>(runtime: R, url: &str) -> Result<Client, FirstError> {
    let builder = Builder::new(runtime, url)?.path("/engine.io/");
    builder.connect_engine().await
}

impl Client {
    /// Sends a message.
    ///
    /// # Errors
    /// The session has ended, or as much waits as may
    /// ([`max_backlog_bytes`](sio_core::client::Config::max_backlog_bytes)).
    pub fn send(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        self.link.send(message.into(), false)
    }

    /// Sends a message that may be lost: it is dropped if it cannot leave at once.
    ///
    /// # Errors
    /// The session has ended.
    pub fn send_volatile(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        self.link.send(message.into(), true)
    }

    /// The next message; `None`: it is over.
    pub async fn next(&mut self) -> Option<Message> {
        poll_fn(|cx| self.link.poll_next(cx)).await
    }

    /// Something that sends, to be kept elsewhere.
    pub fn sender(&self) -> Sender {
        let link = self.link.clone();
        Sender { link }
    }

    /// The session's id, which is there from the first. A secret: whoever knows it can speak as this client.
    pub fn sid(&self) -> Option<&Sid> {
        self.link.sid.get()
    }

    /// The transport in use; the last one, once it is over.
    pub fn transport(&self) -> TransportKind {
        self.link.lock().session.transport()
    }

    /// Bytes that wait to be sent.
    pub fn backlog(&self) -> usize {
        self.link.lock().session.backlog_bytes()
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.link.lock().session.is_open()
    }

    /// How it has ended, once it has.
    pub fn closed(&self) -> Option<&Closed> {
        self.link.closed.get()
    }

    /// Closes it after what is queued has left, and waits until nothing is left of it.
    pub async fn close(self) {
        self.link.with(|state, now| state.session.close(now));
        // What still comes is taken by nobody.
        self.link.messages.abandon();
        self.link.with(|_, _| ());
        Signal::wait(Gone(self.link.clone())).await;
    }
}

impl Sender {
    /// Sends a message.
    ///
    /// # Errors
    /// As for [`Client::send`].
    pub fn send(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        self.link.send(message.into(), false)
    }

    /// Sends a message that may be lost.
    ///
    /// # Errors
    /// As for [`Client::send_volatile`].
    pub fn send_volatile(&self, message: impl Into<Message>) -> Result<(), EmitError> {
        self.link.send(message.into(), true)
    }
}

impl Stream for Client {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.link.poll_next(cx)
    }
}

struct Gone(Arc<Link>);

impl AsRef<Signal> for Gone {
    fn as_ref(&self) -> &Signal {
        &self.0.gone
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.link.messages.abandon();
        self.link.with(|state, now| state.session.close(now));
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("transport", &self.transport())
            .field("closed", &self.closed())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
