//! A client in a namespace.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use sio_driver::app::core::client::{AckTicket, DisconnectReason};
use sio_driver::app::core::engine::{Flags, Sent};
use sio_driver::app::core::packet::{self, FromArgs, IntoArgs};
use sio_driver::app::core::socket::SocketKey;
use sio_driver::app::{AckError, Args, SocketId};

use super::error::ClientError;
use super::handle::Client;
use super::shared::{Answer, Inner, Message};

/// A client in a namespace, as [`Builder::connect`](super::Builder::connect) gives it. Cheap to clone.
///
/// What the server sends waits until it is [expected](Self::expect).
#[derive(Clone)]
pub struct Socket {
    client: Client,
    key: SocketKey,
    namespace: String,
    flags: Flags,
    timeout: Option<Duration>,
}

/// An event that a server has sent.
#[derive(Debug)]
pub struct Event {
    name: String,
    args: Args,
    ack: Option<AckTicket>,
    socket: Socket,
}

/// The answer to an emit, as it was asked for.
#[must_use = "the answer is for whoever awaits it"]
pub struct AckFuture<T> {
    socket: Socket,
    answer: Result<Answer, AckError>,
    of: PhantomData<fn() -> T>,
}

impl Socket {
    pub(super) fn new(client: Client, key: SocketKey, namespace: &str) -> Self {
        Self {
            client,
            key,
            namespace: namespace.to_owned(),
            flags: Flags::default(),
            timeout: None,
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
        let key = self.key;
        let shared = &self.client.handle.shared;
        shared.tell(|inner, now| {
            inner.heard(key).refused = None;
            inner.machine.open(now, key);
        });
    }

    /// Waits until it is in its namespace.
    ///
    /// # Errors
    /// It is refused, or not in after its patience.
    pub async fn connected(&self) -> Result<(), ClientError> {
        self.wait("being connected", |inner, key| {
            let heard = inner.heard(key);
            match heard.refused.take() {
                Some(why) => Some(Err(ClientError::Refused(why))),
                None => heard.connected.then_some(Ok(())),
            }
        })
        .await
    }

    /// Waits until it is disconnected, or takes the first time that it was and nobody has taken. Why it was.
    ///
    /// # Errors
    /// It is connected still after its patience.
    pub async fn disconnected(&self) -> Result<&'static str, ClientError> {
        let ended = |inner: &mut Inner, key| inner.heard(key).ends.pop_front();
        let reason = self.wait("being disconnected", |inner, key| ended(inner, key).map(Ok));
        reason.await.map(|reason: DisconnectReason| reason.as_str())
    }

