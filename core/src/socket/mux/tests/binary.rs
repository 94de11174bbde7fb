//! Packets with attachments.

use super::*;
use crate::packet::Fault;

const ONE: &str = r#"51-["x",{"_placeholder":true,"num":0}]"#;
const TWO: &str = r#"52-["x",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;

fn talk(config: Config) -> Talk {
    Talk::joined(Protocol::V5, config)
}

const BYTES: Bytes = Bytes::from_static(b"bytes");

#[test]
fn nothing_is_told_before_all_has_come() {
    let mut talk = talk(quiet());
    assert!(talk.told(TWO).is_empty());
    assert!(talk.told(Bytes::from_static(b"one")).is_empty());
    talk.hear(Bytes::from_static(b"two"));
    let Some(Event::Message { args, .. }) = talk.mux.poll_event() else {
        panic!("it is whole");
    };
    let values = args.values().unwrap();
    let bytes = |text: &'static [u8]| Value::Binary(Bytes::from_static(text));
    assert_eq!(values, [bytes(b"two"), bytes(b"one")]);
    assert_eq!(talk.due(), None);
}

#[test]
fn it_has_to_come_in_order() {
    for (messages, fault) in [
        (&[Message::from(BYTES)][..], Fault::UnexpectedBinary),
        (&[ONE.into(), ONE.into()], Fault::UnexpectedText),
        (
            &[ONE.into(), BYTES.into(), BYTES.into()],
            Fault::UnexpectedBinary,
        ),
    ] {
        let mut talk = talk(quiet());
        for message in messages {
            talk.hear(message.clone());
        }
        assert_eq!(talk.details(), Some(Details::Malformed(fault)));
        assert!(!talk.session.is_open());
    }
}

#[test]
fn attachments_are_as_many_and_as_large_as_may_be() {
    let config = || Config {
        max_attachments: 1,
        max_binary_packet: 5,
        ..quiet()
    };
    let mut fits = talk(config());
    fits.hear(ONE);
    assert_eq!(fits.told(BYTES).len(), 1);
    let mut many = talk(config());
    many.hear(TWO);
    let mut large = talk(config());
    large.hear(ONE);
    large.hear(Bytes::from_static(b"bytes+"));
    for talk in [many, large] {
        let fault = Fault::TooManyAttachments;
        assert_eq!(talk.details(), Some(Details::Malformed(fault)));
        assert!(!talk.session.is_open());
    }
}

#[test]
fn the_rest_has_to_come_in_time_whatever_comes_between() {
    let mut talk = talk(quiet());
    let timeout = Config::v4().packet_timeout;
    talk.now += secs(1);
    talk.hear(TWO);
    assert_eq!(talk.due(), Some((timeout + secs(1), Why::Packet)));
    assert!(talk.pass(timeout - secs(1)).is_empty());
    talk.hear(BYTES);
    assert_eq!(talk.due(), Some((timeout + secs(1), Why::Packet)));
    talk.pass(secs(1));
    assert_eq!(talk.details(), Some(Details::Incomplete));
    assert!(!talk.session.is_open());
    assert!(talk.told(BYTES).is_empty());
}
