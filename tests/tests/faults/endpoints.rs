//! One server above several engines, lists of rooms that are empty, the order in which a socket appears,
//! and what remains of a server that is closed.

use std::collections::BTreeMap as Map;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use sio_tokio::{
    Ack, Adapter, Bytes, Config, DataError, EncodeError, EngineServer, EngineSocket, InMemory, Io,
    Later, Message, RoomEvent, Server, Socket, Value,
};

use crate::client::{Client, calm};
use crate::here::{until, within};
use crate::world::{On, World};

/// Counts how often it was closed.
struct Closing {
    local: InMemory,
    closed: Arc<AtomicUsize>,
}

impl Adapter for Closing {
    fn local(&self) -> &InMemory {
        &self.local
    }

    fn close(&self) -> Later<()> {
        let closed = self.closed.clone();
        Later::when(async move {
            closed.fetch_add(1, Ordering::Relaxed);
        })
    }
}

/// A server at a path of its own whose adapter counts its ends.
fn counting(path: &str) -> (Io, Arc<AtomicUsize>) {
    let io = Io::new(calm().path(path));
    let closed = Arc::new(AtomicUsize::new(0));
    let its = closed.clone();
    io.set_adapter(move |local| Closing {
        local,
        closed: its.clone(),
    })
    .unwrap();
    (io, closed)
}

/// An engine at a path of its own, all connections of which are handed to `io`, but for those that say that
/// they are plain.
fn handing_over(path: &str, io: &Io) -> EngineServer {
    let engine = EngineServer::new(calm().path(path));
    let above = io.clone();
    engine.on_connect(move |connection: EngineSocket| {
        if connection.handshake().query.get("plain").is_none() {
            above.on_connection(&connection);
        }
    });
    engine.on_message(|connection: EngineSocket, message: Message| connection.send(message));
    engine
}

