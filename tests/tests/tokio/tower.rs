//! Inside axum.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use sio_tokio::{Args, Io, Remote, Socket};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service;

use crate::client::{Client, Poller, calm, exchange};
use crate::here::{until, within};
use crate::wire::opening;

#[tokio::test]
async fn beside_the_routes_of_axum() {
    let io = Io::new(calm());
    io.of("/").on("echo", |socket: Socket, args: Args| {
        socket.emit("echo", &args)
    });
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .layer(sio_tokio::layer(io.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, app).await });

    let hello = b"GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(address, hello).await.body, "hello");
    let nothing = b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(exchange(address, nothing).await.status, 404);

    let mut client = Client::open(address, "").await;
    client.enter("").await;
    client.send(r#"42["echo",1]"#).await;
    client.expect(r#"42["echo",1]"#).await;

    // A session moves to a WebSocket here too.
    let poller = Poller::open(address).await;
    poller.enter().await;
    poller.post(r#"42["echo",2]"#).await;
    assert_eq!(poller.poll().await.body, r#"42["echo",2]"#);
    let mut moved = Client::raw(address, &format!("&sid={}", poller.sid)).await;
    moved.send("2probe").await;
    moved.expect("3probe").await;
    moved.send("5").await;
    moved.send(r#"42["echo",3]"#).await;
    moved.expect(r#"42["echo",3]"#).await;
    assert_eq!(io.of("/").len(), 2);

    drop((client, moved));
    within("the end", io.close()).await;
    task.abort();
}

/// What is none of ours may become a WebSocket of the application's own.
#[tokio::test]
async fn a_route_of_axum_can_take_its_stream_over() {
    // faults: A11
    for is_asked_before in [false, true] {
        let io = Io::new(calm());
        if is_asked_before {
            io.use_engine(async |_| {
                Ok::<_, http::Response<sio_tokio::Bytes>>(http::HeaderMap::new())
            });
        }
        let route = get(|mut request: axum::extract::Request| async move {
            let upgrade = request.extensions_mut().remove::<OnUpgrade>();
            let Some(upgrade) = upgrade else {
                return StatusCode::BAD_REQUEST.into_response();
            };
            tokio::spawn(async move {
                let stream = upgrade.await.unwrap();
                let (mut reader, mut writer) = tokio::io::split(TokioIo::new(stream));
                tokio::io::copy(&mut reader, &mut writer).await
            });
            let head = [("connection", "upgrade"), ("upgrade", "echo")];
            (StatusCode::SWITCHING_PROTOCOLS, head).into_response()
        });
        let app = Router::new().route("/own", route);
        let app = app.layer(sio_tokio::layer(io.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let asked = b"GET /own HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        stream.write_all(asked).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within("the head", stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        assert!(
            head.starts_with("HTTP/1.1 101 "),
            "{is_asked_before}: {head}"
        );
        stream.write_all(b"again").await.unwrap();
        let mut echoed = [0; 5];
        within("the echo", stream.read_exact(&mut echoed))
            .await
            .unwrap();
        assert_eq!(&echoed, b"again");
        drop(stream);
        within("the end", io.close()).await;
        task.abort();
    }
}

/// hyper drops the future of a request whose client is gone, whatever has come of it.
#[tokio::test]
async fn a_whole_request_outlives_its_client() {
    // faults: F1
    const EVENTS: usize = 200;
    let io = Io::new(calm());
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    io.of("/").on("say", move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let app = Router::new().layer(sio_tokio::layer(io.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, app).await });
    let poller = Poller::open(address).await;
    poller.enter().await;
    let post = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         content-length: 9\r\n\r\n42[\"say\"]",
        poller.sid
    );
    for round in 1..=EVENTS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(post.as_bytes()).await.unwrap();
        drop(stream);
        until("an event", || heard.load(Ordering::Relaxed) == round).await;
    }
    // Of one of which a part is missing nothing is heard, and the session ends (§9.4).
    let mut stream = TcpStream::connect(address).await.unwrap();
    let half = &post.as_bytes()[..post.len() - 1];
    stream.write_all(half).await.unwrap();
    drop(stream);
    until("the session to end", || io.engine_sessions() == 0).await;
    assert_eq!(heard.load(Ordering::Relaxed), EVENTS);
    within("the end", io.close()).await;
    task.abort();
}

#[tokio::test]
async fn a_layer_is_told_where_clients_are() {
    // faults: A1
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        let address = socket.handshake().address.map(|it| it.to_string());
        socket.emit("address", &address)
    });
    let sio = sio_tokio::layer(io.clone()).remote(|extensions| {
        let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(Remote::plain(*address))
    });
    let app = Router::new()
        .layer(sio)
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut client = Client::open(address, "").await;
    client.enter("").await;
    let told = client.text().await;
    assert!(told.starts_with(r#"42["address","127.0.0.1:"#), "{told}");
    drop(client);
    within("the end", io.close()).await;
    task.abort();
}

/// A service as hyper wants it.
type Call = http::Request<hyper::body::Incoming>;

/// Nobody takes the answer to an upgrade: 64 bytes of it fit into the pipe.
#[tokio::test]
async fn an_upgrade_that_is_not_taken_is_given_up() {
    // faults: H5
    for beside in [false, true] {
        let config = calm()
            .write_timeout(Duration::from_millis(300))
            .upgrade_timeout(Duration::from_millis(300));
        let io = Io::new(config);
        let service = sio_tokio::service(io.clone());
        let serve = |stream: DuplexStream| {
            let service = service.clone();
            let service = hyper::service::service_fn(move |request: Call| {
                let mut service = service.clone();
                async move { Ok::<_, Infallible>(service.call(request).await.unwrap()) }
            });
            tokio::spawn(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades(),
            )
        };
        let mut query = String::new();
        if beside {
            let (mut client, stream) = tokio::io::duplex(4096);
            serve(stream);
            let hello = "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
            client.write_all(hello.as_bytes()).await.unwrap();
            let mut answer = vec![0; 2048];
            let count = within("an answer", client.read(&mut answer)).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
            let (_, sid) = answer.split_once(r#""sid":""#).unwrap();
            query = format!("&sid={}", sid.split_once('"').unwrap().0);
        }
        let (mut client, stream) = tokio::io::duplex(64);
        serve(stream);
        let opening = opening(&query);
        within("room", client.write_all(opening.as_bytes()))
            .await
            .unwrap();
        until("a session", || io.engine_sessions() == 1).await;
        if beside {
            // The one that polls goes on without, and ends with the server.
            within("the end", io.close()).await;
        } else {
            until("it is given up", || io.engine_sessions() == 0).await;
            within("the end", io.close()).await;
        }
        drop(client);
    }
}
