//! Our codecs, called as the machines call them.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::connection::{Connection, Event};
use sio_core::engine::{Eio, Message, Opened, Packet as EnginePacket, Session, TransportKind};
use sio_core::id::{Sid, SocketId};
use sio_core::packet::parser::Msgpack;
use sio_core::packet::{self, Args, Codec, Content, Decoder, Encoded, Limits, Packet, Part};
use sio_core::socket;
use sio_core::time::Instant;

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

/// As [`encode`], an event in msgpack.
///
/// # Panics
/// If they cannot be written, which those of `payloads` can.
pub fn encode_msgpack(codec: &Codec, args: &impl packet::IntoArgs) -> Bytes {
    let encoded = codec.event("/", None, "hello", args);
    match encoded.map(|encoded| encoded.part(0)) {
        Ok(Some(Part::Binary(bytes))) => bytes,
        other => unreachable!("it is one message: {other:?}"),
    }
}

/// A connection that is in `/`, whose client speaks msgpack.
///
/// # Panics
/// If it does not let it in, which it does.
#[must_use]
pub fn in_msgpack() -> Connection<()> {
    let now = Instant::ORIGIN;
    let config = Arc::new(Config::v4().parser(Msgpack));
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V4,
        base64: false,
    };
    let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
    let mut connection = Connection::new(now, session, config);
    connection.handle_ws(
        now,
        Bytes::from_static(b"\x82\xa4type\0\xa3nsp\xa1/").into(),
    );
    let event = connection.poll_event(now);
    let Some(Event::Socket(socket::Event::Connecting { ticket, .. })) = event else {
        unreachable!("it asks: {event:?}");
    };
    let id = SocketId::from_random([9; 15]);
    assert!(connection.accept(now, ticket, &id).is_some());
    connection
}

/// The arguments of an event that has come to it.
pub fn heard(connection: &mut Connection<()>, message: &Bytes) -> Args {
    connection.handle_ws(Instant::ORIGIN, message.clone().into());
    match connection.poll_event(Instant::ORIGIN) {
        Some(Event::Socket(socket::Event::Message { args, .. })) => args,
        other => unreachable!("it is an event: {other:?}"),
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
