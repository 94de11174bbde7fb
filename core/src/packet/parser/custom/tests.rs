//! Conversations by parsers of the application's own.

mod brittle;
mod pieces;
mod values;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::connection::{self, Connection};
use crate::details::Details;
use crate::engine::{CloseReason, Flags, Opened, Session, WsOut};
use crate::id::{RequestId, Sid, SocketId};
use crate::message::{Message, Part};
use crate::packet::parser::{Packet as Raw, Parser};
use crate::packet::{Args, EncodeError, Map, PacketType, Value};
use crate::protocol::{Eio, TransportKind};
use crate::socket::{AckError, DisconnectReason, Event, Refusal, SocketKey};
use crate::time::Instant;

/// JSON text, bytes as lists of numbers.
struct Json;

fn write(packet: &Raw) -> Result<String, EncodeError> {
    serde_json::to_string(packet).map_err(EncodeError::refused)
}

fn read(text: &str) -> Result<Option<Raw>, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Payload)
}

impl Parser for Json {
    fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
        Ok(vec![write(packet)?.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Limits| match message {
            Message::Text(text) => read(&text),
            Message::Binary(_) => Err(Fault::UnexpectedBinary),
        })
    }
}

/// A client by WebSocket and its connection.
struct Talk {
    connection: Connection<u8>,
    now: Instant,
    /// Why it has ended.
    closed: Option<CloseReason>,
}

impl Talk {
    fn opened(opened: Opened, config: Config) -> Self {
        let now = Instant::ORIGIN;
        let config = Arc::new(config);
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        Self {
            connection: Connection::new(now, session, config),
            now,
            closed: None,
        }
    }

    /// A client by WebSocket.
    fn new(revision: Eio, config: Config) -> Self {
        let opened = Opened {
            transport: TransportKind::WebSocket,
            revision,
            base64: false,
        };
        let mut talk = Self::opened(opened, config);
        let open = talk.sent();
        assert!(matches!(&open[..], [Part::Text(text)] if text.starts_with(b"0{")));
        talk
    }

    fn v5(parser: impl Parser + 'static) -> Self {
        let config = Config::default().parser(parser);
        Self::new(Eio::V4, config)
    }

    fn v4(parser: impl Parser + 'static) -> Self {
        let config = Config::default().parser(parser);
        Self::new(Eio::V3, config)
    }

    fn say(&mut self, message: impl Into<Message>) -> Vec<Event<u8>> {
        self.connection.handle_ws(
            self.now,
            match (message.into(), self.connection.session().revision()) {
                (Message::Text(text), _) => Message::Text(format!("4{text}").into()),
                (Message::Binary(bytes), Eio::V3) => {
                    Message::Binary([&[4], &bytes[..]].concat().into())
                }
                (Message::Binary(bytes), Eio::V4) => Message::Binary(bytes),
            },
        );
        self.events()
    }

    fn events(&mut self) -> Vec<Event<u8>> {
        let mut events = Vec::new();
        while let Some(event) = self.connection.poll_event(self.now) {
            match event {
                connection::Event::Socket(event) => events.push(event),
                connection::Event::Upgraded => {}
                connection::Event::Closed { reason, details } => {
                    assert_eq!(details, self.connection.details());
                    self.closed = Some(reason);
                }
            }
        }
        events
    }

    fn sent(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        while let Some(out) = self.connection.poll_ws() {
            match out {
                WsOut::Frame { part, .. } => parts.push(part),
                WsOut::Close(_) => break,
            }
        }
        self.connection.handle_ws_flushed(self.now);
        parts
    }

    fn texts(&mut self) -> Vec<String> {
        let texts = self.sent().into_iter().map(|part| match part {
            Part::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            Part::Binary(bytes) => panic!("{bytes:?}"),
        });
        texts.collect()
    }

    /// What was no packet.
    fn fault(&self) -> Option<Fault> {
        let details = self.connection.details()?;
        let Details::Malformed(fault) = details else {
            panic!("{details:?}");
        };
        Some(fault)
    }

    /// Lets the client into what it asks for.
    fn admit(&mut self, events: Vec<Event<u8>>) -> SocketKey {
        let [Event::Connecting { ticket, .. }] = <[_; 1]>::try_from(events).unwrap() else {
            panic!("nobody asks")
        };
        let id = SocketId::from_random([9; 15]);
        self.connection.accept(self.now, ticket, &id).unwrap()
    }
}

