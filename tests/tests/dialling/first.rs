//! The first word of a socket, and whether what was said has left.

use std::time::Duration;

use sio_driver::client::{Config, Connected, Dialer};
use sio_tokio::{AckError, EmitError, TransportKind};

use crate::here::{until, within};
use crate::server::{Heard, WAYS, builder, served};
use crate::world::On;

/// It leaves before what was kept, each time that the socket comes in, and before the handlers of `connect`.
async fn the_first_word_leaves_first<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let told = Heard::default();
        let notes = told.clone();
        socket.on_entering(move |first| {
            assert_eq!(first.socket().id().as_ref(), Some(first.id()));
            notes.note(format!("entering {}", first.recovered()));
            // What is said by the socket waits for its turn.
            first.socket().emit("say", &"in turn").unwrap();
            first.emit("say", &"first").unwrap();
            // Nobody waits for the answer.
            drop(first.emit_with_ack::<String>("echo", &"asked"));
        });
        let notes = told.clone();
        socket.on_connect(move |_: Connected| notes.note("in"));
        let said = heard.len();
        socket.emit("say", &"kept").unwrap();
        within("the namespace", socket.connect()).await.unwrap();
        until("all is heard", || heard.len() == said + 3).await;
        assert_eq!(heard.all().split_off(said), ["first", "kept", "in turn"]);
        socket.emit("drop me", &()).unwrap();
        until("it is back", || told.len() == 4).await;
        until("all is heard", || heard.len() == said + 5).await;
        assert_eq!(heard.all().split_off(said + 3), ["first", "in turn"]);
        assert_eq!(told.all(), ["entering false", "in", "entering false", "in"]);
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

/// A first word that panics ends its connection, and holds nothing back on the next one.
async fn a_first_word_may_panic<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    let client = builder(&world, runtime).build().unwrap();
    let failed = Heard::default();
    let notes = failed.clone();
    client.on_error(move |error| notes.note(error.why.to_string()));
    let socket = client.socket("/");
    let notes = failed.clone();
    socket.on_entering(move |_| assert!(notes.len() > 0, "a mistake"));
    socket.emit("say", &"kept").unwrap();
    within("the namespace", socket.connect()).await.unwrap();
    until("it is heard", || heard.all() == ["kept"]).await;
    let failed = failed.all();
    assert!(
        failed.len() == 1 && failed[0].contains("a mistake"),
        "{failed:?}"
    );
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Whoever waits for what was said to have left waits until the socket is in, and hears when it will not be known.
async fn what_was_said_has_left<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        within("nothing", socket.flushed()).await.unwrap();
        let said = heard.len();
        socket.emit("say", &"kept").unwrap();
        let flushed = socket.flushed();
        socket.open();
        within("what was kept", flushed).await.unwrap();
        socket.emit("say", &"said").unwrap();
        within("what was said", socket.flushed()).await.unwrap();
        // A server that polls has taken it in by then.
        until("it is heard", || heard.len() == said + 2).await;
        within("the client to close", client.close()).await;
        let late = within("an end", socket.flushed()).await;
        assert_eq!(late, Err(EmitError::Disconnected));
    }
    let mut config = Config::v4();
    config.max_pending_acks = 1;
    let client = builder(&world, runtime).config(config).build().unwrap();
    let socket = client.socket("/");
    socket.emit("say", &"kept").unwrap();
    let (first, one_more) = (socket.flushed(), socket.flushed());
    assert_eq!(one_more.await, Err(EmitError::Full));
    // Who does not wait any more gives the place back.
    drop(first);
    let (first, one_more) = (socket.flushed(), socket.flushed());
    assert_eq!(one_more.await, Err(EmitError::Full));
    socket.clear_offline();
    socket.open();
    let forgotten = within("an end", first).await;
    assert_eq!(forgotten, Err(EmitError::Disconnected));
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// The answer to a first word comes to whoever waits for it.
async fn a_first_word_is_answered<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).transports([TransportKind::WebSocket]);
    let client = client.build().unwrap();
    let socket = client.socket("/chat");
    let (give, take) = std::sync::mpsc::channel();
    socket.on_entering(move |first| {
        let _ = give.send(first.emit_with_ack::<String>("echo", &"hello"));
    });
    within("the namespace", socket.connect()).await.unwrap();
    let answer = take.try_recv().unwrap();
    assert_eq!(within("an answer", answer).await.unwrap(), "hello");
    within("the client to close", client.close()).await;
    assert!(take.try_recv().is_err(), "there was one");
    let late: Result<(), AckError> = socket
        .timeout(Duration::from_secs(1))
        .emit_with_ack("echo", &())
        .await;
    assert_eq!(late, Err(AckError::Disconnected));
    world.ends().await;
}

on_each_runtime! {
    the_first_word_leaves_first,
    a_first_word_may_panic,
    what_was_said_has_left,
    a_first_word_is_answered,
}
