//! The engine below: foreign ones that are bound, bare connections, revision 3 on the wire.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sio_tests::wire::{PATIENCE, Polling, WEBSOCKET, WebSocket, Wire, ask};
use sio_tokio::{
    CloseReason, Data, Eio, EngineServer, EngineSocket, Io, Message, Server, Socket, TransportKind,
};

use crate::rows::covers;
use crate::world::{PLAYS, V3_POLLING, V3_WEBSOCKET, World, calm, enter, sid_of, v3_packets};

fn echoing() -> Io {
    let io = Io::new(calm());
    io.of("/")
        .on("echo", |socket: Socket, Data(text): Data<String>| {
            socket.emit("echoed", &text)
        });
    io
}

#[test]
fn a_foreign_engine_is_bound() {
    covers(&["bind"]);
    let engine = EngineServer::new(calm().path("/realtime"));
    let io = echoing();
    io.bind(&engine);
    let world = World::serving(io, Server::from(engine.clone()));
    let target = WEBSOCKET.replace("/socket.io", "/realtime");
    let mut client = WebSocket::over(Wire::connect(world.address), &target);
    assert!(client.text().starts_with("0{"));
    enter(&mut client, "");
    client.send(r#"42["echo","x"]"#);
    assert_eq!(client.text(), r#"42["echoed","x"]"#);
    assert_eq!((engine.sessions(), world.io.engine().sessions()), (1, 1));
    assert_eq!(world.io.engine().path(), "/realtime");
    drop(client);
    // Closing the one above closes the one below.
    world.end();
    assert_eq!(engine.sessions(), 0);
}

#[test]
fn one_connection_of_a_foreign_engine_is_handed_over() {
    covers(&["on-connection"]);
    let engine = EngineServer::new(calm());
    let io = echoing();
    let above = io.clone();
    engine.on_connect(move |connection: EngineSocket| {
        match connection.handshake().query.get("plain") {
            Some(_) => connection.send("hello").unwrap(),
            None => above.on_connection(&connection),
        }
    });
    engine.on_message(|connection: EngineSocket, message: Message| connection.send(message));
    let world = World::serving(io, Server::from(engine.clone()));

    let plain = format!("{WEBSOCKET}&plain=1");
    let mut plain = WebSocket::over(Wire::connect(world.address), &plain);
    assert!(plain.text().starts_with("0{"));
    assert_eq!(plain.text(), "4hello");
    plain.send("40");
    assert_eq!(plain.text(), "40");

    let (mut five, _) = world.join();
    five.send(r#"42["echo",5]"#);
    five.send(r#"42["echo","five"]"#);
    assert_eq!(five.text(), r#"42["echoed","five"]"#);
    let (mut four, _) = world.join_v3();
    four.send(r#"42["echo","four"]"#);
    assert_eq!(four.text(), r#"42["echoed","four"]"#);
    let polling = Polling::open(world.address);
    assert!(polling.join("/").starts_with("40{"));
    polling.post(r#"42["echo","polling"]"#);
    assert_eq!(polling.packets(), [r#"42["echoed","polling"]"#]);

    assert_eq!(world.io.of("/").len(), 3);
    assert_eq!(engine.sessions(), 4);
    drop((plain, five, four, polling));
    world.wait(async { tokio::join!(world.io.close(), engine.close()) });
    world.end();
}

#[test]
fn the_connection_below_a_socket() {
    covers(&["conn", "raw-engine", "client-conn", "upgrade"]);
    let (tell, told) = channel();
    let tell = Arc::new(Mutex::new(tell));
    let io = Io::new(calm());
    io.of("/").on_connect(move |socket: Socket| {
        let conn = socket.client().conn();
        let say = tell.clone();
        conn.on_upgrade(move |to| say.lock().unwrap().send(format!("{to:?}")).unwrap());
        let say = tell.clone();
        conn.on_close(move |why: CloseReason| {
            say.lock().unwrap().send(why.to_string()).unwrap();
        });
        socket.on("close", |socket: Socket| socket.conn().close());
        socket.on("raw", |socket: Socket| socket.conn().send("2[\"bare\"]"));
        socket.on("state", |socket: Socket| {
            let conn = socket.conn();
            let state = (
                conn.ready_state(),
                conn.transport() == TransportKind::WebSocket,
                conn.revision() == Eio::V4,
            );
            socket.emit("state", &state)
        });
    });
    let world = World::new(io);
    let polling = Polling::open(world.address);
    assert!(polling.join("/").starts_with("40{"));
    let socket = world.io.of("/").sockets().remove(0);
    assert_eq!(socket.conn().id().as_str(), polling.sid);
    assert_eq!(socket.client().id(), socket.conn().id());
    polling.post(r#"42["state"]"#);
    assert_eq!(polling.packets(), [r#"42["state","open",false,true]"#]);

    let mut client = WebSocket::beside(world.address, &polling.sid);
    client.send("2probe");
    assert_eq!(client.text(), "3probe");
    client.send("5");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "WebSocket");
    client.send(r#"42["state"]"#);
    assert_eq!(client.text(), r#"42["state","open",true,true]"#);
    client.send(r#"42["raw"]"#);
    assert_eq!(client.text(), r#"42["bare"]"#);
    client.send(r#"42["close"]"#);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "forced close");
    client.end();
    assert_eq!(socket.conn().ready_state(), "closed");
    // Too late: it is never called, and nothing is kept.
    socket.conn().on_close(|_| panic!("twice"));
    drop(polling);
    world.end();
}

#[test]
fn clients_of_revision_3_are_welcome_on_every_transport() {
    covers(&[
        "eio3",
        "eio3-text",
        "eio3-base64",
        "protocol-4",
        "implicit-main",
    ]);
    let world = World::new(echoing());
    let (mut client, _) = world.join_v3();
    client.send(r#"42["echo","ws"]"#);
    assert_eq!(client.text(), r#"42["echoed","ws"]"#);

    let opened = world.get(V3_POLLING, "");
    let packets = v3_packets(&opened.body);
    let sid = sid_of(&packets[0]);
    let target = format!("{V3_POLLING}&sid={sid}");
    let mut rest = packets[1..].to_vec();
    if rest.is_empty() {
        rest = v3_packets(&world.get(&target, "").body);
    }
    assert_eq!(rest, ["40"], "in `/` without asking");
    // Lengths count UTF-16 units.
    let body = "15:42[\"echo\",\"ä😀\"]";
    let units = "42[\"echo\",\"ä😀\"]".encode_utf16().count();
    let body = body.replacen("15", &units.to_string(), 1);
    let posted = ask(world.address, "POST", &target, "", &body).unwrap();
    assert_eq!((posted.status, &*posted.body), (200, "ok"));
    let answer = world.get(&target, "").body;
    let expected = "42[\"echoed\",\"ä😀\"]";
    let units = expected.encode_utf16().count();
    assert_eq!(answer, format!("{units}:{expected}"));

    // Off: error 5, whatever the transport.
    drop(client);
    world.io.disconnect_all();
    world.end();
    let world = World::new(Io::new(calm().allow_eio3(false)));
    for target in [V3_POLLING, V3_WEBSOCKET] {
        assert_eq!(world.get(V3_POLLING, "").code(), Some(5), "{target}");
    }
    world.end();
}

#[test]
fn jsonp_is_answered_in_both_revisions_and_can_be_switched_off() {
    covers(&["jsonp"]);
    for (jsonp, revision) in [(true, 3), (true, 4), (false, 3)] {
        let world = World::new(Io::new(calm().jsonp(jsonp)));
        let target = format!("/socket.io/?EIO={revision}&transport=polling&j=7");
        let response = world.get(&target, "");
        assert_eq!(response.status, 200);
        assert_eq!(
            response.body.starts_with("___eio[7](\""),
            jsonp,
            "{response:?}"
        );
        world.io.disconnect_all();
        world.end();
    }
}

#[test]
fn a_client_of_revision_3_pings_and_one_that_does_not_is_gone() {
    covers(&["heartbeat-3", "ping-timeout-close"]);
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let io = Io::new(
        calm()
            .ping_interval(Duration::from_millis(60))
            .ping_timeout(Duration::from_millis(120)),
    );
    io.of("/")
        .on_disconnect(move |reason: sio_tokio::DisconnectReason| {
            tell.lock().unwrap().send(reason.to_string()).unwrap();
        });
    let world = World::new(io);
    let (mut client, _) = world.join_v3();
    client.send("2");
    assert_eq!(client.text(), "3");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "ping timeout");
    client.end();
    world.end();
}

#[test]
fn a_polling_client_that_leaves_has_its_get_answered() {
    covers(&["polling-close"]);
    let world = World::new(Io::new(calm()));
    // The close may overtake the GET, which then asks for what is gone.
    let in_order = (0..PLAYS).any(|_| {
        let polling = Polling::open(world.address);
        assert!(polling.join("/").starts_with("40{"));
        let mut parked = polling.park();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(polling.post("1").status, 200);
        let response = parked.response().unwrap();
        assert!(response.status == 400 || response.body == "6");
        response.status == 200
    });
    assert!(in_order);
    world.end();
}

#[test]
fn binary_in_polling_of_revision_3() {
    covers(&["eio3-binary", "eio3-base64"]);
    let io = Io::new(calm());
    io.of("/")
        .on("echo", |socket: Socket, Data(data): Data<bytes::Bytes>| {
            socket.emit("echoed", &data)
        });
    let world = World::new(io);
    for base64 in [false, true] {
        let base = if base64 { "&b64=1" } else { "" };
        let opened = raw_get(&world, &format!("{V3_POLLING}{base}"));
        let text = String::from_utf8_lossy(&opened).into_owned();
        let at = text.find("\"sid\":\"").unwrap() + 7;
        let target = format!("{V3_POLLING}{base}&sid={}", &text[at..at + 20]);
        let packet = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
        let body = format!("{}:{packet}6:b4AQI=", packet.len());
        let posted = ask(world.address, "POST", &target, "", &body).unwrap();
        assert_eq!(posted.status, 200);
        let mut heard = Vec::new();
        while !heard.windows(6).any(|it| it == b"echoed") {
            heard = raw_get(&world, &target);
        }
        if base64 {
            let heard = String::from_utf8(heard).unwrap();
            assert!(heard.ends_with("6:b4AQI="), "{heard}");
        } else {
            // <1 for binary><length 3><255><type 4><bytes>
            assert!(heard.ends_with(&[1, 3, 255, 4, 1, 2]), "{heard:?}");
        }
    }
    world.io.disconnect_all();
    world.end();
}

/// The body of an answer that may hold any bytes.
fn raw_get(world: &World, target: &str) -> Vec<u8> {
    let mut wire = Wire::connect(world.address);
    let headers = "Connection: close\r\n";
    wire.write(sio_tests::wire::request("GET", target, headers, ""));
    let all = wire.rest();
    let head = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    all[head + 4..].to_vec()
}

#[test]
fn bodies_of_polls_are_compressed_unless_the_emit_says_no() {
    covers(&["compress-socket"]);
    let io = Io::new(calm().http_compression(Some(sio_tokio::HttpCompression { threshold: 100 })));
    let world = World::new(io);
    let polling = Polling::open(world.address);
    polling.join("/");
    let main = world.io.of("/");
    let socket = main.sockets().remove(0);
    let long = "x".repeat(500);
    let coding = || {
        let mut wire = Wire::connect(world.address);
        let headers = "Accept-Encoding: gzip\r\nConnection: close\r\n";
        wire.write(sio_tests::wire::request(
            "GET",
            &polling.target(),
            headers,
            "",
        ));
        let all = wire.rest();
        let head = all.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&all[..head]).to_ascii_lowercase();
        head.contains("content-encoding: gzip")
    };
    socket.emit("long", &long).unwrap();
    assert!(coding());
    socket.compress(false).emit("long", &long).unwrap();
    assert!(!coding());
    main.compress(false).emit("long", &long).unwrap();
    assert!(!coding());
    main.to(socket.id())
        .compress(true)
        .emit("long", &long)
        .unwrap();
    assert!(coding());
    drop(polling);
    world.end();
}
