//! What can be done with a client's socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::client::record::Taped;
use sio_core::client::{Auth, SocketState};
use sio_core::engine::{Flags, Sent as Fate};
use sio_core::id::SocketId;
use sio_core::message::Encoded;
use sio_core::packet::{Args, EncodeError, IntoArgs};
use sio_core::protocol::Eio;
use sio_core::time::Instant;

use super::credentials::make_auth;
use super::emitter::{Emitter, Retry, Sent};
use super::error::{BuildError, ConnectError};
use super::event::Attempt;
use super::inner::{Socket, Token};
use crate::error::{AckError, EmitError};
use crate::handle::AckFuture;
use crate::sync::one_shot::{Waiting, answer, take_forsaken};

impl Socket {
    /// The name of its namespace.
    #[doc(alias = "nsp")]
    pub fn namespace(&self) -> &str {
        &self.inner.name
    }

    /// Its id, while it is in its namespace.
    pub fn id(&self) -> Option<SocketId> {
        let state = self.state();
        state.filter(|it| it.connected).and_then(|it| it.id)
    }

    /// Whether it is in its namespace.
    pub fn connected(&self) -> bool {
        self.state().is_some_and(|it| it.connected)
    }

    /// Whether it takes part in the next connection; not whether there will be one, which is what
    /// [`Client::status`](super::Client::status) says.
    pub fn active(&self) -> bool {
        self.state().is_some_and(|it| it.active)
    }

    /// What there is to be known of it. `None`: its client is closed for good.
    pub fn state(&self) -> Option<SocketState> {
        self.shared().lock().machine.state(self.inner.key)
    }

    /// Leaves its namespace, or wants to be in it no more. What was emitted and has not left is kept. When no socket
    /// of its client wants to be anywhere, the connection is closed.
    #[doc(alias = "close")]
    pub fn disconnect(&self) {
        let key = self.inner.key;
        self.shared()
            .with(|state, now| state.machine.leave(now, key));
        let waiters = {
            let mut rest = self.inner.rest();
            rest.again = false;
            std::mem::take(&mut rest.waiters)
        };
        for waiter in waiters {
            waiter.answer.give(Err(ConnectError::Closed));
        }
    }

