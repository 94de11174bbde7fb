//! The same over TLS.

use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use sio_driver::{Remote, Runtime, Server, accept, serve_stream};
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
        let limit = server.config().map_or(Duration::from_secs(10), |config| {
            config.request_head_timeout
        });
        accept(
            self,
            &server,
            |cx| poll_accept(&listener, cx),
            |(stream, address)| {
                let (runtime, server) = (self.clone(), server.clone());
                let handshake = acceptor.accept(stream);
                self.spawn(async move {
                    match within(&runtime, limit, handshake).await {
                        Some(Ok(stream)) => {
                            serve_stream(runtime, server, stream, Remote::tls(address)).await;
                        }
                        Some(Err(_error)) => {
                            #[cfg(feature = "tracing")]
                            tracing::debug!(%address, error = %_error, "TLS handshake failed");
                        }
                        None => {
                            #[cfg(feature = "tracing")]
                            tracing::debug!(%address, "TLS handshake took too long");
                        }
                    }
                });
            },
        )
        .await;
        drop(listener);
        server.closed().await;
        Ok(())
    }
}

/// What a future comes to, if it is in time.
async fn within<T>(runtime: &Smol, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut sleep = pin!(runtime.sleep_until(runtime.now() + limit));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}
