//! Listening: one task for each accepted connection.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use sio_driver::binding::{Remote, Runtime, Server, accept, serve_stream};
use smol::Async;

use crate::runtime::Smol;
use crate::stream::accepting;

/// Serves a Socket.IO server (or an Engine.IO one, or a [`Server`] of several) on a listener, until it
/// is closed ([`Io::close`](crate::Io::close)). Then new sessions are refused, and when the last one
/// has gone the port is free and this returns.
///
/// The listener is one of `smol::net`, or async-io's own `Async<std::net::TcpListener>`. Connections
/// run on smol's global executor; [`Smol::serve`] runs them on another. Dropping the future stops
/// listening; connections that are open go on.
///
/// # Errors
/// None at present: failures to accept are waited out. The type leaves room for those of a listener
/// that cannot recover.
pub async fn serve(
    listener: impl Into<Arc<Async<TcpListener>>>,
    server: impl Into<Server>,
) -> io::Result<()> {
    Smol::new().serve(listener, server).await
}

/// Binds an address and serves there: `new Server(port)`. For port 0, bind a listener, ask for its
/// address, and give it to [`serve`]. [`Config::listen_backlog`](crate::Config::listen_backlog) connections
/// may wait.
///
/// # Errors
/// The address cannot be bound.
pub async fn listen(
    address: impl smol::net::AsyncToSocketAddrs,
    server: impl Into<Server>,
) -> io::Result<()> {
    let server = server.into();
    let listener = smol::net::TcpListener::bind(address).await?;
    // The standard library lets 128 wait. Said again, it is changed.
    if let Some(config) = server.config() {
        let backlog = i32::try_from(config.serving.listen_backlog).unwrap_or(i32::MAX);
        rustix::net::listen(&listener, backlog)?;
    }
    serve(listener, server).await
}

impl Smol {
    /// Like [`serve`](crate::serve()), on this runtime. The future holds what it needs, so that
    /// `Smol::on(&executor).serve(..)` can be spawned.
    ///
    /// # Errors
    /// As [`serve`](crate::serve()).
    pub fn serve<L, S>(
        &self,
        listener: L,
        server: S,
    ) -> impl Future<Output = io::Result<()>> + use<L, S>
    where
        L: Into<Arc<Async<TcpListener>>>,
        S: Into<Server>,
    {
        let (runtime, listener, server) = (self.clone(), listener.into(), server.into());
        async move {
            let each = |(stream, address)| {
                let remote = Remote::plain(address);
                let (its, server) = (runtime.clone(), server.clone());
                runtime.spawn(serve_stream(its, server, stream, remote));
            };
            accept(&runtime, &server, listener, accepting(), each).await
        }
    }
}
