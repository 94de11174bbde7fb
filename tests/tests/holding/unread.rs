//! Answers and frames that nobody reads.

use std::time::Duration;

use sio_tokio::{BacklogPolicy, Config, Data, Io, Socket};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::alone::alone_on_each_runtime;
use crate::client::{Poller, calm};
use crate::handlers::{bounded, config, event};
use crate::here::{sleep, until, within};
use crate::world::{On, World};
use crate::{BESIDE, LEFT, held};

/// Polls of one session, each on a connection of its own.
const POLLS: usize = 300;

/// A poll on a connection whose receive buffer is small, of which nothing will be read.
async fn unread_poll(world: &World, sid: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut stream = socket.connect(world.address).await.unwrap();
    let poll =
        format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(poll.as_bytes()).await.unwrap();
    stream
}

/// Each poll is answered with so many bytes, as long as that may be.
async fn polls(on: On, config: Config, size: usize) {
    let limit = config.max_backlog_bytes + BESIDE;
    let io = Io::new(config);
    let world = World::new(on, io.clone()).await;
    // What is made once.
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let text = "x".repeat(size);
    let start = held();
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    let socket = io.of("/").sockets().remove(0);
    let mut unread = Vec::new();
    let mut most = 0;
    for _ in 0..POLLS {
        let told = socket.emit("news", &text).is_ok();
        let poll = unread_poll(&world, &poller.sid).await;
        if told {
            within("an answer", poll.peek(&mut [0; 9])).await.unwrap();
        }
        unread.push(poll);
        most = most.max(held().saturating_sub(start));
    }
    // What was asked is looked at.
    sleep(Duration::from_millis(300)).await;
    most = most.max(held().saturating_sub(start));
    assert!(most <= limit, "{most} bytes, {limit} at most");
    drop((unread, socket));
    // What is left of it, if it is there yet.
    let _ = poller.post("1").await;
    until("its end", || io.engine_sessions() == 0).await;
    until("it is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

/// The system takes each answer from the server.
async fn polls_that_are_answered(on: On) {
    // faults: H2
    polls(on, calm(), 900_000).await;
}

/// The system takes the first part of each.
async fn polls_that_are_answered_in_part(on: On) {
    // faults: H2
    const MESSAGE: usize = 8 << 20;
    let config = calm()
        .max_backlog_bytes(2 * MESSAGE)
        .backlog_policy(BacklogPolicy::Refuse);
    polls(on, config, MESSAGE).await;
}

async fn frames_that_a_client_asks_for(on: On) {
    // faults: H2
    let io = Io::new(config());
    io.of("/")
        .on("echo", |socket: Socket, Data(text): Data<String>| {
            socket.emit("echo", &text)
        });
    let text = format!("{:?}", "x".repeat(95_000));
    bounded(on, io, event("echo", &text), 600).await;
}

async fn frames_that_an_application_sends(on: On) {
    // faults: H2
    let io = Io::new(calm().backlog_policy(BacklogPolicy::Refuse));
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let text = "x".repeat(95_000);
    let start = held();
    let (client, _) = world.join().await;
    let socket = io.of("/").sockets().remove(0);
    let mut refused = 0;
    while refused < 100 {
        if socket.emit("news", &text).is_err() {
            refused += 1;
            sleep(Duration::from_millis(2)).await;
        }
    }
    let grown = held().saturating_sub(start);
    let limit = Config::default().max_backlog_bytes + BESIDE;
    assert!(grown <= limit, "{grown} bytes, {limit} at most");
    drop((client, socket));
    until("its end", || io.engine_sessions() == 0).await;
    until("it is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

alone_on_each_runtime! {
    polls_that_are_answered,
    polls_that_are_answered_in_part,
    frames_that_a_client_asks_for,
    frames_that_an_application_sends,
}
