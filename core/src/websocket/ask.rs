//! A client's side of the opening handshake of a WebSocket (RFC 6455 §4.1).

use std::fmt;

use ::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use ::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::deflate::DeflateAgreed;
use super::handshake::accept;
use crate::config::PerMessageDeflate;
use crate::http::{single, tokens};

/// A request for a WebSocket that has been made: what its answer has to be.
///
/// ```
/// use http::Request;
/// use sio_core::websocket::Asked;
///
/// let mut request = Request::get("http://localhost:3000/").body(()).unwrap();
/// let asked = Asked::by(&mut request, [7; 16]);
/// assert_eq!(request.headers()["sec-websocket-key"], "BwcHBwcHBwcHBwcHBwcHBw==");
/// # let mut response = http::Response::new(());
/// # assert!(asked.check(&response).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    accept: String,
    protocols: Vec<String>,
    deflate: Option<PerMessageDeflate>,
}

/// Why an answer to a request for a WebSocket opens none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unopened {
    /// Its status is not 101.
    Status(StatusCode),
    /// It does not say that the connection is a WebSocket from now on.
    Upgrade,
    /// It is no answer to this request.
    Accept,
    /// It has an extension that was not asked for, or one that is not as it was asked for.
    Extension,
    /// It has a subprotocol that was not asked for.
    Protocol,
}

impl Asked {
    /// Adds the headers that ask for one. The nonce is 16 random bytes, new ones for each request.
    pub fn by<B>(request: &mut Request<B>, nonce: [u8; 16]) -> Self {
        let key = STANDARD.encode(nonce);
        let headers = request.headers_mut();
        let protocols = tokens(headers, SEC_WEBSOCKET_PROTOCOL).map(str::to_owned);
        let asked = Self {
            accept: accept(&key),
            protocols: protocols.collect(),
            deflate: None,
        };
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        // Digits of base64 can stand in a header.
        if let Ok(key) = HeaderValue::try_from(key) {
            headers.insert(SEC_WEBSOCKET_KEY, key);
        }
        asked
    }

    /// Asks for compression as well, by a header of the same request.
    #[must_use]
    pub fn offering<B>(mut self, request: &mut Request<B>, deflate: PerMessageDeflate) -> Self {
        if let Some(offer) = deflate.offer() {
            let headers = request.headers_mut();
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, offer);
            self.deflate = Some(deflate);
        }
        self
    }

    /// Whether this answer opens it, and the compression that was agreed on by it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check<B>(&self, response: &Response<B>) -> Result<Option<DeflateAgreed>, Unopened> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Unopened::Status(response.status()));
        }
        let headers = response.headers();
        let says =
            |name, what: &str| tokens(headers, name).any(|token| token.eq_ignore_ascii_case(what));
        if !says(UPGRADE, "websocket") || !says(CONNECTION, "upgrade") {
            return Err(Unopened::Upgrade);
        }
        match single(headers, SEC_WEBSOCKET_ACCEPT) {
            Ok(Some(accept)) if accept == self.accept => {}
            Ok(_) | Err(_) => return Err(Unopened::Accept),
        }
        let agreed = match &self.deflate {
            Some(deflate) => deflate.accept(headers).map_err(|_| Unopened::Extension)?,
            None if tokens(headers, SEC_WEBSOCKET_EXTENSIONS).next().is_some() => {
                return Err(Unopened::Extension);
            }
            None => None,
        };
        self.check_protocol(headers)?;
        Ok(agreed)
    }

    fn check_protocol(&self, headers: &HeaderMap) -> Result<(), Unopened> {
        match single(headers, SEC_WEBSOCKET_PROTOCOL) {
            Ok(None) => Ok(()),
            Ok(Some(chosen)) if self.protocols.iter().any(|it| it == chosen) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(Unopened::Protocol),
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "answered by {status}"),
            Self::Upgrade => f.write_str("the answer speaks of no WebSocket"),
            Self::Accept => f.write_str("the answer is to another request"),
            Self::Extension => f.write_str("an extension that was not asked for, or not so"),
            Self::Protocol => f.write_str("a subprotocol that was not asked for"),
        }
    }
}

impl std::error::Error for Unopened {}

#[cfg(test)]
mod tests {
    use super::super::handshake::switch_protocols;
    use super::*;
    use crate::config::Config;

