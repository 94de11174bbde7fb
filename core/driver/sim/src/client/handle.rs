//! The handle of a client.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sio_driver::app::TransportKind;
use sio_driver::client::{self, Status};

use super::error::ClientError;
use super::heard::Heard;
use super::socket::Socket;
use crate::sim::Sim;

/// A client of Socket.IO, which has one connection and any number of namespaces on it. Cheap to clone; when the last
/// handle of it and of its sockets is dropped it says goodbye, in the background.
#[derive(Clone)]
pub struct Client {
    pub(super) handle: Arc<Handle>,
}

pub(super) struct Handle {
    client: client::Client<Sim>,
    pub(super) sim: Sim,
    pub(super) name: String,
    pub(super) patience: Duration,
    /// Namespaces that it may have.
    most: usize,
    seats: Mutex<Vec<Arc<Seat>>>,
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
    /// Connects to a namespace, and waits until it is in.
    ///
    /// # Errors
    /// It is refused, or not in after its [patience](super::Builder::patience).
    pub async fn connect(&self, namespace: &str) -> Result<Socket, ClientError> {
        let socket = self.socket(namespace)?;
        socket.connect().await?;
        Ok(socket)
    }

    /// The socket of a namespace, the same each time, which wants nothing until it is asked to
    /// [connect](Socket::connect).
    ///
    /// # Errors
    /// There are as many as may be.
    pub fn socket(&self, namespace: &str) -> Result<Socket, ClientError> {
        let handle = &self.handle;
        let mut seats = handle.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seats.iter().find(|it| it.name == namespace) {
            return Ok(Socket::new(self.clone(), seat.clone()));
        }
        if seats.len() >= handle.most {
            return Err(ClientError::TooMany);
        }
        let socket = handle.client.socket(namespace);
        let seat = Arc::new(Seat {
            name: namespace.to_owned(),
            heard: Heard::of(&socket),
            socket,
        });
        seats.push(seat.clone());
        Ok(Socket::new(self.clone(), seat))
    }

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
