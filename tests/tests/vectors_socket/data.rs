//! The notation of the vectors for what JSON cannot write.

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::engine::Message;
use sio_core::packet::{Args, Encoded, Map, Part, Value};

pub(crate) fn hex(text: &str) -> Bytes {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// A frame as the vectors write it.
pub(crate) fn frame(wire: &Value) -> Message {
    if let Some(text) = wire["text"].as_str() {
        return Message::Text(text.into());
    }
    if let Some(text) = wire["utf8"].as_str() {
        return Message::Text(ByteString::try_from(hex(text)).unwrap());
    }
    Message::Binary(hex(wire["bin"].as_str().unwrap()))
}

/// What a packet puts on the wire, without the engine's digit.
pub(crate) fn frames(packet: &Encoded) -> Vec<Message> {
    packet
        .parts()
        .map(|part| match part {
            Part::Text(text) => Message::Text(ByteString::try_from(text.slice(1..)).unwrap()),
            Part::Binary(bytes) => Message::Binary(bytes),
        })
        .collect()
}

/// Data of a vector as arguments: marks become what they stand for. `undefined` is `null` as an
/// argument or element, and absent as a member.
pub(crate) fn arguments(data: &[Value]) -> Args {
    let mut attachments = Vec::new();
    let elements: Vec<String> = data
        .iter()
        .map(|value| json(value, &mut attachments))
        .collect();
    Args::from_json(&format!("[{}]", elements.join(",")), attachments).unwrap()
}

fn json(value: &Value, attachments: &mut Vec<Bytes>) -> String {
    match value {
        Value::Array(elements) => {
            let all: Vec<String> = elements
                .iter()
                .map(|element| json(element, attachments))
                .collect();
            format!("[{}]", all.join(","))
        }
        Value::Object(members) => {
            if let Some(text) = mark(members, attachments) {
                return text;
            }
            let all: Vec<String> = members
                .iter()
                .filter(|(_, value)| value.get("$undefined").is_none())
                .map(|(name, value)| {
                    let name = serde_json::to_string(name).unwrap();
                    format!("{name}:{}", json(value, attachments))
                })
                .collect();
            format!("{{{}}}", all.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Binary(_) => {
            value.to_string()
        }
    }
}

fn mark(members: &Map, attachments: &mut Vec<Bytes>) -> Option<String> {
    if members.len() != 1 {
        return None;
    }
    let (name, value) = members.iter().next()?;
    Some(match (name, value.as_str()) {
        ("$bin", Some(bytes)) => {
            let num = attachments.len();
            attachments.push(hex(bytes));
            format!(r#"{{"_placeholder":true,"num":{num}}}"#)
        }
        ("$utf16", Some(units)) => {
            let units = hex(units);
            let escaped: String = units
                .chunks(2)
                .map(|unit| match unit {
                    [0, plain] => char::from(*plain).to_string(),
                    unit => format!("\\u{:02x}{:02x}", unit[0], unit[1]),
                })
                .collect();
            format!("\"{escaped}\"")
        }
        ("$undefined", _) => "null".into(),
        ("$number", Some("-0")) => "-0.0".into(),
        ("$number", Some(_)) => "null".into(),
        ("$date", Some(date)) => format!("{date:?}"),
        _ => return None,
    })
}

/// Data of a vector as an application would emit it: a tuple of dynamic values. `None`: it holds what
/// no Rust value can (half a surrogate pair, an absent member), and is passed on as text.
pub(crate) struct Emitted(Vec<Value>);

impl Emitted {
    pub(crate) fn new(data: &[Value]) -> Option<Self> {
        data.iter().map(value).collect::<Option<_>>().map(Self)
    }
}

impl serde::Serialize for Emitted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for value in &self.0 {
            serde::ser::SerializeTuple::serialize_element(&mut tuple, value)?;
        }
        serde::ser::SerializeTuple::end(tuple)
    }
}

pub(crate) fn value(data: &Value) -> Option<Value> {
    match data {
        Value::Array(elements) => elements
            .iter()
            .map(value)
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Value::Object(members) => match (members.len(), members.iter().next()) {
            (1, Some(("$bin", bytes))) => Some(Value::Binary(hex(bytes.as_str()?))),
            (1, Some(("$date", date))) => Some(date.clone()),
            (1, Some((name, _))) if name.starts_with('$') => None,
            _ => members
                .iter()
                .map(|(name, data)| Some((name, value(data)?)))
                .collect::<Option<Vec<_>>>()
                .map(Value::from_iter),
        },
        other => Some(other.clone()),
    }
}
