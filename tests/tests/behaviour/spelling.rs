//! What real clients write otherwise than the official ones for JavaScript do, where it has one meaning.

use sio_tokio::{Data, Io, Socket, TransportKind};

use crate::client::{Client, calm};
use crate::world::{On, World};

/// Old firmware opens a session by polling, then a WebSocket, and says `5` or `52` on it.
async fn an_upgrade_needs_no_probe(on: On) {
    // faults: F3
    let io = Io::new(calm());
    io.of("/")
        .on("echo", |socket: Socket, Data(said): Data<String>| {
            socket.emit("echo", &said)
        });
    let world = World::new(on, io.clone()).await;
    for word in ["5", "52"] {
        let poller = world.poller().await;
        let id = poller.enter().await;
        let mut device = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
        device.send(word).await;
        device.send(r#"42["echo","on"]"#).await;
        device.expect(r#"42["echo","on"]"#).await;
        let socket = io.of("/").get(&id).unwrap();
        assert_eq!(socket.conn().transport(), TransportKind::WebSocket);
    }
    world.ends().await;
}

on_each_runtime! {
    an_upgrade_needs_no_probe,
}
