//! The same over TLS.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::task::Context;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use sio_driver::{Remote, Runtime, Server, accept, establish, serve_stream};
use smol::Async;

use crate::runtime::Smol;
use crate::stream::poll_accept;

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
        let (listener, server) = (listener.into(), server.into());
        let acceptor = TlsAcceptor::from(tls);
        let next = |cx: &mut Context<'_>| poll_accept(&listener, cx);
        accept(self, &server, next, |(stream, address)| {
            let (runtime, server) = (self.clone(), server.clone());
            let handshake = acceptor.accept(stream);
            self.spawn(async move {
                if let Some(stream) = establish(&runtime, &server, address, handshake).await {
                    serve_stream(runtime, server, stream, Remote::tls(address)).await;
                }
            });
        })
        .await;
        drop(listener);
        server.closed().await;
        Ok(())
    }
}
