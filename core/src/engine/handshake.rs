//! Who is let in (§3, §9): one admission for every transport.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, USER_AGENT, X_XSS_PROTECTION,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use memchr::memmem;

use super::exchange::{Exchange, RequestKind, error, other_coding, other_version};
use super::{ErrorContext, jsonp};
use crate::config::{AllowedOrigins, Config, ConfigError, CorsPolicy};
use crate::http::{Coding, ErrorCode, Query, WantedHost, asking_site, is_client_file, single};
use crate::id::Sid;
use crate::protocol::{Eio, TransportKind};
use crate::websocket;

/// Reads the heads of requests, and says where they go. It holds the configuration and nothing else, so
/// that any number of connections can share it.
#[derive(Clone, Debug)]
pub struct Acceptor {
    config: Arc<Config>,
    /// Without a slash at its end.
    path: Box<str>,
    cors: Option<CorsPolicy>,
    origins: AllowedOrigins,
}

/// Where a request goes.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub enum Route {
    /// It is not under our path. Somebody else may answer it.
    NotOurs,
    /// It has its answer: an error, a preflight, a file of the client's.
    Answered(http::Response<Bytes>),
    /// It asks for a new session.
    Open(Exchange),
    /// It is for a session.
    Session {
        /// What the client presents as the session's id.
        sid: Sid,
        /// The request.
        exchange: Exchange,
        /// It announces a body over the limit: do not read it, tell the session
        /// [`TooLarge`](super::PostFailure::TooLarge).
        over: bool,
    },
}

