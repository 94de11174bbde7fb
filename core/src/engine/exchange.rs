//! One request and its one response.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
    SEC_WEBSOCKET_VERSION, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::payload::{self, Body};
use super::reply::{Content, Reply};
use super::{ErrorContext, Mismatch, Post, PostFailure, jsonp};
use crate::config::Config;
use crate::digest;
use crate::http::{self as web, Coding, ErrorCode, Query, set_cookie};
use crate::id::Sid;
use crate::packet::Codec;
use crate::protocol::{Eio, TransportKind};
use crate::websocket;

/// A request that was let in, and must be answered exactly once: by [`respond`](Self::respond),
/// [`switch`](Self::switch) or [`refuse`](Self::refuse).
///
/// It keeps what the answer needs of the request (CORS headers, the coding that the client takes, the
/// index of its JSONP callback), so that the session need not know.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) kind: RequestKind,
    pub(super) revision: Eio,
    pub(super) handshake: bool,
    pub(super) query: Query,
    /// The headers that any answer carries.
    pub(super) headers: HeaderMap,
    pub(super) coding: Option<Coding>,
    /// The callback's index, if JSONP is asked for.
    pub(super) jsonp: Option<Box<str>>,
    pub(super) websocket: Option<websocket::Handshake>,
}

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// A GET that waits for packets, or opens a session.
    Poll,
    /// A POST that brings packets.
    Post {
        /// Whether it says that its body is binary.
        binary: bool,
    },
    /// A request to become a WebSocket.
    WebSocket,
}

/// A response, as data.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status, headers, body. The hook for all headers applies.
    pub http: http::Response<Bytes>,
    /// How the body is still to be compressed. `Content-Encoding` is set, `Content-Length` is not.
    pub compress: Option<Coding>,
    /// Whether it answers a handshake: the hook for initial headers applies.
    pub initial: bool,
}

impl Hash for Exchange {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            config: _,
            kind,
            revision,
            handshake,
            query,
            headers,
            coding,
            jsonp,
            websocket,
        } = self;
        (kind, revision, handshake, query).hash(state);
        digest::headers(headers, state);
        (coding, jsonp, websocket).hash(state);
    }
}

impl Hash for Response {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            http,
            compress,
            initial,
        } = self;
        (http.status(), http.body()).hash(state);
        digest::headers(http.headers(), state);
        (compress, initial).hash(state);
    }
}

/// Why a request is refused after it was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// No such session: error 1.
    UnknownSid,
    /// A WebSocket is asked for where none can be, or none where one has to be: error 3.
    BadRequest,
    /// No id was made for the session, or one that is in use: error 3. Why, for the application.
    IdGeneration(String),
    /// The application says no: error 4, with its own words if any.
    Forbidden(Option<String>),
    /// `max_sessions` or `max_pending_sessions` are there already: 503.
    TooManySessions,
    /// A body over `max_http_buffer_size`, and no session to tell: 413.
    TooLarge,
    /// A body that did not come in time, and no session to tell: 408.
    Timeout,
    /// The server is closing: 503.
    ShuttingDown,
    /// Something of the application's has failed: 500.
    Failed,
}

impl HandshakeError {
    /// Nobody decided over it within `admission_timeout`.
    pub fn undecided() -> Self {
        Self::Forbidden(Some("timed out".to_owned()))
    }
}

impl Exchange {
    /// The same for a clone of whoever is to answer it.
    pub(crate) fn for_clone(&self) -> Self {
        let Self {
            config,
            kind,
            revision,
            handshake,
            query,
            headers,
            coding,
            jsonp,
            websocket,
        } = self;
        Self {
            config: config.clone(),
            kind: *kind,
            revision: *revision,
            handshake: *handshake,
            query: query.clone(),
            headers: headers.clone(),
            coding: *coding,
            jsonp: jsonp.clone(),
            websocket: websocket.clone(),
        }
    }

    /// What the request is.
    pub const fn kind(&self) -> RequestKind {
        self.kind
    }

    /// The revision that it speaks.
    pub const fn revision(&self) -> Eio {
        self.revision
    }

    /// Whether its client takes no binary frames: `b64` or JSONP.
    pub fn base64(&self) -> bool {
        self.jsonp.is_some() || self.query.get("b64").is_some_and(|value| !value.is_empty())
    }

    /// All parameters of its URL, the application's own among them.
    pub const fn query(&self) -> &Query {
        &self.query
    }

