//! What nodes say to each other, in the cases that a world may miss.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]

mod common;

use std::time::Duration;

use common::{NOW, Node, ask, at, call, down, drain, event, from, from_classic, says, up};
use sio_cluster::entry::EntryId;
use sio_cluster::id::{RequestId, Uid};
use sio_cluster::message::{Message, Question, Reply, To};
use sio_cluster::node::{Asked, End, Local, Notice, Output};
use sio_cluster::{Config, Dialect, Heartbeat, Subscription};
use sio_core::packet::Args;

fn sharded() -> Config {
    Config::new(Dialect::Sharded, "/")
}

fn fetch(number: u8) -> Message {
    Message::Ask {
        id: RequestId::cluster([number; 8]),
        what: Question::Fetch(To::default()),
    }
}

/// Answers the question that came, and says where.
fn answered(node: &mut Node) -> String {
    let Some(Output::Asked { ticket, .. }) = drain(node).pop() else {
        panic!("nothing was asked");
    };
    node.answer(NOW, ticket, Reply::Sockets(vec![])).unwrap();
    match &drain(node)[..] {
        [Output::Publish(it)] => it.channel.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_that_is_counted_answers_though_it_does_not_hear_all_yet() {
    let mut node = down(sharded());
    node.handle_connected(NOW);
    let subscriptions = drain(&mut node);
    let Output::Subscribe(first) = &subscriptions[0] else {
        panic!("{subscriptions:?}");
    };
    node.handle_subscribed(NOW, first);
    assert!(!node.status().up);
    from(&mut node, &Uid::cluster([7; 8]), &fetch(1));
    answered(&mut node);
}

#[test]
fn an_answer_by_the_stream_waits_until_all_is_listened_to() {
    let mut config = Config::new(Dialect::Streams, "/");
    config.heartbeat = Some(Heartbeat::default());
    config.everything_in_stream = true;
    let mut node = down(config);
    node.handle_connected(NOW);
    let subscriptions = drain(&mut node);
    let asked = common::entry(&Uid::cluster([7; 8]), &fetch(1));
    node.handle_entry(NOW, EntryId::FIRST.next(), &asked);
    let Some(Output::Asked { ticket, .. }) = drain(&mut node).pop() else {
        panic!("nothing was asked");
    };
    node.answer(NOW, ticket, Reply::Sockets(vec![])).unwrap();
    assert!(drain(&mut node).is_empty());
    for it in &subscriptions {
        let Output::Subscribe(it) = it else {
            panic!("{it:?}");
        };
        node.handle_subscribed(NOW, it);
    }
    let outputs = drain(&mut node);
    let [
        Output::Notice(Notice::Up),
        Output::Append { entry: hello, .. },
        Output::Append { entry: answer, .. },
    ] = &outputs[..]
    else {
        panic!("{outputs:?}");
    };
    let kinds = [hello, answer].map(|entry| entry.kind.as_deref());
    assert_eq!(kinds, [Some(&b"1"[..]), Some(b"8")]);
}

#[test]
fn in_classic_answers_go_where_the_asker_listens() {
    let (ours, theirs) = (Uid::classic([7; 8]), Uid::from("HAkhhj"));
    for (asker, channel) in [
        (&ours, format!("socket.io-response#/#{ours}#")),
        (&theirs, "socket.io-response#/#".to_owned()),
    ] {
        let mut node = up(Config::new(Dialect::Classic, "/"));
        from_classic(&mut node, asker, &fetch(1));
        assert_eq!(answered(&mut node), channel);
    }
}

#[test]
fn its_own_messages_do_nothing() {
    let own = down(sharded()).uid().clone();
    let rooms = vec!["a".to_owned()];
    let of = To::default();
    for message in [
        event("x", To::default()),
        fetch(1),
        Message::Join { of, rooms },
        Message::Bye,
    ] {
        let mut node = up(sharded());
        from(&mut node, &own, &message);
        assert!(drain(&mut node).is_empty());
        assert_eq!(node.counts().own, 1);
    }
}

#[test]
fn a_question_that_comes_twice_is_asked_once() {
    let mut node = up(sharded());
    let asker = Uid::cluster([7; 8]);
    from(&mut node, &asker, &fetch(1));
    answered(&mut node);
    from(&mut node, &asker, &fetch(1));
    assert!(drain(&mut node).is_empty());
    // Another's question may have the same name.
    from(&mut node, &Uid::cluster([8; 8]), &fetch(1));
    answered(&mut node);
}

#[test]
fn another_dialect_is_told_of_once() {
    let mut node = up(Config::new(Dialect::Classic, "/"));
    for seen in 1..=2 {
        let old = br#"{"requestid":"r","type":2}"#[..].into();
        node.handle_message(NOW, "socket.io-request#/#", &old);
        let told = drain(&mut node);
        assert_eq!(told.len(), usize::from(seen == 1));
        assert!(
            told.iter()
                .all(|it| matches!(it, Output::Notice(Notice::Foreign(_))))
        );
        assert_eq!(node.counts().foreign, seen);
    }
}

#[test]
fn who_leaves_says_so_and_waits_for_nothing() {
    let mut node = up(sharded());
    from(&mut node, &Uid::cluster([8; 8]), &event("x", To::default()));
    node.ask(NOW, [1; 8], Asked::Servers(call("q")), None, 1)
        .unwrap();
    drain(&mut node);
    node.close(NOW);
    assert_eq!(node.poll_timeout(), None, "nobody is missed");
    let outputs = drain(&mut node);
    let Output::Publish(bye) = &outputs[0] else {
        panic!("{outputs:?}");
    };
    assert!(String::from_utf8_lossy(&bye.payload).starts_with(r#"{"type":13,"#));
    let gone = |it: &&Output<u32>| matches!(it, Output::Unsubscribe(_));
    assert_eq!(outputs.iter().filter(gone).count(), 2);
    let Some(Output::Done { token: 1, answers }) = outputs.last() else {
        panic!("{outputs:?}");
    };
    assert_eq!(answers.end, End::Closed);
    // Another hears of it, and expects nothing of it any more.
    let mut other = up(sharded());
    let renamed = Uid::cluster([7; 8]);
    from(&mut other, &renamed, &event("x", To::default()));
    from(&mut other, &renamed, &Message::Bye);
    assert_eq!(other.status().nodes, 0);
    // What is said to it, or by it, from then on.
    from(&mut node, &renamed, &fetch(1));
    node.broadcast(NOW, call("x"), To::default(), Some(2))
        .unwrap();
    let outputs = drain(&mut node);
    let spoken = |it: &Output<u32>| matches!(it, Output::Publish(_) | Output::Asked { .. });
    assert!(!outputs.iter().any(spoken), "{outputs:?}");
    assert_eq!((node.status().buffered, node.status().nodes), (0, 0));
    node.handle_lost(NOW, EntryId::FIRST, EntryId::FIRST.next());
    assert!(drain(&mut node).is_empty());
}

/// What of these is listened to, or no more.
fn changes(outputs: Vec<Output<u32>>) -> (Vec<Subscription>, Vec<Subscription>) {
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            Output::Subscribe(it) => begun.push(it),
            Output::Unsubscribe(it) => ended.push(it),
            _ => {}
        }
    }
    (begun, ended)
}

/// A namespace may be gone again before the broker has answered, as often as clients like.
#[test]
fn who_leaves_takes_back_what_it_still_asks_for() {
    for dialect in [
        Dialect::Classic,
        Dialect::V2,
        Dialect::Sharded,
        Dialect::Streams,
    ] {
        for confirmed in 0..2 {
            let mut node = down(Config::new(dialect, "/"));
            node.handle_connected(NOW);
            let (asked, _) = changes(drain(&mut node));
            for it in &asked[..confirmed] {
                node.handle_subscribed(NOW, it);
            }
            node.close(NOW);
            let (_, mut ended) = changes(drain(&mut node));
            ended.sort();
            let mut asked = asked;
            asked.sort();
            assert_eq!(ended, asked, "{dialect:?}, {confirmed} confirmed");
        }
    }
    // Of rooms, those alone that it has, or will have.
    let mut node = up(sharded());
    for room in ["there", "left", "coming", "unwanted"] {
        node.room_created(NOW, room, false);
        let (asked, _) = changes(drain(&mut node));
        if matches!(room, "there" | "left") {
            node.handle_subscribed(NOW, &asked[0]);
        }
    }
    for room in ["left", "unwanted"] {
        node.room_deleted(NOW, room, false);
    }
    let (_, ended) = changes(drain(&mut node));
    let room = |room: &str| Subscription::Sharded(format!("socket.io#/#{room}#"));
    assert_eq!(ended, [room("left")]);
    node.close(NOW);
    let (_, ended) = changes(drain(&mut node));
    for its in ["there", "coming", "unwanted"] {
        assert!(ended.contains(&room(its)), "{its}: {ended:?}");
    }
    assert!(!ended.contains(&room("left")), "{ended:?}");
}

/// Of changes there may be too many to be told each of them.
#[test]
fn rooms_that_were_not_told_of_are_found_by_the_whole_list() {
    let room = |room: &str| Subscription::Sharded(format!("socket.io#/#{room}#"));
    let mut node = up(sharded());
    for name in ["stays", "goes"] {
        node.room_created(NOW, name, false);
        let (asked, _) = changes(drain(&mut node));
        node.handle_subscribed(NOW, &asked[0]);
    }
    // The id of a socket is listened to by the channel of all.
    let id = "a".repeat(20);
    node.set_rooms(NOW, &[("stays", false), ("comes", false), (&id, true)]);
    let (begun, ended) = changes(drain(&mut node));
    assert_eq!((begun, ended), (vec![room("comes")], vec![room("goes")]));
    // What is always listened to stays.
    node.handle_subscribed(NOW, &room("comes"));
    node.handle_unsubscribed(NOW, &room("goes"));
    node.set_rooms(NOW, &[]);
    let (begun, ended) = changes(drain(&mut node));
    assert_eq!((begun, ended), (vec![], vec![room("comes"), room("stays")]));
    assert!(node.status().up);
}

/// A deadline for what the wire has no words for would stay in the past.
#[test]
fn what_its_dialect_cannot_say_a_node_does_not_try_to() {
    for (dialect, beats) in [
        (Dialect::Classic, false),
        (Dialect::V2, false),
        (Dialect::Sharded, true),
    ] {
        let mut config = Config::new(dialect, "/");
        config.heartbeat = Some(Heartbeat {
            interval: Duration::ZERO,
            ..Heartbeat::default()
        });
        config.everything_in_stream = true;
        config.sharded_pub_sub = true;
        let mut node = up(config);
        let later = NOW + Duration::from_secs(60);
        node.handle_timeout(later);
        let due = node.poll_timeout().map(|due| due.at);
        assert_eq!(due, beats.then(|| later + Duration::from_millis(1)));
        assert_eq!(drain(&mut node).len(), usize::from(beats));
        let asked = Asked::Nodes(match dialect {
            Dialect::V2 => Question::Rooms,
            _ => Question::Fetch(To::default()),
        });
        node.ask(later, [1; 8], asked, None, 1).unwrap();
        let outputs = drain(&mut node);
        let Output::Publish(it) = &outputs[0] else {
            panic!("{outputs:?}");
        };
        assert_eq!(it.sharded, dialect == Dialect::Sharded);
    }
}

/// Acks of a node that was given up are none of those that others still owe.
#[test]
fn an_ack_of_a_node_that_has_gone_stands_for_nobody_else() {
    let mut config = sharded();
    config.heartbeat = Some(Heartbeat::default());
    let mut node = up(config);
    let [gone, there] = [7, 8].map(|name| Uid::cluster([name; 8]));
    for uid in [&gone, &there] {
        from(&mut node, uid, &Message::Beat);
    }
    let what = Asked::Clients {
        call: call("q"),
        to: To::default(),
    };
    let id = ask(&mut node, 1, what);
    let answer = |reply| Message::Answer {
        id: id.clone(),
        reply,
    };
    let ack = |client: &str| {
        answer(Reply::Ack {
            from: Some(client.to_owned()),
            args: Args::default(),
        })
    };
    for uid in [&gone, &there] {
        from(&mut node, uid, &answer(Reply::Clients(1)));
    }
    from(&mut node, &gone, &Message::Bye);
    from(&mut node, &gone, &ack("a"));
    let done = |it: &Output<u32>| matches!(it, Output::Done { .. });
    assert!(!drain(&mut node).iter().any(done), "one is missing");
    from(&mut node, &there, &ack("b"));
    let outputs = drain(&mut node);
    let [Output::Done { answers, .. }] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((answers.got.len(), answers.missing), (2, 0));
}

/// A node whose own clients hear of what it says by the stream.
fn by_stream() -> Config {
    let mut config = Config::new(Dialect::Streams, "/");
    config.own_by_stream = true;
    config
}

/// What those here hear, and from where.
fn heard(node: &mut Node) -> Vec<(String, Option<u64>)> {
    let outputs = drain(node).into_iter();
    let heard = outputs.filter_map(|output| match output {
        Output::Local(Local::Broadcast { call, at, .. }) => {
            Some((call.name.as_str().to_owned(), at.map(|at| at.millis)))
        }
        _ => None,
    });
    heard.collect()
}

#[test]
fn what_is_said_by_the_stream_is_heard_in_its_order() {
    let mut node = up(by_stream());
    let (a, first) = says(&mut node, "a");
    let (_, second) = says(&mut node, "b");
    assert!(heard(&mut node).is_empty());
    let other = common::entry(&Uid::cluster([7; 8]), &event("other", To::default()));
    node.handle_entry(NOW, at(1), &other);
    // Its place may be told before it is read, or not.
    node.handle_appended(NOW, a, at(2));
    node.handle_entry(NOW, at(2), &first);
    node.handle_entry(NOW, at(3), &second);
    let names = [("other", 1), ("a", 2), ("b", 3)];
    let expected = names.map(|(name, at)| (name.to_owned(), Some(at)));
    assert_eq!(heard(&mut node), expected);
    // Nobody has said it a second time.
    node.handle_entry(NOW, at(4), &second);
    assert_eq!(heard(&mut node), []);
}

#[test]
fn while_the_broker_is_away_those_here_hear_at_once_and_no_second_time() {
    let mut node = up(by_stream());
    let (_, same) = says(&mut node, "a");
    node.handle_down(NOW);
    let now = |name: &str| vec![(name.to_owned(), None)];
    assert_eq!(heard(&mut node), now("a"));
    node.broadcast(NOW, call("b"), To::default(), None).unwrap();
    assert_eq!(heard(&mut node), now("b"));
    node.handle_connected(NOW);
    while let Some(output) = node.poll() {
        if let Output::Subscribe(it) = output {
            node.handle_subscribed(NOW, &it);
        }
    }
    let recalled = vec![(at(1), same.clone())];
    node.handle_recalled(NOW, &recalled, true);
    let again = drain(&mut node)
        .into_iter()
        .filter_map(|output| match output {
            Output::Append { entry, .. } => Some(entry),
            _ => None,
        });
    let again: Vec<_> = again.collect();
    assert_eq!(again.len(), 1, "the first is there");
    // The same is said anew: it is heard, and but once.
    let (_, anew) = says(&mut node, "a");
    assert_eq!(anew, same);
    node.handle_entry(NOW, at(1), &same);
    node.handle_entry(NOW, at(2), &again[0]);
    assert_eq!(heard(&mut node), []);
    node.handle_entry(NOW, at(3), &anew);
    assert_eq!(heard(&mut node), [("a".to_owned(), Some(3))]);
}

#[test]
fn what_is_lost_to_a_node_those_here_hear_of_its_own() {
    let mut node = up(by_stream());
    let (_, first) = says(&mut node, "a");
    let (_, second) = says(&mut node, "b");
    node.handle_entry(NOW, at(1), &first);
    node.handle_lost(NOW, at(1), at(9));
    let expected = [("a".to_owned(), Some(1)), ("b".to_owned(), None)];
    assert_eq!(heard(&mut node), expected);
    node.handle_entry(NOW, at(10), &second);
    assert_eq!(heard(&mut node), []);
}

#[test]
fn past_the_append_window_those_here_hear_the_oldest_at_once() {
    let size = says(&mut up(by_stream()), "a").1.size();
    for (room, expected) in [
        (2 * size, vec![]),
        (2 * size - 1, vec![("a".to_owned(), None)]),
    ] {
        let mut config = by_stream();
        config.append_window = room;
        let mut node = up(config);
        says(&mut node, "a");
        node.broadcast(NOW, call("b"), To::default(), None).unwrap();
        assert_eq!(heard(&mut node), expected);
    }
}

/// What one node of ours says to another one alone: where, and what.
fn alone(dialect: Dialect, to: &Uid) -> Option<(String, bytes::Bytes)> {
    let mut node = up(Config::new(dialect, "/"));
    node.server_side_to(NOW, to, call("hello")).ok()?;
    match drain(&mut node).pop() {
        Some(Output::Publish(it)) => Some((it.channel, it.payload)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_node_is_told_on_the_channel_of_its_answers() {
    let (ours, theirs) = (Uid::classic([7; 8]), Uid::from("HAkhhj"));
    let (channel, payload) = alone(Dialect::Classic, &ours).unwrap();
    assert_eq!(channel, format!("socket.io-response#/#{ours}#"));
    let text = String::from_utf8_lossy(&payload);
    let end = format!(r#""type":6,"data":["hello",1],"to":"{ours}"}}"#);
    assert!(text.ends_with(&end), "{text}");
    // Node's take nothing but answers there.
    assert_eq!(alone(Dialect::Classic, &theirs), None);
    assert_eq!(alone(Dialect::V2, &ours), None);
    let (ours, theirs) = (Uid::cluster([7; 8]), Uid::from("1d6b0b1aa6e47376"));
    assert_eq!(alone(Dialect::Sharded, &theirs), None);
    for (dialect, uid) in [
        (Dialect::Sharded, &ours),
        (Dialect::Streams, &ours),
        // They read what comes there as anything else.
        (Dialect::Streams, &theirs),
    ] {
        let (channel, _) = alone(dialect, uid).unwrap();
        assert_eq!(channel, format!("socket.io#/#{uid}#"));
    }
}

#[test]
fn what_one_node_is_told_another_leaves_alone() {
    let other = Uid::classic([8; 8]);
    for is_asked in [false, true] {
        let mut node = up(Config::new(Dialect::Classic, "/"));
        let own = node.uid().clone();
        for to in [own, Uid::classic([9; 8])] {
            let message = Message::ServerSide {
                call: call("hello"),
                ask: is_asked.then(|| RequestId::classic([1; 8])),
                to: Some(to.clone()),
            };
            from_classic(&mut node, &other, &message);
            let heard = drain(&mut node);
            match &heard[..] {
                [Output::Local(Local::ServerSide { .. })] => assert!(!is_asked),
                [Output::Asked { .. }] => assert!(is_asked),
                [] => assert_ne!(&to, node.uid()),
                other => panic!("{other:?}"),
            }
            assert_eq!(heard.is_empty(), &to != node.uid());
        }
    }
}

#[test]
fn a_question_to_one_node_ends_with_its_answer_and_nobody_elses() {
    let (there, other) = (Uid::cluster([7; 8]), Uid::cluster([8; 8]));
    let value = |text: &str| Reply::Value(Args::from_arguments(text).unwrap());
    // So many listen to the node's own channel.
    for (listening, expected) in [(1, 1), (0, 0)] {
        let mut node = up(sharded());
        let what = Asked::Server {
            node: there.clone(),
            call: call("load"),
        };
        let id = ask(&mut node, 1, what);
        let mut count = None;
        for output in drain(&mut node) {
            match output {
                Output::Publish(it) => assert_eq!(it.channel, format!("socket.io#/#{there}#")),
                Output::Count { token, channel, .. } => {
                    assert_eq!(channel, format!("socket.io#/#{there}#"));
                    count = Some(token);
                }
                other => panic!("{other:?}"),
            }
        }
        node.handle_count(NOW, count.unwrap(), listening);
        if listening > 0 {
            for (uid, text) in [(&other, "other"), (&there, "there")] {
                assert!(drain(&mut node).is_empty());
                let reply = value(text);
                let id = id.clone();
                from(&mut node, uid, &Message::Answer { id, reply });
            }
        }
        let Some(Output::Done { token: 1, answers }) = drain(&mut node).pop() else {
            panic!("it has not ended");
        };
        assert_eq!((answers.got.len(), answers.end), (expected, End::Counted));
        assert_eq!(
            answers.got.first().map(|it| it.reply.clone()),
            (listening > 0).then(|| value("there"))
        );
    }
}
