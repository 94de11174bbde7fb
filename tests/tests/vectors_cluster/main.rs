//! Every vector of `cluster_redis.json`: what servers and emitters of the JavaScript packages write to Redis.
//!
//! Each is read, compared with its meaning, written again, and read again; where that gives other bytes than the
//! package wrote, the vector stands in [`OTHER_BYTES`] with the reason. What is odd is counted and nothing else.

mod meaning;
mod odd;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use sio_cluster::Limits;
use sio_cluster::codec::classic::{self, Author, Place};
use sio_cluster::codec::streams::{self, Entry};
use sio_cluster::codec::{Context, EncodeError, Odd, Received, cluster, v2};
use sio_cluster::id::Uid;

/// Why some are not written to the byte as the packages have them. All are read as what they mean.
const OTHER_BYTES: &[(&str, &str)] = &[
    ("redis8/broadcast/015", VALUES),
    ("redis8/broadcast/016", VALUES),
    ("redis8/broadcast/019", ROOM),
    ("redis8/broadcast_ack/001", JSON),
    ("redis8/broadcast_ack/002", JSON),
    ("redis8/broadcast_ack/003", JSON),
    ("redis8/broadcast_ack/004", JSON),
    ("redis8/broadcast_ack/005", JSON),
    ("redis8/broadcast_ack/006", JSON),
    ("redis8/broadcast_ack/008", JSON),
    ("redis8/fetch_response/001", ROOM),
    ("redis8/fetch_response/002", ROOM),
    ("redis8/fetch_response/003", ROOM),
    ("redis8/all_rooms_response/001", ROOM),
    ("redis8/fetch_response/004", ROOM),
    ("redis8/broadcast_ack/009", JSON),
    ("redis8-specific/broadcast_ack/001", JSON),
    ("redis8-specific/fetch_response/001", ROOM),
    ("redis8-specific/all_rooms_response/001", ROOM),
    ("redis7/broadcast/001", EXT),
    ("redis7/broadcast/002", VALUES),
    ("redis7/broadcast/003", VALUES),
    ("redis7/broadcast_ack/001", JSON),
    ("redis7/client_ack/001", VALUES),
    ("redis7/client_ack/002", VALUES),
    ("redis7/broadcast_ack/002", JSON),
    ("redis7/all_rooms_response/001", ROOM),
    ("redis6/broadcast/004", EXT),
    ("redis6/broadcast/005", EXT),
    ("redis6/broadcast/007", VALUES),
    ("redis6/broadcast/008", VALUES),
    ("redis6/fetch_response/001", ROOM),
    ("redis6/all_rooms_response/001", ROOM),
    ("redis5/broadcast/004", FLAGS),
    ("redis5/broadcast/008", FLAGS),
    ("redis5/broadcast/009", FLAGS),
    ("redis5/broadcast/011", KIND),
    ("redis5/broadcast/012", VALUES),
    ("redis5/broadcast/013", ROOM),
    ("redis5/broadcast/019", FLAGS),
    ("redis5/broadcast/022", KIND),
    ("emitter5/broadcast/006", ORDER),
    ("emitter5/broadcast/008", VALUES),
    ("sharded/broadcast/019", ROOM),
    ("sharded/fetch_response/001", ROOM),
    ("sharded/fetch_response/002", ROOM),
    ("sharded/fetch_response/003", ROOM),
    ("sharded/fetch_response/004", ROOM),
    ("sharded-private/broadcast/003", ROOM),
    ("streams/broadcast/013", BUFFER),
    ("streams/broadcast/019", ROOM),
    ("streams/fetch_response/001", ROOM),
    ("streams/fetch_response/002", ROOM),
    ("streams/fetch_response/003", ROOM),
    ("streams/fetch_response/004", ROOM),
    ("streams-sharded/fetch_response/001", ROOM),
    ("streams-recovery/broadcast/003", ID),
    ("streams02/fetch_response/001", ROOM),
];