    /// How packets are written and read on the connection that a handshake opens.
    pub fn codec(&self) -> &Codec {
        let asked = self.query.get(Config::PARSER_KEY);
        let parser = self.config.parser_of(asked);
        parser.unwrap_or(&self.config.parser)
    }

    /// Whether it opens a session.
    pub const fn is_handshake(&self) -> bool {
        self.handshake
    }

    /// Whether the body of a POST has a use; else it need not be read, whatever is said about it.
    pub fn reads_body(&self) -> bool {
        match (self.kind, self.revision) {
            (RequestKind::Post { binary: true }, Eio::V4) => false,
            (RequestKind::Post { .. }, Eio::V3 | Eio::V4) => true,
            (RequestKind::Poll | RequestKind::WebSocket, _) => false,
        }
    }

    /// What to tell the session about a POST whose body has come, without [`Post::Begun`] before.
    pub fn post(&self, body: Bytes) -> Post {
        Post::Whole(self.body(body))
    }

    /// What to tell the session about a POST whose body has come, after [`Post::Begun`].
    pub fn post_end(&self, body: Bytes) -> Post {
        Post::End(self.body(body))
    }

    fn body(&self, body: Bytes) -> Result<Body, PostFailure> {
        if body.len() > self.config.max_http_buffer_size {
            return Err(PostFailure::TooLarge);
        }
        let text = match (self.kind, self.revision) {
            (RequestKind::Post { binary: true }, Eio::V3) => return Ok(Body::Binary(body)),
            (RequestKind::Post { binary: true }, Eio::V4) => return Err(PostFailure::Binary),
            _ if self.jsonp.is_some() => match jsonp::unwrap(&body)? {
                Some(payload) => payload,
                // Nothing to read, and no harm in it (§6).
                None => return Ok(Body::NOTHING),
            },
            _ => ByteString::try_from(body).map_err(|_| PostFailure::NotUtf8)?,
        };
        Ok(Body::text(self.revision, text))
    }

    /// The response that says what the session said. Where that is a [`Violation`](super::Violation), it is among
    /// the response's extensions, and so is an [`ErrorContext`].
    pub fn respond(self, reply: Reply) -> Response {
        let context = reply.mismatch.map(|mismatch| self.context(mismatch));
        let mut headers = self.headers;
        let mut script = |index: &str, payload: &Bytes| {
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            (Some(jsonp::CONTENT_TYPE), jsonp::wrap(index, payload))
        };
        let (content_type, body) = match (reply.content, &self.jsonp) {
            (Content::Empty, _) => (None, reply.body),
            (Content::Payload, None) => (Some("text/plain; charset=UTF-8"), reply.body),
            (Content::Binary, None) => (Some("application/octet-stream"), reply.body),
            (Content::Payload, Some(index)) => script(index, &reply.body),
            (Content::Binary, Some(index)) => script(index, &payload::as_text(&reply.body)),
            (Content::Html, _) => (Some("text/html"), reply.body),
            (Content::Json, _) => (Some("application/json"), reply.body),
        };
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let (Some(cookie), Some(sid)) = (&self.config.cookie, &reply.cookie)
            && let Some(value) = set_cookie(cookie, sid)
        {
            headers.insert(SET_COOKIE, value);
        }
        let compress = self.coding.filter(|_| {
            let threshold = self.config.http_compression.map(|it| it.threshold);
            reply.compress && threshold.is_some_and(|threshold| body.len() >= threshold)
        });
        match compress {
            Some(coding) => headers.insert(CONTENT_ENCODING, coding.header()),
            None => headers.insert(CONTENT_LENGTH, web::content_length(body.len())),
        };
        if reply.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut http = http::Response::new(body);
        *http.status_mut() = reply.status;
        *http.headers_mut() = headers;
        if let Some(violation) = reply.violation {
            http.extensions_mut().insert(violation);
        }
        if let Some(context) = context {
            http.extensions_mut().insert(context);
        }
        Response {
            http,
            compress,
            initial: self.handshake,
        }
    }

    /// The response after which the connection is a WebSocket. For a request of another
    /// [`RequestKind`](Self::kind) it is a refusal.
    pub fn switch(self) -> http::Response<Bytes> {
        match self.websocket {
            Some(handshake) => handshake.switch(self.headers),
            None => self.refuse(&HandshakeError::BadRequest),
        }
    }

