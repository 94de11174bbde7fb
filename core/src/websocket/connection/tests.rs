use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

use super::*;

/// What stands for compression: every bit is turned over. `!` does not come of it.
#[derive(Clone, Debug, Default, Hash)]
struct Turned {
    /// Buffers that are with the connection.
    lent: usize,
}

impl Embedder for Turned {
    fn compresses(&self) -> bool {
        true
    }

    fn deflate(&mut self, head: &[u8], payload: &Bytes) -> Option<Bytes> {
        let all = head.iter().chain(payload.iter());
        (payload.len() >= 4).then(|| all.map(|byte| !byte).collect())
    }

    fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<Vec<u8>, Unfit> {
        if payload == b"!" {
            return Err(Unfit::Malformed);
        }
        if payload.len() > limit {
            return Err(Unfit::TooLarge);
        }
        Ok(payload.iter().map(|byte| !byte).collect())
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.lent += 1;
        Vec::with_capacity(64)
    }

    fn give_back(&mut self, _: Vec<u8>) {
        self.lent -= 1;
    }
}

const LIMITS: Limits = Limits {
    message: 300,
    fragments: 4,
    deflate: false,
};

const KEY: [u8; 4] = [1, 2, 3, 0xfe];

fn server() -> Connection<()> {
    Connection::server(LIMITS, ())
}

fn client() -> Connection<()> {
    Connection::client(LIMITS, Masks::from_random([7; 16]), ())
}

/// A frame as a client writes it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write::frame(&mut frame, first, Some(KEY), &[], payload);
    frame
}

/// A frame as a server writes it.
fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write::frame(&mut frame, first, None, &[], payload);
    frame
}

fn events<E: Embedder>(connection: &mut Connection<E>) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

/// All that it writes, to a peer that takes all.
fn output<E: Embedder>(connection: &mut Connection<E>) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let output = connection.poll_output();
        if output.is_empty() {
            return all;
        }
        let count = output.len();
        all.extend_from_slice(output);
        connection.handle_written(count);
    }
}

/// Brings what one says to the other.
fn bring<E: Embedder>(from: &mut Connection<E>, to: &mut Connection<E>) -> Vec<Event> {
    to.handle_bytes(&output(from));
    events(to)
}

fn digest(connection: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    connection.hash(&mut hasher);
    hasher.finish()
}

fn message(text: &'static str) -> Event {
    Event::Message(text.into())
}

#[test]
fn both_ends_are_heard_and_say_goodbye() {
    for (mut one, mut other) in [(client(), server()), (server(), client())] {
        one.send(MessageType::Text, b"4", &"2[]".into(), true);
        one.send(MessageType::Binary, b"", &"\0".into(), true);
        one.ping(b"?");
        let heard = bring(&mut one, &mut other);
        let binary = Event::Message(Message::Binary("\0".into()));
        assert_eq!(heard, [message("42[]"), binary, Event::Ping]);
        assert_eq!(bring(&mut other, &mut one), [Event::Pong("?".into())]);

        one.close(Some(1000));
        assert!(!one.has_room());
        one.send(MessageType::Text, b"", &"too late".into(), true);
        one.ping(b"too late");
        let goodbye = Event::Closed(End::Goodbye(Some(1000)));
        assert_eq!(bring(&mut one, &mut other), std::slice::from_ref(&goodbye));
        assert_eq!(other.phase(), Phase::Answered);
        assert_eq!(bring(&mut other, &mut one), [goodbye]);
        assert_eq!(one.phase(), Phase::Over);
    }
}

#[test]
fn a_client_masks_each_frame_anew_and_a_server_none() {
    let mut client = client();
    for _ in 0..2 {
        client.send(MessageType::Binary, b"a", &"b".into(), false);
    }
    let written = output(&mut client);
    let (one, other) = written.split_at(8);
    assert_eq!(
        (one[..2].to_vec(), one[..2].to_vec()),
        (vec![0x82, 0x82], other[..2].to_vec())
    );
    assert_ne!(one[2..6], other[2..6]);
    assert_eq!([one[6] ^ one[2], one[7] ^ one[3]], *b"ab");
    assert_eq!([other[6] ^ other[2], other[7] ^ other[3]], *b"ab");
    let mut server = server();
    server.send(MessageType::Binary, b"a", &"b".into(), false);
    assert_eq!(output(&mut server), b"\x82\x02ab");
}

