//! Packets as msgpack (§28.1), as `socket.io-msgpack-parser` has them.

use bytes::Bytes;

use super::text::{Text, checked};
use super::{Fault, Limits, Message, PacketType};
use crate::json::{Number, Value};
use crate::message::Encoded;
use crate::msgpack::{self, Reader, Token, TooLong, Unreadable, Visit};
use crate::packet::{EncodeError, Packet};
use crate::protocol::Protocol;

/// Packets as msgpack, which is what the clients' `socket.io-msgpack-parser` has: 2.2 that of the 2.x line, 3.0 that
/// of 4.x. With the feature `msgpack`.
///
/// ```
/// use sio_core::config::Config;
/// use sio_core::packet::parser::Msgpack;
///
/// let config = Config::v4().parser(Msgpack);
/// ```
///
/// Each packet is one binary message, bytes within it as they are. Handlers see no difference to the built-in way:
/// arguments are asked for as the same types and held to the same limits, `max_binary_packet` included. As no message
/// follows for them, `max_attachments` does not count bytes here, which `max_http_buffer_size` bounds. Moments are the
/// text that JSON has for them, and `undefined` is no member.
///
/// What is written has no difference either, except where msgpack can hold less: a number that is no whole one of
/// 64 bits becomes the nearest double, and one beyond all of these `null`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Msgpack;

/// Reads a message. Nothing is made of it before it was looked through.
pub(super) fn read(
    message: &Message,
    protocol: Protocol,
    limits: &Limits,
) -> Result<Packet, Fault> {
    match message {
        Message::Binary(bytes) => Envelope::open(bytes, limits)?.read(bytes, protocol, limits),
        // Clients of the 2.x line write what is no event as JSON.
        Message::Text(text) => {
            let packet = serde_json::from_str(text).map_err(|_| Fault::Payload)?;
            checked(packet, protocol, limits)
        }
    }
}

/// What a packet is before its data is read. Other members than these four are ignored.
struct Envelope<'a> {
    kind: PacketType,
    namespace: Token<'a>,
    id: Option<u64>,
    /// Where it begins.
    data: Option<Reader<'a>>,
}

impl<'a> Envelope<'a> {
    fn open(bytes: &'a Bytes, limits: &Limits) -> Result<Self, Fault> {
        let levels = limits.depth.saturating_add(1);
        let mut reader = Reader::new(bytes);
        let Token::Map(count) = reader.next()? else {
            return Err(Fault::Payload);
        };
        let (mut kind, mut namespace, mut id, mut data) = (None, None, None, None);
        for _ in 0..count {
            let Token::Text(name) = reader.next()? else {
                return Err(Fault::Payload);
            };
            let begin = reader;
            match (name, reader.next()?) {
                (b"type", token) => kind = Some(token),
                (b"nsp", token) => namespace = Some(token),
                (b"id", token) => id = Some(token),
                (b"data", Token::Undefined) => data = None,
                // Digits would be an ack id where it is read.
                (b"data", Token::Unsigned(_) | Token::Signed(_) | Token::Double(_)) => {
                    return Err(Fault::Payload);
                }
                (b"data", _) => data = Some(begin),
                (_, _) => {}
            }
            reader = begin;
            let mut bytes = Amount(0);
            reader.walk(levels, &mut bytes)?;
            if name == b"data" && bytes.0 > limits.binary {
                return Err(Fault::TooManyAttachments);
            }
        }
        if !reader.is_empty() {
            return Err(Fault::Payload);
        }
        let kind = kind.and_then(Token::unsigned).map(u8::try_from);
        let kind = kind.and_then(|kind| PacketType::from_number(kind.ok()?));
        let kind = kind.ok_or(Fault::Kind)?;
        if data.is_none() && is_call(kind) {
            return Err(Fault::Payload);
        }
        Ok(Self {
            kind,
            namespace: namespace.ok_or(Fault::Namespace)?,
            id: match id {
                None | Some(Token::Undefined) => None,
                Some(id) => Some(id.unsigned().ok_or(Fault::AckId)?),
            },
            data,
        })
    }

    fn read(self, bytes: &Bytes, protocol: Protocol, limits: &Limits) -> Result<Packet, Fault> {
        let Token::Text(namespace) = self.namespace else {
            return Err(Fault::Namespace);
        };
        let namespace = String::from_utf8_lossy(namespace).into_owned();
        let mut text = Text::new(self.kind, self.id);
        if let Some(mut data) = self.data {
            let mut written = Written {
                bytes,
                text: &mut text,
                open: Vec::new(),
            };
            data.walk(limits.depth.saturating_add(1), &mut written)?;
        }
        text.read(namespace.into(), protocol, limits)
    }
}

/// Whether it carries a list.
fn is_call(kind: PacketType) -> bool {
    match kind {
        PacketType::Event | PacketType::Ack | PacketType::BinaryEvent | PacketType::BinaryAck => {
            true
        }
        PacketType::Connect | PacketType::Disconnect | PacketType::ConnectError => false,
    }
}

