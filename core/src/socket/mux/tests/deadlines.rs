//! What is due, and when.

use super::*;
use crate::id::RequestId;

#[test]
fn who_joins_nothing_is_closed() {
    let timeout = Config::v4().connect_timeout;
    let mut talk = Talk::new(Protocol::V5, quiet());
    assert!(talk.mux.is_pending());
    assert_eq!(talk.due(), Some((timeout, Why::Connect)));
    let before = Duration::from_nanos(1);
    talk.pass(timeout - before);
    assert!(talk.session.is_open());
    talk.pass(before);
    assert!(!talk.session.is_open() && !talk.mux.is_pending());
    assert_eq!(talk.details(), Some(Details::NotJoined));
}

#[test]
fn who_has_joined_may_stay_and_leave_all() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    assert!(!talk.mux.is_pending());
    talk.told("1");
    assert_eq!(talk.due(), None);
}

#[test]
fn who_has_joined_by_coming_has_to_come_back() {
    let timeout = Config::v4().connect_timeout;
    let come = || {
        let mut talk = Talk::opened(Protocol::V4, TransportKind::Polling, quiet());
        let (now, session) = (talk.now, &mut talk.session);
        // The handshake's own.
        session.handle_poll(now, RequestId(1), Eio::V3);
        assert!(session.poll_http().is_some());
        let ticket = talk.asked();
        talk.accept(ticket).unwrap();
        talk
    };
    let mut gone = come();
    assert!(gone.mux.is_pending());
    assert_eq!(gone.due(), Some((timeout, Why::Connect)));
    gone.pass(timeout);
    assert_eq!(gone.details(), Some(Details::NotJoined));
    assert!(gone.session.is_closed(), "nobody fetches what is left");

    let mut back = come();
    let (now, session) = (back.now, &mut back.session);
    session.handle_poll(now, RequestId(2), Eio::V3);
    back.mux.returned(&back.session);
    assert!(!back.mux.is_pending());
    assert_eq!(back.due(), None);
}

#[test]
fn the_first_of_all_is_due() {
    let config = Config {
        ack_timeout: secs(7),
        middleware_timeout: secs(5),
        packet_timeout: secs(3),
        ..quiet()
    };
    let mut talk = Talk::joined(Protocol::V5, config);
    let socket = talk.enter("/a");
    assert_eq!(talk.ask(socket, 1), Ok(()));
    assert_eq!(talk.due(), Some((secs(7), Why::Ack)));
    talk.hear("0/b,");
    talk.now += secs(1);
    talk.hear("0/c,");
    assert_eq!(talk.due(), Some((secs(5), Why::Middleware)));
    talk.hear(r#"51-["x",{"_placeholder":true,"num":0}]"#);
    assert_eq!(talk.due(), Some((secs(4), Why::Packet)));
    talk.hear(Bytes::from_static(b"bytes"));
    assert_eq!(talk.due(), Some((secs(5), Why::Middleware)));
    talk.events();
    assert_eq!(talk.pass(secs(4)), ["undecided"]);
    assert_eq!(talk.due(), Some((secs(6), Why::Middleware)));
    // Late, and all at once: acks first.
    assert_eq!(talk.pass(secs(9)), ["acked 1 Timeout", "undecided"]);
    assert_eq!(talk.due(), None);
}

#[test]
fn what_ends_ends_with_the_connection() {
    let mut talk = Talk::joined(Protocol::V5, quiet());
    let socket = talk.enter("/a");
    assert_eq!(talk.ask(socket, 1), Ok(()));
    talk.hear("0/b,");
    talk.hear(r#"51-["x",{"_placeholder":true,"num":0}]"#);
    talk.mux.end(DisconnectReason::Connection(
        crate::engine::CloseReason::PingTimeout,
    ));
    assert_eq!(talk.due(), None);
    assert_eq!(talk.mux.pending_acks(), 0);
    assert!(talk.mux.sockets().is_empty());
    let told = talk.events();
    assert_eq!(told.first().map(String::as_str), Some("connecting /b"));
    assert_eq!(told.len(), 6, "{told:?}");
}

#[test]
fn who_has_joined_nothing_is_told_so_by_its_next_poll() {
    let config = quiet();
    let time = config.connect_timeout;
    let mut talk = Talk::opened(Protocol::V5, TransportKind::Polling, config);
    talk.session.handle_poll(talk.now, RequestId(1), Eio::V4);
    assert!(talk.session.poll_http().is_some());
    talk.pass(time);
    assert_eq!(talk.details(), Some(Details::NotJoined));
    assert!(!talk.session.is_open() && !talk.session.is_closed());
    talk.session.handle_poll(talk.now, RequestId(2), Eio::V4);
    assert!(talk.session.poll_http().is_some() && talk.session.is_closed());
}