#[test]
fn keys_are_those_of_the_random_bytes() {
    let draw = |secret| {
        let mut masks = Masks::from_random(secret);
        [masks.draw(), masks.draw()]
    };
    assert_eq!(draw([7; 16]), draw([7; 16]));
    assert_ne!(draw([7; 16]), draw([8; 16]));
    let [one, other] = draw([0; 16]);
    assert_ne!(one, other);
}

#[test]
fn who_masks_and_must_not_or_must_and_does_not_is_told_so() {
    let cases = [
        (server(), plain(0x81, b"hi"), Violation::NotMasked),
        (client(), masked(0x81, b"hi"), Violation::Masked),
    ];
    for (mut connection, bytes, why) in cases {
        connection.handle_bytes(&bytes);
        assert_eq!(
            events(&mut connection),
            [Event::Closed(End::Violation(why))]
        );
        assert_eq!(connection.phase(), Phase::Failed(1002));
    }
}

#[test]
fn what_is_answered_before_a_violation_leaves_before_it_is_told() {
    let mut server = server();
    server.handle_bytes(&[masked(0x81, b"2"), masked(0xc1, b"")].concat());
    let violation = Event::Closed(End::Violation(Violation::ReservedBits));
    assert_eq!(events(&mut server), [message("2"), violation]);
    assert!(server.has_room());
    server.send(MessageType::Text, b"", &"3".into(), true);
    server.handle_bytes(&masked(0x81, b"2"));
    assert_eq!(events(&mut server), []);
    server.close(Some(1000));
    assert_eq!(output(&mut server), b"\x81\x013\x88\x02\x03\xea");
    assert_eq!((server.phase(), server.has_room()), (Phase::Deaf, false));
}

#[test]
fn who_has_said_goodbye_hears_nothing_but_the_answer() {
    let mut server = server();
    server.close(None);
    server.handle_bytes(&[masked(0x81, b"2"), masked(0x89, b"?"), masked(0x8a, b"")].concat());
    assert_eq!(events(&mut server), vec![Event::Ignored; 3]);
    assert_eq!(output(&mut server), b"\x88\0");
    let mut second = server.clone();
    server.handle_bytes(&masked(0x88, b""));
    assert_eq!(events(&mut server), [Event::Closed(End::Goodbye(None))]);
    // What makes no sense is an end as good as any.
    second.handle_bytes(&plain(0x81, b""));
    let violation = Event::Closed(End::Violation(Violation::NotMasked));
    assert_eq!(events(&mut second), [violation]);
    for connection in [&mut server, &mut second] {
        assert_eq!(connection.phase(), Phase::Over);
        assert_eq!(output(connection), b"");
    }
}

#[test]
fn who_was_said_goodbye_to_and_talks_on_is_not_heard() {
    let mut server = server();
    let goodbye = masked(0x88, &[0x03, 0xe9, b'!']);
    server.handle_bytes(&[goodbye, masked(0x81, b"2")].concat());
    assert_eq!(
        events(&mut server),
        [Event::Closed(End::Goodbye(Some(1001)))]
    );
    server.close(Some(1000));
    server.handle_bytes(b"");
    assert_eq!(server.phase(), Phase::Answered);
    server.handle_bytes(b"more");
    assert_eq!((server.phase(), events(&mut server)), (Phase::Deaf, vec![]));
    assert_eq!(output(&mut server), b"\x88\x02\x03\xe9");
}

