//! How a server's packets are written: the built-in way, as msgpack, or by a parser of the application's own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytestring::ByteString;

use super::Parser;
#[cfg(feature = "msgpack")]
use super::msgpack::{self, Msgpack};
use crate::message::{Encoded, Mark, Writer};
use crate::packet::{
    Call, Content, Decoder, EncodeError, IntoArgs, Limits, Map, Packet, PacketType, Part, Value,
    encode,
};
use crate::protocol::Protocol;

/// How packets are written and read: [`Config::parser`](crate::config::Config::parser). The built-in way
/// by default; made of `Msgpack`, msgpack; made of a [`Parser`], the application's.
///
/// Cheap to clone; clones are the same. Whatever [`Connection`](crate::connection::Connection)s of a
/// server are given to send is to be written by its codec.
#[doc(alias = "parser")]
#[derive(Clone, Default)]
pub struct Codec(Option<Way>);

/// The ways that are not the protocol's own.
#[derive(Clone)]
pub(super) enum Way {
    #[cfg(feature = "msgpack")]
    Msgpack,
    /// The application's.
    Own(Arc<dyn Parser>, Mark),
}

impl<P: Parser + 'static> From<P> for Codec {
    fn from(parser: P) -> Self {
        Self::new(parser)
    }
}

#[cfg(feature = "msgpack")]
impl From<Msgpack> for Codec {
    fn from(_: Msgpack) -> Self {
        Self(Some(Way::Msgpack))
    }
}

impl fmt::Debug for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            None => "Codec(built in)",
            #[cfg(feature = "msgpack")]
            Some(Way::Msgpack) => "Codec(msgpack)",
            Some(Way::Own(..)) => "Codec(own)",
        })
    }
}

impl Codec {
    /// The protocol's own way.
    pub const BUILT_IN: Self = Self(None);

    /// A parser of the application's own.
    pub fn new(parser: impl Parser + 'static) -> Self {
        Self(Some(Way::Own(Arc::new(parser), Mark::default())))
    }

    /// Whether it is the protocol's own way.
    pub const fn is_built_in(&self) -> bool {
        self.0.is_none()
    }

