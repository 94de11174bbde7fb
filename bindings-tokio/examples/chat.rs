//! A chat for people: open its page twice. Its handlers, rules and page are the package `sio-chat`
//! (`tests/chat`); here it is served until somebody ends it.
//!
//! ```text
//! cargo run --release -p sio-tokio --example chat
//! ```
//!
//! With the variable `REDIS_URL` several such servers are one chat; the example `cluster` starts two.

use std::io;
use std::time::Duration;

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> io::Result<()> {
    let chat = sio_chat::app();
    if let Some(url) = sio_chat::redis_url() {
        let cluster = sio_redis::connect(&sio_tokio::Tokio, &url).await;
        let cluster = cluster.map_err(|why| io::Error::other(sio_chat::no_redis(&url, &why)))?;
        chat.set_adapter(cluster.adapter())
            .map_err(io::Error::other)?;
    }
    // The first start fetches the page's client, which takes its time.
    let server = tokio::task::spawn_blocking(|| sio_chat::with_page(chat)).await?;
    let listener = tokio::net::TcpListener::bind(sio_chat::address()?).await?;
    println!("{}", sio_chat::ready(listener.local_addr()?));
    tokio::select! {
        served = sio_tokio::serve(listener, server.clone()) => return served,
        signal = ended() => signal?,
    }
    // Everybody is told, so that pages come back to the next server at once. Those that do not listen
    // are not waited for.
    let _ = tokio::time::timeout(PATIENCE, server.close()).await;
    Ok(())
}

#[cfg(unix)]
async fn ended() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = tokio::signal::ctrl_c() => interrupt,
    }
}

#[cfg(not(unix))]
async fn ended() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
