//! What our parsers make of texts, as Node's say it.

use bytes::Bytes;
use serde_json::{Value as Json, json};
use sio_core::engine::{self, Body, Eio, Message};
use sio_core::packet::{Args, Content, Decoder, Limits, Value};

/// A packet of Socket.IO, whose attachments are one byte each: 0, 1, 2.
pub(crate) fn packet(text: &str) -> Json {
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    let mut read = decoder.text(text.into(), &limits);
    for at in 0_u8..10 {
        if !matches!(read, Ok(None)) {
            break;
        }
        read = decoder.binary(Bytes::from(vec![at]), &limits);
    }
    let Ok(Some(packet)) = read else {
        return json!({ "error": true });
    };
    let object = |payload: &str| Args::from_json(&format!("[{payload}]"), vec![]);
    // Text that is none fails its handler, not its connection.
    let whole = |args: &Args| match args.values() {
        Ok(values) => values.into_iter().map(plain).collect(),
        Err(_) => vec![json!({ "$unreadable": true })],
    };
    let (kind, id, data) = match &packet.content {
        Content::Connect { payload } | Content::ConnectError { payload } => {
            let is_connect = matches!(packet.content, Content::Connect { .. });
            let data = payload.as_ref().map(|it| object(it).unwrap());
            let data = data.and_then(|it| whole(&it).pop());
            (if is_connect { 0 } else { 4 }, None, data)
        }
        Content::Disconnect => (1, None, None),
        Content::Event { id, call } => {
            let data = call.as_ref().map(|call| {
                let name = Json::from(&*call.name);
                [name].into_iter().chain(whole(&call.args)).collect()
            });
            (2, *id, data.map(Json::Array))
        }
        Content::Ack { id, args } => (3, *id, Some(Json::Array(whole(args)))),
    };
    let mut said = json!({ "type": number(f64::from(kind)), "nsp": &*packet.namespace });
    if let Some(id) = id {
        said["id"] = number(id as f64);
    }
    if let Some(data) = data {
        said["data"] = data;
    }
    said
}

/// A body of Engine.IO, revision 4.
pub(crate) fn payload(text: &str) -> Json {
    let (mut packets, mut error) = (Vec::new(), false);
    for read in engine::split(Body::text(Eio::V4, text.into()), usize::MAX) {
        let Ok(packet) = read else {
            error = true;
            break;
        };
        let (kind, data) = match packet {
            engine::Packet::Open(text) => ("open", Json::from(&*text)),
            engine::Packet::Close => ("close", "".into()),
            engine::Packet::Ping(text) => ("ping", Json::from(&*text)),
            engine::Packet::Pong(text) => ("pong", Json::from(&*text)),
            engine::Packet::Message(Message::Text(text)) => ("message", Json::from(&*text)),
            engine::Packet::Message(Message::Binary(bytes)) => ("message", hex(&bytes)),
            engine::Packet::Upgrade => ("upgrade", "".into()),
            engine::Packet::Noop => ("noop", "".into()),
        };
        packets.push(json!({ "type": kind, "data": data }));
    }
    json!({ "packets": packets, "error": error })
}

/// A value as Node's side says it: numbers by their value.
fn plain(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(it) => it.into(),
        Value::Number(it) => number(it.to_string().parse().unwrap()),
        Value::String(text) => text.into(),
        Value::Binary(bytes) => hex(&bytes),
        Value::Array(all) => all.into_iter().map(plain).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, it)| (name.to_owned(), plain(it.clone())));
            Json::Object(members.collect())
        }
    }
}

/// Node's numbers, which come as text, as ours.
pub(crate) fn numbered(value: Json) -> Json {
    if let Some(text) = value["$number"].as_str() {
        return number(text.parse().unwrap());
    }
    match value {
        Json::Array(all) => all.into_iter().map(numbered).collect(),
        Json::Object(members) => {
            let members = members.into_iter();
            Json::Object(members.map(|(name, it)| (name, numbered(it))).collect())
        }
        value @ (Json::Null | Json::Bool(_) | Json::String(_) | Json::Number(_)) => value,
    }
}

/// By its value, as JavaScript has it: `1e3` is 1000, and zero has no sign.
fn number(it: f64) -> Json {
    json!({ "$number": format!("{:?}", if it == 0.0 { 0.0 } else { it }) })
}

fn hex(bytes: &[u8]) -> Json {
    let digits: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
    json!({ "$bytes": digits })
}
