//! Where a client dials, and the requests that it makes there (§2).

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};

use crate::http::query_pairs;
use crate::protocol::{Eio, TransportKind};

/// Where and how to dial: a server, the path and query of its URL, headers, transports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dial {
    /// `https` or `http`.
    pub(super) scheme: Scheme,
    /// The host, perhaps with a port.
    pub(super) authority: Authority,
    /// Where the server is mounted. `/socket.io/`.
    pub path: String,
    /// What the URL's query says before what the protocol needs, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers of every request, those for WebSockets included.
    #[doc(alias = "extraHeaders")]
    pub headers: HeaderMap,
    /// The transports, the first of which is tried first. WebSocket, then polling: one round trip, no sticky
    /// sessions needed, and still a way through networks that know nothing but HTTP. The reference begins with
    /// polling.
    pub transports: Vec<TransportKind>,
}

/// Why a URL is none to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL, or has no host.
    Malformed,
    /// Its scheme is none of `http`, `https`, `ws`, `wss`.
    Scheme,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "not a URL with a host",
            Self::Scheme => "the scheme is none of http, https, ws, wss",
        })
    }
}

impl std::error::Error for UrlError {}

impl Dial {
    /// Reads `scheme://host[:port][/namespace][?query]`, as clients of Socket.IO are given it: what stands
    /// where a URL has its path is the namespace, and comes back beside it (`/` if there is none). Without a scheme it is `https`.
    ///
    /// ```
    /// use sio_core::client::Dial;
    ///
    /// let (dial, namespace) = Dial::parse("http://example.com:3000/chat?token=a%20b").unwrap();
    /// assert_eq!(namespace, "/chat");
    /// assert_eq!(dial.query, [("token".to_owned(), "a b".to_owned())]);
    /// ```
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<(Self, ByteString), UrlError> {
        let uri: Uri = match url.contains("://") {
            true => url.parse(),
            false => format!("https://{url}").parse(),
        }
        .map_err(|_| UrlError::Malformed)?;
        let scheme = match uri.scheme_str() {
            Some("http" | "ws") => Scheme::HTTP,
            Some("https" | "wss") => Scheme::HTTPS,
            Some(_) | None => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::Malformed)?;
        // Whoever is named before an `@` is nobody's business but HTTP's own.
        let host = authority.as_str().rsplit_once('@');
        let authority = match host {
            Some((_, host)) => host.parse().map_err(|_| UrlError::Malformed)?,
            None => authority.clone(),
        };
        if authority.host().is_empty() {
            return Err(UrlError::Malformed);
        }
        let namespace = match uri.path() {
            "" => "/",
            path => path,
        };
        let dial = Self {
            scheme,
            authority,
            path: "/socket.io/".to_owned(),
            query: query_pairs(uri.query().unwrap_or_default()),
            headers: HeaderMap::new(),
            transports: vec![TransportKind::WebSocket, TransportKind::Polling],
        };
        Ok((dial, namespace.into()))
    }

    /// The same by these transports, the first of which is tried first.
    #[must_use]
    pub fn transports(mut self, transports: impl Into<Vec<TransportKind>>) -> Self {
        self.transports = transports.into();
        self
    }

    /// The same with this in its query; what the URL says under the same key gives way.
    #[must_use]
    pub fn query(mut self, key: &str, value: &str) -> Self {
        self.query.retain(|(its, _)| its != key);
        self.query.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Whether the connection has to be made safe.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The host, without its port.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let usual = if self.is_secure() { 443 } else { 80 };
        self.authority.port_u16().unwrap_or(usual)
    }

    /// What stands behind a namespace's name in revision 4 (§16.2).
    pub(super) fn namespace_query(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.query {
            push_pair(&mut text, key, value);
        }
        text
    }

