//! The parser of `tests/servers/msgpack.rs`: every vector of `socketio_msgpack.json`, and properties.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use sio_core::config::Config;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Eio, Message, Opened, Session, TransportKind};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::Value;
use sio_core::packet::parser::{Fault, Limits, Packet, PacketType, Parser};
use sio_core::socket;
use sio_core::time::Instant;

use super::data::{frame, value};
use super::parser::Msgpack;

/// Answered otherwise on purpose, and why.
const OURS: &[(&str, &str)] = &[
    (
        "msgpack/decode/002",
        "clients of the 2.x line have types for packets with bytes",
    ),
    (
        "msgpack/decode/005",
        "an event has a name (socket.io-parser says so, too)",
    ),
    (
        "msgpack/decode/006",
        "clients cannot fire the server's own events (PROTOCOL.md §17)",
    ),
];

fn read(message: Message) -> Result<Option<Packet>, Fault> {
    Msgpack.decoder().add(message, &Limits::default())
}

fn write(packet: &Packet) -> Bytes {
    match <[Message; 1]>::try_from(Msgpack.encode(packet).unwrap()) {
        Ok([Message::Binary(bytes)]) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_vector_of_the_msgpack_parser() {
    let (mut written, mut decoded) = (0, 0);
    for vector in super::read("socketio_msgpack.json") {
        let id = vector["id"].as_str().unwrap();
        match vector["kind"].as_str().unwrap() {
            "encode" => encode(&vector),
            "decode" => {
                let ours = OURS.iter().any(|(its, _)| *its == id);
                let refused = vector["out"].get("error").is_some();
                let taken = is_taken(frame(&vector["in"]));
                assert_eq!(taken == refused, ours, "{id}: {}", vector["title"]);
                decoded += 1;
                continue;
            }
            other => panic!("{other}"),
        }
        written += 1;
    }
    assert_eq!((written, decoded), (13, 13));
}

/// What the package has written is read as what it was, and written again as long.
fn encode(vector: &Value) {
    let packet = &vector["in"]["packet"];
    let theirs = frame(&vector["out"]);
    let read = read(theirs.clone()).unwrap().unwrap();
    let kind = u8::try_from(packet["type"].as_u64().unwrap()).unwrap();
    assert_eq!(read.kind, PacketType::from_number(kind).unwrap());
    assert_eq!(Some(&*read.namespace), packet["nsp"].as_str());
    assert_eq!(read.id, packet["id"].as_u64());
    let Some(data) = packet
        .get("data")
        .map_or(Some(None), |data| value(data).map(Some))
    else {
        // `undefined` is no member.
        assert_eq!(read.data.unwrap().to_string(), r#"{"sid":"x"}"#);
        return;
    };
    assert_eq!(read.data, data);
    let ours = write(&read);
    let Message::Binary(theirs) = theirs else {
        panic!("text")
    };
    // Clients add a member that nobody reads.
    let more = if packet.get("options").is_some() {
        19
    } else {
        0
    };
    assert_eq!(ours.len() + more, theirs.len(), "{vector}");
    assert_eq!(self::read(ours.into()).unwrap(), Some(read));
}

/// Whether a connection that is in `/` takes this message for a packet.
fn is_taken(message: Message) -> bool {
    let now = Instant::ORIGIN;
    let config = Arc::new(Config::v4().parser(Msgpack));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V4,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::<()>::new(now, session, config);
    let mut send = |message: Message| {
        let frame = match message {
            Message::Text(text) => Message::Text(format!("4{text}").into()),
            Message::Binary(bytes) => Message::Binary(bytes),
        };
        connection.handle_ws(now, frame);
        match connection.poll_event(now) {
            Some(Event::Socket(socket::Event::Connecting { ticket, .. })) => {
                let id = SocketId::from_random([9; 15]);
                connection.accept(now, ticket, &id).is_some()
            }
            other => matches!(other, Some(Event::Socket(socket::Event::Message { .. }))),
        }
    };
    let connect = Packet {
        kind: PacketType::Connect,
        namespace: "/".to_owned(),
        id: None,
        data: None,
    };
    assert!(send(write(&connect).into()));
    send(message)
}

/// Values that msgpack and JavaScript have.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(|number| Value::from(number >> (number % 64))),
        any::<i64>().prop_map(|number| Value::from(number >> (number & 63))),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        (0..70_000_usize).prop_map(|size| Value::from("x".repeat(size))),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|it| Value::Binary(it.into())),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
            prop::collection::vec(("[a-z_]{0,3}", inner), 0..20)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_is_read(data in values(), id in any::<Option<u64>>()) {
        let packet = Packet {
            kind: PacketType::Event,
            namespace: "/x".to_owned(),
            id,
            data: Some(data),
        };
        let bytes = write(&packet);
        prop_assert_eq!(read(bytes.clone().into()).unwrap(), Some(packet));
        // No part of it is a packet.
        for end in 0..bytes.len().min(200) {
            prop_assert!(read(bytes.slice(..end).into()).is_err());
        }
    }

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(Bytes::from(bytes.clone()).into());
        let head = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data";
        if let Ok(Some(packet)) = read(Bytes::from([head, &bytes[..]].concat()).into()) {
            // Dates and numbers of 32 bits are not written as they came.
            let again = read(write(&packet).into()).unwrap();
            prop_assert_eq!(again, Some(packet));
        }
    }
}
