//! From a parent to everybody in its children.

use sio_core::config::BacklogPolicy;
use sio_core::packet::{Args, IntoArgs};

use super::inner::{ParentNamespace, Socket};
use super::to::To;
use crate::adapter::{IntoRooms, Recipients};
use crate::error::EmitError;

/// Whom in the children of a parent an emit is for, and how: those children that there are when it is emitted, one
/// after the other. As [`To`], which this is for each of them.
///
/// ```
/// # use sio_driver::app::{EmitError, ParentNamespace};
/// # fn example(games: &ParentNamespace) -> Result<(), EmitError> {
/// games.to("watchers").except("muted").volatile().emit("tick", &7)
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct ToChildren {
    parent: ParentNamespace,
    recipients: Recipients,
    local: bool,
}

impl ToChildren {
    pub(super) fn new(parent: ParentNamespace) -> Self {
        Self {
            parent,
            recipients: Recipients::default(),
            local: false,
        }
    }

    /// Adds rooms: in each child, everybody in one of them ([`To::to`]).
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

    /// Leaves out whoever is in one of these rooms ([`To::except`]).
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.recipients.leave_out(rooms);
        self
    }

    /// Only on this node: adapters that span several are not asked.
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

    /// Emits. One that does not take it (it left meanwhile, its backlog is full) holds up nobody. Other nodes are
    /// told for each child that is here: what has come into being there alone is not reached.
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        let args = Args::from_arguments(args)?;
        self.each()
            .try_for_each(|to| to.emit(event.as_ref(), &args))
    }

    /// Emits the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    #[doc(alias = "write")]
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// The sockets of this node that it is for, as of now.
    pub fn sockets(&self) -> Vec<Socket> {
        self.each().flat_map(|to| to.sockets()).collect()
    }

    /// They join these rooms, each in its own namespace ([`To::join`]).
    #[doc(alias = "socketsJoin")]
    pub fn join(&self, rooms: impl IntoRooms) {
        self.each().for_each(|to| to.join(&rooms));
    }

    /// They leave these rooms.
    #[doc(alias = "socketsLeave")]
    pub fn leave(&self, rooms: impl IntoRooms) {
        self.each().for_each(|to| to.leave(&rooms));
    }

    /// Disconnects them: [`Socket::disconnect`].
    #[doc(alias = "disconnectSockets")]
    pub fn disconnect(&self, close: bool) {
        self.each().for_each(|to| to.disconnect(close));
    }

    fn each(&self) -> impl Iterator<Item = To> + use<'_> {
        let children = self.parent.children().into_iter();
        children.map(|child| To::with(child, self.recipients.clone(), self.local))
    }
}
