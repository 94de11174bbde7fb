//! Clients that do not read as fast as they are written to, and servers that mind it.

use sio_tokio::{Ack, Backlog, BacklogPolicy, Config, EmitError, Io, Socket};

use crate::client::{Poller, calm};
use crate::here::{spawn, until, within};
use crate::world::{On, World};

/// One that polls reads nothing by itself. It is in `/`.
async fn idle(world: &World) -> (Poller, Socket) {
    let poller = world.poller().await;
    let id = poller.enter().await;
    let socket = world.io.of("/").get(&id).unwrap();
    // What it was told on the way is written.
    until("nothing to wait", || {
        socket.conn().waiting() == Backlog::default()
    })
    .await;
    (poller, socket)
}

fn small(policy: BacklogPolicy) -> Config {
    calm().max_backlog_packets(4).backlog_policy(policy)
}

/// Its packets, from as many polls as it takes, until the last of them has come.
async fn polled(poller: &Poller, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|packet| packet != last) {
        let answer = within("a poll", poller.poll()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        all.extend(answer.body.split('\u{1e}').map(str::to_owned));
    }
    all
}

fn numbers(to: u32) -> Vec<String> {
    (0..to).map(|n| format!(r#"42["n",{n}]"#)).collect()
}

async fn who_waits_for_room_loses_nothing(on: On) {
    let world = World::new(on, Io::new(small(BacklogPolicy::Close))).await;
    let (poller, socket) = idle(&world).await;
    let emitting = spawn({
        let socket = socket.clone();
        async move {
            for n in 0..40 {
                socket.emit_when_ready("n", &n).await?;
            }
            socket.ready().await?;
            socket.emit("end", &())
        }
    });
    until("one to wait", || world.io.backlogs().waits == 1).await;
    // Half of what may wait is left to those who do not ask.
    let waiting = world.io.backlogs();
    assert_eq!(
        (waiting.clients, waiting.all.packets),
        (1, 2),
        "{waiting:?}"
    );
    assert_eq!(
        (waiting.most, waiting.all),
        (waiting.all, socket.conn().waiting())
    );
    let mut expected = numbers(40);
    expected.push(r#"42["end"]"#.to_owned());
    assert_eq!(polled(&poller, r#"42["end"]"#).await, expected);
    assert_eq!(emitting.end().await, Some(Ok(())));
    assert_eq!(world.io.backlogs().waits, 0);
    world.ends().await;
}

async fn a_handler_waits_for_room_on_its_own_connection(on: On) {
    let io = Io::new(calm().max_backlog_packets(10));
    io.of("/").on("pour", async |socket: Socket, ack: Ack| {
        for n in 0..1_000 {
            socket.ready().await?;
            socket.emit("n", &n)?;
        }
        ack.send(&())
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["pour"]"#).await;
    for packet in numbers(1_000) {
        client.expect(&packet).await;
    }
    client.expect("431[]").await;
    world.ends().await;
}

async fn what_is_larger_than_it_seemed_waits_until_nothing_does(on: On) {
    let io = Io::new(calm().max_backlog_bytes(40));
    let long = "/a-namespace-of-many-bytes";
    io.of(long).on("pour", async |socket: Socket, ack: Ack| {
        socket.io().of("/").emit("first", &1)?;
        // Its name alone is more than half of what may wait.
        socket.emit_when_ready("n", &"aaaa").await?;
        socket.ready().await?;
        ack.send(&())
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.enter(&format!("{long},")).await;
    client.send(&format!(r#"42{long},1["pour"]"#)).await;
    client.expect(r#"42["first",1]"#).await;
    client.expect(&format!(r#"42{long},["n","aaaa"]"#)).await;
    client.expect(&format!("43{long},1[]")).await;
    world.ends().await;
}

async fn nobody_waits_for_one_who_has_left(on: On) {
    let world = World::new(on, Io::new(small(BacklogPolicy::Close))).await;
    let fill = |socket: &Socket| (0..4).for_each(|n| socket.emit("n", &n).unwrap());
    let gone = Some(Err(EmitError::Disconnected));
    // The socket alone, and with the connection.
    for close in [false, true] {
        let (_poller, socket) = idle(&world).await;
        fill(&socket);
        let waiting = [
            spawn(socket.ready()),
            spawn(socket.emit_when_ready("late", &())),
            spawn(socket.volatile().emit_when_ready("late", &())),
        ];
        until("three to wait", || world.io.backlogs().waits == 3).await;
        socket.disconnect(close);
        for waits in waiting {
            assert_eq!(within("the end of a wait", waits.end()).await, gone);
        }
        assert_eq!(socket.ready().await, Err(EmitError::Disconnected));
        socket.conn().close();
        until("it to be gone", || world.io.of("/").is_empty()).await;
    }
    // Who does not wait any more is sent nothing.
    let (poller, socket) = idle(&world).await;
    fill(&socket);
    let waits = spawn(socket.emit_when_ready("late", &()));
    until("one to wait", || world.io.backlogs().waits == 1).await;
    waits.abort();
    until("none to wait", || world.io.backlogs().waits == 0).await;
    assert_eq!(polled(&poller, r#"42["n",3]"#).await, numbers(4));
    socket.emit("end", &()).unwrap();
    assert_eq!(polled(&poller, r#"42["end"]"#).await.len(), 1);
    world.ends().await;
}

async fn the_newest_of_a_name_waits(on: On) {
    let io = Io::new(calm());
    io.on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io).await;
    let (poller, socket) = idle(&world).await;
    let main = world.io.of("/");
    let at = |from: u32, to: u32| {
        for x in from..=to {
            socket.volatile_latest().emit("at", &x).unwrap();
            main.to("nowhere").volatile_latest().emit("at", &0).unwrap();
            main.volatile_latest().emit("all at", &x).unwrap();
            socket.volatile().emit("lost", &()).unwrap();
        }
    };
    at(1, 50);
    socket.emit("between", &()).unwrap();
    at(51, 100);
    socket.emit("end", &()).unwrap();
    let all = polled(&poller, r#"42["end"]"#).await;
    let expected = [
        r#"42["between"]"#,
        r#"42["at",100]"#,
        r#"42["all at",100]"#,
        r#"42["end"]"#,
    ];
    assert_eq!(all, expected);
    // Whoever is ready gets each.
    let (mut client, id) = world.join().await;
    let socket = main.get(&id).unwrap();
    for x in 1..5 {
        socket.volatile_latest().emit("at", &x).unwrap();
        client.expect(&format!(r#"42["at",{x}]"#)).await;
        client.sync().await;
    }
    world.ends().await;
}

async fn a_namespace_and_an_emit_may_have_a_policy_of_their_own(on: On) {
    let io = Io::new(small(BacklogPolicy::Close));
    io.set_backlog_policy(BacklogPolicy::Refuse);
    let world = World::new(on, io).await;
    let (poller, socket) = idle(&world).await;
    let main = world.io.of("/");
    (0..4).for_each(|n| socket.emit("n", &n).unwrap());
    assert_eq!(socket.emit("n", &4), Err(EmitError::Full));
    main.emit("n", &4).unwrap();
    let own = socket.backlog_policy(BacklogPolicy::Refuse);
    assert_eq!(own.emit("n", &4), Err(EmitError::Full));
    assert_eq!(polled(&poller, r#"42["n",3]"#).await, numbers(4));
    // To one who does not follow, this is the last.
    (0..5).for_each(|n| {
        let close = main.to(socket.id()).backlog_policy(BacklogPolicy::Close);
        close.emit("n", &n).unwrap();
    });
    until("it to be gone", || !socket.connected()).await;
    // Another namespace is as the server is.
    let other = world.io.of("/other");
    let poller = world.poller().await;
    assert_eq!(poller.post("40/other,").await.body, "ok");
    poller.poll().await;
    let socket = other.sockets().remove(0);
    (0..6).for_each(|n| drop(socket.emit("n", &n)));
    until("it to be gone", || !socket.connected()).await;
    world.ends().await;
}

on_each_runtime! {
    who_waits_for_room_loses_nothing,
    a_handler_waits_for_room_on_its_own_connection,
    what_is_larger_than_it_seemed_waits_until_nothing_does,
    nobody_waits_for_one_who_has_left,
    the_newest_of_a_name_waits,
    a_namespace_and_an_emit_may_have_a_policy_of_their_own,
}
