//! Requests, their bodies, their overlaps.

use super::*;
use crate::engine::Backlog;

#[test]
fn a_handshake_is_answered_with_the_open_packet() {
    let mut talk = Talk::new(POLLING, Config::v4());
    let id = talk.get();
    assert_eq!(
        talk.answer(id),
        "200 0{\"sid\":\"BwcHBwcHBwcHBwcHBwcH\",\"upgrades\":[\"websocket\"],\
         \"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000}"
    );
}

/// Clients in JavaScript set a timer for both times together, and one of 32 bits or more rings at once.
#[test]
fn no_time_is_told_that_a_timer_of_javascript_does_not_take() {
    let told = |time| {
        let config = Config::v4().ping_interval(time).ping_timeout(time);
        let mut talk = Talk::new(POLLING, config);
        let id = talk.get();
        let answer = talk.answer(id);
        let (_, rest) = answer.split_once("\"pingInterval\":").unwrap();
        let (interval, rest) = rest.split_once(",\"pingTimeout\":").unwrap();
        let (timeout, _) = rest.split_once(',').unwrap();
        assert_eq!(interval, timeout);
        interval.parse::<u32>().unwrap()
    };
    let most = 1_073_741_823;
    assert!(most + most < u32::try_from(i32::MAX).unwrap());
    assert_eq!(told(ms(most.into())), most);
    assert_eq!(told(ms(u64::from(most) + 1)), most);
    assert_eq!(told(Duration::from_secs(100 * 365 * 24 * 3600)), most);
    // None at all is no time either.
    assert_eq!(told(Duration::from_nanos(1)), 1);
}

#[test]
fn what_is_sent_while_a_poll_waits_leaves_in_one_body() {
    let mut talk = Talk::polling(Config::v4());
    let id = talk.get();
    talk.no_answer();
    assert_eq!(talk.send("a"), Sent::Queued);
    let bytes = Encoded::from(&Message::Binary(Bytes::from_static(b"\x01\x02")));
    assert_eq!(
        talk.session.send(talk.now, bytes, Flags::default()),
        Sent::Queued
    );
    assert_eq!(talk.answer(id), "200 4a\u{1e}bAQI=");
    assert_eq!(talk.send("b"), Sent::Queued);
    talk.no_answer();
    let id = talk.get();
    assert_eq!(talk.answer(id), "200 4b");
}

#[test]
fn a_body_may_be_compressed_if_one_packet_may() {
    let mut talk = Talk::polling(Config::v4());
    let mut compressed = |flags: [bool; 2]| {
        for compress in flags {
            let flags = Flags {
                compress,
                ..Flags::default()
            };
            assert_eq!(talk.session.send(talk.now, text("x"), flags), Sent::Queued);
        }
        talk.get();
        talk.session.poll_http().unwrap().1.compress
    };
    assert!(!compressed([false, false]));
    assert!(compressed([false, true]));
}

#[test]
fn a_post_is_answered_when_its_messages_were_taken() {
    let mut talk = Talk::polling(Config::v4());
    let id = talk.post("4a\u{1e}4b");
    talk.no_answer();
    assert_eq!(talk.session.poll_event(), Some(said("a")));
    talk.no_answer();
    assert_eq!(talk.session.poll_event(), Some(said("b")));
    assert_eq!(talk.session.poll_event(), None);
    assert_eq!(talk.answer(id), "200 ok");
}

#[test]
fn it_is_quiet_while_there_is_nothing_to_tell_and_nothing_to_read() {
    let mut talk = Talk::polling(Config::v4());
    assert!(talk.session.is_quiet());
    talk.post("4a");
    assert!(!talk.session.is_quiet());
    talk.session.pause(talk.now, true);
    assert!(talk.session.is_quiet());
    talk.session.pause(talk.now, false);
    assert_eq!(talk.events(), [said("a")]);
    assert!(talk.session.is_quiet());
    talk.close(Close::Discard);
    assert!(!talk.session.is_quiet());
    talk.events();
    assert!(talk.session.is_quiet());
}

#[test]
fn packets_that_clients_have_no_use_for_are_ignored() {
    let mut talk = Talk::polling(Config::v4());
    for body in ["0{}", "5", "6", "3", "3\u{1e}3"] {
        let id = talk.post(body);
        assert_eq!(talk.events(), []);
        assert_eq!(talk.answer(id), "200 ok");
    }
}

#[test]
fn a_second_get_ends_both() {
    let mut talk = Talk::polling(Config::v4());
    let first = talk.get();
    let second = talk.get();
    assert_eq!(talk.answer(second), "400");
    assert_eq!(talk.answer(first), "200 1");
    assert_eq!(talk.session.violation(), Some(Violation::SecondPoll));
    assert!(talk.session.is_violation_answered());
    talk.closed(CloseReason::TransportError);
}