async fn an_empty_list_of_rooms_means_nobody(on: On) {
    // faults: F6
    let world = World::new(on, Io::new(calm())).await;
    let io = &world.io;
    let [(mut a, ann), (mut b, _)] = [world.join().await, world.join().await];
    let none = Vec::<String>::new();
    let socket = io.of("/").get(&ann).unwrap();

    io.to(&none).emit("io", &()).unwrap();
    io.within(&none).volatile().emit("within", &()).unwrap();
    io.of("/").r#in(&none).local().emit("in", &()).unwrap();
    socket.to(&none).emit("socket", &()).unwrap();
    socket.broadcast().to(&none).emit("others", &()).unwrap();
    let replies = io.to(&none).emit_with_ack::<u8>("ask", &());
    assert!(
        within("nobody's answers", replies)
            .await
            .unwrap()
            .answers
            .is_empty()
    );
    assert!(io.to(&none).sockets().is_empty());
    assert!(io.to(&none).clients().await.unwrap().is_empty());
    assert!(io.to(&none).fetch_sockets().await.unwrap().is_empty());
    io.to(&none).join("joined");
    io.to(&none).leave(&*ann);
    io.to(&none).disconnect(true);
    assert_eq!(socket.rooms(), [&*ann]);

    // None of several lists, or none to leave out, changes nothing.
    io.to(&none).to(&*ann).emit("ann", &()).unwrap();
    io.except(&none).emit("all", &()).unwrap();
    socket.join(&none).unwrap();
    socket.leave(&none);
    assert_eq!(socket.rooms(), [&*ann]);
    a.expect(r#"42["ann"]"#).await;
    for client in [&mut a, &mut b] {
        client.expect(r#"42["all"]"#).await;
    }
    world.ends().await;
}

async fn a_server_speaks_for_all_its_engines(on: On) {
    // faults: H14, H15, H16
    let (io, closed) = counting("/own");
    let bound = EngineServer::new(calm().path("/bound"));
    io.bind(&bound);
    let handed = handing_over("/handed", &io);
    let server = Server::new(io.clone())
        .engine(bound.clone())
        .engine(handed.clone());
    let world = World::serving(on, io.clone(), server).await;
    let address = world.address;
    let everywhere = || async move {
        let mut clients = Vec::new();
        for path in ["/own/", "/bound/", "/handed/"] {
            let mut client = Client::at(address, path, "").await;
            client.enter("").await;
            clients.push(client);
        }
        clients
    };

    let mut plain = Client::at(address, "/handed/", "&plain=1").await;
    let clients = everywhere().await;
    assert_eq!(io.engine_sessions(), 3);
    assert_eq!((bound.sessions(), handed.sessions()), (1, 2));
    io.disconnect_all();
    for client in clients {
        let (texts, _) = client.rest().await;
        assert!(texts.is_empty(), "{texts:?}");
    }
    until("all to have gone", || io.engine_sessions() == 0).await;
    assert_eq!((bound.sessions(), handed.sessions()), (0, 1));

    let clients = everywhere().await;
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = reasons.clone();
    io.of("/")
        .on_disconnect(move |reason: sio_tokio::DisconnectReason| {
            told.lock().unwrap().push(reason.to_string());
        });
    within("the server to close", io.close()).await;
    // All of them are gone by now, and their adapter heard of it once.
    assert_eq!(io.of("/").len(), 0);
    assert_eq!(io.engine_sessions(), 0);
    assert_eq!(closed.load(Ordering::Relaxed), 1);
    assert_eq!(reasons.lock().unwrap()[..], ["server shutting down"; 3]);
    drop(clients);
    // The engine that was not the server's goes on.
    plain.send("4hello").await;
    plain.expect("4hello").await;
    // One that comes late is turned away.
    let late = Client::at(address, "/handed/", "").await;
    let (texts, _) = late.rest().await;
    assert!(texts.is_empty(), "{texts:?}");
    drop(plain);
    within("the engine to close", handed.close()).await;
    world.ends().await;
}

async fn a_server_that_is_closed_by_its_listener_closes_its_adapters(on: On) {
    // faults: H14
    let (io, closed) = counting("/own");
    let (above, closed_above) = counting("/above");
    let bound = EngineServer::new(calm().path("/bound"));
    above.bind(&bound);
    let server = Server::new(io.clone()).engine(bound);
    let world = World::serving(on, io, server.clone()).await;
    let mut client = Client::at(world.address, "/bound/", "").await;
    client.enter("").await;
    within("the server to close", server.close()).await;
    assert_eq!(closed.load(Ordering::Relaxed), 1);
    assert_eq!(closed_above.load(Ordering::Relaxed), 1);
    // Once is enough.
    within("the server to close again", above.close()).await;
    assert_eq!(closed_above.load(Ordering::Relaxed), 1);
    drop(client);
    world.ends().await;
    assert_eq!(closed.load(Ordering::Relaxed), 1);
}

async fn nothing_lives_on_after_a_server_is_closed(on: On) {
    // faults: H14
    let mark = Arc::new(());
    let closed = Arc::new(AtomicUsize::new(0));
    let engine = EngineServer::new(calm().path("/engine"));
    let io = Io::new(calm());
    io.bind(&engine);
    // Each of these holds the server itself.
    let kept = || (io.clone(), engine.clone(), mark.clone());
    let (its, counted) = (kept(), closed.clone());
    io.set_adapter(move |local| {
        let _ = &its;
        Closing {
            local,
            closed: counted.clone(),
        }
    })
    .unwrap();
    let its = kept();
    io.of("/").on("x", move || drop(its.clone()));
    let its = kept();
    io.of("/").use_(move |_: Socket| {
        drop(its.clone());
        Ok::<(), sio_tokio::Refusal>(())
    });
    let its = kept();
    io.of("/").on_room_event(move |_| drop(its.clone()));
    let its = kept();
    io.of("/").on_any_outgoing(move |_, _| drop(its.clone()));
    let its = kept();
    io.of("/a").on_server_side(move |_, _| drop(its.clone()));
    let its = kept();
    io.on_error(move |_| drop(its.clone()));
    let its = kept();
    io.on_headers(move |_, _| drop(its.clone()));
    let its = kept();
    engine.on_connect(move |_: EngineSocket| drop(its.clone()));
    let world = World::serving(on, io.clone(), Server::new(io.clone())).await;
    let (client, _) = world.join().await;
    within("the server to close", io.close()).await;
    // Of both namespaces.
    assert_eq!(closed.load(Ordering::Relaxed), 2);
    // What is added now is not kept either.
    let its = kept();
    io.of("/late").on("x", move || drop(its.clone()));
    let its = kept();
    io.on_error(move |_| drop(its.clone()));
    // The task of the last connection may be about to end.
    until("all to be dropped", || Arc::strong_count(&mark) == 1).await;
    drop(client);
    world.ends().await;
}

async fn a_socket_that_is_announced_can_be_told_something(on: On) {
    // faults: H17
    let io = Io::new(calm());
    let main = io.of("/");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (told, namespace) = (seen.clone(), main.clone());
    main.on_room_event(move |event: &RoomEvent| {
        let line = match event {
            RoomEvent::Created(room) => format!("+{room}"),
            RoomEvent::Joined(room, id) if room == id.as_str() => {
                let socket = namespace.get(id).unwrap();
                let emitted = socket.emit("welcome", &());
                format!("{id}>{room} {} {}", socket.connected(), emitted.is_ok())
            }
            RoomEvent::Joined(room, id) => format!("{id}>{room}"),
            RoomEvent::Left(room, id) => format!("{id}<{room}"),
            RoomEvent::Deleted(room) => format!("-{room}"),
        };
        told.lock().unwrap().push(line);
    });
    // Somebody is in the room of the second one's id before that one is.
    let namespace = main.clone();
    main.use_(move |socket: Socket| {
        namespace.join(socket.id());
        Ok::<(), sio_tokio::Refusal>(())
    });
    main.on_connect(|socket: Socket| socket.emit("connected", &()));
    main.on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io).await;
    let (mut first, a) = world.join().await;
    let (mut second, b) = world.join().await;
    for client in [&mut first, &mut second] {
        client.expect(r#"42["welcome"]"#).await;
        client.expect(r#"42["connected"]"#).await;
        client.sync().await;
    }
    let events = std::mem::take(&mut *seen.lock().unwrap());
    let expected = [
        format!("+{a}"),
        format!("{a}>{a} true true"),
        format!("+{b}"),
        format!("{a}>{b}"),
        format!("{b}>{b} true true"),
    ];
    assert_eq!(events, expected);
    drop(second);
    until("the second to leave", || !seen.lock().unwrap().is_empty()).await;
    assert_eq!(main.to(&*b).sockets().len(), 1);
    assert_eq!(seen.lock().unwrap()[..], [format!("{b}<{b}")]);
    drop(first);
    world.ends().await;
}

#[test]
fn a_server_that_nobody_serves_closes_at_once() {
    let (io, closed) = counting("/own");
    let bound = EngineServer::new(Config::default());
    io.bind(&bound);
    assert_eq!(io.close().now_or_never(), Some(()));
    assert_eq!(closed.load(Ordering::Relaxed), 1);
}

#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
struct User {
    name: String,
    picture: Bytes,
}

#[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
struct Seen {
    name: String,
    rooms: u8,
}

async fn data_of_any_type_is_seen_by_who_fetches_the_socket(on: On) {
    // faults: A2
    // The same with an adapter and without.
    let (io, _) = counting("/socket.io");
    let plain = io.of("/").local();
    let world = World::new(on, io.clone()).await;
    let (client, id) = world.join().await;
    let socket = io.of("/").get(&id).unwrap();
    let user = User {
        name: "ann".into(),
        picture: Bytes::from_static(&[1, 2, 3]),
    };
    let fetch = || async {
        let (all, here) = (
            io.fetch_sockets().await.unwrap(),
            plain.fetch_sockets().await.unwrap(),
        );
        assert_eq!(all[0].data.value(), here[0].data.value());
        all[0].data.clone()
    };
    assert_eq!(fetch().await.value(), Ok(Value::Null));
    // What is this node's alone is of any type, and seen by nobody.
    socket.set_local_data(socket.clone());
    socket.update_local_data(|count: &mut Option<Socket>| *count = None);
    assert_eq!(fetch().await.value(), Ok(Value::Null));
    socket.set_data(user.clone());
    assert_eq!(fetch().await.decode(), Ok(user.clone()));
    assert_eq!(socket.data(), Some(user));
    // Several are one, as far as they can be.
    let fetched = fetch().await;
    socket.set_data(Seen {
        name: "bob".into(),
        rooms: 1,
    });
    socket.update_data(|user: &mut Map<String, u8>| user.insert("rooms".into(), 2));
    let seen: Seen = fetch().await.decode().unwrap();
    assert_eq!((&*seen.name, seen.rooms), ("bob", 2));
    assert_eq!(fetched.decode::<User>().unwrap().name, "ann");
    assert!(matches!(
        fetched.decode::<u8>(),
        Err(DataError::Mistyped(_))
    ));
    assert!(socket.remove_data::<User>() && socket.remove_data::<Map<String, u8>>());
    socket.update_data(|number: &mut u8| *number = 7);
    let list: (Seen, u8) = fetch().await.decode().unwrap();
    assert_eq!((list.0.rooms, list.1), (1, 7));
    // What cannot be written says so.
    socket.set_data(Map::from([(vec![1u8], 1u8)]));
    assert!(matches!(
        fetch().await.value(),
        Err(EncodeError::Refused(_))
    ));
    drop(client);
    world.ends().await;
}

on_each_runtime! {
    data_of_any_type_is_seen_by_who_fetches_the_socket,
    an_empty_list_of_rooms_means_nobody,
    a_server_speaks_for_all_its_engines,
    a_server_that_is_closed_by_its_listener_closes_its_adapters,
    nothing_lives_on_after_a_server_is_closed,
    a_socket_that_is_announced_can_be_told_something,
}
