//! The same over TLS.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use sio_driver::{Remote, Server, serve_stream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::listen::accept;
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
    let server = server.into();
    let acceptor = TlsAcceptor::from(tls);
    let limit = server.config().map_or(Duration::from_secs(10), |config| {
        config.request_head_timeout
    });
    let spawned = server.clone();
    accept(listener, &server, move |stream, address| {
        let (acceptor, server) = (acceptor.clone(), spawned.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(limit, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let stream = Compat(stream);
                    serve_stream(Tokio, server, stream, Remote::tls(address)).await;
                }
                Ok(Err(_error)) => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!(%address, error = %_error, "TLS handshake failed");
                }
                Err(_) => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!(%address, "TLS handshake took too long");
                }
            }
        });
    })
    .await;
    server.closed().await;
    Ok(())
}