/// So that it is told once, with the request, or with the session where no request was to blame.
#[test]
fn who_was_told_by_an_answer_what_was_wrong_is_known() {
    let mut talk = Talk::polling(Config::v4());
    let id = talk.post("x");
    while talk.session.poll_event().is_some() {}
    assert!(talk.session.is_violation_answered());
    let (its, reply) = talk.session.poll_http().unwrap();
    assert_eq!((its, reply.violation), (id, talk.session.violation()));

    // A ping from the client is answered as any other packet is.
    let mut talk = Talk::polling(Config::v4());
    talk.post("2");
    talk.session.poll_event();
    assert_eq!(talk.session.violation(), Some(Violation::PingFromClient));
    assert!(!talk.session.is_violation_answered());
    assert_eq!(talk.session.poll_http().unwrap().1.violation, None);
}

#[test]
fn a_get_that_was_answered_in_time_is_no_overlap() {
    let mut talk = Talk::polling(Config::v4());
    let first = talk.get();
    assert_eq!(talk.send("a"), Sent::Queued);
    let second = talk.get();
    assert_eq!(talk.answer(first), "200 4a");
    assert_eq!(talk.send("b"), Sent::Queued);
    assert_eq!(talk.answer(second), "200 4b");
}

#[test]
fn a_second_post_ends_both() {
    let mut talk = Talk::polling(Config::v4());
    let first = talk.post_begun();
    let second = talk.post_begun();
    let (id, reply) = talk.session.poll_http().unwrap();
    assert_eq!(
        (id, reply.status.as_u16(), reply.close),
        (second, 400, true)
    );
    let (id, reply) = talk.session.poll_http().unwrap();
    assert_eq!((id, reply.status.as_u16(), reply.close), (first, 400, true));
    // Their bodies may still come in.
    talk.post_end(first, Ok("4a"));
    talk.post_end(second, Err(PostFailure::Lost));
    talk.no_answer();
    talk.closed(CloseReason::TransportError);
}

#[test]
fn a_post_that_had_come_is_read_before_the_overlap_ends_it() {
    let mut talk = Talk::polling(Config::v4());
    let first = talk.post("4a\u{1e}4b");
    assert_eq!(talk.session.poll_event(), Some(said("a")));
    let second = talk.post("4c");
    assert_eq!(talk.answer(second), "400");
    assert_eq!(talk.answer(first), "200 ok");
    assert_eq!(talk.session.poll_event(), Some(said("b")));
    talk.closed(CloseReason::TransportError);
}

#[test]
fn a_dropped_request_ends_the_session() {
    for post in [false, true] {
        let mut talk = Talk::polling(Config::v4());
        let id = if post { talk.post_begun() } else { talk.get() };
        talk.session.handle_aborted(talk.now, RequestId(99));
        assert!(talk.session.is_open());
        talk.session.handle_aborted(talk.now, id);
        assert_eq!(talk.answer(id), "400");
        talk.no_answer();
        talk.closed(CloseReason::TransportError);
    }
}

#[test]
fn a_body_that_cannot_be_taken_ends_the_session() {
    for (failure, status, reason) in [
        (PostFailure::TooLarge, "413", CloseReason::TransportError),
        (PostFailure::NotUtf8, "400", CloseReason::ParseError),
        (PostFailure::Binary, "400", CloseReason::TransportError),
        (PostFailure::Timeout, "408", CloseReason::TransportError),
        (PostFailure::Lost, "400", CloseReason::TransportError),
    ] {
        let mut talk = Talk::polling(Config::v4());
        let poll = talk.get();
        let id = talk.post_begun();
        talk.post_end(id, Err(failure));
        assert_eq!(talk.answer(id), status);
        assert_eq!(talk.answer(poll), "200 1");
        talk.closed(reason);
    }
}

#[test]
fn a_body_over_the_limit_is_refused_whoever_let_it_through() {
    let config = Config::v4().max_http_buffer_size(4);
    let mut talk = Talk::polling(config);
    let id = talk.post("4abc");
    assert_eq!(talk.events(), [said("abc")]);
    assert_eq!(talk.answer(id), "200 ok");
    let id = talk.post("4abcd");
    assert_eq!(talk.answer(id), "413");
    talk.closed(CloseReason::TransportError);
}

#[test]
fn what_stands_before_a_fault_is_delivered() {
    for (body, delivered) in [
        ("", 0),
        ("\u{1e}4a", 0),
        ("4a\u{1e}", 1),
        ("4a\u{1e}\u{1e}4b", 1),
        ("4a\u{1e}9x\u{1e}4b", 1),
        ("4a\u{1e}b!!!!", 1),
        ("abc", 0),
    ] {
        let mut talk = Talk::polling(Config::v4());
        let id = talk.post(body);
        let events = talk.events();
        assert_eq!(events.len(), delivered + 1, "{body:?}");
        let violation = talk.session.violation();
        assert!(matches!(violation, Some(Violation::Malformed(_))));
        assert_eq!(
            events.last(),
            Some(&over(CloseReason::ParseError, violation))
        );
        assert_eq!(talk.answer(id), "400");
    }
}

