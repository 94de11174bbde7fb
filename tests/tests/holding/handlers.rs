//! Handlers that wait, and what they hold.

use std::sync::Arc;
use std::time::Duration;

use sio_tokio::{
    Args, Config, Data, EngineServer, EngineSocket, Incoming, Io, Message, Refusal, Server, Socket,
    Value,
};
use tokio::sync::Semaphore;

use crate::alone::alone_on_each_runtime;
use crate::client::{Client, Poller, calm};
use crate::here::{sleep, until, within};
use crate::wire::{Wire, masked, opening_at};
use crate::world::{On, World};
use crate::{BESIDE, LEFT, held};

/// The heartbeat finds out who has gone while nothing is read from it.
pub(super) fn config() -> Config {
    calm()
        .ping_interval(Duration::from_millis(400))
        .ping_timeout(Duration::from_secs(2))
        .departed_timeout(Duration::from_millis(300))
}

/// The same for who is heard of all the time, and answers no heartbeat: it is there however long it takes.
fn patient() -> Config {
    calm().departed_timeout(config().serving.departed_timeout)
}

/// What the limits of one connection allow.
fn limits() -> usize {
    let config = config();
    config.serving.max_running_bytes + config.max_backlog_bytes
}

/// Sends this as often as is wanted, or until the server takes no more for a while.
async fn flood(client: &mut Client, bytes: &[u8], times: usize) {
    for _ in 0..times {
        let write = std::pin::pin!(client.wire.write(bytes));
        let stalled = std::pin::pin!(sleep(Duration::from_millis(500)));
        let first = futures_util::future::select(write, stalled).await;
        if let futures_util::future::Either::Right(_) = first {
            return;
        }
    }
    // What has been written is read.
    sleep(Duration::from_millis(300)).await;
}

/// How a client in `/` fares that sends these bytes again and again to handlers that never end.
pub(super) async fn bounded(on: On, io: Io, bytes: Vec<u8>, times: usize) {
    let world = World::new(on, io.clone()).await;
    // What is made once.
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    for visit in 0..3 {
        let (mut client, _) = world.join().await;
        flood(&mut client, &bytes, times).await;
        let grown = held().saturating_sub(start);
        let most = limits() + BESIDE;
        assert!(
            grown <= most,
            "{grown} bytes in visit {visit}, {most} at most"
        );
        drop(client);
        until("its end", || io.engine_sessions() == 0).await;
        until("what its handlers held is gone", || held() <= start + LEFT).await;
    }
    world.ends().await;
}

