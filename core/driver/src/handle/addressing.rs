//! From a handle to whom it emits.

use std::time::Duration;

use super::emitting::{emitting_methods, others_methods};
use super::{Direct, Io, Namespace, Socket, To};

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

impl Socket {
    /// To everybody else in the namespace.
    pub fn broadcast(&self) -> To {
        To::others(self)
    }

    /// To the socket, what may be lost: [`Direct::volatile`].
    pub fn volatile(&self) -> Direct {
        Direct::new(self).volatile()
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
