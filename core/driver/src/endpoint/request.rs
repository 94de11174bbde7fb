//! What hooks and handshakes are told about a request.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Uri};
use sio_core::engine::Query;

/// The head of a request, and where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The target as it was asked for.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The address of the other end, if the listener knows it.
    pub address: Option<SocketAddr>,
    /// Whether it came over TLS.
    pub secure: bool,
    /// What layers around the server have put into it: a user that they have recognised, say.
    pub extensions: http::Extensions,
}

impl RequestHead {
    pub(crate) fn new(parts: &http::request::Parts, remote: Remote) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            address: remote.address,
            secure: remote.secure,
            extensions: parts.extensions.clone(),
        }
    }

    /// The value of a key of the query, decoded; the first one, if it comes several times.
    pub fn query(&self, key: &str) -> Option<String> {
        let query = Query::parse(self.uri.query().unwrap_or_default()).ok()?;
        query.get(key).map(str::to_owned)
    }
}

/// Where a stream comes from.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Remote {
    /// The address of the other end, if it is known.
    pub address: Option<SocketAddr>,
    /// Whether the stream is encrypted.
    pub secure: bool,
}

impl Remote {
    /// A plain stream from `address`.
    pub fn plain(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            secure: false,
        }
    }

    /// An encrypted stream from `address`.
    pub fn tls(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            secure: true,
        }
    }
}
