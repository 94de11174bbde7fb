//! The server at the other end, and clients for it.

use std::sync::{Arc, Mutex};

use sio_driver::client::{Backoff, Builder, Client, Config, Dialer};
use sio_tokio::{Ack, Args, Data, Io, Socket, TransportKind};

use crate::client::calm;
use crate::world::{On, World};
use std::time::Duration;

/// Ways to reach a server.
pub(crate) const WAYS: [&[TransportKind]; 3] = [
    &[TransportKind::WebSocket],
    &[TransportKind::Polling],
    &[TransportKind::Polling, TransportKind::WebSocket],
];

/// What was heard, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A server that notes what it is told, echoes, and asks back.
pub(crate) fn io() -> (Io, Heard) {
    let io = Io::new(calm());
    let heard = Heard::default();
    let notes = heard.clone();
    for namespace in [io.of("/"), io.of("/chat")] {
        let notes = notes.clone();
        namespace.on("say", move |Data(what): Data<String>| notes.note(what));
        namespace.on("echo", |args: Args, ack: Ack| ack.send(&args));
        namespace.on("back", |socket: Socket, args: Args| {
            socket.emit("back", &args)
        });
        namespace.on("ask me", async |socket: Socket, ack: Ack| {
            let (answer,): (u64,) = socket.emit_with_ack("double", &(21,)).await.unwrap();
            ack.send(&answer).unwrap();
        });
        namespace.on("drop me", |socket: Socket| socket.conn().close());
        namespace.on("kick me", |socket: Socket| socket.disconnect(false));
    }
    (io, heard)
}

/// A client's beginnings for the server of this world, that comes back quickly.
pub(crate) fn builder<R: Dialer>(world: &World, runtime: R) -> Builder<R> {
    let url = format!("http://{}/", world.address);
    let quick = Backoff::new(Duration::from_millis(10), Duration::from_millis(20));
    Client::builder_on(runtime, url)
        .unwrap()
        .config(Config::v4().reconnection(quick))
}

pub(crate) async fn served(on: On) -> (World, Heard) {
    let (io, heard) = io();
    (World::new(on, io).await, heard)
}