const ROOM: &str = "rooms are text, and a name that was a number is written as such";
const JSON: &str = "in JSON, for a server of 6.x throws at anything else there";
const VALUES: &str = "dates, `undefined` and numbers that JSON has not become what clients see";
const EXT: &str = "bytes are written as bytes";
const KIND: &str = "a packet with bytes says so, and bytes are bytes";
const FLAGS: &str = "flags that mean nothing to a receiver are not passed on";
const ORDER: &str = "flags are written in one order, not in that of the calls";
const BUFFER: &str = "no bytes are an empty map here: the package lost them";
const ID: &str = "an ack id of one client means nothing to others";

/// Which of the wires a family speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wire {
    Classic,
    V2,
    Sharded,
    Streams,
}

impl Wire {
    fn of(family: &str) -> Self {
        match family {
            "redis5" => Self::V2,
            "emitter5" | "redis6" | "redis7" | "redis8" | "redis8-specific" => Self::Classic,
            "sharded" | "sharded-static" | "sharded-private" => Self::Sharded,
            "streams" | "streams-sharded" | "streams-multi" | "streams-recovery" | "streams02" => {
                Self::Streams
            }
            other => panic!("{other}"),
        }
    }
}

/// A vector, and what is known of it before it is looked at.
struct Vector<'a> {
    id: &'a str,
    kind: &'a str,
    wire: Wire,
    out: &'a Value,
    bytes: Bytes,
    channel: &'a str,
    namespace: String,
}

impl<'a> Vector<'a> {
    fn new(vector: &'a Value) -> Self {
        let id = vector["id"].as_str().unwrap();
        let out = &vector["out"];
        let channel = out["channel"].as_str().unwrap();
        let bytes = out["bytes"].as_str().unwrap_or_default();
        // The odd ones are all for a server whose namespace is this.
        let namespace = out["meaning"]["nsp"].as_str().unwrap_or("/");
        Self {
            id,
            kind: vector["kind"].as_str().unwrap(),
            wire: Wire::of(id.split('/').next().unwrap()),
            out,
            bytes: STANDARD.decode(bytes).unwrap().into(),
            channel,
            namespace: namespace.to_owned(),
        }
    }

    fn place(&self) -> Place {
        match self.channel.split_once('#').unwrap().0 {
            key if key.ends_with("-request") => Place::Requests,
            key if key.ends_with("-response") => Place::Answers,
            _ => Place::Broadcasts,
        }
    }

    fn is_entry(&self) -> bool {
        self.out["command"] == "XADD"
    }

    fn entry(&self) -> Entry {
        let fields = self.out["fields"].as_array().unwrap();
        let text = |value: &Value| Bytes::from(value.as_str().unwrap().to_owned());
        Entry::from_fields(
            fields
                .iter()
                .map(|field| (text(&field[0]), text(&field[1]))),
        )
    }

    fn decode(&self) -> Result<Option<Received>, Odd> {
        self.decode_this(&self.bytes, self.is_entry().then(|| self.entry()))
    }

    fn decode_this(&self, bytes: &Bytes, entry: Option<Entry>) -> Result<Option<Received>, Odd> {
        let limits = Limits::default();
        let of = Context {
            namespace: &self.namespace,
            limits: &limits,
        };
        match (self.wire, entry) {
            (Wire::Classic, _) => classic::decode(self.place(), bytes, of),
            (Wire::V2, _) => v2::decode(self.place(), bytes, of),
            (Wire::Streams, Some(entry)) => streams::decode(&entry, of),
            (Wire::Sharded | Wire::Streams, _) => cluster::decode(bytes, of),
        }
    }

