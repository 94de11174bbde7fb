//! Clients that are recorded as they go about, and played again in the simulation's own terms.

use std::sync::{Arc, Mutex};

use sio_driver::app::{Data, Recording};
use sio_driver::client::{Ack, Dialer};
use sio_sim::Chart;
use sio_sim::core::client::Status;
use sio_sim::core::client::record::{Log, Replay};
use sio_tokio::Bytes;

use crate::here::{until, within};
use crate::server::{WAYS, builder, served};
use crate::world::On;

type Logs = Arc<Mutex<Vec<Vec<u8>>>>;

fn recording() -> (Recording, Logs) {
    let logs = Logs::default();
    let kept = logs.clone();
    (
        Recording::new(move |log| kept.lock().unwrap().push(log)),
        logs,
    )
}

/// What it hears and says by each transport, in two namespaces, and over a connection that is lost.
async fn what_a_client_went_through_plays_again_to_the_same_bytes<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let (recording, logs) = recording();
        let client = builder(&world, runtime.clone())
            .transports(way)
            .query("token", "a-secret")
            .auth(&serde_json::json!({ "token": "a-secret" }))
            .unwrap()
            .record(recording)
            .build()
            .unwrap();
        let (main, chat) = (client.socket("/"), client.socket("/chat"));
        chat.on("double", |Data(n): Data<u64>, ack: Ack| ack.send(&(2 * n)));
        within("the main namespace", main.connect()).await.unwrap();
        within("the other one", chat.connect()).await.unwrap();
        let file = Bytes::from_static(b"a secret");
        let echo = main.emit_with_ack::<(String, Bytes)>("echo", &("a secret", file.clone()));
        let expected = ("a secret".to_owned(), file);
        assert_eq!(within("an echo", echo).await, Ok(expected));
        let asked = within("an answer", chat.emit_with_ack::<u64>("ask me", &())).await;
        assert_eq!(asked, Ok(42));
        let so_far = Log::read(client.recorded().unwrap()).unwrap();
        assert_eq!(Replay::new(so_far.clone()).unwrap().finish(), Ok(()));

        let before = chat.id();
        main.emit("drop me", &()).unwrap();
        until("it is in again", || chat.connected() && chat.id() != before).await;
        let said = heard.len();
        chat.emit("say", &"a secret").unwrap();
        until("it is heard", || heard.len() > said).await;
        within("the client to close", client.close()).await;
        assert_eq!(client.recorded(), None);

        let logs = std::mem::take(&mut *logs.lock().unwrap());
        assert_eq!(logs.len(), 1);
        let log = Log::read(logs.into_iter().next().unwrap()).unwrap();
        assert!(log.steps.len() > so_far.steps.len());
        let mut replay = Replay::new(log.clone()).unwrap();
        assert_eq!(replay.finish(), Ok(()));
        assert_eq!(replay.client().status(), Status::Closed);
        let chart = Chart::of_client_log(log.clone()).unwrap().tail(10_000);
        assert!(
            chart.contains("a secret") && !chart.contains("else came out"),
            "{chart}"
        );
        let redacted = log.redact().unwrap();
        let chart = Chart::of_client_log(redacted.clone()).unwrap().tail(10_000);
        assert!(chart.contains("ask me"), "{chart}");
        for secret in ["secret", "127.0.0.1"] {
            assert!(!chart.contains(secret), "{secret}: {chart}");
        }
        assert_eq!(Replay::new(redacted).unwrap().finish(), Ok(()));
    }
    world.ends().await;
}

/// One that never dials has a log, too, which ends where there is no room; whoever takes it may panic.
async fn each_log_is_given_out_once<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let (recording, logs) = recording();
    let client = builder(&world, runtime.clone()).record(recording.max_log_bytes(600));
    drop(client.clone().build().unwrap());
    until("a log", || logs.lock().unwrap().len() == 1).await;

    let other = client.build().unwrap();
    let socket = other.socket("/");
    within("the namespace", socket.connect()).await.unwrap();
    for _ in 0..20 {
        let echo = socket.emit_with_ack::<String>("echo", &"something");
        assert_eq!(within("an echo", echo).await.as_deref(), Ok("something"));
    }
    drop((socket, other));
    until("the other", || logs.lock().unwrap().len() == 2).await;
    let logs = std::mem::take(&mut *logs.lock().unwrap());
    assert!(logs[0].len() < 500, "{} bytes", logs[0].len());
    assert!(
        (500..=600).contains(&logs[1].len()),
        "{} bytes",
        logs[1].len()
    );
    for log in logs {
        let mut replay = Replay::new(Log::read(log).unwrap()).unwrap();
        assert_eq!(replay.finish(), Ok(()));
    }

    let client = builder(&world, runtime).record(Recording::new(|_| panic!("no room for it")));
    let client = client.build().unwrap();
    within("the namespace", client.socket("/").connect())
        .await
        .unwrap();
    within("the client to close", client.close()).await;
    world.ends().await;
}

on_each_runtime! {
    what_a_client_went_through_plays_again_to_the_same_bytes,
    each_log_is_given_out_once,
}
