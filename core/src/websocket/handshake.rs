//! The opening handshake of a WebSocket (RFC 6455 §4.2), checked here because nobody behind us does.

use ::http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha1::{Digest, Sha1};

use crate::config::Config;
use crate::http::{single, tokens};
use crate::websocket::deflate::DeflateAgreed;

/// A request for a WebSocket that may be granted.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Handshake {
    accept: HeaderValue,
    protocol: Option<HeaderValue>,
    deflate: Option<DeflateAgreed>,
}

/// Why a request for a WebSocket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// `Connection`, or the key, or the version of HTTP is wrong, or it has a body.
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
    pub(crate) fn check(head: &Parts, config: &Config) -> Result<Self, Rejected> {
        let headers = &head.headers;
        let connected =
            tokens(headers, CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
        if !connected || head.version < Version::HTTP_11 {
            return Err(Rejected::Malformed);
        }
        if has_body(headers) {
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
        if !is_key(key) {
            return Err(Rejected::Malformed);
        }
        let deflate = match &config.per_message_deflate {
            Some(deflate) => deflate
                .negotiate(headers)
                .map_err(|_| Rejected::Malformed)?,
            None => None,
        };
        Ok(Self {
            accept: HeaderValue::try_from(accept(key)).map_err(|_| Rejected::Malformed)?,
            protocol: protocol(headers, config)?,
            deflate,
        })
    }

    /// The answer after which the connection is a WebSocket.
    pub(crate) fn switch(self, mut headers: HeaderMap) -> Response<Bytes> {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = self.protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = headers;
        if let Some(agreed) = self.deflate
            && let Some(answer) = agreed.header()
        {
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_EXTENSIONS, answer);
            response.extensions_mut().insert(agreed);
        }
        response
    }
}

/// The response after which the connection is a WebSocket, for servers that have WebSockets beside those
/// of Engine.IO (RFC 6455 §4.2.2). `None`: the request does not ask for one, or not as it must.
pub fn switch_protocols(head: &Parts, config: &Config) -> Option<Response<Bytes>> {
    if !asks_for(head) {
        return None;
    }
    let handshake = Handshake::check(head, config).ok()?;
    Some(handshake.switch(HeaderMap::new()))
}

/// Whether this is a key as the reference has it: 22 digits of base64, and the padding. The bits that the
/// last digit has beyond 16 bytes mean nothing, and firmware does not mind them.
fn is_key(key: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix("==")
        .is_some_and(|digits| digits.len() == 22 && digits.bytes().all(digit))
}

/// Whether a body follows, which would be taken for frames.
fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(TRANSFER_ENCODING)
}

/// The subprotocol to speak: of those that the client offers the first, or the first that the configuration
/// names, too (RFC 6455 §4.2.2).
fn protocol(headers: &HeaderMap, config: &Config) -> Result<Option<HeaderValue>, Rejected> {
    let known = config.websocket_protocols.as_deref();
    let mut chosen = None;
    for offered in tokens(headers, SEC_WEBSOCKET_PROTOCOL) {
        if !offered.bytes().all(is_token) {
            return Err(Rejected::Malformed);
        }
        let fits = known.is_none_or(|known| known.iter().any(|it| it == offered));
        if fits && chosen.is_none() {
            chosen = Some(HeaderValue::from_str(offered).map_err(|_| Rejected::Malformed)?);
        }
    }
    Ok(chosen)
}

/// Whether it may stand in a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What proves that a server understood the request.
pub(super) fn accept(key: &str) -> String {
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
        let response = Handshake::check(&head, &Config::default())
            .unwrap()
            .switch(HeaderMap::new());
        assert_eq!(response.status(), 101);
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }

    #[test]
    fn a_key_is_22_digits_whatever_bits_are_over() {
        // faults: F4
        let accepted = |key: &'static str| {
            let mut all = GOOD.to_vec();
            all[3].1 = key;
            Handshake::check(&head(&all), &Config::default()).is_ok()
        };
        assert!(accepted("IAMVERYEXCITEDESP32FTW=="));
        assert!(accepted("++++++++++++++++++////=="));
        assert!(!accepted("IAMVERYEXCITEDESP32FT==="));
        assert!(!accepted("IAMVERYEXCITEDESP32FTWx="));
        assert!(!accepted("IAMVERYEXCITEDESP32FT-=="));
        assert!(!accepted("IAMVERYEXCITEDESP32F=="));
        assert!(!accepted("IAMVERYEXCITEDESP32FTWW=="));
    }

    #[test]
    fn a_subprotocol_that_is_offered_is_chosen() {
        // faults: F2
        let choose = |offered: &[&'static str], known: Option<&[&str]>| {
            let mut all = GOOD.to_vec();
            all.extend(offered.iter().map(|it| ("sec-websocket-protocol", *it)));
            let config = Config {
                websocket_protocols: known.map(|it| it.iter().map(|it| (*it).into()).collect()),
                ..Config::default()
            };
            let handshake = Handshake::check(&head(&all), &config)?;
            let response = handshake.switch(HeaderMap::new());
            let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
            Ok(chosen.map(|it| it.to_str().unwrap().to_owned()))
        };
        let some = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(choose(&[], None), Ok(None));
        assert_eq!(choose(&["x, y"], None), some("x"));
        assert_eq!(choose(&["x", "y"], None), some("x"));
        assert_eq!(choose(&["x, y"], Some(&["z", "y"])), some("y"));
        assert_eq!(choose(&["x, y"], Some(&["z"])), Ok(None));
        assert_eq!(choose(&["x, y"], Some(&[])), Ok(None));
        assert_eq!(choose(&["x, <y>"], None), Err(Rejected::Malformed));
    }

    #[test]
    fn a_request_with_a_body_opens_none() {
        for (name, value, opens) in [
            ("content-length", "0", true),
            ("content-length", "1", false),
            ("transfer-encoding", "chunked", false),
        ] {
            let mut all = GOOD.to_vec();
            all.push((name, value));
            let checked = Handshake::check(&head(&all), &Config::default());
            assert_eq!(checked.is_ok(), opens, "{name}");
        }
    }

    #[test]
    fn each_header_is_checked() {
        let with = |name: &str, value: &'static str| {
            let mut all = GOOD.to_vec();
            all.retain(|(n, _)| *n != name);
            if !value.is_empty() {
                all.push((GOOD.iter().find(|(n, _)| *n == name).unwrap().0, value));
            }
            Handshake::check(&head(&all), &Config::default()).err()
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
