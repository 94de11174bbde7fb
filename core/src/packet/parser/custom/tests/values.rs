//! What a parser's values may be.

use super::*;

/// Its decoders give what they are told to, whatever arrives.
struct Says(fn() -> Raw);

impl Parser for Says {
    fn encode(&self, _: &Raw) -> Result<Vec<Message>, EncodeError> {
        Ok(vec!["".into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        let says = self.0;
        Box::new(move |_: Message, _: &Limits| Ok(Some(says())))
    }
}

fn raw(kind: PacketType, data: Value) -> Raw {
    Raw {
        kind,
        namespace: "/".into(),
        id: None,
        data: Some(data),
    }
}

#[test]
fn a_value_that_is_too_deep_to_be_dropped_is_a_fault() {
    fn deep() -> Raw {
        let mut value = Value::Null;
        for at in 0..1_000_000 {
            value = if at % 2 == 0 {
                Value::Array(vec![value])
            } else {
                Map::from_iter([("x", value)]).into()
            };
        }
        raw(PacketType::Event, Value::Array(vec!["x".into(), value]))
    }
    let mut talk = Talk::v4(Says(deep));
    let events = talk.events();
    talk.admit(events);
    assert!(matches!(
        talk.say("x")[..],
        [Event::Disconnecting { .. }, _]
    ));
    assert_eq!(talk.fault(), Some(Fault::Depth));
}

#[test]
fn bytes_stay_in_their_places_beside_what_looks_like_them() {
    fn fake(num: u64) -> Value {
        Value::from_iter([("_placeholder", Value::Bool(true)), ("num", num.into())])
    }
    fn bytes(text: &'static str) -> Value {
        Value::Binary(Bytes::from_static(text.as_bytes()))
    }
    fn args() -> Vec<Value> {
        vec![
            fake(0),
            bytes("one"),
            Value::from_iter([("_placeholder", bytes("two")), ("num", fake(99))]),
            Value::Array(vec![fake(1), bytes("one"), "\"{".into()]),
            Value::from_iter((0..20).map(|at| (format!("{at}"), bytes("more")))),
        ]
    }
    fn event() -> Raw {
        let mut data = args();
        data.insert(0, "\"x\"".into());
        raw(PacketType::Event, data.into())
    }
    let mut talk = Talk::v4(Says(event));
    let events = talk.events();
    talk.admit(events);
    let events = talk.say("x");
    let [
        Event::Message {
            name, args: got, ..
        },
    ] = <[_; 1]>::try_from(events).unwrap()
    else {
        panic!("an event")
    };
    assert_eq!((&*name, got.len()), ("\"x\"", 5));
    assert_eq!(got.values().unwrap(), args());
    assert_eq!(got.get::<Bytes>(1).unwrap(), "one");
    // Passed on, kept, and as an answer.
    struct Echo(fn(&Raw));
    impl Parser for Echo {
        fn encode(&self, packet: &Raw) -> Result<Vec<Message>, EncodeError> {
            (self.0)(packet);
            Ok(vec!["".into()])
        }
        fn decoder(&self) -> Box<dyn Decoder> {
            Says(event).decoder()
        }
    }
    let codec = Codec::new(Echo(|packet| assert_eq!(packet.data, Some(args().into()))));
    codec.ack("/", 1, &got).unwrap();
    codec.ack("/", 1, &got.detached()).unwrap();
    let codec = Codec::new(Echo(|packet| assert_eq!(*packet, event())));
    codec.event("/", None, "\"x\"", &got).unwrap();

    fn auth() -> Raw {
        raw(
            PacketType::Connect,
            Value::from_iter([("key", bytes("secret"))]),
        )
    }
    let mut talk = Talk::v5(Says(auth));
    assert!(talk.say("x").is_empty());
    assert_eq!(talk.fault(), Some(Fault::Payload));
}