    /// A request. `None`: the path or the query is none that HTTP can carry.
    pub(super) fn request<B>(&self, errand: &Errand<'_>, body: B) -> Option<Request<B>> {
        let mut query = self.namespace_query();
        let number = itoa::Buffer::new()
            .format(errand.revision.number())
            .to_owned();
        push_pair(&mut query, "EIO", &number);
        push_pair(&mut query, "transport", errand.transport.as_str());
        if let Some(t) = errand.t {
            let mut digits = String::new();
            push_base36(&mut digits, t);
            push_pair(&mut query, "t", &digits);
        }
        if let Some(sid) = errand.sid {
            push_pair(&mut query, "sid", sid);
        }
        let path: PathAndQuery = format!("{}?{query}", self.path).try_into().ok()?;
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()
            .ok()?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if errand.transport == TransportKind::Polling {
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        }
        if let Some(binary) = errand.posts {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(binary)));
            *request.method_mut() = Method::POST;
        }
        Some(request)
    }
}

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand<'a> {
    pub(super) revision: Eio,
    pub(super) transport: TransportKind,
    /// The session's id, once it has one.
    pub(super) sid: Option<&'a str>,
    /// What no other request has.
    pub(super) t: Option<u64>,
    /// Whether it is a POST, and then whether of bytes.
    pub(super) posts: Option<bool>,
}

/// Bodies of a request without one.
pub(super) const NO_BODY: Bytes = Bytes::new();

const fn content_type(binary: bool) -> &'static str {
    match binary {
        true => "application/octet-stream",
        false => "text/plain;charset=UTF-8",
    }
}

fn push_pair(text: &mut String, key: &str, value: &str) {
    if !text.is_empty() {
        text.push('&');
    }
    push_escaped(text, key);
    text.push('=');
    push_escaped(text, value);
}

/// As `encodeURIComponent` does.
fn push_escaped(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn push_base36(text: &mut String, mut number: u64) {
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        text.extend(char::from_digit(digit, 36));
        number /= 36;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(url: &str) -> (Dial, ByteString) {
        Dial::parse(url).unwrap()
    }

    #[test]
    fn a_url_says_where_and_which_namespace() {
        let (here, namespace) = dial("ws://localhost:3000");
        assert_eq!(
            (here.host(), here.port(), &*namespace),
            ("localhost", 3000, "/")
        );
        assert!(!here.is_secure());
        let (there, namespace) = dial("example.com/chat");
        assert_eq!(
            (there.host(), there.port(), &*namespace),
            ("example.com", 443, "/chat")
        );
        let (six, _) = dial("wss://user:secret@[::1]:8443/?a=b");
        assert_eq!((six.host(), six.port()), ("[::1]", 8443));
        assert_eq!(six.authority.as_str(), "[::1]:8443");
        assert_eq!(Dial::parse("ftp://example.com"), Err(UrlError::Scheme));
        for url in ["", "http://", "http:///x", "http://a b/", "http://:80/x"] {
            assert_eq!(Dial::parse(url), Err(UrlError::Malformed), "{url:?}");
        }
    }

    #[test]
    fn a_query_is_merged_key_by_key() {
        let (dial, _) = dial("http://h/?a=1&b=2");
        assert_eq!(dial.query("a", "3").namespace_query(), "b=2&a=3");
    }

    #[test]
    fn a_request_says_what_it_is_for() {
        let (dial, _) = dial("http://h:1/x?token=a%20b%26c");
        let errand = Errand {
            revision: Eio::V4,
            transport: TransportKind::Polling,
            sid: None,
            t: Some(35),
            posts: None,
        };
        let get = dial.request(&errand, NO_BODY).unwrap();
        assert_eq!(
            get.uri(),
            "http://h:1/socket.io/?token=a%20b%26c&EIO=4&transport=polling&t=z"
        );
        assert_eq!(
            (
                get.method().as_str(),
                get.headers()[ACCEPT].to_str().unwrap()
            ),
            ("GET", "*/*")
        );
        let post = Errand {
            sid: Some("a/b"),
            t: None,
            posts: Some(false),
            ..errand
        };
        let post = dial.request(&post, Bytes::from("2")).unwrap();
        assert_eq!(
            post.uri().query().unwrap(),
            "token=a%20b%26c&EIO=4&transport=polling&sid=a%2Fb"
        );
        assert_eq!(post.method(), Method::POST);
        assert_eq!(post.headers()[CONTENT_TYPE], "text/plain;charset=UTF-8");
        let mut broken = dial;
        broken.path = "/a b".to_owned();
        assert!(broken.request(&errand, ()).is_none());
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_in_words() {
        let why = |url| Dial::parse(url).unwrap_err().to_string();
        for url in ["http://", "http:///x", "http://a b/", ""] {
            assert_eq!(why(url), "not a URL with a host", "{url}");
        }
        let scheme = "the scheme is none of http, https, ws, wss";
        assert_eq!(why("ftp://a.example"), scheme);
    }
}
