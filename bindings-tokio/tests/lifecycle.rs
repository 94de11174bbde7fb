//! Tasks, admission, limits of time and number, and the end.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use common::{Client, World, calm, exchange, request, until, within};
use sio_tokio::{
    Config, DisconnectReason, EngineServer, EngineSocket, Io, Message, Remote, RequestHead,
    Runtime, Server, Sleep, Socket, Tokio, serve_stream,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// tokio, with the tasks counted that the driver spawns.
#[derive(Clone, Default)]
struct Counting {
    tasks: Arc<AtomicUsize>,
}

impl Runtime for Counting {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Tokio.now()
    }

    fn wall_clock(&self) -> SystemTime {
        Tokio.wall_clock()
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Tokio.sleep_until(at)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Tokio.spawn(task);
    }

    fn random(&self, bytes: &mut [u8]) {
        Tokio.random(bytes);
    }
}

#[tokio::test]
async fn one_task_for_each_connection() {
    use futures_util::future::join_all;

    let io = Io::new(calm());
    let main = io.of("/");
    main.on("echo", |socket: Socket| socket.emit("echoed", &()));
    main.on("later", async |socket: Socket| {
        tokio::task::yield_now().await;
        socket.emit("echoed", &())
    });
    let runtime = Counting::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(io.clone());
    let counting = runtime.clone();
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, from) = listener.accept().await.unwrap();
            let stream = Adapter(stream);
            let served = serve_stream(
                counting.clone(),
                server.clone(),
                stream,
                Remote::plain(from),
            );
            // The task of the stream itself.
            tokio::spawn(served);
        }
    });
    let mut clients = join_all((0..10).map(|_| Client::open(address, ""))).await;
    for client in &mut clients {
        client.enter("").await;
        for event in ["echo", "later"] {
            client.send(&format!(r#"42["{event}"]"#)).await;
            client.expect(r#"42["echoed"]"#).await;
        }
    }
    // A stream that became a WebSocket lives on in its own task: nothing was spawned besides.
    assert_eq!(runtime.tasks.load(Ordering::Relaxed), 0);

    // A polling session has one, however many requests there are.
    let poller = common::Poller::open(address).await;
    poller.enter().await;
    poller.post(r#"42["later"]"#).await;
    poller.poll().await;
    assert_eq!(runtime.tasks.load(Ordering::Relaxed), 1);
    drop(clients);
    within("the end", io.close()).await;
    accepting.abort();
}

/// A stream of tokio in the terms of `futures-io`.
struct Adapter(TcpStream);

impl futures_io::AsyncRead for Adapter {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &mut [u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let mut buffer = tokio::io::ReadBuf::new(bytes);
        let stream = std::pin::Pin::new(&mut self.0);
        let read = tokio::io::AsyncRead::poll_read(stream, cx, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }
}

impl futures_io::AsyncWrite for Adapter {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        tokio::io::AsyncWrite::poll_write(std::pin::Pin::new(&mut self.0), cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        tokio::io::AsyncWrite::poll_flush(std::pin::Pin::new(&mut self.0), cx)
    }

    fn poll_close(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        tokio::io::AsyncWrite::poll_shutdown(std::pin::Pin::new(&mut self.0), cx)
    }
}

#[tokio::test]
async fn a_graceful_end_delivers_what_is_queued_and_names_its_reason() {
    let io = Io::new(calm());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    io.of("/")
        .on_disconnect(move |reason: DisconnectReason| tell.send(reason));
    let world = World::new(io.clone()).await;
    let (client, _) = world.join().await;
    let poller = world.poller().await;
    poller.enter().await;
    let waiting = poller.clone();
    let parked = tokio::spawn(async move { waiting.poll().await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let idle = world.poller().await;
    idle.enter().await;
    io.emit("last words", &1).unwrap();
    let closing = tokio::spawn(async move { io.close().await });
    // One that is between two polls comes back for what is left to say; nobody new may come.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(request(world.address, "GET", "", "").await.status, 503);
    assert_eq!(idle.poll().await.body, r#"42["last words",1]"#);

    let (texts, close) = client.rest().await;
    assert_eq!(texts, [r#"42["last words",1]"#]);
    assert!(close.is_none() || close.is_some_and(|frame| u16::from(frame.code) == 1000));
    assert_eq!(parked.await.unwrap().body, r#"42["last words",1]"#);
    within("the end", closing).await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            told.recv().await,
            Some(DisconnectReason::ServerShuttingDown)
        );
    }
    assert!(TcpStream::connect(world.address).await.is_err());
    world.ends().await;
}

#[tokio::test]
async fn requests_are_admitted_or_refused_by_the_application() {
    let io = Io::new(calm());
    io.allow_request(async |head: Arc<RequestHead>| {
        tokio::task::yield_now().await;
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
    let world = World::new(io).await;
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

#[tokio::test]
async fn there_are_as_many_sessions_as_allowed() {
    let io = Io::new(Config {
        max_sessions: Some(2),
        max_pending_sessions: 1,
        ..calm()
    });
    let world = World::new(io.clone()).await;
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
    until("a place", || true).await;
    world.poller().await;
    world.ends().await;
}

#[tokio::test]
async fn slow_requests_are_answered_408() {
    let io = Io::new(Config {
        request_head_timeout: Duration::from_millis(100),
        request_body_timeout: Duration::from_millis(100),
        ..calm()
    });
    let world = World::new(io.clone()).await;
    let answer = exchange(world.address, b"GET /socket.io/?EIO=4").await;
    assert_eq!(answer.status, 408);

    let poller = world.poller().await;
    let head = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         content-length: 100\r\n\r\n4",
        poller.sid
    );
    let answer = exchange(world.address, head.as_bytes()).await;
    assert_eq!(answer.status, 408);
    until("the session to end", || io.engine_sessions() == 0).await;

    // Nothing asked, nothing said.
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    let mut said = Vec::new();
    within("the end", silent.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(said.is_empty());
    world.ends().await;
}

#[tokio::test]
async fn heads_and_bodies_have_their_limits() {
    let io = Io::new(Config {
        max_http_buffer_size: 1000,
        ..calm()
    });
    let world = World::new(io.clone()).await;
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
        let mut stream = TcpStream::connect(world.address).await.unwrap();
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

#[tokio::test]
async fn a_plain_engine_beside_it() {
    let io = Io::new(calm());
    let engine = EngineServer::new(Config {
        path: "/engine.io".into(),
        ..calm()
    });
    engine.on_connect(|socket: EngineSocket| socket.send("hello"));
    engine.on_message(async |socket: EngineSocket, message: Message| {
        tokio::task::yield_now().await;
        match &message {
            Message::Text(text) if &**text == "close me" => socket.close(),
            Message::Text(_) | Message::Binary(_) => socket.send(message)?,
        }
        Ok::<(), sio_tokio::EmitError>(())
    });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    engine.on_close(move |_: EngineSocket, reason: sio_tokio::CloseReason| tell.send(reason));
    let server = Server::new(io.clone()).engine(engine.clone());
    let world = World::serving(io, server.clone()).await;
    let stream = TcpStream::connect(world.address).await.unwrap();
    let url = format!(
        "ws://{}/engine.io/?EIO=4&transport=websocket",
        world.address
    );
    let (socket, _) = async_tungstenite::tokio::client_async(url, stream)
        .await
        .unwrap();
    let mut client = Client { socket };
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

/// However a connection's task ends, nothing of it stays behind.
#[test]
fn a_runtime_that_is_dropped_leaves_nothing() {
    let io = Io::new(calm());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let asked = runtime.block_on(async {
        let world = World::new(io.clone()).await;
        let (client, id) = world.join().await;
        let poller = world.poller().await;
        poller.enter().await;
        let socket = io.of("/").get(&id).unwrap();
        socket.join("room").unwrap();
        assert_eq!((io.of("/").len(), io.engine_sessions()), (2, 2));
        drop(client);
        Some(socket.emit_with_ack::<()>("there?", &()))
    });
    drop(runtime);
    assert_eq!((io.of("/").len(), io.engine_sessions()), (0, 0));
    assert!(io.to("room").sockets().is_empty());
    let answer = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(asked.unwrap());
    assert_eq!(answer, Err(sio_tokio::AckError::Disconnected));
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
