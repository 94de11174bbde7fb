//! Who is let in, and who counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::SERVER;
use http::{HeaderMap, HeaderValue};
use sio_tokio::{Bytes, Io, RequestHead};
use tokio::sync::Semaphore;

use crate::client::{calm, request};
use crate::here::{pause, spawn, until};
use crate::world::{On, World};

/// The status that a handshake by polling gets.
async fn knock(world: &World) -> u16 {
    request(world.address, "GET", "", "").await.status
}

/// Nothing would end that, and whoever joins and leaves could keep all others out.
async fn who_has_left_all_namespaces_is_not_pending_again(on: On) {
    let io = Io::new(calm().max_pending_sessions(1));
    let world = World::new(on, io.clone()).await;
    let mut client = world.open().await;
    assert_eq!(knock(&world).await, 503);
    client.enter("").await;
    client.send("41").await;
    until("it to leave", || io.of("/").is_empty()).await;

    let poller = world.poller().await;
    assert_eq!(knock(&world).await, 503);
    poller.enter().await;
    poller.post("41").await;
    until("it to leave", || io.of("/").is_empty()).await;

    let last = world.poller().await;
    assert_eq!(io.engine_sessions(), 3);
    last.post("1").await;
    // Both may come back to where they were.
    client.enter("").await;
    poller.enter().await;
    world.ends().await;
}

async fn handshakes_count_as_pending_while_they_are_decided_over(on: On) {
    let io = Io::new(calm().max_pending_sessions(1));
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, open) = (asked.clone(), gate.clone());
    io.allow_request(move |_| {
        let open = open.clone();
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            let _open = open.acquire().await;
            Ok::<(), String>(())
        }
    });
    let world = World::new(on, io.clone()).await;
    let address = world.address;
    let waits = spawn(async move { request(address, "GET", "", "").await });
    until("it is asked", || asked.load(Ordering::Relaxed) == 1).await;
    assert_eq!(knock(&world).await, 503);
    gate.add_permits(1);
    assert_eq!(waits.end().await.expect("a response").status, 200);
    // In the place of its own handshake.
    assert_eq!(knock(&world).await, 503);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    world.ends().await;
}

async fn a_full_server_asks_nobody(on: On) {
    let io = Io::new(calm().max_sessions(1));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    io.allow_request(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok::<(), String>(()))
    });
    let world = World::new(on, io.clone()).await;
    let first = world.poller().await;
    assert_eq!(knock(&world).await, 503);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    first.post("1").await;
    until("it to end", || io.engine_sessions() == 0).await;
    world.poller_instead().await;
    world.ends().await;
}

async fn an_id_opens_another_session_once_its_own_is_over(on: On) {
    let io = Io::new(calm());
    io.engine()
        .generate_id(|_: Arc<RequestHead>| std::future::ready(Ok::<_, String>("made".to_owned())));
    let world = World::new(on, io.clone()).await;
    for _ in 0..2 {
        let poller = world.poller().await;
        assert_eq!(poller.sid, "made");
        assert_eq!(knock(&world).await, 400);
        poller.post("1").await;
        until("it to end", || io.engine_sessions() == 0).await;
        assert_eq!(poller.poll().await.status, 400);
    }
    world.ends().await;
}

/// An answer with this status.
fn answer(status: u16) -> http::Response<Bytes> {
    let mut answer = http::Response::new(Bytes::from_static(b"by the middleware"));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
    answer
}

async fn middlewares_see_requests_first_and_may_answer_them(on: On) {
    let io = Io::new(calm().admission_timeout(Duration::from_secs(3)));
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    io.use_engine(async |_: Arc<RequestHead>| {
        Ok(HeaderMap::from_iter([(
            SERVER,
            HeaderValue::from_static("mine"),
        )]))
    });
    io.use_engine(async |head: Arc<RequestHead>| {
        pause(Duration::from_millis(1)).await;
        match head.query("how").as_deref() {
            Some("who") => Err(answer(401)),
            Some("slow") => std::future::pending().await,
            Some("panic") => panic!("told to"),
            _ => Ok(HeaderMap::new()),
        }
    });
    io.use_engine(move |_: Arc<RequestHead>| {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(HeaderMap::new()))
    });
    io.on_headers(|_, headers| {
        headers.insert("x-last", HeaderValue::from_static("1"));
    });
    let world = World::new(on, io.clone()).await;
    let refused = request(world.address, "GET", "&how=who", "").await;
    assert_eq!((refused.status, &*refused.body), (401, "by the middleware"));
    assert!(refused.head.contains("server: mine") && refused.head.contains("x-last: 1"));
    assert_eq!(
        request(world.address, "GET", "&how=panic", "").await.status,
        500
    );
    assert_eq!(
        request(world.address, "GET", "&how=slow", "").await.status,
        503
    );
    assert_eq!((seen.load(Ordering::Relaxed), io.engine_sessions()), (0, 0));
    // Whoever is let on is served as ever, on both transports.
    let poller = world.poller().await;
    poller.enter().await;
    let polled = seen.load(Ordering::Relaxed);
    assert!(polled >= 3, "each request of a session is seen: {polled}");
    let client = world.open().await;
    assert_eq!(seen.load(Ordering::Relaxed), polled + 1);
    poller.post("1").await;
    drop(client);
    world.ends().await;
}

on_each_runtime! {
    middlewares_see_requests_first_and_may_answer_them,
    who_has_left_all_namespaces_is_not_pending_again,
    handshakes_count_as_pending_while_they_are_decided_over,
    a_full_server_asks_nobody,
    an_id_opens_another_session_once_its_own_is_over,
}
