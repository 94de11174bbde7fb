//! Each packet, in each state of its namespace, in each revision.

use super::*;
use crate::packet::PacketType;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The application is to decide.
    Asks,
    /// It is told, as what it is.
    Heard,
    /// Nobody hears of it.
    Ignored,
    /// The connection closes.
    Closes,
}

use Fate::{Asks, Closes, Heard, Ignored};

/// How far `/a` has come.
const STATES: [&str; 4] = ["never asked for", "to be decided over", "joined", "left"];

const TYPES: [PacketType; 7] = [
    PacketType::Connect,
    PacketType::Disconnect,
    PacketType::Event,
    PacketType::Ack,
    PacketType::ConnectError,
    PacketType::BinaryEvent,
    PacketType::BinaryAck,
];

/// By state, and in the order of the types.
const REVISION_4: [[Fate; 7]; 4] = [
    [Asks, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored],
    [
        Ignored, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored,
    ],
    [Ignored, Heard, Heard, Heard, Heard, Heard, Heard],
    [Asks, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored],
];

const REVISION_5: [[Fate; 7]; 4] = [
    [Asks, Closes, Closes, Closes, Closes, Closes, Closes],
    [Closes, Closes, Closes, Closes, Closes, Closes, Closes],
    [Closes, Heard, Heard, Heard, Closes, Heard, Heard],
    [Asks, Ignored, Ignored, Ignored, Ignored, Ignored, Ignored],
];

/// In `/`, and in `/a` as far as this.
fn bring(protocol: Protocol, state: usize) -> Talk {
    let mut talk = Talk::joined(protocol, quiet());
    match state {
        0 => {}
        1 => {
            talk.hear("0/a,");
            let _ = talk.asked();
        }
        _ => {
            let socket = talk.enter("/a");
            // What an ack can be for.
            assert_eq!(talk.ask(socket, 7), Ok(()));
            talk.sent();
            if state == 3 {
                talk.hear("1/a,");
                while talk.mux.poll_event().is_some() {}
            }
        }
    }
    talk
}

/// A packet of each type for `/a`, as it arrives, and what is told of it.
const fn said(kind: PacketType) -> (&'static str, &'static [&'static str]) {
    match kind {
        PacketType::Connect => ("0/a,", &["connecting /a"]),
        PacketType::Disconnect => (
            "1/a,",
            &[
                "disconnecting client namespace disconnect",
                "acked 7 Disconnected",
                "disconnected client namespace disconnect",
            ],
        ),
        PacketType::Event => (r#"2/a,3["x",1]"#, &["x 3 [1]"]),
        PacketType::Ack => (r#"3/a,7["y"]"#, &[r#"acked 7 ["y"]"#]),
        PacketType::ConnectError => (r#"4/a,"z""#, &[r#"error "z""#]),
        PacketType::BinaryEvent => (
            r#"51-/a,["x",{"_placeholder":true,"num":0}]"#,
            &[r#"x [{"_placeholder":true,"num":0}] + 1 attachments"#],
        ),
        PacketType::BinaryAck => (
            r#"61-/a,7[{"_placeholder":true,"num":0}]"#,
            &[r#"acked 7 [{"_placeholder":true,"num":0}] + 1 attachments"#],
        ),
    }
}

#[test]
fn each_packet_has_its_fate_in_each_state_and_revision() {
    for (protocol, table) in [(Protocol::V4, REVISION_4), (Protocol::V5, REVISION_5)] {
        for ((at, state), fates) in STATES.iter().enumerate().zip(table) {
            for (kind, fate) in TYPES.into_iter().zip(fates) {
                let cell = format!("{kind:?} for one that is {state}, in {protocol:?}");
                let mut talk = bring(protocol, at);
                let (text, heard) = said(kind);
                let mut told = talk.told(text);
                if kind.is_binary() {
                    assert!(told.is_empty(), "{cell}: {told:?}");
                    told = talk.told(Bytes::from_static(b"bytes"));
                }
                match fate {
                    Asks | Heard => {
                        assert_eq!(told, heard, "{cell}");
                        assert_eq!(fate == Asks, kind == PacketType::Connect, "{cell}");
                    }
                    Ignored => assert!(told.is_empty(), "{cell}: {told:?}"),
                    Closes => {
                        assert_eq!(talk.details(), Some(Details::Unexpected), "{cell}");
                        assert!(!talk.session.is_open(), "{cell}");
                    }
                }
                assert_eq!(talk.session.is_open(), fate != Closes, "{cell}");
                // The other namespace goes on, if any does.
                let other = talk.told(r#"2["other"]"#);
                let goes_on: &[&str] = if fate == Closes { &[] } else { &["other []"] };
                assert_eq!(other, goes_on, "{cell}");
            }
        }
    }
}

#[test]
fn what_closes_a_connection_that_waits_for_its_client_ends_its_sockets_at_once() {
    // By polling, with nobody to fetch what is queued.
    let mut talk = Talk::opened(Protocol::V5, TransportKind::Polling, quiet());
    for namespace in ["/", "/a"] {
        talk.enter(namespace);
    }
    assert_eq!(
        talk.told(r#"2/b,["x"]"#),
        [
            "disconnecting forced server close",
            "disconnected forced server close",
            "disconnecting forced server close",
            "disconnected forced server close",
        ]
    );
    assert!(!talk.session.is_open() && !talk.session.is_closed());
    assert!(talk.told(r#"2["x"]"#).is_empty());
    assert_eq!(talk.details(), Some(Details::Unexpected));
}

#[test]
fn an_event_without_anything_in_it_is_none() {
    for protocol in [Protocol::V4, Protocol::V5] {
        let mut talk = Talk::joined(protocol, quiet());
        assert!(talk.told("2").is_empty());
        assert!(talk.told("3").is_empty());
        assert!(talk.session.is_open());
    }
}

#[test]
fn what_is_no_packet_is_told_and_ends_what_had_begun() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    talk.hear(r#"51-["x",{"_placeholder":true,"num":0}]"#);
    assert!(talk.told("nonsense").is_empty());
    assert_eq!(
        talk.details(),
        Some(Details::Malformed(packet::Fault::UnexpectedText))
    );
    assert!(talk.told(Bytes::from_static(b"bytes")).is_empty());
    assert_eq!(talk.due(), None);
}

#[test]
fn credentials_come_as_each_revision_has_them() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    assert_eq!(
        talk.told(r#"0/a?x=1,{"t":1}"#),
        [r#"connecting /a?x=1 {"t":1}"#],
        "a query is part of the name"
    );
    let mut talk = Talk::joined(Protocol::V4, quiet());
    assert_eq!(
        talk.told("0/a?t=1&t=2,"),
        [r#"connecting /a {"t":["1","2"]} t=1&t=2"#]
    );
    assert!(talk.told("0/a?t=3,").is_empty(), "it has asked");
}

#[test]
fn all_are_taken_out_at_once_and_told_so() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    talk.enter("/a");
    assert!(talk.mux.is_quiet());
    talk.mux.disconnect_all(talk.now, &mut talk.session);
    assert_eq!(talk.sent(), ["41", "41/a,"]);
    for way in ["disconnecting", "disconnected"].repeat(2) {
        assert!(!talk.mux.is_quiet());
        let event = talk.mux.poll_event().unwrap();
        assert_eq!(brief(&event), format!("{way} server namespace disconnect"));
    }
    assert!(talk.mux.is_quiet());
}
