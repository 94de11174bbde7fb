//! Answers to polls that wait to be written.

use std::time::Duration;

use sio_tokio::{BacklogPolicy, Io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::calm;
use crate::here::{until, within};
use crate::world::{On, World};

/// A client's connection whose receive buffer is small, with a poll on it of which nothing is read but
/// that its answer has begun.
async fn unread_poll(world: &World, sid: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut stream = socket.connect(world.address).await.unwrap();
    let poll =
        format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(poll.as_bytes()).await.unwrap();
    within("an answer", stream.peek(&mut [0; 9])).await.unwrap();
    stream
}

async fn answers_that_nobody_reads_are_their_clients_backlog(on: On) {
    // faults: H2
    const MESSAGE: usize = 8 << 20;
    let io = Io::new(
        calm()
            .max_backlog_bytes(2 * MESSAGE)
            .backlog_policy(BacklogPolicy::Refuse)
            .write_timeout(Duration::from_secs(60)),
    );
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let socket = io.of("/").sockets().remove(0);
    let text = "x".repeat(MESSAGE);
    let mut unread = Vec::new();
    // The kernel takes some of each: more than half is left.
    for _ in 0..4 {
        if socket.emit("news", &text).is_err() {
            break;
        }
        unread.push(unread_poll(&world, &poller.sid).await);
    }
    assert!((1..4).contains(&unread.len()), "{}", unread.len());
    let conn = socket.conn();
    assert!(conn.backlog() > MESSAGE, "{}", conn.backlog());
    // What is read is owed no more; nor is what nobody will read.
    let mut read = unread.remove(0);
    let before = conn.backlog();
    let mut some = vec![0; 64 * 1024];
    until_read(&mut read, &mut some, MESSAGE).await;
    until("it is written", || conn.backlog() < before).await;
    drop((read, unread));
    until("nothing is owed", || conn.backlog() == 0).await;
    assert_eq!(socket.emit("news", &"again"), Ok(()));
    assert!(poller.poll().await.body.ends_with(r#"["news","again"]"#));
    world.ends().await;
}

async fn until_read(stream: &mut TcpStream, some: &mut [u8], mut left: usize) {
    while left > 0 {
        let count = within("the answer", stream.read(some)).await.unwrap();
        assert_ne!(count, 0);
        left = left.saturating_sub(count);
    }
}

/// One answer larger than what may wait, read slowly.
async fn one_large_answer_is_no_reason_to_close(on: On) {
    // faults: H2
    const MESSAGE: usize = 8 << 20;
    let io = Io::new(calm());
    let world = World::new(on, io.clone()).await;
    let poller = world.poller().await;
    poller.enter().await;
    let socket = io.of("/").sockets().remove(0);
    socket.emit("news", &"x".repeat(MESSAGE)).unwrap();
    let mut stream = unread_poll(&world, &poller.sid).await;
    until("it waits to be written", || {
        socket.conn().backlog() > MESSAGE / 2
    })
    .await;
    for _ in 0..2 {
        socket.emit("tick", &1).unwrap();
    }
    until_read(&mut stream, &mut vec![0; 64 * 1024], MESSAGE).await;
    assert!(poller.poll().await.body.ends_with(r#"["tick",1]"#));
    assert!(socket.connected());
    drop(stream);
    drop(poller);
    world.ends().await;
}

on_each_real_runtime! {
    one_large_answer_is_no_reason_to_close,
    answers_that_nobody_reads_are_their_clients_backlog,
}
