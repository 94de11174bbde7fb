//! Socket.IO beside the ordinary routes of an axum application.
//!
//! ```text
//! cargo run -p sio-tokio --features tower --example axum
//! curl http://127.0.0.1:3000/visitors
//! ```

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::routing::get;
use sio_tokio::{Config, Data, EmitError, Io, Origins, Remote, Socket};

#[tokio::main]
async fn main() -> io::Result<()> {
    let io = Io::new(
        Config::v4()
            // Pages of other sites have no business here.
            .origins(Origins::same_origin()),
    );
    io.on_error(|error| eprintln!("{error}"));
    let news = io.of("/news");
    news.on_connect(|socket: Socket| {
        println!("{:?} has come", socket.handshake().address);
        socket.emit("welcome", socket.id())
    });
    news.on("say", |socket: Socket, Data(text): Data<String>| {
        socket.broadcast().emit("said", &text)
    });

    let app = Router::new()
        .route("/visitors", get(visitors))
        .route("/announce/{text}", get(announce))
        .with_state(io.clone())
        .layer(sio_tokio::layer(io).remote(|extensions| {
            // Where axum keeps the address of a client.
            let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(Remote::plain(*address))
        }))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/visitors", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn visitors(State(io): State<Io>) -> String {
    format!("{} in /news\n", io.of("/news").len())
}

/// Handlers of ordinary routes emit like everybody else.
async fn announce(
    State(io): State<Io>,
    axum::extract::Path(text): axum::extract::Path<String>,
) -> Result<String, String> {
    let sent: Result<(), EmitError> = io.of("/news").emit("announced", &text);
    sent.map_err(|error| error.to_string())?;
    Ok("announced\n".to_owned())
}
