//! What revision 3 does otherwise.

use super::*;

impl Talk {
    /// A polling session of revision 3 whose handshake was answered.
    fn polling_3() -> Self {
        let mut talk = Self::new(POLLING_3, Config::default());
        let id = talk.get();
        assert!(talk.answer(id).starts_with("200 118:0{"));
        talk
    }

    fn websocket_3() -> Self {
        let mut talk = Self::new(WEBSOCKET_3, Config::default());
        assert!(talk.frame().starts_with("0{"));
        talk.flushed();
        talk
    }

    /// The next message on the WebSocket, as bytes, whatever it is.
    fn bytes(&mut self) -> Vec<u8> {
        match self.session.poll_ws() {
            Some(WsOut::Frame { head, part, .. }) => match part {
                Part::Text(bytes) | Part::Binary(bytes) => [head, &bytes].concat(),
            },
            other => panic!("{other:?}"),
        }
    }

    fn send_bytes(&mut self, bytes: &'static [u8]) {
        let packet = Encoded::from(&Message::Binary(Bytes::from_static(bytes)));
        let sent = self.session.send(self.now, packet, Flags::default());
        assert_eq!(sent, Sent::Queued);
    }

    /// The answer to a poll, and what it is.
    fn payload(&mut self) -> (Content, Vec<u8>) {
        self.get();
        let (_, reply) = self.session.poll_http().expect("an answer");
        (reply.content, reply.body.to_vec())
    }
}

#[test]
fn the_client_pings_and_any_packet_is_a_sign_of_life() {
    let mut talk = Talk::websocket_3();
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(85_000))));
    talk.pass(ms(60_000));
    talk.ws("2");
    assert_eq!(talk.frame(), "3");
    talk.flushed();
    talk.pass(ms(60_000));
    for packet in ["4a", "3", "6", "5"] {
        talk.ws(packet);
        talk.pass(ms(84_000));
        assert!(talk.session.is_open(), "{packet}");
    }
    talk.pass(ms(999));
    assert!(talk.session.is_open());
    talk.pass(ms(1));
    assert_eq!(talk.session.poll_ws(), Some(WsOut::Close(None)));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn a_packet_does_not_move_the_deadline_but_what_happens_then() {
    let mut talk = Talk::websocket_3();
    talk.pass(ms(10_000));
    talk.ws("3");
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(85_000))));
    talk.pass(ms(75_000));
    assert!(talk.session.is_open());
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(95_000))));
}

#[test]
fn nothing_but_packets_keeps_a_polling_client_alive() {
    let mut talk = Talk::polling_3();
    talk.pass(ms(60_000));
    let ping = talk.post("1:2");
    talk.events();
    assert_eq!(talk.answer(ping), "200 ok");
    assert_eq!(talk.payload(), (Content::Payload, b"1:3".to_vec()));
    talk.pass(ms(60_000));
    let poll = talk.get();
    talk.pass(ms(25_000));
    assert_eq!(talk.answer(poll), "200 1:1");
    talk.closed(CloseReason::PingTimeout);
}

/// The reference of 4.x forgets the timeout here.
#[test]
fn the_timeout_outlives_an_upgrade() {
    let mut talk = Talk::polling_3();
    talk.pass(ms(20_000));
    assert!(talk.open_ws());
    talk.ws("2probe");
    assert_eq!(talk.frame(), "3probe");
    talk.ws("5");
    talk.pass(ms(84_999));
    assert!(talk.session.is_open());
    talk.pass(ms(1));
    talk.closed(CloseReason::PingTimeout);
}

#[test]
fn a_probe_of_one_revision_is_no_use_to_another() {
    let mut talk = Talk::polling_3();
    let later = talk.now;
    assert!(!talk.session.handle_ws_open(later, Eio::V4, false));
    let id = talk.id();
    talk.session.handle_poll(later, id, Eio::V4);
    assert!(talk.answer(id).starts_with("400 {\"code\":3,"));
    assert!(talk.session.is_open());
}

#[test]
fn a_session_that_is_paused_hears_nothing_and_does_not_hold_it_against_its_client() {
    let mut talk = Talk::polling_3();
    talk.session.pause(talk.now, true);
    talk.post("1:2");
    talk.pass(ms(299_000));
    assert!(talk.session.is_open());
    talk.session.pause(talk.now, false);
    assert_eq!(talk.due(), Some((Why::PingTimeout, ms(384_000))));
}

