//! Whom an emit is for, and how.

use std::sync::PoisonError;
use std::time::Duration;

use sio_core::config::BacklogPolicy;
use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::IntoArgs;

use super::replies::RepliesFuture;
use super::{Namespace, Socket};
use crate::adapter::{
    AdapterError, Answers, Broadcast, Gathered, IntoRooms, Recipients, RemoteSocket, Road, as_strs,
    names,
};
use crate::error::EmitError;

/// Whom an emit is for, and how: values that end in `emit`, and can be kept and used again.
///
/// ```
/// # use std::time::Duration;
/// # use sio_driver::app::{EmitError, Namespace, Socket};
/// # async fn example(socket: Socket, namespace: Namespace) -> Result<(), EmitError> {
/// // Everybody in the room but the sender.
/// socket.to("lobby").emit("said", &("ann", "hello"))?;
/// // The union of two rooms, without those in a third.
/// namespace.to(["a", "b"]).except("muted").emit("news", &())?;
/// // Asking everybody.
/// let replies = namespace
///     .to("lobby")
///     .timeout(Duration::from_secs(2))
///     .emit_with_ack::<String>("ready?", &())
///     .await?;
/// println!("{:?}, somebody slept: {}", replies.clone().ok(), replies.timed_out());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct To {
    namespace: Namespace,
    recipients: Recipients,
    local: bool,
}

impl To {
    pub(super) fn flagged(mut self, flags: Flags, timeout: Option<Duration>) -> Self {
        *self.recipients.flags_mut() = flags;
        self.recipients.set_time(timeout);
        self
    }

