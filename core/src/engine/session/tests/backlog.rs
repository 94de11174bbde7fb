//! Clients that do not read.

use super::*;
use crate::engine::Backlog;

#[test]
fn a_websocket_must_make_progress_while_something_waits() {
    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(talk.due(), Some((Why::Ping, ms(25_000))));
    talk.pass(ms(1_000));
    assert_eq!(talk.send("a"), Sent::Queued);
    talk.frame();
    talk.pass(ms(19_000));
    talk.session.handle_ws_progress(talk.now);
    talk.pass(ms(5_000));
    talk.ws("3");
    assert_eq!(talk.due(), Some((Why::Ping, ms(50_000))));
    // The ping waits behind the rest, and its own flush is what counts from here.
    talk.flushed();
    assert_eq!(talk.frame(), "2");
    talk.ws("3");
    talk.pass(ms(24_999));
    talk.ws("4a");
    assert_eq!(talk.due().map(|(why, _)| why), Some(Why::Ping));
    talk.pass(ms(30_000));
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
    talk.closed(CloseReason::TransportError);
}

#[test]
fn a_backlog_over_its_limit_ends_a_slow_reader() {
    let mut config = Config::v4();
    config.max_backlog_packets = 2;
    let mut talk = Talk::polling(config);
    assert_eq!(
        [talk.send("a"), talk.send("b")],
        [Sent::Queued, Sent::Queued]
    );
    assert_eq!(talk.send("c"), Sent::Closed);
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
    talk.closed(CloseReason::TransportError);
}

#[test]
fn what_is_not_written_is_backlog_until_it_is() {
    // faults: H2
    let mut config = Config::v4();
    config.max_backlog_bytes = 10;
    config.backlog_policy = BacklogPolicy::Refuse;
    let mut talk = Talk::polling(config);
    let mut answered = 0;
    // Polls on connections of their own, none of which is read.
    for (bytes, sent) in [(6, Sent::Queued), (6, Sent::Queued), (1, Sent::Full)] {
        assert_eq!(talk.send(&"x".repeat(bytes - 1)), sent);
        if sent == Sent::Queued {
            let poll = talk.get();
            answered += talk.answer(poll).len() - "200 ".len();
            talk.session.handle_unwritten(talk.now, answered);
        }
    }
    assert_eq!((answered, talk.session.backlog_bytes()), (12, 12));
    // One of them is read.
    talk.session.handle_unwritten(talk.now, 6);
    assert_eq!(talk.send("x"), Sent::Queued);
    assert_eq!(talk.session.backlog_bytes(), 8);
    assert_eq!(talk.send("xx"), Sent::Full);
    assert_eq!(talk.send("x"), Sent::Queued);
}

#[test]
fn one_answer_may_be_as_large_as_it_is() {
    // faults: H2
    let mut config = Config::v4();
    config.max_backlog_bytes = 10;
    let mut talk = Talk::polling(config);
    talk.session.handle_unwritten(talk.now, 0);
    assert_eq!(talk.send(&"x".repeat(1_000)), Sent::Queued);
    let poll = talk.get();
    talk.answer(poll);
    talk.session.handle_unwritten(talk.now, 900);
    assert_eq!(talk.send("one"), Sent::Queued);
    assert_eq!(talk.send("more"), Sent::Queued);
    assert_eq!(talk.session.backlog_bytes(), 909);
    // It asks for more before it has read that, and does not read that either.
    let poll = talk.get();
    talk.answer(poll);
    talk.session.handle_unwritten(talk.now, 909);
    assert_eq!(talk.send("yet"), Sent::Closed);
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
}

#[test]
fn who_reads_no_answer_is_a_slow_reader() {
    // faults: H2
    let mut config = Config::v4();
    config.max_backlog_bytes = 10;
    let mut talk = Talk::polling(config);
    for _ in 0..2 {
        assert_eq!(talk.send("read"), Sent::Queued);
        let poll = talk.get();
        talk.answer(poll);
        talk.session.handle_unwritten(talk.now, 10);
    }
    assert_eq!(talk.send("one more"), Sent::Queued);
    assert_eq!(talk.send("and another"), Sent::Closed);
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
    talk.closed(CloseReason::TransportError);
}

#[test]
fn a_backlog_counts_bytes_and_always_takes_one_message() {
    let mut config = Config::v4();
    config.max_backlog_bytes = 10;
    config.backlog_policy = BacklogPolicy::Refuse;
    let mut talk = Talk::polling(config);
    assert_eq!(talk.send("a message of its own size"), Sent::Queued);
    assert_eq!(talk.send("b"), Sent::Full);
    assert_eq!(
        (talk.session.backlog_bytes(), talk.session.backlog_packets()),
        (26, 1)
    );
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 4a message of its own size");
    assert_eq!(talk.send("123456789"), Sent::Queued);
    assert_eq!(talk.send(""), Sent::Full);
}

