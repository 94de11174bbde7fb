//! Whether memory comes back when clients have gone, and how little a client of ours takes that has nothing to do: bytes that the process holds, by its allocator. What
//! the allocator keeps of the system's pages is not ours to say.

use std::alloc::System;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sio_tests::{
    example::Binding,
    reference::{Kind, Server},
    served::{Served, serve},
    wire::{PATIENCE, Polling, WebSocket},
};
use sio_tokio::client::{Builder, Client, Handlers, Socket};
use sio_tokio::{Config, Data, TransportKind};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What is held is of all of the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Clients of one visit.
const MANY: usize = 1_000;

fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

/// So many clients come, are in rooms, ask, and leave. Returns what is held with all of them there.
fn visit(server: &Served, count: usize) -> usize {
    let clients: Vec<WebSocket> = (0..count)
        .map(|_| {
            let mut client = server.member();
            client.send(r#"420["echo","hello"]"#);
            assert_eq!(client.text(), r#"430["hello"]"#);
            client
        })
        .collect();
    let pollers: Vec<Polling> = (0..count / 10).map(|_| server.polling_member()).collect();
    let with_all = held();
    for poller in &pollers {
        poller.post("1");
    }
    drop(clients);
    server.wait_until("the end of all", |io| io.engine_sessions() == 0);
    while !server.nobody_left() {}
    server.events();
    with_all
}

/// What is held once the tasks of those who have left are gone, too: they outlive their sessions by a turn.
fn settled(most: usize) -> usize {
    let end = Instant::now() + PATIENCE;
    while held() > most && Instant::now() < end {
        sleep(Duration::from_millis(2));
    }
    held()
}

#[test]
fn what_clients_took_comes_back_when_they_leave() {
    // faults: T5
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    serve(Config::default(), |server| {
        // What is made once, and by each thread: its buffers.
        for _ in 0..10 {
            visit(server, 20);
        }
        let start = held();
        for which in ["first", "second"] {
            let with_all = visit(server, MANY);
            assert!(
                with_all > start + MANY * 1_000,
                "{with_all} with all of them"
            );
            let most = start + start / 10;
            let after = settled(most);
            assert!(
                after <= most,
                "{start} bytes before, {with_all} with all of them, {after} after the {which} visit"
            );
        }
    });
}

/// Clients of ours that have nothing to do.
const IDLE: usize = 200;

/// What one of them may hold, on a WebSocket and in one namespace, all that the runtime holds for it included.
const MOST: usize = 3 * 1024;

/// So many of them, which have one table of handlers and one configuration. Each has said something.
async fn enter(builder: &Builder, handlers: &Handlers, count: usize, all: &mut Vec<Socket>) {
    for _ in 0..count {
        let client = builder.clone().build().expect("it is sound");
        let socket = client.socket_with("/", handlers);
        socket.connect().await.expect("it is let in");
        let told: String = socket.emit_with_ack("echo", "hello").await.expect("echo");
        assert_eq!(told, "hello");
        all.push(socket);
    }
}

/// What each of them holds, as soon as that is as little as it may be; else after a while.
async fn each_holds(before: usize) -> usize {
    let end = Instant::now() + 6 * PATIENCE;
    loop {
        let each = held().saturating_sub(before) / IDLE;
        if each <= MOST || Instant::now() > end {
            return each;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What more was needed while it spoke is given back with the next heartbeat.
#[test]
fn an_idle_client_holds_little() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kind = Kind::Ours(Binding::Tokio);
    let heartbeat = [("PING_INTERVAL", "1000"), ("PING_TIMEOUT", "45000")];
    let server = Server::start(kind, &heartbeat);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let handlers = Handlers::new();
        handlers.on("tick", |Data(n): Data<u64>| assert!(n < 7));
        let builder = Client::builder(format!("http://{}", server.address)).expect("a URL");
        let builder = builder.transports([TransportKind::WebSocket]);
        let mut all = Vec::with_capacity(IDLE);
        // What is made once is made for these, which go.
        enter(&builder, &handlers, 20, &mut all).await;
        for socket in all.drain(..) {
            socket.close_client().await;
        }
        let before = held();
        enter(&builder, &handlers, IDLE, &mut all).await;
        let each = each_holds(before).await;
        assert!(each <= MOST, "{each} bytes for each client");
    });
}