pub(super) fn event(name: &str, argument: &str) -> Vec<u8> {
    masked(0x81, format!(r#"42["{name}",{argument}]"#).as_bytes())
}

/// A list of numbers of so many bytes.
fn list(bytes: usize) -> String {
    format!("[{}1]", "1,".repeat(bytes / 2))
}

async fn forever() {
    std::future::pending::<()>().await;
}

async fn texts(on: On) {
    // faults: H1
    let io = Io::new(config());
    io.of("/")
        .on("text", |Data(text): Data<String>| async move {
            forever().await;
            drop(text);
        });
    let text = format!("{:?}", "x".repeat(95_000));
    bounded(on, io, event("text", &text), 600).await;
}

async fn lists_as_values(on: On) {
    // faults: H1
    let io = Io::new(config());
    io.of("/").on("list", |Data(list): Data<Value>| async move {
        forever().await;
        drop(list);
    });
    bounded(on, io, event("list", &list(95_000)), 150).await;
}

/// A byte each, in reads full of what nobody handles.
async fn a_byte_of_each_read(on: On) {
    // faults: H1
    let io = Io::new(config());
    io.of("/").on("byte", |args: Args| async move {
        forever().await;
        drop(args);
    });
    let mut bytes = event("byte", "1");
    bytes.extend(event("nobody", &format!("{:?}", "x".repeat(63_000))));
    bounded(on, io, bytes, 1_000).await;
}

/// The same, behind an argument of another type.
async fn what_is_left_of_each_read(on: On) {
    // faults: H1
    let io = Io::new(config());
    io.of("/").on(
        "byte",
        |Data(first): Data<u8>, Data(rest): Data<Args>| async move {
            forever().await;
            drop((first, rest));
        },
    );
    let mut bytes = event("byte", "1,2");
    bytes.extend(event("nobody", &format!("{:?}", "x".repeat(63_000))));
    bounded(on, io, bytes, 1_000).await;
}

/// The same, before a packet middleware.
async fn middlewares_over_a_byte_of_each_read(on: On) {
    // faults: H1
    let io = Io::new(patient());
    for n in 0..60 {
        io.of(&format!("/{n}")).on_connect(|socket: Socket| {
            socket.use_async(async |packet: Incoming| -> Result<Incoming, Refusal> {
                forever().await;
                Ok(packet)
            });
        });
    }
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    for n in 0..60 {
        let filler = format!(r#"42["nobody","{}"]"#, "x".repeat(900_000));
        let body = format!("40/{n},\u{1e}42/{n},[\"byte\",1]\u{1e}{filler}");
        assert_eq!(poller.post(&body).await.status, 200);
    }
    let grown = held().saturating_sub(start);
    assert!(grown <= limits() + BESIDE, "{grown}");
    poller.post("1").await;
    until("its end", || io.engine_sessions() == 0).await;
    until("what it held is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

/// What handlers have been answered, and wait with.
async fn answers(on: On) {
    // faults: H1
    // It writes for a while, and answers no ping meanwhile.
    let io = Io::new(calm().departed_timeout(Duration::from_millis(300)));
    io.of("/").on("ask", |socket: Socket| async move {
        let said: Result<String, _> = socket.emit_with_ack("q", &1).await;
        if said.is_ok() {
            forever().await;
        }
        drop(said);
    });
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let (mut client, _) = world.join().await;
    let mut ids = Vec::new();
    for _ in 0..100 {
        client.send(r#"42["ask"]"#).await;
        let question = client.text().await;
        let id = question
            .strip_prefix("42")
            .and_then(|it| it.split('[').next());
        ids.push(id.unwrap().to_owned());
    }
    let text = "x".repeat(900_000);
    for id in ids {
        let answer = masked(0x81, format!(r#"43{id}["{text}"]"#).as_bytes());
        client.wire.write(&answer).await;
    }
    drop(text);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(io.engine_sessions(), 1);
    let grown = held().saturating_sub(start);
    assert!(grown <= limits() + BESIDE, "{grown}");
    drop(client);
    until("its end", || io.engine_sessions() == 0).await;
    until("what its handlers held is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

async fn packet_middlewares(on: On) {
    // faults: H1
    let io = Io::new(config());
    io.of("/").on_connect(|socket: Socket| {
        socket.use_async(async |packet: Incoming| -> Result<Incoming, Refusal> {
            forever().await;
            Ok(packet)
        });
    });
    let text = format!("{:?}", "x".repeat(95_000));
    bounded(on, io, event("text", &text), 600).await;
}

/// Handlers of one byte each, in bodies that are full of what nobody handles.
async fn bodies(on: On, io: Io) {
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let filler = format!(r#"42["nobody","{}"]"#, "x".repeat(900_000));
    let body = format!("42[\"byte\",1]\u{1e}{filler}");
    let poller = Poller::open(world.address).await;
    poller.enter().await;
    for _ in 0..80 {
        assert_eq!(poller.post(&body).await.status, 200);
    }
    let grown = held().saturating_sub(start);
    assert!(grown <= limits() + BESIDE, "{grown}");
    drop((body, filler));
    poller.post("1").await;
    until("its end", || io.engine_sessions() == 0).await;
    until("what its handlers held is gone", || held() <= start + LEFT).await;
    world.ends().await;
}

async fn bodies_of_requests(on: On) {
    // faults: H1
    let io = Io::new(patient());
    io.of("/").on("byte", |args: Args| async move {
        forever().await;
        drop(args);
    });
    bodies(on, io).await;
}

async fn what_is_left_of_bodies(on: On) {
    // faults: H1
    let io = Io::new(patient());
    io.of("/").on("byte", |Data(rest): Data<Args>| async move {
        forever().await;
        drop(rest);
    });
    bodies(on, io).await;
}

async fn plain_messages(on: On) {
    // faults: H1
    let engine = EngineServer::new(config().path("/engine.io"));
    engine.on_message(|_: EngineSocket, message: Message| {
        let byte = matches!(&message, Message::Text(text) if text.len() == 1);
        async move {
            if byte {
                forever().await;
            }
            drop(message);
        }
    });
    let outer = Io::new(calm());
    let server = Server::new(outer.clone()).engine(engine.clone());
    let world = World::serving(on, outer, server).await;
    let mut bytes = masked(0x81, b"41");
    bytes.extend(masked(0x81, format!("4{}", "x".repeat(63_000)).as_bytes()));
    let mut start = 0;
    // The first makes what is made once.
    for visit in 0..3 {
        let mut client =
            Client::on(Wire::opened(world.address, opening_at("/engine.io", "")).await);
        client.text().await;
        flood(&mut client, &bytes, 1_000).await;
        let grown = held().saturating_sub(start);
        assert!(visit == 0 || grown <= limits() + BESIDE, "{grown}");
        drop(client);
        until("its end", || engine.sessions() == 0).await;
        if visit == 0 {
            sleep(Duration::from_millis(600)).await;
            start = held();
        }
        until("what its handlers held is gone", || held() <= start + LEFT).await;
    }
    engine.close().await;
    world.ends().await;
}

/// Clients that come and go leave no more behind together than they may.
async fn many_visits(on: On) {
    // faults: H1
    let patient = calm()
        .departed_timeout(Duration::from_secs(3600))
        .max_departed_bytes(2_000_000);
    let io = Io::new(patient);
    let gate = Arc::new(Semaphore::new(0));
    let waits = gate.clone();
    io.of("/").on("text", move |Data(text): Data<String>| {
        let waits = waits.clone();
        async move {
            let _ = waits.acquire().await;
            drop(text);
        }
    });
    let world = World::new(on, io.clone()).await;
    drop(world.join().await);
    until("its end", || io.engine_sessions() == 0).await;
    let start = held();
    let text = format!("{:?}", "x".repeat(95_000));
    let bytes = event("text", &text);
    for _ in 0..10 {
        let (mut client, _) = world.join().await;
        for _ in 0..10 {
            client.wire.write(&bytes).await;
        }
        client.wire.write(&masked(0x89, b"?")).await;
        let (first, _) = within("a pong", client.wire.frame()).await.unwrap();
        assert_eq!(first, 0x8a);
        drop(client);
        until("its end", || io.engine_sessions() == 0).await;
    }
    until("no more is left than may be", || {
        held() <= start + 2_000_000 + LEFT
    })
    .await;
    gate.close();
    until("all have ended", || held() <= start + LEFT).await;
    world.ends().await;
}

alone_on_each_runtime! {
    texts,
    lists_as_values,
    a_byte_of_each_read,
    what_is_left_of_each_read,
    what_is_left_of_bodies,
    answers,
    middlewares_over_a_byte_of_each_read,
    packet_middlewares,
    bodies_of_requests,
    plain_messages,
    many_visits,
}
