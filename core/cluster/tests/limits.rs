//! Each limit, at it and one past it.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::{NOW, Node, ask, call, down, drain, event, from, to_room, up};
use sio_cluster::codec::{Context, Odd, cluster};
use sio_cluster::entry::EntryId;
use sio_cluster::id::{RequestId, Uid};
use sio_cluster::message::{Flags, Message, Question, Reply, To};
use sio_cluster::node::{Answers, Asked, End, Notice, Output, Overflow};
use sio_cluster::{Config, Dialect, Heartbeat, Limits, Subscription, Subscriptions};
use sio_core::packet::Args;
use sio_core::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_a_message_may_hold() {
    let event = r#"{"type":3,"uid":"abcd","nsp":"/","data":{"packet":{"type":2,"data":["event",1,2]},"opts":{"rooms":["room1","room2"],"except":[]},"requestId":"ab"}}"#;
    let answer = r#"{"type":8,"uid":"abcd","nsp":"/","data":{"requestId":"ab","sockets":[{"id":"a","rooms":[],"handshake":{}},{"id":"b","rooms":[],"handshake":{}}]}}"#;
    type Set = fn(&mut Limits, usize);
    let cases: [(&str, Set, usize, Odd); 9] = [
        (
            event,
            |it, n| it.message = n,
            event.len(),
            Odd::TooLarge(event.len()),
        ),
        (event, |it, n| it.depth = n, 4, Odd::TooDeep),
        (event, |it, n| it.rooms = n, 2, Odd::TooLong("rooms")),
        (event, |it, n| it.room_name = n, 5, Odd::TooLong("rooms")),
        (event, |it, n| it.members = n, 4, Odd::TooLong("message")),
        (event, |it, n| it.id = n, 4, Odd::TooLong("uid")),
        (event, |it, n| it.name = n, 5, Odd::TooLong("data")),
        (event, |it, n| it.arguments = n, 2, Odd::TooLong("data")),
        (answer, |it, n| it.sockets = n, 2, Odd::TooLong("sockets")),
    ];
    for (text, set, exact, why) in cases {
        let read = |limit| {
            let mut limits = Limits::default();
            set(&mut limits, limit);
            let of = Context {
                namespace: "/",
                limits: &limits,
            };
            cluster::decode(&Bytes::from(text), of)
        };
        assert!(read(exact).is_ok_and(|it| it.is_some()), "at it: {why}");
        assert_eq!(read(exact - 1), Err(why));
    }
}

#[test]
fn open_questions() {
    let mut config = Config::new(Dialect::Classic, "/");
    config.max_open_questions = 2;
    let mut node = up(config);
    for token in 1..=2 {
        ask(&mut node, token, Asked::Nodes(Question::Rooms));
        assert!(
            !drain(&mut node)
                .iter()
                .any(|it| matches!(it, Output::Done { .. }))
        );
    }
    ask(&mut node, 3, Asked::Nodes(Question::Rooms));
    let outputs = drain(&mut node);
    assert!(matches!(
        &outputs[0],
        Output::Notice(Notice::Overflow(Overflow::Questions))
    ));
    let Output::Done { token: 3, answers } = &outputs[1] else {
        panic!("{outputs:?}")
    };
    assert_eq!((answers.end, answers.silent_nodes), (End::Refused, None));
    assert_eq!(node.status().questions, 2);
}

/// Answers that came, and whether one was refused.
fn answered(set: impl Fn(&mut Config, usize), sizes: usize) -> (usize, bool) {
    let mut config = Config::new(Dialect::Sharded, "/");
    set(&mut config, sizes);
    let mut node = up(config);
    let id = ask(&mut node, 1, Asked::Servers(call("q")));
    drain(&mut node);
    let mut over = false;
    for other in 0..3_u8 {
        let reply = Reply::Value(Args::from_arguments(&other).unwrap());
        let id = RequestId::from(id.as_str());
        from(
            &mut node,
            &Uid::cluster([other; 8]),
            &Message::Answer { id, reply },
        );
        over |= drain(&mut node)
            .iter()
            .any(|it| matches!(it, Output::Notice(Notice::Overflow(Overflow::Answers))));
    }
    node.handle_timeout(NOW + 9 * SECOND);
    let outputs = drain(&mut node);
    let Output::Done { answers, .. } = &outputs[0] else {
        panic!("{outputs:?}")
    };
    (answers.got.len(), over)
}