    fn asked(protocols: Option<&'static str>) -> (Request<()>, Asked) {
        let mut request = Request::new(());
        if let Some(protocols) = protocols {
            let protocols = HeaderValue::from_static(protocols);
            let headers = request.headers_mut();
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols);
        }
        let asked = Asked::by(&mut request, *b"the sample nonce");
        (request, asked)
    }

    #[test]
    fn what_our_server_answers_opens_one() {
        for protocols in [None, Some("a, b")] {
            let (request, asked) = asked(protocols);
            let head = request.into_parts().0;
            // The example of the RFC.
            assert_eq!(head.headers[SEC_WEBSOCKET_KEY], "dGhlIHNhbXBsZSBub25jZQ==");
            let response = switch_protocols(&head, &Config::default()).unwrap();
            assert_eq!(asked.check(&response), Ok(None));
        }
    }

    #[test]
    fn who_asks_for_none_or_not_as_it_must_has_none() {
        let (request, _) = asked(None);
        let good = request.into_parts().0;
        assert!(switch_protocols(&good, &Config::default()).is_some());
        for (name, value) in [
            ("upgrade", "h2c"),
            ("connection", "close"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-key", "short"),
            ("content-length", "1"),
        ] {
            let mut head = good.clone();
            head.headers.insert(name, HeaderValue::from_static(value));
            let answer = switch_protocols(&head, &Config::default());
            assert!(answer.is_none(), "{name}");
        }
        let mut post = good;
        post.method = http::Method::POST;
        assert!(switch_protocols(&post, &Config::default()).is_none());
    }

    #[test]
    fn what_our_server_answers_to_an_offer_is_agreed_on() {
        let wanted = PerMessageDeflate {
            client_max_window_bits: 10,
            ..PerMessageDeflate::default()
        };
        let mut request = Request::new(());
        let asked = Asked::by(&mut request, [7; 16]).offering(&mut request, wanted);
        let head = request.into_parts().0;
        let plain = switch_protocols(&head, &Config::default()).unwrap();
        assert_eq!(asked.check(&plain), Ok(None));
        let config = Config::default().per_message_deflate(PerMessageDeflate::default());
        let response = switch_protocols(&head, &config).unwrap();
        let agreed = asked.check(&response).unwrap().unwrap();
        assert_eq!(response.extensions().get(), Some(&agreed));
        assert_eq!(agreed.client_max_window_bits, 10);
        assert!(agreed.server_no_context_takeover);
    }

    #[test]
    fn each_part_of_the_answer_is_checked() {
        let (request, asked) = asked(Some("a"));
        let head = request.into_parts().0;
        let good = switch_protocols(&head, &Config::default()).unwrap();
        let with = |name: &'static str, value: Option<&'static str>| {
            let mut response = good.clone();
            match value {
                Some(value) => {
                    let value = HeaderValue::from_static(value);
                    response.headers_mut().insert(name, value);
                }
                None => {
                    response.headers_mut().remove(name);
                }
            }
            asked.check(&response)
        };
        assert_eq!(with("upgrade", Some("WEBSOCKET")), Ok(None));
        assert_eq!(with("upgrade", Some("h2c")), Err(Unopened::Upgrade));
        assert_eq!(with("upgrade", None), Err(Unopened::Upgrade));
        assert_eq!(with("connection", Some("close")), Err(Unopened::Upgrade));
        assert_eq!(with("sec-websocket-accept", None), Err(Unopened::Accept));
        assert_eq!(
            with("sec-websocket-accept", Some("S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")),
            Err(Unopened::Accept)
        );
        assert_eq!(
            with("sec-websocket-extensions", Some("permessage-deflate")),
            Err(Unopened::Extension)
        );
        assert_eq!(with("sec-websocket-protocol", None), Ok(None));
        assert_eq!(
            with("sec-websocket-protocol", Some("b")),
            Err(Unopened::Protocol)
        );
        let mut refused = good.clone();
        *refused.status_mut() = StatusCode::FORBIDDEN;
        assert_eq!(
            asked.check(&refused),
            Err(Unopened::Status(StatusCode::FORBIDDEN))
        );
    }

    #[test]
    fn why_there_is_no_websocket_is_told_in_words() {
        for (why, words) in [
            (
                Unopened::Status(StatusCode::NOT_FOUND),
                "answered by 404 Not Found",
            ),
            (Unopened::Upgrade, "the answer speaks of no WebSocket"),
            (Unopened::Accept, "the answer is to another request"),
            (
                Unopened::Extension,
                "an extension that was not asked for, or not so",
            ),
            (Unopened::Protocol, "a subprotocol that was not asked for"),
        ] {
            assert_eq!(why.to_string(), words);
        }
    }
}
