//! A connection's machine without any IO: what each thing it does takes, and what an idle one keeps.

use sio_benches::cases;
use sio_benches::samples::Spread;
use sio_benches::timing::{figures, nanoseconds};
use sio_benches::turn::Client;
use sio_core::config::Config;
use sio_core::connection::Connection;
use sio_core::time::Instant;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many connections the memory is averaged over.
const IDLE: usize = 1_000;

fn main() {
    println!("### Without IO\n");
    println!("| | ns: median (min–max) | allocations |\n|---|---|---|");
    for case in cases::all() {
        let mut operation = case.ready();
        let each = case.units as f64;
        let time = nanoseconds(&mut operation);
        let region = Region::new(ALLOCATOR);
        operation();
        let used = region.change();
        let allocations = (used.allocations + used.reallocations) as f64 / each;
        let Spread {
            median,
            least,
            greatest,
        } = time;
        println!(
            "| {} | {} ({}–{}) | {} |",
            case.name,
            figures(median / each),
            figures(least / each),
            figures(greatest / each),
            (allocations * 100.0).round() / 100.0
        );
    }

    let (now, config) = (Instant::ORIGIN, Arc::new(Config::v4()));
    let region = Region::new(ALLOCATOR);
    let mut idle = Vec::with_capacity(IDLE);
    idle.extend((0..IDLE).map(|_| Client::<Connection<()>>::connected(now, &config)));
    let connected = kept(&region.change());
    for client in &mut idle {
        client.heartbeat();
    }
    let region = region.change();
    println!("\n### Memory of an idle connection, without IO\n");
    println!("| of which | bytes |\n|---|---|");
    println!(
        "| all that is kept, the machine included | {} |",
        connected / IDLE
    );
    println!("| the same after a heartbeat | {} |", kept(&region) / IDLE);
    println!("| the machine itself | {} |", size_of::<Connection<()>>());
    println!(
        "| allocations kept | {} |",
        (region.allocations - region.deallocations) / IDLE
    );
}

fn kept(stats: &Stats) -> usize {
    // What reallocations add and take away is in these two.
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}
