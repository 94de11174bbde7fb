//! Emits that ask for an answer, and events that do.

use super::*;

fn asked(most: usize) -> (Talk, SocketKey, SocketKey) {
    let config = Config {
        max_pending_acks: most,
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config);
    let (one, other) = (talk.enter("/one"), talk.enter("/other"));
    (talk, one, other)
}

#[test]
fn each_ends_once() {
    let (mut talk, one, other) = asked(10);
    assert_eq!(talk.ask(one, 1), Ok(()));
    assert_eq!(talk.ask(one, 1), Err(AckError::Duplicate));
    assert_eq!(talk.ask(other, 1), Ok(()));
    assert_eq!(talk.mux.pending_acks(), 2);
    assert!(talk.told("3/one,2[]").is_empty(), "nobody asked that");
    assert!(talk.told("3/one,[]").is_empty(), "of nothing");
    assert_eq!(talk.told("3/one,1[5]"), ["acked 1 [5]"]);
    assert!(talk.told("3/one,1[5]").is_empty(), "twice");
    let late = talk.pass(Config::v4().ack_timeout);
    assert_eq!(late, ["acked 1 Timeout"]);
    assert!(talk.told("3/other,1[5]").is_empty(), "too late");
    assert_eq!(talk.mux.pending_acks(), 0);
}

#[test]
fn as_many_wait_for_a_socket_as_may() {
    let (mut talk, one, other) = asked(2);
    for id in [1, 3] {
        assert_eq!(talk.ask(one, id), Ok(()));
    }
    assert_eq!(talk.ask(one, 5), Err(AckError::TooMany));
    assert_eq!(talk.ask(other, 1), Ok(()), "each for itself");
    assert_eq!(talk.told("3/one,3[]"), ["acked 3 []"]);
    assert_eq!(talk.ask(one, 5), Ok(()));
    talk.pass(Config::v4().ack_timeout);
    assert_eq!(talk.ask(one, 7), Ok(()));
}

#[test]
fn they_end_with_their_socket_between_its_farewells() {
    let (mut talk, one, other) = asked(10);
    for id in [3, 1] {
        assert_eq!(talk.ask(one, id), Ok(()));
    }
    assert_eq!(talk.ask(other, 5), Ok(()));
    talk.sent();
    talk.mux.disconnect(talk.now, one, &mut talk.session);
    assert_eq!(talk.sent(), ["41/one,"]);
    assert_eq!(
        talk.events(),
        [
            "disconnecting server namespace disconnect",
            "acked 1 Disconnected",
            "acked 3 Disconnected",
            "disconnected server namespace disconnect",
        ]
    );
    assert_eq!(talk.ask(one, 9), Err(AckError::Disconnected));
    talk.mux.disconnect(talk.now, one, &mut talk.session);
    assert!(talk.events().is_empty(), "twice");
    assert_eq!(talk.mux.pending_acks(), 1);
}

#[test]
fn none_waits_for_what_was_not_sent() {
    let (mut talk, one, _) = asked(10);
    // What is queued already is in its way.
    talk.hear("1/other,");
    while talk.mux.poll_event().is_some() {}
    assert_eq!(talk.ask(one, 1), Ok(()));
    let packet = packet::event("/one", Some(3), "ask", &()).unwrap();
    let flags = Flags {
        volatile: true,
        ..Flags::default()
    };
    let (now, session) = (talk.now, &mut talk.session);
    let asked = talk
        .mux
        .request(now, one, 3, packet, flags, 3, None, session);
    assert_eq!(asked, Err((AckError::NotSent, 3)));
    assert_eq!(talk.mux.pending_acks(), 1);
    talk.session.close(talk.now, Close::Flush);
    assert_eq!(talk.ask(one, 5), Err(AckError::Disconnected));
}

#[test]
fn an_event_is_answered_as_long_as_its_socket_is_there() {
    let (mut talk, one, _) = asked(10);
    talk.hear(r#"2/one,4["x"]"#);
    let Some(Event::Message { ack, .. }) = talk.mux.poll_event() else {
        panic!("no event");
    };
    let ticket = ack.expect("it asks");
    assert_eq!((ticket.id(), ticket.socket()), (4, one));
    let respond = |talk: &mut Talk| {
        let packet = packet::ack("/one", 4, &true).unwrap();
        talk.mux
            .respond(talk.now, &ticket, packet, &mut talk.session)
    };
    assert_eq!(respond(&mut talk), Sent::Queued);
    assert_eq!(talk.sent(), ["43/one,4[true]"]);
    talk.hear("1/one,");
    assert_eq!(respond(&mut talk), Sent::Closed);
    // Whoever comes next is not whom it is for.
    while talk.mux.poll_event().is_some() {}
    assert_ne!(talk.enter("/one"), one);
    assert_eq!(respond(&mut talk), Sent::Closed);
}
