//! The `bench` server on tokio. What it does is said in `tests/servers/bench.rs`.

use sio_tokio as sio;
use tokio::runtime::Builder;

#[path = "../bench.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    let mut builder = match body::threads() {
        Some(1) => Builder::new_current_thread(),
        Some(threads) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
        None => Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(async {
        let server = body::server(|redis, options| redis.join(&sio::Tokio, options));
        support::run(server, body::address(), |_| "listening".to_owned()).await
    })
}
