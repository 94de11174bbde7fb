//! A socket: one client in one namespace.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sio_core::engine::{Eio, Flags};
use sio_core::id::SocketId;
use sio_core::packet::{Args, Codec, EncodeError, IntoArgs};
use sio_core::socket::SocketKey;

use super::hearers::Hearers;
use super::inner::{Callback, Extras, Incoming, PacketMiddleware, Socket, SocketInner};
use super::membership::Membership;
use super::recovery::SessionOf;
use super::replies::AckFuture;
use super::{Client, Conn, Door, Io, Namespace};
use crate::endpoint::handshake::Handshake;
use crate::endpoint::request::RequestHead;
use crate::error::EmitError;
use crate::listeners::Listeners;
use crate::log::LogName;
use crate::mailbox::command::{Command, Request};
use crate::mailbox::reply::Token;
use crate::mailbox::task_handle::TaskHandle;
use crate::mailbox::weight::Weight;
use crate::sync::one_shot::answer;

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        key: SocketKey,
        io: Io,
        door: Door,
        task: Arc<TaskHandle>,
        handshake: Arc<Handshake>,
    ) -> Self {
        let Door { namespace, guest } = door;
        // What is handled once is found where middlewares are asked: nobody else looks for it.
        let has_repeats = namespace.repeats().is_some();
        let extras = guest.map(|guest| Extras {
            guest: Some(guest),
            ..Extras::default()
        });
        Self {
            inner: Arc::new(SocketInner {
                id,
                key,
                io,
                namespace,
                task,
                handshake,
                membership: Mutex::new(Membership::new()),
                connected: AtomicBool::new(false),
                sequential: AtomicBool::new(false),
                next_ack: AtomicU64::new(1),
                listeners: Listeners::default(),
                extras: Mutex::new(extras.map(Box::new)),
                has_middlewares: AtomicBool::new(has_repeats),
                has_outgoing: AtomicBool::new(false),
                recovered: AtomicBool::new(false),
            }),
        }
    }

    /// Its public id, which is also a room with it in. If its client speaks revision 4, the session's secret
    /// is in it: see [`SocketId`] before it is told to others.
    pub fn id(&self) -> &SocketId {
        &self.inner.id
    }

    /// Its namespace.
    #[doc(alias = "nsp")]
    pub fn namespace(&self) -> &Namespace {
        &self.inner.namespace
    }

    /// The server.
    pub fn io(&self) -> Io {
        self.inner.io.clone()
    }

    /// The first request of its connection, and the credentials it gave.
    pub fn handshake(&self) -> &Handshake {
        &self.inner.handshake
    }

    pub(crate) fn shared_handshake(&self) -> &Arc<Handshake> {
        &self.inner.handshake
    }

    /// The connection below, which it may share with sockets in other namespaces.
    pub fn conn(&self) -> Conn {
        Conn {
            task: self.inner.task.clone(),
        }
    }

    /// The client: the connection with all its sockets.
    pub fn client(&self) -> Client {
        Client {
            task: self.inner.task.clone(),
            handshake: self.inner.handshake.clone(),
        }
    }

    /// The request that opened its connection, whatever came of it since: [`Handshake::request`].
    pub fn request(&self) -> RequestHead {
        self.inner.handshake.request()
    }

    /// Whether it has left, or was never let in: the opposite of [`connected`](Self::connected).
    pub fn disconnected(&self) -> bool {
        !self.connected()
    }

    /// Whether it is in its namespace: not in a middleware yet, and not gone.
    pub fn connected(&self) -> bool {
        self.inner.connected.load(Ordering::Acquire)
    }

    /// Who hears of what is emitted to it.
    pub(crate) fn outgoing(&self) -> Option<Hearers> {
        let has = self.inner.has_outgoing.load(Ordering::Acquire);
        let outgoing = || Some(self.extras().as_ref()?.outgoing.clone());
        has.then(outgoing).flatten()
    }

    /// Changes who does. `None`: they stay as they are.
    pub(crate) fn change_outgoing(&self, change: impl FnOnce(&Hearers) -> Option<Hearers>) -> bool {
        let mut extras = self.extras();
        // As in `add_middleware`.
        if self.listeners().is_closed() {
            return false;
        }
        let outgoing = &mut extras.get_or_insert_default().outgoing;
        let Some(changed) = change(outgoing) else {
            return false;
        };
        let has = !changed.is_empty();
        self.inner.has_outgoing.store(has, Ordering::Release);
        let before = std::mem::replace(outgoing, changed);
        drop(extras);
        // Dropped outside the lock.
        drop(before);
        true
    }

    /// Adds a packet middleware behind those that are there.
    pub(crate) fn add_middleware(&self, middleware: PacketMiddleware) {
        let mut extras = self.extras();
        // Nothing comes to a socket that has been released. Asked under this lock, which `release`
        // takes after it has closed the listeners.
        if !self.listeners().is_closed() {
            extras
                .get_or_insert_default()
                .packet_middlewares
                .push(middleware);
            self.inner.has_middlewares.store(true, Ordering::Release);
        }
    }

    /// `None`: whatever comes goes to its handlers as it is.
    pub(crate) fn packet_middlewares(&self) -> Option<Vec<PacketMiddleware>> {
        self.inner.has_middlewares.load(Ordering::Acquire).then(|| {
            let extras = self.extras();
            let middlewares = extras.as_ref().map(|it| it.packet_middlewares.clone());
            middlewares.unwrap_or_default()
        })
    }

    /// From now on its handlers run strictly one after another: the next event waits until the
    /// handlers of the one before have ended.
    pub fn sequential(&self) {
        self.inner.sequential.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_sequential(&self) -> bool {
        self.inner.sequential.load(Ordering::Relaxed) || self.inner.namespace.is_sequential()
    }

    /// Emits an event to its client.
    ///
    /// # Errors
    /// The arguments cannot be written, the socket is not connected, or its backlog is full.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        self.emit_flagged(event.as_ref(), args, Flags::default())
    }

    /// Emits the event `message` to its client.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Emits and waits for the client's answer, decoded as `T`:
    /// [`Direct::emit_with_ack`](crate::app::Direct::emit_with_ack).
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        self.ask_flagged(event.as_ref(), args, Flags::default(), None)
    }

    pub(super) fn emit_flagged(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
    ) -> Result<(), EmitError> {
        self.emit_by(event, args, flags, |_| self.tell_outgoing(event, args))
    }

    /// The same, and nobody hears of it.
    pub(super) fn emit_untold(
        &self,
        event: &str,
        args: &Args,
        flags: Flags,
    ) -> Result<(), EmitError> {
        self.emit_by(event, args, flags, |_| Ok(()))
    }

    #[inline]
    fn emit_by(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
        tell: impl FnOnce(&Self) -> Result<(), EmitError>,
    ) -> Result<(), EmitError> {
        if !self.connected() {
            return Err(EmitError::Disconnected);
        }
        self.must_be_free(event)?;
        let flags = self.inner.namespace.inner.flags(flags);
        match self.session() {
            Some(SessionOf::Here(keeper, holder)) => {
                return self.emit_kept(keeper, holder, event, args, flags, tell);
            }
            Some(SessionOf::Afar(afar)) => return self.emit_afar(afar, event, args, flags, tell),
            None => {}
        }
        let name = self.namespace().name();
        let packet = self.codec().event(name, None, event, args)?;
        let packet = match flags.latest {
            true => packet.named(name, event),
            false => packet,
        };
        tell(self)?;
        let weight = Weight::of(&packet);
        let command = Command::Deliver {
            socket: self.key(),
            packet,
            flags,
        };
        self.task().push_packet(command, weight, flags)
    }

    pub(super) fn ask_flagged<T>(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
        timeout: Option<Duration>,
    ) -> AckFuture<T> {
        if !self.connected() {
            return AckFuture::failed(EmitError::Disconnected);
        }
        if let Err(error) = self.must_be_free(event) {
            return AckFuture::failed(error);
        }
        // One that gave way to the next would be answered by nobody.
        let flags = self.inner.namespace.inner.flags(Flags {
            latest: false,
            ..flags
        });
        let id = self.inner.next_ack.fetch_add(2, Ordering::Relaxed);
        let packet = match self
            .codec()
            .event(self.namespace().name(), Some(id), event, args)
        {
            Ok(packet) => packet,
            Err(error) => return AckFuture::failed(EmitError::from(error)),
        };
        if let Err(error) = self.tell_outgoing(event, args) {
            return AckFuture::failed(error);
        }
        let weight = Weight::of(&packet);
        let (give, wait) = answer();
        let command = Command::Request(Box::new(Request {
            socket: self.key(),
            id,
            packet,
            flags,
            token: Token::one(give),
            timeout,
        }));
        match self.task().push_packet(command, weight, flags) {
            Ok(()) => AckFuture::new(wait),
            Err(error) => AckFuture::failed(error),
        }
    }

    /// Clients of 2.x take `error` for their own event (§17), which those of later lines have freed.
    fn must_be_free(&self, event: &str) -> Result<(), EmitError> {
        if event == "error" && self.task().revision() == Eio::V3 {
            return Err(EncodeError::Reserved(event.into()).into());
        }
        Ok(())
    }

    pub(super) fn tell_outgoing(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        let (shared, own) = (self.namespace().outgoing(), self.outgoing());
        if shared.is_none() && own.is_none() {
            return Ok(());
        }
        let args = Args::from_arguments(args)?;
        for hearers in [shared, own].iter().flatten() {
            hearers.hear(event, &args);
        }
        Ok(())
    }

    /// Takes it out of its namespace and tells the client; with `close`, every socket of its
    /// connection, which is closed then. The client's reason is `io server disconnect`: it does not
    /// come back by itself.
    pub fn disconnect(&self, close: bool) {
        self.task().tell(Command::Disconnect {
            socket: self.key(),
            close,
        });
    }

    /// It has left, and its handlers have ended: lets go of all that the application gave it, which may
    /// hold the socket itself.
    pub(crate) fn release(&self) {
        self.inner.listeners.close();
        let extras = self.extras().take();
        // Dropped outside the lock.
        drop(extras);
    }

    /// How its packets are written.
    #[inline]
    pub(super) fn codec(&self) -> &Codec {
        self.namespace().codec_of(self.task())
    }

    pub(crate) fn key(&self) -> SocketKey {
        self.inner.key
    }

    pub(crate) fn task(&self) -> &Arc<TaskHandle> {
        &self.inner.task
    }

    /// Its id as it may stand in a log.
    pub(crate) fn log_name(&self) -> LogName<'_> {
        LogName::new(&self.inner.id, self.inner.task.sid())
    }

    pub(crate) fn listeners(&self) -> &Listeners<Callback> {
        &self.inner.listeners
    }

    pub(super) fn extras(&self) -> MutexGuard<'_, Option<Box<Extras>>> {
        self.inner
            .extras
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a socket holds, for a test of it.
#[cfg(test)]
pub(crate) const fn socket_size() -> usize {
    size_of::<SocketInner>()
}

impl Incoming {
    pub(crate) fn new(socket: Socket, name: &str, args: Args, wants_ack: bool) -> Self {
        Self {
            socket,
            name: name.to_string(),
            args,
            wants_ack,
        }
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &format_args!("{}", self.log_name()))
            .field("namespace", &self.namespace().name())
            .finish_non_exhaustive()
    }
}
