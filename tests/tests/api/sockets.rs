//! What a socket offers.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tests::wire::{PATIENCE, Polling, WebSocket};
use sio_tokio::{
    Ack, AckError, Args, Bytes, Data, DisconnectReason, EventName, Io, Socket, SocketIds, Value,
};

use crate::rows::covers;
use crate::world::{PLAYS, World, calm, enter};

/// Answers `sync` when all before it was handled.
fn syncing() -> Io {
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    io
}

fn sync(client: &mut WebSocket) {
    client.send(r#"4277["sync"]"#);
    assert_eq!(client.text(), "4377[]");
}

#[test]
fn ids_and_their_rooms() {
    covers(&["socket-id", "own-room", "socket-ids", "connected-flag"]);
    let io = syncing();
    io.of("/chat");
    let world = World::new(io);
    let main = world.io.of("/");
    let (mut four, sid) = world.join_v3();
    four.send("40/chat,");
    assert_eq!(four.text(), "40/chat,");
    main.to(&sid).emit("you", &()).unwrap();
    assert_eq!(four.text(), r#"42["you"]"#);
    world
        .io
        .of("/chat")
        .to(format!("/chat#{sid}"))
        .emit("you", &())
        .unwrap();
    assert_eq!(four.text(), r#"42/chat,["you"]"#);

    let (mut five, id) = world.join();
    let other = enter(&mut five, "/chat,");
    let socket = main.get(&id).unwrap();
    assert_ne!(id, other);
    assert_ne!(
        id,
        socket.client().id().as_str(),
        "the session's is a secret"
    );
    assert_eq!(socket.rooms(), [&*id]);
    assert!(socket.connected() && !socket.disconnected());
    main.to(&id).emit("you", &()).unwrap();
    assert_eq!(five.text(), r#"42["you"]"#);
    drop((four, five));
    while !main.is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(socket.disconnected() && socket.rooms().is_empty());
    assert!(socket.join("x").is_err());
    world.end();

    let mut config = calm();
    config.socket_ids = SocketIds::FromConnection;
    let io = Io::new(config);
    io.of("/chat");
    let world = World::new(io);
    let (mut five, id) = world.join();
    let socket = world.io.of("/").get(&id).unwrap();
    assert_eq!(id, socket.client().id().as_str());
    assert_eq!(enter(&mut five, "/chat,"), format!("/chat#{id}"));
    drop((five, socket));
    world.end();
}

#[test]
fn rooms_are_joined_and_left_one_or_many() {
    covers(&[
        "rooms",
        "join",
        "leave",
        "join-callback",
        "leave-on-disconnect",
        "disconnecting",
    ]);
    let (tell, told) = channel();
    let tell = Arc::new(Mutex::new(tell));
    let io = syncing();
    let main = io.of("/");
    main.on(
        "join",
        async |socket: Socket, Data(rooms): Data<Vec<String>>, ack: Ack| {
            socket.joined(rooms).await.map_err(|why| why.to_string())?;
            ack.send(&socket.rooms()[1..])
                .map_err(|why| why.to_string())
        },
    );
    main.on(
        "leave",
        async |socket: Socket, Data(rooms): Data<Vec<String>>, ack: Ack| {
            socket.left(rooms).await;
            ack.send(&socket.rooms()[1..])
        },
    );
    let say = tell.clone();
    main.on_disconnecting(move |socket: Socket, reason: DisconnectReason| {
        let rooms = socket.rooms()[1..].join("+");
        say.lock()
            .unwrap()
            .send(format!("disconnecting {reason} {rooms}"))
            .unwrap();
    });
    main.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        let rooms = socket.rooms().join("+");
        tell.lock()
            .unwrap()
            .send(format!("disconnect {reason} {rooms}"))
            .unwrap();
    });
    let world = World::new(io);
    let (mut client, _) = world.join();
    client.send(r#"421["join",["a","b","c"]]"#);
    assert_eq!(client.text(), r#"431[["a","b","c"]]"#);
    client.send(r#"422["leave",["a","c","never"]]"#);
    assert_eq!(client.text(), r#"432[["b"]]"#);
    client.send("41");
    assert_eq!(
        told.recv_timeout(PATIENCE).unwrap(),
        "disconnecting client namespace disconnect b"
    );
    assert_eq!(
        told.recv_timeout(PATIENCE).unwrap(),
        "disconnect client namespace disconnect "
    );
    assert!(main.to("b").sockets().is_empty());
    drop(client);
    world.end();
}

#[test]
fn others_hear_and_the_sender_does_not() {
    covers(&["broadcast", "to-others", "to-in", "local"]);
    let world = World::new(syncing());
    let main = world.io.of("/");
    let (mut a, first) = world.join();
    let (mut b, second) = world.join_v3();
    let socket = main.get(&first).unwrap();
    socket.join("room").unwrap();
    main.get(&second).unwrap().join("room").unwrap();
    // Even where it has left the room of its own id.
    socket.leave(&first);
    socket.broadcast().emit("all", &()).unwrap();
    socket.to("room").emit("to", &()).unwrap();
    socket.r#in("room").emit("in", &()).unwrap();
    socket.within("room").send(&"x").unwrap();
    socket.local().emit("local", &()).unwrap();
    socket.except("room").emit("never", &()).unwrap();
    for heard in ["all", "to", "in"] {
        assert_eq!(b.text(), format!(r#"42["{heard}"]"#));
    }
    assert_eq!(b.text(), r#"42["message","x"]"#);
    assert_eq!(b.text(), r#"42["local"]"#);
    socket
        .volatile()
        .to("room")
        .compress(false)
        .emit("flagged", &())
        .unwrap();
    assert_eq!(b.text(), r#"42["flagged"]"#);
    sync(&mut a);
    drop((a, b, socket));
    world.end();
}

#[test]
fn values_of_all_kinds_travel() {
    covers(&[
        "emit",
        "send",
        "binary",
        "json",
        "packets",
        "default-parser",
    ]);
    let io = syncing();
    io.of("/").on("back", |socket: Socket, args: Args| {
        socket.emit("back", &args)
    });
    let world = World::new(io);
    let (mut client, id) = world.join();
    let socket = world.io.of("/").get(&id).unwrap();
    socket.send(&("a", 1, Value::Null)).unwrap();
    assert_eq!(client.text(), r#"42["message","a",1,null]"#);
    for args in [r#"1,"two",[3,{"4":[5.5,true,null]}]"#, r#"{"ä":"\u0000"}"#] {
        client.send(&format!(r#"42["back",{args}]"#));
        assert_eq!(client.text(), format!(r#"42["back",{args}]"#));
    }
    client.send(r#"451-["back",{"deep":[{"_placeholder":true,"num":0}]}]"#);
    client.send_binary(&[1, 2, 3]);
    assert_eq!(
        client.text(),
        r#"451-["back",{"deep":[{"_placeholder":true,"num":0}]}]"#
    );
    assert_eq!(client.hear(), sio_tests::wire::Said::Binary(vec![1, 2, 3]));
    drop((client, socket));
    world.end();
}

#[test]
fn acks_go_both_ways_and_once() {
    covers(&["ack-emit", "ack-handler", "ack-values", "ack-once"]);
    let io = syncing();
    io.of("/").on("many", |ack: Ack| {
        ack.send(&(1, "two", Bytes::from_static(&[3])))
    });
    // Whichever is first answers.
    io.of("/").on("twice", |ack: Ack| ack.send(&1));
    io.of("/").on("twice", |ack: Ack| ack.send(&2));
    let world = World::new(io);
    let (mut client, id) = world.join();
    client.send(r#"425["many"]"#);
    assert_eq!(
        client.text(),
        r#"461-5[1,"two",{"_placeholder":true,"num":0}]"#
    );
    assert_eq!(client.hear(), sio_tests::wire::Said::Binary(vec![3]));
    client.send(r#"426["twice"]"#);
    assert_eq!(client.text(), "436[1]");
    sync(&mut client);

    let socket = world.io.of("/").get(&id).unwrap();
    let asked = socket.emit_with_ack::<(u8, Bytes)>("ask", &"x");
    let question = client.text();
    let ack = question
        .trim_start_matches("42")
        .trim_end_matches(r#"["ask","x"]"#);
    client.send(&format!(r#"461-{ack}[7,{{"_placeholder":true,"num":0}}]"#));
    client.send_binary(&[9]);
    client.send(&format!("43{ack}[8]"));
    assert_eq!(world.wait(asked), Ok((7, Bytes::from_static(&[9]))));
    let asked = socket
        .timeout(Duration::from_millis(1))
        .emit_with_ack::<()>("ask", &());
    assert_eq!(world.wait(asked), Err(AckError::Timeout));
    drop((client, socket));
    world.end();
}

#[test]
fn listeners_are_many_once_or_gone() {
    covers(&[
        "on",
        "once",
        "remove-listener",
        "remove-all",
        "event-names",
        "prepend",
        "any",
    ]);
    let io = syncing();
    let world = World::new(io);
    let (mut client, id) = world.join();
    let socket = world.io.of("/").get(&id).unwrap();
    let say = |what: &'static str| move |socket: Socket| socket.emit(what, &());
    let first = socket.on("x", say("first"));
    socket.once("x", say("once"));
    socket.on("x", say("last"));
    socket.prepend("x", say("zeroth"));
    let any = socket.on_any(say("any"));
    socket.prepend_any(say("before any"));
    socket.on("disconnect", |_: Socket| ());
    socket.on("error", |_: Socket| ());
    assert_eq!(socket.event_names(), ["x", "disconnect", "error"]);
    assert_eq!(socket.listeners_of("x").len(), 4);
    assert_eq!(socket.listeners_of("disconnect").len(), 1);
    assert_eq!(socket.listeners_any().len(), 2);
    let mut heard = |order: &[&str]| {
        client.send(r#"42["x"]"#);
        for what in order {
            assert_eq!(client.text(), format!(r#"42["{what}"]"#));
        }
    };
    heard(&["before any", "any", "zeroth", "first", "once", "last"]);
    assert!(socket.off(first) && !socket.off(first));
    assert!(socket.off(any));
    assert_eq!(socket.listeners_of("x").len(), 2);
    heard(&["before any", "zeroth", "last"]);
    socket.off_any();
    heard(&["zeroth", "last"]);
    socket.off_all(Some("x"));
    assert_eq!(socket.event_names(), ["disconnect", "error"]);
    socket.off_all(None);
    assert!(socket.event_names().is_empty());
    client.send(r#"42["x"]"#);
    sync(&mut client);
    drop((client, socket));
    world.end();
}

#[test]
fn what_leaves_is_heard_of_and_what_nobody_handles_is_answered() {
    covers(&["any-outgoing", "wildcard"]);
    let io = syncing();
    let world = World::new(io);
    let (mut client, id) = world.join();
    let (main, (tell, heard)) = (world.io.of("/"), channel());
    let hears = |who: &'static str| {
        let tell = tell.clone();
        move |event: &str, _: &Args| tell.send(format!("{who} {event}")).unwrap()
    };
    let socket = main.get(&id).unwrap();
    let last = socket.on_any_outgoing(hears("last"));
    let first = socket.prepend_any_outgoing(hears("first"));
    main.on_any_outgoing(hears("all"));
    assert_eq!(socket.listeners_any_outgoing(), [first, last]);
    main.on_unhandled(|name: EventName, socket: Socket| socket.emit("unknown", &*name));
    client.send(r#"42["x"]"#);
    assert_eq!(client.text(), r#"42["unknown","x"]"#);
    assert!(socket.off_outgoing(first));
    socket.off_any_outgoing();
    main.emit("y", &()).unwrap();
    assert_eq!(client.text(), r#"42["y"]"#);
    let heard: Vec<_> = heard.try_iter().collect();
    assert_eq!(
        heard,
        ["all unknown", "first unknown", "last unknown", "all y"]
    );
    drop((client, socket));
    world.end();
}

#[test]
fn what_is_volatile_leaves_at_once_or_never() {
    covers(&["volatile-socket", "volatile-broadcast", "flags"]);
    let io = syncing();
    io.of("/").on("two", |socket: Socket| {
        let volatile = socket.volatile();
        volatile.emit("v", &1)?;
        volatile.emit("v", &2)
    });
    let world = World::new(io);
    let main = world.io.of("/");
    let polling = Polling::open(world.address);
    polling.join("/");
    let socket = main.sockets().remove(0);
    // Nobody polls: it is lost, and what is not volatile is kept.
    socket.volatile().emit("lost", &()).unwrap();
    main.volatile().emit("lost", &()).unwrap();
    main.to(socket.id()).volatile().emit("lost", &()).unwrap();
    socket.emit("kept", &()).unwrap();
    assert_eq!(polling.packets(), [r#"42["kept"]"#]);
    // One GET takes one: the second of two in the same breath finds none.
    let in_order = (0..PLAYS).any(|_| {
        let mut parked = polling.park();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(polling.post(r#"42["two"]"#).status, 200);
        socket.emit("end", &()).unwrap();
        let end = r#"42["end"]"#;
        let first = parked.response().unwrap().body;
        // The event may have overtaken the GET, and found none.
        if first == end {
            return false;
        }
        assert_eq!(first, r#"42["v",1]"#);
        assert_eq!(polling.packets(), [end]);
        true
    });
    assert!(in_order);
    // A stored chain can be used again, and leaves no flag behind on the socket.
    let (mut client, id) = world.join();
    let chain = main.to(&id).volatile();
    chain.emit("a", &1).unwrap();
    assert_eq!(client.text(), r#"42["a",1]"#);
    chain.emit("a", &2).unwrap();
    assert_eq!(client.text(), r#"42["a",2]"#);
    drop((polling, client, socket));
    world.end();
}

#[test]
fn disconnecting_one_socket_or_its_whole_client() {
    covers(&[
        "disconnect",
        "disconnect-close",
        "disconnect-event",
        "reasons",
    ]);
    let (tell, told) = channel();
    let tell = Arc::new(Mutex::new(tell));
    let io = syncing();
    for name in ["/", "/chat"] {
        let say = tell.clone();
        io.of(name)
            .on_disconnect(move |socket: Socket, reason: DisconnectReason| {
                let what = format!("{} {reason}", socket.namespace().name());
                say.lock().unwrap().send(what).unwrap();
            });
    }
    let world = World::new(io);
    let left = || told.recv_timeout(PATIENCE).unwrap();
    let (mut client, id) = world.join();
    enter(&mut client, "/chat,");
    world.io.of("/").get(&id).unwrap().disconnect(false);
    assert_eq!(client.text(), "41");
    assert_eq!(left(), "/ server namespace disconnect");
    assert_eq!(world.io.of("/chat").len(), 1, "the connection stays");
    let again = enter(&mut client, "");
    world.io.of("/").get(&again).unwrap().disconnect(true);
    let (said, code) = client.end();
    assert_eq!(said.len(), 2);
    assert!(said.contains(&"41".into()) && said.contains(&"41/chat,".into()) && code.is_some());
    let mut reasons = [left(), left()];
    reasons.sort_unstable();
    assert_eq!(
        reasons,
        [
            "/ server namespace disconnect",
            "/chat server namespace disconnect"
        ]
    );

    // The other reasons that a client can bring about.
    let (client, _) = world.join();
    drop(client);
    assert_eq!(left(), "/ transport close");
    let (mut client, _) = world.join();
    client.send("9");
    client.end();
    assert_eq!(left(), "/ parse error");
    let (mut client, _) = world.join();
    client.send("42[");
    client.end();
    assert_eq!(left(), "/ forced close");
    let polling = Polling::open(world.address);
    polling.join("/");
    polling.post("42[");
    assert_eq!(left(), "/ forced server close");
    let _ = polling.get();
    drop(polling);
    let polling = Polling::open(world.address);
    polling.join("/");
    let first = polling.park();
    std::thread::sleep(Duration::from_millis(50));
    let _ = polling.get();
    assert_eq!(left(), "/ transport error");
    drop((first, polling));
    world.end();
}