#[test]
fn what_a_poll_waits_for_is_no_backlog() {
    let mut config = Config::v4();
    config.max_backlog_packets = 1;
    let mut talk = Talk::polling(config);
    let poll = talk.get();
    assert_eq!(
        [talk.send("a"), talk.send("b")],
        [Sent::Queued, Sent::Queued]
    );
    assert_eq!(talk.answer(poll), "200 4a");
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 4b");
}

#[test]
fn a_volatile_message_leaves_at_once_or_not_at_all() {
    const VOLATILE: Flags = Flags {
        volatile: true,
        compress: true,
        latest: false,
        policy: None,
    };
    let send = |talk: &mut Talk| talk.session.send(talk.now, text("v"), VOLATILE);

    let mut talk = Talk::polling(Config::v4());
    assert_eq!(send(&mut talk), Sent::Dropped);
    talk.get();
    assert_eq!(send(&mut talk), Sent::Queued);
    assert_eq!(send(&mut talk), Sent::Dropped);

    let mut talk = Talk::websocket(Config::v4());
    assert_eq!(send(&mut talk), Sent::Queued);
    assert_eq!(send(&mut talk), Sent::Dropped);
    talk.frame();
    assert_eq!(send(&mut talk), Sent::Dropped);
    talk.flushed();
    assert_eq!(send(&mut talk), Sent::Queued);
}

#[test]
fn the_protocol_has_room_of_its_own_and_no_more() {
    let mut talk = Talk::websocket(Config {
        max_backlog_bytes: 100,
        backlog_policy: BacklogPolicy::Refuse,
        ..Config::v4()
    });
    while talk.send("application") == Sent::Queued {}
    assert_eq!(talk.send("application"), Sent::Full);
    let connect = crate::packet::connected("/", "AAAAAAAAAAAAAAAAAAAA");
    talk.session.tell(talk.now, connect.clone());
    assert!(talk.session.is_open());
    for _ in 0..10 {
        talk.session.tell(talk.now, connect.clone());
    }
    talk.closed(CloseReason::TransportError);
}

/// Volatile, and the newest of its name waits.
const LATEST: Flags = Flags {
    volatile: true,
    compress: true,
    latest: true,
    policy: None,
};

fn position(at: u32) -> Encoded {
    text(&format!("position {at}")).named("/", "position")
}

#[test]
fn the_newest_of_a_name_waits_where_it_was_sent() {
    let mut talk = Talk::polling(Config::v4());
    let latest = |talk: &mut Talk, packet| talk.session.send(talk.now, packet, LATEST);
    assert_eq!(latest(&mut talk, position(1)), Sent::Queued);
    assert_eq!(talk.send("a"), Sent::Queued);
    assert_eq!(
        latest(&mut talk, text("other").named("/", "other")),
        Sent::Queued
    );
    assert_eq!(
        latest(&mut talk, text("there").named("/there", "position")),
        Sent::Queued
    );
    assert_eq!(latest(&mut talk, position(2)), Sent::Queued);
    assert_eq!(talk.send("b"), Sent::Queued);
    // One without a name is nobody's successor, and what may not be lost gives way to nobody.
    assert_eq!(latest(&mut talk, text("x")), Sent::Queued);
    assert_eq!(latest(&mut talk, text("y")), Sent::Queued);
    let lasting = Flags::default();
    assert_eq!(
        talk.session.send(talk.now, position(0), lasting),
        Sent::Queued
    );
    assert_eq!(latest(&mut talk, position(3)), Sent::Queued);
    let waiting = talk.session.backlog();
    let poll = talk.get();
    let body = talk.answer(poll);
    let packets: Vec<_> = body.trim_start_matches("200 ").split('\u{1e}').collect();
    assert_eq!(
        packets,
        [
            "4a",
            "4other",
            "4there",
            "4b",
            "4x",
            "4y",
            "4position 0",
            "4position 3"
        ]
    );
    assert_eq!(waiting.packets, packets.len());
    assert_eq!(
        waiting.bytes,
        packets.iter().map(|it| it.len()).sum::<usize>()
    );
    // One that can leave at once does.
    let poll = talk.get();
    assert_eq!(latest(&mut talk, position(4)), Sent::Queued);
    assert_eq!(talk.answer(poll), "200 4position 4");
}

