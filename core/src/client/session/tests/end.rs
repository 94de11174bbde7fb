//! How a session ends, and what leaves before it does.

use super::*;

#[test]
fn a_close_says_what_waits_and_then_goodbye() {
    let mut wire = Wire::polling(BARE);
    wire.say(text("4a"));
    wire.session.close(wire.now);
    assert_eq!(wire.send(text("4b")), Sent::Closed);
    wire.work();
    assert_eq!(wire.post(), "4a\u{1e}1");
    assert_eq!(wire.closed(), (CloseReason::ForcedClose, None));
    assert_eq!(wire.aborted, wire.gets);
    assert!(wire.session.is_done());

    let (mut wire, id) = Wire::websocket();
    wire.say(text("4a"));
    wire.session.close(wire.now);
    assert_eq!(wire.frames(id), ["4a", "close None"]);
    assert_eq!(wire.closed(), (CloseReason::ForcedClose, None));
    assert!(wire.session.is_done());

    // However much waits.
    let mut wire = Wire::new(&[POLLING], |it| it.max_backlog_bytes = 5);
    wire.get(BARE);
    wire.say(text("4aaaa"));
    assert_eq!(wire.tell(text("4bbbb")), Sent::Queued);
    wire.session.close(wire.now);
    wire.work();
    assert_eq!(wire.post(), "4aaaa\u{1e}4bbbb\u{1e}1");
    assert_eq!(wire.closed(), (CloseReason::ForcedClose, None));

    // Nobody takes it.
    let mut wire = Wire::polling(BARE);
    wire.say(text("4a"));
    wire.session.close(wire.now);
    wire.work();
    wire.pass(secs(5));
    assert_eq!(wire.closed(), (CloseReason::ForcedClose, None));
    assert_eq!(wire.aborted.len(), 2);
}

#[test]
fn the_end_has_a_reason() {
    let (mut wire, id) = Wire::websocket();
    wire.session.handle_ws_closed(wire.now, id, WsClosed::Lost);
    assert_eq!(wire.closed(), (CloseReason::TransportClose, None));
    assert_eq!(wire.session.poll_ws(id), None);
    let (mut wire, id) = Wire::websocket();
    wire.session
        .handle_ws_closed(wire.now, id, WsClosed::Violation);
    assert_eq!(wire.closed().0, CloseReason::TransportError);
    let (mut wire, id) = Wire::websocket();
    wire.session.handle_ws(wire.now, id, "x".into());
    assert_eq!(wire.closed().0, CloseReason::TransportError);
    assert_eq!(wire.frames(id), ["close None"]);
    let mut wire = Wire::polling(BARE);
    wire.get("4x\u{1e}1\u{1e}4y");
    assert_eq!(
        wire.events(),
        [
            SessionEvent::Message("x".into()),
            SessionEvent::Closed {
                reason: CloseReason::TransportClose,
                error: None
            }
        ]
    );
    assert_eq!(wire.gets.len(), 0);
    let mut wire = Wire::polling(BARE);
    wire.respond(wire.gets[0], 400, "");
    assert_eq!(wire.closed().0, CloseReason::TransportError);
    let mut wire = Wire::polling(BARE);
    wire.say(text("4a"));
    wire.work();
    wire.respond(wire.posts[0].0, 413, "");
    assert_eq!(wire.closed().0, CloseReason::TransportError);
    assert_eq!(wire.aborted, wire.gets);
}

#[test]
fn nothing_is_told_behind_what_is_no_packet() {
    let ended = |reason| {
        let error = None;
        [SessionEvent::Closed { reason, error }]
    };
    let mut wire = Wire::polling(BARE);
    wire.get("4x\u{1e}4y");
    assert_eq!(
        wire.session.poll_event(),
        Some(SessionEvent::Message("x".into()))
    );
    wire.session.refuse(wire.now);
    assert_eq!(wire.events(), ended(CloseReason::ParseError));
    // If it is over for something else already, that stays.
    let mut wire = Wire::polling(BARE);
    wire.get("4x\u{1e}4y\u{1e}1");
    wire.session.poll_event();
    wire.session.refuse(wire.now);
    assert_eq!(wire.events(), ended(CloseReason::TransportClose));
}

