//! Parsers of the application's own (§14, §28.1): how packets travel, if not as the protocol has it.
//!
//! A [`Parser`] is what JavaScript's `parser: { Encoder, Decoder }` is: it writes each packet as one or
//! more Engine.IO messages, and reads the messages of each connection into packets. Client and server
//! must have the same; nothing is negotiated. [`Config::parser`](crate::config::Config::parser) says
//! which.
//!
//! [`Msgpack`] is ready made, with the feature `msgpack`.
//!
//! The built-in way is none of these: it writes arguments as the text they travel as, and reads events as
//! slices of what arrived, where a [`Packet`] holds a tree of [`Value`]s. Behind this trait it would cost
//! several times what it does.

use serde::{Deserialize, Serialize};

mod codec;
mod custom;
#[cfg(feature = "msgpack")]
mod msgpack;
mod text;

pub use codec::Codec;
pub(crate) use custom::CustomDecoder;
#[cfg(feature = "msgpack")]
pub use msgpack::Msgpack;

use super::Value;
#[doc(no_inline)]
pub use super::{EncodeError, Fault, Limits, PacketType};
#[doc(no_inline)]
pub use crate::message::Message;

/// Writes packets, and makes the decoders of connections. One for all connections of a server.
///
/// Packets as JSON text, as `socket.io-json-parser` has them:
///
/// ```
/// use sio_core::config::Config;
/// use sio_core::packet::parser::{Decoder, EncodeError, Fault, Limits, Message, Packet, Parser};
///
/// struct Json;
///
/// impl Parser for Json {
///     fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
///         let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
///         Ok(vec![text.into()])
///     }
///
///     fn decoder(&self) -> Box<dyn Decoder> {
///         Box::new(|message: Message, _: &Limits| match message {
///             Message::Text(text) => match serde_json::from_str(&text) {
///                 Ok(packet) => Ok(Some(packet)),
///                 Err(_) => Err(Fault::Payload),
///             },
///             Message::Binary(_) => Err(Fault::UnexpectedBinary),
///         })
///     }
/// }
///
/// let config = Config::default().parser(Json);
/// ```
///
/// A panic in it, or in a decoder, is caught. One that [`encode`](Self::encode)s what the application
/// emits is an error of the emit ([`EncodeError::Panicked`]); any other ends the connection it was called
/// for, and no other.
#[doc(alias("parser", "Encoder"))]
pub trait Parser: Send + Sync {
    /// Writes a packet as the messages that are sent for it, one at least. They leave in this order, and
    /// nothing comes in between. Those of a broadcast are written once for all its recipients.
    ///
    /// # Errors
    /// The packet cannot be written; nothing is sent.
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError>;

    /// The decoder of one connection, made when its first message arrives. It is dropped when the
    /// connection ends, which is where JavaScript has `destroy()`.
    fn decoder(&self) -> Box<dyn Decoder>;
}

/// Reads the messages of one connection, in order, into packets. A closure will do, if there is nothing
/// to remember between two messages.
///
/// What it remembers are the messages since the last packet that was whole. They are kept beside it: a clone of a
/// [`Connection`](crate::connection::Connection), which is for replays and not what a server makes, has a decoder
/// of its own that is given them again.
#[doc(alias = "destroy")]
pub trait Decoder: Send + Sync {
    /// A message has arrived, of at most `max_http_buffer_size` bytes. `None`: more of them make the
    /// packet. Those after its first count as its attachments, for `max_attachments`,
    /// `max_binary_packet` and `packet_timeout`.
    ///
    /// What is returned is checked as packets are that come the built-in way: names, ack id, the shape of
    /// the data, nesting, the number of arguments. Build nothing deeper than
    /// [`limits.depth`](Limits::depth), and nothing much larger than the message: it is to be dropped,
    /// too.
    ///
    /// # Errors
    /// What is wrong with it. The connection is closed for it (§15).
    fn add(&mut self, message: Message, limits: &Limits) -> Result<Option<Packet>, Fault>;
}

impl<F> Decoder for F
where
    F: FnMut(Message, &Limits) -> Result<Option<Packet>, Fault> + Send + Sync,
{
    fn add(&mut self, message: Message, limits: &Limits) -> Result<Option<Packet>, Fault> {
        self(message, limits)
    }
}

/// A packet as parsers know it. For serde it is JavaScript's object: `type`, `nsp`, and `data` and `id` if
/// there are any.
///
/// ```
/// use sio_core::packet::PacketType;
/// use sio_core::packet::parser::Packet;
///
/// let text = r#"{"type":2,"nsp":"/","id":7,"data":["say","hello"]}"#;
/// let packet: Packet = serde_json::from_str(text).unwrap();
/// assert_eq!((packet.kind, packet.id), (PacketType::Event, Some(7)));
/// assert_eq!(packet.data.as_ref().unwrap()[1].as_str(), Some("hello"));
/// assert_eq!(serde_json::to_string(&packet).unwrap(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Packet {
    /// Its type. An event or an ack with bytes in it is written as [`PacketType::Event`] or
    /// [`PacketType::Ack`], and may be read as either of its two types.
    #[serde(rename = "type", with = "number")]
    pub kind: PacketType,
    /// Its namespace, `/` for the main one. In revision 4 a CONNECT may have a query behind it (§16.2).
    #[serde(rename = "nsp")]
    pub namespace: String,
    /// The ack id of an event that is to be answered, and of an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Of an event an array of its name and its arguments, of an ack an array of its arguments, of CONNECT
    /// an object or nothing, of CONNECT_ERROR an object; in revision 4 any value.
    ///
    /// Bytes stand in it as [`Value::Binary`], but not in the data of a CONNECT or CONNECT_ERROR that has
    /// arrived: they are [`Fault::Payload`] there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// A packet's type, as the number that it is.
mod number {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use super::PacketType;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a field by reference"
    )]
    pub(super) fn serialize<S: Serializer>(
        kind: &PacketType,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(kind.number())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PacketType, D::Error> {
        let number = u8::deserialize(from)?;
        PacketType::from_number(number).ok_or_else(|| Error::custom("unknown packet type"))
    }
}
