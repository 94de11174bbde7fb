use proptest::prelude::{any, prop, prop_assert_eq, proptest};
use proptest::strategy::Strategy;

use super::*;
use crate::websocket::write;

/// A frame as a client writes it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write::frame(&mut frame, first, Some([1, 2, 3, 0xfe]), &[], payload);
    frame
}

/// All that comes out of these pieces, and how it ended.
fn read<'a>(
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Incoming>, Option<Violation>) {
    let mut reader = Reader::new(Role::Server, limits);
    let mut all = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(Some(incoming)) => all.push(incoming),
                Ok(None) => break,
                Err(violation) => return (all, Some(violation)),
            }
        }
    }
    (all, None)
}

fn whole(bytes: &[u8]) -> (Vec<Incoming>, Option<Violation>) {
    read(Limits::default(), [bytes])
}

fn violation(bytes: &[u8]) -> Option<Violation> {
    whole(bytes).1
}

#[test]
fn messages_of_every_length_are_read() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let payload = vec![b'x'; length];
        let bytes = [frame(0x81, &payload), frame(0x82, &payload)].concat();
        let text = ByteString::try_from(payload.clone()).unwrap();
        let expected = vec![Incoming::Text(text), Incoming::Binary(payload.into())];
        assert_eq!(whole(&bytes), (expected, None), "{length}");
    }
}

#[test]
fn a_message_in_frames_is_put_together_with_control_frames_between_them() {
    let bytes = [
        frame(0x01, b"he"),
        frame(0x89, b"?"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, b"llo"),
        frame(0x88, &[]),
    ]
    .concat();
    let expected = vec![
        Incoming::Ping("?".into()),
        Incoming::Pong("".into()),
        Incoming::Text("hello".into()),
        Incoming::Close(None),
    ];
    assert_eq!(whole(&bytes), (expected, None));
}

