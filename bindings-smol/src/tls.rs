//! The same over TLS.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use sio_driver::{Remote, Runtime, Server, accept, establish, serve_stream};
use smol::Async;

use crate::runtime::Smol;
use crate::stream::accepting;

/// Like [`serve`](crate::serve), over TLS. The handshake must be over within `request_head_timeout`.
///
/// # Errors
/// As [`serve`](crate::serve).
pub async fn serve_tls(
    listener: impl Into<Arc<Async<TcpListener>>>,
    tls: Arc<ServerConfig>,
    server: impl Into<Server>,
) -> io::Result<()> {
    Smol::new().serve_tls(listener, tls, server).await
}

impl Smol {
    /// Like [`serve_tls`](crate::serve_tls()), on this runtime.
    ///
    /// # Errors
    /// As [`serve`](crate::serve()).
    pub async fn serve_tls(
        &self,
        listener: impl Into<Arc<Async<TcpListener>>>,
        tls: Arc<ServerConfig>,
        server: impl Into<Server>,
    ) -> io::Result<()> {
        let (server, acceptor) = (server.into(), TlsAcceptor::from(tls));
        let each = |(stream, address)| {
            let (runtime, server) = (self.clone(), server.clone());
            let handshake = acceptor.accept(stream);
            self.spawn(async move {
                if let Some(stream) = establish(&runtime, &server, address, handshake).await {
                    serve_stream(runtime, server, stream, Remote::tls(address)).await;
                }
            });
        };
        accept(self, &server, listener.into(), accepting(), each).await
    }
}
