//! Clients of revision 3.

use super::*;
use crate::engine::{Body, Packet, Writer, split};
use crate::message::Message;

const POLL_3: &str = "/socket.io/?EIO=3&transport=polling";
const SOCKET_3: &str = "/socket.io/?EIO=3&transport=websocket";

fn v2() -> Acceptor {
    acceptor(Config::default())
}

#[test]
fn a_revision_is_named_by_its_number() {
    let v2 = v2();
    let of = |uri: &str| open(&v2, &head("GET", uri, &[])).revision();
    assert_eq!(of(POLL_3), Eio::V3);
    assert_eq!(of(POLL), Eio::V4);
    let websocket = open(&v2, &websocket(SOCKET_3, |_| {}));
    assert_eq!(websocket.revision(), Eio::V3);
    let other = "400 {\"code\":5,\"message\":\"Unsupported protocol version\"}";
    for eio in [
        "",
        "EIO=2&",
        "EIO=5&",
        "EIO=03&",
        "EIO=3.0&",
        "EIO=%203&",
        "EIO=&",
        "EIO&",
    ] {
        let uri = format!("/socket.io/?{eio}transport=polling");
        assert_eq!(answer(&v2, &head("GET", &uri, &[])), other, "{eio}");
    }
}

#[test]
fn a_server_of_4x_lets_them_in_if_it_is_told_to() {
    let polling = head("GET", POLL_3, &[]);
    assert!(answer(&v4(), &polling).starts_with("400 {\"code\":5,"));
    let upgrade = answer(&v4(), &websocket(SOCKET_3, |_| {}));
    assert_eq!(upgrade, "400 Unsupported protocol version");
    let exchange = open(&acceptor(Config::v4().allow_eio3(true)), &polling);
    assert_eq!(exchange.revision(), Eio::V3);
}

#[test]
fn a_body_is_text_or_bytes_as_its_type_says() {
    let v2 = acceptor(Config::default().max_http_buffer_size(4));
    let uri = format!("{POLL_3}&sid=abc");
    let post = |content_type: &str, body: &'static [u8]| {
        let head = head("POST", &uri, &[("content-type", content_type)]);
        let (_, exchange, _) = session(&v2, &head);
        assert!(exchange.reads_body());
        exchange.post(Bytes::from_static(body))
    };
    const BYTES: &str = "application/octet-stream";
    let counted = |text: &str| Post::Whole(Ok(Body::Counted(text.into())));
    let bytes = |bytes| Post::Whole(Ok(Body::Binary(Bytes::from_static(bytes))));
    assert_eq!(post("text/plain;charset=UTF-8", b"1:2"), counted("1:2"));
    assert_eq!(post(BYTES, b"1:2"), bytes(b"1:2"));
    assert_eq!(post(BYTES, b"\xff"), bytes(b"\xff"));
    assert_eq!(
        post("text/plain", b"\xff"),
        Post::Whole(Err(PostFailure::NotUtf8))
    );
    // The reference compares the whole header.
    let parameter = "application/octet-stream; charset=UTF-8";
    assert_eq!(post(parameter, b"1:2"), counted("1:2"));
    for content_type in [BYTES, "text/plain"] {
        let over = post(content_type, b"11111");
        assert_eq!(over, Post::Whole(Err(PostFailure::TooLarge)));
    }

    let uri = format!("{POLL}&sid=abc");
    let head = head("POST", &uri, &[("content-type", BYTES)]);
    let (_, exchange, _) = session(&v2, &head);
    assert!(!exchange.reads_body());
}

#[test]
fn scripts_carry_text_whatever_was_packed() {
    let v2 = v2();
    let respond = |uri: &str| {
        let bytes = Packet::Message(Message::Binary(Bytes::from_static(b"\x01")));
        let mut body = Writer::new(Framing::Binary, 0);
        body.push(&Packet::Message("\u{2028}".into()).to_part());
        body.push(&bytes.to_part());
        let reply = Reply::payload(Framing::Binary, 1, body.finish(), true);
        open(&v2, &head("GET", uri, &[])).respond(reply).http
    };
    let script = respond(&format!("{POLL_3}&j=0"));
    assert_eq!(script.body(), "___eio[0](\"2:4\\u20286:b4AQ==\");");
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=UTF-8"
    );
    assert_eq!(script.headers()["x-content-type-options"], "nosniff");

    let plain = respond(POLL_3);
    assert_eq!(plain.headers()["content-type"], "application/octet-stream");
    assert_eq!(split(Body::Binary(plain.into_body()), 9).count(), 2);

    let off = acceptor(Config::default().jsonp(false));
    let exchange = open(&off, &head("GET", &format!("{POLL_3}&j=0"), &[]));
    assert!(!exchange.base64());
    let response = exchange.respond(payload("1:6")).http;
    assert_eq!(response.body(), "1:6");
}

#[test]
fn forms_without_a_payload_do_no_harm() {
    let uri = format!("{POLL_3}&sid=abc&j=0");
    let post = |form: &'static str| {
        let (_, exchange, _) = session(&v2(), &head("POST", &uri, &[]));
        exchange.post(form.into())
    };
    let counted = |text: &str| Post::Whole(Ok(Body::Counted(text.into())));
    assert_eq!(post("d=4%3A4a%5Cnb"), counted("4:4a\nb"));
    assert_eq!(post("d="), counted(""));
    assert_eq!(post("x=1"), Post::Whole(Ok(Body::NOTHING)));
    assert_eq!(post("d=1&d=2"), Post::Whole(Ok(Body::NOTHING)));
    assert_eq!(split(Body::NOTHING, 9).next(), None);
}
