//! A server on a port of its own, and clients that speak the wire by hand.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

use std::net::SocketAddr;

use sio_tokio::{Io, Server};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[path = "../../../tests/tests/behaviour/client.rs"]
mod client;

pub(crate) use client::*;

/// A server that is being served.
pub(crate) struct World {
    pub(crate) io: Io,
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<std::io::Result<()>>,
}

impl World {
    pub(crate) async fn new(io: Io) -> Self {
        let server = Server::new(io.clone());
        Self::serving(io, server).await
    }

    pub(crate) async fn serving(io: Io, server: Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(sio_tokio::serve_with(listener, server));
        Self { io, address, task }
    }

    /// A WebSocket client that is in no namespace yet.
    pub(crate) async fn open(&self) -> Client {
        Client::open(self.address, "").await
    }

    /// A WebSocket client in `/`, and its socket id.
    pub(crate) async fn join(&self) -> (Client, String) {
        let mut client = self.open().await;
        let id = client.enter("").await;
        (client, id)
    }

    pub(crate) async fn poller(&self) -> Poller {
        Poller::open(self.address).await
    }

    /// Nothing is left: every test ends with this.
    pub(crate) async fn ends(self) {
        let Self { io, address, task } = self;
        within("the server to close", io.close()).await;
        let served = within("serve to return", task).await;
        served.unwrap().unwrap();
        assert_eq!(io.engine_sessions(), 0);
        assert_eq!(io.of("/").len(), 0);
        TcpListener::bind(address).await.unwrap();
    }
}
