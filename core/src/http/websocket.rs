//! The opening handshake of a WebSocket (RFC 6455 §4.2), checked here because nobody behind us does.

use ::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::{single, tokens};

/// A request for a WebSocket that may be granted.
#[derive(Debug)]
pub(crate) struct Handshake {
    accept: HeaderValue,
}

/// Why a request for a WebSocket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// `Connection`, or the key, or the version of HTTP is wrong.
    Malformed,
    /// Not the version that everybody speaks.
    Version,
}

/// Whether a request asks for a WebSocket at all.
pub(crate) fn asks_for(head: &Parts) -> bool {
    head.method == Method::GET
        && tokens(&head.headers, UPGRADE).any(|token| token.eq_ignore_ascii_case("websocket"))
}

impl Handshake {
    /// Checks a request that asks for a WebSocket.
    pub(crate) fn check(head: &Parts) -> Result<Self, Rejected> {
        let headers = &head.headers;
        let connected =
            tokens(headers, CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
        if !connected || head.version < Version::HTTP_11 {
            return Err(Rejected::Malformed);
        }
        match single(headers, SEC_WEBSOCKET_VERSION) {
            Ok(Some("13")) => {}
            Ok(Some(_)) => return Err(Rejected::Version),
            Ok(None) | Err(_) => return Err(Rejected::Malformed),
        }
        let Ok(Some(key)) = single(headers, SEC_WEBSOCKET_KEY) else {
            return Err(Rejected::Malformed);
        };
        if key.len() != 24 || STANDARD.decode(key).map(|bytes| bytes.len()) != Ok(16) {
            return Err(Rejected::Malformed);
        }
        let accept = accept(key);
        HeaderValue::try_from(accept)
            .map(|accept| Self { accept })
            .map_err(|_| Rejected::Malformed)
    }

    /// The answer after which the connection is a WebSocket.
    pub(crate) fn switch(self, mut headers: HeaderMap) -> Response<Bytes> {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        response
    }
}

/// The response after which the connection is a WebSocket, for servers that have WebSockets beside those
/// of Engine.IO (RFC 6455 §4.2.2). `None`: the request does not ask for one, or not as it must.
pub fn switch_protocols(head: &Parts) -> Option<Response<Bytes>> {
    if !asks_for(head) {
        return None;
    }
    let handshake = Handshake::check(head).ok()?;
    Some(handshake.switch(HeaderMap::new()))
}

/// What proves that a server understood the request.
fn accept(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&'static str, &'static str)]) -> Parts {
        let mut request = ::http::Request::new(());
        for (name, value) in headers {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        request.into_parts().0
    }

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    #[test]
    fn the_example_of_the_rfc() {
        let head = head(&GOOD);
        assert!(asks_for(&head));
        let response = Handshake::check(&head).unwrap().switch(HeaderMap::new());
        assert_eq!(response.status(), 101);
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn each_header_is_checked() {
        let with = |name: &str, value: &'static str| {
            let mut all = GOOD.to_vec();
            all.retain(|(n, _)| *n != name);
            if !value.is_empty() {
                all.push((GOOD.iter().find(|(n, _)| *n == name).unwrap().0, value));
            }
            Handshake::check(&head(&all)).err()
        };
        assert_eq!(with("connection", ""), Some(Rejected::Malformed));
        assert_eq!(with("connection", "close"), Some(Rejected::Malformed));
        assert_eq!(with("sec-websocket-version", "8"), Some(Rejected::Version));
        assert_eq!(with("sec-websocket-version", ""), Some(Rejected::Malformed));
        assert_eq!(with("sec-websocket-key", ""), Some(Rejected::Malformed));
        assert_eq!(with("sec-websocket-key", "abc"), Some(Rejected::Malformed));
        assert_eq!(
            with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZSE="),
            Some(Rejected::Malformed)
        );
        assert_eq!(
            with("sec-websocket-key", "dGhlIHNhbXBsZSBub25j!Q=="),
            Some(Rejected::Malformed)
        );
    }
}