/// How many bytes there are in a value that are neither text nor numbers.
struct Amount(usize);

impl<'a> Visit<'a> for Amount {
    fn value(&mut self, _: Option<Token<'a>>, value: Token<'a>) {
        if let Token::Binary(bytes) = value {
            self.0 = self.0.saturating_add(bytes.len());
        }
    }
}

/// The data of a packet, on its way to being text.
struct Written<'a, 't> {
    bytes: &'a Bytes,
    text: &'t mut Text,
    /// How what is not whole will end, from the outside inwards.
    open: Vec<&'static str>,
}

impl<'a> Visit<'a> for Written<'a, '_> {
    fn value(&mut self, name: Option<Token<'a>>, value: Token<'a>) {
        // A member that is undefined is none.
        if name.is_some() && value == Token::Undefined {
            return;
        }
        if !self.open.is_empty() {
            self.text.next(name.and_then(Token::name).as_deref());
        }
        match value {
            Token::Nil | Token::Undefined => self.text.plain("null"),
            Token::Bool(true) => self.text.plain("true"),
            Token::Bool(false) => self.text.plain("false"),
            Token::Unsigned(number) => self.text.plain(itoa::Buffer::new().format(number)),
            Token::Signed(number) => self.text.plain(itoa::Buffer::new().format(number)),
            Token::Double(number) => self.double(number),
            Token::Text(_) | Token::Date(_) => {
                self.text.string(&value.text().unwrap_or_default());
            }
            Token::Binary(bytes) => self.text.binary(self.bytes.slice_ref(bytes)),
            Token::Array(_) => self.begin("[", "]"),
            Token::Map(_) => self.begin("{", "}"),
        }
    }

    fn end(&mut self) {
        self.text.plain(self.open.pop().unwrap_or_default());
    }
}

impl Written<'_, '_> {
    fn begin(&mut self, begin: &str, end: &'static str) {
        self.text.plain(begin);
        self.open.push(end);
    }

    /// As JavaScript writes it in JSON: `1`, `0` below zero too, and nothing for what is no number.
    fn double(&mut self, number: f64) {
        if number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE {
            self.text.plain(&(number + 0.0).to_string());
        } else {
            let number = Number::from_f64(number).map(|number| number.to_string());
            self.text.plain(number.as_deref().unwrap_or("null"));
        }
    }
}

/// Beyond it not every whole number is a double.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A packet, its data as `data` writes it.
fn packet(
    kind: PacketType,
    namespace: &str,
    id: Option<u64>,
    data: Option<impl FnOnce(&mut Vec<u8>) -> Result<(), TooLong>>,
) -> Result<Encoded, EncodeError> {
    let namespace = if namespace.is_empty() { "/" } else { namespace };
    let members = 2_usize
        .saturating_add(usize::from(id.is_some()))
        .saturating_add(usize::from(data.is_some()));
    let mut out = Vec::with_capacity(64);
    msgpack::map(&mut out, members)?;
    msgpack::text(&mut out, "type")?;
    msgpack::number(&mut out, u64::from(kind.number()));
    msgpack::text(&mut out, "nsp")?;
    msgpack::text(&mut out, namespace)?;
    if let Some(id) = id {
        msgpack::text(&mut out, "id")?;
        msgpack::number(&mut out, id);
    }
    if let Some(data) = data {
        msgpack::text(&mut out, "data")?;
        data(&mut out)?;
    }
    Ok(Encoded::msgpack(out.into()))
}

/// A packet with these data.
pub(super) fn write(
    kind: PacketType,
    namespace: &str,
    data: Option<&Value>,
) -> Result<Encoded, EncodeError> {
    let data = data.map(|data| |out: &mut Vec<u8>| msgpack::value(out, data));
    packet(kind, namespace, None, data)
}

/// An event with these arguments, or an ack if there is no name.
pub(super) fn call(
    kind: PacketType,
    namespace: &str,
    id: Option<u64>,
    name: Option<&str>,
    args: &[Value],
) -> Result<Encoded, EncodeError> {
    let data = |out: &mut Vec<u8>| {
        let elements = args.len().saturating_add(usize::from(name.is_some()));
        msgpack::list(out, elements)?;
        if let Some(name) = name {
            msgpack::text(out, name)?;
        }
        for value in args {
            msgpack::value(out, value)?;
        }
        Ok(())
    };
    packet(kind, namespace, id, Some(data))
}

impl From<Unreadable> for Fault {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Syntax => Self::Payload,
            Unreadable::TooDeep => Self::Depth,
        }
    }
}

impl From<TooLong> for EncodeError {
    fn from(why: TooLong) -> Self {
        Self::refused(why)
    }
}

#[cfg(test)]
mod tests;
