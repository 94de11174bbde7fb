//! Panics of the application's, wherever it is called: they end what they happened on, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use http::Response;
use sio_tokio::{
    Ack, Bytes, DisconnectReason, EngineServer, EngineSocket, Incoming, Io, Message, Refusal,
    RequestHead, Server, Socket,
};

use crate::client::{calm, request};
use crate::here::{connect, pause, until, within};
use crate::wire::opening_at;
use crate::world::{On, World};

/// Panics, unless the compiler sees through it.
fn fail<T>(value: T) -> T {
    if true {
        panic!("on purpose");
    }
    value
}

async fn wherever_a_socket_calls_the_application(on: On) {
    let io = Io::new(calm());
    let main = io.of("/");
    main.on("sync", |ack: Ack| ack.send(&()));
    // Each of these is somebody's only handler.
    io.of("/gate").use_(|_: Socket| fail(Ok::<(), Refusal>(())));
    io.of("/connect").on_connect(|| fail(()));
    io.of("/later").on_connect(async || {
        pause(std::time::Duration::from_millis(1)).await;
        fail(())
    });
    io.of("/any").on_any(|| fail(()));
    io.of("/filter").on_connect(|socket: Socket| {
        socket.use_(|_: &mut Incoming| fail(Ok::<(), Refusal>(())));
    });
    let left = Arc::new(AtomicUsize::new(0));
    let count = left.clone();
    io.of("/leave").on_disconnect(move |_: DisconnectReason| {
        count.fetch_add(1, Ordering::Relaxed);
        fail(())
    });
    io.of_where(async |name: String, _| match &*name {
        "/asked" => fail(true),
        "/later asked" => {
            pause(std::time::Duration::from_millis(1)).await;
            fail(true)
        }
        name => name == "/born",
    });
    io.on_new_namespace(|namespace| {
        if namespace.name() == "/born" {
            fail(());
        }
    });
    let world = World::new(on, io.clone()).await;
    let (mut bystander, _) = world.join().await;
    for name in ["gate", "connect", "later", "any", "filter", "leave"] {
        let (mut client, _) = world.join().await;
        client.send(&format!("40/{name},")).await;
        client.send(&format!(r#"42/{name},["event"]"#)).await;
        client.send(&format!("41/{name},")).await;
        until(name, || io.of(&format!("/{name}")).is_empty()).await;
        drop(client);
        until("its end", || io.engine_sessions() == 1).await;
        bystander.sync().await;
    }
    assert_eq!(left.load(Ordering::Relaxed), 1);
    for name in ["asked", "later asked"] {
        let (mut client, _) = world.join().await;
        client.send(&format!("40/{name},")).await;
        assert!(client.rest().await.0.is_empty());
        until("its end", || io.engine_sessions() == 1).await;
        bystander.sync().await;
    }
    // One that only listens does no harm.
    bystander.enter("/born,").await;
    bystander.sync().await;
    world.ends().await;
}

/// Every hook panics for a request that names it, when it is called or when it is waited for. How often the one for
/// refused requests did.
fn hooks_that_panic(io: &Io) -> Arc<AtomicUsize> {
    let panics = |head: &RequestHead, hook: &str| head.query("panic").as_deref() == Some(hook);
    let at_once = |head: &RequestHead| head.query("when").as_deref() == Some("atonce");
    let asked = move |head: Arc<RequestHead>, hook: &'static str| {
        if panics(&head, hook) && at_once(&head) {
            fail(());
        }
        async move {
            if panics(&head, hook) {
                pause(std::time::Duration::from_millis(1)).await;
                fail(());
            }
        }
    };
    io.check_origin(move |_, head: Arc<RequestHead>| {
        let asked = asked(head, "origin");
        async move {
            asked.await;
            Ok::<_, String>(true)
        }
    });
    io.allow_request(move |head: Arc<RequestHead>| {
        let asked = asked(head, "admission");
        async move {
            asked.await;
            Ok::<_, String>(())
        }
    });
    let count = AtomicUsize::new(0);
    io.engine().generate_id(move |head: Arc<RequestHead>| {
        let asked = asked(head, "id");
        let id = format!("session-{}", count.fetch_add(1, Ordering::Relaxed));
        async move {
            asked.await;
            Ok::<_, String>(id)
        }
    });
    io.on_initial_headers(move |head, _| {
        if panics(head, "initial") {
            fail(());
        }
    });
    io.on_headers(move |head, _| {
        if panics(head, "headers") {
            fail(());
        }
    });
    let listened = Arc::new(AtomicUsize::new(0));
    let heard = listened.clone();
    io.on_connection_error(move |error| {
        if error.request.contains("panic=error") {
            heard.fetch_add(1, Ordering::Relaxed);
            fail(());
        }
    });
    listened
}

async fn wherever_a_request_does(on: On) {
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    let listened = hooks_that_panic(&io);
    let server = Server::new(io.clone()).fallback(async |_| fail(Response::new(Bytes::new())));
    let world = World::serving(on, io.clone(), server).await;
    let (mut bystander, _) = world.join().await;
    for request in [
        opening_at("/page", ""),
        opening_at("/socket.io/", "&panic=admission"),
        opening_at("/socket.io/", "&panic=headers"),
    ] {
        let mut stream = connect(world.address).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = [0; 12];
        within("an answer", stream.read_exact(&mut answer))
            .await
            .unwrap();
        assert_eq!(answer, *b"HTTP/1.1 500", "{request}");
        bystander.sync().await;
    }
    for hook in ["origin", "admission", "id", "initial", "headers"] {
        for when in ["at once", "later"] {
            let query = format!("&panic={hook}&when={}", when.replace(' ', ""));
            let answer = request(world.address, "GET", &query, "").await;
            assert_eq!(answer.status, 500, "{hook} {when}: {}", answer.head);
            bystander.sync().await;
        }
    }
    // One that only listens does no harm.
    let unknown = request(world.address, "GET", "&sid=nobody&panic=error", "").await;
    assert_eq!(
        (unknown.status, unknown.body.contains("\"code\":1")),
        (400, true)
    );
    assert_eq!(listened.load(Ordering::Relaxed), 1);
    until("one session", || io.engine_sessions() == 1).await;

    // What the session said is lost with its response: it does not go on without it.
    let poller = world.poller().await;
    assert_eq!(poller.post("40").await.body, "ok");
    let query = format!("&sid={}&panic=headers", poller.sid);
    assert_eq!(request(world.address, "GET", &query, "").await.status, 500);
    assert_eq!(poller.poll().await.status, 400);
    until("one session", || io.engine_sessions() == 1).await;
    assert_eq!(request(world.address, "GET", "", "").await.status, 200);
    world.ends().await;

    let server = Server::new(Io::new(calm())).before(async |_| fail(()));
    let world = World::serving(on, Io::new(calm()), server.clone()).await;
    assert_eq!(request(world.address, "GET", "", "").await.status, 500);
    within("the end", server.close()).await;
    world.ends().await;

    let io = Io::new(calm().origins(sio_tokio::Origins::check(|_| fail(true))));
    let world = World::new(on, io).await;
    let mut stream = connect(world.address).await;
    let request =
        opening_at("/socket.io/", "").replacen("\r\n", "\r\nOrigin: http://a.example\r\n", 1);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    within("an answer", read).await.unwrap();
    assert_eq!(answer, *b"HTTP/1.1 500");
    drop(stream);
    world.ends().await;
}

async fn wherever_an_engine_socket_does(on: On) {
    let engine = EngineServer::new(calm().path("/engine.io"));
    engine.on_message(|_: EngineSocket, message: Message| {
        if matches!(message, Message::Text(_)) {
            fail(());
        }
    });
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(on, io, server.clone()).await;
    let (mut bystander, _) = world.join().await;
    let mut client = crate::client::Client::on(
        crate::wire::Wire::opened(world.address, &opening_at("/engine.io/", "")).await,
    );
    client.send("4event").await;
    client.rest().await;
    until("its end", || engine.sessions() == 0).await;
    bystander.sync().await;
    drop(bystander);
    within("the end", server.close()).await;
    world.ends().await;
}

on_each_runtime! {
    wherever_a_request_does,
    wherever_a_socket_calls_the_application,
    wherever_an_engine_socket_does,
}
