//! Frames.

use super::*;

// WebSocket

#[test]
fn frames_are_messages() {
    let mut talk = Talk::websocket(Config::v4());
    talk.ws("4a");
    talk.session
        .handle_ws(talk.now, Frame::Binary(Bytes::from_static(b"\x04")));
    talk.ws("bBA==");
    let binary = Event::Message(Data::Binary(Bytes::from_static(b"\x04")));
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
    let bytes = message(&Data::Binary(Bytes::from_static(b"\x01")));
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
