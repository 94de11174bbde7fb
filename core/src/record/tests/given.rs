//! What leaves as it was given.

use super::*;

/// A connection in `/`, of which nothing waits.
fn joined() -> (Recorded<u64>, SocketKey) {
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V4,
        base64: false,
    };
    let (now, config) = (Instant::ORIGIN, Arc::new(Config::v4()));
    let sid = Sid::from_random([7; 15]);
    let mut connection = Recorded::open(now, sid, opened, config, &Codec::default(), ROOM);
    connection.handle_ws(now, Message::from("40"));
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = connection.poll_event(now)
    else {
        panic!("nobody asks");
    };
    let id = SocketId::from_random([3; 15]);
    let socket = connection.accept(now, ticket, &id).unwrap();
    while connection.poll_ws().is_some() {}
    (connection, socket)
}

fn deliver(connection: &mut Recorded<u64>, socket: SocketKey, text: &str, flags: Flags) {
    let packet = packet::event("/", None, "said", text).unwrap();
    let _ = connection.deliver(Instant::ORIGIN, socket, packet, flags);
}

/// By how many bytes the log grows with what leaves next.
fn leaves(connection: &mut Recorded<u64>) -> usize {
    let before = connection.log().len();
    assert!(connection.poll_ws().is_some());
    connection.log().len() - before
}

fn plays(connection: &Recorded<u64>) {
    let log = Log::read(connection.log()).unwrap();
    assert_eq!(log.write(), connection.log());
    assert_eq!(Replay::new(log).unwrap().finish(), Ok(()));
}

#[test]
fn the_packet_that_was_given_last_leaves_without_a_sum() {
    let (mut connection, socket) = joined();
    for compress in [false, true] {
        let flags = Flags {
            compress,
            ..Flags::default()
        };
        deliver(&mut connection, socket, "one", flags);
        assert_eq!(leaves(&mut connection), 1, "{compress}");
    }
    // Over the end of a page.
    for length in 3_000..5_000 {
        if length % 97 == 0 {
            deliver(
                &mut connection,
                socket,
                &"x".repeat(length),
                Flags::default(),
            );
            assert_eq!(leaves(&mut connection), 1);
        }
    }
    plays(&connection);
}

#[test]
fn what_is_not_the_packet_that_was_given_last_leaves_with_its_sum() {
    let (mut connection, socket) = joined();
    for text in ["one", "two"] {
        deliver(&mut connection, socket, text, Flags::default());
    }
    assert_eq!([leaves(&mut connection), leaves(&mut connection)], [5, 1]);
    let flags = Flags::default();
    let named = packet::event("/", None, "said", "three").unwrap();
    let named = named.named("/", "said");
    let _ = connection.deliver(Instant::ORIGIN, socket, named, flags);
    assert_eq!(leaves(&mut connection), 5);
    let attached = (Bytes::from_static(b"four"),);
    let attached = packet::event("/", None, "said", &attached).unwrap();
    let _ = connection.deliver(Instant::ORIGIN, socket, attached, flags);
    assert_eq!([leaves(&mut connection), leaves(&mut connection)], [5, 5]);
    plays(&connection);
}

#[test]
fn what_has_the_same_bytes_as_the_packet_that_was_given_last_is_not_that_one() {
    let (mut connection, socket) = joined();
    for _ in 0..2 {
        deliver(&mut connection, socket, "one", Flags::default());
    }
    assert_eq!([leaves(&mut connection), leaves(&mut connection)], [5, 1]);
    // What waits is not what is lost.
    deliver(&mut connection, socket, "two", Flags::default());
    let volatile = Flags {
        volatile: true,
        ..Flags::default()
    };
    deliver(&mut connection, socket, "two", volatile);
    assert_eq!(leaves(&mut connection), 5);
    // Nor what asks for an answer.
    deliver(&mut connection, socket, "three", Flags::default());
    let now = Instant::ORIGIN;
    let question = packet::event("/", Some(1), "said", "three").unwrap();
    let flags = Flags::default();
    let asked = connection.request(now, socket, 1, question, flags, 7, None);
    assert_eq!(asked, Ok(()));
    assert_eq!([leaves(&mut connection), leaves(&mut connection)], [5, 1]);
    plays(&connection);
}

#[test]
fn a_log_that_names_a_packet_before_any_is_broken() {
    let (connection, _) = joined();
    let whole = connection.log();
    let mut log = whole.clone();
    // `PollWs`, of what was given.
    log.push(29 | 0x80);
    let why = Log::read(log).unwrap_err();
    assert!(
        matches!(why, LogError::Broken(at) if at > whole.len() - 2),
        "{why}"
    );
    let mut log = whole.clone();
    // Time moves, and there is no step.
    log.extend_from_slice(&[0x3f, 2, 0, 0, 0, 0, 0, 0, 0]);
    assert!(matches!(Log::read(log).unwrap_err(), LogError::Broken(_)));
}