#[test]
fn answers_and_their_bytes() {
    assert_eq!(answered(|it, n| it.max_answers = n, 3), (3, false));
    assert_eq!(answered(|it, n| it.max_answers = n, 2), (2, true));
    let (mut at, mut size) = ((0, true), 0);
    while at.1 {
        size += 1;
        at = answered(|it, n| it.max_answer_bytes = n, size);
    }
    assert_eq!(at, (3, false));
    assert_eq!(
        answered(|it, n| it.max_answer_bytes = n, size - 1),
        (2, true)
    );
}

#[test]
fn nodes_that_count_their_clients() {
    let mut config = Config::new(Dialect::Sharded, "/");
    config.max_answers = 2;
    let mut node = up(config);
    let what = Asked::Clients {
        call: call("q"),
        to: To::default(),
    };
    let id = ask(&mut node, 1, what);
    drain(&mut node);
    for other in 1..=3 {
        let counted = Message::Answer {
            id: RequestId::from(id.as_str()),
            reply: Reply::Clients(1),
        };
        from(&mut node, &Uid::cluster([other; 8]), &counted);
        let refused = matches!(
            drain(&mut node)[..],
            [Output::Notice(Notice::Overflow(Overflow::Answers))]
        );
        assert_eq!(refused, other == 3);
    }
    node.handle_timeout(NOW + 9 * SECOND);
    let outputs = drain(&mut node);
    let Output::Done { answers, .. } = &outputs[0] else {
        panic!("{outputs:?}")
    };
    assert_eq!((answers.got.len(), answers.missing), (0, 2));
}