    /// Its credentials are these from the next time on that it asks for its namespace: an object.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn set_auth(&self, auth: &(impl IntoArgs + ?Sized)) -> Result<(), BuildError> {
        let args = Args::from_arguments(auth).map_err(BuildError::Auth)?;
        let value = args.get(0).map_err(BuildError::AuthValue)?;
        let key = self.inner.key;
        self.shared()
            .with(|state, _| state.machine.set_auth(key, Auth::Value(value)));
        Ok(())
    }

    /// It is asked for its credentials each time that it asks for its namespace. An error keeps it out.
    pub fn set_auth_fn<F, R, V, E>(&self, make: F)
    where
        F: Fn(Attempt) -> R + Send + Sync + 'static,
        R: Future<Output = Result<V, E>> + Send + 'static,
        V: IntoArgs,
        E: std::fmt::Display,
    {
        self.inner.credentials.set(make_auth(make));
        let key = self.inner.key;
        self.shared()
            .with(|state, _| state.machine.set_auth(key, Auth::Asked));
    }

    /// Emits an event to the server. While the socket is away it is kept, as far as
    /// [`max_offline_bytes`](sio_core::client::Config::max_offline_bytes) and its like let it.
    ///
    /// # Errors
    /// The arguments cannot be written, there is no room, or the client is closed.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        self.emit_flagged(event.as_ref(), args, Flags::default())
            .map(drop)
    }

    /// Emits the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Emits and waits for the server's answer, decoded as `T`. The event is on its way when this returns; the
    /// future only waits, and ends exactly once: with the answer, when
    /// [`ack_timeout`](sio_core::client::Config::ack_timeout) is over, or when the socket leaves after it was sent.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        self.ask_flagged(event.as_ref(), args, Flags::default(), None)
    }

    /// What may be lost: it is dropped unless there is a connection for it now.
    pub fn volatile(&self) -> Emitter {
        Emitter::new(self).volatile()
    }

    /// The time for an answer.
    pub fn timeout(&self, time: Duration) -> Emitter {
        Emitter::new(self).timeout(time)
    }

    /// Whether it may be compressed, where compression is on.
    pub fn compress(&self, yes: bool) -> Emitter {
        Emitter::new(self).compress(yes)
    }

    /// Emits with an answer until there is one, so often besides the first time: one at a time and in order, each
    /// for `ack_timeout`, again after a connection was lost. It may arrive more than once.
    pub fn retry(&self, times: impl Into<Retry>) -> Emitter {
        Emitter::new(self).retry(times)
    }

    /// Waits until there is room again for what was refused as [`EmitError::Full`].
    pub fn ready(&self) -> Ready {
        let (give, waiting) = answer();
        let (give, forsaken) = self.shared().with(|state, _| {
            if !state.full {
                return (Some(give), Vec::new());
            }
            let forsaken = take_forsaken(&mut state.room, |it| it);
            state.room.push(give);
            (None, forsaken)
        });
        drop(forsaken);
        if let Some(give) = give {
            give.give(());
        }
        Ready(waiting)
    }

    /// Forgets what it has to say once it is in. Who waits for an answer to it hears that it was not sent.
    pub fn clear_offline(&self) {
        let key = self.inner.key;
        let room = self.shared().with(|state, _| {
            let kept = state.machine.state(key).map_or(0, |it| it.offline.0);
            state.machine.clear_offline(key);
            if kept == 0 {
                return Vec::new();
            }
            state.full = false;
            std::mem::take(&mut state.room)
        });
        room.into_iter().for_each(|answer| answer.give(()));
    }

    /// Forgets what it repeats until it is answered.
    #[doc(alias = "clear_queue")]
    pub fn clear_retries(&self) {
        let key = self.inner.key;
        self.shared()
            .with(|state, _| state.machine.clear_retries(key));
    }

    /// From now on its handlers run strictly one after another: the next event waits until the handlers of the one
    /// before have ended.
    pub fn sequential(&self) {
        self.inner.sequential.store(true, Ordering::Relaxed);
    }

    /// Hears of every event that is emitted by it, with its arguments, when it is emitted.
    #[doc(alias = "onAnyOutgoing")]
    pub fn on_any_outgoing(&self, hook: impl Fn(&str, &Args) + Send + Sync + 'static) {
        let outgoing = &self.inner.outgoing;
        let mut outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = outgoing.as_deref().map(<[_]>::to_vec).unwrap_or_default();
        all.push(Arc::new(hook));
        *outgoing = Some(all.into());
    }

    pub(super) fn emit_flagged(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
    ) -> Result<Sent, EmitError> {
        let key = self.inner.key;
        self.emit_by(event, args, |machine, now, packet| {
            machine.emit(now, key, packet, flags)
        })
    }

    /// Emits in this way.
    pub(super) fn emit_by(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        emit: impl FnOnce(&mut Taped<Token>, Instant, Encoded) -> Fate,
    ) -> Result<Sent, EmitError> {
        self.must_be_free(event)?;
        let codec = &self.shared().config.parser;
        let packet = codec.event(&self.inner.name, None, event, args)?;
        self.tell_outgoing(event, args)?;
        let fate = self.shared().with(|state, now| {
            let fate = emit(&mut state.machine, now, packet);
            state.full |= fate == Fate::Full;
            fate
        });
        match fate {
            Fate::Queued => Ok(Sent::Queued),
            Fate::Dropped => Ok(Sent::Dropped),
            Fate::Full => Err(EmitError::Full),
            Fate::Closed | Fate::Unwritten => Err(EmitError::Disconnected),
        }
    }

    pub(super) fn ask_flagged<T>(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
        timeout: Option<Duration>,
    ) -> AckFuture<T> {
        let key = self.inner.key;
        self.ask_by(event, args, |machine, now, id, packet, give| {
            let asked = machine.request(now, key, id, packet, flags, give, timeout);
            asked.map_err(|(why, give)| (why, flags.volatile, give))
        })
    }

    /// Asks in this way.
    pub(super) fn ask_by<T>(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        ask: impl FnOnce(
            &mut Taped<Token>,
            Instant,
            u64,
            Encoded,
            Token,
        ) -> Result<(), (sio_core::socket::AckError, bool, Token)>,
    ) -> AckFuture<T> {
        if let Err(error) = self.must_be_free(event) {
            return AckFuture::failed(error);
        }
        let (shared, key) = (self.shared(), self.inner.key);
        let Some(id) = shared.lock().machine.draw_ack_id(key) else {
            return AckFuture::failed(AckError::Disconnected);
        };
        let codec = &shared.config.parser;
        let packet = match codec.event(&self.inner.name, Some(id), event, args) {
            Ok(packet) => packet,
            Err(why) => return AckFuture::failed(AckError::Encode(why)),
        };
        if let Err(error) = self.tell_outgoing(event, args) {
            return AckFuture::failed(error);
        }
        let (give, waiting) = answer();
        let refused = shared.with(|state, now| {
            let asked = ask(&mut state.machine, now, id, packet, give);
            asked.err().map(|(why, volatile, give)| {
                state.full |= why == sio_core::socket::AckError::NotSent && !volatile;
                (why, give)
            })
        });
        match refused {
            // Its other end is dropped here, outside the lock.
            Some((why, _give)) => AckFuture::failed(AckError::from(why)),
            None => AckFuture::new(waiting),
        }
    }

    pub(super) fn retry_flagged<T>(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        times: u32,
    ) -> AckFuture<T> {
        if let Err(error) = self.must_be_free(event) {
            return AckFuture::failed(error);
        }
        let args = match Args::from_arguments(args) {
            Ok(args) => args,
            Err(why) => return AckFuture::failed(AckError::Encode(why)),
        };
        // A name that may not be used is found out now, not when it is its turn.
        let codec = &self.shared().config.parser;
        if let Err(why) = codec.event(&self.inner.name, None, event, &args) {
            return AckFuture::failed(AckError::Encode(why));
        }
        if let Err(error) = self.tell_outgoing(event, &args) {
            return AckFuture::failed(error);
        }
        let (give, waiting) = answer();
        let (key, name) = (self.inner.key, event.to_owned().into());
        let refused = self.shared().with(|state, now| {
            let asked = state.machine.retry(now, key, name, &args, times, give);
            asked.err()
        });
        match refused {
            Some((why, _give)) => AckFuture::failed(AckError::from(why)),
            None => AckFuture::new(waiting),
        }
    }

    /// Servers of 2.x take `error` for their own event (§17), which those of later lines have freed.
    fn must_be_free(&self, event: &str) -> Result<(), EmitError> {
        if event == "error" && self.shared().config.revision == Eio::V3 {
            return Err(EncodeError::Reserved(event.into()).into());
        }
        Ok(())
    }

    fn tell_outgoing(&self, event: &str, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        let hooks = {
            let outgoing = &self.inner.outgoing;
            let outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            match &*outgoing {
                Some(all) => all.clone(),
                None => return Ok(()),
            }
        };
        let args = Args::from_arguments(args)?;
        for hook in hooks.iter() {
            hook(event, &args);
        }
        Ok(())
    }
}

/// Waits for room: [`Socket::ready`].
#[derive(Debug)]
#[must_use = "there may be no room yet"]
pub struct Ready(Waiting<()>);

impl Future for Ready {
    type Output = Result<(), EmitError>;

    /// # Errors
    /// The client is closed.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|room| room.ok_or(EmitError::Disconnected))
    }
}
