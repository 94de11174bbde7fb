//! The same over TLS.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use sio_driver::binding::{Remote, Runtime, Server, accept, establish, serve_stream};
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
    /// Like [`serve_tls`](crate::serve_tls()), on this runtime. The future holds what it needs, so that
    /// `Smol::on(&executor).serve_tls(..)` can be spawned.
    ///
    /// # Errors
    /// As [`serve`](crate::serve()).
    pub fn serve_tls<L, S>(
        &self,
        listener: L,
        tls: Arc<ServerConfig>,
        server: S,
    ) -> impl Future<Output = io::Result<()>> + use<L, S>
    where
        L: Into<Arc<Async<TcpListener>>>,
        S: Into<Server>,
    {
        let (runtime, listener, server) = (self.clone(), listener.into(), server.into());
        let acceptor = TlsAcceptor::from(tls);
        async move {
            let each = |(stream, address)| {
                let (its, server) = (runtime.clone(), server.clone());
                let handshake = acceptor.accept(stream);
                runtime.spawn(async move {
                    if let Some(stream) = establish(&its, &server, address, handshake).await {
                        serve_stream(its, server, stream, Remote::tls(address)).await;
                    }
                });
            };
            accept(&runtime, &server, listener, accepting(), each).await
        }
    }
}
