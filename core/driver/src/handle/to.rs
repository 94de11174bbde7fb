//! Whom an emit is for, and how.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::{Args, Encoded, IntoArgs};
use sio_core::rooms::Target;

use super::into_rooms::{IntoRooms, as_strs, names};
use super::replies::RepliesFuture;
use super::{Namespace, Socket};
use crate::adapter::{Adapter, AdapterError, Broadcast, Recipients, RemoteSocket};
use crate::error::EmitError;
use crate::mailbox::command::{Command, Request};
use crate::mailbox::fan_out::spread;
use crate::mailbox::reply::{Gather, Token};
use crate::mailbox::weight::Weight;
use crate::sync::later::Later;

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
    target: Target,
    /// Whom [`Target::skip`] is.
    sender: Option<SocketId>,
    flags: Flags,
    timeout: Option<Duration>,
    local: bool,
}

impl To {
    pub(super) fn flagged(mut self, flags: Flags, timeout: Option<Duration>) -> Self {
        self.flags = flags;
        self.timeout = timeout;
        self
    }

    pub(super) fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            target: Target::default(),
            sender: None,
            flags: Flags::default(),
            timeout: None,
            local: false,
        }
    }

    /// Everybody in its namespace but `socket`.
    pub(super) fn others(socket: &Socket) -> Self {
        let mut to = Self::new(socket.namespace().clone());
        to.target.skip = socket.member();
        to.sender = Some(socket.id().clone());
        to
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
        let named = self.target.named();
        rooms.each(&mut |name| named.push(name.into()));
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
        rooms.each(&mut |name| self.target.except.push(name.into()));
        self
    }

    /// Only on this node: an adapter that spans several is not asked.
    pub fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// What may be lost: it is dropped for a client that is not ready for it at once.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it may be compressed, where compression is on. It may, unless this says otherwise.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// The time for answers, for [`emit_with_ack`](Self::emit_with_ack). `ack_timeout` if not given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
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
        let event = event.as_ref();
        if let Some(adapter) = self.adapter() {
            let args = Args::from_arguments(args)?;
            let message = Broadcast::to(&self.namespace, event, args)?;
            self.tell_outgoing(event, message.args())?;
            if !self.target.is_nobody() {
                adapter.broadcast(&message, &self.recipients());
            }
            return Ok(());
        }
        let codec = self.namespace.codec();
        let packet = codec.event(self.namespace.name(), None, event, args)?;
        self.tell_outgoing(event, args)?;
        self.namespace.deliver(&self.target, self.flags, &packet);
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
        if let Some(adapter) = self.adapter() {
            let args = Args::from_arguments(args)?;
            let message = Broadcast::to(&self.namespace, event, args)?;
            self.tell_outgoing(event, message.args())?;
            if self.target.is_nobody() {
                return Ok(RepliesFuture::later(Later::ready(Vec::new())));
            }
            let answers = adapter.broadcast_with_ack(&message, &self.recipients());
            return Ok(RepliesFuture::later(answers));
        }
        self.tell_outgoing(event, args)?;
        self.namespace
            .ask(&self.target, self.flags, self.timeout, event, args)
            .map(RepliesFuture::new)
    }

    /// The application's adapter, if it is to be asked.
    fn adapter(&self) -> Option<Arc<dyn Adapter>> {
        self.namespace.custom_adapter().filter(|_| !self.local)
    }

    /// The same for what is done to sockets: nobody of any node is found without it.
    fn adapter_of_somebody(&self) -> Option<Arc<dyn Adapter>> {
        self.adapter().filter(|_| !self.target.is_nobody())
    }

    fn recipients(&self) -> Recipients {
        Recipients {
            rooms: (self.target.rooms.as_ref())
                .map(|rooms| rooms.iter().map(ToString::to_string).collect()),
            except: self.target.except.iter().map(ToString::to_string).collect(),
            sender: self.sender.clone(),
            volatile: self.flags.volatile,
            compress: self.flags.compress,
            timeout: self.timeout,
        }
    }

    /// The sockets of this node that it is for, as of now.
    pub fn sockets(&self) -> Vec<Socket> {
        let rooms = self
            .namespace
            .rooms()
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        rooms.select(&self.target).cloned().collect()
    }

    /// The ids of the sockets that it is for, on all nodes unless [`local`](Self::local).
    ///
    /// # Errors
    /// The other nodes cannot be asked.
    #[doc(alias = "allSockets")]
    pub async fn clients(&self) -> Result<Vec<SocketId>, AdapterError> {
        match self.adapter_of_somebody() {
            Some(adapter) => adapter.sockets(&self.recipients()).await,
            None => Ok(self.sockets().iter().map(|it| it.id().clone()).collect()),
        }
    }

    /// The sockets that it is for, on all nodes unless [`local`](Self::local), with their rooms, handshake
    /// and data.
    ///
    /// # Errors
    /// The other nodes cannot be asked.
    #[doc(alias = "fetchSockets")]
    pub async fn fetch_sockets(&self) -> Result<Vec<RemoteSocket>, AdapterError> {
        match self.adapter_of_somebody() {
            Some(adapter) => adapter.fetch_sockets(&self.recipients()).await,
            None => Ok(self.sockets().iter().map(RemoteSocket::from).collect()),
        }
    }

    /// They join these rooms. Those that are in too many rooms already do not.
    #[doc(alias = "socketsJoin")]
    pub fn join(&self, rooms: impl IntoRooms) {
        if let Some(adapter) = self.adapter_of_somebody() {
            adapter.add_sockets(&self.recipients(), &as_strs(&names(&rooms)));
            return;
        }
        for socket in self.sockets() {
            let _ = socket.join(&rooms);
        }
    }

    /// They leave these rooms.
    #[doc(alias = "socketsLeave")]
    pub fn leave(&self, rooms: impl IntoRooms) {
        if let Some(adapter) = self.adapter_of_somebody() {
            adapter.del_sockets(&self.recipients(), &as_strs(&names(&rooms)));
            return;
        }
        for socket in self.sockets() {
            socket.leave(&rooms);
        }
    }

    /// Disconnects them: [`Socket::disconnect`].
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect(&self, close: bool) {
        if let Some(adapter) = self.adapter_of_somebody() {
            adapter.disconnect_sockets(&self.recipients(), close);
            return;
        }
        for socket in self.sockets() {
            socket.disconnect(close);
        }
    }

    fn tell_outgoing(&self, event: &str, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        if let Some(hooks) = self.namespace.outgoing() {
            let args = Args::from_arguments(args)?;
            for hook in hooks.iter() {
                hook(event, &args);
            }
        }
        Ok(())
    }
}