#[test]
fn bytes_go_as_the_client_takes_them() {
    let mut talk = Talk::websocket_3();
    talk.send_bytes(b"\x01\x02");
    assert_eq!(talk.bytes(), b"\x04\x01\x02");
    talk.flushed();

    let base64 = Opened {
        base64: true,
        ..WEBSOCKET_3
    };
    let mut talk = Talk::new(base64, Config::default());
    talk.frame();
    talk.send_bytes(b"\x01\x02");
    assert_eq!(talk.frame(), "b4AQI=");

    let mut talk = Talk::polling_3();
    let _ = talk.send("€");
    assert_eq!(talk.payload(), (Content::Payload, "2:4€".into()));
    let _ = talk.send("€");
    talk.send_bytes(b"\x01");
    let body = b"\x00\x04\xff4\xe2\x82\xac\x01\x02\xff\x04\x01".to_vec();
    assert_eq!(talk.payload(), (Content::Binary, body));

    let base64 = Opened {
        base64: true,
        ..POLLING_3
    };
    let mut talk = Talk::new(base64, Config::default());
    talk.payload();
    talk.send_bytes(b"\x01");
    assert_eq!(talk.payload(), (Content::Payload, b"6:b4AQ==".to_vec()));
}

#[test]
fn bytes_come_in_every_form() {
    let data = |bytes: &'static [u8]| Event::Message(Message::Binary(Bytes::from_static(bytes)));
    let mut talk = Talk::websocket_3();
    let binary = Message::Binary(Bytes::from_static(b"\x04\x01"));
    talk.session.handle_ws(talk.now, binary);
    talk.ws("b4AQ==");
    // Of no known type, which is nobody's fault.
    for bytes in [&b""[..], b"\x09\x01", b"4a"] {
        let frame = Message::Binary(Bytes::from_static(bytes));
        talk.session.handle_ws(talk.now, frame);
    }
    assert_eq!(talk.events(), [data(b"\x01"), data(b"\x01")]);

    let mut talk = Talk::polling_3();
    let id = talk.id();
    let body = Body::Binary(Bytes::from_static(b"\x00\x02\xff4a\x01\x02\xff\x04\x01"));
    let whole = Post::Whole(Ok(body));
    talk.session.handle_post(talk.now, id, Eio::V3, whole);
    assert_eq!(talk.events(), [said("a"), data(b"\x01")]);
    assert_eq!(talk.answer(id), "200 ok");
}

#[test]
fn what_was_read_before_a_fault_is_delivered() {
    let mut talk = Talk::polling_3();
    let post = talk.post("2:4a5:4b");
    let events = talk.events();
    let violation = talk.session.violation();
    assert!(matches!(violation, Some(Violation::Malformed(_))));
    assert_eq!(
        events,
        [said("a"), over(CloseReason::ParseError, violation)]
    );
    assert_eq!(talk.answer(post), "400");
    talk.closed_already();
}

#[test]
fn every_word_of_a_close_has_its_length() {
    let mut talk = Talk::polling_3();
    talk.close(Close::Flush);
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 1:61:1");
    talk.closed(CloseReason::ForcedClose);

    let mut talk = Talk::polling_3();
    let poll = talk.get();
    let post = talk.post("1:1");
    talk.events();
    assert_eq!(talk.answer(poll), "200 1:6");
    assert_eq!(talk.answer(post), "200 ok");
    talk.closed_already();
}

#[test]
fn an_initial_packet_comes_with_the_first_answer() {
    let config = Config {
        initial_packet: Some("0".into()),
        ..Config::default()
    };
    let mut talk = Talk::new(POLLING_3, config.clone());
    let poll = talk.get();
    assert!(talk.answer(poll).ends_with("}2:40"));
    let mut talk = Talk::new(POLLING, config.clone());
    let poll = talk.get();
    assert!(talk.answer(poll).ends_with("}\u{1e}40"));
    let mut talk = Talk::new(WEBSOCKET_3, config);
    assert!(talk.frame().starts_with("0{"));
    assert_eq!(talk.frame(), "40");
}

#[test]
fn pings_without_end_are_a_backlog_like_any_other() {
    let config = Config {
        max_backlog_packets: 4,
        ..Config::default()
    };
    let mut talk = Talk::new(WEBSOCKET_3, config.clone());
    for _ in 0..7 {
        talk.ws("2");
        assert!(talk.session.is_open());
    }
    talk.ws("2");
    talk.closed(CloseReason::TransportError);
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));

    let mut talk = Talk::new(POLLING_3, config);
    talk.payload();
    let post = talk.post("1:2".repeat(100).as_str());
    talk.events();
    assert_eq!(talk.answer(post), "200 ok");
    talk.closed_already();
    assert_eq!(talk.session.violation(), Some(Violation::SlowReader));
}

#[test]
fn a_closing_session_answers_no_pings() {
    let mut talk = Talk::polling_3();
    talk.close(Close::Flush);
    let post = talk.post("1:2");
    talk.events();
    assert_eq!(talk.answer(post), "200 ok");
    let poll = talk.get();
    assert_eq!(talk.answer(poll), "200 1:61:1");
}

#[test]
fn a_client_that_is_not_read_hears_a_noop() {
    let mut talk = Talk::websocket_3();
    talk.session.pause(talk.now, true);
    for _ in 0..2 {
        talk.pass(ms(85_000));
        assert_eq!(talk.frame(), "6");
        talk.flushed();
    }
    assert!(talk.session.is_open());
}