#[test]
fn the_end_of_the_stream_is_said_behind_what_came_before_it() {
    let whole = masked(0x81, b"2");
    for (close, before) in [(false, message("2")), (true, Event::Ignored)] {
        let mut server = server();
        if close {
            server.close(None);
        }
        server.handle_bytes(&[&whole[..], &whole[..3]].concat());
        server.handle_end();
        assert_eq!(events(&mut server), [before, Event::Closed(End::Lost)]);
        assert_eq!(server.phase(), Phase::Over);
        server.handle_end();
        server.handle_bytes(&whole);
        assert_eq!(events(&mut server), []);
    }
    // It is one end only, and who did wrong before it may still be told.
    for (bytes, phase) in [
        (masked(0x83, b""), Phase::Failed(1002)),
        (masked(0x88, b""), Phase::Answered),
    ] {
        let mut server = server();
        server.handle_bytes(&bytes);
        server.handle_end();
        assert_eq!(events(&mut server).len(), 1);
        assert_eq!(server.phase(), phase);
        server.handle_end();
        server.close(None);
        assert!(output(&mut server).starts_with(b"\x88"));
        server.handle_end();
        assert_eq!((server.phase(), events(&mut server)), (Phase::Over, vec![]));
    }
    let mut server = server();
    server.send(MessageType::Text, b"", &"3".into(), false);
    server.handle_broken();
    assert_eq!((server.phase(), output(&mut server)), (Phase::Over, vec![]));
}

#[test]
fn of_pings_that_nobody_reads_the_answers_to_the_last_is_kept() {
    // faults: C12
    let mut server = Connection::server(LIMITS, Turned::default());
    for number in 0..=255 {
        for _ in 0..8 {
            server.handle_bytes(&masked(0x89, &[number; 125]));
        }
        assert_eq!(events(&mut server), vec![Event::Ping; 8]);
    }
    assert!(server.out.waiting() < ROOM + 127);
    let sent = output(&mut server);
    assert_eq!(
        sent[sent.len() - 127..],
        [&[0x8a, 125][..], &[255; 125]].concat()
    );
    assert_eq!(server.embedder.lent, 0);
    // Nor is it sent behind a goodbye.
    server.send(MessageType::Binary, b"", &vec![0; ROOM].into(), false);
    server.handle_bytes(&masked(0x89, b"?"));
    assert_eq!(events(&mut server), [Event::Ping]);
    server.close(None);
    assert!(output(&mut server).ends_with(b"\x88\0"));
}

#[test]
fn there_is_room_until_a_buffer_is_full_and_whole_frames_must_fit() {
    let mut server = server();
    let frames = plain(0x81, b"2");
    assert!(server.send_frames(&frames, true));
    assert_eq!(server.poll_output(), frames);
    let full = vec![0; ROOM - frames.len()];
    assert!(!server.send_frames(&[&full[..], b"\0"].concat(), false));
    assert!(server.has_room());
    assert!(server.send_frames(&full, false));
    assert!(!server.has_room());
    server.handle_written(1);
    assert!(server.has_room());
    assert!(!client().send_frames(&frames, false));
    let mut turned = Connection::server(LIMITS, Turned::default());
    assert!(!turned.send_frames(&frames, true));
    assert!(turned.send_frames(&frames, false));
}

#[test]
fn a_longer_ping_is_cut_off() {
    let (mut client, mut server) = (client(), server());
    client.ping(&[1; 126]);
    assert_eq!(bring(&mut client, &mut server), [Event::Ping]);
    let pong = Event::Pong(vec![1; 125].into());
    assert_eq!(bring(&mut server, &mut client), [pong]);
}