impl Namespace {
    /// Hands a packet to everybody on this node it is for.
    pub(crate) fn deliver(&self, target: &Target, flags: Flags, packet: &Encoded) {
        let rooms = self.rooms().read().unwrap_or_else(PoisonError::into_inner);
        let recipients = rooms.select(target);
        let recipients = recipients.map(|socket| (&**socket.task(), socket.key()));
        let wakers = spread(self.opened(), target, flags, packet, recipients);
        drop(rooms);
        wakers.wake();
    }

    /// Asks everybody on this node it is for.
    pub(crate) fn ask(
        &self,
        target: &Target,
        flags: Flags,
        timeout: Option<Duration>,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<Arc<Gather>, EmitError> {
        let id = self.next_ack();
        let packet = self.codec().event(self.name(), Some(id), event, args)?;
        let weight = Weight::of(&packet);
        let sockets: Vec<Socket> = {
            let rooms = self.rooms().read().unwrap_or_else(PoisonError::into_inner);
            rooms.select(target).cloned().collect()
        };
        let gather = Gather::new(sockets.iter().map(|socket| socket.id().clone()));
        for (index, socket) in sockets.iter().enumerate() {
            let command = Command::Request(Box::new(Request {
                socket: socket.key(),
                id,
                packet: packet.clone(),
                flags,
                token: Token::Many(gather.part(index)),
                timeout,
            }));
            // Not taken: the token is dropped with the command, which counts as disconnected.
            let _ = socket.task().push_packet(command, weight, flags.volatile);
        }
        Ok(gather)
    }
}
