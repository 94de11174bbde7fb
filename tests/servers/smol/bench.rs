//! The `bench` server on smol. What it does is said in `tests/servers/bench.rs`.

use std::num::NonZero;

use sio_smol as sio;

#[path = "../bench.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    let processors = || std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = body::threads().unwrap_or_else(processors);
    let server = |runtime: &sio::Smol| body::server(|redis, options| redis.join(runtime, options));
    support::run_on(threads, server, body::address(), |_| "listening".to_owned())
}
