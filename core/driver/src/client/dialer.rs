//! What a client needs from a runtime beyond what servers do.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use crate::runtime::{Runtime, Stream};

/// A byte stream without its type.
pub type BoxStream = Box<dyn Stream>;

/// Makes connections in a way of an application's own, in place of TCP, TLS and proxies: for
/// [`Builder::connector`](super::Builder::connector).
///
/// ```
/// use std::future::Future;
/// use std::io;
/// use std::net::SocketAddr;
/// use std::pin::Pin;
///
/// use sio_driver::client::{BoxStream, Connector, Dialer};
///
/// /// Whoever is asked for is here.
/// struct Here<R>(R, SocketAddr);
///
/// impl<R: Dialer> Connector for Here<R> {
///     fn connect(
///         &self,
///         _secure: bool,
///         _host: &str,
///         _port: u16,
///     ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>> {
///         Box::pin(self.0.connect(self.1, None))
///     }
/// }
/// ```
pub trait Connector: Send + Sync + 'static {
    /// A connection to this host and port on which HTTP can be spoken, where the URL wants it to be `secure` over TLS
    /// already. It is given up with its future.
    fn connect(
        &self,
        secure: bool,
        host: &str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>>;
}

/// A runtime that can dial.
pub trait Dialer: Runtime {
    /// The addresses of a host, in the order in which the system would have them tried.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static;

    /// A connection to an address, from one of our own if it matters which.
    fn connect(
        &self,
        to: SocketAddr,
        from: Option<IpAddr>,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send + 'static;

    /// A variable of the process's environment, for those who ask for
    /// [`proxy_from_env`](super::Builder::proxy_from_env). Nothing, where there is none.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// What TLS needs to know; a type without values where there is none.
    type Tls: Clone + Send + Sync + 'static;

    /// What TLS knows if nothing is said, or that there is none.
    ///
    /// # Errors
    /// There is no TLS, or nobody to be trusted.
    fn usual_tls(&self) -> io::Result<Self::Tls>;

    /// Makes a connection to this host safe.
    fn secure(
        &self,
        tls: &Self::Tls,
        host: &str,
        stream: BoxStream,
    ) -> impl Future<Output = io::Result<BoxStream>> + Send;
}
