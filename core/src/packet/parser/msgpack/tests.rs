//! Packets as msgpack, one by one.

use proptest::prelude::*;

use super::*;
use crate::message::Part;
use crate::msgpack::values::values;
use crate::packet::{Args, Codec, Content, Decoder};

fn read(bytes: impl Into<Bytes>) -> Result<Packet, Fault> {
    within(bytes, &Limits::default())
}

fn within(bytes: impl Into<Bytes>, limits: &Limits) -> Result<Packet, Fault> {
    super::read(&Message::Binary(bytes.into()), Protocol::V5, limits)
}

fn bytes(encoded: &Encoded) -> Bytes {
    match &encoded.parts().collect::<Vec<_>>()[..] {
        [Part::Binary(bytes)] => bytes.clone(),
        other => panic!("{other:?}"),
    }
}

/// A packet with members as they stand.
fn members(members: &[&[u8]]) -> Vec<u8> {
    let count = u8::try_from(members.len()).unwrap();
    [&[0x80 | count][..], &members.concat()].concat()
}

const EVENT: &[u8] = b"\xa4type\x02";
const MAIN: &[u8] = b"\xa3nsp\xa1/";
const SAY: &[u8] = b"\xa4data\x91\xa3say";

fn event(data: &[u8]) -> Vec<u8> {
    members(&[EVENT, MAIN, &[&b"\xa4data"[..], data].concat()])
}

fn args(packet: Packet) -> Args {
    let Content::Event {
        call: Some(call), ..
    } = packet.content
    else {
        panic!("{packet:?}")
    };
    call.args
}

#[test]
fn bytes_are_slices_of_the_message() {
    let message = Bytes::from(event(b"\x93\xa3say\xc4\x03abc\x91\xc4\x01d"));
    let args = args(read(message.clone()).unwrap());
    let [abc, d] = args.attachments() else {
        panic!("{args:?}")
    };
    assert_eq!((&abc[..], &d[..]), (&b"abc"[..], &b"d"[..]));
    assert!(message.as_ptr_range().contains(&abc.as_ptr()));
    assert!(message.as_ptr_range().contains(&d.as_ptr()));
    assert_eq!(args.get::<Bytes>(0).unwrap(), abc);
    assert_eq!(args.get::<Vec<Bytes>>(1).unwrap(), [d]);
}

#[test]
fn members_may_stand_in_any_order_and_others_are_ignored() {
    let other = b"\xa7options\x81\xa8compress\xc3";
    let twice: &[&[u8]] = &[MAIN, SAY, b"\xa4type\x00", other, EVENT, b"\xa2id\x07"];
    let Content::Event { id, call } = read(members(twice)).unwrap().content else {
        panic!("no event")
    };
    assert_eq!((id, &*call.unwrap().name), (Some(7), "say"));
    // What is undefined is not there.
    let undefined: &[&[u8]] = &[
        b"\xa4type\x00",
        MAIN,
        b"\xa2id\xd4\0\0",
        b"\xa4data\xd4\0\0",
    ];
    assert_eq!(
        read(members(undefined)).unwrap().content,
        read(members(&undefined[..2])).unwrap().content
    );
}

#[test]
fn each_member_is_what_it_must_be() {
    let fault = |parts: &[&[u8]]| read(members(parts)).unwrap_err();
    assert_eq!(fault(&[MAIN, SAY]), Fault::Kind);
    assert_eq!(fault(&[b"\xa4type\x07", MAIN, SAY]), Fault::Kind);
    assert_eq!(fault(&[b"\xa4type\xcd\x01\x02", MAIN, SAY]), Fault::Kind);
    assert_eq!(fault(&[b"\xa4type\xa12", MAIN, SAY]), Fault::Kind);
    assert_eq!(fault(&[EVENT, SAY]), Fault::Namespace);
    assert_eq!(fault(&[EVENT, b"\xa3nsp\x01", SAY]), Fault::Namespace);
    let half = [&b"\xa2id\xcb"[..], &1.5_f64.to_be_bytes()].concat();
    assert_eq!(fault(&[EVENT, MAIN, SAY, &half]), Fault::AckId);
    assert_eq!(fault(&[EVENT, MAIN, SAY, b"\xa2id\xff"]), Fault::AckId);
    assert_eq!(fault(&[EVENT, MAIN, SAY, b"\xa2id\xc0"]), Fault::AckId);
    for data in [
        &b"\xc0"[..],
        b"\x05",
        b"\xa1x",
        b"\x80",
        b"\x90",
        b"\xd4\0\0",
    ] {
        assert!(read(event(data)).is_err(), "{data:?}");
    }
    assert_eq!(fault(&[EVENT, MAIN]), Fault::Payload);
    // A digit in the place of data is no ack id.
    assert_eq!(
        fault(&[b"\xa4type\x03", MAIN, b"\xa4data\x07"]),
        Fault::Payload
    );
    assert_eq!(read(&b"\x90"[..]).unwrap_err(), Fault::Payload);
    let behind = [&event(b"\x91\xa3say")[..], &[0xc0]].concat();
    assert_eq!(read(behind).unwrap_err(), Fault::Payload);
    let bytes = b"\xa4data\x81\xa1a\xc4\x01b";
    assert_eq!(fault(&[b"\xa4type\x00", MAIN, bytes]), Fault::Payload);
}

