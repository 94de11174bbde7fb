//! Bodies of requests while they come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Args, Io};

use crate::alone::alone_on_each_runtime;
use crate::client::{Poller, calm};
use crate::held;
use crate::here::{connect, sleep, until, within};
use crate::world::{On, World};

/// Chunks of a body, and the bytes of each.
const CRUMBS: usize = 10_000;
const CRUMB: usize = 90;

/// What reading takes beside the body: buffers of the connection and of the server's threads.
const READING: usize = 300_000;

/// A POST whose body comes in crumbs.
fn request(sid: &str) -> String {
    let (before, behind) = (r#"42["say",""#, r#""]"#);
    let text = "x".repeat(CRUMBS * CRUMB - before.len() - behind.len());
    let body = [before, &text, behind].concat();
    let crumbs = body.as_bytes().chunks(CRUMB);
    let mut request = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\
         connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    for crumb in crumbs {
        request += &format!("{CRUMB:x}\r\n{}\r\n", str::from_utf8(crumb).unwrap());
    }
    request + "0\r\n\r\n"
}

async fn in_crumbs(on: On) {
    // faults: C12
    let io = Io::new(calm());
    let most = Arc::new(AtomicUsize::new(0));
    let (seen, heard) = (most.clone(), Arc::new(AtomicUsize::new(0)));
    let count = heard.clone();
    io.of("/").on("say", move |args: Args| {
        seen.fetch_max(held(), Ordering::Relaxed);
        count.fetch_add(args.elements().len(), Ordering::Relaxed);
    });
    let world = World::new(on, io).await;
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    let request = request(&poller.sid);
    // The first makes what is made once.
    for visit in 0..3 {
        let start = held();
        most.store(0, Ordering::Relaxed);
        let mut stream = connect(world.address).await;
        for part in request.as_bytes().chunks(16 * 1024) {
            stream.write_all(part).await.unwrap();
            stream.flush().await.unwrap();
            most.fetch_max(held(), Ordering::Relaxed);
        }
        let mut answer = Vec::with_capacity(1024);
        within("the answer", stream.read_to_end(&mut answer))
            .await
            .unwrap();
        assert!(answer.ends_with(b"\r\n\r\nok"));
        let most = most.load(Ordering::Relaxed).saturating_sub(start);
        let limit = 2 * CRUMBS * CRUMB + READING;
        assert!(visit == 0 || most <= limit, "{most} bytes, {limit} at most");
        until("it is gone", || visit == 0 || held() <= start + READING).await;
        if visit == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(heard.load(Ordering::Relaxed), 3 * (CRUMBS * CRUMB - 10));
    world.ends().await;
}

alone_on_each_runtime! {
    in_crumbs,
}
