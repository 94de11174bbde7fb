//! Bodies that come slowly, or in crumbs, and queries that are long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Data, Io, Socket};

use crate::client::{Client, calm};
use crate::here::{connect, sleep, until, within};
use crate::world::{On, World};

/// Something comes all the time, and never the end.
async fn a_body_that_drips_is_answered_408(on: On) {
    // faults: C12
    let io = Io::new(calm().request_body_timeout(Duration::from_millis(300)));
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let mut stream = connect(world.address).await;
    let head = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         content-length: 1000\r\n\r\n",
        poller.sid
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let drip = async {
        while writing.write_all(b"4").await.is_ok() && writing.flush().await.is_ok() {
            sleep(Duration::from_millis(30)).await;
        }
    };
    let answer = async {
        let mut answer = vec![0; 12];
        within("the answer", reading.read_exact(&mut answer))
            .await
            .unwrap();
        String::from_utf8(answer).unwrap()
    };
    let drip = std::pin::pin!(drip);
    let answer = std::pin::pin!(answer);
    match futures_util::future::select(answer, drip).await {
        futures_util::future::Either::Left((answer, _)) => assert_eq!(answer, "HTTP/1.1 408"),
        futures_util::future::Either::Right(_) => panic!("closed without a word"),
    }
    until("the session to end", || io.engine_sessions() == 0).await;
    world.ends().await;
}

async fn a_body_in_crumbs_is_one_body(on: On) {
    // faults: C12
    const CRUMBS: usize = 10_000;
    let io = Io::new(calm());
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    io.of("/").on("say", move |Data(text): Data<String>| {
        count.store(text.len(), Ordering::Relaxed);
    });
    let world = World::new(on, io).await;
    let poller = world.poller().await;
    poller.enter().await;
    let body = format!(r#"42["say","{}"]"#, "x".repeat(CRUMBS));
    let crumbs: String = body.chars().map(|it| format!("1\r\n{it}\r\n")).collect();
    let request = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         connection: close\r\ntransfer-encoding: chunked\r\n\r\n{crumbs}0\r\n\r\n",
        poller.sid
    );
    let answer = crate::client::exchange(world.address, request.as_bytes()).await;
    assert_eq!((answer.status, &*answer.body), (200, "ok"));
    assert_eq!(heard.load(Ordering::Relaxed), CRUMBS);
    world.ends().await;
}

async fn a_long_query_is_kept_once(on: On) {
    // faults: H10
    const LONG: usize = 15_000;
    let io = Io::new(calm());
    io.of("/").on_connect(|socket: Socket| {
        let handshake = socket.handshake();
        let url = handshake.url.as_bytes().as_ptr_range();
        let token = handshake.query.get("token").unwrap();
        assert_eq!(token.len(), LONG);
        socket.emit("once", &url.contains(&token.as_ptr()))
    });
    let world = World::new(on, io).await;
    let query = format!("&token={}", "x".repeat(LONG));
    let mut client = Client::open(world.address, &query).await;
    client.enter("").await;
    client.expect(r#"42["once",true]"#).await;
    drop(client);
    world.ends().await;
}

on_each_runtime! {
    a_body_that_drips_is_answered_408,
    a_body_in_crumbs_is_one_body,
    a_long_query_is_kept_once,
}
