//! Broadcasts that follow one another, which the server sends together: nobody must see that.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sio_tokio::{Ack, BacklogPolicy, Config, Data, Io, Namespace, Socket};

use crate::client::{Client, Message, Poller, calm};
use crate::here::{pause, within};
use crate::world::{On, World};

/// What a handler does.
type Story = dyn Fn(&Namespace, &Socket) + Send + Sync;

/// Clients `sync`, and one `plays` the story in a handler.
pub(crate) fn playing(
    config: Config,
    story: impl Fn(&Namespace, &Socket) + Send + Sync + 'static,
) -> Io {
    let io = Io::new(config);
    let main = io.of("/");
    main.on_connect(|socket: Socket| socket.join("all"));
    main.on("sync", |ack: Ack| ack.send(&()));
    let story: Arc<Story> = Arc::new(story);
    let namespace = main.clone();
    main.on("play", move |socket: Socket, ack: Ack| {
        story(&namespace, &socket);
        ack.send(&"played")
    });
    io
}

pub(crate) async fn play(client: &mut Client) {
    client.send(r#"420["play"]"#).await;
}

pub(crate) async fn hears(client: &mut Client, events: &[&str]) {
    for event in events {
        assert_eq!(client.text().await, format!(r#"42["{event}"]"#));
    }
}

pub(crate) fn burst(to: &sio_tokio::To, events: &[&str]) {
    for event in events {
        to.emit(event, &()).unwrap();
    }
}

async fn what_a_handler_emits_has_its_place_among_all_else(on: On) {
    let io = playing(calm(), |main, socket| {
        let everybody = main.to("all");
        burst(&everybody, &["1", "2"]);
        // To one of them, between two for all.
        socket.emit("own 1", &()).unwrap();
        burst(&everybody, &["3", "4"]);
        burst(&socket.to("all"), &["others 1", "others 2"]);
        burst(&everybody.clone().compress(false), &["5", "6"]);
        burst(&main.to(["all", "none"]), &["7", "8"]);
        for other in main.sockets() {
            if other != *socket {
                other.emit("each", &()).unwrap();
            }
        }
        burst(&everybody, &["9", "10"]);
        socket.emit("own 2", &()).unwrap();
        burst(&everybody, &["11"]);
    });
    let world = World::new(on, io).await;
    let [(mut a, _), (mut b, _), (mut c, _)] =
        [world.join().await, world.join().await, world.join().await];
    play(&mut a).await;
    hears(&mut a, &["1", "2", "own 1", "3", "4", "5", "6", "7", "8"]).await;
    hears(&mut a, &["9", "10", "own 2", "11"]).await;
    a.expect(r#"430["played"]"#).await;
    for other in [&mut b, &mut c] {
        hears(other, &["1", "2", "3", "4", "others 1", "others 2"]).await;
        hears(other, &["5", "6", "7", "8", "each", "9", "10", "11"]).await;
        other.sync().await;
    }
    world.ends().await;
}

async fn who_is_in_a_room_counts_when_it_is_emitted(on: On) {
    let io = playing(calm(), |main, socket| {
        let room = main.to("room");
        burst(&room, &["nobody"]);
        let all = main.sockets();
        for member in &all {
            member.join("room").unwrap();
            burst(&room, &["a", "b"]);
        }
        burst(&room, &["c"]);
        socket.leave("room");
        burst(&room, &["d", "e"]);
        socket.join("room").unwrap();
        burst(&room, &["f"]);
        let except = main.to("all").except("mute");
        burst(&except, &["g"]);
        socket.join("mute").unwrap();
        burst(&except, &["h"]);
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    play(&mut a).await;
    hears(&mut a, &["a", "b", "c", "f", "g"]).await;
    a.expect(r#"430["played"]"#).await;
    world.ends().await;

    let io = playing(calm(), |main, socket| {
        let all = main.to("all");
        burst(&all, &["1"]);
        for other in main.sockets() {
            if other != *socket {
                other.disconnect(false);
            }
        }
        // They are in their rooms until their own tasks have heard of it, but nothing comes behind.
        burst(&all, &["2"]);
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    let (mut b, _) = world.join().await;
    play(&mut a).await;
    hears(&mut a, &["1", "2"]).await;
    hears(&mut b, &["1"]).await;
    b.expect("41").await;
    world.ends().await;
}

async fn namespaces_of_one_client_keep_their_order(on: On) {
    let io = playing(calm(), |_, _| {});
    let (main, other) = (io.of("/"), io.of("/other"));
    io.of("/").on("both", move || {
        burst(&main.to("all"), &["1", "2"]);
        other.emit("3", &()).unwrap();
        burst(&main.to("all"), &["4", "5"]);
        other.emit("6", &()).unwrap();
        other.emit("7", &()).unwrap();
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    a.enter("/other,").await;
    a.send(r#"42["both"]"#).await;
    for text in ["1", "2", "/other,3", "4", "5", "/other,6", "/other,7"] {
        let (namespace, event) = text
            .rsplit_once(',')
            .map_or(("", text), |(name, event)| (&text[..=name.len()], event));
        a.expect(&format!(r#"42{namespace}["{event}"]"#)).await;
    }
    world.ends().await;
}

async fn nothing_is_lost_when_a_handler_panics_or_waits(on: On) {
    let io = playing(calm(), |main, _| burst(&main.to("all"), &["first"]));
    let main = io.of("/");
    main.on("wait", async |socket: Socket, ack: Ack| {
        let room = socket.namespace().to("all");
        burst(&room, &["1", "2"]);
        pause(Duration::from_millis(30)).await;
        burst(&room, &["3", "4"]);
        ack.send(&())
    });
    let room = main.to("all");
    main.on("panic", move |Data(what): Data<String>| {
        burst(&room, &["5", "6"]);
        assert_eq!(what, "nothing");
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    let (mut b, _) = world.join().await;
    a.send(r#"421["wait"]"#).await;
    hears(&mut b, &["1", "2"]).await;
    hears(&mut a, &["1", "2", "3", "4"]).await;
    a.expect("431[]").await;
    hears(&mut b, &["3", "4"]).await;
    a.send(r#"42["panic","now"]"#).await;
    hears(&mut b, &["5", "6"]).await;
    b.sync().await;
    // Outside of any connection's task.
    burst(&world.io.of("/").to("all"), &["7", "8", "9"]);
    hears(&mut b, &["7", "8", "9"]).await;
    world.ends().await;
}

async fn every_kind_of_client_gets_the_same(on: On) {
    let io = playing(calm(), |main, _| {
        let all = main.to("all");
        burst(&all, &["1", "2"]);
        all.emit("bytes", &Bytes::from_static(b"abc")).unwrap();
        all.emit("long", &"x".repeat(20_000)).unwrap();
        burst(&all, &["3"]);
    });
    let world = World::new(on, io).await;
    let (mut five, _) = world.join().await;
    let mut four = Client::open(world.address, "&EIO=3").await;
    four.expect("40").await;
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    play(&mut five).await;
    for (client, head) in [(&mut five, &b""[..]), (&mut four, &[4])] {
        hears(client, &["1", "2"]).await;
        client
            .expect(r#"451-["bytes",{"_placeholder":true,"num":0}]"#)
            .await;
        match client.next().await {
            Some(Message::Binary(bytes)) => assert_eq!(bytes, [head, b"abc"].concat()),
            other => panic!("{other:?}"),
        }
        client
            .expect(&format!(r#"42["long","{}"]"#, "x".repeat(20_000)))
            .await;
        hears(client, &["3"]).await;
    }
    let mut polled = String::new();
    while !polled.ends_with(r#"42["3"]"#) {
        let answer = within("a poll", poller.poll()).await;
        polled.push_str(&answer.body);
        polled.push('\u{1e}');
        if polled.ends_with("42[\"3\"]\u{1e}") {
            polled.pop();
        }
    }
    let expected = [
        r#"42["1"]"#,
        r#"42["2"]"#,
        r#"451-["bytes",{"_placeholder":true,"num":0}]"#,
        "bYWJj",
        &format!(r#"42["long","{}"]"#, "x".repeat(20_000)),
        r#"42["3"]"#,
    ]
    .join("\u{1e}");
    assert_eq!(polled, expected);
    world.ends().await;
}

/// A thousand in one handler come in order to those who read, and are too many for one who does not.
async fn many_are_no_more_than_their_limits(on: On) {
    let config = calm().max_backlog_packets(100_000);
    let io = playing(config, |main, _| {
        let all = main.to("all");
        for number in 0..1000 {
            all.emit("n", &number).unwrap();
        }
    });
    let world = World::new(on, io).await;
    let (mut a, _) = world.join().await;
    let (mut b, _) = world.join().await;
    play(&mut a).await;
    for client in [&mut a, &mut b] {
        for number in 0..1000 {
            client.expect(&format!(r#"42["n",{number}]"#)).await;
        }
    }
    world.ends().await;

    // One that polls reads nothing by itself: each policy does to a burst what it does to one by one.
    for (policy, kept) in [
        (BacklogPolicy::Refuse, vec![0, 1, 2, 3]),
        (BacklogPolicy::DropVolatile, vec![]),
        (BacklogPolicy::Close, vec![]),
    ] {
        let config = calm().max_backlog_packets(4).backlog_policy(policy);
        let io = playing(config, move |main, _| {
            let all = main.to("all");
            for number in 0..9 {
                all.emit("n", &number).unwrap();
            }
        });
        let world = World::new(on, io).await;
        let poller = Poller::open(world.address).await;
        poller.enter().await;
        assert_eq!(poller.post(r#"42["play"]"#).await.body, "ok");
        let answer = poller.poll().await;
        let expected: Vec<_> = kept.iter().map(|n| format!(r#"42["n",{n}]"#)).collect();
        if kept.is_empty() {
            assert_eq!(answer.status, 400, "{policy:?} {answer:?}");
        } else {
            assert_eq!(answer.body, expected.join("\u{1e}"), "{policy:?}");
        }
        world.ends().await;
    }
}

on_each_runtime! {
    what_a_handler_emits_has_its_place_among_all_else,
    who_is_in_a_room_counts_when_it_is_emitted,
    namespaces_of_one_client_keep_their_order,
    nothing_is_lost_when_a_handler_panics_or_waits,
    every_kind_of_client_gets_the_same,
    many_are_no_more_than_their_limits,
}
