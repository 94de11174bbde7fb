//! Sockets as others see them.

use std::sync::Arc;

use sio_core::id::SocketId;

use super::SocketData;
use crate::endpoint::handshake::Handshake;

/// A socket, here or on another node, as it was when it was asked for. Its id is a room that it is in, wherever it
/// is: `io.to(&socket.id)` emits to it, and has it join, leave and be disconnected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteSocket {
    /// Its id.
    pub id: SocketId,
    /// The name of its namespace.
    pub namespace: String,
    /// The rooms it was in.
    pub rooms: Vec<String>,
    /// The first request of its connection.
    pub handshake: Arc<Handshake>,
    /// What it was given by [`Socket::set_data`](crate::app::Socket::set_data).
    pub data: SocketData,
}

impl RemoteSocket {
    /// One of another node, as an adapter was told.
    pub const fn new(
        id: SocketId,
        namespace: String,
        rooms: Vec<String>,
        handshake: Arc<Handshake>,
        data: SocketData,
    ) -> Self {
        Self {
            id,
            namespace,
            rooms,
            handshake,
            data,
        }
    }
}
