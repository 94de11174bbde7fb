//! What one client can make a server hold: for each way there is, ten times what the limits allow is sent,
//! and what the process holds by its allocator is measured, while the client is there and when it has gone.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[path = "../faults/alone.rs"]
mod alone;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/client.rs"]
mod client;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/here.rs"]
mod here;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/wire.rs"]
mod wire;
#[allow(dead_code, reason = "the other suite's")]
#[path = "../behaviour/world.rs"]
mod world;

mod bodies;
mod credentials;
mod deflated;
mod handlers;
mod sessions;
mod unread;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that the process holds.
fn held() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

/// What one client may make a server hold beside its limits.
const BESIDE: usize = 20_000_000;

/// What may be left when it has gone: of buffers of threads, and of tables that have grown.
const LEFT: usize = 1_000_000;
