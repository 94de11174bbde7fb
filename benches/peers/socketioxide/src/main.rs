//! The `bench` contract on socketioxide.
//!
//! `PORT` says where to listen. Two variables make its best configuration out of its default one:
//! `NODELAY=1` sets TCP_NODELAY, which `axum::serve` leaves off, and `THREADS=1` runs it on tokio's
//! current-thread runtime.

use axum::Router;
use axum::serve::ListenerExt;
use rmpv::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tower_http::cors::{Any, CorsLayer};

fn variable<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}

fn main() -> std::io::Result<()> {
    let mut builder = match variable("THREADS") {
        Some(1) => Builder::new_current_thread(),
        Some(threads) => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
        None => Builder::new_multi_thread(),
    };
    builder.enable_all().build()?.block_on(serve())
}

async fn serve() -> std::io::Result<()> {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(25))
        .ping_timeout(Duration::from_secs(20))
        .max_payload(1_000_000)
        .build_layer();
    io.ns("/", connected);
    let app = Router::new().layer(layer).layer(
        CorsLayer::new()
            .allow_origin(Any)
            .allow_methods(Any)
            .allow_headers(Any),
    );

    let port: u16 = variable("PORT").unwrap_or(3000);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening");
    if variable("NODELAY") == Some(1) {
        let listener = listener.tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                eprintln!("TCP_NODELAY: {error}");
            }
        });
        axum::serve(listener, app).await
    } else {
        axum::serve(listener, app).await
    }
}

/// The contract's events. Answers that cannot be sent are the load generator's to notice.
async fn connected(socket: SocketRef) {
    socket.on("echo", async |Data::<Value>(args), ack: AckSender| {
        ack.send(&args).ok();
    });
    socket.on("message", async |socket: SocketRef, Data::<Value>(args)| {
        socket.emit("message-back", &args).ok();
    });
    socket.on(
        "join",
        async |socket: SocketRef, Data::<String>(room), ack: AckSender| {
            socket.join(room);
            // An empty array is what it sends as no arguments; `()` would be one `null`.
            ack.send(&[(); 0]).ok();
        },
    );
    socket.on(
        "blast",
        async |io: SocketIo, Data::<(String, u64, Value)>((room, count, payload))| {
            for _ in 0..count {
                io.to(room.clone()).emit("tick", &payload).await.ok();
            }
        },
    );
}
