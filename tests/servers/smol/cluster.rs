//! The `cluster` server on smol. What it does is said in `tests/servers/cluster.rs`.

use sio_smol as sio;

#[path = "../cluster.rs"]
mod body;
mod support;

fn main() -> std::io::Result<()> {
    let (server, io) = body::server(|redis, options| redis.join(&sio::Smol::new(), options));
    smol::block_on(body::settled(&io));
    support::run(1, server, body::address(), |_| "ready".to_owned())
}
