//! Two servers that are one chat, over Redis: open the pages of both, enter the same room, and talk.
//!
//! ```text
//! cargo run --release -p sio-tokio --example cluster
//! ```
//!
//! `REDIS_URL` says where Redis is (`redis://127.0.0.1/`), `HOST` and `PORT` where the first server listens (127.0.0.1,
//! 3000); the second has the port after it. Beside this file is the same for `docker compose`, with nginx or HAProxy
//! before the servers.

use std::io;

use sio_tokio::Tokio;
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};

#[tokio::main]
async fn main() -> io::Result<()> {
    let url = sio_chat::redis_url().unwrap_or_else(|| "redis://127.0.0.1/".to_owned());
    let (host, first) = sio_chat::address()?;
    let mut serving = JoinSet::new();
    for port in [first, first.wrapping_add(1)] {
        let chat = sio_chat::app();
        // All that makes it one with the others.
        match sio_redis::connect(&Tokio, &url).await {
            Ok(cluster) => chat
                .set_adapter(cluster.adapter())
                .map_err(io::Error::other)?,
            Err(why) => {
                eprintln!("{}", sio_chat::no_redis(&url, &why));
                std::process::exit(1);
            }
        }
        // The first start fetches the page's client, which takes its time.
        let server = spawn_blocking(|| sio_chat::with_page(chat)).await?;
        let listener = TcpListener::bind((host.as_str(), port)).await?;
        println!("{}", sio_chat::ready(listener.local_addr()?));
        serving.spawn(sio_tokio::serve(listener, server));
    }
    while let Some(ended) = serving.join_next().await {
        ended??;
    }
    Ok(())
}
