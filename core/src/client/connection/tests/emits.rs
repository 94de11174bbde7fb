//! What is said, answered, kept and repeated.

use super::*;

#[test]
fn acks_end_once() {
    let (mut world, socket) = World::joined(|_| ());
    world.ask(socket, 1, 10).unwrap();
    world.ask(socket, 2, 1).unwrap();
    assert_eq!(world.said(), [r#"420["q"]"#, r#"421["q"]"#]);
    world.hear("430[7]");
    world.hear("430[8]");
    assert_eq!(world.told(), ["1: 7"]);
    world.pass(secs(1));
    world.hear("431[]");
    assert_eq!(world.told(), ["2: Timeout"]);
    world.ask(socket, 3, 10).unwrap();
    world.said();
    world.cut();
    let told = world.told();
    assert_eq!(told[..2], ["transport close true", "3: Disconnected"]);
    world.ask(socket, 4, 10).unwrap();
    world.ask(socket, 5, 1).unwrap();
    world.ask(socket, 6, 60).unwrap();
    world.pass(secs(1));
    assert_eq!(world.told(), ["5: Timeout", "attempt 1"]);
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), ["40", r#"423["q"]"#, r#"425["q"]"#]);
    world.hear("433[]");
    assert_eq!(world.told(), ["opened 1", "connected b", "4: "]);
    world.client.leave(world.now, socket);
    assert_eq!(
        world.told(),
        ["io client disconnect false", "6: Disconnected"]
    );
    world.end();
}

#[test]
fn acks_that_wait_are_bounded() {
    let (mut world, socket) = World::joined(|it| it.max_pending_acks = 2);
    assert_eq!(world.ask(socket, 1, 10), Ok(()));
    assert_eq!(world.ask(socket, 2, 10), Ok(()));
    assert_eq!(world.ask(socket, 3, 10), Err((AckError::TooMany, 3)));
    world.hear("430[]");
    assert_eq!(world.ask(socket, 4, 10), Ok(()));
    let packet = packet::event("/", Some(3), "q", &()).unwrap();
    world.hear("431[]");
    let again = world
        .client
        .request(world.now, socket, 3, packet, Flags::default(), 5, None);
    assert_eq!(again, Err((AckError::Duplicate, 5)));
    world.end();
}

#[test]
fn what_was_not_given_to_a_transport_is_said_again() {
    let (mut world, socket) = World::joined(|_| ());
    let _ = world.emit(socket, "a");
    world.ask(socket, 1, 60).unwrap();
    let _ = world.client.emit(world.now, socket, event("v"), VOLATILE);
    let id = world.websocket.unwrap();
    let first = world.client.poll_ws(id);
    assert!(matches!(first, Some(WsOut::Frame { .. })), "and it is lost");
    world.cut();
    assert_eq!(world.told(), ["transport close true", "waiting 1 1s"]);
    let _ = world.emit(socket, "b");
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), ["40", r#"420["q"]"#, r#"42["b"]"#]);
    world.end();
}

#[test]
fn volatile_events_are_for_those_who_are_there() {
    let (mut world, socket) = World::joined(|_| ());
    let send = |world: &mut World| world.client.emit(world.now, socket, event("v"), VOLATILE);
    assert_eq!(send(&mut world), Sent::Queued);
    assert_eq!(send(&mut world), Sent::Dropped, "it is busy");
    world.said();
    world.cut();
    assert_eq!(send(&mut world), Sent::Dropped);
    world.pass(secs(1));
    assert_eq!(send(&mut world), Sent::Dropped);
    world.accept();
    world.said();
    assert_eq!(send(&mut world), Sent::Queued, "as in the reference");
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), [r#"42["v"]"#]);
    world.end();
}

#[test]
fn what_is_kept_is_bounded_by_its_policy() {
    let mut world = World::new(|it| {
        it.max_offline_packets = 2;
        it.offline = OfflinePolicy::DropOldest;
    });
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.ask(socket, 1, 60).unwrap();
    let _ = world.emit(socket, "a");
    let _ = world.emit(socket, "b");
    assert_eq!(world.told(), ["1: NotSent"]);
    assert_eq!(world.client.state(socket).unwrap().offline, (2, 14));
    world.client.clear_offline(socket);
    assert_eq!(world.client.state(socket).unwrap().offline, (0, 0));
    world.end();
    let mut world = World::new(|it| it.offline = OfflinePolicy::Off);
    let socket = world.client.socket("/", Auth::None).unwrap();
    assert_eq!(world.emit(socket, "a"), Sent::Full);
    assert_eq!(world.ask(socket, 1, 60), Err((AckError::NotSent, 1)));
    world.end();
}

#[test]
fn who_has_no_room_hears_of_it_again() {
    let (mut world, socket) = World::joined(|it| it.max_backlog_bytes = 20);
    assert_eq!(world.emit(socket, "aaaa"), Sent::Queued);
    assert_eq!(world.emit(socket, "aaaa"), Sent::Queued);
    assert_eq!(world.emit(socket, "aaaa"), Sent::Full);
    assert_eq!(world.told(), [""; 0]);
    assert_eq!(world.said().len(), 2);
    assert_eq!(world.told(), ["writable"]);
    // What was kept waits for room, too, and keeps its order.
    world.cut();
    for name in ["1", "2", "3", "4", "5"] {
        let _ = world.emit(socket, name);
    }
    world.pass(secs(1));
    world.accept();
    world.said();
    world.hear(r#"40{"sid":"b"}"#);
    let _ = world.emit(socket, "6");
    let said = world.said();
    let all = ["1", "2", "3", "4", "5", "6"].map(|name| format!("42[\"{name}\"]"));
    assert_eq!(said, all);
    world.end();
    // Whoever finds what is kept full behind what did not fit hears of it when all of that has left.
    let (mut world, socket) = World::joined(|it| {
        it.max_backlog_bytes = 20;
        it.max_offline_packets = 5;
    });
    world.cut();
    for name in ["1", "2", "3", "4", "5"] {
        assert_eq!(world.emit(socket, name), Sent::Queued);
    }
    world.pass(secs(1));
    world.accept();
    world.said();
    world.hear(r#"40{"sid":"b"}"#);
    for _ in 0..2 {
        assert_eq!(world.emit(socket, "6"), Sent::Queued);
    }
    assert_eq!(world.emit(socket, "6"), Sent::Full);
    assert!(!world.told().contains(&"writable".to_owned()));
    assert_eq!(world.said().len(), 7);
    assert_eq!(world.told(), ["writable"]);
    world.end();
}

#[test]
fn emits_are_repeated_until_they_are_answered() {
    let (mut world, socket) = World::joined(|it| it.ack_timeout = secs(2));
    let args = Args::from_json("[1]", Vec::new()).unwrap();
    for token in [1, 2] {
        world
            .client
            .retry(world.now, socket, "a".into(), &args, 1, token)
            .unwrap();
    }
    assert_eq!(world.said(), [r#"420["a",1]"#]);
    world.pass(secs(2));
    assert_eq!(world.said(), [r#"421["a",1]"#]);
    // A connection that ends takes no try away.
    world.cut();
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), ["40", r#"422["a",1]"#]);
    world.told();
    world.pass(secs(2));
    assert_eq!(world.told(), ["1: Timeout"]);
    assert_eq!(world.said(), [r#"423["a",1]"#]);
    world.hear("433[9]");
    assert_eq!(world.told(), ["2: 9"]);
    world
        .client
        .retry(world.now, socket, "b".into(), &args, 9, 3)
        .unwrap();
    assert_eq!(world.client.state(socket).unwrap().retries, 1);
    world.client.clear_retries(socket);
    assert_eq!(world.told(), ["3: NotSent"]);
    assert_eq!(world.client.state(socket).unwrap().acks, 0);
    // What is answered then is not the next one.
    world
        .client
        .retry(world.now, socket, "c".into(), &args, 9, 4)
        .unwrap();
    assert_eq!(world.said(), [r#"424["b",1]"#, r#"425["c",1]"#]);
    world.hear("434[0]");
    assert_eq!(world.told(), [""; 0]);
    world.hear("435[1]");
    assert_eq!(world.told(), ["4: 1"]);
    world.end();
}

/// Else it ended the connection, and the next one, and so on.
#[test]
fn what_is_repeated_waits_for_room() {
    let (mut world, socket) = World::joined(|it| it.max_backlog_bytes = 20);
    let _ = world.emit(socket, "a");
    let large = format!("[\"{}\"]", "x".repeat(60));
    let args = Args::from_json(&large, Vec::new()).unwrap();
    world
        .client
        .retry(world.now, socket, "b".into(), &args, 0, 1)
        .unwrap();
    let large = format!("420[\"b\",{}]", args.elements());
    assert_eq!(world.said(), ["42[\"a\"]".to_owned(), large]);
    world.hear("430[]");
    assert_eq!(world.told(), ["1: "]);
    world.end();
}

#[test]
fn an_answer_is_for_the_connection_that_asked() {
    let (mut world, socket) = World::joined(|_| ());
    world.hear(r#"427["ask"]"#);
    world.hear(r#"428["ask"]"#);
    let mut tickets = world.asked();
    let (late, first) = (tickets.pop().unwrap(), tickets.pop().unwrap());
    assert_eq!((first.socket(), first.id()), (socket, 7));
    let answer = |ticket: &AckTicket| packet::ack("/", ticket.id(), "yes").unwrap();
    let sent = world.client.respond(world.now, &first, answer(&first));
    assert_eq!(
        (sent, world.said()),
        (Sent::Queued, vec![r#"437["yes"]"#.to_owned()])
    );
    world.cut();
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    let sent = world.client.respond(world.now, &late, answer(&late));
    assert_eq!((sent, world.said()), (Sent::Closed, vec!["40".to_owned()]));
    world.end();
}

#[test]
fn answers_have_as_much_room_again() {
    let (mut world, _) = World::joined(|it| it.max_backlog_bytes = 20);
    for _ in 0..4 {
        world.hear(r#"427["ask"]"#);
    }
    let asked = world.asked();
    let answer = || packet::ack("/", 7, "12345").unwrap();
    assert_eq!(answer().size(), 12);
    let (client, now) = (&mut world.client, world.now);
    let sent = asked.iter().map(|it| client.respond(now, it, answer()));
    let sent: Vec<_> = sent.collect();
    assert_eq!(sent, [Sent::Queued, Sent::Queued, Sent::Queued, Sent::Full]);
    assert_eq!(world.said().len(), 3);
    assert_eq!(world.told(), ["writable"]);
    let again = world.client.respond(world.now, &asked[3], answer());
    assert_eq!(again, Sent::Queued);
    world.end();
}

/// One that is stopped longer than a deadline, and finds the answer beside it.
#[test]
fn what_has_come_while_the_process_was_stopped_counts() {
    let (mut world, socket) = World::joined(|_| ());
    world.ask(socket, 1, 10).unwrap();
    world.said();
    world.pass(secs(15));
    assert_eq!(world.told(), [""; 0]);
    world.hear("430[1]");
    assert_eq!(world.told(), ["1: 1"]);
    world.end();
}

/// Ids of a server's are drawn for each of its sockets: what another one asked may have the same.
#[test]
fn an_answer_that_comes_when_a_socket_is_in_again_is_nobodys() {
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    let asked = |world: &mut World| {
        world.hear(r#"42/chat,1["ask"]"#);
        world.asked().pop().unwrap()
    };
    let early = asked(&mut world);
    world.client.leave(world.now, chat);
    world.client.open(world.now, chat);
    world.hear(r#"40/chat,{"sid":"c"}"#);
    world.said();
    let ticket = asked(&mut world);
    let answer = |text: &str| packet::ack("/chat", 1, text).unwrap();
    let late = world.client.respond(world.now, &early, answer("late"));
    assert_eq!(late, Sent::Closed);
    let sent = world.client.respond(world.now, &ticket, answer("yes"));
    assert_eq!(
        (sent, world.said()),
        (Sent::Queued, vec![r#"43/chat,1["yes"]"#.to_owned()])
    );
    world.end();
}