#[test]
fn packets_of_a_body_are_counted() {
    let mut config = Config::v4();
    config.max_packets_per_payload = 2;
    let mut talk = Talk::polling(config);
    let id = talk.post("4a\u{1e}4b");
    assert_eq!(talk.events().len(), 2);
    assert_eq!(talk.answer(id), "200 ok");
    talk.post("4a\u{1e}4b\u{1e}4c");
    assert_eq!(talk.events().len(), 3);
    assert_eq!(talk.session.violation(), Some(Violation::TooManyPackets));
    talk.session.poll_http();
    talk.no_answer();
}

#[test]
fn a_client_says_goodbye() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    let post = talk.post("4a\u{1e}1\u{1e}4b");
    assert_eq!(
        talk.events(),
        [said("a"), over(CloseReason::TransportClose, None)]
    );
    assert_eq!(talk.answer(poll), "200 6");
    assert_eq!(talk.answer(post), "200 ok");
    talk.closed_already();
}

#[test]
fn what_a_message_caused_goes_out_before_the_goodbye_behind_it() {
    let mut talk = Talk::polling(Config::v4());
    let poll = talk.get();
    talk.post("4a\u{1e}1");
    assert_eq!(talk.session.poll_event(), Some(said("a")));
    assert_eq!(talk.send("answer"), Sent::Queued);
    assert_eq!(
        talk.session.poll_event(),
        Some(over(CloseReason::TransportClose, None))
    );
    assert_eq!(talk.answer(poll), "200 4answer");
}

#[test]
fn a_ping_from_the_client_is_a_fault() {
    for body in ["2", "2probe", "4a\u{1e}2\u{1e}4b"] {
        let mut talk = Talk::polling(Config::v4());
        let id = talk.post(body);
        let events = talk.events();
        assert!(!events.contains(&said("b")));
        assert_eq!(
            events.last(),
            Some(&over(
                CloseReason::TransportError,
                Some(Violation::PingFromClient)
            ))
        );
        assert_eq!(talk.answer(id), "200 ok");
    }
}

#[test]
fn the_cookie_comes_with_the_handshake_or_with_everything() {
    let cookies = |config: Config| {
        let mut talk = Talk::new(POLLING, config);
        talk.get();
        let first = talk.session.poll_http().unwrap().1.cookie.is_some();
        talk.post("4a");
        talk.events();
        let second = talk.session.poll_http().unwrap().1.cookie.is_some();
        talk.close(Close::Discard);
        talk.get();
        let last = talk.session.poll_http().unwrap().1.cookie.is_some();
        [first, second, last]
    };
    assert_eq!(cookies(Config::v4()), [false, false, false]);
    let v4 = Config::v4().cookie(crate::config::Cookie::default());
    assert_eq!(cookies(v4), [true, false, false]);
    // A session that is over is not told from one that never was.
    assert_eq!(cookies(Config::default()), [true, true, false]);
}

#[test]
fn the_answer_to_a_post_says_what_was_read_of_it() {
    let head = "451-[\"x\",{\"_placeholder\":true,\"num\":0}]";
    // The pong is a packet, too; behind a fault nothing is read.
    for (rest, packets) in [("bAQI=\u{1e}3", 3), ("x\u{1e}3", 1)] {
        let mut talk = Talk::polling(Config::v4());
        let body = format!("{head}\u{1e}{rest}");
        let post = talk.post(&body);
        talk.events();
        let (answered, reply) = talk.session.poll_http().unwrap();
        assert_eq!(answered, post);
        let bytes = body.len();
        assert_eq!(reply.taken, Backlog { bytes, packets });
    }
}

#[test]
fn what_a_post_brought_counts_until_all_of_it_is_taken() {
    let mut talk = Talk::polling(Config::v4());
    assert_eq!(talk.session.unread_bytes(), 0);
    let post = talk.post("4abc\u{1e}4d");
    assert_eq!(talk.session.unread_bytes(), 7);
    assert!(talk.session.poll_event().is_some());
    assert_eq!(talk.session.unread_bytes(), 7, "the body is kept");
    assert_eq!(talk.events().len(), 1);
    assert_eq!(talk.session.unread_bytes(), 0);
    assert_eq!(talk.answer(post), "200 ok");
}

#[test]
fn another_request_that_is_dropped_makes_no_difference() {
    let mut talk = Talk::polling(Config::v4());
    let post = talk.post("4a");
    let digest = |talk: &Talk| crate::digest::of(|state| talk.session.digest(state));
    let before = digest(&talk);
    talk.session.handle_aborted(talk.now, RequestId(99));
    assert_eq!(digest(&talk), before);
    talk.session.handle_aborted(talk.now, post);
    assert_ne!(digest(&talk), before);
}
