//! Clients that ask and never read the answer, and questions that they are not ready for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::io::{AsyncReadExt, AsyncWriteExt};
use sio_tokio::{Ack, AckError, Bytes, Config, Io, Server, Socket, http};

use crate::client::calm;
use crate::here::{Stream, connect, in_time, sleep, spawn, until, within};
use crate::world::{On, World};

/// A server with a page on it that is larger than the buffers of any loopback, and a client that has
/// asked for it.
async fn asked(on: On, config: Config) -> (World, Server, Box<dyn Stream>) {
    let io = Io::new(config);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = Server::new(io.clone()).fallback(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        let page = Bytes::from(vec![0; 32 << 20]);
        std::future::ready(http::Response::new(page))
    });
    let world = World::serving(on, io, server.clone()).await;
    let mut stream = connect(world.address).await;
    let request = b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    until("the page to be asked for", || {
        asked.load(Ordering::Relaxed) == 1
    })
    .await;
    (world, server, stream)
}

async fn a_response_that_nobody_reads_is_given_up(on: On) {
    let config = calm().write_timeout(Duration::from_millis(100));
    let (world, server, unread) = asked(on, config).await;
    within("the connection to be given up", server.closed()).await;
    drop(unread);
    world.ends().await;
}

async fn a_response_that_nobody_reads_holds_up_no_end(on: On) {
    // `write_timeout` is longer than the test's patience.
    let (world, _, unread) = asked(on, calm()).await;
    world.ends().await;
    drop(unread);
}

async fn a_volatile_question_too_many_is_not_sent_and_harms_nobody(on: On) {
    let io = Io::new(calm());
    let not_sent = Arc::new(AtomicUsize::new(0));
    let count = not_sent.clone();
    io.of("/").on("burst", move |socket: Socket, ack: Ack| {
        // More than `max_backlog_bytes` in one turn, before the connection's task can take any of it.
        let big = "x".repeat(300_000);
        let asked: Vec<_> = (0..8)
            .map(|_| socket.volatile().emit_with_ack::<()>("big", &big))
            .collect();
        let count = count.clone();
        async move {
            for answer in asked {
                if let Err(AckError::NotSent) = answer.await {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            ack.send(&"done")
        }
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"421["burst"]"#).await;
    loop {
        let text = client.text().await;
        if text == r#"431["done"]"# {
            break;
        }
        // An event with an ack id, to be answered: `42<id>["big",…]`.
        let (id, _) = text.trim_start_matches("42").split_once('[').unwrap();
        client.send(&format!("43{id}[null]")).await;
    }
    assert!(not_sent.load(Ordering::Relaxed) > 0);
    world.ends().await;
}

on_each_runtime! {
    a_response_that_nobody_reads_is_given_up,
    a_response_that_nobody_reads_holds_up_no_end,
    a_volatile_question_too_many_is_not_sent_and_harms_nobody,
}

/// By one that takes 2 kB each 10 s.
#[test]
fn a_response_of_which_little_is_read_is_given_up() {
    // faults: H2
    crate::world::simulate(async || {
        let config = calm().write_timeout(Duration::from_secs(30));
        let (world, server, mut slow) = asked(&crate::world::Simulated, config).await;
        let reading = spawn(async move {
            let mut some = vec![0; 2048];
            while slow.read(&mut some).await.is_ok_and(|count| count > 0) {
                sleep(Duration::from_secs(10)).await;
            }
        });
        in_time(
            "it to be given up",
            Duration::from_secs(65),
            server.closed(),
        )
        .await;
        reading.abort();
        let _ = within("an end", reading.end()).await;
        world.ends().await;
    });
}
