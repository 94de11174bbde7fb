//! Talking, leaving, coming back.

use std::time::Duration;

use sio_driver::client::{
    Ack, ConnectError, Connected, Dialer, Disconnected, Inbox, Overflow, Socket, Status,
};
use sio_tokio::{AckError, Bytes, Data, EventName, Refusal, TransportKind};

use crate::here::{until, within};
use crate::server::{Heard, WAYS, builder, served};
use crate::world::On;

/// Events and answers both ways, with bytes, by each transport.
async fn both_speak_and_answer<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/chat");
        socket.on("double", |Data(n): Data<u64>, ack: Ack| ack.send(&(2 * n)));
        let said = heard.len();
        // It waits until it is in.
        socket.emit("say", &"early").unwrap();
        within("the namespace", socket.connect()).await.unwrap();
        assert!(socket.connected() && socket.id().is_some());
        socket.emit("say", &"late").unwrap();
        let bytes = Bytes::from_static(b"\0\x01\x02");
        let (text, back): (String, Bytes) =
            within("an echo", socket.emit_with_ack("echo", &("hi", &bytes)))
                .await
                .unwrap();
        assert_eq!((&*text, &back), ("hi", &bytes));
        let doubled: u64 = within("an answer", socket.emit_with_ack("ask me", &()))
            .await
            .unwrap();
        assert_eq!(doubled, 42);
        assert_eq!(heard.all().split_off(said), ["early", "late"]);
        let wanted = *way.last().unwrap();
        let status = client.status();
        let there = Status::Connected { transport: wanted };
        until("the last transport", || status.current() == there).await;
        within("the client to close", client.close()).await;
        assert_eq!(status.current(), Status::Closed);
        let late = socket.emit_with_ack::<()>("echo", &()).await;
        assert_eq!(late, Err(AckError::Disconnected));
    }
    world.ends().await;
}

/// A lost connection is dialled again; what is emitted meanwhile arrives, in order.
async fn it_comes_back<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let socket = client.socket("/");
        let told = Heard::default();
        let notes = told.clone();
        socket.on_connect(move |hello: Connected| notes.note(format!("in {}", hello.recovered)));
        let notes = told.clone();
        socket.on_disconnect(move |socket: Socket, why: Disconnected| {
            notes.note(format!("{} {}", why.reason, why.active));
            // It is refused once the client is closed.
            let _ = socket.emit("say", &"meanwhile");
        });
        within("the namespace", socket.connect()).await.unwrap();
        let said = heard.len();
        socket.emit("drop me", &()).unwrap();
        until("what was said", || heard.len() > said).await;
        until("it is back", || told.len() == 3).await;
        assert_eq!(told.all(), ["in false", "transport close true", "in false"]);
        assert_eq!(heard.all().split_off(said), ["meanwhile"]);
        within("the client to close", client.close()).await;
    }
    world.ends().await;
}

/// A server that takes a socket out, or does not let it in, is not asked again.
async fn it_stays_out<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let closed = world.io.of("/closed");
    closed.use_(|| Err::<(), _>(Refusal::new("no entry").data("E_CLOSED")));
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket("/closed");
    let told = Heard::default();
    let notes = told.clone();
    socket.on_connect_error(move |error: ConnectError| notes.note(error.to_string()));
    let refused = within("a refusal", socket.connect()).await;
    let refusal = Refusal::new("no entry").data("E_CLOSED");
    assert_eq!(refused, Err(ConnectError::Refused(refusal)));
    assert_eq!(told.all(), ["no entry"]);
    assert!(!socket.active());

    let socket = client.socket("/chat");
    let notes = told.clone();
    socket.on_disconnect(move |why: Disconnected| {
        notes.note(format!("{} {}", why.reason, why.active));
    });
    within("the namespace", socket.connect()).await.unwrap();
    socket.emit("kick me", &()).unwrap();
    until("it is out", || told.len() == 2).await;
    assert_eq!(told.all()[1], "io server disconnect false");
    within("the client to close", client.close()).await;
    world.ends().await;
}

/// Events come in order from a stream, beside the handlers.
async fn events_are_a_stream<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let client = builder(&world, runtime).build().unwrap();
    let socket = client.socket("/");
    let told = Heard::default();
    let notes = told.clone();
    socket.on_any(move |name: EventName, Data(n): Data<u64>| notes.note(format!("{name} {n}")));
    let mut events = socket.events(Inbox::new(2, Overflow::Wait));
    within("the namespace", socket.connect()).await.unwrap();
    for n in 0..20_u64 {
        socket.emit("back", &n).unwrap();
    }
    for n in 0..20_u64 {
        let event = within("an event", events.next()).await.unwrap();
        assert_eq!((&*event.name, event.args::<u64>().unwrap()), ("back", n));
        assert!(!event.ack.is_requested());
    }
    // Streams are given an event before its handlers are.
    until("the handlers have heard", || told.len() == 20).await;
    assert_eq!(events.dropped(), 0);
    within("the client to close", client.close()).await;
    assert!(events.next().await.is_none());
    world.ends().await;
}

/// A client whose handles are all gone leaves, and what was emitted before leaves too.
async fn a_client_that_nobody_holds_closes<R: Dialer>(on: On, runtime: R) {
    let (world, heard) = served(on).await;
    for way in WAYS {
        let said = heard.len();
        let client = builder(&world, runtime.clone()).transports(way);
        let client = client.build().unwrap();
        let status = client.status();
        let socket = client.socket("/");
        socket.on_connect(|socket: Socket| socket.emit("say", &"in"));
        drop(client);
        within("the namespace", socket.connect()).await.unwrap();
        socket.emit("say", &"last").unwrap();
        drop(socket);
        until("it is closed", || status.current() == Status::Closed).await;
        assert_eq!(heard.all().split_off(said), ["in", "last"]);
    }
    world.ends().await;
}

/// Nobody listens: each attempt is told, and after the last one the client gives up.
async fn it_gives_up<R: Dialer>(on: On, runtime: R) {
    let (world, _) = served(on).await;
    let mut backoff =
        sio_driver::client::Backoff::new(Duration::from_millis(5), Duration::from_millis(5));
    backoff.attempts = Some(2);
    let client = builder(&world, runtime).reconnection(backoff);
    world.ends().await;
    let client = client
        .transports([TransportKind::WebSocket])
        .build()
        .unwrap();
    let socket = client.socket("/");
    let told = Heard::default();
    let notes = told.clone();
    socket.on_connect_error(move |error: ConnectError| notes.note(error.to_string()));
    let outcome = within("the end of it", socket.connect()).await;
    let Err(ConnectError::GaveUp(Some(error))) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(matches!(*error, ConnectError::Transport(_)), "{error}");
    assert_eq!(told.all(), ["websocket: no connection"; 3]);
    assert!(matches!(client.status().current(), Status::GaveUp { .. }));
    assert!(socket.active());
    within("the client to close", client.close()).await;
}

on_each_runtime! {
    both_speak_and_answer,
    it_comes_back,
    it_stays_out,
    events_are_a_stream,
    a_client_that_nobody_holds_closes,
    it_gives_up,
}
