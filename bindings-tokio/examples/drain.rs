//! A server that is replaced without a jolt. Told to end (SIGTERM), it lets nobody in any more, says so to the
//! balancer that asks for `/healthz`, and sends its clients away, spread over a time; then it ends, however many are
//! left when the time is over.

use std::future::ready;
use std::io;
use std::time::Duration;

use sio_tokio::http::{Request, Response, StatusCode};
use sio_tokio::{Bytes, Config, Io, Server, Socket, Waves};

/// Over which time its clients are sent away: 4 % of them a second.
const SPREAD: Duration = Duration::from_secs(25);

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> io::Result<()> {
    let io = Io::new(Config::v4());
    io.on_connect(|socket: Socket| socket.emit("welcome", &()));
    let health = io.clone();
    let server = Server::new(io.clone()).fallback(move |request: Request<Bytes>| {
        ready(match request.uri().path() {
            "/healthz" => health.health(),
            _ => nothing(),
        })
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let serving = tokio::spawn(sio_tokio::serve(listener, server));
    ended().await?;
    if tokio::time::timeout(PATIENCE, empty(&io)).await.is_err() {
        io.disconnect_all();
        io.close().await;
    }
    serving.await?
}

/// Sends everybody away, and waits until they are gone.
async fn empty(io: &Io) {
    io.drain();
    let mut waves = Waves::over(SPREAD);
    while let Some(wait) = io.send_wave(&mut waves) {
        tokio::time::sleep(wait).await;
    }
    io.close().await;
}

fn nothing() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(unix)]
async fn ended() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
async fn ended() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
