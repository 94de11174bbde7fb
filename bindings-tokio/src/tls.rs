//! The same over TLS.

use std::io;
use std::sync::Arc;

use sio_driver::binding::{Remote, Server, accept, establish, serve_stream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::listen::poll_accept;
use crate::runtime::Tokio;
use crate::stream::Compat;

/// Like [`serve`](crate::serve), over TLS. The handshake must be over within `request_head_timeout`.
///
/// # Errors
/// As [`serve`](crate::serve).
pub async fn serve_tls(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    server: impl Into<Server>,
) -> io::Result<()> {
    let (server, acceptor) = (server.into(), TlsAcceptor::from(tls));
    let each = |(stream, address)| {
        let (server, handshake) = (server.clone(), acceptor.accept(stream));
        tokio::spawn(async move {
            if let Some(stream) = establish(&Tokio, &server, address, handshake).await {
                serve_stream(Tokio, server, Compat(stream), Remote::tls(address)).await;
            }
        });
    };
    accept(&Tokio, &server, listener, poll_accept, each).await
}
