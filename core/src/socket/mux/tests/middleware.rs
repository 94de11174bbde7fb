//! What the application decides over namespaces.

use super::*;
use crate::packet::parser::{self, Decoder, Limits, Parser};

#[test]
fn who_is_accepted_is_told_so_and_is_in() {
    for (protocol, told) in [
        (Protocol::V5, r#"40/a,{"sid":"AQEBAQEBAQEBAQEBAQEB"}"#),
        (Protocol::V4, "40/a,"),
    ] {
        let mut talk = Talk::joined(protocol, quiet());
        talk.hear("0/a,");
        let ticket = talk.asked();
        let socket = ticket.socket();
        assert_eq!(talk.mux.namespace(socket), None, "not yet");
        assert_eq!(talk.accept(ticket), Some(socket));
        assert_eq!(talk.sent(), [told]);
        assert_eq!(talk.mux.namespace(socket).map(|it| &**it), Some("/a"));
        assert_eq!(talk.mux.sockets().len(), 2);
    }
}

#[test]
fn who_is_rejected_is_told_why_and_may_ask_again() {
    let refusal = Refusal::new("no").data("E_NO");
    for (protocol, told) in [
        (Protocol::V5, r#"44/a,{"message":"no","data":"E_NO"}"#),
        (Protocol::V4, r#"44/a,"E_NO""#),
    ] {
        let mut talk = Talk::joined(protocol, quiet());
        talk.hear("0/a,");
        let ticket = talk.asked();
        talk.reject(ticket, refusal.clone());
        assert_eq!(talk.sent(), [told]);
        talk.enter("/a");
    }
}

#[test]
fn a_namespace_that_there_is_not_is_said_as_the_line_says_it() {
    for (as_object, told) in [
        (false, r#"44/a,"Invalid namespace""#),
        (true, r#"44/a,{"message":"Invalid namespace"}"#),
    ] {
        let config = Config {
            invalid_namespace_as_object: as_object,
            ..quiet()
        };
        let mut talk = Talk::joined(Protocol::V4, config);
        talk.hear("0/a,");
        let ticket = talk.asked();
        talk.reject(ticket, Refusal::invalid_namespace());
        assert_eq!(talk.sent(), [told]);
    }
}

#[test]
fn a_client_of_revision_4_asks_by_coming() {
    let mut talk = Talk::new(Protocol::V4, quiet());
    let ticket = talk.asked();
    // It speaks before it is in, as such clients do.
    assert!(talk.told(r#"2["early"]"#).is_empty());
    assert!(talk.told("0").is_empty(), "it has asked");
    talk.accept(ticket).unwrap();
    assert_eq!(talk.sent(), ["40"]);
    assert_eq!(talk.told(r#"2["x"]"#), ["x []"]);
    assert!(talk.told("0").is_empty(), "it is in");
    let id = talk.mux.computed_id("/a", &talk.session);
    let expected = SocketId::computed("/a", talk.session.sid());
    assert_eq!(
        id.map(|id| id.as_str().to_owned()),
        Some(expected.as_str().to_owned())
    );
    let talk = Talk::new(Protocol::V5, quiet());
    assert!(talk.mux.computed_id("/a", &talk.session).is_none());
}

#[test]
fn nobody_is_in_whose_time_was_over() {
    let timeout = Config::v4().middleware_timeout;
    for (protocol, told) in [
        (Protocol::V5, r#"44/a,{"message":"timed out"}"#),
        (Protocol::V4, r#"44/a,"timed out""#),
    ] {
        let mut talk = Talk::joined(protocol, quiet());
        talk.hear("0/a,");
        let ticket = talk.asked();
        assert_eq!(talk.due(), Some((timeout, Why::Middleware)));
        let before = Duration::from_nanos(1);
        assert!(talk.pass(timeout - before).is_empty());
        assert_eq!(talk.pass(before), ["undecided"]);
        assert_eq!(talk.sent(), [told]);
        assert_eq!(talk.accept(ticket), None);
        assert!(talk.sent().is_empty());
    }
}

#[test]
fn nobody_is_in_who_has_gone_meanwhile() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    talk.hear("0/a,");
    let ticket = talk.asked();
    talk.mux.end(DisconnectReason::ServerShuttingDown);
    assert_eq!(
        talk.events(),
        [
            "disconnecting server shutting down",
            "disconnected server shutting down"
        ]
    );
    assert_eq!(talk.accept(ticket), None);
    assert!(talk.sent().is_empty());
    assert_eq!(talk.due(), None);
}

/// Writes nothing.
struct Mute;

impl Parser for Mute {
    fn encode(&self, _: &parser::Packet) -> Result<Vec<Message>, EncodeError> {
        Err(EncodeError::refused("mute"))
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, _: &Limits| {
            let Message::Text(namespace) = message else {
                return Ok(None);
            };
            Ok(Some(parser::Packet {
                kind: packet::PacketType::Connect,
                namespace: namespace.to_string(),
                id: None,
                data: None,
            }))
        })
    }
}

#[test]
fn who_cannot_be_told_is_closed_whatever_was_decided() {
    for accepted in [true, false] {
        let mut talk = Talk::new(Protocol::V5, quiet().parser(Mute));
        talk.hear("/a");
        let ticket = talk.asked();
        if accepted {
            assert_eq!(talk.accept(ticket), None);
        } else {
            talk.reject(ticket, "no");
        }
        let told = talk.events();
        assert!(told.is_empty(), "nobody was in: {told:?}");
        let why = EncodeError::refused("mute");
        assert_eq!(talk.details(), Some(Details::Unwritten(why)));
        assert!(!talk.session.is_open());
    }
}
