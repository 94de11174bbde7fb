//! What is known of a client since its first request.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use bytestring::ByteString;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use sio_core::engine::{Eio, Query};
use sio_core::packet::{Args, ArgumentError, Raw, Value};

use crate::endpoint::request::{Remote, RequestHead};

/// The handshake of a socket: its connection's first request, and the credentials it gave for its
/// namespace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The headers of the request.
    pub headers: Headers,
    /// The query of the request, decoded, the protocol's own keys among it; a key of the application's may
    /// be there several times ([`Query::get_all`]). Over it lies, if the client
    /// speaks revision 4 of Socket.IO, the query that it wrote behind the namespace's name.
    pub query: Arc<Query>,
    /// The credentials sent with CONNECT; in revision 4 those of that query.
    pub auth: Auth,
    /// The revision of Engine.IO that the client speaks. Socket.IO's is the one above it: clients of
    /// JavaScript's 2.x have 3, those of 3.x and 4.x have 4.
    pub revision: Eio,
    /// The address of the client, or of the proxy before it.
    pub address: Option<SocketAddr>,
    /// When the session was opened, as JavaScript prints a date.
    pub time: String,
    /// The same in milliseconds since 1970.
    pub issued: u64,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Whether the request named an `Origin`.
    pub xdomain: bool,
    /// The request's path and query.
    pub url: Arc<str>,
    /// What layers around the server have put into the request, if anything.
    extensions: http::Extensions,
}

impl Handshake {
    pub(crate) fn new(
        parts: &http::request::Parts,
        query: Query,
        revision: Eio,
        remote: Remote,
        now: SystemTime,
    ) -> Self {
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let url: Arc<str> = parts
            .uri
            .path_and_query()
            .map_or(parts.uri.path(), |url| url.as_str())
            .into();
        let query = match url.len() {
            0..LONG => query,
            _ => query.kept_in(&shared(url.clone())),
        };
        Self {
            headers: Headers::copy(&parts.headers),
            query: Arc::new(query),
            auth: Auth(None),
            revision,
            address: remote.address,
            time: date_of(issued.as_secs()),
            issued: u64::try_from(issued.as_millis()).unwrap_or(u64::MAX),
            secure: remote.secure,
            xdomain: parts.headers.contains_key(http::header::ORIGIN),
            url,
            extensions: match parts.extensions.is_empty() {
                true => http::Extensions::new(),
                false => parts.extensions.clone(),
            },
        }
    }

    /// One that another node tells of.
    pub fn told(by: Told<'_>) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in by.headers {
            let name = http::HeaderName::from_bytes(name.as_bytes());
            // What no map holds is left out.
            if let (Ok(name), Ok(value)) = (name, value.parse()) {
                let _ = headers.try_append(name, value);
            }
        }
        let query = by.query.iter();
        let query = Query::of(query.map(|(name, value)| (&**name, &**value)));
        let address = by.address.parse().ok();
        Self {
            headers: Headers::copy(&headers),
            revision: match query.get("EIO") {
                Some("3") => Eio::V3,
                Some(_) | None => Eio::V4,
            },
            query: Arc::new(query),
            auth: Auth(by.auth.map(Box::from)),
            address: address.map(|ip| SocketAddr::new(ip, 0)),
            time: by.time.to_owned(),
            issued: by.issued,
            secure: by.secure,
            xdomain: by.xdomain,
            url: by.url.into(),
            extensions: http::Extensions::new(),
        }
    }

    /// The request itself: the one that opened the connection, whatever came of it since. Put together
    /// from what is kept of it.
    pub fn request(&self) -> RequestHead {
        RequestHead {
            method: http::Method::GET,
            // It was read from a request, so it can be read again.
            uri: self.url.parse().unwrap_or_default(),
            headers: self.headers.to_map(),
            address: self.address,
            secure: self.secure,
            extensions: self.extensions.clone(),
        }
    }

    /// The same with the credentials for one namespace. Shared, if there are none.
    pub(crate) fn with_auth(
        this: &Arc<Self>,
        auth: Option<&ByteString>,
        query: Option<&str>,
    ) -> Arc<Self> {
        if auth.is_none() && query.is_none() {
            return this.clone();
        }
        let mut own = Self::clone(this);
        // Copied: it stays as long as the socket does and must not hold on to a read buffer.
        own.auth = Auth(auth.map(|text| Box::from(&**text)));
        if let Some(query) = query {
            own.query = Arc::new(own.query.overlaid(query));
        }
        Arc::new(own)
    }
}

