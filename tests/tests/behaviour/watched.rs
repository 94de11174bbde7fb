//! Those who look at a connection: at its packets, and at what has left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sio_tokio::{
    Ack, Backlog, BacklogPolicy, Conn, Data, EmitError, EngineServer, EngineSocket, Io, Message,
    Packet, Server, Socket,
};

use crate::client::{Client, calm};
use crate::here::{spawn, until, within};
use crate::world::{On, World};

/// What was seen, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn spelled(packet: &Packet) -> String {
    match packet {
        Packet::Message(Message::Text(text)) => text.to_string(),
        Packet::Message(Message::Binary(bytes)) => format!("{} bytes", bytes.len()),
        Packet::Open(_)
        | Packet::Close
        | Packet::Ping(_)
        | Packet::Pong(_)
        | Packet::Upgrade
        | Packet::Noop => format!("{packet:?}"),
    }
}

/// Writes all that there is to be seen.
fn look(conn: &Conn, log: &Log) {
    let writer = || {
        let log = log.clone();
        move |line: String| log.lock().unwrap().push(line)
    };
    let write = writer();
    conn.on_packet(move |packet| write(format!("came {}", spelled(packet))));
    let write = writer();
    conn.on_packet_create(move |packet| write(format!("made {}", spelled(packet))));
    let write = writer();
    conn.on_heartbeat(move || write("heartbeat".to_owned()));
    let write = writer();
    conn.on_upgrading(move |to| write(format!("upgrading to {to:?}")));
    let write = writer();
    conn.on_upgrade(move |to| write(format!("upgraded to {to:?}")));
    let write = writer();
    conn.on_flush(move |Backlog { bytes, packets }| {
        write(format!("{packets} handed over, {bytes} bytes"));
    });
    let write = writer();
    conn.on_drain(move || write("drained".to_owned()));
}

/// Exactly this was seen since the last time.
async fn saw(log: &Log, lines: &[&str]) {
    until("all to be seen", || {
        log.lock().unwrap().len() >= lines.len()
    })
    .await;
    assert_eq!(std::mem::take(&mut *log.lock().unwrap()), lines);
}

