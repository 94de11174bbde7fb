//! What only clients of revision 4 do, and how they are answered (§16.2).
//!
//! They are in `/` without asking, say their credentials in a query behind a namespace's name, compute their ids
//! themselves, and rely on more patience: what they send to a namespace that they are not in is ignored, and
//! so is a wish for one that they are in.

use std::collections::BTreeMap;

use bytestring::ByteString;

use super::connect::ConnectRequest;
use super::event::{Event, Refusal, SocketKey};
use crate::config::Config;
use crate::http::query_pairs;
use crate::message::Encoded;
use crate::packet::{Codec, EncodeError, Value};

/// What a client asks for by coming.
pub(super) fn welcome() -> ConnectRequest {
    request("/")
}

/// What a client asks for by this name, with a query behind it or without.
pub(super) fn request(name: &str) -> ConnectRequest {
    let (namespace, query) = split(name);
    ConnectRequest {
        namespace: namespace.into(),
        auth: query.and_then(auth),
        query: query.map(ByteString::from),
    }
}

/// A packet for which a connection of revision 5 closes.
pub(super) enum OutOfPlace {
    /// For a namespace that the client is not in.
    Elsewhere,
    /// CONNECT, for one that it is in or has asked for. It has what it asks for, or will be told. Clients ask
    /// for `/`, too.
    Again,
    /// ERROR.
    Error {
        socket: SocketKey,
        payload: Option<ByteString>,
    },
}

impl OutOfPlace {
    /// What is told of it.
    pub(super) fn told<T>(self) -> Option<Event<T>> {
        match self {
            Self::Elsewhere | Self::Again => None,
            Self::Error { socket, payload } => Some(Event::Error { socket, payload }),
        }
    }
}

/// The client may enter. Its id is not said.
pub(super) fn connected(codec: &Codec, namespace: &str) -> Result<Encoded, EncodeError> {
    codec.entered(namespace)
}

/// The client may not enter: the data alone, or else the message.
pub(super) fn refused(
    codec: &Codec,
    namespace: &str,
    refusal: &Refusal,
    config: &Config,
) -> Result<Encoded, EncodeError> {
    let data = refusal.data.as_ref();
    // The one refusal that the server of 4.x says otherwise. Other parsers of that line take nothing but a
    // string.
    if config.invalid_namespace_as_object
        && codec.is_built_in()
        && *refusal == Refusal::invalid_namespace()
    {
        codec.connect_error(namespace, &refusal.message, data)
    } else {
        codec.error(namespace, &refusal.message, data)
    }
}

/// The name of the namespace, and the query behind it.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (name, None),
    }
}

/// The query as a JSON object, the form in which revision 5 sends credentials: a key that comes more than
/// once has a list. `None` if there is nothing in it.
fn auth(query: &str) -> Option<ByteString> {
    // In the order in which their keys came first.
    let mut members: Vec<(String, Vec<Value>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (key, value) in query_pairs(query) {
        let at = *places.entry(key).or_insert_with_key(|key| {
            members.push((key.clone(), Vec::new()));
            members.len().saturating_sub(1)
        });
        if let Some((_, values)) = members.get_mut(at) {
            values.push(value.into());
        }
    }
    let member = |(key, mut values): (String, Vec<Value>)| match values.pop() {
        Some(only) if values.is_empty() => (key, only),
        last => {
            values.extend(last);
            (key, Value::Array(values))
        }
    };
    let auth: Value = (!members.is_empty()).then(|| members.into_iter().map(member).collect())?;
    Some(auth.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_query() {
        assert_eq!(split("/chat"), ("/chat", None));
        assert_eq!(split("/chat?a=1?2"), ("/chat", Some("a=1?2")));
    }

    #[test]
    fn a_query_becomes_an_object() {
        let text = |query| auth(query).map(String::from);
        assert_eq!(text(""), None);
        assert_eq!(text("&&"), None);
        assert_eq!(
            text("token=a%20b%2Cc&x=1&x=2&flag&q=\"%22").unwrap(),
            r#"{"token":"a b,c","x":["1","2"],"flag":"","q":"\"\""}"#
        );
    }
}