/// What another node tells of a [`Handshake`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// Names and values. What is no header is left out.
    pub headers: &'a [(String, String)],
    /// Names and values, decoded.
    pub query: &'a [(String, String)],
    /// The text of the JSON object that the client gave, if it gave any.
    pub auth: Option<&'a str>,
    /// The client's address, without a port.
    pub address: &'a str,
    /// When the session was opened, as JavaScript prints a date.
    pub time: &'a str,
    /// The same in milliseconds since 1970.
    pub issued: u64,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// Whether the request named an `Origin`.
    pub xdomain: bool,
    /// The request's path and query.
    pub url: &'a str,
}

/// Bytes of a URL from which on its query is kept in its memory; a copy of less is cheaper than that.
const LONG: usize = 1024;

/// A text that is shared, as one that can be shared in part.
fn shared(text: Arc<str>) -> ByteString {
    struct Owner(Arc<str>);

    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }

    // It is text.
    ByteString::try_from(Bytes::from_owner(Owner(text))).unwrap_or_default()
}

/// The credentials a client sent with CONNECT: a JSON object, `{}` if it sent none.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth(Option<Box<str>>);

impl Auth {
    /// Whether the client sent any.
    pub fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("{}")
    }

    /// The credentials as the type asked for.
    ///
    /// # Errors
    /// Why they are not of that type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        self.args().get(0)
    }

    /// The credentials as a dynamic value.
    pub fn value(&self) -> Value {
        self.decode().unwrap_or(Value::Null)
    }

    pub(crate) fn args(&self) -> Args {
        static NONE: LazyLock<Args> = LazyLock::new(|| args_of("{}"));
        match &self.0 {
            Some(text) => args_of(text),
            None => NONE.clone(),
        }
    }
}

fn args_of(text: &str) -> Args {
    // The text was checked when it arrived.
    Args::from_json(&format!("[{text}]"), Vec::new()).unwrap_or_default()
}

impl Serialize for Auth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Raw::new(self.as_str()) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => Err(serde::ser::Error::custom("not JSON")),
        }
    }
}

impl fmt::Debug for Auth {
    /// Credentials do not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_present() {
            "Auth(…)"
        } else {
            "Auth(none)"
        })
    }
}

/// The headers of the first request, in a compact form: they stay as long as the connection does.
#[derive(Clone)]
pub struct Headers(Arc<[u8]>);

impl Headers {
    /// Names and values one after the other, each with a NUL behind it: neither can hold one.
    fn copy(headers: &HeaderMap) -> Self {
        let size = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 2)
            .sum();
        let mut text = Vec::with_capacity(size);
        for (name, value) in headers {
            text.extend_from_slice(name.as_str().as_bytes());
            text.push(0);
            text.extend_from_slice(value.as_bytes());
            text.push(0);
        }
        Self(text.into())
    }

    /// All of them, as a map.
    pub fn to_map(&self) -> HeaderMap {
        let mut parts = self.0.split(|byte| *byte == 0);
        let mut map = HeaderMap::new();
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            let name = http::HeaderName::from_bytes(name);
            let value = http::HeaderValue::from_bytes(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                let _ = map.try_append(name, value);
            }
        }
        map
    }

    /// The first value of a header. The name's case does not matter. A value that is not UTF-8 counts
    /// as absent: [`get_bytes`](Self::get_bytes) has those, too.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The bytes of the first value of a header, whatever they are: some clients write Latin-1.
    pub fn get_bytes(&self, name: &str) -> Option<&[u8]> {
        self.pairs()
            .find(|(its, _)| its.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Names, in lower case, and values. Those that are not UTF-8 are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs()
            .filter_map(|(name, value)| Some((as_text(name)?, as_text(value)?)))
    }

    fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut parts = self.0.split(|byte| *byte == 0);
        std::iter::from_fn(move || Some((parts.next()?, parts.next()?)))
    }
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

