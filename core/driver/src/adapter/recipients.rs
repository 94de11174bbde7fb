//! Whom something is for.

use std::borrow::Cow;
use std::time::Duration;

use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::rooms::{MemberKey, Rooms, Target};

use super::IntoRooms;

/// Whom something is for, and how it is to be sent.
///
/// ```
/// use sio_driver::adapter::Recipients;
///
/// let of = Recipients::default().to(["a", "b"]).except("muted").volatile();
/// assert!(of.rooms().unwrap().eq(["a", "b"]));
/// assert!(of.excepted().eq(["muted"]));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recipients {
    target: Target,
    sender: Option<SocketId>,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Recipients {
    /// Adds rooms: everybody in one of them. Without it, everybody in the namespace; with an empty list alone,
    /// nobody. (Adapters of Node write an empty list where everybody is meant.)
    #[must_use]
    pub fn to(mut self, rooms: impl IntoRooms) -> Self {
        self.add(rooms);
        self
    }

    pub(crate) fn add(&mut self, rooms: impl IntoRooms) {
        let named = self.target.named();
        rooms.each(&mut |name| named.push(name.into()));
    }

    /// Leaves out the members of these rooms.
    #[must_use]
    pub fn except(mut self, rooms: impl IntoRooms) -> Self {
        self.leave_out(rooms);
        self
    }

    pub(crate) fn leave_out(&mut self, rooms: impl IntoRooms) {
        rooms.each(&mut |name| self.target.except.push(name.into()));
    }

    /// Leaves out the sender.
    #[must_use]
    pub fn sent_by(mut self, sender: SocketId) -> Self {
        self.sender = Some(sender);
        self
    }

    /// All but the sender, with its place, which spares looking for it.
    pub(crate) fn others(sender: SocketId, member: Option<MemberKey>) -> Self {
        let mut others = Self::default().sent_by(sender);
        others.target.skip = member;
        others
    }

    /// It may be lost.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it may be compressed.
    #[must_use]
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// The time for answers.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The members of these rooms, each once. `None`: everybody in the namespace.
    pub fn rooms(&self) -> Option<impl ExactSizeIterator<Item = &str> + Clone> {
        let rooms = self.target.rooms.as_ref()?;
        Some(rooms.iter().map(|room| room.as_str()))
    }

    /// Without the members of these.
    pub fn excepted(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.target.except.iter().map(|room| room.as_str())
    }

    /// Without the sender. On its own node it is left out by this id, even if it has left the room of that
    /// name; other nodes do not know it.
    pub const fn sender(&self) -> Option<&SocketId> {
        self.sender.as_ref()
    }

    /// Whether it may be lost.
    pub const fn is_volatile(&self) -> bool {
        self.flags.volatile
    }

    /// Whether it may be compressed.
    pub const fn may_be_compressed(&self) -> bool {
        self.flags.compress
    }

    /// The time for answers, if not [`InMemory::ack_timeout`](super::InMemory::ack_timeout).
    pub const fn time(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it is for nobody, of any node: an empty list of rooms was named. An adapter is not asked then.
    pub fn is_nobody(&self) -> bool {
        self.target.is_nobody()
    }

    pub(crate) const fn flags(&self) -> Flags {
        self.flags
    }

    /// The same, to be changed.
    pub(crate) const fn flags_mut(&mut self) -> &mut Flags {
        &mut self.flags
    }

    pub(crate) const fn set_time(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Whom of a namespace's members it means. The sender's place may be one of another node's, which is
    /// somebody else's here.
    pub(crate) fn target<M>(&self, rooms: &Rooms<M>) -> Cow<'_, Target> {
        let Some(sender) = &self.sender else {
            return Cow::Borrowed(&self.target);
        };
        if (self.target.skip).is_some_and(|key| rooms.id(key) == Some(sender)) {
            return Cow::Borrowed(&self.target);
        }
        let skip = rooms.key(sender.as_str());
        if skip == self.target.skip {
            return Cow::Borrowed(&self.target);
        }
        Cow::Owned(Target {
            skip,
            ..self.target.clone()
        })
    }
}