#[test]
fn a_server_that_does_not_ping_is_gone() {
    let (mut wire, id) = Wire::websocket();
    wire.pass(secs(40));
    wire.session.handle_ws(wire.now, id, "2".into());
    assert_eq!(wire.events(), [SessionEvent::Pinged]);
    assert_eq!(wire.frames(id), ["3"]);
    wire.session.handle_ws_flushed(wire.now, id);
    wire.pass(secs(45) - Duration::from_nanos(1));
    assert_eq!(wire.events(), []);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.closed(), (CloseReason::PingTimeout, None));
    assert_eq!(wire.frames(id), ["close None"]);
}

#[test]
fn a_machine_that_slept_counts_that() {
    let (mut wire, id) = Wire::websocket();
    wire.session.handle_suspended(wire.now, secs(40));
    assert_eq!(wire.events(), []);
    let due = wire.session.poll_timeout().expect("a ping is due");
    assert_eq!(due.at, wire.now + secs(5), "by the clock that stood still");
    wire.session.handle_ws(wire.now, id, "2".into());
    assert_eq!(wire.events(), [SessionEvent::Pinged]);
    wire.session.handle_suspended(wire.now, secs(45));
    assert_eq!(wire.closed(), (CloseReason::PingTimeout, None));
}

/// However late it is found out: nothing is handed out any more.
#[test]
fn nothing_is_said_to_a_server_that_is_gone() {
    let (mut wire, id) = Wire::websocket();
    wire.say(text("4a"));
    wire.now += secs(45);
    assert_eq!(wire.send(text("4b")), Sent::Closed);
    assert_eq!(wire.frames(id), ["close None"]);
    assert_eq!(wire.closed().0, CloseReason::PingTimeout);
    let unsent = wire.session.take_unsent();
    assert_eq!(unsent.len(), 1);
}

#[test]
fn what_is_not_taken_ends_a_session() {
    let (mut wire, id) = Wire::websocket();
    wire.say(text("4a"));
    assert_eq!(wire.frames(id), ["4a"]);
    wire.pass(secs(29));
    wire.session.handle_ws_progress(wire.now, id);
    wire.session.handle_ws(wire.now, id, "2".into());
    wire.pass(secs(30) - Duration::from_nanos(1));
    assert_eq!(wire.events(), [SessionEvent::Pinged]);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.closed().1, Some(error(WEBSOCKET, Failure::Timeout)));

    let mut wire = Wire::polling(BARE);
    wire.say(text("4a"));
    wire.work();
    wire.pass(secs(1));
    wire.get("2");
    wire.pass(secs(44) - Duration::from_nanos(1));
    assert_eq!(wire.events(), [SessionEvent::Pinged]);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.closed().1, Some(error(POLLING, Failure::Timeout)));

    // Or sooner, if that is wanted.
    let mut wire = Wire::new(&[POLLING], |it| it.request_timeout = Some(secs(3)));
    wire.get(BARE);
    wire.say(text("4a"));
    wire.work();
    wire.pass(secs(3) - Duration::from_nanos(1));
    assert_eq!(wire.events(), [SessionEvent::Opened]);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.closed().1, Some(error(POLLING, Failure::Timeout)));
}

#[test]
fn a_websocket_that_takes_no_goodbye_is_given_up() {
    let moment = Duration::from_nanos(1);
    let (mut wire, id) = Wire::websocket();
    wire.say(text("4a"));
    wire.frames(id);
    wire.pass(secs(30));
    assert_eq!(wire.closed().1, Some(error(WEBSOCKET, Failure::Timeout)));
    // It cannot be written to, so nobody asks what there is for it.
    wire.pass(secs(5) - moment);
    assert!(wire.aborted.is_empty() && !wire.session.is_done());
    wire.pass(moment);
    assert_eq!(wire.aborted, [id]);
    assert!(wire.session.is_done());
    assert_eq!(wire.session.poll_timeout(), None);
    // The same of one that was to take over; the session goes on.
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    wire.pass(secs(10));
    wire.pass(secs(5));
    assert_eq!(wire.aborted, [id]);
    assert!(wire.session.is_open());
}

