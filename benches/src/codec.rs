//! Our codecs, called as the machines call them.

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::engine::{Eio, Message, Packet as EnginePacket};
use sio_core::packet::{self, Args, Content, Decoder, Encoded, Limits, Packet, Part};

/// Arguments as an event called `hello`, or as the ack to an event with this id.
///
/// # Panics
/// If they cannot be written, which those of `payloads` can.
pub fn encode(id: Option<u64>, args: &impl packet::IntoArgs) -> Encoded {
    match id {
        Some(id) => packet::ack("/", id, args),
        None => packet::event("/", None, "hello", args),
    }
    .expect("the arguments can be written")
}

/// What was encoded, as the frames that a WebSocket brings.
///
/// # Panics
/// If the text is not UTF-8, which it always is.
#[must_use]
pub fn frames(encoded: &Encoded) -> (ByteString, Vec<Bytes>) {
    let mut text = ByteString::new();
    let mut attachments = Vec::new();
    for part in encoded.parts() {
        match part {
            Part::Text(bytes) => {
                text = ByteString::try_from(bytes).expect("text is UTF-8");
            }
            Part::Binary(bytes) => attachments.push(bytes),
        }
    }
    (text, attachments)
}

/// Frames as a packet. The event's name is found and the arguments are checked; they have no type yet.
pub fn decode(text: &ByteString, attachments: &[Bytes]) -> Packet {
    let frame = Message::Text(text.clone());
    let Ok(EnginePacket::Message(Message::Text(text))) = EnginePacket::decode(Eio::V4, frame)
    else {
        unreachable!("it is a message");
    };
    let (mut decoder, limits) = (Decoder::default(), Limits::default());
    let mut packet = decoder.text(text, &limits);
    for attachment in attachments {
        packet = decoder.binary(attachment.clone(), &limits);
    }
    match packet {
        Ok(Some(packet)) => packet,
        other => unreachable!("it is a packet: {other:?}"),
    }
}

/// The arguments of an event.
#[must_use]
pub fn arguments(packet: &Packet) -> &Args {
    let Content::Event {
        call: Some(call), ..
    } = &packet.content
    else {
        unreachable!("it is an event: {packet:?}");
    };
    &call.args
}