impl Acceptor {
    /// An acceptor for a configuration.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(config: Arc<Config>) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self {
            path: config.path.trim_end_matches('/').into(),
            cors: config.cors.as_ref().map(CorsPolicy::new).transpose()?,
            origins: AllowedOrigins::new(&config.origins)?,
            config,
        })
    }

    /// The configuration.
    pub const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether a path is under ours, by whole segments.
    pub fn owns(&self, path: &str) -> bool {
        path.strip_prefix(&*self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Says where a request goes. What its head gets wrong is answered here, in the order of §3.
    pub fn route(&self, head: &Parts) -> Route {
        if !self.owns(head.uri.path()) {
            return Route::NotOurs;
        }
        let chosen = self
            .config
            .cors_delegate
            .as_ref()
            .map(|delegate| delegate.choose(head));
        let cors = match &chosen {
            Some(chosen) => chosen.as_ref(),
            None => self.cors.as_ref(),
        };
        let headers = match cors {
            Some(cors) if head.method == Method::OPTIONS && !cors.passes_preflights => {
                return Route::Answered(cors.preflight(&head.headers));
            }
            Some(cors) => cors.headers(&head.headers),
            None => HeaderMap::new(),
        };
        let upgrade = websocket::asks_for(head);
        if self.config.serve_client
            && let Some(name) = self.client_file(head.uri.path())
        {
            let files = &self.config.client_files;
            return Route::Answered(files.respond(head, headers, name));
        }
        let Refused(how, context) = match self.admit(head, upgrade) {
            Ok(admitted) => return self.let_in(head, headers, admitted),
            Err(refused) => refused,
        };
        let mut response = match how {
            Refusal::Code(code) => error(headers, upgrade, code, None),
            Refusal::Version => other_version(headers),
            Refusal::Coding => other_coding(headers),
        };
        response.extensions_mut().insert(context);
        Route::Answered(response)
    }

    /// The name of the client's file that a path is of.
    fn client_file<'a>(&self, path: &'a str) -> Option<&'a str> {
        let name = path.strip_prefix(&*self.path)?.strip_prefix('/')?;
        is_client_file(name).then_some(name)
    }

    fn let_in(&self, head: &Parts, headers: HeaderMap, admitted: Admitted) -> Route {
        let Admitted {
            kind,
            revision,
            sid,
            query,
            websocket,
            over,
        } = admitted;
        let polls = kind == RequestKind::Poll;
        let mut headers = headers;
        if kind != RequestKind::WebSocket && filters_scripts(&head.headers) {
            headers.insert(X_XSS_PROTECTION, HeaderValue::from_static("0"));
        }
        let exchange = Exchange {
            config: self.config.clone(),
            kind,
            revision,
            handshake: sid.is_none(),
            coding: self
                .config
                .http_compression
                .filter(|_| polls)
                .and_then(|_| Coding::choose(&head.headers)),
            jsonp: query
                .get("j")
                .filter(|_| self.config.jsonp && kind != RequestKind::WebSocket)
                .map(jsonp::index),
            headers,
            query,
            websocket,
        };
        match sid {
            None => Route::Open(exchange),
            Some(sid) => Route::Session {
                sid,
                exchange,
                over,
            },
        }
    }

    fn admit(&self, head: &Parts, upgrade: bool) -> Result<Admitted, Refused> {
        let bad = |context| Refused::new(ErrorCode::BadRequest, context);
        let malformed = |part| bad(ErrorContext::Malformed(part));
        let query =
            Query::parse(head.uri.query().unwrap_or_default()).map_err(|_| malformed("query"))?;
        let transport = match query.get("transport") {
            Some("polling") if self.config.transports.polling => TransportKind::Polling,
            Some("websocket") if self.config.transports.websocket => TransportKind::WebSocket,
            other => {
                let context = ErrorContext::Transport(other.map(Into::into));
                return Err(Refused::new(ErrorCode::UnknownTransport, context));
            }
        };
        let origin = single(&head.headers, ORIGIN).map_err(|_| bad(invalid_origin(head)))?;
        // A script element sends no `Origin`; the page it is on is known by its `Referer` alone.
        let asked_by_script = self.config.jsonp && query.get("j").is_some();
        if origin.is_some() || asked_by_script {
            let forwarded = self.config.trust_forwarded_host;
            let host = WantedHost::of(head, forwarded).map_err(|_| malformed("host"))?;
            let origin = origin.or_else(|| asking_site(&head.headers));
            let origin = origin.unwrap_or("null");
            if !self.origins.allows(origin, host) {
                let context = ErrorContext::Origin(origin.into());
                return Err(Refused::new(ErrorCode::Forbidden, context));
            }
        }
        let sid = query.get("sid");
        let method = match &head.method {
            method if *method == Method::GET => Verb::Get,
            method if *method == Method::POST && sid.is_some() => Verb::Post,
            method => {
                let context = ErrorContext::Method(method.clone());
                return Err(Refused::new(ErrorCode::BadMethod, context));
            }
        };
        // No session has such an id; and none was sent by somebody who means to open one.
        if sid.is_some_and(str::is_empty) {
            let context = ErrorContext::Sid(Sid::presented(""));
            return Err(Refused::new(ErrorCode::UnknownSid, context));
        }
        let kind = match (transport, method) {
            (TransportKind::WebSocket, Verb::Get) if upgrade => RequestKind::WebSocket,
            (TransportKind::Polling, Verb::Get) if !upgrade => RequestKind::Poll,
            (TransportKind::Polling, Verb::Post) => RequestKind::Post {
                binary: is_binary(&head.headers),
            },
            (TransportKind::WebSocket | TransportKind::Polling, Verb::Get | Verb::Post) => {
                return Err(bad(ErrorContext::TransportHandshake));
            }
        };
        let websocket = match kind {
            RequestKind::WebSocket => match websocket::Handshake::check(head, &self.config) {
                Ok(handshake) => Some(handshake),
                Err(websocket::Rejected::Malformed) => {
                    return Err(bad(ErrorContext::TransportHandshake));
                }
                Err(websocket::Rejected::Version) => {
                    let context = ErrorContext::TransportHandshake;
                    return Err(Refused(Refusal::Version, context));
                }
            },
            RequestKind::Poll | RequestKind::Post { .. } => None,
        };
        let revision = self.revision(&query)?;
        if sid.is_none() {
            self.check_parser(&query)?;
        }
        let over = method == Verb::Post && self.announces_too_much(&head.headers)?;
        Ok(Admitted {
            kind,
            revision,
            sid: sid.map(Sid::presented),
            query,
            websocket,
            over,
        })
    }

    /// The revision that a request speaks.
    fn revision(&self, query: &Query) -> Result<Eio, Refused> {
        let named = match query.get("EIO") {
            None if self.config.allow_missing_eio => Some(Eio::V3),
            named => named.and_then(Eio::from_query),
        };
        let spoken = named.filter(|revision| match revision {
            Eio::V3 => self.config.allow_eio3,
            Eio::V4 => true,
        });
        // A session was opened with another revision than this request's, whichever it is.
        spoken.ok_or_else(|| match query.get("sid") {
            Some(_) => {
                let context = ErrorContext::ProtocolMismatch {
                    protocol: None,
                    previous: None,
                };
                Refused::new(ErrorCode::BadRequest, context)
            }
            None => {
                let context = ErrorContext::Protocol(query.get("EIO").map(Into::into));
                Refused::new(ErrorCode::UnsupportedRevision, context)
            }
        })
    }

    /// Whether a handshake asks for a parser that is here, once.
    fn check_parser(&self, query: &Query) -> Result<(), Refused> {
        if self.config.parsers.is_empty() {
            return Ok(());
        }
        let mut asked = query.iter().filter(|(key, _)| *key == Config::PARSER_KEY);
        let (asked, again) = (asked.next().map(|(_, name)| name), asked.next());
        match self.config.parser_of(asked) {
            Some(_) if again.is_none() => Ok(()),
            Some(_) => {
                let context = ErrorContext::Malformed("query");
                Err(Refused::new(ErrorCode::BadRequest, context))
            }
            None => {
                let context = ErrorContext::Parser(asked.unwrap_or_default().into());
                Err(Refused::new(ErrorCode::BadRequest, context))
            }
        }
    }

    /// Whether a POST announces a body over the limit.
    fn announces_too_much(&self, headers: &HeaderMap) -> Result<bool, Refused> {
        let mut codings = headers.get_all(CONTENT_ENCODING).iter();
        if codings.any(|it| it != "identity") {
            let context = ErrorContext::Malformed("content-encoding");
            return Err(Refused(Refusal::Coding, context));
        }
        let malformed = || {
            let context = ErrorContext::Malformed("content-length");
            Refused::new(ErrorCode::BadRequest, context)
        };
        let Some(length) = single(headers, CONTENT_LENGTH).map_err(|_| malformed())? else {
            return Ok(false);
        };
        let length = length.parse::<u64>().map_err(|_| malformed())?;
        Ok(usize::try_from(length).map_or(true, |it| it > self.config.max_http_buffer_size))
    }
}