    /// Whether what one of them writes is for the other, too: both are the protocol's own way, both are msgpack, or
    /// they are clones.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            #[cfg(feature = "msgpack")]
            (Some(Way::Msgpack), Some(Way::Msgpack)) => true,
            (Some(Way::Own(_, one)), Some(Way::Own(_, other))) => one == other,
            (Some(_), None) | (None, Some(_)) => false,
            #[cfg(feature = "msgpack")]
            (Some(Way::Msgpack), Some(Way::Own(..))) | (Some(Way::Own(..)), Some(Way::Msgpack)) => {
                false
            }
        }
    }

    pub(super) fn way(&self) -> Option<&Way> {
        self.0.as_ref()
    }

    /// Whether it is a parser of the application's own.
    pub(crate) const fn is_own(&self) -> bool {
        matches!(self.0, Some(Way::Own(..)))
    }

    #[inline]
    fn writer(&self) -> Writer<'_> {
        match &self.0 {
            None => Writer::BuiltIn,
            #[cfg(feature = "msgpack")]
            Some(Way::Msgpack) => Writer::Msgpack,
            Some(Way::Own(_, mark)) => Writer::Own(mark),
        }
    }

    /// Whether that is so of a packet as it is.
    #[inline]
    pub(crate) fn is_own_form(&self, packet: &Encoded) -> bool {
        (self.0.is_none() && packet.is_built_in()) || packet.is_by(self.writer())
    }

    /// An event or an ack for clients of this parser: as it is if it was written so, else what this one makes of it,
    /// once for all of them. `None`: this one does not write it, or it is by a parser of the application's own, whose
    /// packets are not read again.
    #[inline]
    pub(crate) fn own_form(&self, packet: Encoded) -> Option<Encoded> {
        match self.is_own_form(&packet) {
            true => Some(packet),
            false => self.form(&packet),
        }
    }

    #[cold]
    fn form(&self, packet: &Encoded) -> Option<Encoded> {
        packet.form(self.writer(), |packet| {
            let form = self.rewrite(packet)?;
            Some(match packet.latest_name() {
                Some((namespace, event)) => form.named(namespace, event),
                None => form,
            })
        })
    }

    fn rewrite(&self, packet: &Encoded) -> Option<Encoded> {
        let Packet { namespace, content } = written_packet(packet)?;
        match content {
            Content::Event { id, call } => {
                let Call { name, args } = call?;
                self.event(&namespace, id, &name, &args).ok()
            }
            Content::Ack { id, args } => self.ack(&namespace, id?, &args).ok(),
            Content::Connect { .. } | Content::Disconnect | Content::ConnectError { .. } => None,
        }
    }

    /// As [`packet::event`](crate::packet::event).
    ///
    /// # Errors
    /// A reserved name, or arguments that cannot be written.
    #[inline]
    pub fn event(
        &self,
        namespace: &str,
        id: Option<u64>,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return encode::event(namespace, id, name, args);
        };
        if encode::RESERVED.contains(&name) {
            return Err(EncodeError::Reserved(name.into()));
        }
        let args = args.to_values()?;
        way.call(PacketType::Event, namespace, id, Some(name), args)
    }

    /// As [`packet::ack`](crate::packet::ack).
    ///
    /// # Errors
    /// Arguments that cannot be written.
    #[inline]
    pub fn ack(
        &self,
        namespace: &str,
        id: u64,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return encode::ack(namespace, id, args);
        };
        way.call(
            PacketType::Ack,
            namespace,
            Some(id),
            None,
            args.to_values()?,
        )
    }

    /// As [`packet::connect`](crate::packet::connect): a client's wish to enter `namespace`, behind whose name
    /// there may be a query in revision 4 (§16.2).
    ///
    /// # Errors
    /// A payload that is no object without bytes; or the parser does not write it.
    pub fn connect(
        &self,
        namespace: &str,
        payload: Option<&Value>,
    ) -> Result<Encoded, EncodeError> {
        match &self.0 {
            None => encode::connect(namespace, payload),
            Some(way) => way.write(PacketType::Connect, namespace, payload.cloned()),
        }
    }

    /// As [`packet::connected`](crate::packet::connected).
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn connected(&self, namespace: &str, sid: &str) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return Ok(encode::connected(namespace, sid));
        };
        let data = Value::from_iter([("sid", sid)]);
        way.write(PacketType::Connect, namespace, Some(data))
    }

    /// As [`packet::recoverable`](crate::packet::recoverable).
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn recoverable(
        &self,
        namespace: &str,
        sid: &str,
        pid: &str,
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return Ok(encode::recoverable(namespace, sid, pid));
        };
        let data = Value::from_iter([("sid", sid), ("pid", pid)]);
        way.write(PacketType::Connect, namespace, Some(data))
    }

    /// As [`event`](Self::event), with one text more behind the arguments.
    ///
    /// # Errors
    /// A reserved name, or arguments that cannot be written.
    #[inline]
    pub fn event_at(
        &self,
        namespace: &str,
        name: &str,
        args: &(impl IntoArgs + ?Sized),
        offset: &str,
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return encode::event_parts(namespace, None, name, args, offset);
        };
        if encode::RESERVED.contains(&name) {
            return Err(EncodeError::Reserved(name.into()));
        }
        let mut args = args.to_values()?;
        args.push(offset.into());
        way.call(PacketType::Event, namespace, None, Some(name), args)
    }

    /// As [`packet::entered`](crate::packet::entered).
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn entered(&self, namespace: &str) -> Result<Encoded, EncodeError> {
        match &self.0 {
            None => Ok(encode::entered(namespace)),
            Some(way) => way.write(PacketType::Connect, namespace, None),
        }
    }

    /// As [`packet::connect_error`](crate::packet::connect_error); bytes in the data are the parser's to write.
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn connect_error(
        &self,
        namespace: &str,
        message: &str,
        data: Option<&Value>,
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return Ok(encode::connect_error(namespace, message, data));
        };
        let mut why = Map::default();
        why.insert("message", message);
        if let Some(data) = data {
            why.insert("data", data.clone());
        }
        way.write(PacketType::ConnectError, namespace, Some(why.into()))
    }

    /// As [`packet::error`](crate::packet::error); all data but `null` is the parser's to write.
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn error(
        &self,
        namespace: &str,
        message: &str,
        data: Option<&Value>,
    ) -> Result<Encoded, EncodeError> {
        let Some(way) = &self.0 else {
            return Ok(encode::error(namespace, message, data));
        };
        let data = data.filter(|data| !data.is_null()).cloned();
        let data = data.unwrap_or_else(|| message.into());
        way.write(PacketType::ConnectError, namespace, Some(data))
    }

    /// As [`packet::disconnect`](crate::packet::disconnect).
    ///
    /// # Errors
    /// The parser does not write it.
    pub fn disconnect(&self, namespace: &str) -> Result<Encoded, EncodeError> {
        match &self.0 {
            None => Ok(encode::disconnect(namespace)),
            Some(way) => way.write(PacketType::Disconnect, namespace, None),
        }
    }
}

