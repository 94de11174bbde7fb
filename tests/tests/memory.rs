//! Whether memory comes back when clients have gone: bytes that the process holds, by its allocator. What
//! the allocator keeps of the system's pages is not ours to say.

use std::alloc::System;
use std::thread::sleep;
use std::time::{Duration, Instant};

use sio_tests::{
    served::{Served, serve},
    wire::{PATIENCE, Polling, WebSocket},
};
use sio_tokio::Config;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

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
