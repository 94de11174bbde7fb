//! Packets that are several messages, in both directions.

use super::*;
use crate::message::{Encoded, Mark};

/// Each packet as binary, text and binary: its length, its JSON, and its bytes one after the other.
struct Pieces;

impl Parser for Pieces {
    fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
        let json = write(packet)?;
        let length = u32::try_from(json.len()).map_err(EncodeError::refused)?;
        Ok(vec![
            Bytes::copy_from_slice(&length.to_be_bytes()).into(),
            json.into(),
            Bytes::from_static(b"end").into(),
        ])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        struct Waiting(Option<Raw>);
        impl Decoder for Waiting {
            fn add(&mut self, message: Message, _: &Limits) -> Result<Option<Raw>, Fault> {
                match (self.0.take(), message) {
                    (None, Message::Binary(_)) => Ok(None),
                    (None, Message::Text(text)) => {
                        self.0 = read(&text)?;
                        Ok(None)
                    }
                    (whole @ Some(_), Message::Binary(end)) if end == "end" => Ok(whole),
                    (waiting @ Some(_), Message::Binary(_)) => {
                        self.0 = waiting;
                        Ok(None)
                    }
                    (Some(_), Message::Text(_)) => Err(Fault::UnexpectedText),
                }
            }
        }
        Box::new(Waiting(None))
    }
}

/// A connection whose packets come in pieces, in `/`.
fn in_pieces() -> Talk {
    let config = Config {
        max_attachments: 3,
        max_binary_packet: 50,
        ..Config::default().parser(Pieces)
    };
    let mut talk = Talk::new(Eio::V4, config);
    assert!(talk.say(LENGTH).is_empty());
    assert!(talk.say(r#"{"type":0,"nsp":"/"}"#).is_empty());
    let events = talk.say(END);
    talk.admit(events);
    let sent = talk.sent();
    assert!(
        matches!(&sent[..], [Part::Binary(_), Part::Text(_), Part::Binary(end)] if *end == END)
    );
    talk
}

const LENGTH: Bytes = Bytes::from_static(b"\0\0\0\x14");
const MORE: Bytes = Bytes::from_static(b"more");
const END: Bytes = Bytes::from_static(b"end");
const EVENT: &str = r#"{"type":2,"nsp":"/","data":["x"]}"#;

#[test]
fn a_packet_in_pieces_may_have_as_many_as_one_has_attachments() {
    let mut talk = in_pieces();
    for _ in 0..2 {
        assert!(talk.say(LENGTH).is_empty());
        assert!(talk.say(EVENT).is_empty());
        assert!(talk.say(MORE).is_empty());
        assert!(matches!(talk.say(END)[..], [Event::Message { .. }]));
    }
    assert!(talk.say(LENGTH).is_empty());
    assert!(talk.say(EVENT).is_empty());
    for _ in 0..2 {
        assert!(talk.say(MORE).is_empty());
    }
    talk.say(END);
    assert_eq!(talk.fault(), Some(Fault::TooManyAttachments));
}

#[test]
fn a_packet_in_pieces_may_be_as_large_as_attachments() {
    let wait = |size: usize| {
        let mut talk = in_pieces();
        assert!(talk.say(LENGTH).is_empty());
        assert!(talk.say(EVENT).is_empty());
        talk.say(Bytes::from(vec![0; size]));
        talk.fault()
    };
    let left = 50 - EVENT.len();
    assert_eq!(wait(left), None);
    assert_eq!(wait(left + 1), Some(Fault::TooManyAttachments));
}

#[test]
fn a_packet_in_pieces_has_to_come_in_time() {
    let mut talk = in_pieces();
    talk.say(LENGTH);
    let begun = talk.now;
    talk.now += Duration::from_secs(20);
    talk.connection.handle_timeout(talk.now);
    talk.say(EVENT);
    talk.connection
        .handle_ws(talk.now, Message::Text("3".into()));
    let due = talk.connection.poll_timeout().unwrap();
    assert_eq!(due.at, begun + Duration::from_secs(25), "a ping");
    for secs in [25, 50, 60] {
        talk.events();
        assert_eq!(talk.closed, None);
        talk.now = begun + Duration::from_secs(secs);
        talk.connection.handle_timeout(talk.now);
        talk.sent();
        talk.connection
            .handle_ws(talk.now, Message::Text("3".into()));
    }
    talk.events();
    assert_eq!(talk.closed, Some(CloseReason::ForcedClose));
}

#[test]
fn its_messages_leave_as_they_are_and_together_on_every_transport() {
    let packet = Codec::new(Pieces).event("/", None, "x", &()).unwrap();
    assert_eq!(
        (packet.packets(), packet.size()),
        (3, 4 + 1 + EVENT.len() + 3)
    );
    let texts = [Message::from("a"), END.into(), Message::from("é")];
    let texts = Encoded::messages(texts.to_vec(), Mark::default()).unwrap();
    assert!(Encoded::messages(Vec::new(), Mark::default()).is_none());
    // For whoever gets them.
    let given = |packet: &Encoded| Encoded::of_parts(packet.parts().collect()).unwrap();
    let (packet, texts) = (given(&packet), given(&texts));
    let polled = |revision, base64, packet: &Encoded| {
        let opened = Opened {
            transport: TransportKind::Polling,
            revision,
            base64,
        };
        let mut talk = Talk::opened(opened, Config::default());
        let mut poll = |id| {
            talk.connection
                .handle_poll(talk.now, RequestId(id), revision);
            talk.connection.poll_http()
        };
        assert!(poll(1).is_some());
        assert!(poll(2).is_none());
        // In revision 3 it asks by coming.
        let events = talk.events();
        let socket = talk.admit(events);
        talk.connection.poll_http().unwrap();
        let _ = talk
            .connection
            .deliver(talk.now, socket, packet.clone(), Flags::default());
        talk.connection
            .handle_poll(talk.now, RequestId(3), revision);
        talk.connection.poll_http().unwrap().1.body
    };
    let event = format!("4{EVENT}");
    let counted = format!("10:b4AAAAIQ=={}:{event}6:b4ZW5k", event.len());
    assert_eq!(polled(Eio::V3, true, &packet), counted);
    let binary = [
        &[1, 5, 255, 4, 0, 0, 0, 33, 0, 3, 4, 255][..],
        event.as_bytes(),
        &[1, 4, 255, 4],
        b"end",
    ]
    .concat();
    assert_eq!(polled(Eio::V3, false, &packet), binary);
    assert_eq!(polled(Eio::V3, true, &texts), "2:4a6:b4ZW5k2:4é");
    assert_eq!(
        polled(Eio::V3, false, &texts),
        b"\0\x02\xff4a\x01\x04\xff\x04end\0\x03\xff4\xc3\xa9"[..]
    );
    let mut talk = in_pieces();
    let event = talk.say(LENGTH).len() + talk.say(EVENT).len();
    assert_eq!(event, 0);
    let [Event::Message { socket, .. }] = <[_; 1]>::try_from(talk.say(END)).unwrap() else {
        panic!("an event")
    };
    for _ in 0..2 {
        let _ = talk
            .connection
            .deliver(talk.now, socket, texts.clone(), Flags::default());
    }
    let once = [
        Part::Text("4a".into()),
        Part::Binary(END),
        Part::Text("4é".into()),
    ];
    assert_eq!(talk.sent(), [once.clone(), once].concat());
}
