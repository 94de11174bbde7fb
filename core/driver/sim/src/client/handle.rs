//! The handle of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sio_driver::app::TransportKind;
use sio_driver::app::core::client::{Auth, Status};

use super::shared::Shared;

/// A client of Socket.IO, which has one connection and any number of namespaces on it. Cheap to clone; when the last
/// handle of it and of its sockets is dropped it says goodbye, in the background.
#[derive(Clone)]
pub struct Client {
    pub(super) handle: Arc<Handle>,
}

pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) name: String,
    pub(super) auth: Auth,
    pub(super) patience: Duration,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.tell(|inner, now| inner.machine.close(now));
    }
}

impl Client {
    /// By what it is connected; `None`: it is not.
    pub fn transport(&self) -> Option<TransportKind> {
        let shared = &self.handle.shared;
        let status = shared.look(|inner, _| inner.machine.status());
        if let Status::Connected { transport } = status {
            return Some(transport);
        }
        None
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.handle.name).finish()
    }
}