#[test]
fn a_message_is_as_long_as_the_limit_and_no_longer_compressed_or_not() {
    let turned = |length: usize| vec![!b'x'; length];
    let cases = [
        (masked(0x81, &[b'x'; 300]), None),
        (masked(0x81, &[b'x'; 301]), Some(Violation::TooLarge)),
        (masked(0xc1, &turned(300)), None),
        (masked(0xc1, &turned(301)), Some(Violation::TooLarge)),
        (masked(0xc2, b"!"), Some(Violation::Compression)),
        (masked(0xc1, b"\x00"), Some(Violation::NotUtf8)),
    ];
    for (bytes, expected) in cases {
        let mut server = Connection::server(LIMITS, Turned::default());
        server.handle_bytes(&bytes);
        match (events(&mut server).as_slice(), expected) {
            ([Event::Message(Message::Text(text))], None) => assert_eq!(text.len(), 300),
            ([event], Some(why)) => assert_eq!(*event, Event::Closed(End::Violation(why))),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn messages_go_compressed_where_that_was_agreed_on_and_asked_for() {
    let mut server = Connection::server(LIMITS, Turned::default());
    server.send(MessageType::Text, b"4", &"2[]x".into(), true);
    server.send(MessageType::Text, b"4", &"2[]x".into(), false);
    server.send(MessageType::Text, b"4", &"2".into(), true);
    let mut expected = plain(0xc1, &b"42[]x".map(|byte| !byte));
    expected.extend([plain(0x81, b"42[]x"), plain(0x81, b"42")].concat());
    assert_eq!(output(&mut server), expected);
    assert_eq!(server.embedder.lent, 0);
}

#[test]
fn what_must_leave_first_does_and_an_idle_connection_keeps_no_buffer() {
    let mut server = Connection::server(LIMITS, Turned::default()).after(b"101".to_vec());
    server.embedder.lent = 1;
    server.send(MessageType::Text, b"", &"0{}".into(), false);
    assert_eq!(output(&mut server), b"101\x81\x030{}");
    server.handle_bytes(&masked(0x81, b"2"));
    assert_eq!(events(&mut server), [message("2")]);
    assert!(server.reader.is_none());
    server.send(MessageType::Binary, b"", &vec![1; 1000].into(), false);
    server.handle_written(990);
    server.handle_blocked();
    assert_eq!(server.embedder.lent, 0);
    assert_eq!(server.poll_output().len(), 14);
}

mod shape {
    use super::*;

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Connection<()>>() <= 72);
    }
}

/// What an end may be asked to do.
#[derive(Clone, Debug)]
enum Wish {
    Send(MessageType, Vec<u8>, bool),
    Ping(Vec<u8>),
    Close(Option<u16>),
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let payload = prop::collection::vec(0x20..0x7f_u8, 0..150);
    let kind = prop_oneof![Just(MessageType::Text), Just(MessageType::Binary)];
    let wish = prop_oneof![
        6 => (kind, payload.clone(), any::<bool>()).prop_map(|(kind, payload, compress)| {
            Wish::Send(kind, payload, compress)
        }),
        2 => payload.prop_map(Wish::Ping),
        1 => prop::option::of(1000..=1003_u16).prop_map(Wish::Close),
    ];
    prop::collection::vec(wish, 0..10)
}

fn ask(connection: &mut Connection<Turned>, wishes: &[Wish]) {
    for wish in wishes {
        match wish {
            Wish::Send(kind, payload, compress) => {
                connection.send(*kind, b"", &Bytes::copy_from_slice(payload), *compress);
            }
            Wish::Ping(payload) => connection.ping(payload),
            Wish::Close(code) => connection.close(*code),
        }
    }
}

/// Any frames, mostly such as may come.
fn frames() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let payload = prop::collection::vec(any::<u8>(), 0..200);
    let frame = (any::<u8>(), payload).prop_map(|(first, payload)| {
        let usual = [
            0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0xc2, 0x88, 0x81, first,
        ];
        (usual[usize::from(first % 12)], payload)
    });
    prop::collection::vec(frame, 0..12)
}

/// What came of these pieces, and what was answered.
fn fed<'a>(
    mut connection: Connection<Turned>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Event>, Vec<u8>, Connection<Turned>) {
    let mut all = Vec::new();
    for piece in pieces {
        connection.handle_bytes(piece);
        all.extend(events(&mut connection));
    }
    connection.close(None);
    let answered = output(&mut connection);
    (all, answered, connection)
}