    /// The first time that it was disconnected and nobody has taken, by its reason; `None`: there is none.
    pub fn ended(&self) -> Option<&'static str> {
        let ended = self.look(|inner, key| inner.heard(key).ends.pop_front());
        ended.map(|reason| reason.as_str())
    }

    /// Leaves the namespace.
    pub fn disconnect(&self) {
        let key = self.key;
        let shared = &self.client.handle.shared;
        shared.tell(|inner, now| inner.machine.leave(now, key));
    }

    /// Whether it is in its namespace.
    pub fn is_connected(&self) -> bool {
        self.look(|inner, key| inner.heard(key).connected)
    }

    /// Its id, the last if it is not connected.
    pub fn id(&self) -> Option<SocketId> {
        self.look(|inner, key| inner.heard(key).id.clone())
    }

    /// Whether it is the socket that it was before it was cut off, which has missed nothing.
    pub fn is_recovered(&self) -> bool {
        self.look(|inner, key| inner.heard(key).recovered)
    }

    /// Sends an event. While it is not connected, what it says is kept.
    ///
    /// # Errors
    /// The arguments cannot be written, or too much is kept.
    pub fn emit(&self, name: &str, args: &(impl IntoArgs + ?Sized)) -> Result<(), ClientError> {
        let packet = packet::event(&self.namespace, None, name, args);
        let packet = packet.map_err(ClientError::Encode)?;
        let (key, flags) = (self.key, self.flags);
        let shared = &self.client.handle.shared;
        let sent = shared.tell(|inner, now| match inner.over {
            true => Sent::Closed,
            false => inner.machine.emit(now, key, packet, flags),
        });
        match sent {
            // What is volatile may be dropped.
            Sent::Queued | Sent::Dropped => Ok(()),
            Sent::Full => Err(ClientError::Full),
            Sent::Closed => Err(ClientError::Closed),
        }
    }

    /// Sends an event, and asks for an answer. It is sent at once, awaited or not.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        AckFuture {
            answer: self.request(name, args),
            socket: self.clone(),
            of: PhantomData,
        }
    }

    fn request(&self, name: &str, args: &(impl IntoArgs + ?Sized)) -> Result<Answer, AckError> {
        let (key, flags, timeout) = (self.key, self.flags, self.timeout);
        let shared = &self.client.handle.shared;
        shared.sim.world.with(|state| state.open_acks += 1);
        let asked = shared.tell(|inner, now| {
            let id = inner.machine.draw_ack_id(key);
            let id = id.filter(|_| !inner.over).ok_or(AckError::Disconnected)?;
            let packet = packet::event(&self.namespace, Some(id), name, args);
            let packet = packet.map_err(AckError::Encode)?;
            let answer = Answer::default();
            let token = answer.clone();
            let asked = (inner.machine).request(now, key, id, packet, flags, token, timeout);
            asked.map_err(|(why, _)| AckError::from(why))?;
            Ok(answer)
        });
        if asked.is_err() {
            shared.sim.world.with(|state| state.open_acks -= 1);
        }
        asked
    }

    /// The same socket, whose emits are dropped when it is not ready for them.
    #[must_use]
    pub fn volatile(&self) -> Self {
        let mut socket = self.clone();
        socket.flags.volatile = true;
        socket
    }

    /// The same socket, whose emits with ack wait so long. 10 s.
    #[must_use]
    pub fn timeout(&self, timeout: Duration) -> Self {
        let mut socket = self.clone();
        socket.timeout = Some(timeout);
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
        self.wait(&format!("{name:?}"), |inner, key| {
            let events = &mut inner.heard(key).events;
            let at = events.iter().position(|event| &*event.name == name)?;
            events.remove(at).map(|event| Ok(self.event(event)))
        })
        .await
    }

    /// The next event of any name.
    ///
    /// # Errors
    /// None comes within its patience.
    pub async fn next(&self) -> Result<Event, ClientError> {
        self.wait("an event", |inner, key| {
            let next = inner.heard(key).events.pop_front();
            next.map(|event| Ok(self.event(event)))
        })
        .await
    }

    /// The names of the events that it was sent and nobody has taken.
    pub fn heard(&self) -> Vec<String> {
        self.look(|inner, key| {
            let events = inner.heard(key).events.iter();
            events.map(|event| event.name.to_string()).collect()
        })
    }

    fn event(&self, message: Message) -> Event {
        Event {
            name: message.name.to_string(),
            args: message.args,
            ack: message.ack,
            socket: self.clone(),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&mut Inner, SocketKey) -> T) -> T {
        let shared = &self.client.handle.shared;
        shared.look(|inner, _| look(inner, self.key))
    }

    /// Waits for something, as long as its patience lasts.
    async fn wait<T>(
        &self,
        what: &str,
        mut have: impl FnMut(&mut Inner, SocketKey) -> Option<Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let (key, handle) = (self.key, &self.client.handle);
        let waited = handle.patience;
        let mut patience = pin!(handle.shared.sim.sleep(waited));
        poll_fn(|cx| {
            let had = handle.shared.poll(cx, |inner| {
                let had = have(inner, key);
                had.or_else(|| inner.over.then_some(Err(ClientError::Closed)))
            });
            if had.is_ready() || patience.as_mut().poll(cx).is_pending() {
                return had;
            }
            let heard = handle.shared.look(|inner, _| {
                let events = inner.heard(key).events.iter();
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

impl Event {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    ///
    /// # Errors
    /// They are others.
    pub fn args<T: FromArgs>(&self) -> Result<T, ClientError> {
        T::from_args(&self.args).map_err(ClientError::Mistyped)
    }

    /// Whether the server waits for an answer.
    pub const fn wants_answer(&self) -> bool {
        self.ack.is_some()
    }

    /// Answers it, if the server waits for that.
    ///
    /// # Errors
    /// The answer cannot be written.
    pub fn answer(self, args: &(impl IntoArgs + ?Sized)) -> Result<(), ClientError> {
        let Some(ticket) = self.ack else {
            return Ok(());
        };
        let packet = packet::ack(&self.socket.namespace, ticket.id(), args);
        let packet = packet.map_err(ClientError::Encode)?;
        let shared = &self.socket.client.handle.shared;
        match shared.tell(|inner, now| inner.machine.respond(now, &ticket, packet)) {
            // Who has gone has no answer to wait for.
            Sent::Queued | Sent::Dropped | Sent::Closed => Ok(()),
            Sent::Full => Err(ClientError::Full),
        }
    }
}

impl<T: FromArgs> Future for AckFuture<T> {
    type Output = Result<T, AckError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &self.answer {
            Ok(answer) => answer,
            Err(why) => return Poll::Ready(Err(why.clone())),
        };
        let shared = &self.socket.client.handle.shared;
        let answered = shared.poll(cx, |inner| match answer.take() {
            Some(answered) => Some(answered.map_err(AckError::from)),
            None => inner.over.then_some(Err(AckError::Disconnected)),
        });
        answered.map(|answered| T::from_args(&answered?).map_err(AckError::Mistyped))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("client", &self.client)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for AckFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}
