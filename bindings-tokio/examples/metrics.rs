//! A server whose figures Prometheus reads at `/metrics`.

use std::future::ready;
use std::io;

use metrics_exporter_prometheus::PrometheusBuilder;
use sio_tokio::http::header::{CONTENT_TYPE, HeaderValue};
use sio_tokio::http::{Request, Response, StatusCode};
use sio_tokio::{Ack, Args, Bytes, Config, Io, Server};

#[tokio::main]
async fn main() -> io::Result<()> {
    // Before the first client comes.
    let recorder = PrometheusBuilder::new()
        .install_recorder()
        .map_err(io::Error::other)?;
    let io = Io::new(Config::v4());
    io.on("echo", |args: Args, ack: Ack| ack.send(&args));
    let figures = io.clone();
    let server = Server::new(io).fallback(move |request: Request<Bytes>| {
        ready(match request.uri().path() {
            "/metrics" => {
                // What there is now; all else has been counted as it happened.
                figures.record_metrics();
                recorder.run_upkeep();
                page(recorder.render())
            }
            _ => nothing(),
        })
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    sio_tokio::serve(listener, server).await
}

fn page(text: String) -> Response<Bytes> {
    let mut response = Response::new(text.into());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn nothing() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