    /// What was read, written again.
    fn encode(&self, received: &Received) -> Result<(Bytes, Option<Entry>), EncodeError> {
        // Older lines do not sign their requests, nor does an emitter.
        let nobody = Uid::emitter();
        let by = Author {
            uid: received.from.as_ref().unwrap_or(&nobody),
            namespace: &self.namespace,
            to_ours: false,
        };
        let message = &received.message;
        let to_place = |written: Result<(Place, Bytes), _>| {
            let (place, bytes) = written?;
            assert_eq!(place, self.place(), "{}", self.id);
            Ok((bytes, None))
        };
        match self.wire {
            Wire::Classic => to_place(classic::encode(message, by)),
            Wire::V2 => to_place(v2::encode(message, by)),
            Wire::Sharded => Ok((cluster::encode(message, by)?, None)),
            Wire::Streams if self.is_entry() => {
                let entry = streams::encode(message, by)?;
                Ok((entry.data.clone().unwrap_or_default(), Some(entry)))
            }
            Wire::Streams => Ok((cluster::encode_msgpack(message, by)?, None)),
        }
    }
}

fn file() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/cluster_redis.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_vector_of_the_cluster() {
    let file = file();
    let vectors = file["vectors"].as_array().unwrap();
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut other = Vec::new();
    for vector in vectors {
        let vector = Vector::new(vector);
        let what = match vector.kind {
            "odd" => "odd",
            "session_persist" => "session",
            _ => "message",
        };
        *counts.entry(what).or_default() += 1;
        match what {
            "odd" => odd::check(&vector),
            "session" => session(&vector),
            _ => other.extend(message(&vector)),
        }
    }
    let expected = [("message", 471), ("odd", 93), ("session", 3)];
    assert_eq!(counts, BTreeMap::from(expected));
    let named: Vec<&str> = OTHER_BYTES.iter().map(|(id, _)| *id).collect();
    assert_eq!(other, named);
}

/// Its name, if it is written with other bytes than the package has.
fn message<'a>(vector: &Vector<'a>) -> Option<&'a str> {
    let id = vector.id;
    let received = vector.decode().unwrap_or_else(|why| panic!("{id}: {why}"));
    let received = received.unwrap_or_else(|| panic!("{id}: for another namespace"));
    let means = meaning::of(&received);
    let expected = meaning::expected(&vector.out["meaning"]);
    assert_eq!(means, expected, "{id}");
    let ops = meaning::ops(&received.message);
    let op = vector.out["meaning"]["op"].as_str().unwrap();
    assert!(ops.contains(&op), "{id}: {op} is read as {ops:?}");
    let (bytes, entry) = vector
        .encode(&received)
        .unwrap_or_else(|why| panic!("{id}: {why}"));
    let same = bytes == vector.bytes && entry.as_ref().is_none_or(|it| *it == vector.entry());
    let again = vector.decode_this(&bytes, entry).unwrap().unwrap();
    assert_eq!(again, received, "{id}");
    (!same).then_some(id)
}

fn session(vector: &Vector<'_>) {
    let session = streams::decode_session(&vector.bytes, &Limits::default()).unwrap();
    let means = &vector.out["meaning"];
    assert_eq!(means["sid"], *session.sid);
    assert_eq!(means["pid"], *session.pid);
    assert_eq!(means["rooms"], serde_json::json!(session.rooms));
    assert_eq!(means["data"], session.data.get::<Value>(0).unwrap());
    assert_eq!(streams::encode_session(&session).unwrap(), vector.bytes);
    assert!(!format!("{session:?}").contains(&session.pid));
}

/// Which stream a namespace goes to, where there are several.
#[test]
fn the_stream_of_a_namespace() {
    let file = file();
    let vectors = file["vectors"].as_array().unwrap().iter().map(Vector::new);
    let multi: Vec<_> = vectors
        .filter(|it| it.id.starts_with("streams-multi/"))
        .collect();
    assert_eq!(multi.len(), 11);
    for vector in multi {
        let stream = streams::stream("socket.io", 3, &vector.namespace);
        assert_eq!(stream.as_deref(), Ok(vector.channel), "{}", vector.id);
    }
    // Where no server reads, nothing is written.
    for namespace in ["/notifications", "/dashboard"] {
        let refused = streams::stream("socket.io", 3, namespace);
        assert_eq!(refused, Err(EncodeError::Unread(namespace.to_owned())));
        assert_eq!(
            streams::stream("socket.io", 1, namespace).as_deref(),
            Ok("socket.io")
        );
    }
}