#[test]
fn pending_answers() {
    let mut config = Config::new(Dialect::Sharded, "/");
    config.max_pending_answers = 2;
    let mut node = up(config);
    let other = Uid::cluster([7; 8]);
    for number in 1..=3_u8 {
        let id = RequestId::cluster([number; 8]);
        let what = Question::Fetch(To::default());
        from(&mut node, &other, &Message::Ask { id, what });
    }
    let outputs = drain(&mut node);
    let asked = outputs
        .iter()
        .filter(|it| matches!(it, Output::Asked { .. }))
        .count();
    assert_eq!((asked, node.status().pending), (2, 2));
    // The third is answered with nothing.
    let [
        ..,
        Output::Notice(Notice::Overflow(Overflow::Pending)),
        Output::Publish(it),
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    assert!(String::from_utf8_lossy(&it.payload).contains(r#""sockets":[]"#));
}

#[test]
fn nodes() {
    let mut config = Config::new(Dialect::Sharded, "/");
    config.max_nodes = 2;
    let mut node = up(config);
    for (other, known) in [(1, 1), (2, 2), (3, 2)] {
        from(
            &mut node,
            &Uid::cluster([other; 8]),
            &event("x", To::default()),
        );
        assert_eq!(node.status().nodes, known);
    }
}

#[test]
fn the_buffer_of_an_outage() {
    let mut node = down(Config::new(Dialect::Classic, "/"));
    node.broadcast(NOW, call("x"), To::default(), None).unwrap();
    let one = node.status().buffered;
    assert!(one > 0);
    for (room, kept, gone) in [(2 * one, 2, 0), (2 * one - 1, 1, 1)] {
        let mut config = Config::new(Dialect::Classic, "/");
        config.outage_buffer = room;
        let mut node = down(config);
        for _ in 0..2 {
            node.broadcast(NOW, call("x"), To::default(), None).unwrap();
        }
        assert_eq!(node.status().buffered, kept * one);
        assert_eq!(node.counts().dropped, gone);
        // What may be lost is not kept at all.
        let flags = Flags {
            volatile: true,
            ..Flags::default()
        };
        node.broadcast(
            NOW,
            call("x"),
            To {
                flags,
                ..To::default()
            },
            None,
        )
        .unwrap();
        assert_eq!(node.status().buffered, kept * one);
    }
}

#[test]
fn the_age_in_an_outage() {
    for (late, sent) in [(Duration::ZERO, 1), (Duration::from_nanos(1), 0)] {
        let mut node = down(Config::new(Dialect::Classic, "/"));
        node.broadcast(NOW, call("x"), To::default(), None).unwrap();
        let outputs = common::connect(&mut node, NOW + 10 * SECOND + late);
        let published = outputs
            .iter()
            .filter(|it| matches!(it, Output::Publish(_)))
            .count();
        assert_eq!(published, sent);
        assert_eq!(node.counts().dropped, 1 - sent as u64);
    }
}

#[test]
fn entries_in_the_air() {
    let mut node = up(Config::new(Dialect::Streams, "/"));
    node.broadcast(NOW, call("x"), To::default(), Some(1))
        .unwrap();
    let outputs = drain(&mut node);
    let Output::Append { entry, .. } = &outputs[0] else {
        panic!("{outputs:?}")
    };
    for (window, told) in [(2 * entry.size(), 0), (2 * entry.size() - 1, 1)] {
        let mut config = Config::new(Dialect::Streams, "/");
        config.append_window = window;
        let mut node = up(config);
        for token in 1..=2 {
            node.broadcast(NOW, call("x"), To::default(), Some(token))
                .unwrap();
        }
        let outputs = drain(&mut node);
        let without = |it: &&Output<u32>| matches!(it, Output::Appended { at: None, .. });
        assert_eq!(outputs.iter().filter(without).count(), told);
    }
}

#[test]
fn rooms_that_are_listened_to() {
    let mut config = Config::new(Dialect::Sharded, "/");
    config.dynamic_subscriptions = 2;
    let mut node = up(config);
    for room in ["a", "b"] {
        node.room_created(NOW, room, false);
        assert!(matches!(drain(&mut node)[..], [Output::Subscribe(_)]));
    }
    node.room_created(NOW, "c", false);
    let outputs = drain(&mut node);
    let [Output::Notice(Notice::Overflow(Overflow::Subscriptions(room)))] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(room, "c");
    // One that is left and joined again within the round trip was one of them all along.
    let b = Subscription::Sharded("socket.io#/#b#".to_owned());
    node.handle_subscribed(NOW, &b);
    node.room_deleted(NOW, "b", false);
    node.room_created(NOW, "b", false);
    assert!(matches!(drain(&mut node)[..], [Output::Unsubscribe(_)]));
    node.handle_unsubscribed(NOW, &b);
    assert!(matches!(drain(&mut node)[..], [Output::Subscribe(_)]));
}

#[test]
fn joins_that_wait() {
    let mut config = Config::new(Dialect::Sharded, "/");
    config.max_waiting_joins = 2;
    let mut node = up(config);
    node.room_created(NOW, "a", false);
    drain(&mut node);
    for token in 1..=2 {
        node.when_heard(NOW, &["a"], token);
        assert!(drain(&mut node).is_empty());
    }
    node.when_heard(NOW, &["a"], 3);
    assert!(matches!(drain(&mut node)[..], [Output::Heard { token: 3 }]));
}

/// Where an event for a room goes.
fn channel(node: &mut Node, now: Instant, room: &str) -> String {
    node.broadcast(now, call("x"), to_room(room), None).unwrap();
    match &drain(node)[..] {
        [Output::Publish(it)] => it.channel.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rooms_that_others_have_just_joined() {
    let (all, alone) = ("socket.io#/#", "socket.io#/#z#");
    for (rooms, expected) in [(2, alone), (3, all)] {
        let mut config = Config::new(Dialect::Sharded, "/");
        config.max_recent_joins = 2;
        let mut node = up(config);
        let names = (0..rooms).map(|room| format!("r{room}")).collect();
        node.join(NOW, To::default(), names).unwrap();
        drain(&mut node);
        assert_eq!(channel(&mut node, NOW, "r0"), all, "not all may listen yet");
        assert_eq!(channel(&mut node, NOW, "z"), expected);
        let just = NOW + SECOND - Duration::from_nanos(1);
        assert_eq!(channel(&mut node, just, "r1"), all);
        assert_eq!(channel(&mut node, NOW + SECOND, "r1"), "socket.io#/#r1#");
    }
}

#[test]
fn how_long_a_question_waits() {
    let mut node = up(Config::new(Dialect::Sharded, "/"));
    ask(&mut node, 1, Asked::Servers(call("q")));
    drain(&mut node);
    assert_eq!(node.poll_timeout().unwrap().at, NOW + 5 * SECOND);
    node.handle_timeout(NOW + 5 * SECOND - Duration::from_nanos(1));
    assert!(drain(&mut node).is_empty());
    node.handle_timeout(NOW + 5 * SECOND);
    let outputs = drain(&mut node);
    let [Output::Done { token: 1, answers }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((answers.end, answers.silent_nodes), (End::Timeout, None));
}

#[test]
fn how_long_others_wait_for_an_answer() {
    let mut node = up(Config::new(Dialect::Sharded, "/"));
    let id = RequestId::cluster([3; 8]);
    let ask = Some(id);
    from(
        &mut node,
        &Uid::cluster([7; 8]),
        &Message::ServerSide {
            call: call("q"),
            ask,
            to: None,
        },
    );
    drain(&mut node);
    node.handle_timeout(NOW + 4 * SECOND - Duration::from_nanos(1));
    assert!(drain(&mut node).is_empty());
    node.handle_timeout(NOW + 4 * SECOND);
    assert!(matches!(drain(&mut node)[..], [Output::Publish(_)]));
    assert_eq!(node.status().pending, 0);
}

#[test]
fn how_long_acks_are_passed_on() {
    for (late, passed) in [(Duration::from_nanos(1), 1), (Duration::ZERO, 0)] {
        let mut config = Config::new(Dialect::Sharded, "/");
        config.max_ack_wait = 7 * SECOND;
        let mut node = up(config);
        let flags = Flags {
            timeout: Some(u64::MAX),
            ..Flags::default()
        };
        let asked = Message::Broadcast {
            call: call("q"),
            to: To {
                flags,
                ..To::default()
            },
            ask: Some(RequestId::cluster([3; 8])),
        };
        from(&mut node, &Uid::cluster([7; 8]), &asked);
        let Some(Output::Asked { ticket, .. }) = drain(&mut node).pop() else {
            panic!()
        };
        let ticket = node.count(NOW, ticket, 2);
        assert!(matches!(drain(&mut node)[..], [Output::Publish(_)]));
        let now = NOW + 7 * SECOND - late;
        node.handle_timeout(now);
        node.ack(now, &ticket, None, Args::default()).unwrap();
        assert_eq!(drain(&mut node).len(), passed);
    }
}

/// What comes of a question where the broker says that nobody else is there.
fn asked_alone(node: &mut Node, now: Instant) -> Answers {
    node.ask(now, [1; 8], Asked::Servers(call("q")), None, 1)
        .unwrap();
    let outputs = drain(node);
    let Some(Output::Count { token, .. }) = outputs.last() else {
        panic!("{outputs:?}")
    };
    node.handle_count(now, *token, 1);
    match drain(node).pop() {
        Some(Output::Done { answers, .. }) => answers,
        other => panic!("{other:?}"),
    }
}

#[test]
fn how_long_a_node_should_answer_that_was_heard() {
    for (now, silent) in [
        (NOW + 30 * SECOND, 0),
        (NOW + 30 * SECOND - Duration::from_nanos(1), 1),
    ] {
        let mut node = up(Config::new(Dialect::Sharded, "/"));
        from(&mut node, &Uid::cluster([7; 8]), &event("x", To::default()));
        node.handle_timeout(now);
        drain(&mut node);
        let answers = asked_alone(&mut node, now);
        assert_eq!(
            (answers.end, answers.silent_nodes),
            (End::Counted, Some(silent))
        );
    }
}

#[test]
fn how_long_a_count_may_be_too_small() {
    for (now, silent) in [
        (NOW + 2 * SECOND, 0),
        (NOW + 2 * SECOND - Duration::from_nanos(1), 1),
    ] {
        let mut node = up(Config::new(Dialect::Classic, "/"));
        let answers = asked_alone(&mut node, now);
        assert_eq!(answers.silent_nodes, Some(silent));
        assert_eq!(answers.is_complete(), silent == 0);
    }
}

#[test]
fn nodes_that_tell_that_they_are_there() {
    let mut config = Config::new(Dialect::Streams, "/");
    config.everything_in_stream = true;
    config.heartbeat = Some(Heartbeat::default());
    config.subscriptions = Subscriptions::All;
    let mut node = up(config);
    let other = Uid::cluster([7; 8]);
    let mut last = EntryId::FIRST;
    let mut hear = |node: &mut Node, now, message: &Message| {
        last = last.next();
        node.handle_entry(now, last, &common::entry(&other, message));
    };
    hear(&mut node, NOW, &Message::Hello);
    assert!(
        matches!(drain(&mut node)[..], [Output::Append { .. }]),
        "it says that it is there"
    );
    // Whoever is known has to answer, and ends the question by going.
    node.ask(NOW, [1; 8], Asked::Servers(call("q")), Some(60 * SECOND), 1)
        .unwrap();
    assert!(
        matches!(drain(&mut node)[..], [Output::Append { .. }]),
        "nobody is counted"
    );
    let almost = NOW + 5 * SECOND - Duration::from_nanos(1);
    node.handle_timeout(almost);
    assert!(drain(&mut node).is_empty());
    node.handle_timeout(NOW + 5 * SECOND);
    assert!(
        matches!(drain(&mut node)[..], [Output::Append { .. }]),
        "again, when it is time"
    );
    node.handle_timeout(NOW + 10 * SECOND - Duration::from_nanos(1));
    assert!(drain(&mut node).is_empty());
    node.handle_timeout(NOW + 10 * SECOND);
    let outputs = drain(&mut node);
    let [
        Output::Done { answers, .. },
        Output::Notice(Notice::NodeGone { uid }),
        Output::Append { .. },
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    assert_eq!((answers.end, answers.silent_nodes), (End::Counted, Some(0)));
    assert_eq!(*uid, other);
}
