//! What is compressed for many.

use sio_tokio::{Io, PerMessageDeflate};

use crate::alone::alone_on_each_runtime;
use crate::client::{Client, calm};
use crate::here::{until, within};
use crate::wire::{Wire, opening};
use crate::world::{On, World};
use crate::{LEFT, held};

async fn a_message_for_many(on: On) {
    // faults: H19
    let io = Io::new(
        calm()
            .per_message_deflate(Some(PerMessageDeflate::default()))
            .max_backlog_bytes(100_000_000),
    );
    io.of("/");
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let request = opening("").replace("\r\n\r\n", offer);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::on(Wire::opened(world.address, &request).await);
        client.text().await;
        client.enter("").await;
        clients.push(client);
    }
    let text = "x".repeat(10_000_000);
    io.of("/").emit("news", &text).unwrap();
    drop(text);
    for client in &mut clients {
        let (first, _) = within("the message", client.wire.frame()).await.unwrap();
        assert_eq!(first, 0xc1, "compressed");
    }
    drop(clients);
    until("their end", || io.engine_sessions() == 0).await;
    until("it is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

alone_on_each_runtime! {
    a_message_for_many,
}
