//! What the engine needs of HTTP: queries, origins, CORS, cookies, content codings, error bodies.
//!
//! Requests and responses are data here ([`::http`] types); nothing reads or writes a socket.

mod client_files;
mod compression;
mod cookie;
mod cors;
mod error;
mod form;
mod origin;
mod query;

pub use compression::Coding;
pub use error::ErrorCode;
pub use origin::{asking_site, is_cross_origin};
pub use query::{Query, QueryError};

pub(crate) use client_files::is_client_file;
pub(crate) use cookie::set_cookie;
pub(crate) use error::{json, plain};
pub(crate) use form::field as form_field;
pub(crate) use origin::Wanted as WantedHost;
pub(crate) use query::pairs as query_pairs;

use ::http::header::{AsHeaderName, HOST};
use ::http::request::Parts;
use ::http::{HeaderMap, HeaderValue};

/// A length as a header says it: in one allocation, where `HeaderValue::from` takes two, and in none
/// for the `ok` that every POST is answered with.
pub(crate) fn content_length(bytes: usize) -> HeaderValue {
    match bytes {
        2 => HeaderValue::from_static("2"),
        _ => HeaderValue::from_str(itoa::Buffer::new().format(bytes))
            .unwrap_or_else(|_| HeaderValue::from(bytes)),
    }
}

/// The only header of that name. `Err`: there are several, or it is not visible ASCII.
pub(crate) fn single(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&str>, Ambiguous> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
        (Some(_), Some(_)) => Err(Ambiguous),
    }
}

/// The host that a request is for. HTTP/2 says it beside the path and sends no `Host`, and where both are
/// said the header gives way (RFC 9112 §3.2.2).
pub(crate) fn host(head: &Parts) -> Result<Option<&str>, Ambiguous> {
    match head.uri.authority() {
        Some(authority) => {
            let authority = authority.as_str();
            let host = authority.rsplit_once('@').map(|(_, host)| host);
            Ok(Some(host.unwrap_or(authority)))
        }
        None => single(&head.headers, HOST),
    }
}

/// A header that must be there once at most, and was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The comma-separated tokens of all headers of that name.
pub(crate) fn tokens(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}
