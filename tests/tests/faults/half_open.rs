//! Clients that are not there any more, or that stop in the middle of something.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Config, DisconnectReason, Io};

use crate::client::{calm, exchange};
use crate::here::{connect, until, within};
use crate::wire::{Wire, masked};
use crate::world::{On, World};

/// Waits for nothing long.
fn impatient() -> Config {
    Config {
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(300),
        request_head_timeout: Duration::from_millis(300),
        request_body_timeout: Duration::from_millis(300),
        ..calm()
    }
}

/// A server, and why its sockets have left.
fn watched(config: Config) -> (Io, Arc<Mutex<Vec<&'static str>>>) {
    let io = Io::new(config);
    let left = Arc::<Mutex<Vec<&'static str>>>::default();
    let tell = left.clone();
    io.of("/").on_disconnect(move |reason: DisconnectReason| {
        tell.lock().unwrap().push(reason.as_str());
    });
    (io, left)
}

async fn gone(left: &Mutex<Vec<&'static str>>, why: &str) {
    until("the client to be given up", || {
        !left.lock().unwrap().is_empty()
    })
    .await;
    assert_eq!(*left.lock().unwrap(), [why]);
}

async fn joined(world: &World) -> Wire {
    let mut wire = Wire::open(world.address, "").await;
    wire.write(&masked(0x81, b"40")).await;
    // The open packet, and the answer.
    for _ in 0..2 {
        within("a packet", wire.frame()).await.unwrap();
    }
    wire
}

async fn a_websocket_that_falls_silent_is_given_up(on: On) {
    let (io, left) = watched(impatient());
    let world = World::new(on, io).await;
    let silent = joined(&world).await;
    gone(&left, "ping timeout").await;
    drop(silent);
    world.ends().await;
}

async fn a_poller_that_does_not_come_back_is_given_up(on: On) {
    let (io, left) = watched(impatient());
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    poller.enter().await;
    gone(&left, "ping timeout").await;
    assert_eq!(poller.poll().await.status, 400);
    world.ends().await;
}

/// Its ping lies in a response that nobody will read.
async fn a_poll_whose_client_has_gone_keeps_nothing_alive(on: On) {
    let (io, left) = watched(impatient());
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    poller.enter().await;
    let mut parked = connect(world.address).await;
    let poll = format!(
        "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\r\n",
        poller.sid
    );
    parked.write_all(poll.as_bytes()).await.unwrap();
    parked.flush().await.unwrap();
    gone(&left, "ping timeout").await;
    drop(parked);
    world.ends().await;
}

async fn half_a_frame_keeps_nobody_alive(on: On) {
    let (io, left) = watched(impatient());
    let world = World::new(on, io).await;
    let mut wire = joined(&world).await;
    let frame = masked(0x81, br#"42["never whole"]"#);
    wire.write(&frame[..9]).await;
    gone(&left, "ping timeout").await;
    drop(wire);
    world.ends().await;
}

async fn a_client_that_only_stops_sending_has_left(on: On) {
    let (io, left) = watched(calm());
    let world = World::new(on, io).await;
    let mut wire = joined(&world).await;
    wire.shut().await;
    gone(&left, "transport close").await;
    // And hears that the server has hung up too.
    wire.rest().await;
    world.ends().await;
}

async fn half_a_request_is_answered_408(on: On) {
    let (io, _) = watched(Config {
        request_head_timeout: Duration::from_millis(300),
        request_body_timeout: Duration::from_millis(300),
        ..calm()
    });
    let world = World::new(on, io.clone()).await;
    let head = b"GET /socket.io/?EIO=4";
    assert_eq!(exchange(world.address, head).await.status, 408);

    let poller = world.poller().await;
    let post = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         content-length: 100\r\n\r\n4",
        poller.sid
    );
    assert_eq!(exchange(world.address, post.as_bytes()).await.status, 408);
    until("the session to end", || io.engine_sessions() == 0).await;
    world.ends().await;
}

async fn a_connection_that_says_nothing_is_hung_up_on(on: On) {
    let (io, _) = watched(impatient());
    let world = World::new(on, io).await;
    let mut silent = connect(world.address).await;
    let mut said = Vec::new();
    within("the end", silent.read_to_end(&mut said))
        .await
        .unwrap();
    assert_eq!(said, b"");
    world.ends().await;
}

/// A poller's requests are each read until the server has closed its end.
async fn who_wants_no_second_request_is_hung_up_on_at_once(on: On) {
    let (io, _) = watched(Config {
        close_timeout: Duration::from_secs(60),
        ..calm()
    });
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    assert_eq!(poller.post("1").await.status, 200);
    until("the session to end", || io.engine_sessions() == 0).await;
    world.ends().await;
}

on_each_runtime! {
    a_websocket_that_falls_silent_is_given_up,
    a_poller_that_does_not_come_back_is_given_up,
    a_poll_whose_client_has_gone_keeps_nothing_alive,
    half_a_frame_keeps_nobody_alive,
    a_client_that_only_stops_sending_has_left,
    half_a_request_is_answered_408,
    a_connection_that_says_nothing_is_hung_up_on,
    who_wants_no_second_request_is_hung_up_on_at_once,
}
