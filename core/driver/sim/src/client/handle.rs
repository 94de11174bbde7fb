//! The handle of a client.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_driver::app::TransportKind;
use sio_driver::client::{self, Status};

use super::heard::Heard;
use crate::sim::Sim;

/// A client of Socket.IO, which has one connection and any number of namespaces on it. Cheap to clone; when the last
/// handle of it and of its sockets is dropped it says goodbye, in the background.
#[derive(Clone)]
pub struct Client {
    pub(super) handle: Arc<Handle>,
}

pub(super) struct Handle {
    pub(super) client: client::Client<Sim>,
    pub(super) sim: Sim,
    pub(super) name: String,
    pub(super) patience: Duration,
    /// Namespaces that it may have.
    pub(super) most: usize,
    pub(super) seats: Mutex<Vec<Arc<Seat>>>,
}

/// A namespace of a client.
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) socket: client::Socket,
    pub(super) heard: Arc<Heard>,
}

impl Handle {
    pub(super) fn new(
        client: client::Client<Sim>,
        sim: Sim,
        name: String,
        patience: Duration,
        most: usize,
    ) -> Self {
        Self {
            client,
            sim,
            name,
            patience,
            most,
            seats: Mutex::default(),
        }
    }
}

impl Client {
    /// By what it is connected; `None`: it is not.
    pub fn transport(&self) -> Option<TransportKind> {
        let status = self.handle.client.status().current();
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
