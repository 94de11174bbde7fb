//! Packets written and read.

use sio_core::engine::{Eio, Message};
use sio_core::packet::{self, Content, Decoder, EncodeError, Limits, Packet, Value};

use super::data::{Emitted, arguments, frame, frames};
use super::ours;

pub(crate) fn encode(vector: &Value) -> Result<(), String> {
    let id = vector["id"].as_str().unwrap();
    let packet = &vector["in"]["packet"];
    let namespace = packet["nsp"].as_str().unwrap_or("/");
    let ack = packet["id"].as_u64();
    let data = packet["data"].as_array().unwrap_or_default();
    let written = match packet["type"].as_str().unwrap() {
        "EVENT" if packet["data"].as_str() == Some("cyclic object") => {
            return match packet::event(namespace, ack, "x", &Cyclic) {
                Err(EncodeError::Refused(_)) => Ok(()),
                other => Err(format!("{other:?}")),
            };
        }
        "EVENT" | "BINARY_EVENT" => match data.split_first() {
            None => return Err("an event without a name".into()),
            Some((name, args)) => {
                let name = name
                    .as_str()
                    .map_or_else(|| name.to_string(), str::to_owned);
                match Emitted::new(args) {
                    Some(args) => packet::event(namespace, ack, &name, &args),
                    None => packet::event(namespace, ack, &name, &arguments(args)),
                }
            }
        },
        "ACK" | "BINARY_ACK" => match Emitted::new(data) {
            Some(args) => packet::ack(namespace, ack.unwrap(), &args),
            None => packet::ack(namespace, ack.unwrap(), &arguments(data)),
        },
        "CONNECT" => packet::connect(namespace, packet.get("data")),
        "DISCONNECT" => Ok(packet::disconnect(namespace)),
        "CONNECT_ERROR" => Ok(packet::connect_error(
            namespace,
            packet["data"]["message"].as_str().unwrap(),
            packet["data"]
                .get("data")
                .filter(|data| data.get("$undefined").is_none()),
        )),
        "ERROR" => Ok(match packet["data"].as_str() {
            Some(message) => packet::error(namespace, message, None),
            None => packet::error(namespace, "", packet.get("data")),
        }),
        other => return Err(format!("type {other}")),
    };
    if ours(id) && id.ends_with("encode/042") {
        return match written {
            Err(EncodeError::Placeholder) => Ok(()),
            other => Err(format!("{other:?}")),
        };
    }
    let written = written.map_err(|error| error.to_string());
    if vector["out"].get("threw").is_some() {
        return match written {
            Err(_) => Ok(()),
            Ok(packet) => Err(format!("written: {:?}", frames(&packet))),
        };
    }
    let written = frames(&written?);
    let mut expected: Vec<Message> = vector["out"]["frames"]
        .as_array()
        .unwrap()
        .iter()
        .map(frame)
        .collect();
    if ours(id) {
        let text = match id {
            "sio4/encode/063" => r#"2["x",1]"#,
            _ => r#"2["n",-0.0]"#,
        };
        expected = vec![Message::Text(text.into())];
    }
    // A name that is a number is written as a string: names are text here.
    if packet["type"].as_str() == Some("EVENT") && packet["data"][0].as_number().is_some() {
        let Message::Text(text) = &written[0] else {
            return Err("no text".into());
        };
        let as_number = text.replacen('"', "", 2);
        return same(&vec![Message::Text(as_number.into())], &expected);
    }
    same(&written, &expected)
}

/// What cannot be written.
struct Cyclic;

impl serde::Serialize for Cyclic {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it contains itself"))
    }
}

pub(crate) fn decode(vector: &Value, revision: Eio) -> Result<(), String> {
    let id = vector["id"].as_str().unwrap();
    let mut limits = Limits::default();
    if let Some(most) = vector["in"]["max_attachments"].as_u64() {
        limits.attachments = usize::try_from(most).unwrap();
    }
    let mut decoder = Decoder::new(revision.protocol());
    let mut read = Vec::new();
    let mut fault = None;
    for (at, wire) in vector["in"]["frames"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let outcome = match frame(wire) {
            Message::Text(text) => decoder.text(text, &limits),
            Message::Binary(bytes) => decoder.binary(bytes, &limits),
        };
        match outcome {
            Ok(packet) => read.extend(packet),
            Err(why) => {
                fault = Some((at as u64, why));
                break;
            }
        }
    }
    if ours(id) {
        return decoded_our_way(id, &read, fault.is_some());
    }
    let expected = vector["out"]["packets"].as_array().unwrap();
    if read.len() != expected.len() {
        return Err(format!("{} packets and {fault:?}", read.len()));
    }
    for (packet, expected) in read.iter().zip(expected) {
        is(packet, expected)?;
    }
    same(
        &fault.map(|(at, _)| at),
        &vector["out"]["error"]["at"].as_u64(),
    )?;
    if let Some(missing) = vector["out"]["pending_attachments"].as_u64() {
        same(&(decoder.missing() as u64), &missing)?;
    }
    Ok(())
}