/// A request whose head is in order.
struct Admitted {
    kind: RequestKind,
    revision: Eio,
    sid: Option<Sid>,
    query: Query,
    websocket: Option<websocket::Handshake>,
    over: bool,
}

/// Why a request is not let in.
struct Refused(Refusal, ErrorContext);

impl Refused {
    const fn new(code: ErrorCode, context: ErrorContext) -> Self {
        Self(Refusal::Code(code), context)
    }
}

/// How it is told that.
enum Refusal {
    Code(ErrorCode),
    /// A WebSocket of another version: 426.
    Version,
    /// A compressed body: 415.
    Coding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Post,
}

/// Whether the browser is an Internet Explorer, which takes some answers for an injected script and cuts them
/// up, unless it is told not to look (§9.2).
fn filters_scripts(headers: &HeaderMap) -> bool {
    headers.get(USER_AGENT).is_some_and(|value| {
        let names = |name: &str| memmem::find(value.as_bytes(), name.as_bytes()).is_some();
        names("Trident/") || names("MSIE ")
    })
}

/// What is wrong with an `Origin` that cannot be read.
fn invalid_origin(head: &Parts) -> ErrorContext {
    match head.headers.get(ORIGIN) {
        Some(origin) => ErrorContext::InvalidOrigin(origin.clone()),
        None => ErrorContext::Malformed("origin"),
    }
}

/// Whether a POST says that its body is binary (§9.3).
fn is_binary(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == "application/octet-stream")
}

#[cfg(test)]
mod tests;
