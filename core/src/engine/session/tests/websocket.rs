//! Frames.

use super::*;

// WebSocket

#[test]
fn frames_are_messages() {
    let mut talk = Talk::websocket(Config::v4());
    talk.ws("4a");
    talk.session
        .handle_ws(talk.now, Message::Binary(Bytes::from_static(b"\x04")));
    talk.ws("bBA==");
    let binary = Event::Message(Message::Binary(Bytes::from_static(b"\x04")));
    assert_eq!(talk.events(), [said("a"), binary.clone(), binary]);
    for ignored in ["0{}", "3", "5", "6"] {
        talk.ws(ignored);
    }
    assert_eq!(talk.events(), []);
    assert!(talk.session.is_open());
}

#[test]
fn binary_goes_out_as_text_where_the_client_wants_it() {
    let mut talk = Talk::new(
        Opened {
            base64: true,
            ..WEBSOCKET
        },
        Config::v4(),
    );
    talk.frame();
    let bytes = Encoded::from(&Message::Binary(Bytes::from_static(b"\x01")));
    assert_eq!(
        talk.session.send(talk.now, bytes, Flags::default()),
        Sent::Queued
    );
    assert_eq!(talk.frame(), "bAQ==");
}

#[test]
fn faults_on_a_websocket() {
    for (text, reason) in [
        ("", CloseReason::ParseError),
        ("9", CloseReason::ParseError),
        ("\u{20ac}abc", CloseReason::ParseError),
        ("b!", CloseReason::ParseError),
        ("2", CloseReason::TransportError),
        ("2probe", CloseReason::TransportError),
        ("1", CloseReason::TransportClose),
    ] {
        let mut talk = Talk::websocket(Config::v4());
        talk.ws(text);
        assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)), "{text}");
        talk.no_frame();
        talk.closed(reason);
    }
}

#[test]
fn a_message_over_the_limit_closes_with_its_code() {
    let config = Config::v4().max_http_buffer_size(4);
    let mut talk = Talk::websocket(config);
    talk.ws("4abc");
    assert_eq!(talk.events(), [said("abc")]);
    talk.ws("4abcd");
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(Some(1009))));
    talk.closed(CloseReason::TransportError);
}

#[test]
fn a_websocket_that_ends_ends_the_session() {
    for (cause, reason) in [
        (WsClosed::Closed, CloseReason::TransportClose),
        (WsClosed::Lost, CloseReason::TransportClose),
        (WsClosed::TooLarge, CloseReason::TransportError),
        (WsClosed::Violation, CloseReason::TransportError),
    ] {
        let mut talk = Talk::websocket(Config::v4());
        assert_eq!(talk.send("lost"), Sent::Queued);
        talk.session.handle_ws_closed(talk.now, cause);
        talk.no_frame();
        talk.closed(reason);
    }
}

#[test]
fn polling_is_over_once_there_is_a_websocket() {
    let mut talk = Talk::websocket(Config::v4());
    let get = talk.get();
    assert!(talk.answer(get).starts_with("400 {\"code\":3,"));
    let post = talk.post("4a");
    assert!(talk.answer(post).starts_with("400 {\"code\":3,"));
    let begun = talk.post_begun();
    assert!(talk.answer(begun).starts_with("400 {\"code\":3,"));
    talk.post_end(begun, Ok("4a"));
    talk.no_answer();
    assert_eq!(talk.events(), []);
    assert!(!talk.open_ws());
    assert!(talk.session.is_open());
}

/// What goes past the queue leaves a session as what goes through it does.
#[test]
fn what_passes_the_queue_is_as_what_was_sent_and_given_out() {
    let config = Config {
        write_timeout: Duration::from_secs(3),
        ..Config::v4()
    };
    let mut sent = Talk::websocket(config.clone());
    let mut passed = Talk {
        session: Session::new(
            sent.now,
            sent.session.sid().clone(),
            WEBSOCKET,
            Arc::new(config),
        ),
        ..Talk::websocket(Config::v4())
    };
    passed.now = sent.now;
    passed.frame();
    passed.flushed();
    // While nothing has left, and in a session that has been idle.
    for wait in [0, 1, 1, 20] {
        for talk in [&mut sent, &mut passed] {
            if wait == 20 {
                talk.flushed();
            }
            talk.pass(Duration::from_secs(wait));
        }
        assert!(passed.session.is_clear());
        assert_eq!(sent.send("x"), Sent::Queued);
        assert_eq!(sent.frame(), "4x");
        passed.session.passed(passed.now);
        assert_eq!(
            format!("{:?}", passed.session),
            format!("{:?}", sent.session)
        );
    }
}

#[test]
fn nothing_passes_what_is_before_it() {
    assert!(Talk::websocket(Config::v4()).session.is_clear());
    assert!(!Talk::polling(Config::v4()).session.is_clear());
    assert!(!Talk::probed().session.is_clear());
    let mut talk = Talk::probed();
    talk.ws("2probe");
    talk.ws("5");
    assert_eq!(talk.events(), [Event::Upgraded]);
    assert!(!talk.session.is_clear(), "a probe is to be answered");
    assert_eq!(talk.frame(), "3probe");
    assert!(talk.session.is_clear());
    assert_eq!(talk.send("x"), Sent::Queued);
    assert!(!talk.session.is_clear());
    assert_eq!(talk.frame(), "4x");
    assert!(talk.session.is_clear());
    talk.close(Close::Flush);
    assert!(!talk.session.is_clear());
}

#[test]
fn a_message_in_too_many_fragments_ends_its_session() {
    let mut talk = Talk::websocket(Config::v4());
    let cause = WsClosed::TooManyFragments;
    talk.session.handle_ws_closed(talk.now, cause);
    assert_eq!(talk.session.violation(), Some(Violation::TooManyFragments));
    talk.closed(CloseReason::TransportError);
}

/// The digits of what several get are written once. What goes before them is the revision's.
#[test]
fn an_attachment_that_others_get_too_has_its_head() {
    for (opened, head) in [(WEBSOCKET, "b"), (WEBSOCKET_3, "b4")] {
        let opened = Opened {
            base64: true,
            ..opened
        };
        let mut talk = Talk::new(opened, Config::v2());
        while talk.session.poll_ws().is_some() {}
        let packet = Encoded::text("451-[\"x\"]".into(), vec![Bytes::from_static(b"abcd")]);
        let sent = talk
            .session
            .send(talk.now, packet.clone(), Flags::default());
        assert_eq!(sent, Sent::Queued);
        let mut frame = || match talk.session.poll_ws() {
            Some(WsOut::Frame {
                head,
                part: Part::Text(text),
                ..
            }) => String::from_utf8([head, &*text].concat()).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(frame(), "451-[\"x\"]");
        assert_eq!(frame(), format!("{head}YWJjZA=="));
    }
}
