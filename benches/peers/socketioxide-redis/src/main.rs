//! The part of the `bench` contract that a cluster is measured by, on socketioxide with its adapter for Redis.
//!
//! `PORT` says where to listen, `REDIS_URL` where Redis is. In its best configuration: TCP_NODELAY is set, and it runs on
//! tokio's current-thread runtime.

use axum::Router;
use axum::serve::ListenerExt;
use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide_redis::drivers::redis::redis_client::Client;
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("REDIS_URL")?;
    let redis = Client::open(format!("{url}?protocol=resp3"))?;
    let adapter = RedisAdapterCtr::new_with_redis(&redis).await?;
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(25))
        .ping_timeout(Duration::from_secs(20))
        .max_payload(1_000_000)
        .with_adapter::<RedisAdapter<_>>(adapter)
        .build_layer();
    io.ns("/", connected).await?;
    let app = Router::new().layer(layer);
    let port: u16 = std::env::var("PORT")?.parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening");
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    Ok(axum::serve(listener, app).await?)
}

/// The contract's events. Answers that cannot be sent are the load generator's to notice.
async fn connected<A: Adapter>(socket: SocketRef<A>) {
    socket.on(
        "join",
        async |socket: SocketRef<A>, Data::<String>(room), ack: AckSender<A>| {
            socket.join(room);
            // An empty array is what it sends as no arguments; `()` would be one `null`.
            ack.send(&[(); 0]).ok();
        },
    );
    socket.on(
        "blast",
        async |io: SocketIo<A>, Data::<(String, u64, Value)>((room, count, payload))| {
            for _ in 0..count {
                io.to(room.clone()).emit("tick", &payload).await.ok();
            }
        },
    );
}
