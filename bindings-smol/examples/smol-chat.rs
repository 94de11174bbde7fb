//! A chat for people: open its page twice. Its handlers, rules and page are the package `sio-chat`
//! (`tests/chat`); here it is served until somebody ends it.
//!
//! ```text
//! cargo run --release -p sio-smol --example smol-chat
//! ```
//!
//! With the variable `REDIS_URL` several such servers are one chat; the example `smol-cluster` starts two.

use std::io;
use std::time::Duration;

use async_signal::{Signal, Signals};
use smol::stream::StreamExt;
use smol::{Timer, future};

/// How long the end may take.
const PATIENCE: Duration = Duration::from_secs(3);

fn main() -> io::Result<()> {
    let chat = sio_chat::app();
    if let Some(url) = sio_chat::redis_url() {
        let cluster = smol::block_on(sio_redis::connect(&sio_smol::Smol::new(), &url));
        let cluster = cluster.map_err(|why| io::Error::other(sio_chat::no_redis(&url, &why)))?;
        chat.set_adapter(cluster.adapter())
            .map_err(io::Error::other)?;
    }
    // The first start fetches the page's client, which takes its time.
    let server = sio_chat::with_page(chat);
    smol::block_on(async {
        let address = sio_chat::address()?;
        let listener = smol::net::TcpListener::bind(address).await?;
        let mut signals = Signals::new([Signal::Term, Signal::Int])?;
        println!("{}", sio_chat::ready(listener.local_addr()?));
        let ended = async {
            // A signal that cannot be read ends the server as one that can.
            let _ = signals.next().await;
            // Everybody is told, so that pages come back to the next server at once. Those that do
            // not listen are not waited for.
            let patience = async {
                Timer::after(PATIENCE).await;
            };
            future::or(server.close(), patience).await;
            Ok(())
        };
        future::or(sio_smol::serve(listener, server.clone()), ended).await
    })
}
