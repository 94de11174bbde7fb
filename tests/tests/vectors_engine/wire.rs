//! Frames and bodies as the vectors write them.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::Value;
use sio_core::engine::Message;

/// A text or binary frame or body. Lone surrogates are what they become on the wire: U+FFFD.
pub(crate) fn wire(value: &Value) -> Message {
    if let Some(text) = value["text"].as_str() {
        return Message::Text(text.into());
    }
    if let Some(utf8) = value["utf8"].as_str() {
        return Message::Text(ByteString::try_from(hex(utf8)).unwrap());
    }
    if let Some(units) = value["utf16"].as_str() {
        let units: Vec<u16> = hex(units)
            .chunks(2)
            .map(|two| u16::from_be_bytes([two[0], two[1]]))
            .collect();
        return Message::Text(String::from_utf16_lossy(&units).into());
    }
    Message::Binary(hex(value["bin"].as_str().unwrap()))
}

fn hex(text: &str) -> Bytes {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
