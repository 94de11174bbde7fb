//! What nodes tell each other, in the terms of adapters, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use sio_cluster::message::{Flags, Remote, To};
use sio_core::id::SocketId;
use sio_core::packet::{Args, Map, Value};

use crate::adapter::{Recipients, RemoteSocket, SocketData};
use crate::endpoint::handshake::{Handshake, Told};
use crate::log::error;
use crate::sync::guard::guarded;

impl From<&Recipients> for To {
    /// Whom it is for, as other nodes are told. Nobody at all cannot be told: that is everybody.
    fn from(of: &Recipients) -> Self {
        let owned = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect();
        let mut except: Vec<String> = owned(&mut of.excepted());
        // They do not have that room; who comes back there may.
        except.extend(of.sender().map(|id| id.as_str().to_owned()));
        let timeout = of.time().map(|it| it.as_millis());
        Self {
            rooms: of.rooms().map(|mut it| owned(&mut it)).unwrap_or_default(),
            except,
            flags: Flags {
                volatile: of.is_volatile(),
                compress: (!of.may_be_compressed()).then_some(false),
                timeout: timeout.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX)),
                single: false,
            },
        }
    }
}

/// Whom another node means, and how long it waits for answers.
pub(super) fn recipients(to: &To) -> Recipients {
    let mut of = Recipients::default().except(&to.except);
    if !to.rooms.is_empty() {
        of = of.to(&to.rooms);
    }
    if to.flags.volatile {
        of = of.volatile();
    }
    of.compress(to.flags.compress.unwrap_or(true))
}

/// Headers by which somebody proves who he is: other nodes have no use for them.
const SECRETS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "sec-websocket-key",
];

/// A socket of this node, as other nodes are told. `secrets`: its headers are, all of them.
pub(super) fn remote(socket: &RemoteSocket, secrets: bool) -> Remote {
    // The application writes it, and this is the task of all namespaces.
    let data = guarded(|| socket.data.value()).unwrap_or_else(|_panic| {
        error!(sid = %socket.id, why = %_panic.0, "data panicked");
        Ok(Value::Null)
    });
    let data = data.unwrap_or(Value::Null);
    Remote {
        id: socket.id.as_str().to_owned(),
        rooms: socket.rooms.clone(),
        handshake: one(&handshake(&socket.handshake, secrets)),
        data: one(&data),
    }
}

fn one(value: &Value) -> Args {
    // It was made of what can be written.
    Args::from_values(std::slice::from_ref(value)).unwrap_or_default()
}

/// What JavaScript's servers tell of a handshake.
fn handshake(its: &Handshake, secrets: bool) -> Value {
    let headers = its.headers.iter();
    let headers = headers.filter(|(name, _)| secrets || !SECRETS.contains(name));
    let address = its.address.map(|address| address.ip().to_string());
    let mut shown = Map::default();
    shown.insert("headers", together(headers));
    shown.insert("time", its.time.as_str());
    shown.insert("address", address.as_deref().unwrap_or_default());
    shown.insert("xdomain", its.xdomain);
    shown.insert("secure", its.secure);
    shown.insert("issued", its.issued);
    shown.insert("url", &*its.url);
    shown.insert("query", together(its.query.iter()));
    shown.insert("auth", its.auth.value());
    Value::Object(shown)
}

/// An object of names and texts. What is there several times is a list.
fn together<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    // Clients decide how often.
    let mut places = BTreeMap::new();
    let mut all: Vec<(&str, Vec<Value>)> = Vec::new();
    for (name, text) in pairs {
        let place = *places.entry(name).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, texts)) => texts.push(text.into()),
            None => all.push((name, vec![text.into()])),
        }
    }
    let mut object = Map::default();
    for (name, mut texts) in all {
        let last = texts.pop().unwrap_or(Value::Null);
        let value = match texts.is_empty() {
            true => last,
            false => {
                texts.push(last);
                Value::Array(texts)
            }
        };
        object.insert(name, value);
    }
    Value::Object(object)
}

/// A socket of another node.
pub(super) fn remote_socket(namespace: &str, remote: &Remote) -> RemoteSocket {
    let handshake: Value = remote.handshake.get(0).unwrap_or(Value::Null);
    let data: Value = remote.data.get(0).unwrap_or(Value::Null);
    RemoteSocket::new(
        SocketId::told(&remote.id),
        namespace.to_owned(),
        remote.rooms.clone(),
        Arc::new(shown(&handshake)),
        SocketData::from(data),
    )
}

fn shown(its: &Value) -> Handshake {
    let text = |name: &str| its[name].as_str().unwrap_or_default();
    let flag = |name: &str| its[name].as_bool().unwrap_or_default();
    let auth = &its["auth"];
    let auth = auth.as_object().filter(|members| !members.is_empty());
    let auth = auth.map(|members| one(&Value::Object(members.clone())));
    Handshake::told(Told {
        headers: &pairs(&its["headers"]),
        query: &pairs(&its["query"]),
        auth: auth.as_ref().map(Args::elements),
        address: text("address"),
        time: text("time"),
        issued: its["issued"].as_u64().unwrap_or_default(),
        secure: flag("secure"),
        xdomain: flag("xdomain"),
        url: text("url"),
    })
}

/// Names and texts of an object, numbers and the like as JSON has them.
fn pairs(object: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (name, value) in object.as_object().into_iter().flat_map(Map::iter) {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Binary(_)
            | Value::Object(_) => std::slice::from_ref(value),
        };
        for value in values {
            let text = match value.as_str() {
                Some(text) => text.to_owned(),
                None => value.to_string(),
            };
            all.push((name.to_owned(), text));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_several_times_is_a_list() {
        let pairs = [("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")];
        let shown = together(pairs.into_iter());
        assert_eq!(shown.to_string(), r#"{"a":["1","3","4"],"b":"2"}"#);
    }

    #[test]
    fn a_node_that_tells_of_more_headers_than_a_map_holds_is_heard() {
        let mut headers = Map::default();
        for number in 0..40_000 {
            headers.insert(format!("h{number}"), "x");
        }
        let mut told = Map::default();
        told.insert("headers", Value::Object(headers));
        told.insert("url", "/x");
        let shown = shown(&Value::Object(told));
        assert_eq!(shown.headers.get("h0"), Some("x"));
        assert_eq!(&*shown.url, "/x");
        assert!(shown.headers.iter().count() < 40_000);
        assert!(shown.request().headers.contains_key("h0"));
    }
}