    pub(super) fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            recipients: Recipients::default(),
            local: false,
        }
    }

    /// Those in a namespace that are meant in many.
    pub(super) const fn with(namespace: Namespace, recipients: Recipients, local: bool) -> Self {
        Self {
            namespace,
            recipients,
            local,
        }
    }

    /// Everybody in its namespace but `socket`.
    pub(super) fn others(socket: &Socket) -> Self {
        Self {
            namespace: socket.namespace().clone(),
            recipients: Recipients::others(socket.id().clone(), socket.member()),
            local: false,
        }
    }

    /// Adds rooms: everybody in one of them. Starting from a socket, that socket is left out.
    ///
    /// An empty list names nobody: what is emitted to it reaches nobody, as long as no other room is named.
    /// (In Node it reaches everybody.)
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io};
    /// # let io = Io::new(Config::default());
    /// let followers: Vec<String> = Vec::new();
    /// assert!(io.to(&followers).sockets().is_empty());
    /// io.to(&followers).disconnect(true); // nobody
    /// ```
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        self.recipients.add(rooms);
        self
    }

    /// The same as [`to`](Self::to), by the name it has in JavaScript.
    pub fn r#in(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// The same as [`to`](Self::to).
    pub fn within(self, rooms: impl IntoRooms) -> Self {
        self.to(rooms)
    }

    /// Leaves out whoever is in one of these rooms: of an empty list, nobody.
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.recipients.leave_out(rooms);
        self
    }

    /// Only on this node: an adapter that spans several is not asked.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// What may be lost: it is dropped for a client that is not ready for it at once.
    pub fn volatile(mut self) -> Self {
        self.recipients.flags_mut().volatile = true;
        self
    }

    /// What may be lost, but for the newest of its event: [`Direct::volatile_latest`](crate::app::Direct::volatile_latest).
    /// On other nodes it is volatile as any.
    pub fn volatile_latest(mut self) -> Self {
        let flags = self.recipients.flags_mut();
        flags.volatile = true;
        flags.latest = true;
        self
    }

    /// What happens with a client for whom there is no room: [`Direct::backlog_policy`](crate::app::Direct::backlog_policy).
    /// Other nodes do as they are configured.
    pub fn backlog_policy(mut self, policy: BacklogPolicy) -> Self {
        self.recipients.flags_mut().policy = Some(policy);
        self
    }

    /// Whether it may be compressed, where compression is on. It may, unless this says otherwise.
    pub fn compress(mut self, compress: bool) -> Self {
        self.recipients.flags_mut().compress = compress;
        self
    }

    /// The time for answers, for [`emit_with_ack`](Self::emit_with_ack). `ack_timeout` if not given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.recipients.set_time(Some(timeout));
        self
    }

    /// Emits. One that does not take it (it left meanwhile, its backlog is full) holds up nobody.
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        let (codec, name) = (self.namespace.common_codec(), self.namespace.name());
        let mut message = Broadcast::written(&codec, name, None, event.as_ref(), args)?;
        if self.recipients.flags().latest {
            message = message.named(name, event.as_ref());
        }
        self.tell_outgoing(&message);
        if !self.recipients.is_nobody() {
            self.road().broadcast(&message, &self.recipients);
        }
        Ok(())
    }

    /// Emits the event `message`.
    ///
    /// # Errors
    /// The arguments cannot be written.
    #[doc(alias = "write")]
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Emits and gathers one answer from each recipient, decoded as `T`.
    ///
    /// The event is sent when this is called; the future only waits. It ends when everybody has
    /// answered, gone away, or let the time pass; at once if there is nobody.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> RepliesFuture<T> {
        self.gather(event.as_ref(), args)
            .unwrap_or_else(RepliesFuture::failed)
    }

    fn gather<T>(
        &self,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<RepliesFuture<T>, EmitError> {
        let (codec, name) = (self.namespace.common_codec(), self.namespace.name());
        let id = self.namespace.next_ack();
        let message = Broadcast::written(&codec, name, Some(id), event, args)?;
        self.tell_outgoing(&message);
        let (answers, all) = Answers::new(self.namespace.number());
        if !self.recipients.is_nobody() {
            let road = self.road();
            road.broadcast_with_ack(&message, &self.recipients, answers);
        }
        Ok(RepliesFuture::new(all))
    }

    /// The adapter, or the part of this node in it.
    fn road(&self) -> Road<'_> {
        match self.local {
            true => self.namespace.road_here(),
            false => self.namespace.road(),
        }
    }

    /// The same, unless nobody of any node is meant.
    fn road_to_somebody(&self) -> Option<Road<'_>> {
        (!self.recipients.is_nobody()).then(|| self.road())
    }

    /// The sockets of this node that it is for, as of now.
    pub fn sockets(&self) -> Vec<Socket> {
        let rooms = self.namespace.members().read();
        let rooms = rooms.unwrap_or_else(PoisonError::into_inner);
        rooms
            .select(&self.recipients.target(&rooms))
            .cloned()
            .collect()
    }

    /// The ids of the sockets that it is for, on all nodes unless [`local`](Self::local).
    ///
    /// # Errors
    /// No other node can be asked.
    #[doc(alias = "allSockets")]
    pub async fn clients(&self) -> Result<Gathered<Vec<SocketId>>, AdapterError> {
        let all = self
            .road_to_somebody()
            .map(|to| to.sockets(&self.recipients));
        match all {
            Some(all) => all.await,
            None => Ok(Gathered::default()),
        }
    }

    /// How many sockets it is for, on all nodes unless [`local`](Self::local).
    ///
    /// # Errors
    /// No other node can be asked.
    pub async fn count(&self) -> Result<Gathered<usize>, AdapterError> {
        let all = self.road_to_somebody().map(|to| to.count(&self.recipients));
        match all {
            Some(all) => all.await,
            None => Ok(Gathered::default()),
        }
    }

    /// The sockets that it is for, on all nodes unless [`local`](Self::local), with their rooms, handshake
    /// and data.
    ///
    /// # Errors
    /// No other node can be asked.
    #[doc(alias = "fetchSockets")]
    pub async fn fetch_sockets(&self) -> Result<Gathered<Vec<RemoteSocket>>, AdapterError> {
        let all = self.road_to_somebody();
        let all = all.map(|to| to.fetch_sockets(&self.recipients));
        match all {
            Some(all) => all.await,
            None => Ok(Gathered::default()),
        }
    }

    /// They join these rooms. Those that are in too many rooms already do not.
    #[doc(alias = "socketsJoin")]
    pub fn join(&self, rooms: impl IntoRooms) {
        if let Some(to) = self.road_to_somebody() {
            drop(to.add_sockets(&self.recipients, &as_strs(&names(&rooms))));
        }
    }

    /// They leave these rooms.
    #[doc(alias = "socketsLeave")]
    pub fn leave(&self, rooms: impl IntoRooms) {
        if let Some(to) = self.road_to_somebody() {
            drop(to.del_sockets(&self.recipients, &as_strs(&names(&rooms))));
        }
    }

    /// Disconnects them: [`Socket::disconnect`].
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect(&self, close: bool) {
        if let Some(to) = self.road_to_somebody() {
            drop(to.disconnect_sockets(&self.recipients, close));
        }
    }

    fn tell_outgoing(&self, message: &Broadcast) {
        if let Some(hearers) = self.namespace.outgoing() {
            hearers.hear(message.event(), message.args());
        }
    }
}