#[test]
fn everything_goes_through_the_parser_in_revision_5() {
    let codec = Codec::new(Json);
    let mut talk = Talk::new(Eio::V4, Config::default().parser(codec.clone()));
    let events = talk.say(r#"{"type":0,"nsp":"/","data":{"token":"x"}}"#);
    assert!(
        matches!(&events[..], [Event::Connecting { auth: Some(auth), .. }] if auth == r#"{"token":"x"}"#)
    );
    let socket = talk.admit(events);
    assert_eq!(
        talk.texts(),
        [r#"4{"type":0,"nsp":"/","data":{"sid":"CQkJCQkJCQkJCQkJCQkJ"}}"#]
    );
    // An event with ack, and its answer.
    let events =
        talk.say(r#"{"type":2,"nsp":"/","id":7,"data":["add",1,{"a":"\u0041"}],"options":{}}"#);
    let [
        Event::Message {
            name,
            args,
            ack: Some(ack),
            ..
        },
    ] = <[_; 1]>::try_from(events).unwrap()
    else {
        panic!("it says something")
    };
    assert_eq!((&*name, args.elements()), ("add", r#"1,{"a":"A"}"#));
    let packet = codec.ack("/", ack.id(), &(2, "x")).unwrap();
    let _ = talk.connection.respond(talk.now, ack, packet);
    assert_eq!(
        talk.texts(),
        [r#"4{"type":3,"nsp":"/","id":7,"data":[2,"x"]}"#]
    );
    // A question, and its answer.
    let packet = codec.event("/", Some(4), "ask", &"why").unwrap();
    let flags = Flags::default();
    let asked = talk
        .connection
        .request(talk.now, socket, 4, packet, flags, 77, None);
    assert_eq!(asked, Ok(()));
    assert_eq!(
        talk.texts(),
        [r#"4{"type":2,"nsp":"/","id":4,"data":["ask","why"]}"#]
    );
    let events = talk.say(r#"{"type":3,"nsp":"/","id":4,"data":["because"]}"#);
    assert!(
        matches!(&events[..], [Event::Acked { token: 77, answer: Ok(args), .. }] if args.elements() == r#""because""#)
    );
    // Another namespace: refused, joined, left by either side.
    let events = talk.say(r#"{"type":0,"nsp":"/x"}"#);
    let [Event::Connecting { ticket, .. }] = <[_; 1]>::try_from(events).unwrap() else {
        panic!("it asks")
    };
    let refusal = Refusal::new("no").data(5);
    talk.connection.reject(talk.now, ticket, &refusal);
    assert_eq!(
        talk.texts(),
        [r#"4{"type":4,"nsp":"/x","data":{"message":"no","data":5}}"#]
    );
    let events = talk.say(r#"{"type":0,"nsp":"/x"}"#);
    talk.admit(events);
    talk.texts();
    let events = talk.say(r#"{"type":1,"nsp":"/x"}"#);
    assert!(matches!(
        &events[..],
        [
            Event::Disconnecting { .. },
            Event::Disconnected {
                reason: DisconnectReason::ClientNamespaceDisconnect,
                ..
            }
        ]
    ));
    talk.connection.disconnect(talk.now, socket);
    assert_eq!(talk.texts(), [r#"4{"type":1,"nsp":"/"}"#]);
    assert_eq!(talk.events().len(), 2);
}

#[test]
fn everything_goes_through_the_parser_in_revision_4() {
    let mut talk = Talk::v4(Json);
    let events = talk.events();
    let socket = talk.admit(events);
    assert_eq!(talk.texts(), [r#"4{"type":0,"nsp":"/"}"#]);
    let events = talk.say(r#"{"type":0,"nsp":"/chat?token=a&x=1","query":"token=a&x=1"}"#);
    assert!(
        matches!(&events[..], [Event::Connecting { namespace, query: Some(query), .. }] if namespace == "/chat" && query == "token=a&x=1")
    );
    let [Event::Connecting { ticket, .. }] = <[_; 1]>::try_from(events).unwrap() else {
        panic!("it asks")
    };
    talk.connection
        .reject(talk.now, ticket, &Refusal::new("no"));
    let long = format!(r#"{{"type":0,"nsp":"/a?{}"}}"#, "q".repeat(1000));
    for (asked, refusal, said) in [
        (
            r#"{"type":0,"nsp":"/nowhere"}"#,
            Refusal::invalid_namespace(),
            r#"4{"type":4,"nsp":"/nowhere","data":"Invalid namespace"}"#,
        ),
        (
            &*long,
            Refusal::new("no").data(false),
            r#"4{"type":4,"nsp":"/a","data":false}"#,
        ),
    ] {
        let events = talk.say(asked);
        let [Event::Connecting { ticket, .. }] = <[_; 1]>::try_from(events).unwrap() else {
            panic!("it asks")
        };
        talk.sent();
        talk.connection.reject(talk.now, ticket, &refusal);
        assert_eq!(talk.texts(), [said]);
    }
    // Its kinds with attachments are the usual ones, if nothing is announced.
    let events = talk.say(r#"{"type":5,"nsp":"/","data":["x",[1]]}"#);
    assert!(matches!(&events[..], [Event::Message { name, .. }] if name == "x"));
    let events = talk.say(r#"{"type":4,"nsp":"/","data":"broken"}"#);
    assert!(
        matches!(&events[..], [Event::Error { payload: Some(payload), .. }] if payload == "\"broken\"")
    );
    let codec = talk.connection.codec();
    let packet = codec.error("/", "refused", None).unwrap();
    let _ = talk
        .connection
        .deliver(talk.now, socket, packet, Flags::default());
    assert_eq!(talk.texts(), [r#"4{"type":4,"nsp":"/","data":"refused"}"#]);
}

#[test]
fn what_is_no_packet_ends_the_connection_as_it_does_without_a_parser() {
    let deep = |levels: usize| {
        format!(
            r#"{{"type":2,"nsp":"/","data":["x",{}{}]}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    let event = |data: &str| format!(r#"{{"type":2,"nsp":"/","data":{data}}}"#);
    let arguments = |count: usize| event(&format!(r#"["x"{}]"#, ",1".repeat(count)));
    let named = |bytes: usize| event(&format!(r#"["{}"]"#, "n".repeat(bytes)));
    let config = || Config {
        max_json_depth: 100,
        max_arguments: 3,
        ..Config::default().parser(Json)
    };
    for (text, fault) in [
        ("{".to_owned(), Fault::Payload),
        (r#"{"type":9,"nsp":"/"}"#.to_owned(), Fault::Payload),
        (event(r#"["connect"]"#), Fault::Reserved),
        (event("[]"), Fault::Payload),
        (event("[[1]]"), Fault::Payload),
        (event("[null]"), Fault::Payload),
        (event("5"), Fault::Payload),
        (event("{}"), Fault::Payload),
        (named(1025), Fault::Name),
        (arguments(4), Fault::Arguments),
        (deep(101), Fault::Depth),
        (
            r#"{"type":2,"nsp":"/","id":9007199254740992,"data":["x"]}"#.to_owned(),
            Fault::AckId,
        ),
        (
            r#"{"type":2,"nsp":"/","id":18446744073709551615,"data":["x"]}"#.to_owned(),
            Fault::AckId,
        ),
        (
            format!(r#"{{"type":2,"nsp":"/{}","data":["x"]}}"#, "n".repeat(256)),
            Fault::Namespace,
        ),
        (
            format!(r#"{{"type":0,"nsp":"/?{}"}}"#, "n".repeat(256)),
            Fault::Namespace,
        ),
        (
            r#"{"type":3,"nsp":"/","id":1,"data":"x"}"#.to_owned(),
            Fault::Payload,
        ),
        (
            r#"{"type":3,"nsp":"/","id":1,"data":{}}"#.to_owned(),
            Fault::Payload,
        ),
        (
            r#"{"type":0,"nsp":"/x","data":[]}"#.to_owned(),
            Fault::Payload,
        ),
        (
            r#"{"type":1,"nsp":"/","data":{}}"#.to_owned(),
            Fault::Payload,
        ),
        (
            r#"{"type":4,"nsp":"/","data":5}"#.to_owned(),
            Fault::Payload,
        ),
    ] {
        let mut talk = Talk::new(Eio::V4, config());
        let events = talk.say(r#"{"type":0,"nsp":"/"}"#);
        talk.admit(events);
        talk.sent();
        talk.say(&*text);
        talk.sent();
        talk.events();
        assert_eq!(
            (talk.fault(), talk.closed),
            (Some(fault), Some(CloseReason::ForcedClose)),
            "{text}"
        );
    }
    let mut talk = Talk::new(Eio::V4, config());
    let events = talk.say(r#"{"type":0,"nsp":"/"}"#);
    talk.admit(events);
    for text in [
        named(1024),
        arguments(3),
        deep(100),
        event("[12,1]"),
        r#"{"type":2,"nsp":"/","id":9007199254740991,"data":["x"]}"#.to_owned(),
    ] {
        assert!(
            matches!(&talk.say(&*text)[..], [Event::Message { .. }]),
            "{text}"
        );
    }
}

#[test]
fn reserved_names_and_arguments_are_refused_as_without_a_parser() {
    for codec in [Codec::BUILT_IN, Codec::new(Json)] {
        let reserved = codec.event("/", None, "disconnect", &()).unwrap_err();
        assert_eq!(reserved, EncodeError::Reserved("disconnect".into()));
        let mut deep = Value::Null;
        for _ in 0..513 {
            deep = Value::Array(vec![deep]);
        }
        for refused in [
            codec.event("/", None, "x", &(&deep,)),
            codec.ack("/", 1, &(&deep,)),
        ] {
            assert!(matches!(refused, Err(EncodeError::Refused(_))));
        }
    }
    assert!(Codec::new(Json).is_built_in() != Codec::default().is_built_in());
    let one = Codec::new(Json);
    assert!(one.is(&one.clone()) && !one.is(&Codec::new(Json)) && !one.is(&Codec::BUILT_IN));
    assert!(Codec::BUILT_IN.is(&Codec::default()));
    let args = Args::from_json(r#"["\ud800"]"#, Vec::new()).unwrap();
    assert!(matches!(
        one.event("/", None, "x", &args),
        Err(EncodeError::Refused(_))
    ));
}

/// Values whose text is the same however they travel.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Binary(bytes.into())),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What a parser has read is, to the byte, what the built-in decoder reads of the same packet.
    #[test]
    fn it_is_what_the_built_in_decoder_reads(
        args in prop::collection::vec(values(), 0..5),
        name in any::<String>(),
        id in prop::option::of(0..=9_007_199_254_740_991u64),
        is_ack in any::<bool>(),
        namespace in "/[^,?]{0,9}",
        revision in prop_oneof![Just(Eio::V3), Just(Eio::V4)],
    ) {
        let limits = Limits { attachments: usize::MAX, ..Limits::default() };
        let name = format!("x{name}");
        let arguments = args
            .iter()
            .map(|value| Args::from_arguments(&(value,)).unwrap());
        let mut data: Vec<_> = arguments.map(|args| args.get::<Value>(0).unwrap()).collect();
        prop_assert_eq!(&data, &args);
        let packet = match is_ack {
            true => crate::packet::ack(&namespace, id.unwrap_or(0), &Many(&args)).unwrap(),
            false => crate::packet::event(&namespace, id, &name, &Many(&args)).unwrap(),
        };
        let mut decoder = crate::packet::Decoder::new(revision.protocol());
        let mut built_in = None;
        for part in packet.parts() {
            built_in = match part {
                Part::Text(text) => decoder.text(ByteString::try_from(text.slice(1..)).unwrap(), &limits),
                Part::Binary(bytes) => decoder.binary(bytes, &limits),
            }
            .unwrap();
        }
        if !is_ack {
            data.insert(0, name.into());
        }
        let own = checked(
            Raw {
                kind: if is_ack { PacketType::Ack } else { PacketType::Event },
                namespace,
                id: if is_ack { id.or(Some(0)) } else { id },
                data: Some(data.into()),
            },
            revision.protocol(),
            &limits,
        );
        prop_assert_eq!(built_in, Some(own.unwrap()));
    }
}

/// Each value as an argument of its own.
struct Many<'a>(&'a [Value]);

impl serde::Serialize for Many<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple;
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in self.0 {
            tuple.serialize_element(value)?;
        }
        tuple.end()
    }
}
