//! What others have told a connection's task, and what its limits hold, where a turn ends early or a request
//! makes it look at its WebSocket.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::io::AsyncWriteExt;
use sio_tokio::{BacklogPolicy, Io, Socket};

use crate::client::{Client, calm, request};
use crate::here::{connect, sleep, until};
use crate::world::{On, World};

/// Its handler says much, and more than it may take in at once has come.
async fn what_a_turn_does_not_come_to_is_not_forgotten(on: On) {
    // faults: H4
    const SAID: usize = 100;
    let io = Io::new(calm());
    let all = io.clone();
    io.of("/b").on_connect(|_: Socket| {});
    let chat = io.of("/");
    for quiet in ["pad", "after"] {
        chat.on(quiet, || {});
    }
    chat.on("last", move |socket: Socket| {
        // Its client's other socket, whose end stops the task on its way through what it was told.
        for other in all.of("/b").sockets() {
            other.disconnect(false);
        }
        for number in 0..SAID {
            socket.emit("n", &number).unwrap();
        }
    });
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    poller.enter().await;
    poller.post("40/b,").await;
    poller.poll().await;
    let pad = "x".repeat(60_000);
    let events = ["pad", "pad", "last"].map(|name| format!(r#"42["{name}","{pad}"]"#));
    poller
        .post(&[&events.join("\u{1e}"), r#"42["after"]"#].join("\u{1e}"))
        .await;
    let mut said = 0;
    while said < SAID {
        said += poller.poll().await.body.matches(r#"42["n""#).count();
    }
    assert_eq!(said, SAID);
    world.ends().await;
}

/// A session that is over its limits is not made to read on by requests for it.
async fn requests_do_not_pass_what_may_wait_for_handlers(on: On) {
    // faults: H1
    let mut config = calm();
    config.serving.max_running_handlers = 1;
    config.max_backlog_bytes = 100_000;
    config.serving.departed_timeout = Duration::from_millis(100);
    let io = Io::new(config);
    io.of("/").on("hold", std::future::pending::<()>);
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    let query = format!("&sid={}", poller.sid);
    let mut client = Client::raw(world.address, &query).await;
    client.send("5").await;
    client.send("40").await;
    client.text().await;
    let sent = Arc::<AtomicUsize>::default();
    let counted = sent.clone();
    let flood = crate::here::spawn(async move {
        let event = format!(r#"42["hold","{}"]"#, "x".repeat(50_000));
        loop {
            client.send(&event).await;
            counted.fetch_add(event.len(), Ordering::Relaxed);
        }
    });
    // Nothing more is taken than what lies in buffers between them.
    let rests = async || {
        let mut before = 0;
        loop {
            sleep(Duration::from_millis(300)).await;
            let now = sent.load(Ordering::Relaxed);
            if now == before && now > 0 {
                return now;
            }
            before = now;
        }
    };
    let before = rests().await;
    for _ in 0..100 {
        request(
            world.address,
            "GET",
            &format!("EIO=4&transport=polling&sid={}", poller.sid),
            "",
        )
        .await;
    }
    let after = rests().await;
    assert!(after - before <= 50_100, "{before} bytes, then {after}");
    flood.abort();
    io.disconnect_all();
    until("it is gone", || io.engine_sessions() == 0).await;
    sleep(Duration::from_millis(300)).await;
    world.ends().await;
}

/// An answer is handed over while its session's task has more to do.
async fn what_was_answered_counts_once(on: On) {
    // faults: H2
    let mut config = calm();
    config.backlog_policy = BacklogPolicy::Refuse;
    config.max_backlog_bytes = 1_000_000;
    let io = Io::new(config);
    let outcome = Arc::<Mutex<Option<_>>>::default();
    let noted = outcome.clone();
    let chat = io.of("/");
    chat.on("load", |socket: Socket| {
        socket.emit("big", &"x".repeat(600_000))
    });
    chat.on("small", move |socket: Socket| {
        *noted.lock().unwrap() = Some(socket.emit("s", &1));
    });
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    poller.enter().await;
    poller.post(r#"42["load"]"#).await;
    // Both requests are there before either is handled: the GET is answered in the turn of the POST.
    let sid = &poller.sid;
    let event = r#"42["small"]"#;
    let requests = [
        format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\
             content-length: {}\r\n\r\n{event}",
            event.len()
        ),
    ];
    let mut streams = Vec::new();
    for bytes in &requests {
        let mut stream = connect(world.address).await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        streams.push(stream);
    }
    until("it was said", || outcome.lock().unwrap().is_some()).await;
    assert_eq!(outcome.lock().unwrap().take(), Some(Ok(())));
    drop(streams);
    drop(poller);
    world.ends().await;
}

on_each_runtime! {
    what_a_turn_does_not_come_to_is_not_forgotten,
    what_was_answered_counts_once,
}

mod real {
    use super::requests_do_not_pass_what_may_wait_for_handlers;

    on_each_real_runtime! {
        requests_do_not_pass_what_may_wait_for_handlers,
    }
}