thread_local! {
    /// The second that was written last on this thread: connections come many in one, and a date is as
    /// many instructions as reading a request's head.
    static LATEST: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
}

fn date_of(seconds: u64) -> String {
    LATEST.with_borrow_mut(|(its, text)| {
        if *its != seconds || text.is_empty() {
            (*its, *text) = (seconds, javascript_date(seconds));
        }
        text.clone()
    })
}

/// `Mon Nov 23 2026 02:03:04 GMT+0000 (Coordinated Universal Time)`.
fn javascript_date(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = seconds / 86_400;
    let weekday = DAYS[usize::try_from(days % 7).unwrap_or_default()];
    let (mut year, mut rest) = (1970, days);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while rest >= 365 + u64::from(leap(year)) {
        rest -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    for length in lengths {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    let name = MONTHS.get(month).copied().unwrap_or_default();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!(
        "{weekday} {name} {:02} {year} {hour:02}:{minute:02}:{second:02} \
         GMT+0000 (Coordinated Universal Time)",
        rest + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed_as_javascript_does() {
        let end = " GMT+0000 (Coordinated Universal Time)";
        for (seconds, text) in [
            (0, "Thu Jan 01 1970 00:00:00"),
            (951_782_400, "Tue Feb 29 2000 00:00:00"),
            (1_795_399_384, "Mon Nov 23 2026 02:03:04"),
        ] {
            for _ in 0..2 {
                assert_eq!(date_of(seconds), format!("{text}{end}"));
            }
        }
    }

    #[test]
    fn the_request_can_be_put_together_again() {
        let mut request = http::Request::get("/chat/?EIO=4&x=%20y")
            .header("X-Bytes", http::HeaderValue::from_bytes(b"\xff").unwrap())
            .header("Cookie", "a=1")
            .body(())
            .unwrap();
        request.extensions_mut().insert("a user");
        let (parts, ()) = request.into_parts();
        let query = Query::parse("EIO=4&x=%20y").unwrap();
        let shake = Handshake::new(&parts, query, Eio::V4, Remote::default(), UNIX_EPOCH);
        let again = shake.request();
        assert_eq!((&again.uri, &again.headers), (&parts.uri, &parts.headers));
        assert_eq!(again.extensions.get(), Some(&"a user"));
    }

    #[test]
    fn a_header_in_latin_1_is_there_as_bytes() {
        // faults: F7
        let mut map = HeaderMap::new();
        let value = |bytes: &[u8]| http::HeaderValue::from_bytes(bytes).unwrap();
        map.insert("x-name", value(b"J\xfcrgen"));
        map.insert("x-plain", value(b"a"));
        let headers = Headers::copy(&map);
        assert_eq!(headers.get("x-name"), None);
        assert_eq!(headers.get_bytes("X-Name"), Some(&b"J\xfcrgen"[..]));
        assert_eq!(headers.get_bytes("x-plain"), Some(&b"a"[..]));
        assert_eq!(headers.get_bytes("absent"), None);
    }

    #[test]
    fn headers_are_found_by_any_case() {
        let mut map = HeaderMap::new();
        map.insert("x-token", "a".parse().unwrap());
        map.append("x-token", "b".parse().unwrap());
        map.insert("empty", "".parse().unwrap());
        let headers = Headers::copy(&map);
        assert_eq!(headers.get("X-Token"), Some("a"));
        assert_eq!(headers.get("empty"), Some(""));
        assert_eq!(headers.get("absent"), None);
        assert_eq!(headers.iter().count(), 3);
    }
}