#[test]
fn what_no_client_may_send_is_named() {
    let cases: &[(&[u8], Violation)] = &[
        (&[0x83, 0x80], Violation::UnknownOpcode),
        (&[0x8b, 0x80], Violation::UnknownOpcode),
        (&[0xc1, 0x80], Violation::ReservedBits),
        (&[0xa1, 0x80], Violation::ReservedBits),
        (&[0x91, 0x80], Violation::ReservedBits),
        (&[0x81, 0x00], Violation::NotMasked),
        (&[0x09, 0x80], Violation::ControlFrame),
        (&[0x89, 0xfe], Violation::ControlFrame),
        (&frame(0x80, b""), Violation::Fragmentation),
        (
            &[frame(0x01, b""), frame(0x81, b"")].concat(),
            Violation::Fragmentation,
        ),
        (&frame(0x88, &[3]), Violation::CloseCode),
        (&frame(0x88, &999_u16.to_be_bytes()), Violation::CloseCode),
        (&frame(0x88, &1005_u16.to_be_bytes()), Violation::CloseCode),
        (&frame(0x88, &5000_u16.to_be_bytes()), Violation::CloseCode),
        (&frame(0x88, &[3, 0xe8, 0xff]), Violation::NotUtf8),
        (&frame(0x81, &[0xff]), Violation::NotUtf8),
        (&frame(0x01, &[0xff]), Violation::NotUtf8),
        // A character that the end of the message cuts.
        (
            &[frame(0x01, &[0xc3]), frame(0x80, b"")].concat(),
            Violation::NotUtf8,
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(violation(bytes), Some(*expected), "{bytes:x?}");
    }
    let codes = [1000, 1003, 1007, 1014, 3000, 4999];
    for code in codes {
        let close = frame(0x88, &[&u16::to_be_bytes(code)[..], b"bye"].concat());
        assert_eq!(whole(&close), (vec![Incoming::Close(Some(code))], None));
    }
}

#[test]
fn a_character_may_be_cut_by_the_end_of_a_frame() {
    let bytes = [
        frame(0x01, &[b'a', 0xe2]),
        frame(0x00, &[0x82]),
        frame(0x80, &[0xac]),
    ]
    .concat();
    assert_eq!(whole(&bytes), (vec![Incoming::Text("a€".into())], None));
}

#[test]
fn limits_are_reached_and_not_passed() {
    let limits = Limits {
        message: 10,
        fragments: 3,
        deflate: false,
    };
    let read = |frames: &[Vec<u8>]| read(limits, [&*frames.concat()]);
    assert_eq!(read(&[frame(0x82, &[7; 10])]).1, None);
    // Its head alone says so.
    let head = &frame(0x82, &[7; 11])[..6];
    assert_eq!(read(&[head.to_vec()]).1, Some(Violation::TooLarge));
    let halves = |second| [frame(0x02, &[7; 5]), frame(0x80, &vec![7; second])];
    assert_eq!(read(&halves(5)).1, None);
    assert_eq!(read(&halves(6)).1, Some(Violation::TooLarge));
    let empty = |count: usize| {
        let mut all = vec![frame(0x02, &[])];
        all.extend(vec![frame(0x00, &[]); count - 2]);
        all.push(frame(0x80, &[]));
        all
    };
    assert_eq!(read(&empty(3)).1, None);
    assert_eq!(read(&empty(4)).1, Some(Violation::TooManyFragments));
    // The next message begins to count anew.
    assert_eq!(read(&[empty(3), empty(3)].concat()).1, None);
    let longest = [&[0x82, 0xff][..], &[0xff; 12]].concat();
    assert_eq!(read(&[longest]).1, Some(Violation::TooLarge));
}

#[test]
fn compressed_messages_come_as_they_are_where_that_was_agreed_on() {
    let limits = Limits {
        deflate: true,
        ..Limits::default()
    };
    let read = |frames: &[Vec<u8>]| read(limits, [&*frames.concat()]);
    let compressed = |text, payload: &'static [u8]| Incoming::Compressed {
        text,
        payload: payload.into(),
    };
    let frames = [
        frame(0xc1, &[0xff, 1]),
        frame(0xc2, &[2]),
        frame(0x41, &[0xff]),
        frame(0x80, &[3]),
        frame(0x81, b"plain"),
    ];
    let expected = vec![
        compressed(true, &[0xff, 1]),
        compressed(false, &[2]),
        compressed(true, &[0xff, 3]),
        Incoming::Text("plain".into()),
    ];
    assert_eq!(read(&frames), (expected, None));
    // Not in the middle of a message, and not on a control frame.
    let late = [frame(0x41, &[]), frame(0xc0, &[])];
    assert_eq!(read(&late).1, Some(Violation::ReservedBits));
    assert_eq!(read(&[frame(0xc9, &[])]).1, Some(Violation::ReservedBits));
}

#[test]
fn what_waits_keeps_no_memory_but_its_own() {
    let mut reader = Reader::new(Role::Server, Limits::default());
    let many = frame(0x82, &[7; 60_000]);
    reader.feed(&[&many[..], &frame(0x81, b"abc")[..4]].concat());
    let given = reader.poll().unwrap();
    assert_eq!(reader.poll(), Ok(None));
    assert!(reader.ahead.capacity() < 100, "{}", reader.ahead.capacity());
    assert!(!reader.is_at_rest());
    drop(given);
    reader.feed(&frame(0x81, b"abc")[4..]);
    assert_eq!(reader.poll(), Ok(Some(Incoming::Text("abc".into()))));
    assert!(reader.is_at_rest());
    assert_eq!(reader.ahead.capacity(), 0);
}

proptest! {
    /// However the bytes are cut, the same comes out.
    #[test]
    fn cuts_do_not_matter(
        frames in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(first, payload)| {
                // Mostly what is allowed, so that there is something to read.
                let opcode = [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, first][usize::from(first % 8)];
                frame(opcode, &payload)
            }),
            0..12,
        ),
        cut in 1..40_usize,
        deflate in any::<bool>(),
    ) {
        let bytes = frames.concat();
        let limits = Limits { message: 300, fragments: 4, deflate };
        prop_assert_eq!(read(limits, bytes.chunks(cut)), read(limits, [&*bytes]));
    }
}
