//! Whole conversations: echo, acks, attachments, both transports and the way between.

use std::time::Duration;

use futures_util::io::AsyncWriteExt;

use crate::client::{Client, calm, exchange, request};
use crate::here::{connect, sleep, spawn, until, within};
use crate::world::{On, World};
use sio_tokio::{
    Ack, AckError, Args, Bytes, Data, EmitError, Io, Socket, State, TransportKind, TryData,
};

fn echoing() -> Io {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("echo", |args: Args, ack: Ack| ack.send(&args));
    main.on("say", |socket: Socket, args: Args| {
        socket.emit("said", &args)
    });
    io
}

async fn an_echo_with_ack_by_websocket(on: On) {
    let world = World::new(on, echoing()).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["echo",1,{"a":[true,null]},"ü"]"#).await;
    client.expect(r#"431[1,{"a":[true,null]},"ü"]"#).await;
    client.send(r#"42["say","hi"]"#).await;
    client.expect(r#"42["said","hi"]"#).await;
    world.ends().await;
}

async fn an_echo_with_ack_by_polling(on: On) {
    let world = World::new(on, echoing()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let body = "421[\"echo\",1]\u{1e}42[\"say\",\"hi\"]";
    assert_eq!(poller.post(body).await.body, "ok");
    let answer = poller.poll().await;
    assert_eq!(answer.body, "431[1]\u{1e}42[\"said\",\"hi\"]");
    world.ends().await;
}

async fn attachments_travel_both_ways(on: On) {
    let io = echoing();
    io.of("/").on(
        "reverse",
        |Data(data): Data<Bytes>, socket: Socket| -> Result<(), EmitError> {
            let reversed: Vec<u8> = data.iter().rev().copied().collect();
            socket.emit("reversed", &(Bytes::from(reversed), "done"))
        },
    );
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client
        .send(r#"451-["reverse",{"_placeholder":true,"num":0}]"#)
        .await;
    client.send_binary(&[1, 2, 3]).await;
    client
        .expect(r#"451-["reversed",{"_placeholder":true,"num":0},"done"]"#)
        .await;
    let data = client.next().await.unwrap().into_data();
    assert_eq!(&data[..], [3, 2, 1]);
    world.ends().await;
}

async fn a_session_moves_to_a_websocket(on: On) {
    let io = echoing();
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    let id = poller.enter().await;
    let socket = io.of("/").get(&id).unwrap();
    assert_eq!(socket.conn().transport(), TransportKind::Polling);

    let mut client = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
    client.send("2probe").await;
    client.expect("3probe").await;
    client.send("5").await;
    client.send(r#"427["echo","after"]"#).await;
    client.expect(r#"437["after"]"#).await;
    assert_eq!(socket.conn().transport(), TransportKind::WebSocket);
    // The session answers no polls any more, and a second WebSocket disturbs nobody.
    assert_eq!(poller.poll().await.status, 400);
    let second = Client::raw(world.address, &format!("&sid={}", poller.sid)).await;
    second.rest().await;
    client.send(r#"428["echo"]"#).await;
    client.expect("438[]").await;
    world.ends().await;
}

async fn the_server_asks_and_the_client_answers_late_or_never(on: On) {
    let io = echoing();
    let world = World::new(on, io.clone()).await;
    let (mut client, id) = world.join().await;
    let socket = io.of("/").get(&id).unwrap();

    let asked = socket.emit_with_ack::<(String, u8)>("name?", &"please");
    client.expect(r#"421["name?","please"]"#).await;
    client.send(r#"431["ann",7]"#).await;
    assert_eq!(within("an answer", asked).await, Ok(("ann".into(), 7)));

    let short = socket.timeout(Duration::from_millis(20));
    let asked = short.emit_with_ack::<Args>("slow?", &());
    client.expect(r#"423["slow?"]"#).await;
    assert_eq!(within("a timeout", asked).await, Err(AckError::Timeout));
    // Too late: nobody waits any more, and nothing happens.
    client.send(r#"433["late"]"#).await;

    let asked = socket.emit_with_ack::<u8>("number?", &());
    client.expect(r#"425["number?"]"#).await;
    client.send(r#"435["seven"]"#).await;
    let answer = within("an answer", asked).await;
    assert!(matches!(answer, Err(AckError::Mistyped(_))), "{answer:?}");

    let asked = socket.emit_with_ack::<Args>("there?", &());
    drop(client);
    assert_eq!(within("the end", asked).await, Err(AckError::Disconnected));
    // The ack may be told a moment before the socket is, by a server on another thread.
    until("the socket to leave", || !socket.connected()).await;
    assert_eq!(socket.emit("x", &()), Err(EmitError::Disconnected));
    world.ends().await;
}

async fn handlers_get_what_they_name_in_any_order(on: On) {
    let io = echoing();
    io.set_state(String::from("shared"));
    io.of("/").on(
        "all",
        async |ack: Ack,
               State(state): State<String>,
               Data((a, b)): Data<(u8, Option<u8>)>,
               _io: Io| {
            tokio::task::yield_now().await;
            ack.send(&(state, a, b))
        },
    );
    io.of("/")
        .on("try", |TryData(data): TryData<u8>, ack: Ack| {
            ack.send(&data.map_err(|error| error.to_string()).is_err())
        });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["all",1]"#).await;
    client.expect(r#"431["shared",1,null]"#).await;
    client.send(r#"422["try","x"]"#).await;
    client.expect("432[true]").await;
    world.ends().await;
}

async fn a_dropped_poll_ends_the_session(on: On) {
    let world = World::new(on, echoing()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let mut stream = connect(world.address).await;
    let head = format!(
        "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\r\n",
        poller.sid
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(stream);
    until("the session to end", || world.io.engine_sessions() == 0).await;
    assert_eq!(poller.poll().await.status, 400);
    world.ends().await;
}

async fn large_answers_are_compressed_for_those_who_take_it(on: On) {
    let io = echoing();
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    let id = poller.enter().await;
    let socket = io.of("/").get(&id).unwrap();
    socket.emit("big", &"x".repeat(5000)).unwrap();
    let head = format!(
        "GET /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         accept-encoding: gzip\r\nconnection: close\r\n\r\n",
        poller.sid
    );
    let answer = exchange(world.address, head.as_bytes()).await;
    assert!(answer.head.contains("content-encoding: gzip"), "{answer:?}");
    assert!(answer.body.len() < 1000);
    socket.emit("big", &"x".repeat(5000)).unwrap();
    let plain = poller.poll().await;
    assert!(!plain.head.contains("content-encoding"));
    assert_eq!(plain.body.len(), r#"42["big",""]"#.len() + 5000);
    world.ends().await;
}

async fn what_is_not_ours_is_404_or_the_fallback(on: On) {
    let io = echoing();
    let server = sio_tokio::Server::new(io.clone()).fallback(
        async |request: sio_tokio::http::Request<Bytes>| {
            let text = format!("{} {}", request.method(), request.uri().path());
            sio_tokio::http::Response::new(text.into())
        },
    );
    let world = World::serving(on, io, server).await;
    let asked = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(world.address, asked).await;
    assert_eq!((answer.status, &*answer.body), (200, "GET /health"));
    world.ends().await;

    let world = World::new(on, echoing()).await;
    let answer = exchange(world.address, asked).await;
    assert_eq!(answer.status, 404);
    let answer = request(world.address, "GET", "&sid=nobody", "").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (400, r#"{"code":1,"message":"Session ID unknown"}"#)
    );
    world.ends().await;
}

async fn bursts_and_large_messages_arrive_whole(on: On) {
    let io = echoing();
    io.of("/")
        .on("burst", |socket: Socket, Data(n): Data<u32>| {
            (0..n).try_for_each(|i| socket.emit("tick", &(i, "x".repeat(50))))
        });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["burst",10000]"#).await;
    for i in 0..10_000 {
        let tick = format!(r#"42["tick",{i},"{}"]"#, "x".repeat(50));
        client.expect(&tick).await;
    }
    // Far more than one read, and more than one write.
    let text = "y".repeat(900_000);
    client.send(&format!(r#"421["echo","{text}"]"#)).await;
    client.expect(&format!(r#"431["{text}"]"#)).await;
    world.ends().await;
}

/// What stands in a POST before a packet that ends the session is handled, and answered.
async fn what_stands_before_a_fault_is_still_answered(on: On) {
    let world = World::new(on, echoing()).await;
    for _ in 0..20 {
        let poller = world.poller().await;
        poller.enter().await;
        let waiting = poller.clone();
        let parked = spawn(async move { waiting.poll().await });
        sleep(Duration::from_millis(200)).await;
        poller.post("421[\"echo\",1]\u{1e}nonsense").await;
        let answer = parked.end().await.unwrap();
        until("the session to end", || world.io.engine_sessions() == 0).await;
        // What ends the session may overtake the poll.
        if answer.status != 400 {
            assert_eq!(answer.body, "431[1]");
            return world.ends().await;
        }
    }
    panic!("the poll was overtaken each time");
}

on_each_runtime! {
    an_echo_with_ack_by_websocket,
    an_echo_with_ack_by_polling,
    attachments_travel_both_ways,
    a_session_moves_to_a_websocket,
    the_server_asks_and_the_client_answers_late_or_never,
    handlers_get_what_they_name_in_any_order,
    a_dropped_poll_ends_the_session,
    large_answers_are_compressed_for_those_who_take_it,
    what_is_not_ours_is_404_or_the_fallback,
    bursts_and_large_messages_arrive_whole,
    what_stands_before_a_fault_is_still_answered,
}
