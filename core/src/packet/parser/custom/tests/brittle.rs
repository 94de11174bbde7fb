//! Parsers that panic, or do not write what has to be said.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Panics where it is told to: by a namespace or an event of that name.
struct Brittle;

/// Counts the decoders that were dropped.
static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl Parser for Brittle {
    fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
        let data = packet.data.as_ref();
        match (&*packet.namespace, packet.kind) {
            (
                "/panics",
                PacketType::Connect | PacketType::ConnectError | PacketType::Disconnect,
            ) => panic!("told to"),
            ("/refuses", PacketType::Connect | PacketType::ConnectError) => {
                Err(EncodeError::refused("told to"))
            }
            ("/nothing", PacketType::Connect) => Ok(Vec::new()),
            _ if data.is_some_and(|data| data[0].as_str() == Some("panics")) => panic!("told to"),
            _ => Json.encode(packet),
        }
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        struct Fragile;
        impl Decoder for Fragile {
            fn add(&mut self, message: Message, limits: &Limits) -> Result<Option<Raw>, Fault> {
                assert_ne!(message, Message::from("panics"));
                Json.decoder().add(message, limits)
            }
        }
        impl Drop for Fragile {
            fn drop(&mut self) {
                DROPPED.fetch_add(1, Ordering::Relaxed);
                panic!("told to")
            }
        }
        Box::new(Fragile)
    }
}

#[test]
fn a_panic_in_a_parser_ends_the_connection_it_was_called_for() {
    let codec = Codec::new(Brittle);
    let failed = codec.event("/", None, "panics", &()).unwrap_err();
    assert_eq!(failed, EncodeError::Panicked);
    assert_eq!(failed.to_string(), "the parser has panicked");

    let mut talk = Talk::v5(Brittle);
    let events = talk.say(r#"{"type":0,"nsp":"/"}"#);
    talk.admit(events);
    talk.say("panics");
    talk.sent();
    talk.events();
    assert_eq!(
        (talk.fault(), talk.closed),
        (Some(Fault::Panicked), Some(CloseReason::ForcedClose))
    );
    drop(talk);
    // Others are dropped by the tests beside this one.
    assert!(DROPPED.load(Ordering::Relaxed) >= 1);
}

#[test]
fn what_cannot_be_told_to_a_client_ends_its_connection() {
    for (namespace, why) in [
        ("/panics", EncodeError::Panicked),
        ("/refuses", EncodeError::refused("told to")),
        (
            "/nothing",
            EncodeError::refused("the parser wrote no message"),
        ),
    ] {
        for accepted in [true, false] {
            let mut talk = Talk::v5(Brittle);
            let events = talk.say(r#"{"type":0,"nsp":"/"}"#);
            talk.admit(events);
            let events = talk.say(format!(r#"{{"type":0,"nsp":"{namespace}"}}"#));
            let [Event::Connecting { ticket, .. }] = <[_; 1]>::try_from(events).unwrap() else {
                panic!("it asks")
            };
            if accepted {
                let id = SocketId::from_random([9; 15]);
                assert_eq!(talk.connection.accept(talk.now, ticket, &id), None);
            } else if namespace == "/nothing" {
                continue;
            } else {
                talk.connection
                    .reject(talk.now, ticket, &Refusal::new("no"));
            }
            talk.sent();
            let events = talk.events();
            assert_eq!(talk.closed, Some(CloseReason::ForcedClose));
            let details = talk.connection.details();
            assert_eq!(details, Some(Details::Unwritten(why.clone())));
            let left = events
                .iter()
                .filter(|it| matches!(it, Event::Disconnected { .. }));
            assert_eq!(left.count(), 1, "the other socket");
        }
    }
}

#[test]
fn a_client_that_cannot_be_told_to_leave_is_closed_and_its_acks_end() {
    struct Silent;
    impl Parser for Silent {
        fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
            if packet.kind == PacketType::Disconnect {
                return Err(EncodeError::refused("never"));
            }
            Json.encode(packet)
        }
        fn decoder(&self) -> Box<dyn Decoder> {
            Json.decoder()
        }
    }
    let mut talk = Talk::v5(Silent);
    let events = talk.say(r#"{"type":0,"nsp":"/"}"#);
    let socket = talk.admit(events);
    let codec = talk.connection.codec();
    let packet = codec.event("/", Some(4), "ask", &()).unwrap();
    let asked = talk
        .connection
        .request(talk.now, socket, 4, packet, Flags::default(), 77, None);
    assert_eq!(asked, Ok(()));
    talk.connection.disconnect(talk.now, socket);
    talk.sent();
    let events = talk.events();
    assert!(matches!(
        events[..],
        [
            Event::Disconnecting { .. },
            Event::Acked {
                token: 77,
                answer: Err(AckError::Disconnected),
                ..
            },
            Event::Disconnected {
                reason: DisconnectReason::ServerNamespaceDisconnect,
                ..
            },
        ]
    ));
    assert_eq!(talk.closed, Some(CloseReason::ForcedClose));
    let details = talk.connection.details();
    assert!(matches!(details, Some(Details::Unwritten(_))));
}
