//! Lines of JSON, and values in it.

use std::io::Write;

use serde_json::{Value as Json, json};

use crate::sio::client::Value;
use crate::sio::{Args, Bytes};

/// Writes one line, at once.
pub(crate) fn write(line: &Json) {
    let mut out = std::io::stdout().lock();
    // Whoever does not read it any more does not need it.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Arguments as the checks write them.
pub(crate) fn arguments(json: &Json) -> Result<Args, String> {
    let all = json.as_array().map_or(&[][..], Vec::as_slice);
    let values: Result<Vec<Value>, _> = all.iter().map(from_json).collect();
    Args::from_values(&values?).map_err(|error| error.to_string())
}

/// The same the other way.
pub(crate) fn told(args: &Args) -> Json {
    let values = args.values().unwrap_or_default();
    values.iter().map(to_json).collect()
}

/// A value as the checks write it.
pub(crate) fn from_json(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Array(all) => Value::Array(all.iter().map(from_json).collect::<Result<_, _>>()?),
        Json::Object(members) => match members.get("$bin").and_then(Json::as_str) {
            Some(hex) if members.len() == 1 => Value::Binary(bytes(hex)?),
            _ => {
                let mut object = crate::sio::core::packet::Map::default();
                for (name, member) in members {
                    object.insert(name, from_json(member)?);
                }
                Value::from(object)
            }
        },
        plain @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => {
            serde_json::from_value(plain.clone()).map_err(|error| error.to_string())?
        }
    })
}

/// The same the other way.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Binary(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "$bin": hex })
        }
        Value::Array(all) => all.iter().map(to_json).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, member)| (name.to_owned(), to_json(member)))
                .collect()
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            serde_json::to_value(plain).unwrap_or_default()
        }
    }
}

fn bytes(hex: &str) -> Result<Bytes, String> {
    let byte = |at| {
        let digits = hex.get(at..at + 2).ok_or("half a byte")?;
        u8::from_str_radix(digits, 16).map_err(|_| format!("no byte: {digits}"))
    };
    (0..hex.len()).step_by(2).map(byte).collect()
}
