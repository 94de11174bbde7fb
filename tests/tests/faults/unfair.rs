//! Clients that want all of a server, and one that has gone while it was made to wait.

use std::io::Write as _;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::AsyncWriteExt;
use sio_tests::wire::{TEXT, WebSocket, frame};
use sio_tokio::{Ack, Io};

use crate::client::{Poller, calm};
use crate::here::{connect, sleep, until};
use crate::world::{On, World};

/// Bytes that may be read from two clients that flood before another is answered: what lies in the
/// kernel's buffers, and what is taken in until the runtime looks what has arrived.
const MEANWHILE: usize = 128_000_000;

async fn an_echo_is_answered_between_the_messages_of_floods(on: On) {
    // faults: H4
    let io = Io::new(calm());
    io.of("/").on("sync", |ack: Ack| ack.send(&()));
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.sync().await;
    let text = format!(r#"42["nobody","{}"]"#, "x".repeat(900_000));
    let written = Arc::<AtomicUsize>::default();
    let floods: Vec<_> = (0..2)
        .map(|_| {
            let mut flood = WebSocket::join(world.address);
            let stream = flood.wire().stream().try_clone().unwrap();
            let (mut writes, count) = (stream.try_clone().unwrap(), written.clone());
            let frame = frame(TEXT, text.as_bytes());
            let thread = std::thread::spawn(move || {
                while writes.write_all(&frame).is_ok() {
                    count.fetch_add(frame.len(), Ordering::Relaxed);
                }
            });
            (flood, stream, thread)
        })
        .collect();
    until("both flood", || {
        written.load(Ordering::Relaxed) > 20_000_000
    })
    .await;
    let mut meanwhile = Vec::new();
    for _ in 0..9 {
        let before = written.load(Ordering::Relaxed);
        client.sync().await;
        meanwhile.push(written.load(Ordering::Relaxed) - before);
    }
    for (_, stream, _) in &floods {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for (_, _, thread) in floods {
        thread.join().unwrap();
    }
    meanwhile.sort_unstable();
    assert!(meanwhile[4] < MEANWHILE, "{meanwhile:?}");
    drop(client);
    world.ends().await;
}

/// How a poller ends the stream of its POST, which is not taken yet.
#[derive(Clone, Copy)]
enum End {
    Gone,
    /// It still reads.
    Half,
    /// The same, with a request behind the one that waits.
    HalfBehindMore,
}

async fn a_poller_that_vanishes_while_it_is_made_to_wait_is_missed(on: On) {
    // faults: H3
    while_it_is_made_to_wait(on, End::Gone).await;
}

async fn a_poller_that_half_closes_while_it_is_made_to_wait_is_missed(on: On) {
    for end in [End::Half, End::HalfBehindMore] {
        while_it_is_made_to_wait(on, end).await;
    }
}

/// It has filled what may wait for handlers, and goes before its POST is taken.
async fn while_it_is_made_to_wait(on: On, end: End) {
    let io = Io::new(
        calm()
            .max_running_handlers(1)
            .max_backlog_bytes(1_000)
            .ping_interval(Duration::from_millis(200))
            .ping_timeout(Duration::from_millis(400))
            .departed_timeout(Duration::from_millis(100)),
    );
    io.of("/").on("wait", std::future::pending::<()>);
    let world = World::new(on, io.clone()).await;
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    let body = format!(
        "42[\"wait\"]\u{1e}42[\"x\",\"{}\"]\u{1e}42[\"y\"]",
        "x".repeat(2_000)
    );
    let request = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={} HTTP/1.1\r\nhost: x\r\n\
         content-length: {}\r\n\r\n{body}",
        poller.sid,
        body.len()
    );
    let mut stream = connect(world.address).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    if let End::HalfBehindMore = end {
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    stream.flush().await.unwrap();
    if let End::Half | End::HalfBehindMore = end {
        // It is made to wait by then.
        sleep(Duration::from_millis(50)).await;
        stream.close().await.unwrap();
    } else {
        stream = connect(world.address).await;
    }
    until("it is missed", || io.engine_sessions() == 0).await;
    until("its room is empty", || io.of("/").is_empty()).await;
    // So is its handler.
    sleep(Duration::from_millis(300)).await;
    drop(stream);
    world.ends().await;
}

on_each_runtime! {
    a_poller_that_vanishes_while_it_is_made_to_wait_is_missed,
    a_poller_that_half_closes_while_it_is_made_to_wait_is_missed,
}

mod real {
    use super::an_echo_is_answered_between_the_messages_of_floods;

    on_each_real_runtime! {
        an_echo_is_answered_between_the_messages_of_floods,
    }
}
