//! From a handle to whom it emits.

use std::time::Duration;

use sio_core::config::BacklogPolicy;
use sio_core::packet::IntoArgs;

use super::emitting::{emitting_methods, others_methods};
use super::{Direct, Io, Namespace, ParentNamespace, Socket, To, ToChildren};
use crate::adapter::IntoRooms;
use crate::error::EmitError;

impl Io {
    fn everybody(&self) -> To {
        self.sockets().everybody()
    }
}

impl Namespace {
    pub(super) fn everybody(&self) -> To {
        To::new(self.clone())
    }
}

impl ParentNamespace {
    /// To everybody in all children: [`ToChildren`].
    pub fn everybody(&self) -> ToChildren {
        ToChildren::new(self.clone())
    }

    /// Emits to everybody in all children: [`ToChildren::emit`].
    ///
    /// # Errors
    /// The arguments cannot be written.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        self.everybody().emit(event, args)
    }

    /// Emits the event `message` to everybody in all children.
    ///
    /// # Errors
    /// The arguments cannot be written.
    #[doc(alias = "write")]
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.everybody().send(args)
    }

    /// Names rooms to emit to, in all children: [`ToChildren::to`].
    pub fn to(&self, rooms: impl IntoRooms) -> ToChildren {
        self.everybody().to(rooms)
    }

    /// The same as [`to`](Self::to), by the name it has in JavaScript.
    pub fn r#in(&self, rooms: impl IntoRooms) -> ToChildren {
        self.everybody().to(rooms)
    }

    /// Names rooms not to emit to, in all children: [`ToChildren::except`].
    pub fn except(&self, rooms: impl IntoRooms) -> ToChildren {
        self.everybody().except(rooms)
    }

    /// Emits on this node only: [`ToChildren::local`].
    pub fn local(&self) -> ToChildren {
        self.everybody().local()
    }

    /// Emits what may be lost: [`ToChildren::volatile`].
    pub fn volatile(&self) -> ToChildren {
        self.everybody().volatile()
    }

    /// Emits what may be lost, but for the newest: [`ToChildren::volatile_latest`].
    pub fn volatile_latest(&self) -> ToChildren {
        self.everybody().volatile_latest()
    }
}

impl Socket {
    /// To everybody else in the namespace.
    pub fn broadcast(&self) -> To {
        To::others(self)
    }

    /// To the socket, what may be lost: [`Direct::volatile`].
    pub fn volatile(&self) -> Direct {
        Direct::new(self).volatile()
    }

    /// To the socket, what may be lost, but for the newest: [`Direct::volatile_latest`].
    pub fn volatile_latest(&self) -> Direct {
        Direct::new(self).volatile_latest()
    }

    /// To the socket, with a policy of its own: [`Direct::backlog_policy`].
    pub fn backlog_policy(&self, policy: BacklogPolicy) -> Direct {
        Direct::new(self).backlog_policy(policy)
    }

    /// To the socket, perhaps compressed: [`Direct::compress`].
    pub fn compress(&self, compress: bool) -> Direct {
        Direct::new(self).compress(compress)
    }

    /// To the socket, with a time for the answer: [`Direct::timeout`].
    pub fn timeout(&self, timeout: Duration) -> Direct {
        Direct::new(self).timeout(timeout)
    }
}

emitting_methods!(Io);
emitting_methods!(Namespace);
others_methods!(Socket);
