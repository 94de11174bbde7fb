//! Rooms, broadcasts, and broadcasts that ask for answers.

use std::time::Duration;

use crate::client::{Client, calm};
use crate::here::{PATIENCE, in_time, pause, until, within};
use crate::world::{On, World};
use futures_util::future::join_all;
use sio_tokio::{Ack, AckError, Data, DisconnectReason, Io, Refusal, Socket};

/// Clients join and leave by events; `sync` answers when everything before it was handled.
fn roomy() -> Io {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("sync", |ack: Ack| ack.send(&()));
    main.on("join", |socket: Socket, Data(room): Data<String>| {
        socket.join(room)
    });
    main.on("leave", |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
    });
    io
}

async fn three(world: &World) -> [(Client, String); 3] {
    [world.join().await, world.join().await, world.join().await]
}

async fn a_broadcast_reaches_the_members_each_once(on: On) {
    let world = World::new(on, roomy()).await;
    let main = world.io.of("/");
    let [(mut a, ann), (mut b, bob), (mut c, cat)] = three(&world).await;
    for (client, rooms) in [(&mut a, "xy"), (&mut b, "y"), (&mut c, "z")] {
        for room in rooms.chars() {
            client.send(&format!(r#"42["join","{room}"]"#)).await;
        }
        client.sync().await;
    }
    main.to(["x", "y"]).emit("both", &()).unwrap();
    main.to("y").except("x").emit("y only", &()).unwrap();
    main.to(&*cat).emit("own room", &()).unwrap();
    let socket = main.get(&ann).unwrap();
    socket.to("y").emit("from ann", &()).unwrap();
    socket.broadcast().emit("others", &1).unwrap();
    assert_eq!(socket.rooms(), [&*ann, "x", "y"]);
    main.except(&*bob).emit("not bob", &()).unwrap();
    main.emit("end", &()).unwrap();

    for (client, heard) in [
        (&mut a, &["both", "not bob", "end"][..]),
        (&mut b, &["both", "y only", "from ann", "others", "end"]),
        (&mut c, &["own room", "others", "not bob", "end"]),
    ] {
        for event in heard {
            let text = client.text().await;
            assert!(text.starts_with(&format!(r#"42["{event}""#)), "{text}");
        }
    }
    b.send(r#"42["leave","y"]"#).await;
    b.sync().await;
    assert_eq!(main.to("y").sockets().len(), 1);
    main.to("y").disconnect(false);
    a.expect("41").await;
    world.ends().await;
}

async fn everybody_is_asked_and_each_answers_for_itself(on: On) {
    let world = World::new(on, roomy()).await;
    let main = world.io.of("/");
    let nobody = within(
        "nothing",
        main.to("empty").emit_with_ack::<String>("ask", &()),
    )
    .await
    .unwrap();
    assert!(nobody.answers.is_empty() && !nobody.timed_out());

    // On a machine that has much to do who answers may be late, too, and who leaves.
    let mut time = Duration::from_millis(300);
    while !they_answer_within(&world, time).await {
        time *= 2;
        assert!(time < PATIENCE, "nobody answers");
        until("all to have left", || main.is_empty()).await;
    }
    world.ends().await;
}

/// Of three one answers, one leaves and one is silent. `false`: not in this time.
async fn they_answer_within(world: &World, time: Duration) -> bool {
    let main = world.io.of("/");
    let [(mut a, ann), (b, bob), (mut c, cat)] = three(world).await;
    let replies = main.timeout(time).emit_with_ack::<String>("ask", &"what");
    let question = a.text().await;
    let id = question
        .strip_prefix("42")
        .and_then(|rest| rest.strip_suffix(r#"["ask","what"]"#))
        .unwrap();
    assert!(
        id.parse::<u64>().unwrap().is_multiple_of(2),
        "namespaces draw even ids"
    );
    c.expect(&question).await;
    a.send(&format!(r#"43{id}["yes"]"#)).await;
    drop(b);
    let replies = within("answers", replies).await.unwrap();
    assert!(replies.timed_out());
    let of = |id: &str| {
        let (_, answer) = replies
            .answers
            .iter()
            .find(|(socket, _)| socket.as_str() == id)
            .unwrap();
        answer.clone()
    };
    let late = Err(AckError::Timeout);
    assert_eq!(of(&cat), late);
    if of(&ann) == late || of(&bob) == late {
        return false;
    }
    assert_eq!(of(&ann), Ok("yes".to_owned()));
    assert_eq!(of(&bob), Err(AckError::Disconnected));
    true
}

async fn a_middleware_refuses_with_data_and_leaves_nothing(on: On) {
    let io = roomy();
    let guarded = io.of("/guarded");
    guarded.use_(|socket: Socket| socket.join("seen").map_err(|e| Refusal::new(e.to_string())));
    guarded.use_(async |socket: Socket| {
        pause(Duration::from_millis(5)).await;
        let auth: Option<std::collections::BTreeMap<String, String>> =
            socket.handshake().auth.decode().ok();
        match auth.as_ref().and_then(|auth| auth.get("token")) {
            Some(token) if token == "good" => Ok(()),
            _ => Err(Refusal::new("bad token").data("E_TOKEN")),
        }
    });
    guarded.on_connect(|socket: Socket| socket.emit("rooms", &socket.rooms()[1..]));
    let world = World::new(on, io).await;
    let mut client = world.open().await;
    client.send(r#"40/guarded,{"token":"bad"}"#).await;
    client
        .expect(r#"44/guarded,{"message":"bad token","data":"E_TOKEN"}"#)
        .await;
    assert_eq!(guarded.len(), 0);
    assert!(guarded.to("seen").sockets().is_empty());
    // The event in the same breath is not lost, though the middleware takes its time.
    client.send(r#"40/guarded,{"token":"good"}"#).await;
    let answer = client.text().await;
    assert!(answer.starts_with(r#"40/guarded,{"sid":"#), "{answer}");
    client.expect(r#"42/guarded,["rooms",["seen"]]"#).await;
    assert_eq!(guarded.to("seen").sockets().len(), 1);
    world.ends().await;
}

async fn rooms_are_there_while_disconnecting_and_gone_after(on: On) {
    let io = roomy();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/").on_connect(move |socket: Socket| {
        let tell = tell.clone();
        let after = tell.clone();
        socket.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
            tell.send((reason.as_str(), socket.rooms().len(), socket.connected()))
        });
        socket.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
            after.send((reason.as_str(), socket.rooms().len(), socket.connected()))
        });
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["join","x"]"#).await;
    client.send("41").await;
    let reason = "client namespace disconnect";
    assert_eq!(told.recv().await, Some((reason, 2, true)));
    assert_eq!(told.recv().await, Some((reason, 0, false)));

    let (client, _) = world.join().await;
    drop(client);
    assert_eq!(told.recv().await.map(|(_, rooms, _)| rooms), Some(1));
    assert_eq!(told.recv().await.map(|(_, rooms, _)| rooms), Some(0));
    assert_eq!(world.io.of("/").len(), 0);
    world.ends().await;
}

/// An event sent in the same breath as CONNECT is never lost, however many do it at once.
async fn a_thousand_join_at_once_and_nothing_is_lost(on: On) {
    const CLIENTS: usize = 1000;
    const CALLERS: usize = 100;
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        socket.on("join", |socket: Socket, ack: Ack| {
            socket
                .join("everybody")
                .map_err(|error| error.to_string())?;
            ack.send(&socket.rooms().len())
                .map_err(|error| error.to_string())
        });
    });
    let world = World::new(on, io).await;
    let address = world.address;
    let open = |_| async move {
        let mut client = Client::open(address, "").await;
        client.send("40").await;
        client.send(r#"421["join"]"#).await;
        client
    };
    let mut clients = Vec::new();
    for _ in 0..CLIENTS / CALLERS {
        clients.extend(join_all((0..CALLERS).map(open)).await);
    }
    let answers = clients.iter_mut().map(|client| async {
        assert!(client.text().await.starts_with("40{"));
        client.expect("431[2]").await;
    });
    in_time("the answers", 6 * PATIENCE, join_all(answers)).await;
    let main = world.io.of("/");
    assert_eq!(main.to("everybody").sockets().len(), CLIENTS);
    main.to("everybody").emit("all", &()).unwrap();
    join_all(clients.iter_mut().map(|c| c.expect(r#"42["all"]"#))).await;
    drop(clients);
    world.ends().await;
}

on_each_runtime! {
    a_broadcast_reaches_the_members_each_once,
    everybody_is_asked_and_each_answers_for_itself,
    a_middleware_refuses_with_data_and_leaves_nothing,
    rooms_are_there_while_disconnecting_and_gone_after,
    a_thousand_join_at_once_and_nothing_is_lost,
}