/// The outcomes that [`super::OURS`] names.
fn decoded_our_way(id: &str, read: &[Packet], refused: bool) -> Result<(), String> {
    let argument = |at: usize| match &read.first()?.content {
        Content::Event { call, .. } => call.as_ref()?.args.raw(at).map(str::to_owned),
        _ => None,
    };
    let holds = match id {
        "sio5/decode/087" | "sio5/decode/088" => !refused && read.len() == 1,
        "sio4/decode/112" | "sio5/decode/112" | "sio4/decode/113" | "sio5/decode/113" => {
            let unasked = |it: &Packet| {
                matches!(
                    &it.content,
                    Content::Event {
                        id: None,
                        call: Some(_)
                    }
                )
            };
            !refused && read.len() == 1 && read.iter().all(unasked)
        }
        "sio4/decode/116" | "sio5/decode/116" => argument(0).as_deref() == Some("1e400"),
        "sio4/decode/117" | "sio5/decode/117" => argument(0).as_deref() == Some("9007199254740993"),
        "sio4/decode/118" | "sio5/decode/118" => argument(0).as_deref() == Some(r#""\ud800""#),
        _ => refused && read.is_empty(),
    };
    if holds {
        Ok(())
    } else {
        Err(format!(
            "ours is different by now: {read:?}, refused: {refused}"
        ))
    }
}

/// Whether a packet is the one that the reference read.
fn is(packet: &Packet, expected: &Value) -> Result<(), String> {
    let namespace = expected["nsp"].as_str().unwrap();
    same(&&*packet.namespace, &namespace)?;
    let (number, id, data) = match &packet.content {
        Content::Connect { payload } => (0, None, payload.as_ref().map(object)),
        Content::Disconnect => (1, None, None),
        Content::Event { id, call } => {
            let data = call.as_ref().map(|call| {
                let mut all = vec![Value::String((*call.name).to_owned())];
                all.extend(call.args.values().unwrap());
                Value::Array(all)
            });
            (2, *id, data)
        }
        Content::Ack { id, args } => (3, *id, Some(Value::Array(args.values().unwrap()))),
        Content::ConnectError { payload } => (4, None, payload.as_ref().map(object)),
    };
    // The parser of revision 4 tells those apart that came with attachments; they are whole here.
    let kind = expected["type"].as_u64().map(|kind| match kind {
        5 | 6 => kind - 3,
        kind => kind,
    });
    same(&Some(number), &kind)?;
    if number == 2 || number == 3 {
        same(&id, &expected["id"].as_u64())?;
    }
    let expected = expected.get("data").map(|data| {
        let mut data = plain(data);
        // A name that is a number is given by its digits.
        if number == 2
            && let Value::Array(all) = &mut data
            && let Some(name @ Value::Number(_)) = all.first_mut()
        {
            *name = Value::String(name.to_string());
        }
        data
    });
    // An ack without payload has no arguments.
    let data = match (number, &expected) {
        (3, None) => data.filter(|data| data.as_array() != Some(&[])),
        _ => data,
    };
    same(&data.map(valued), &expected.map(valued))
}

/// Numbers by their value: `1e3` is 1000.
fn valued(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().unwrap().into(),
        Value::Array(elements) => Value::Array(elements.into_iter().map(valued).collect()),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name, valued(value.clone())))
            .collect(),
        value => value,
    }
}

fn object(text: &bytestring::ByteString) -> Value {
    packet::Args::from_json(&format!("[{text}]"), vec![])
        .unwrap()
        .decode()
        .unwrap()
}

/// Data of a vector with its marks resolved.
fn plain(data: &Value) -> Value {
    arguments(std::slice::from_ref(data)).get(0).unwrap()
}

/// `isPacketValid` asks about packets before they are written. Here most of them cannot be made.
pub(crate) fn is_packet_valid(vector: &Value) -> Result<(), String> {
    let packet = &vector["in"]["packet"];
    let data = packet["data"].as_array();
    let valid = match packet["type"].as_u64() {
        // A namespace is a string and an id an integer by their types.
        Some(2) if packet["nsp"].as_str().is_some() => match data
            .and_then(|data| data.split_first())
        {
            Some((Value::String(name), args)) => {
                let whole = packet.get("id").is_none_or(|id| id.as_u64().is_some());
                whole && packet::event("/", packet["id"].as_u64(), name, &arguments(args)).is_ok()
            }
            _ => false,
        },
        Some(0) => packet::connect("/", packet.get("data")).is_ok(),
        // A refusal has a message by its type; binary types are chosen by what is inside.
        _ => false,
    };
    same(&Some(valid), &vector["out"]["valid"].as_bool())
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(got: &T, expected: &T) -> Result<(), String> {
    if got == expected {
        Ok(())
    } else {
        Err(format!("got {got:?}, expected {expected:?}"))
    }
}
