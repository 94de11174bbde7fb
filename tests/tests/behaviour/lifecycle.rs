//! Admission, limits of number and size, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{
    DisconnectReason, EngineServer, EngineSocket, Io, Message, RequestHead, Server, Socket,
};

use crate::client::{Client, calm, exchange, request};
use crate::here::{PATIENCE, connect, pause, spawn, until, within};
use crate::wire::{Wire, opening_at};
use crate::world::{On, World};

async fn a_graceful_end_delivers_what_is_queued_and_names_its_reason(on: On) {
    let io = Io::new(
        calm()
            // All come back for what is left to say, at their leisure.
            .polling_close_timeout(PATIENCE),
    );
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/")
        .on_disconnect(move |reason: DisconnectReason| tell.send(reason));
    let world = World::new(on, io.clone()).await;
    let (client, _) = world.join().await;
    let poller = world.poller().await;
    poller.enter().await;
    let waiting = poller.clone();
    let parked = spawn(async move { waiting.poll().await });
    pause(Duration::from_millis(50)).await;
    let idle = world.poller().await;
    idle.enter().await;
    io.emit("last words", &1).unwrap();
    let mut closing = Box::pin(async move { io.close().await });
    assert!(futures_util::poll!(&mut closing).is_pending());
    let closing = spawn(closing);
    // One that is between two polls comes back for what is left to say; nobody new may come.
    assert_eq!(request(world.address, "GET", "", "").await.status, 503);
    assert_eq!(idle.poll().await.body, r#"42["last words",1]"#);

    let (texts, close) = client.rest().await;
    assert_eq!(texts, [r#"42["last words",1]"#]);
    assert_eq!(close, Some(1001));
    assert_eq!(parked.end().await.unwrap().body, r#"42["last words",1]"#);
    within("the end", closing.end()).await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            told.recv().await,
            Some(DisconnectReason::ServerShuttingDown)
        );
    }
    until("the port to be free", || on.is_free(world.address)).await;
    world.ends().await;
}

async fn requests_are_admitted_or_refused_by_the_application(on: On) {
    let io = Io::new(calm());
    io.allow_request(async |head: Arc<RequestHead>| {
        pause(Duration::from_millis(1)).await;
        match head.query("key").as_deref() {
            Some("secret") => Ok(()),
            _ => Err("no key"),
        }
    });
    io.on_initial_headers(|_, headers| {
        headers.insert("x-first", "1".parse().unwrap());
    });
    io.on_headers(|head, headers| {
        let value = head.method.as_str().parse().unwrap();
        headers.insert("x-every", value);
    });
    let refused = Arc::new(AtomicUsize::new(0));
    let count = refused.clone();
    io.on_connection_error(move |error| {
        assert_eq!((error.code, &*error.message), (Some(4), "no key"));
        count.fetch_add(1, Ordering::Relaxed);
    });
    let world = World::new(on, io).await;
    let answer = request(world.address, "GET", "", "").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (403, r#"{"code":4,"message":"no key"}"#)
    );
    assert!(!answer.head.contains("x-first") && answer.head.contains("x-every: GET"));
    let answer = request(world.address, "GET", "&key=secret", "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("x-first: 1") && answer.head.contains("x-every: GET"));
    assert_eq!(refused.load(Ordering::Relaxed), 1);
    world.ends().await;
}

/// Of such a request the server keeps nothing while the session thinks, unless somebody may ask.
async fn what_a_session_refuses_is_told_with_its_request(on: On) {
    // faults: A10
    let io = Io::new(calm().max_http_buffer_size(100));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.on_connection_error(move |error| {
        let _ = tell.send((error.clone(), error.headers.clone()));
    });
    let world = World::new(on, io).await;
    let large = "x".repeat(101);
    for (body, status, words) in [
        ("no packet", 400, "unknown packet type 'n'"),
        (
            &large,
            413,
            "a body or message over the limit (max_http_buffer_size)",
        ),
    ] {
        let poller = world.poller().await;
        poller.enter().await;
        let answer = poller.post(body).await;
        let (error, headers) = within("the hook", told.recv()).await.unwrap();
        assert_eq!(answer.status, status);
        let (method, _) = error.request.split_once(" /socket.io/?EIO=4").unwrap();
        assert_eq!(
            (method, error.status.as_u16(), &*error.message),
            ("POST", status, words)
        );
        assert_eq!(
            headers.get("content-length").unwrap(),
            &*body.len().to_string()
        );
    }
    // A GET beside one that waits.
    let poller = world.poller().await;
    poller.enter().await;
    let (one, other) = futures_util::future::join(poller.poll(), poller.poll()).await;
    assert!(matches!(
        (one.status, other.status),
        (200, 400) | (400, 200)
    ));
    let (error, _) = within("the hook", told.recv()).await.unwrap();
    assert_eq!(error.message, "a second GET while one was waiting");
    // One that comes while its session ends for something else takes nothing from that.
    let poller = world.poller().await;
    poller.enter().await;
    assert_eq!(poller.post("4x").await.status, 200);
    assert_eq!(poller.post(&large).await.status, 413);
    for words in [
        "unknown packet type",
        "a body or message over the limit (max_http_buffer_size)",
    ] {
        let (error, _) = within("the hook", told.recv()).await.unwrap();
        assert_eq!(error.message, words);
    }
    world.ends().await;
    // Each once.
    assert!(told.try_recv().is_err());
}

async fn who_waits_to_be_admitted_holds_up_no_end(on: On) {
    let io = Io::new(calm());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    io.allow_request(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<Result<(), String>>()
    });
    let world = World::new(on, io.clone()).await;
    let waits = request(world.address, "GET", "", "");
    let closes = async {
        until("it is asked", || asked.load(Ordering::Relaxed) == 1).await;
        io.close().await;
    };
    let (answer, ()) = within("both", futures_util::future::join(waits, closes)).await;
    assert_eq!((answer.status, &*answer.body), (503, "Shutting down"));
    world.ends().await;
}

async fn there_are_as_many_sessions_as_allowed(on: On) {
    let io = Io::new(calm().max_sessions(Some(2)).max_pending_sessions(1));
    let world = World::new(on, io.clone()).await;
    let first = world.poller().await;
    let answer = request(world.address, "GET", "", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after"), "{}", answer.head);
    // Once it is in a namespace, the next one may come.
    first.enter().await;
    let second = world.poller().await;
    second.enter().await;
    assert_eq!(request(world.address, "GET", "", "").await.status, 503);
    first.post("1").await;
    until("the session to end", || io.engine_sessions() == 1).await;
    world.poller_instead().await;
    world.ends().await;
}

async fn heads_and_bodies_have_their_limits(on: On) {
    let io = Io::new(calm().max_http_buffer_size(1000));
    let world = World::new(on, io.clone()).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(20_000));
    let answer = exchange(world.address, long.as_bytes()).await;
    assert!(matches!(answer.status, 414 | 431), "{answer:?}");
    let many: String = (0..100).map(|n| format!("h{n}: 1\r\n")).collect();
    let many = format!("GET /socket.io/ HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    assert_eq!(exchange(world.address, many.as_bytes()).await.status, 431);

    for chunked in [false, true] {
        let poller = world.poller().await;
        let length = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            "content-length: 1001".to_owned()
        };
        let mut stream = connect(world.address).await;
        let head = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n",
            poller.sid
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        if chunked {
            let chunk = format!("3e9\r\n{}\r\n", "x".repeat(0x3e9));
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        let mut answer = Vec::new();
        within("the answer", stream.read_to_end(&mut answer))
            .await
            .unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    until("the sessions to end", || io.engine_sessions() == 0).await;
    world.ends().await;
}

async fn a_plain_engine_beside_it(on: On) {
    let io = Io::new(calm());
    let engine = EngineServer::new(calm().path("/engine.io"));
    engine.on_connect(|socket: EngineSocket| socket.send("hello"));
    engine.on_message(async |socket: EngineSocket, message: Message| {
        pause(Duration::from_millis(1)).await;
        match &message {
            Message::Text(text) if &**text == "close me" => socket.close(),
            Message::Text(_) | Message::Binary(_) => socket.send(message)?,
        }
        Ok::<(), sio_tokio::EmitError>(())
    });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    engine.on_close(move |_: EngineSocket, reason: sio_tokio::CloseReason| tell.send(reason));
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(on, io, server.clone()).await;
    let request = opening_at("/engine.io/", "");
    let mut client = Client::on(Wire::opened(world.address, &request).await);
    assert!(client.text().await.starts_with("0{"));
    client.expect("4hello").await;
    client.send("4back").await;
    client.expect("4back").await;
    client.send_binary(&[1, 2]).await;
    assert_eq!(&client.next().await.unwrap().into_data()[..], [1, 2]);
    assert_eq!((engine.sessions(), world.io.engine_sessions()), (1, 0));
    client.send("4close me").await;
    client.rest().await;
    assert!(told.recv().await.is_some());
    until("the session to end", || engine.sessions() == 0).await;
    within("the end", server.close()).await;
    world.ends().await;
}

#[test]
fn handles_go_anywhere() {
    const fn anywhere<T: Send + Sync + 'static>() {}
    anywhere::<Io>();
    anywhere::<sio_tokio::Namespace>();
    anywhere::<Socket>();
    anywhere::<sio_tokio::To>();
    anywhere::<sio_tokio::Ack>();
    anywhere::<sio_tokio::AckFuture<String>>();
    anywhere::<EngineSocket>();
    anywhere::<Server>();
}

on_each_runtime! {
    a_graceful_end_delivers_what_is_queued_and_names_its_reason,
    requests_are_admitted_or_refused_by_the_application,
    there_are_as_many_sessions_as_allowed,
    what_a_session_refuses_is_told_with_its_request,
    who_waits_to_be_admitted_holds_up_no_end,
    heads_and_bodies_have_their_limits,
    a_plain_engine_beside_it,
}