proptest! {
    /// However the bytes are cut, the same comes out, the same is answered, and the end is the same.
    #[test]
    fn cuts_do_not_matter(
        frames in frames(),
        cuts in prop::collection::vec(1..60_usize, 1..20),
        is_client in any::<bool>(),
    ) {
        let limits = LIMITS;
        let connection = if is_client {
            Connection::client(limits, Masks::from_random([9; 16]), Turned::default())
        } else {
            Connection::server(limits, Turned::default())
        };
        let frame = if is_client { plain } else { masked };
        let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect();
        let mut rest = &bytes[..];
        let mut cuts = cuts.iter().cycle();
        let pieces = std::iter::from_fn(|| {
            let cut = rest.len().min(*cuts.next().unwrap());
            let (piece, after) = rest.split_at(cut);
            rest = after;
            (!piece.is_empty()).then_some(piece)
        });
        let (events, answered, at_once) = fed(connection.clone(), std::iter::once(&bytes[..]));
        let (in_pieces, answered_in_pieces, after_pieces) = fed(connection, pieces);
        prop_assert_eq!(&in_pieces, &events);
        prop_assert_eq!(answered_in_pieces, answered);
        let over = |connection: &Connection<Turned>| connection.phase();
        // What follows a goodbye may come after it was read, or with it.
        if over(&at_once) != Phase::Answered {
            prop_assert_eq!(over(&after_pieces), over(&at_once));
        }
        prop_assert_eq!((at_once.embedder.lent, after_pieces.embedder.lent), (0, 0));
        for event in &events {
            if let Event::Message(Message::Text(text)) = event {
                prop_assert!(text.len() <= limits.message);
            }
            if let Event::Message(Message::Binary(data)) = event {
                prop_assert!(data.len() <= limits.message);
            }
        }
        let ends = events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
        prop_assert!(ends <= 1);
        prop_assert!(ends == 0 || matches!(events.last(), Some(Event::Closed(_))));
    }

    /// What one end is asked to say the other hears, in either role, and nobody finds fault with it.
    #[test]
    fn each_end_understands_the_other(wishes in wishes(), is_client in any::<bool>(), cut in 1..50_usize) {
        let client = Connection::client(LIMITS, Masks::from_random([3; 16]), Turned::default());
        let server = Connection::server(LIMITS, Turned::default());
        let (mut one, mut other) = if is_client { (client, server) } else { (server, client) };
        ask(&mut one, &wishes);
        let mut heard = Vec::new();
        for piece in output(&mut one).chunks(cut) {
            other.handle_bytes(piece);
            heard.extend(events(&mut other));
        }
        let mut expected = Vec::new();
        let mut pongs = Vec::new();
        for wish in &wishes {
            match wish {
                Wish::Send(MessageType::Text, payload, _) => {
                    let text = String::from_utf8(payload.clone()).unwrap();
                    expected.push(Event::Message(Message::Text(text.into())));
                }
                Wish::Send(MessageType::Binary, payload, _) => {
                    expected.push(Event::Message(Message::Binary(payload.clone().into())));
                }
                Wish::Ping(payload) => {
                    expected.push(Event::Ping);
                    let length = payload.len().min(125);
                    pongs.push(Bytes::copy_from_slice(&payload[..length]));
                }
                Wish::Close(code) => {
                    expected.push(Event::Closed(End::Goodbye(*code)));
                    break;
                }
            }
        }
        prop_assert_eq!(&heard, &expected);
        let closed = match expected.last() {
            Some(Event::Closed(end)) => Some(*end),
            _ => None,
        };
        let answers = bring(&mut other, &mut one);
        let expected: Vec<Event> = match closed {
            Some(end) => vec![Event::Ignored; pongs.len()]
                .into_iter()
                .chain([Event::Closed(end)])
                .collect(),
            None => pongs.into_iter().map(Event::Pong).collect(),
        };
        prop_assert_eq!(answers, expected);
        prop_assert_eq!((one.embedder.lent, other.embedder.lent), (0, 0));
    }

    /// A copy goes the same way, and a digest tells two ways apart.
    #[test]
    fn a_copy_goes_the_same_way(frames in frames()) {
        let mut server = Connection::server(LIMITS, Turned::default());
        for (first, payload) in frames {
            let mut copy = server.clone();
            prop_assert_eq!(digest(&copy), digest(&server));
            let bytes = masked(first, &payload);
            server.handle_bytes(&bytes);
            if server.phase() == Phase::Open {
                prop_assert!(digest(&copy) != digest(&server));
            }
            copy.handle_bytes(&bytes);
            prop_assert_eq!(events(&mut copy), events(&mut server));
            prop_assert_eq!(digest(&copy), digest(&server));
        }
    }
}