#[test]
fn a_server_is_asked_for_a_sign_of_life() {
    let (mut wire, id) = Wire::websocket();
    wire.session.check(wire.now);
    assert_eq!(wire.frames(id), ["ping"]);
    wire.session.check(wire.now);
    assert_eq!(wire.frames(id), [""; 0], "one at a time");
    wire.session.handle_ws_pong(wire.now, id);
    wire.pass(secs(6));
    assert_eq!(wire.events(), []);
    wire.session.check(wire.now);
    wire.frames(id);
    wire.pass(secs(5));
    assert_eq!(wire.closed().0, CloseReason::PingTimeout);
}

#[test]
fn a_quiet_server_is_asked_for_a_sign_of_life() {
    let kept = |config: &mut Config| config.keepalive = Some(secs(10));
    let (mut wire, id) = Wire::websocket_with(kept);
    // Whatever comes puts it off.
    wire.pass(secs(9));
    wire.session.handle_ws(wire.now, id, "4x".into());
    wire.pass(secs(9));
    assert_eq!(wire.frames(id), [""; 0]);
    wire.pass(secs(1));
    assert_eq!(wire.frames(id), ["ping"]);
    wire.pass(secs(4));
    wire.session.handle_ws_pong(wire.now, id);
    wire.pass(secs(9));
    assert_eq!(wire.frames(id), [""; 0], "one at a time");
    wire.pass(secs(1));
    assert_eq!(wire.frames(id), ["ping"]);
    // Once it is asked, nothing but the pong will do.
    wire.session.handle_ws(wire.now, id, "4x".into());
    wire.events();
    wire.pass(secs(4));
    assert_eq!(wire.events(), []);
    wire.pass(secs(1));
    assert_eq!(wire.closed().0, CloseReason::PingTimeout);

    // By requests it is not asked; by the WebSocket that takes over it is.
    let mut wire = Wire::new(&[POLLING, WEBSOCKET], kept);
    wire.get(OPEN);
    wire.pass(secs(9));
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    assert_eq!(wire.frames(id), ["2probe"]);
    wire.session.handle_ws(wire.now, id, "3probe".into());
    wire.get("6");
    assert_eq!(wire.frames(id), ["5"]);
    wire.pass(secs(9));
    assert_eq!(wire.frames(id), [""; 0]);
    wire.pass(secs(1));
    assert_eq!(wire.frames(id), ["ping"]);
}

#[test]
fn what_must_not_be_read_in_one_go_waits() {
    let apart = Mark {
        apart: true,
        ..Mark::default()
    };
    let owner = Some(Owner {
        socket: SocketKey(crate::arena::Key::new(0, 0)),
        id: None,
    });
    let event = Mark {
        owner,
        ..Mark::default()
    };
    let send = |wire: &mut Wire, packet, mark| {
        let sent = wire
            .session
            .send_marked(wire.now, text(packet), Flags::default(), mark);
        assert_eq!(sent, Sent::Queued);
    };
    // Behind a pong on a WebSocket, or after a second.
    for answered in [true, false] {
        let (mut wire, id) = Wire::websocket();
        send(&mut wire, "42[\"a\"]", event);
        send(&mut wire, "41", apart);
        assert_eq!(wire.frames(id), ["42[\"a\"]", "ping"]);
        if answered {
            wire.session.handle_ws_pong(wire.now, id);
        } else {
            wire.pass(secs(1));
        }
        assert_eq!(wire.frames(id), ["41"]);
    }
    // The pong to an earlier ping says nothing of it.
    let (mut wire, id) = Wire::websocket();
    wire.session.check(wire.now);
    assert_eq!(wire.frames(id), ["ping"]);
    send(&mut wire, "42[\"a\"]", event);
    send(&mut wire, "41", apart);
    assert_eq!(wire.frames(id), ["42[\"a\"]"]);
    wire.session.handle_ws_pong(wire.now, id);
    assert_eq!(wire.frames(id), ["ping"]);
    wire.session.handle_ws_pong(wire.now, id);
    assert_eq!(wire.frames(id), ["41"]);
    let (mut wire, id) = Wire::websocket();
    send(&mut wire, "41", apart);
    assert_eq!(wire.frames(id), ["41"], "nothing was said before");
    // In a POST of its own.
    let mut wire = Wire::polling(BARE);
    send(&mut wire, "42[\"a\"]", event);
    send(&mut wire, "41", apart);
    wire.work();
    assert_eq!([wire.post(), wire.post()], ["42[\"a\"]", "41"]);
}