impl Way {
    /// An event, or an ack if there is no name.
    fn call(
        &self,
        kind: PacketType,
        namespace: &str,
        id: Option<u64>,
        name: Option<&str>,
        args: Vec<Value>,
    ) -> Result<Encoded, EncodeError> {
        match self {
            #[cfg(feature = "msgpack")]
            Self::Msgpack => msgpack::call(kind, namespace, id, name, &args),
            Self::Own(parser, mark) => {
                let name = name.map(Value::from);
                let data: Vec<_> = name.into_iter().chain(args).collect();
                write((&**parser, mark), kind, namespace, id, Some(data.into()))
            }
        }
    }

    /// Any other packet.
    fn write(
        &self,
        kind: PacketType,
        namespace: &str,
        data: Option<Value>,
    ) -> Result<Encoded, EncodeError> {
        match self {
            #[cfg(feature = "msgpack")]
            Self::Msgpack => msgpack::write(kind, namespace, data.as_ref()),
            Self::Own(parser, mark) => write((&**parser, mark), kind, namespace, None, data),
        }
    }
}

/// A packet by a parser of the application's own.
fn write(
    (parser, mark): (&dyn Parser, &Mark),
    kind: PacketType,
    namespace: &str,
    id: Option<u64>,
    data: Option<Value>,
) -> Result<Encoded, EncodeError> {
    let namespace = if namespace.is_empty() { "/" } else { namespace };
    let packet = super::Packet {
        kind,
        namespace: namespace.to_owned(),
        id,
        data,
    };
    let messages =
        guarded(|| parser.encode(&packet)).map_err(|Panicked| EncodeError::Panicked)??;
    Encoded::messages(messages, mark.clone())
        .ok_or_else(|| EncodeError::refused("the parser wrote no message"))
}

/// What was written here, read. `None`: it is by a parser of the application's own.
fn written_packet(packet: &Encoded) -> Option<Packet> {
    let limits = &Limits::NONE;
    #[cfg(feature = "msgpack")]
    if packet.is_by(Writer::Msgpack) {
        let message = packet.part(0)?.into_bytes().into();
        return msgpack::read(&message, Protocol::V5, limits).ok();
    }
    if !packet.is_by(Writer::BuiltIn) {
        return None;
    }
    let mut decoder = Decoder::new(Protocol::V5);
    let mut read = None;
    for part in packet.parts() {
        read = match part {
            // Behind the engine's digit.
            Part::Text(text) => {
                let text = ByteString::try_from(text.slice(1..)).ok()?;
                decoder.text(text, limits).ok()?
            }
            Part::Binary(bytes) => decoder.binary(bytes, limits).ok()?,
        };
    }
    read
}

/// The application's code has panicked.
pub(super) struct Panicked;

/// Calls a parser. Whoever calls it is the task of one client, or of somebody who emits to many: neither may
/// end for it. What a panic leaves half done is the application's own.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_payload| Panicked)
}

#[cfg(test)]
mod tests;
