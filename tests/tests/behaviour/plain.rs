//! Plain Engine.IO, and what it has in common with what is above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sio_tokio::{Config, EngineServer, EngineSocket, Io, Message, Server, Socket};
use tokio::sync::Semaphore;

use crate::client::{Client, calm};
use crate::here::{sleep, until, within};
use crate::world::{On, World};

/// A world with a plain Engine.IO server where the Socket.IO server of others is.
async fn serving(on: On, engine: &EngineServer) -> World {
    let io = Io::new(calm().path("/nobody"));
    let server = Server::new(io.clone()).engine(engine.clone());
    World::serving(on, io, server).await
}

async fn end(world: World, engine: &EngineServer) {
    within("the engine to close", engine.close()).await;
    assert_eq!(engine.sessions(), 0);
    world.ends().await;
}

/// These never join a namespace: the limit for those that have not joined yet is none for them.
async fn a_plain_session_is_never_pending(on: On) {
    let engine = EngineServer::new(calm().max_pending_sessions(1));
    engine.on_message(|socket: EngineSocket, message: Message| socket.send(message));
    let world = serving(on, &engine).await;
    let mut clients = Vec::new();
    for n in 1..=3 {
        clients.push(world.open().await);
        assert_eq!(engine.sessions(), n);
    }
    world.poller().await;
    for client in &mut clients {
        client.send("4hello").await;
        client.expect("4hello").await;
    }
    drop(clients);
    end(world, &engine).await;
}

/// Events that wait are heavier than what is in them: who sends nothing, often, is not read for ever
/// either.
async fn empty_events_that_wait_stop_the_reading(on: On) {
    let io = Io::new(small());
    let (gate, handled) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    io.of("/").on("slow", waits(&gate));
    let count = handled.clone();
    io.of("/").on_any(move |_: Socket| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let world = World::new(on, io).await;
    let (mut client, _) = world.join().await;
    client.send(r#"42["slow"]"#).await;
    flood(&mut client, r#"42[""]"#).await;
    gate.add_permits(1);
    pong(&mut client).await;
    let all = EVENTS + 1;
    until("all events", || handled.load(Ordering::Relaxed) == all).await;
    world.ends().await;
}

async fn empty_messages_that_wait_stop_the_reading(on: On) {
    let engine = EngineServer::new(small());
    let (gate, handled) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (wait, count) = (waits(&gate), handled.clone());
    engine.on_message(move |_: EngineSocket, _: Message| {
        let waited = wait();
        let count = count.clone();
        async move {
            waited.await;
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let world = serving(on, &engine).await;
    let mut client = world.open().await;
    flood(&mut client, "4").await;
    gate.add_permits(EVENTS);
    pong(&mut client).await;
    until("all messages", || handled.load(Ordering::Relaxed) == EVENTS).await;
    drop(client);
    end(world, &engine).await;
}

/// How often a flood says its nothing.
const EVENTS: usize = 100;

/// One handler at a time, and room for some ten events that wait.
fn small() -> Config {
    calm().max_backlog_bytes(1000).max_running_handlers(1)
}

/// A handler that waits for a permit.
fn waits(
    gate: &Arc<Semaphore>,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync + 'static {
    let gate = gate.clone();
    move || {
        let gate = gate.clone();
        Box::pin(async move { gate.acquire().await.unwrap().forget() })
    }
}

/// Says nothing many times, then asks for a sign of life: which is not read, and so not given.
async fn flood(client: &mut Client, nothing: &str) {
    client.send_at_once((0..EVENTS).map(|_| nothing)).await;
    client.wire.write(&crate::wire::masked(0x89, b"?")).await;
    let (frame, time) = (client.wire.frame(), sleep(Duration::from_millis(300)));
    let (frame, time) = (std::pin::pin!(frame), std::pin::pin!(time));
    let first = futures_util::future::select(frame, time).await;
    let futures_util::future::Either::Right(_) = first else {
        panic!("everything was read");
    };
}

async fn pong(client: &mut Client) {
    let (first, payload) = within("a pong", client.wire.frame()).await.unwrap();
    assert_eq!((first, &*payload), (0x8a, &b"?"[..]));
}

on_each_runtime! {
    a_plain_session_is_never_pending,
    empty_events_that_wait_stop_the_reading,
    empty_messages_that_wait_stop_the_reading,
}
