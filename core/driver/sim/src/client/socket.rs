//! A client in a namespace.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sio_driver::app::SocketId;
use sio_driver::app::core::packet::{FromArgs, IntoArgs};
use sio_driver::client::{DisconnectReason, Emitter};

use super::answer::AckFuture;
use super::error::ClientError;
use super::event::Event;
use super::handle::{Client, Seat};
use super::heard::Inner;

/// A client in a namespace, as [`Builder::connect`](super::Builder::connect) gives it. Cheap to clone.
///
/// What the server sends waits until it is [expected](Self::expect).
#[derive(Clone)]
pub struct Socket {
    client: Client,
    seat: Arc<Seat>,
    emitter: Emitter,
}

impl Socket {
    pub(super) fn new(client: Client, seat: Arc<Seat>) -> Self {
        Self {
            emitter: seat.socket.compress(true),
            client,
            seat,
        }
    }

    /// Its client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for the namespace, and waits until it is in.
    ///
    /// # Errors
    /// It is refused, or not in after its patience.
    pub async fn connect(&self) -> Result<(), ClientError> {
        self.open();
        self.connected().await
    }

    /// Asks for the namespace, without waiting.
    pub fn open(&self) {
        self.look(|inner| inner.refused = None);
        self.seat.socket.open();
    }

    /// Waits until it is in its namespace.
    ///
    /// # Errors
    /// It is refused, or not in after its patience.
    pub async fn connected(&self) -> Result<(), ClientError> {
        self.wait("being connected", |inner| match inner.refused.take() {
            Some(why) => Some(Err(ClientError::Refused(why))),
            None => inner.connected.then_some(Ok(())),
        })
        .await
    }

    /// Waits until it is disconnected, or takes the first time that it was and nobody has taken. Why it was.
    ///
    /// # Errors
    /// It is connected still after its patience.
    pub async fn disconnected(&self) -> Result<&'static str, ClientError> {
        let ended = |inner: &mut Inner| inner.ends.pop_front().map(Ok);
        let reason = self.wait("being disconnected", ended);
        reason.await.map(DisconnectReason::as_str)
    }

    /// The first time that it was disconnected and nobody has taken, by its reason; `None`: there is none.
    pub fn ended(&self) -> Option<&'static str> {
        let ended = self.look(|inner| inner.ends.pop_front());
        ended.map(DisconnectReason::as_str)
    }

    /// Leaves the namespace.
    pub fn disconnect(&self) {
        self.seat.socket.disconnect();
    }

    /// Whether it is in its namespace.
    pub fn is_connected(&self) -> bool {
        self.look(|inner| inner.connected)
    }

    /// Its id, the last if it is not connected.
    pub fn id(&self) -> Option<SocketId> {
        self.look(|inner| inner.id.clone())
    }

    /// Whether it is the socket that it was before it was cut off, which has missed nothing.
    pub fn is_recovered(&self) -> bool {
        self.look(|inner| inner.recovered)
    }

    /// Sends an event. While it is not connected, what it says is kept.
    ///
    /// # Errors
    /// The arguments cannot be written, or too much is kept.
    pub fn emit(&self, name: &str, args: &(impl IntoArgs + ?Sized)) -> Result<(), ClientError> {
        // What is volatile may be dropped.
        self.emitter
            .emit(name, args)
            .map(drop)
            .map_err(ClientError::from)
    }

    /// Sends an event, and asks for an answer. It is sent at once, awaited or not.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        let asked = self.emitter.emit_with_ack(name, args);
        AckFuture::wait(&self.client.handle.sim, asked)
    }

    /// The same socket, whose emits are dropped when it is not ready for them.
    #[must_use]
    pub fn volatile(&self) -> Self {
        let mut socket = self.clone();
        socket.emitter = socket.emitter.volatile();
        socket
    }

    /// The same socket, whose emits with ack wait so long. 10 s.
    #[must_use]
    pub fn timeout(&self, timeout: Duration) -> Self {
        let mut socket = self.clone();
        socket.emitter = socket.emitter.timeout(timeout);
        socket
    }

    /// The next event of this name that it was sent and nobody has taken, by its arguments. Those of other names
    /// stay. If the server waits for an answer it gets an empty one; [`expect_event`](Self::expect_event) leaves that
    /// to the caller.
    ///
    /// # Errors
    /// None comes within its patience, or it has other arguments.
    pub async fn expect<T: FromArgs>(&self, name: &str) -> Result<T, ClientError> {
        let event = self.expect_event(name).await?;
        let args = event.args()?;
        event.answer(&())?;
        Ok(args)
    }

    /// The same, with all that belongs to it.
    ///
    /// # Errors
    /// None comes within its patience.
    pub async fn expect_event(&self, name: &str) -> Result<Event, ClientError> {
        self.wait(&format!("{name:?}"), |inner| {
            let events = &mut inner.events;
            let at = events.iter().position(|event| &*event.name == name)?;
            events.remove(at).map(|event| Ok(Event(event)))
        })
        .await
    }

    /// The next event of any name.
    ///
    /// # Errors
    /// None comes within its patience.
    pub async fn next(&self) -> Result<Event, ClientError> {
        self.wait("an event", |inner| {
            let next = inner.events.pop_front();
            next.map(|event| Ok(Event(event)))
        })
        .await
    }

    /// The names of the events that it was sent and nobody has taken.
    pub fn heard(&self) -> Vec<String> {
        self.look(|inner| {
            let events = inner.events.iter();
            events.map(|event| event.name.to_string()).collect()
        })
    }

    fn look<T>(&self, look: impl FnOnce(&mut Inner) -> T) -> T {
        self.seat.heard.look(look)
    }

    /// Waits for something, as long as its patience lasts.
    async fn wait<T>(
        &self,
        what: &str,
        mut have: impl FnMut(&mut Inner) -> Option<Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let handle = &self.client.handle;
        let waited = handle.patience;
        let mut patience = pin!(handle.sim.sleep(waited));
        poll_fn(|cx| {
            let had = self.seat.heard.poll(cx, |inner| {
                let had = have(inner);
                had.or_else(|| inner.over.then_some(Err(ClientError::Closed)))
            });
            if had.is_ready() || patience.as_mut().poll(cx).is_pending() {
                return had;
            }
            let heard = self.look(|inner| {
                let events = inner.events.iter();
                let events = events.map(|it| format!("{:?} {:?}", &*it.name, it.args));
                events.collect::<Vec<_>>().join(", ")
            });
            Poll::Ready(Err(ClientError::Late {
                who: handle.name.clone(),
                what: what.to_owned(),
                waited,
                heard: match heard.is_empty() {
                    true => "nothing".to_owned(),
                    false => heard,
                },
            }))
        })
        .await
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("client", &self.client)
            .field("namespace", &self.seat.name)
            .finish_non_exhaustive()
    }
}
