//! Connections that are recorded as they are served, and played again in the simulation's own terms.

use std::sync::{Arc, Mutex};

use sio_sim::Chart;
use sio_sim::core::record::{Log, Replay};
use sio_tokio::{Ack, Bytes, Data, Io, Recording, Socket};

use crate::client::calm;
use crate::here::{until, within};
use crate::world::{On, World};

/// What was recorded so far.
type Logs = Arc<Mutex<Vec<Vec<u8>>>>;

fn recording() -> (Recording, Logs) {
    let logs = Logs::default();
    let kept = logs.clone();
    let recording = Recording::new(move |log| kept.lock().unwrap().push(log));
    (recording, logs)
}

/// So many, which is all that there are when the server has closed.
async fn all(logs: Logs, count: usize) -> Vec<Vec<u8>> {
    until("the logs", || logs.lock().unwrap().len() >= count).await;
    let logs = std::mem::take(&mut *logs.lock().unwrap());
    assert_eq!(logs.len(), count);
    logs
}

fn talking() -> Io {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("join", |socket: Socket, ack: Ack| {
        let _ = socket.join("lobby");
        ack.send(&())
    });
    main.on("say", |socket: Socket, Data(text): Data<String>| {
        socket.namespace().to("lobby").emit("said", &text)
    });
    main.on("file", |socket: Socket, Data(file): Data<Bytes>| {
        socket.emit("filed", &file)
    });
    io
}

async fn what_a_client_went_through_plays_again_to_the_same_bytes(on: On) {
    let io = talking();
    let (recording, logs) = recording();
    io.record(recording);
    let world = World::new(on, io.clone()).await;
    let (mut ann, _) = world.join().await;
    let poller = world.poller().await;
    poller.enter().await;
    ann.send(r#"421["join"]"#).await;
    ann.expect("431[]").await;
    assert_eq!(poller.post(r#"421["join"]"#).await.body, "ok");
    assert_eq!(poller.poll().await.body, "431[]");
    for n in 0..3 {
        ann.send(&format!(r#"42["say","a secret, {n}"]"#)).await;
        ann.expect(&format!(r#"42["said","a secret, {n}"]"#)).await;
    }
    assert!(
        poller
            .poll()
            .await
            .body
            .starts_with(r#"42["said","a secret, 0"]"#)
    );
    ann.send(r#"451-["file",{"_placeholder":true,"num":0}]"#)
        .await;
    ann.send_binary(b"a secret").await;
    ann.expect(r#"451-["filed",{"_placeholder":true,"num":0}]"#)
        .await;
    assert_eq!(ann.next().await.expect("a file").into_data(), "a secret");
    // It comes too late to be recorded.
    io.stop_recording();
    let (late, _) = world.join().await;
    world.ends().await;
    drop((ann, late));

    for bytes in all(logs, 2).await {
        let log = Log::read(bytes).unwrap();
        let mut replay = Replay::new(log.clone()).unwrap();
        assert_eq!(replay.finish(), Ok(()));
        assert!(replay.connection().session().is_closed());
        let chart = Chart::of_log(log.clone()).unwrap().tail(10_000);
        assert!(
            chart.contains("a secret, 2") && !chart.contains("else came out"),
            "{chart}"
        );
        let redacted = log.redact().unwrap();
        let chart = Chart::of_log(redacted.clone()).unwrap().tail(10_000);
        assert!(
            chart.contains("said") && !chart.contains("secret"),
            "{chart}"
        );
        assert_eq!(Replay::new(redacted).unwrap().finish(), Ok(()));
    }
}

async fn who_is_not_asked_for_is_not_recorded_and_no_log_is_too_long(on: On) {
    let io = talking();
    let (recording, logs) = recording();
    io.record(
        recording
            .only(|handshake| handshake.query.get("record").is_some())
            .max_log_bytes(600),
    );
    let world = World::new(on, io).await;
    let (mut other, _) = world.join().await;
    let mut ann = crate::client::Client::open(world.address, "&record=1").await;
    ann.enter("").await;
    for client in [&mut ann, &mut other] {
        for _ in 0..10 {
            client.send(r#"421["join"]"#).await;
            client.expect("431[]").await;
        }
    }
    world.ends().await;
    drop((ann, other));
    let log = all(logs, 1).await.remove(0);
    assert!((500..=600).contains(&log.len()), "{} bytes", log.len());
    let mut replay = Replay::new(Log::read(log).unwrap()).unwrap();
    assert_eq!(replay.finish(), Ok(()));
}

/// Whoever takes logs may panic: that is none of the connection's.
async fn a_log_that_nobody_can_take_harms_nobody(on: On) {
    let io = talking();
    io.record(Recording::new(|_| panic!("no room for it")));
    let world = World::new(on, io).await;
    let (ann, _) = world.join().await;
    let (bob, _) = world.join().await;
    world.io.of("/").disconnect(true);
    let (said, _) = within("the end", bob.rest()).await;
    assert_eq!(said, ["41"]);
    world.ends().await;
    drop(ann);
}

on_each_runtime! {
    what_a_client_went_through_plays_again_to_the_same_bytes,
    who_is_not_asked_for_is_not_recorded_and_no_log_is_too_long,
    a_log_that_nobody_can_take_harms_nobody,
}
