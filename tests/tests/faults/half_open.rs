//! Clients that are not there any more, or that stop in the middle of something.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Config, DisconnectReason, Io, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, calm, exchange};
use crate::here::{connect, sleep, until, within};
use crate::wire::{Wire, masked};
use crate::world::{On, World};

/// Waits for nothing long.
fn impatient() -> Config {
    calm()
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(300))
        .request_head_timeout(Duration::from_millis(300))
        .request_body_timeout(Duration::from_millis(300))
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

/// Nothing more is read from one that has said more than may wait: that it is gone shows when it is written to.
async fn one_that_vanishes_behind_what_waits_is_given_up(on: On) {
    for query in ["", "&EIO=3"] {
        let (io, left) = watched(
            calm()
                .max_backlog_bytes(1000)
                .ping_interval(Duration::from_millis(100))
                .ping_timeout(Duration::from_millis(100)),
        );
        let main = io.of("/");
        let (go, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (wait, begin) = (go.clone(), begun.clone());
        main.on_connect(|socket: Socket| socket.sequential());
        main.on("slow", move || {
            begin.add_permits(1);
            let wait = wait.clone();
            async move { wait.acquire_owned().await.map(drop) }
        });
        let world = World::new(on, io.clone()).await;
        let mut client = Client::open(world.address, query).await;
        if query.is_empty() {
            client.enter("").await;
        } else {
            client.expect("40").await;
        }
        let event = format!(r#"42["slow","{}"]"#, "x".repeat(100));
        // More than may wait, and no more than what is between them takes: it is not read to the end.
        client.send_at_once(vec![event; 30]).await;
        within("the first", begun.acquire()).await.unwrap().forget();
        // What was asked of it before is not answered by then.
        sleep(Duration::from_millis(150)).await;
        assert_eq!(main.len(), 1);
        drop(client);
        until("it is missed", || {
            main.is_empty() && io.engine_sessions() == 0
        })
        .await;
        go.close();
        until("its handlers", || !left.lock().unwrap().is_empty()).await;
        world.ends().await;
    }
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
    let (io, _) = watched(
        calm()
            .request_head_timeout(Duration::from_millis(300))
            .request_body_timeout(Duration::from_millis(300)),
    );
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
    let (io, _) = watched(calm().close_timeout(Duration::from_secs(60)));
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    assert_eq!(poller.post("1").await.status, 200);
    until("the session to end", || io.engine_sessions() == 0).await;
    world.ends().await;
}

on_each_runtime! {
    a_websocket_that_falls_silent_is_given_up,
    one_that_vanishes_behind_what_waits_is_given_up,
    a_poller_that_does_not_come_back_is_given_up,
    a_poll_whose_client_has_gone_keeps_nothing_alive,
    half_a_frame_keeps_nobody_alive,
    a_client_that_only_stops_sending_has_left,
    half_a_request_is_answered_408,
    a_connection_that_says_nothing_is_hung_up_on,
    who_wants_no_second_request_is_hung_up_on_at_once,
}
