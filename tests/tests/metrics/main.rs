//! What a server tells the recorder of the `metrics` crate, on both runtimes.

#[macro_use]
#[allow(unused_macros, reason = "the other suite's")]
#[path = "../behaviour/runtimes.rs"]
mod runtimes;

#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/client.rs"]
mod client;
mod cluster;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/here.rs"]
mod here;
mod recorder;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/wire.rs"]
mod wire;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/world.rs"]
mod world;

use std::time::Duration;

use sio_tokio::{Ack, Config, ConnectionStateRecovery, Data, Io, Socket};

use crate::client::{Poller, calm, request};
use crate::here::until;
use crate::recorder::Recorder;
use crate::world::{On, World};

const POLLING: &str = "{transport=polling}";
const WEBSOCKET: &str = "{transport=websocket}";

async fn packets_and_bytes_are_counted_by_transport(on: On) {
    let figures = Recorder::alone();
    let io = Io::new(calm());
    io.on("echo", |Data(text): Data<String>, ack: Ack| ack.send(&text));
    io.on("all", |socket: Socket| socket.namespace().emit("told", &()));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    let poller = world.poller().await;
    poller.enter().await;
    let by = |what: &str, transport: &str| figures.counter(&format!("sio_{what}_total{transport}"));
    // The handshakes, a CONNECT each and its answer.
    until("the first packets", || {
        by("packets_sent", WEBSOCKET) >= 2 && by("packets_sent", POLLING) >= 2
    })
    .await;
    figures.forget();
    let (asked, answered) = (r#"421["echo","hi"]"#, r#"431["hi"]"#);
    client.send(asked).await;
    client.expect(answered).await;
    until("the echo", || by("packets_sent", WEBSOCKET) == 1).await;
    assert_eq!(by("packets_received", WEBSOCKET), 1);
    assert_eq!(by("bytes_received", WEBSOCKET), asked.len() as u64);
    assert_eq!(by("bytes_sent", WEBSOCKET), answered.len() as u64);
    assert_eq!(by("packets_received", POLLING), 0);
    assert_eq!(poller.post(asked).await.body, "ok");
    assert_eq!(poller.poll().await.body, answered);
    until("the echo", || by("packets_sent", POLLING) == 1).await;
    assert_eq!(by("packets_received", POLLING), 1);
    assert_eq!(by("bytes_received", POLLING), asked.len() as u64);
    assert_eq!(by("bytes_sent", POLLING), answered.len() as u64);
    // A broadcast counts for each who gets it.
    client.send(r#"42["all"]"#).await;
    client.expect(r#"42["told"]"#).await;
    assert_eq!(poller.poll().await.body, r#"42["told"]"#);
    until("the news", || {
        by("packets_sent", WEBSOCKET) + by("packets_sent", POLLING) == 4
    })
    .await;
    assert!(figures.histogram("sio_turn_seconds") > 0);
    // Of an event with bytes in it there are two packets, whatever carries them, and a pong is one.
    figures.forget();
    let head = r#"451-["picture",{"_placeholder":true,"num":0}]"#;
    let body = format!("{head}\u{1e}bAQI=\u{1e}3");
    assert_eq!(poller.post(&body).await.body, "ok");
    until("all of it", || by("packets_received", POLLING) == 3).await;
    assert_eq!(by("bytes_received", POLLING), body.len() as u64);
    client.send(head).await;
    client.send_binary(&[1, 2]).await;
    client.send("3").await;
    until("all of it", || by("packets_received", WEBSOCKET) == 3).await;
    world.ends().await;
}

async fn acks_are_counted_as_long_as_they_are_open(on: On) {
    let figures = Recorder::alone();
    let world = World::new(on, Io::new(calm())).await;
    let (mut client, id) = world.join().await;
    let socket = world.io.of("/").get(&id).unwrap();
    let answer = here::spawn(socket.emit_with_ack::<u32>("number?", &()));
    client.expect(r#"421["number?"]"#).await;
    until("it to be open", || {
        figures.gauge("sio_acks_outstanding") == 1.0
    })
    .await;
    client.send("431[7]").await;
    assert_eq!(answer.end().await, Some(Ok(7)));
    until("it to be over", || {
        figures.gauge("sio_acks_outstanding") == 0.0
    })
    .await;
    assert_eq!(figures.histogram("sio_ack_seconds"), 1);
    let late = socket.timeout(Duration::from_millis(5));
    late.emit_with_ack::<u32>("late?", &()).await.unwrap_err();
    until("it to be over", || {
        figures.gauge("sio_acks_outstanding") == 0.0
    })
    .await;
    assert_eq!(figures.counter("sio_acks_timed_out_total"), 1);
    // One that goes with its client is neither.
    let gone = here::spawn(socket.emit_with_ack::<u32>("gone?", &()));
    until("it to be open", || {
        figures.gauge("sio_acks_outstanding") == 1.0
    })
    .await;
    socket.disconnect(true);
    gone.end().await.unwrap().unwrap_err();
    until("it to be over", || {
        figures.gauge("sio_acks_outstanding") == 0.0
    })
    .await;
    assert_eq!(figures.histogram("sio_ack_seconds"), 1);
    assert_eq!(figures.counter("sio_acks_timed_out_total"), 1);
    world.ends().await;
}

async fn refusals_are_counted_by_reason(on: On) {
    let figures = Recorder::alone();
    let world = World::new(on, Io::new(calm())).await;
    let refused = |reason: &str| figures.counter(&format!("sio_refused_total{{reason={reason}}}"));
    assert_eq!(
        request(world.address, "GET", "&sid=nobody", "")
            .await
            .status,
        400
    );
    assert_eq!(request(world.address, "PUT", "", "").await.status, 400);
    assert_eq!(refused("Session ID unknown"), 1);
    assert_eq!(refused("Bad handshake method"), 1);
    let mut client = world.open().await;
    client.send("40/none,").await;
    client
        .expect(r#"44/none,{"message":"Invalid namespace"}"#)
        .await;
    assert_eq!(refused("namespace"), 1);
    world.io.drain();
    assert_eq!(request(world.address, "GET", "", "").await.status, 503);
    assert_eq!(refused("Service Unavailable"), 1);
    world.ends().await;
}

async fn what_there_is_is_told_when_it_is_asked_for(on: On) {
    let figures = Recorder::alone();
    let config = Config::v4()
        .ping_interval(Duration::from_millis(20))
        .close_timeout(Duration::from_millis(200))
        .connection_state_recovery(ConnectionStateRecovery::default());
    let io = Io::new(config);
    io.of_pattern("/room/{id}").unwrap();
    io.on_connect(|socket: Socket| socket.join("lobby"));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.enter("/room/7,").await;
    let poller = Poller::open(world.address).await;
    // Its answer is not fetched: pings come so fast that one may stand before it.
    assert_eq!(poller.post("40").await.body, "ok");
    until("it to be in", || world.io.of("/").len() == 2).await;
    world.io.record_metrics();
    assert_eq!(figures.gauge(&format!("sio_connections{WEBSOCKET}")), 1.0);
    assert_eq!(figures.gauge(&format!("sio_connections{POLLING}")), 1.0);
    assert_eq!(figures.gauge("sio_sockets{namespace=/}"), 2.0);
    assert_eq!(figures.gauge("sio_rooms{namespace=/}"), 1.0);
    assert_eq!(figures.gauge("sio_sockets{namespace=(children)}"), 1.0);
    assert_eq!(figures.counter("sio_recoveries_total{result=recovered}"), 0);
    assert_eq!(figures.gauge("sio_ready_waits"), 0.0);
    // Where a namespace is there no more, nobody is.
    let passing = world.io.of("/passing");
    client.enter("/passing,").await;
    until("it to be in that", || passing.len() == 1).await;
    world.io.record_metrics();
    assert_eq!(figures.gauge("sio_sockets{namespace=/passing}"), 1.0);
    world.io.remove_namespace("/passing");
    world.io.record_metrics();
    assert_eq!(figures.gauge("sio_sockets{namespace=/passing}"), 0.0);
    assert_eq!(figures.gauge("sio_sockets{namespace=/}"), 2.0);
    client.expect("41/passing,").await;
    // It answers pings as long as it waits for something else.
    let client = here::spawn(async move { client.next().await });
    until("a pong", || figures.histogram("sio_heartbeat_seconds") > 0).await;
    client.abort();
    world.ends().await;
}

use crate::cluster::{a_cluster_is_counted, every_vector_is_counted};

on_each_real_runtime! {
    a_cluster_is_counted,
    every_vector_is_counted,
    packets_and_bytes_are_counted_by_transport,
    acks_are_counted_as_long_as_they_are_open,
    refusals_are_counted_by_reason,
    what_there_is_is_told_when_it_is_asked_for,
}
