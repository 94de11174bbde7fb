//! What one parser has written, for clients of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::*;
use crate::packet::parser::{Decoder as Reads, Fault, Message, Packet as Raw};
use crate::packet::{Args, event, event_ending};

/// Packets as JSON, counted.
struct Json(Arc<AtomicUsize>);

impl Parser for Json {
    fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if packet.id == Some(13) {
            return Err(EncodeError::refused("bad luck"));
        }
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Reads> {
        Box::new(|_: Message, _: &Limits| Err(Fault::Payload))
    }
}

fn json() -> (Codec, Arc<AtomicUsize>) {
    let count = Arc::default();
    (Codec::new(Json(Arc::clone(&count))), count)
}

fn text(packet: &Encoded) -> String {
    match packet.part(0) {
        Some(Part::Text(text)) => String::from_utf8(text.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Where its first frame lies.
fn place(packet: &Encoded) -> *const u8 {
    packet.part(0).unwrap().into_bytes().as_ptr()
}

#[test]
fn what_was_written_by_it_stays_as_it_is() {
    let (codec, count) = json();
    let clone = codec.clone();
    let packet = codec.event("/", None, "x", &1).unwrap();
    let same = clone.own_form(packet.clone()).unwrap();
    assert_eq!(place(&packet), place(&same));
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let packet = event("/", None, "x", &1).unwrap();
    let same = Codec::BUILT_IN.own_form(packet.clone()).unwrap();
    assert_eq!(place(&packet), place(&same));
    // What no parser has written is for whoever gets it.
    let raw = Encoded::from(&Message::from("raw"));
    assert_eq!(text(&codec.own_form(raw).unwrap()), "4raw");
}

#[test]
fn it_is_written_once_for_all_who_have_the_same() {
    let ((one, ones), (other, others)) = (json(), json());
    let packet = event("/room", Some(7), "said", &("é", 1)).unwrap();
    let first = one.own_form(packet.clone()).unwrap();
    assert_eq!(
        text(&first),
        r#"4{"type":2,"nsp":"/room","id":7,"data":["said","é",1]}"#
    );
    for _ in 0..3 {
        let again = one.clone().own_form(packet.clone()).unwrap();
        assert_eq!(place(&again), place(&first));
        assert!(other.own_form(packet.clone()).is_some());
    }
    let counts = [ones, others].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [1, 1]);
    // Its form has no other that it does not need, and can be told from one of the other's.
    assert!(other.own_form(first).is_none(), "it is not read again");
}

#[test]
fn what_it_does_not_write_is_not_tried_for_each() {
    let (codec, count) = json();
    let packet = event("/", Some(13), "x", &()).unwrap();
    for _ in 0..3 {
        assert!(codec.own_form(packet.clone()).is_none());
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn names_offsets_and_answers_go_along() {
    let (codec, _) = json();
    let named = event("/n", None, "tick", &1).unwrap().named("/n", "tick");
    assert_eq!(
        codec.own_form(named).unwrap().latest_name(),
        Some(("/n", "tick"))
    );
    let ending = event_ending(&event("/", None, "x", &1).unwrap(), "o1").unwrap();
    assert_eq!(
        text(&codec.own_form(ending).unwrap()),
        r#"4{"type":2,"nsp":"/","data":["x",1,"o1"]}"#
    );
    let answer = Codec::BUILT_IN.ack("/", 3, &("so", 1)).unwrap();
    assert_eq!(
        text(&codec.own_form(answer).unwrap()),
        r#"4{"type":3,"nsp":"/","id":3,"data":["so",1]}"#
    );
    // Those are the connection's own to write.
    let other = Codec::BUILT_IN.disconnect("/").unwrap();
    assert!(codec.own_form(other).is_none());
}

#[cfg(feature = "msgpack")]
#[test]
fn text_and_msgpack_become_each_other() {
    let msgpack = Codec::from(Msgpack);
    let bytes = Bytes::from_static(b"\0\xff");
    let args = (1, "é", bytes, Value::from_iter([("a", 1)]));
    let args = Args::from_arguments(&args).unwrap();
    let frames = |packet: &Encoded| packet.parts().collect::<Vec<_>>();
    for id in [None, Some(9)] {
        let written = Codec::BUILT_IN.event("/n", id, "e", &args).unwrap();
        let packed = msgpack.event("/n", id, "e", &args).unwrap();
        let form = msgpack.own_form(written.clone()).unwrap();
        assert_eq!(frames(&form), frames(&packed));
        let back = Codec::BUILT_IN.own_form(packed).unwrap();
        assert_eq!(frames(&back), frames(&written));
    }
}

#[test]
fn parsers_are_told_apart() {
    let (one, _) = json();
    let (other, _) = json();
    #[cfg(feature = "msgpack")]
    let msgpack = Codec::from(crate::packet::parser::Msgpack);
    let all = [
        (Codec::BUILT_IN, "Codec(built in)"),
        (one, "Codec(own)"),
        (other, "Codec(own)"),
        #[cfg(feature = "msgpack")]
        (msgpack, "Codec(msgpack)"),
    ];
    for (at, (codec, shown)) in all.iter().enumerate() {
        assert_eq!(format!("{codec:?}"), *shown);
        for (other_at, (other, _)) in all.iter().enumerate() {
            assert_eq!(
                codec.is(&other.clone()),
                at == other_at,
                "{shown} {at} {other_at}"
            );
        }
    }
}

#[test]
fn what_a_client_that_may_come_back_is_told_is_written_by_it_too() {
    let (codec, _) = json();
    let connect = codec.recoverable("/room", "s", "p").unwrap();
    let data = r#"{"type":0,"nsp":"/room","data":{"sid":"s","pid":"p"}}"#;
    assert_eq!(text(&connect), format!("4{data}"));
    let event = codec.event_at("/", "say", &(1, "x"), "offset").unwrap();
    let data = r#"{"type":2,"nsp":"/","data":["say",1,"x","offset"]}"#;
    assert_eq!(text(&event), format!("4{data}"));
    for codec in [codec, Codec::BUILT_IN] {
        let reserved = codec.event_at("/", "disconnect", &(), "offset");
        let name = "disconnect".into();
        assert_eq!(reserved.map(drop), Err(EncodeError::Reserved(name)));
    }
    let own = Codec::BUILT_IN.event_at("/", "say", &(1, "x"), "offset");
    assert_eq!(text(&own.unwrap()), r#"42["say",1,"x","offset"]"#);
}
