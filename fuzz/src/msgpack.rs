//! msgpack: values, and packets in it.

use std::sync::Arc;

use bytes::Bytes;
use sio_core::config::Config;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Eio, Opened, Session, TransportKind};
use sio_core::id::{Sid, SocketId};
use sio_core::msgpack;
use sio_core::packet::parser::Msgpack;
use sio_core::packet::{Args, Codec, Limits, Map, Part, Value};
use sio_core::socket;
use sio_core::time::Instant;

/// What is read can be written, and is read as the same. A packet that is accepted has the values that stand in it,
/// and whatever is accepted the usual way is accepted in msgpack, and is the same.
pub(crate) fn run(input: &[u8]) {
    let bytes = Bytes::copy_from_slice(input);
    let read = msgpack::read(&bytes, 200);
    if let Ok(value) = &read {
        let again = msgpack::read(&written(value), 200).expect("it was written here");
        assert_eq!(written(&again), written(value));
    }
    for revision in [Eio::V3, Eio::V4] {
        if let Some((_, _, args)) = heard(revision, bytes.clone())
            && let Ok(values) = args.values()
        {
            let read = read.as_ref().expect("a packet is a value");
            let data = read["data"].as_array().expect("an event has a list");
            assert_eq!(plain(&values), plain(data.get(1..).unwrap_or_default()));
        }
        super::events(revision, input, &Limits::default(), |id, name, args| {
            same(revision, id, name, args);
        });
    }
}

fn same(revision: Eio, id: Option<u64>, name: &str, args: &Args) {
    // Half a surrogate pair is no Rust string.
    let Ok(values) = args.values() else { return };
    let Ok(packet) = Codec::from(Msgpack).event("/", id, name, args) else {
        return;
    };
    let mut parts = packet.parts();
    let (Some(Part::Binary(message)), None) = (parts.next(), parts.next()) else {
        panic!("one message is one packet")
    };
    let (its, its_id, args) = heard(revision, message).expect("it was accepted once");
    assert_eq!((&*its, its_id), (name, id));
    assert_eq!(plain(&args.values().expect("text is text")), plain(&values));
}

fn written(value: &Value) -> Bytes {
    let mut out = Vec::new();
    msgpack::value(&mut out, value).expect("it has come in fewer bytes");
    out.into()
}

/// Values as msgpack and JSON both hold them: zero has no sign, and a number is a whole one or the nearest double.
fn plain(values: &[Value]) -> Vec<Value> {
    let plain = |value: &Value| match value {
        Value::Number(number) => {
            // The nearest double of what is no whole number may be one.
            let nearest = Value::from(number.as_f64());
            let whole = |value: &Value| {
                let positive = value.as_u64().map(Value::from);
                positive.or_else(|| value.as_i64().map(Value::from))
            };
            whole(value).or_else(|| whole(&nearest)).unwrap_or(nearest)
        }
        Value::Array(elements) => Value::Array(plain(elements)),
        Value::Object(members) => {
            let plain = |(name, value): (&str, &Value)| {
                let value = plain(std::slice::from_ref(value)).pop();
                (name.to_owned(), value.unwrap_or_default())
            };
            Value::Object(members.iter().map(plain).collect::<Map>())
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Binary(_) => value.clone(),
    };
    values.iter().map(plain).collect()
}

/// The event that a connection in `/` makes of a message.
fn heard(revision: Eio, message: Bytes) -> Option<(String, Option<u64>, Args)> {
    let now = Instant::ORIGIN;
    let config = Arc::new(Config::default().parser(Msgpack));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::<()>::new(now, session, config);
    if revision == Eio::V4 {
        connection.handle_ws(
            now,
            Bytes::from_static(b"\x82\xa4type\0\xa3nsp\xa1/").into(),
        );
    }
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = connection.poll_event(now)
    else {
        panic!("it asks")
    };
    let id = SocketId::from_random([9; 15]);
    assert!(connection.accept(now, ticket, &id).is_some());
    // Binary messages of revision 3 have a byte for their type.
    let message = match revision {
        Eio::V3 => [&[4][..], &message].concat().into(),
        Eio::V4 => message,
    };
    connection.handle_ws(now, message.into());
    match connection.poll_event(now)? {
        Event::Socket(socket::Event::Message {
            name, args, ack, ..
        }) => Some((name.into(), ack.map(|ack| ack.id()), args)),
        _ => None,
    }
}
