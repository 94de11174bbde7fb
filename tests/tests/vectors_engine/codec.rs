//! Packets, payloads and JSONP.

use std::sync::Arc;

use bytestring::ByteString;
use http::StatusCode;
use serde_json::Value;
use sio_core::config::Config;
use sio_core::engine::{
    Acceptor, Backlog, Body, Content, Eio, Framing, Message, Packet, Post, Reply, Route, Writer,
    split,
};
use sio_core::packet::Part;

use crate::ours::SCRIPT;
use crate::wire::wire;

const LIMIT: usize = 16_384;

pub(crate) fn packet_encode(revision: Eio, vector: &Value) {
    let packet = packet(&vector["in"]["packet"]);
    let supports_binary = vector["in"]["supports_binary"].as_bool().unwrap();
    let frame = packet.encode(revision, supports_binary);
    assert_eq!(frame, wire(&vector["out"]), "{}", vector["id"]);
}

pub(crate) fn packet_decode(revision: Eio, vector: &Value) {
    let decoded = Packet::decode(revision, wire(&vector["in"]));
    match vector["out"].get("packet") {
        Some(expected) => assert_eq!(decoded, Ok(packet(expected)), "{}", vector["id"]),
        None => assert!(decoded.is_err(), "{}: {decoded:?}", vector["id"]),
    }
}

pub(crate) fn payload_encode(revision: Eio, vector: &Value) {
    let packets: Vec<Packet> = vector["in"]["packets"]
        .as_array()
        .unwrap()
        .iter()
        .map(packet)
        .collect();
    let takes_bytes = vector["in"]["supports_binary"] == true;
    let has_bytes = |packet: &Packet| matches!(packet.to_part(), Part::Binary(_));
    let framing = Framing::of(revision, takes_bytes && packets.iter().any(has_bytes));
    let mut body = Writer::new(framing, 0);
    for packet in packets {
        body.push(&packet.to_part());
    }
    let body = match framing {
        Framing::Binary => Message::Binary(body.finish()),
        Framing::Counted | Framing::Separated => Message::Text(body.finish().try_into().unwrap()),
    };
    assert_eq!(body, wire(&vector["out"]), "{}", vector["id"]);
}

pub(crate) fn payload_decode(revision: Eio, vector: &Value) {
    let body = match wire(&vector["in"]) {
        Message::Text(text) => Body::text(revision, text),
        Message::Binary(bytes) => Body::Binary(bytes),
    };
    let mut packets = Vec::new();
    let mut error = false;
    for read in split(body, LIMIT) {
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

pub(crate) fn jsonp_response(revision: Eio, vector: &Value) {
    let acceptor = Acceptor::new(Arc::new(Config::default())).unwrap();
    let j = vector["in"]["j"].as_str().unwrap();
    let eio = revision.number();
    let request = http::Request::get(format!("/socket.io/?EIO={eio}&transport=polling&j={j}"))
        .body(())
        .unwrap();
    let Route::Open(exchange) = acceptor.route(&request.into_parts().0) else {
        panic!("{}: not let in", vector["id"]);
    };
    let response = exchange.respond(Reply {
        status: StatusCode::OK,
        content: Content::Payload,
        mismatch: None,
        body: vector["in"]["payload"]["text"]
            .as_str()
            .unwrap()
            .to_owned()
            .into(),
        compress: false,
        close: false,
        cookie: None,
        packets: 1,
        taken: Backlog::default(),
        violation: None,
    });
    assert_eq!(
        response.http.body(),
        vector["out"]["text"].as_str().unwrap(),
        "{}",
        vector["id"]
    );
    assert_eq!(vector["out"]["content_type"], "text/plain; charset=UTF-8");
    assert_eq!(response.http.headers()["content-type"], SCRIPT);
    assert_eq!(response.http.headers()["x-content-type-options"], "nosniff");
}

pub(crate) fn jsonp_post(revision: Eio, vector: &Value) {
    let acceptor = Acceptor::new(Arc::new(Config::default())).unwrap();
    let eio = revision.number();
    let uri = format!("/socket.io/?EIO={eio}&transport=polling&sid=x&j=0");
    let request = http::Request::post(uri).body(()).unwrap();
    let Route::Session { exchange, .. } = acceptor.route(&request.into_parts().0) else {
        panic!("{}: not let in", vector["id"]);
    };
    let form = vector["in"]["body"].as_str().unwrap().to_owned();
    let body = match vector["out"].get("payload").map(wire) {
        Some(Message::Text(text)) => Body::text(revision, text),
        None if vector["out"]["ignored"] == true => Body::NOTHING,
        other => panic!("{}: {other:?}", vector["id"]),
    };
    assert_eq!(
        exchange.post(form.into()),
        Post::Whole(Ok(body)),
        "{}",
        vector["id"]
    );
}

/// A packet as the vectors write it. Data of packets that have none in their meaning is left out.
fn packet(value: &Value) -> Packet {
    let data = value.get("data").map(wire);
    let text = || match &data {
        Some(Message::Text(text)) => text.clone(),
        None => ByteString::new(),
        // Only a message has a use for it.
        Some(Message::Binary(_)) => ByteString::new(),
    };
    let Some(kind) = value["type"].as_str() else {
        // Of no known type: nobody handles it.
        return Packet::Noop;
    };
    match kind {
        "open" => Packet::Open(text()),
        "close" => Packet::Close,
        "ping" => Packet::Ping(text()),
        "pong" => Packet::Pong(text()),
        "message" => Packet::Message(match data {
            Some(binary @ Message::Binary(_)) => binary,
            _ => Message::Text(text()),
        }),
        "upgrade" => Packet::Upgrade,
        "noop" => Packet::Noop,
        other => panic!("unknown packet type {other}"),
    }
}
