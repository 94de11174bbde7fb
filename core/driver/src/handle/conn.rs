//! The connection below a socket.

use std::sync::Arc;

use sio_core::engine::{Close, Revision, TransportKind};

use crate::link::{Command, Link};

/// The Engine.IO connection below a socket.
#[derive(Clone, Debug)]
pub struct Conn {
    pub(super) link: Arc<Link>,
}

impl Conn {
    /// How its packets travel now.
    pub fn transport(&self) -> TransportKind {
        self.link.transport()
    }

    /// The revision of Engine.IO that its client speaks.
    #[doc(alias = "protocol")]
    pub fn revision(&self) -> Revision {
        self.link.revision()
    }

    /// Bytes that waited to be written to it when its task last looked.
    pub fn backlog(&self) -> usize {
        self.link.backlog()
    }

    /// Whether it is open.
    #[doc(alias = "readyState")]
    pub fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Closes it under all its sockets, whose reason is `forced close`. What is queued is still sent.
    pub fn close(&self) {
        self.link.tell(Command::Close(Close::Flush));
    }
}