#[test]
fn the_newest_is_lost_where_there_is_no_room() {
    let mut talk = Talk::polling(Config::v4().max_backlog_packets(2));
    let latest = |talk: &mut Talk, packet| talk.session.send(talk.now, packet, LATEST);
    assert_eq!(
        [talk.send("a"), latest(&mut talk, position(1))],
        [Sent::Queued; 2]
    );
    assert_eq!(latest(&mut talk, text("x").named("/", "x")), Sent::Dropped);
    assert_eq!(
        latest(&mut talk, position(2)),
        Sent::Queued,
        "in the other's place"
    );
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 4a\u{1e}4position 2");
}

#[test]
fn a_packet_may_have_a_policy_of_its_own() {
    let full = |policy| {
        let mut talk = Talk::polling(Config::v4().max_backlog_packets(1));
        assert_eq!(talk.send("a"), Sent::Queued);
        let flags = Flags {
            policy: Some(policy),
            ..Flags::default()
        };
        let sent = talk.session.send(talk.now, text("b"), flags);
        (sent, talk.session.is_open())
    };
    assert_eq!(full(BacklogPolicy::Refuse), (Sent::Full, true));
    assert_eq!(full(BacklogPolicy::Close), (Sent::Closed, false));
    assert_eq!(full(BacklogPolicy::DropVolatile), (Sent::Closed, false));
}

#[test]
fn there_is_room_as_long_as_half_of_it_is_free() {
    let config = Config::v4().max_backlog_bytes(20).max_backlog_packets(6);
    let mut talk = Talk::polling(config);
    let some = |bytes, packets| Backlog { bytes, packets };
    let none = Backlog::default();
    // Where nothing waits, one always has room, however large it is, and none behind it.
    assert!(talk.session.has_room(none, some(100, 10)));
    assert!(!talk.session.has_room(some(100, 10), none));
    assert_eq!(talk.send("1234"), Sent::Queued);
    let room = |talk: &Talk, promised, more| talk.session.has_room(promised, more);
    assert!(room(&talk, none, some(5, 1)) && !room(&talk, none, some(6, 1)));
    assert!(room(&talk, none, some(1, 2)) && !room(&talk, none, some(1, 3)));
    assert!(room(&talk, some(2, 1), some(3, 1)) && !room(&talk, some(3, 1), some(3, 1)));
    assert!(!room(&talk, some(1, 2), some(1, 1)));
    let poll = talk.get();
    talk.answer(poll);
    assert!(room(&talk, none, some(100, 10)));
    talk.close(Close::Discard);
    assert!(!room(&talk, none, none), "it is over");
}

#[test]
fn what_is_not_written_takes_room_once_another_answer_was_asked_for() {
    let mut talk = Talk::polling(Config::v4().max_backlog_bytes(20));
    let none = Backlog::default();
    let room = |talk: &Talk, bytes| {
        let more = Backlog { bytes, packets: 1 };
        talk.session.has_room(none, more)
    };
    talk.session.handle_unwritten(talk.now, 0);
    for (unwritten, counts) in [(4, false), (8, true)] {
        assert_eq!(talk.send("123"), Sent::Queued);
        let poll = talk.get();
        talk.answer(poll);
        talk.session.handle_unwritten(talk.now, unwritten);
        assert_eq!(talk.session.counts_unwritten(), counts);
        assert_eq!(room(&talk, 100), !counts);
    }
    assert!(room(&talk, 2) && !room(&talk, 3));
    talk.session.handle_unwritten(talk.now, 4);
    assert!(room(&talk, 6) && !room(&talk, 7));
    talk.session.handle_unwritten(talk.now, 0);
    assert!(!talk.session.counts_unwritten() && room(&talk, 100));
}

#[test]
fn a_session_is_backed_up_by_more_than_half_of_what_may_wait() {
    let one = {
        let mut talk = Talk::websocket(Config::v4());
        assert_eq!(talk.send("abc"), Sent::Queued);
        talk.session.queued_bytes()
    };
    let by_bytes = Config {
        max_backlog_bytes: 4 * one,
        ..Config::v4()
    };
    let by_packets = Config {
        max_backlog_packets: 4,
        ..Config::v4()
    };
    for config in [by_bytes, by_packets] {
        let mut talk = Talk::websocket(config);
        for backed_up in [false, false, true, true] {
            assert_eq!(talk.send("abc"), Sent::Queued);
            assert_eq!(talk.session.is_backed_up(), backed_up);
            assert_eq!(talk.session.is_full(0), backed_up);
        }
        for backed_up in [true, false] {
            talk.frame();
            assert_eq!(talk.session.is_backed_up(), backed_up);
        }
    }
}

#[test]
fn an_answer_that_is_lost_ends_its_session() {
    let mut talk = Talk::polling(Config::v4());
    talk.session.handle_unwritten(talk.now, 5);
    assert!(talk.session.is_unwritten(5) && !talk.session.is_unwritten(6));
    talk.session.handle_answer_lost(talk.now);
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
    talk.closed(CloseReason::TransportError);
}
