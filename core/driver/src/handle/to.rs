//! Whom an emit is for, and how.

use std::sync::PoisonError;
use std::time::Duration;

use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::{self, Args, Arguments};
use sio_core::rooms::Target;

use super::{Namespace, Socket};
use crate::ack::{Gather, RepliesFuture, Token};
use crate::error::EmitError;
use crate::fan_out::FanOut;
use crate::link::{Command, Request};
use crate::mailbox::Weight;

/// Whom an emit is for, and how: values that end in `emit`, and can be kept and used again.
///
/// ```
/// # use std::time::Duration;
/// # use sio_driver::{EmitError, Namespace, Socket};
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
    flags: Flags,
    timeout: Option<Duration>,
}

/// Names of rooms: one, or several. The ids of sockets are rooms too.
pub trait IntoRooms {
    /// Gives each name to `each`.
    fn each(&self, each: &mut dyn FnMut(&str));
}

impl IntoRooms for str {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl IntoRooms for String {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self);
    }
}

impl IntoRooms for SocketId {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        each(self.as_str());
    }
}

impl<T: IntoRooms> IntoRooms for [T] {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        for name in self {
            name.each(each);
        }
    }
}

impl<T: IntoRooms, const N: usize> IntoRooms for [T; N] {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        self.as_slice().each(each);
    }
}

impl<T: IntoRooms> IntoRooms for Vec<T> {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        self.as_slice().each(each);
    }
}

impl<T: IntoRooms + ?Sized> IntoRooms for &T {
    fn each(&self, each: &mut dyn FnMut(&str)) {
        (**self).each(each);
    }
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
            flags: Flags::default(),
            timeout: None,
        }
    }

    /// Everybody in its namespace but `socket`.
    pub(super) fn others(socket: &Socket) -> Self {
        let mut to = Self::new(socket.namespace().clone());
        to.target.skip = socket.member();
        to
    }

    /// Adds rooms: everybody in one of them. Starting from a socket, that socket is left out.
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        rooms.each(&mut |name| self.target.rooms.push(name.into()));
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

    /// Leaves out whoever is in one of these rooms.
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        rooms.each(&mut |name| self.target.except.push(name.into()));
        self
    }

    /// Only on this node. As long as there is one node, that is everybody.
    pub fn local(self) -> Self {
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
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        let event = event.as_ref();
        let packet = packet::event(self.namespace.name(), None, event, args)?;
        self.tell_outgoing(event, args)?;
        let mut all = FanOut::new(&packet, self.flags);
        {
            let rooms = self
                .namespace
                .rooms()
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            for socket in rooms.select(&self.target) {
                all.push(socket.link(), socket.key());
            }
        }
        all.wake();
        Ok(())
    }

    /// Emits and gathers one answer from each recipient, decoded as `T`.
    ///
    /// The event is sent when this is called; the future only waits. It ends when everybody has
    /// answered, gone away, or let the time pass; at once if there is nobody.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl Arguments + ?Sized),
    ) -> RepliesFuture<T> {
        let event = event.as_ref();
        let id = self.namespace.next_ack();
        let packet = match packet::event(self.namespace.name(), Some(id), event, args) {
            Ok(packet) => packet,
            Err(error) => return RepliesFuture::failed(error.into()),
        };
        if let Err(error) = self.tell_outgoing(event, args) {
            return RepliesFuture::failed(error);
        }
        let weight = Weight::of(&packet);
        let sockets = self.sockets();
        let gather = Gather::new(sockets.iter().map(|socket| socket.id().clone()));
        for (index, socket) in sockets.iter().enumerate() {
            let command = Command::Request(Box::new(Request {
                socket: socket.key(),
                id,
                packet: packet.clone(),
                flags: self.flags,
                token: Token::Many(gather.part(index)),
                timeout: self.timeout,
            }));
            // Not taken: the token is dropped with the command, which counts as disconnected.
            let _ = socket
                .link()
                .push_packet(command, weight, self.flags.volatile);
        }
        RepliesFuture::new(gather)
    }

    /// The sockets it is for, as of now.
    #[doc(alias = "fetchSockets")]
    pub fn sockets(&self) -> Vec<Socket> {
        let rooms = self
            .namespace
            .rooms()
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        rooms.select(&self.target).cloned().collect()
    }

    /// They join these rooms. Those that are in too many rooms already do not.
    pub fn join(&self, rooms: impl IntoRooms) {
        for socket in self.sockets() {
            let _ = socket.join(&rooms);
        }
    }

    /// They leave these rooms.
    pub fn leave(&self, rooms: impl IntoRooms) {
        for socket in self.sockets() {
            socket.leave(&rooms);
        }
    }

    /// Disconnects them: [`Socket::disconnect`].
    pub fn disconnect(&self, close: bool) {
        for socket in self.sockets() {
            socket.disconnect(close);
        }
    }

    fn tell_outgoing(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<(), EmitError> {
        if let Some(hooks) = self.namespace.outgoing() {
            let args = Args::from_arguments(args)?;
            for hook in hooks.iter() {
                hook(event, &args);
            }
        }
        Ok(())
    }
}