    /// The response that says no.
    pub fn refuse(self, why: &HandshakeError) -> http::Response<Bytes> {
        let upgrade = self.kind == RequestKind::WebSocket;
        let context = match why {
            HandshakeError::UnknownSid => self.context(Mismatch::Gone),
            HandshakeError::BadRequest => ErrorContext::TransportHandshake,
            HandshakeError::IdGeneration(why) => ErrorContext::IdGeneration((&**why).into()),
            HandshakeError::Forbidden(words) => {
                ErrorContext::Forbidden(words.as_deref().map(Into::into))
            }
            HandshakeError::TooManySessions => {
                ErrorContext::Limit(&["max_sessions", "max_pending_sessions"])
            }
            HandshakeError::TooLarge => ErrorContext::Limit(&["max_http_buffer_size"]),
            HandshakeError::Timeout => ErrorContext::Limit(&["request_body_timeout"]),
            HandshakeError::ShuttingDown => ErrorContext::ShuttingDown,
            HandshakeError::Failed => ErrorContext::Failed,
        };
        let mut response = refuse(self.headers, upgrade, why);
        response.extensions_mut().insert(context);
        response
    }

    /// What is wrong with it for a session with which it does not fit.
    fn context(&self, mismatch: Mismatch) -> ErrorContext {
        match mismatch {
            Mismatch::Gone => {
                ErrorContext::Sid(Sid::presented(self.query.get("sid").unwrap_or_default()))
            }
            Mismatch::Transport(previous) => ErrorContext::TransportMismatch {
                transport: match self.kind {
                    RequestKind::Poll | RequestKind::Post { .. } => TransportKind::Polling,
                    RequestKind::WebSocket => TransportKind::WebSocket,
                },
                previous,
            },
            Mismatch::Protocol(previous) => ErrorContext::ProtocolMismatch {
                protocol: Some(self.revision),
                previous: Some(previous),
            },
        }
    }
}

/// A refusal in the form that the request asks for: JSON, or text where a WebSocket was wanted.
fn refuse(headers: HeaderMap, upgrade: bool, why: &HandshakeError) -> http::Response<Bytes> {
    let (status, words) = match why {
        HandshakeError::UnknownSid => return error(headers, upgrade, ErrorCode::UnknownSid, None),
        HandshakeError::BadRequest | HandshakeError::IdGeneration(_) => {
            return error(headers, upgrade, ErrorCode::BadRequest, None);
        }
        HandshakeError::Forbidden(message) => {
            return error(headers, upgrade, ErrorCode::Forbidden, message.as_deref());
        }
        HandshakeError::TooManySessions => (StatusCode::SERVICE_UNAVAILABLE, "Too many sessions"),
        HandshakeError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "Shutting down"),
        HandshakeError::Failed => (StatusCode::INTERNAL_SERVER_ERROR, ""),
        HandshakeError::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, ""),
        HandshakeError::Timeout => (StatusCode::REQUEST_TIMEOUT, ""),
    };
    let mut response = web::plain(headers, status, Bytes::from_static(words.as_bytes()));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    response
}

/// An error of §9.5. Its code is among the response's extensions, too: a refused upgrade is answered with
/// words alone.
pub(super) fn error(
    headers: HeaderMap,
    upgrade: bool,
    code: ErrorCode,
    message: Option<&str>,
) -> http::Response<Bytes> {
    let mut response = if upgrade {
        // The message goes out as HTML, and is whatever the application says.
        let words = message.map_or(Cow::Borrowed(code.message()), escape);
        web::plain(headers, code.status(), words.into_owned().into())
    } else {
        web::json(headers, code, message)
    };
    response.extensions_mut().insert(code);
    response
}

/// The answer to a WebSocket handshake of another version.
pub(super) fn other_version(headers: HeaderMap) -> http::Response<Bytes> {
    let body = Bytes::from_static(ErrorCode::BadRequest.message().as_bytes());
    let mut response = web::plain(headers, StatusCode::UPGRADE_REQUIRED, body);
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response.extensions_mut().insert(ErrorCode::BadRequest);
    response
}

/// The answer to a body in a coding that is not read.
pub(super) fn other_coding(headers: HeaderMap) -> http::Response<Bytes> {
    web::plain(headers, StatusCode::UNSUPPORTED_MEDIA_TYPE, Bytes::new())
}

fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['&', '<', '>']) {
        let text = text.replace('&', "&amp;");
        Cow::Owned(text.replace('<', "&lt;").replace('>', "&gt;"))
    } else {
        Cow::Borrowed(text)
    }
}

/// When a client that was turned away for lack of room may try again.
const RETRY_SECONDS: &str = "5";
