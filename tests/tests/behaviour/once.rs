//! Events that clients send until they are answered, and that are handled once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tokio::{Ack, Bytes, Data, ExactlyOnce, Incoming, Io, Refusal, Socket};

use crate::client::calm;
use crate::here::until;
use crate::world::{On, World};

type Held = Arc<Mutex<Vec<Ack>>>;

/// A server that counts orders, and holds on to what is asked of it later.
fn shop() -> (Io, Arc<AtomicUsize>, Held) {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("sync", |ack: Ack| ack.send(&()));
    let (count, held) = (Arc::new(AtomicUsize::new(0)), Held::default());
    for event in ["order", "later", "ignore", "bytes"] {
        main.exactly_once(event);
    }
    let orders = count.clone();
    main.on("order", move |Data(what): Data<String>, ack: Ack| {
        let number = orders.fetch_add(1, Ordering::Relaxed) + 1;
        ack.send(&(what, number))
    });
    let (asked, orders) = (held.clone(), count.clone());
    main.on("later", move |ack: Ack| {
        orders.fetch_add(1, Ordering::Relaxed);
        asked.lock().unwrap().push(ack);
    });
    let orders = count.clone();
    main.on("ignore", move || {
        orders.fetch_add(1, Ordering::Relaxed);
    });
    main.on("bytes", |Data(bytes): Data<Bytes>, ack: Ack| {
        ack.send(&bytes)
    });
    main.on("often", |ack: Ack| ack.send(&"each time"));
    (io, count, held)
}