#[test]
fn nobody_listens_to_what_was_given_up() {
    let mut wire = Wire::polling(OPEN);
    let (get, websocket) = (wire.gets[0], wire.websockets[0]);
    let digest = |wire: &Wire| crate::digest::of(|state| wire.session.digest(state));
    wire.session.lose(wire.now);
    wire.work();
    wire.events();
    let before = digest(&wire);
    wire.respond(get, 200, "4x");
    wire.session.handle_ws_open(wire.now, websocket, Ok(()));
    wire.session.handle_ws(wire.now, websocket, "3probe".into());
    assert_eq!(digest(&wire), before);
    assert_eq!(wire.events(), []);
    let copy = wire.session.clone();
    assert_eq!(crate::digest::of(|state| copy.digest(state)), before);
}

/// However much waits before it, or for the server to read: a slow reader is no dead client.
#[test]
fn the_heartbeat_waits_for_no_message() {
    let (mut wire, id) = Wire::websocket();
    wire.say(text("4a"));
    assert_eq!(wire.frames(id), ["4a"]);
    wire.say(Encoded::text(
        "451-[]".into(),
        vec![Bytes::from_static(&[7])],
    ));
    wire.session.handle_ws(wire.now, id, "2".into());
    assert_eq!(wire.events(), [SessionEvent::Pinged]);
    assert_eq!(wire.frames(id), ["3", "451-[]", "[]b\"\\x07\""]);
    wire.session.handle_ws_flushed(wire.now, id);

    let apart = Mark {
        apart: true,
        ..Mark::default()
    };
    let said = Mark {
        owner: Some(Owner {
            socket: SocketKey(crate::arena::Key::new(0, 0)),
            id: None,
        }),
        ..Mark::default()
    };
    let send = |wire: &mut Wire, packet, mark| {
        let sent = wire
            .session
            .send_marked(wire.now, text(packet), Flags::default(), mark);
        assert_eq!(sent, Sent::Queued);
    };
    send(&mut wire, "4b", said);
    send(&mut wire, "41", apart);
    assert_eq!(wire.frames(id), ["4b", "ping"]);
    wire.session.handle_ws(wire.now, id, "2".into());
    assert_eq!(wire.frames(id), ["3"]);
    wire.session.handle_ws_pong(wire.now, id);
    assert_eq!(wire.frames(id), ["41"]);
}

/// The clock jumps while a client of revision 3 comes: the server is given longer, and does not get it from us.
#[test]
fn a_ping_is_not_put_off_with_what_is_excused() {
    let mut wire = Wire::new(&[WEBSOCKET], |it| it.revision = Eio::V3);
    let id = wire.websockets[0];
    wire.now += secs(25);
    wire.session.handle_timeout(wire.now);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    let open = BARE.replace("25000", "3000");
    wire.session.handle_ws(wire.now, id, open.into());
    assert_eq!(wire.events(), [SessionEvent::Opened]);
    let ping = Deadline::new(wire.now + secs(3), Why::Ping);
    assert_eq!(wire.session.poll_timeout(), Some(ping));
    wire.pass(secs(3));
    assert_eq!(wire.frames(id), ["2"]);
}