#[test]
fn limits_are_those_of_every_packet() {
    let limits = Limits {
        // Bytes come within their packet: this does not count them.
        attachments: 0,
        binary: 4,
        depth: 2,
        arguments: 2,
        name: 3,
        namespace: 3,
    };
    for (allowed, refused, why) in [
        (
            &b"\x92\xa1e\x93\xc4\x01a\xc4\x01b\xc4\x02cd"[..],
            &b"\x92\xa1e\x92\xc4\x03abc\xc4\x02de"[..],
            Fault::TooManyAttachments,
        ),
        (b"\x92\xa1e\x91\x90", b"\x92\xa1e\x91\x91\x90", Fault::Depth),
        (
            b"\x93\xa1e\x01\x02",
            b"\x94\xa1e\x01\x02\x03",
            Fault::Arguments,
        ),
        (b"\x91\xa3say", b"\x91\xa4tell", Fault::Name),
    ] {
        within(event(allowed), &limits).unwrap();
        assert_eq!(within(event(refused), &limits).unwrap_err(), why);
    }
    let named = |name: &[u8]| within(members(&[EVENT, name, SAY]), &limits);
    assert_eq!(named(b"\xa3nsp\xa3/ab").unwrap().namespace, "/ab");
    assert_eq!(named(b"\xa3nsp\xa4/abc").unwrap_err(), Fault::Namespace);
    let answer = |id: u64| {
        let id = [&b"\xa2id\xcf"[..], &id.to_be_bytes()].concat();
        read(members(&[EVENT, MAIN, SAY, &id]))
    };
    answer((1 << 53) - 1).unwrap();
    assert_eq!(answer(1 << 53).unwrap_err(), Fault::AckId);
}

#[test]
fn nothing_is_made_of_what_claims_to_be_large_or_deep() {
    for (claim, why) in [
        (vec![0x91; 100_000], Fault::Depth),
        (vec![0xdd, 255, 255, 255, 255, 0xc0], Fault::Payload),
        (vec![0xdf, 255, 255, 255, 255, 0xa0, 0xc0], Fault::Payload),
        (vec![0xc6, 255, 255, 255, 255, 0], Fault::Payload),
        (vec![0xdb, 255, 255, 255, 255, 0], Fault::Payload),
        (vec![0xc9, 255, 255, 255, 255, 0, 0], Fault::Payload),
    ] {
        assert_eq!(read(event(&claim)).unwrap_err(), why);
        // A member that nobody reads is looked through as well.
        let other = [&b"\xa5other"[..], &claim].concat();
        let other = members(&[EVENT, MAIN, SAY, &other]);
        assert_eq!(read(other).unwrap_err(), why);
    }
}

#[test]
fn numbers_are_read_as_json_would_have_them() {
    let text = |bytes: &[u8]| {
        let event = event(&[&b"\x92\xa1e"[..], bytes].concat());
        args(read(event).unwrap()).elements().to_string()
    };
    let double = |number: f64| text(&[&[0xcb][..], &number.to_be_bytes()].concat());
    assert_eq!(double(5.0), "5");
    assert_eq!(double(-0.0), "0");
    assert_eq!(double(1.5), "1.5");
    assert_eq!(double(-9_007_199_254_740_992.0), "-9007199254740992");
    assert_eq!(double(1e300), "1e+300");
    assert_eq!(double(f64::NAN), "null");
    assert_eq!(double(f64::NEG_INFINITY), "null");
    assert_eq!(text(b"\xca\x3f\xc0\0\0"), "1.5");
    assert_eq!(
        text(&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]),
        "18446744073709551615"
    );
    assert_eq!(
        text(&[0xd3, 128, 0, 0, 0, 0, 0, 0, 0]),
        "-9223372036854775808"
    );
    assert_eq!(text(b"\xff"), "-1");
    // Moments, and text that is none in Rust.
    assert_eq!(
        text(&[0xd6, 0xff, 0, 0, 0, 0]),
        "\"1970-01-01T00:00:00.000Z\""
    );
    assert_eq!(
        text(b"\xa5a\xed\xa0\x80\n"),
        "\"a\u{fffd}\u{fffd}\u{fffd}\\n\""
    );
    assert_eq!(
        text(b"\x82\xa1a\xd4\0\0\xa1b\x91\xd4\0\0"),
        "{\"b\":[null]}"
    );
    assert_eq!(text(b"\x82\x01\xc0\xa1\"\xc0"), r#"{"1":null,"\"":null}"#);
}

