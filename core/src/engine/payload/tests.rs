use proptest::prelude::*;

use super::*;
use crate::message::Message;

const FRAMINGS: [Framing; 3] = [Framing::Separated, Framing::Counted, Framing::Binary];

fn packet(text: &'static str) -> impl Strategy<Value = Packet> {
    prop_oneof![
        text.prop_map(|text| Packet::Message(Message::Text(text.into()))),
        prop::collection::vec(any::<u8>(), 0..12)
            .prop_map(|bytes| Packet::Message(Message::Binary(bytes.into()))),
        Just(Packet::Close),
        Just(Packet::Noop),
        Just(Packet::Upgrade),
        "[a-z]{0,5}".prop_map(|text| Packet::Ping(text.into())),
    ]
}

fn join(framing: Framing, packets: &[Packet]) -> Body {
    let mut writer = Writer::new(framing, 0);
    for packet in packets {
        writer.push(&packet.to_part());
    }
    body(framing, writer.finish()).expect("what is written as text is UTF-8")
}

fn body(framing: Framing, bytes: Bytes) -> Option<Body> {
    let text = ByteString::try_from(bytes.clone());
    Some(match framing {
        Framing::Separated => Body::Separated(text.ok()?),
        Framing::Counted => Body::Counted(text.ok()?),
        Framing::Binary => Body::Binary(bytes),
    })
}

/// A body that ends, within its limit, with one error at most.
fn ends(body: Body, limit: usize) -> Result<(), TestCaseError> {
    let read: Vec<_> = split(body, limit).collect();
    prop_assert!(read.len() <= limit.saturating_add(1));
    let errors = read.iter().filter(|packet| packet.is_err()).count();
    prop_assert!(errors <= 1 && read.iter().rev().skip(1).all(Result::is_ok));
    Ok(())
}

proptest! {
    #[test]
    fn what_is_joined_is_split_again(packets in prop::collection::vec(packet("[^\u{1e}]{0,12}"), 1..20)) {
        for framing in FRAMINGS {
            let back: Result<Vec<Packet>, PacketError> =
                split(join(framing, &packets), 20).collect();
            prop_assert_eq!(back.unwrap(), packets.clone());
        }
    }

    /// Lengths count, so that revision 3 carries what separates packets in revision 4.
    #[test]
    fn revision_3_carries_any_text(packets in prop::collection::vec(packet("[\0-\u{10ffff}]{0,12}"), 1..20)) {
        for framing in [Framing::Counted, Framing::Binary] {
            let back: Result<Vec<Packet>, PacketError> =
                split(join(framing, &packets), 20).collect();
            prop_assert_eq!(back.unwrap(), packets.clone());
        }
    }

    /// A client that polls for scripts gets what was packed for one that takes bytes.
    #[test]
    fn bytes_become_text(packets in prop::collection::vec(packet("\\PC{0,12}"), 0..20)) {
        let Body::Binary(bytes) = join(Framing::Binary, &packets) else {
            unreachable!("it was asked for");
        };
        let text = Body::Counted(as_text(&bytes).try_into().unwrap());
        prop_assert_eq!(text, join(Framing::Counted, &packets));
    }

    #[test]
    fn any_text_ends(text in "[0-9b:\u{1e}A-Za-z=€😀]{0,40}", limit in 0..10usize) {
        ends(Body::Separated((&*text).into()), limit)?;
        ends(Body::Counted((&*text).into()), limit)?;
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(prop_oneof![0..12u8, any::<u8>(), Just(0xff)], 0..40), limit in 0..10usize) {
        ends(Body::Binary(bytes.into()), limit)?;
    }
}

#[test]
fn a_length_that_lies_is_no_length() {
    for text in [
        "",
        ":4",
        "-1:4",
        "+1:4",
        " 1:4",
        "1e0:4",
        "5:4",
        "2:4😀",
        "1",
        "0000000001:4",
    ] {
        let read: Vec<_> = split(Body::Counted(text.into()), 9).collect();
        assert_eq!(read, [Err(PacketError::Length)], "{text}");
    }
    for bytes in [
        &b"\x00"[..],
        b"\x00\xff4",
        b"\x00\x02\xff4",
        b"\x00\x0c\xff4aaaaaaaaaaaaa",
        b"\x01\x01\x04",
        b"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\x04",
    ] {
        let read: Vec<_> = split(Body::Binary(Bytes::from_static(bytes)), 9).collect();
        assert_eq!(read, [Err(PacketError::Length)], "{bytes:?}");
    }
}

#[test]
fn an_entry_without_a_packet_counts() {
    let read: Vec<_> = split(Body::Counted("0:0:0:".into()), 2).collect();
    assert_eq!(read, [Err(PacketError::TooMany)]);
}

#[test]
fn halves_of_a_pair_become_one_character_each() {
    let read = |bytes: &'static [u8]| {
        split(Body::Binary(Bytes::from_static(bytes)), 9).collect::<Result<Vec<_>, _>>()
    };
    let text = |text: &str| Ok(vec![Packet::Message(Message::Text(text.into()))]);
    assert_eq!(read(b"\x00\x04\xff4\xed\xa0\x80"), text("\u{fffd}"));
    assert_eq!(
        read(b"\x00\x08\xff4\xed\xa0\xbd\xed\xb8\x80x"),
        text("\u{fffd}\u{fffd}x")
    );
    assert_eq!(read(b"\x00\x03\xff4\xc0\x80"), Err(PacketError::Text));
    assert_eq!(read(b"\x00\x03\xff4\xed\xa0"), Err(PacketError::Text));
}

#[test]
fn frames_and_entries_have_the_same_bytes() {
    let packet = Packet::Message(Message::Binary(Bytes::from_static(&[1, 2])));
    let frame = packet.encode(Eio::V3, true);
    assert_eq!(frame, Message::Binary(Bytes::from_static(&[4, 1, 2])));
    let Body::Binary(body) = join(Framing::Binary, &[packet]) else {
        unreachable!("it was asked for");
    };
    assert_eq!(body, &[1, 3, 0xff, 4, 1, 2][..]);
}
