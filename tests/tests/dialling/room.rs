//! Waiting for room.

use futures_util::FutureExt;
use sio_driver::client::{Config, Dialer, Socket};
use sio_tokio::{Ack, EmitError};

use crate::here::{until, within};
use crate::server::{Heard, builder, served};
use crate::world::On;

/// Where what is kept is forgotten there is room, without a connection.
async fn forgetting_makes_room<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    let mut config = Config::v4();
    config.max_offline_packets = 1;
    let client = builder(&world, runtime).config(config).build().unwrap();
    let socket = client.socket("/");
    socket.emit("say", &"first").unwrap();
    assert_eq!(socket.emit("say", &"second"), Err(EmitError::Full));
    let ready = socket.ready();
    assert!(socket.ready().now_or_never().is_none());
    socket.clear_offline();
    within("room", ready).await.unwrap();
    socket.emit("say", &"third").unwrap();
    within("the namespace", socket.connect()).await.unwrap();
    until("it is heard", || heard.all() == ["third"]).await;
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Room is waited for whether it was an event or an answer that found none.
async fn answers_wait_for_room<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    world
        .io
        .of("/")
        .on("ask", async |socket: sio_tokio::Socket| {
            // There is no answer.
            let _ = socket.emit_with_ack::<()>("double", &(1,)).await;
        });
    let mut config = Config::v4();
    config.max_backlog_bytes = 64;
    let client = builder(&world, runtime).config(config).build().unwrap();
    let socket = client.socket("/");
    let told = Heard::default();
    let notes = told.clone();
    socket.on("double", move |socket: Socket, ack: Ack<Socket>| {
        // One packet may always wait; and nothing leaves while this runs.
        socket.emit("say", &"x".repeat(200)).unwrap();
        let sent = ack.send(&2);
        let waits = socket.ready().now_or_never().is_none();
        notes.note(format!("{sent:?}, waits: {waits}"));
    });
    within("the namespace", socket.connect()).await.unwrap();
    socket.emit("ask", &()).unwrap();
    until("it is asked", || told.len() == 1).await;
    assert_eq!(told.all(), ["Err(Full), waits: true"]);
    within("room", socket.ready()).await.unwrap();
    within("the client to close", client.close()).await;
    world.ends().await;
}

on_each_runtime! {
    forgetting_makes_room,
    answers_wait_for_room,
}