#[test]
fn clients_of_2_x_write_what_is_no_event_as_text() {
    let text = |text: &'static str| {
        let message = Message::Text(text.into());
        super::read(&message, Protocol::V4, &Limits::default())
    };
    let connect = text(r#"{"type":0,"nsp":"/chat?a=1"}"#).unwrap();
    assert_eq!(connect.namespace, "/chat?a=1");
    assert!(text(r#"{"type":1,"nsp":"/chat"}"#).is_ok());
    assert_eq!(text("0").unwrap_err(), Fault::Payload);
    assert_eq!(text("[").unwrap_err(), Fault::Payload);
    let long: &'static str = format!(r#"{{"type":1,"nsp":"/{}"}}"#, "x".repeat(256)).leak();
    assert_eq!(text(long).unwrap_err(), Fault::Namespace);
}

#[test]
fn every_packet_of_a_server_is_read_by_a_client() {
    let codec = Codec::from(Msgpack);
    let why = Value::from_iter([("code", 7_u64)]);
    for (ours, plain) in [
        (
            codec.connected("/a", "x"),
            Codec::BUILT_IN.connected("/a", "x"),
        ),
        (codec.disconnect("/a"), Codec::BUILT_IN.disconnect("/a")),
        (
            codec.connect_error("/", "no", Some(&why)),
            Codec::BUILT_IN.connect_error("/", "no", Some(&why)),
        ),
        (codec.connect("", None), Codec::BUILT_IN.connect("", None)),
        (
            codec.ack("/", 3, &(1, "x")),
            Codec::BUILT_IN.ack("/", 3, &(1, "x")),
        ),
    ] {
        let ours = read(bytes(&ours.unwrap())).unwrap();
        assert_eq!(ours, usual(&plain.unwrap()));
    }
    // A refusal may have bytes, which the protocol's own way leaves out.
    let bytes = Value::Binary(Bytes::from_static(b"x"));
    assert!(codec.connect_error("/", "no", Some(&bytes)).is_ok());
    assert_eq!(
        codec.event("/", None, "connect", &()).unwrap_err(),
        EncodeError::Reserved("connect".into())
    );
}

/// What is made of a packet that came the built-in way.
fn usual(encoded: &Encoded) -> Packet {
    let mut decoder = Decoder::new(Protocol::V5);
    let limits = Limits {
        attachments: usize::MAX,
        ..Limits::default()
    };
    for part in encoded.parts() {
        let read = match part {
            Part::Text(text) => decoder.text(text.slice(1..).try_into().unwrap(), &limits),
            Part::Binary(bytes) => decoder.binary(bytes, &limits),
        };
        if let Some(packet) = read.unwrap() {
            return packet;
        }
    }
    panic!("not whole")
}

proptest! {
    #[test]
    fn a_handler_sees_no_difference_to_the_built_in_way(
        args in prop::collection::vec(values(), 0..5),
        id in prop::option::of(0_u64..1 << 53),
    ) {
        let limits = Limits::default();
        let ours = Codec::from(Msgpack).event("/x", id, "say", &Args::from_values(&args).unwrap());
        let message = bytes(&ours.unwrap());
        let ours = within(message.clone(), &limits).unwrap();
        let Content::Event { call: Some(call), .. } = &ours.content else { panic!("{ours:?}") };
        prop_assert_eq!(call.args.values().unwrap(), args.clone());
        // Where data looks like a placeholder the built-in way has no words for it: none does here.
        let plain = Codec::BUILT_IN.event("/x", id, "say", &Args::from_values(&args).unwrap());
        prop_assert_eq!(&ours, &usual(&plain.unwrap()));
        for end in 0..message.len().min(200) {
            prop_assert!(within(message.slice(..end), &limits).is_err());
        }
    }

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read(bytes.clone());
        let _ = read(event(&bytes));
        let _ = read(event(&[&b"\x92\xa1e"[..], &bytes].concat()));
    }
}

#[test]
fn what_is_too_long_cannot_be_emitted_for_that_reason() {
    let error = EncodeError::from(crate::msgpack::TooLong);
    let words = "arguments cannot be written: longer than msgpack has lengths for";
    assert_eq!(error.to_string(), words);
}