async fn packets_are_seen_as_they_come_and_as_they_are_made(on: On) {
    let io = Io::new(calm());
    let log = Log::default();
    let its = log.clone();
    io.of("/")
        .on_connect(move |socket: Socket| look(&socket.conn(), &its));
    io.of("/")
        .on("echo", |socket: Socket, Data(n): Data<u8>, ack: Ack| {
            socket.emit("bytes", &sio_tokio::Bytes::from_static(b"xyz"))?;
            ack.send(&n)
        });
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    poller.enter().await;
    log.lock().unwrap().clear();
    assert_eq!(poller.post(r#"420["echo",1]"#).await.body, "ok");
    let answer = poller.poll().await.body;
    let made = [
        r#"made 51-["bytes",{"_placeholder":true,"num":0}]"#,
        "made 3 bytes",
        "made 30[1]",
    ];
    let handed = format!("3 handed over, {} bytes", answer.len());
    let mut expected = vec![r#"came 20["echo",1]"#];
    expected.extend(made);
    expected.extend([&*handed, "drained"]);
    saw(&log, &expected).await;

    let mut client = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
    client.send("2probe").await;
    client.expect("3probe").await;
    client.send("5").await;
    saw(&log, &["upgrading to WebSocket", "upgraded to WebSocket"]).await;
    client.send("3").await;
    saw(&log, &["came Pong(\"\")", "heartbeat"]).await;
    // What many get is seen, too.
    io.of("/").emit("all", &7).unwrap();
    client.expect(r#"42["all",7]"#).await;
    let all = [r#"made 2["all",7]"#, "1 handed over, 11 bytes", "drained"];
    saw(&log, &all).await;
    world.ends().await;
}

async fn messages_of_plain_engines_are_seen(on: On) {
    let engine = EngineServer::new(calm());
    let log = Log::default();
    let its = log.clone();
    engine.on_connect(move |socket: EngineSocket| look(&socket.conn(), &its));
    engine.on_message(|socket: EngineSocket, message: Message| socket.send(message));
    let io = Io::new(calm().path("/nobody"));
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(on, io, server).await;
    // Revision 3, in which it is the client that pings.
    let mut client = Client::raw(world.address, "&EIO=3").await;
    assert!(client.text().await.starts_with("0{"));
    client.send("2").await;
    client.expect("3").await;
    until("a drain", || {
        log.lock().unwrap().last().is_some_and(|it| it == "drained")
    })
    .await;
    let mut seen = std::mem::take(&mut *log.lock().unwrap());
    // It may have begun to look before its open packet was handed over.
    let at = seen.iter().position(|line| line.starts_with("came"));
    let seen = seen.split_off(at.unwrap());
    assert_eq!(
        seen,
        [
            "came Ping(\"\")",
            "heartbeat",
            "made Pong(\"\")",
            "1 handed over, 1 bytes",
            "drained"
        ]
    );
    client.send("4x").await;
    client.expect("4x").await;
    saw(
        &log,
        &["came x", "made x", "1 handed over, 2 bytes", "drained"],
    )
    .await;
    drop(client);
    within("the engine to close", engine.close()).await;
    world.ends().await;
}

async fn what_was_sent_by_polling_has_left_with_the_poll(on: On) {
    let world = World::new(on, Io::new(calm())).await;
    let poller = world.poller().await;
    let id = poller.enter().await;
    let socket = world.io.of("/").get(&id).unwrap();
    let nothing = within("nothing to leave", socket.flushed()).await;
    assert_eq!(nothing, Ok(()));
    socket.emit("a", &()).unwrap();
    let flushed = spawn(socket.flushed());
    until("one to wait", || world.io.backlogs().waits == 1).await;
    // Once it is asked for, what comes behind it does not matter.
    assert_eq!(poller.poll().await.body, r#"42["a"]"#);
    socket.emit("b", &()).unwrap();
    assert_eq!(flushed.end().await, Some(Ok(())));
    assert_eq!(world.io.backlogs().waits, 0);
    // One who goes has left nothing behind.
    let flushed = spawn(socket.flushed());
    until("one to wait", || world.io.backlogs().waits == 1).await;
    assert_eq!(poller.post("1").await.status, 200);
    assert_eq!(flushed.end().await, Some(Err(EmitError::Disconnected)));
    assert_eq!(socket.flushed().await, Err(EmitError::Disconnected));
    world.ends().await;
}

async fn a_handler_waits_until_all_that_it_said_has_left(on: On) {
    let io = Io::new(calm());
    let log = Log::default();
    let its = log.clone();
    io.of("/").on("pour", move |socket: Socket| {
        let log = its.clone();
        async move {
            for n in 0..100 {
                socket.emit("n", &n)?;
                if n % 10 == 0 {
                    socket.conn().flushed().await?;
                    log.lock().unwrap().push(n.to_string());
                }
            }
            socket.flushed().await?;
            socket.conn().close();
            Ok::<_, EmitError>(())
        }
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["pour"]"#).await;
    for n in 0..100 {
        client.expect(&format!(r#"42["n",{n}]"#)).await;
    }
    client.rest().await;
    let told = log.lock().unwrap().clone();
    assert_eq!(
        told,
        ["0", "10", "20", "30", "40", "50", "60", "70", "80", "90"]
    );
    world.ends().await;
}

/// What its client has sent is much, so that others run before its task goes on.
async fn what_one_who_looks_emits_is_not_lost(on: On) {
    let io = Io::new(calm());
    let armed = Arc::new(AtomicBool::new(false));
    let arm = armed.clone();
    io.on("much", move |ack: Ack| {
        arm.store(true, Ordering::Relaxed);
        ack.send(&())
    });
    io.on_connect(move |socket: Socket| {
        let (its, armed) = (socket.clone(), armed.clone());
        socket.conn().on_drain(move || {
            if armed.swap(false, Ordering::Relaxed) {
                its.emit("drained", &()).unwrap();
            }
        });
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    let much = "x".repeat(200_000);
    client.send(&format!(r#"421["much","{much}"]"#)).await;
    client.expect("431[]").await;
    client.expect(r#"42["drained"]"#).await;
    drop(client);
    world.ends().await;
}

async fn no_more_wait_than_may(on: On) {
    let config = calm()
        .max_backlog_packets(5)
        .backlog_policy(BacklogPolicy::Refuse)
        .max_ready_waits(3);
    let world = World::new(on, Io::new(config)).await;
    let poller = world.poller().await;
    let id = poller.enter().await;
    let socket = world.io.of("/").get(&id).unwrap();
    socket.emit("a", &()).unwrap();
    let waiting: Vec<_> = (0..3).map(|_| socket.flushed()).collect();
    assert_eq!(socket.flushed().await, Err(EmitError::Full));
    drop(waiting);
    let flushed = spawn(socket.flushed());
    until("one to wait", || world.io.backlogs().waits == 1).await;
    assert_eq!(poller.poll().await.body, r#"42["a"]"#);
    assert_eq!(flushed.end().await, Some(Ok(())));
    world.ends().await;
}

on_each_runtime! {
    packets_are_seen_as_they_come_and_as_they_are_made,
    messages_of_plain_engines_are_seen,
    what_was_sent_by_polling_has_left_with_the_poll,
    a_handler_waits_until_all_that_it_said_has_left,
    what_one_who_looks_emits_is_not_lost,
    no_more_wait_than_may,
}