async fn a_repeat_is_told_the_first_answer(on: On) {
    let (io, count, _) = shop();
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    for id in [1, 2] {
        ann.send(&format!(r#"42{id}["order",{{"once":"a"}},"tea"]"#))
            .await;
        ann.expect(&format!(r#"43{id}["tea",1]"#)).await;
    }
    // Without asking, too.
    ann.send(r#"42["order",{"once":"a"},"tea"]"#).await;
    ann.sync().await;
    // Its client comes as a new one.
    drop(ann);
    let (mut ann, _) = world.join().await;
    ann.send(r#"420["order",{"once":"a"},"tea"]"#).await;
    ann.expect(r#"430["tea",1]"#).await;
    // What has another name, or none, is another.
    ann.send(r#"421["order",{"once":"b"},"tea"]"#).await;
    ann.expect(r#"431["tea",2]"#).await;
    for number in [3, 4] {
        ann.send(r#"422["order","tea"]"#).await;
        ann.expect(&format!(r#"432["tea",{number}]"#)).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 4);
    let figures = world.io.of("/").once_figures().unwrap();
    assert_eq!((figures.events, figures.repeated), (2, 3));
    drop(ann);
    world.ends().await;
}

async fn bytes_are_told_again(on: On) {
    let (io, ..) = shop();
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    for id in [1, 2] {
        let placeholder = r#"{"_placeholder":true,"num":0}"#;
        let event = format!(r#"451-{id}["bytes",{{"once":"a"}},{placeholder}]"#);
        ann.send(&event).await;
        ann.send_binary(b"xyz").await;
        ann.expect(&format!(r#"461-{id}[{placeholder}]"#)).await;
        assert_eq!(ann.next().await.unwrap().into_data(), "xyz");
    }
    drop(ann);
    world.ends().await;
}

async fn whoever_asks_last_is_told_when_its_handler_is_done(on: On) {
    let (io, count, held) = shop();
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    ann.send(r#"421["later",{"once":"a"}]"#).await;
    let waits = held.clone();
    until("it is handled", || waits.lock().unwrap().len() == 1).await;
    ann.send(r#"422["later",{"once":"a"}]"#).await;
    ann.sync().await;
    drop(ann);
    let (mut ann, _) = world.join().await;
    ann.send(r#"420["later",{"once":"a"}]"#).await;
    ann.sync().await;
    let ack = held.lock().unwrap().pop().unwrap();
    ack.send(&"at last").unwrap();
    ann.expect(r#"430["at last"]"#).await;
    ann.send(r#"421["later",{"once":"a"}]"#).await;
    ann.expect(r#"431["at last"]"#).await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    drop(ann);
    world.ends().await;
}

async fn one_that_nobody_answers_is_handled_once_all_the_same(on: On) {
    let (io, count, held) = shop();
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    for id in [1, 2] {
        ann.send(&format!(r#"42{id}["ignore",{{"once":"a"}}]"#))
            .await;
        ann.send(&format!(r#"42{id}["later",{{"once":"b"}}]"#))
            .await;
        ann.sync().await;
        // Let go of without an answer.
        held.lock().unwrap().clear();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
    drop(ann);
    world.ends().await;
}

async fn middlewares_see_it_first(on: On) {
    let (io, count, _) = shop();
    let refused = Arc::new(AtomicUsize::new(0));
    let times = refused.clone();
    io.of("/").on_connect(move |socket: Socket| {
        let times = times.clone();
        socket.use_async(move |packet: Incoming| {
            let first = packet.name == "order" && times.fetch_add(1, Ordering::Relaxed) == 0;
            async move {
                match first {
                    true => Err(Refusal::new("not yet")),
                    false => Ok(packet),
                }
            }
        });
    });
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    // What is refused was not handled.
    ann.send(r#"421["order",{"once":"a"},"tea"]"#).await;
    for id in [2, 3] {
        ann.send(&format!(r#"42{id}["order",{{"once":"a"}},"tea"]"#))
            .await;
        ann.expect(&format!(r#"43{id}["tea",1]"#)).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(refused.load(Ordering::Relaxed), 3);
    drop(ann);
    world.ends().await;
}

async fn all_events_with_names(on: On) {
    let (io, ..) = shop();
    io.of("/").exactly_once_all();
    io.of("/other")
        .on("often", |ack: Ack, Data(what): Data<sio_tokio::Value>| {
            ack.send(&what)
        });
    let world = World::new(on, io).await;
    let (mut ann, _) = world.join().await;
    for id in [1, 2] {
        ann.send(&format!(r#"42{id}["often",{{"once":"a"}}]"#))
            .await;
        ann.expect(&format!(r#"43{id}["each time"]"#)).await;
    }
    assert_eq!(world.io.of("/").once_figures().unwrap().repeated, 1);
    // Of another namespace it is none's affair.
    ann.enter("/other,").await;
    ann.send(r#"42/other,1["often",{"once":"a"}]"#).await;
    ann.expect(r#"43/other,1[{"once":"a"}]"#).await;
    assert!(world.io.of("/other").once_figures().is_none());
    drop(ann);
    world.ends().await;
}

async fn a_child_that_is_empty_knows_what_was_handled(on: On) {
    let once = ExactlyOnce::default().once_duration(Duration::from_secs(2));
    let io = Io::new(calm().exactly_once(once));
    let count = Arc::new(AtomicUsize::new(0));
    let orders = count.clone();
    let rooms = io.of_pattern("/room/{id}").unwrap();
    rooms.on("order", move |ack: Ack| {
        ack.send(&(orders.fetch_add(1, Ordering::Relaxed) + 1))
    });
    io.on_new_namespace(|room| room.exactly_once("order"));
    let world = World::new(on, io).await;
    for _ in 0..2 {
        let mut ann = world.open().await;
        ann.enter("/room/7,").await;
        ann.send(r#"42/room/7,1["order",{"once":"a"}]"#).await;
        ann.expect("43/room/7,1[1]").await;
        drop(ann);
        let room = world.io.namespace("/room/7").unwrap();
        until("it is gone", || room.is_empty()).await;
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    // It stays no longer than it has to.
    until("the child is gone", || {
        world.io.namespace("/room/7").is_none()
    })
    .await;
    world.ends().await;
}

on_each_runtime! {
    a_repeat_is_told_the_first_answer,
    bytes_are_told_again,
    whoever_asks_last_is_told_when_its_handler_is_done,
    one_that_nobody_answers_is_handled_once_all_the_same,
    middlewares_see_it_first,
    all_events_with_names,
    a_child_that_is_empty_knows_what_was_handled,
}
