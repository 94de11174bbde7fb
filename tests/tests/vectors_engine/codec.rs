//! Packets, payloads and JSONP.

use std::sync::Arc;

use bytestring::ByteString;
use http::StatusCode;
use serde_json::Value;
use sio_core::config::Config;
use sio_core::engine::{
    Acceptor, Body, Content, Data, Frame, Framing, Packet, Reply, Revision, Route, Writer, split,
};

use crate::wire::wire;

const LIMIT: usize = 16_384;

pub(crate) fn packet_encode(vector: &Value) {
    let packet = packet(&vector["in"]["packet"]);
    let supports_binary = vector["in"]["supports_binary"].as_bool().unwrap();
    let frame = packet.encode(Revision::V4, supports_binary);
    assert_eq!(frame, wire(&vector["out"]), "{}", vector["id"]);
}

pub(crate) fn packet_decode(vector: &Value) {
    let decoded = Packet::decode(Revision::V4, wire(&vector["in"]));
    match vector["out"].get("packet") {
        Some(expected) => assert_eq!(decoded, Ok(packet(expected)), "{}", vector["id"]),
        None => assert!(decoded.is_err(), "{}: {decoded:?}", vector["id"]),
    }
}

pub(crate) fn payload_encode(vector: &Value) {
    let mut body = Writer::new(Framing::Separated, 0);
    for one in vector["in"]["packets"].as_array().unwrap() {
        body.push(&packet(one).to_part());
    }
    let body = ByteString::try_from(body.finish()).unwrap();
    assert_eq!(Frame::Text(body), wire(&vector["out"]), "{}", vector["id"]);
}

pub(crate) fn payload_decode(vector: &Value) {
    let Frame::Text(body) = wire(&vector["in"]) else {
        panic!("{}: a body of this revision is text", vector["id"]);
    };
    let mut packets = Vec::new();
    let mut error = false;
    for read in split(Body::Separated(body), LIMIT) {
        assert!(!error, "{}: nothing follows an error", vector["id"]);
        match read {
            Ok(packet) => packets.push(packet),
            Err(_) => error = true,
        }
    }
    let expected: Vec<Packet> = vector["out"]["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(packet)
        .collect();
    assert_eq!(packets, expected, "{}", vector["id"]);
    assert_eq!(
        Some(error),
        vector["out"]["error"].as_bool(),
        "{}",
        vector["id"]
    );
}

pub(crate) fn jsonp_response(vector: &Value) {
    let acceptor = Acceptor::new(Arc::new(Config::v4())).unwrap();
    let j = vector["in"]["j"].as_str().unwrap();
    let request = http::Request::get(format!("/socket.io/?EIO=4&transport=polling&j={j}"))
        .body(())
        .unwrap();
    let Route::Open(exchange) = acceptor.route(&request.into_parts().0) else {
        panic!("{}: not let in", vector["id"]);
    };
    let response = exchange.respond(Reply {
        status: StatusCode::OK,
        content: Content::Payload,
        body: vector["in"]["payload"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
            .into(),
        compress: false,
        close: false,
        cookie: None,
    });
    assert_eq!(
        response.http.body(),
        vector["out"]["text"].as_str().unwrap(),
        "{}",
        vector["id"]
    );
    // The reference says `text/plain`: no browser runs that together with `nosniff`, which is why ours
    // says what it is.
    assert_eq!(vector["out"]["content_type"], "text/plain; charset=UTF-8");
    assert_eq!(
        response.http.headers()["content-type"],
        "text/javascript; charset=UTF-8"
    );
    assert_eq!(response.http.headers()["x-content-type-options"], "nosniff");
}

/// A packet as the vectors write it. Data of packets that have none in their meaning is left out.
fn packet(value: &Value) -> Packet {
    let data = value.get("data").map(wire);
    let text = || match &data {
        Some(Frame::Text(text)) => text.clone(),
        None => ByteString::new(),
        Some(Frame::Binary(_)) => panic!("binary data in {value}"),
    };
    match value["type"].as_str().unwrap() {
        "open" => Packet::Open(text()),
        "close" => Packet::Close,
        "ping" => Packet::Ping(text()),
        "pong" => Packet::Pong(text()),
        "message" => Packet::Message(match data {
            Some(Frame::Binary(bytes)) => Data::Binary(bytes),
            _ => Data::Text(text()),
        }),
        "upgrade" => Packet::Upgrade,
        "noop" => Packet::Noop,
        other => panic!("unknown packet type {other}"),
    }
}
