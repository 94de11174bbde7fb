//! Connections as such: how many wait at the door, and how long one stays open.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tests::port::free_address;
use sio_tokio::{Config, Io, Server};

use crate::client::{calm, exchange};
use crate::here::{connect, sleep, within};
use crate::world::{On, World};

const SHORT: Duration = Duration::from_millis(300);

/// Connections that are there at once though nobody accepts them. One more knocks in vain for a second.
fn waiting(address: SocketAddr) -> usize {
    const PATIENCE: Duration = Duration::from_millis(900);
    let knock = |_| TcpStream::connect_timeout(&address, PATIENCE).ok();
    (0..400).map_while(knock).collect::<Vec<_>>().len()
}

/// On these two, since both have a way of their own to listen.
fn at_the_door(listen: impl FnOnce(SocketAddr, Io) + Send + 'static) {
    let address = free_address();
    let (io, config) = (Io::new(calm()), Config::default());
    assert_eq!(config.serving.listen_backlog, 1024);
    std::thread::spawn(move || listen(address, io));
    // The first that is let in says that the others can knock.
    while TcpStream::connect(address).is_err() {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(waiting(address), 400);
}

#[test]
fn tokio_lets_a_crowd_wait_at_the_door() {
    // faults: F8
    at_the_door(|address, io| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(sio_tokio::listen(address, io));
            tokio::time::sleep(Duration::from_millis(50)).await;
            // The thread that would accept does something else.
            std::thread::sleep(Duration::from_secs(60));
        });
    });
}

#[test]
fn smol_lets_a_crowd_wait_at_the_door() {
    // faults: F8
    at_the_door(|address, io| {
        let executor = smol::Executor::new();
        smol::block_on(executor.run(async {
            let _listening = executor.spawn(sio_smol::listen(address, io));
            smol::Timer::after(Duration::from_millis(50)).await;
            let (_tell, told) = channel::<()>();
            let _ = told.recv_timeout(Duration::from_secs(60));
        }));
    });
}

/// Idle connections are kept as long as balancers keep theirs; the head of another request has its time.
async fn a_connection_may_rest_between_two_requests(on: On) {
    // faults: F8
    let config = calm().request_head_timeout(SHORT);
    let world = World::new(on, Io::new(config)).await;
    let hello = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut stream = connect(world.address).await;
    for _ in 0..2 {
        stream.write_all(hello).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            let mut piece = [0; 1024];
            let count = within("an answer", stream.read(&mut piece)).await.unwrap();
            assert_ne!(count, 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&piece[..count]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("keep-alive: timeout=75\r\n"), "{answer}");
        sleep(SHORT * 3).await;
    }
    drop(stream);
    world.ends().await;
}

async fn a_body_for_a_fallback_has_its_time_too(on: On) {
    // faults: H7
    let config = calm().request_body_timeout(SHORT);
    let io = Io::new(config);
    let server = Server::new(io.clone())
        .fallback(async |_: http::Request<bytes::Bytes>| http::Response::new("here".into()));
    let world = World::serving(on, io, server).await;
    let head =
        "POST /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n";
    let answer = exchange(world.address, format!("{head}1").as_bytes()).await;
    assert_eq!(answer.status, 408);
    let answer = exchange(world.address, format!("{head}1234567890").as_bytes()).await;
    assert_eq!((answer.status, &*answer.body), (200, "here"));
    world.ends().await;
}

async fn a_body_for_a_fallback_has_its_limit(on: On) {
    const MOST: usize = 1 << 20;
    let io = Io::new(calm());
    let server = Server::new(io.clone()).fallback(async |request: http::Request<bytes::Bytes>| {
        http::Response::new(request.body().len().to_string().into())
    });
    let world = World::serving(on, io, server).await;
    let most = MOST.to_string();
    for (length, said) in [(MOST, (200, &*most)), (MOST + 1, (413, ""))] {
        let body = "x".repeat(length);
        let request = format!(
            "POST /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let answer = exchange(world.address, request.as_bytes()).await;
        assert_eq!((answer.status, &*answer.body), said);
    }
    world.ends().await;
}

on_each_runtime! {
    a_connection_may_rest_between_two_requests,
    a_body_for_a_fallback_has_its_time_too,
    a_body_for_a_fallback_has_its_limit,
}
