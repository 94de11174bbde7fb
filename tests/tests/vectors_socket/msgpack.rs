//! Packets in msgpack: every vector of `socketio_msgpack.json`.

use std::sync::Arc;

use bytes::Bytes;
use sio_core::config::Config;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Eio, Message, Opened, Session, TransportKind};
use sio_core::id::{Sid, SocketId};
use sio_core::msgpack;
use sio_core::packet::parser::Msgpack;
use sio_core::packet::{Args, Codec, Encoded, Value};
use sio_core::socket;
use sio_core::time::Instant;

use super::data::{frame, frames, value};

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

/// What the package has written is read as what it was, and we write it as long.
fn encode(vector: &Value) {
    let packet = &vector["in"]["packet"];
    let Message::Binary(theirs) = frame(&vector["out"]) else {
        panic!("text")
    };
    let read = msgpack::read(&theirs, 9).unwrap();
    for name in ["type", "nsp", "id"] {
        assert_eq!(read[name], packet[name], "{vector}");
    }
    let Some(data) = packet
        .get("data")
        .map_or(Some(None), |data| value(data).map(Some))
    else {
        // `undefined` is no member.
        assert_eq!(read["data"].to_string(), r#"{"sid":"x"}"#);
        return;
    };
    assert_eq!(read.get("data"), data.as_ref());
    let ours = as_we_write_it(&read);
    // Clients add a member that nobody reads.
    let more = if packet.get("options").is_some() {
        19
    } else {
        0
    };
    assert_eq!(ours.len() + more, theirs.len(), "{vector}");
    let again = msgpack::read(&ours, 9).unwrap();
    for name in ["type", "nsp", "id", "data"] {
        assert_eq!(again.get(name), read.get(name), "{vector}");
    }
    if read["type"].as_u64() == Some(2) {
        let (args, data) = (event(theirs), read["data"].as_array().unwrap());
        assert_eq!(args.unwrap().values().unwrap(), data[1..]);
    }
}

/// The same packet, from what makes each kind of them.
fn as_we_write_it(packet: &Value) -> Bytes {
    let codec = Codec::from(Msgpack);
    let namespace = packet["nsp"].as_str().unwrap();
    let (id, data) = (packet["id"].as_u64(), packet.get("data"));
    let list = || packet["data"].as_array().unwrap();
    let written = match packet["type"].as_u64().unwrap() {
        0 => match packet["data"]["sid"].as_str() {
            Some(sid) => codec.connected(namespace, sid),
            None => codec.connect(namespace, data),
        },
        1 => codec.disconnect(namespace),
        2 => {
            let name = list()[0].as_str().unwrap();
            codec.event(
                namespace,
                id,
                name,
                &Args::from_values(&list()[1..]).unwrap(),
            )
        }
        3 => codec.ack(namespace, id.unwrap(), &Args::from_values(list()).unwrap()),
        4 => {
            let message = packet["data"]["message"].as_str().unwrap();
            codec.connect_error(namespace, message, None)
        }
        other => panic!("{other}"),
    };
    match &frames(&written.unwrap())[..] {
        [Message::Binary(bytes)] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

fn connected(codec: Codec) -> Connection<()> {
    let now = Instant::ORIGIN;
    let connect: Encoded = codec.connect("/", None).unwrap();
    let config = Arc::new(Config::v4().parser(codec));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V4,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::new(now, session, config);
    for message in frames(&connect) {
        connection.handle_ws(now, message);
    }
    match connection.poll_event(now) {
        Some(Event::Socket(socket::Event::Connecting { ticket, .. })) => {
            let id = SocketId::from_random([9; 15]);
            assert!(connection.accept(now, ticket, &id).is_some());
        }
        other => panic!("{other:?}"),
    }
    connection
}

/// Whether a connection that is in `/` takes this message for a packet.
fn is_taken(message: Message) -> bool {
    let now = Instant::ORIGIN;
    let mut connection = connected(Msgpack.into());
    let frame = match message {
        Message::Text(text) => Message::Text(format!("4{text}").into()),
        Message::Binary(bytes) => Message::Binary(bytes),
    };
    connection.handle_ws(now, frame);
    matches!(
        connection.poll_event(now),
        Some(Event::Socket(socket::Event::Message { .. }))
    )
}

/// The arguments of the event that it is to a connection that is in `/`.
fn event(message: Bytes) -> Option<Args> {
    let now = Instant::ORIGIN;
    let mut connection = connected(Msgpack.into());
    connection.handle_ws(now, Message::Binary(message));
    match connection.poll_event(now)? {
        Event::Socket(socket::Event::Message { args, .. }) => Some(args),
        _ => None,
    }
}
