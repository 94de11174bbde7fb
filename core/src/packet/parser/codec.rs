//! How a server's packets are written: the built-in way, as msgpack, or by a parser of the application's own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Parser;
#[cfg(feature = "msgpack")]
use super::msgpack::{self, Msgpack};
use crate::message::Encoded;
use crate::packet::{EncodeError, IntoArgs, Map, PacketType, Value, encode};

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
    Own(Arc<dyn Parser>),
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
            Some(Way::Own(_)) => "Codec(own)",
        })
    }
}

impl Codec {
    /// The protocol's own way.
    pub const BUILT_IN: Self = Self(None);

    /// A parser of the application's own.
    pub fn new(parser: impl Parser + 'static) -> Self {
        Self(Some(Way::Own(Arc::new(parser))))
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
            (Some(Way::Own(one)), Some(Way::Own(other))) => Arc::ptr_eq(one, other),
            (Some(_), None) | (None, Some(_)) => false,
            #[cfg(feature = "msgpack")]
            (Some(Way::Msgpack), Some(Way::Own(_))) | (Some(Way::Own(_)), Some(Way::Msgpack)) => {
                false
            }
        }
    }

    pub(super) fn way(&self) -> Option<&Way> {
        self.0.as_ref()
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
            Self::Own(parser) => {
                let name = name.map(Value::from);
                let data: Vec<_> = name.into_iter().chain(args).collect();
                write(&**parser, kind, namespace, id, Some(data.into()))
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
            Self::Own(parser) => write(&**parser, kind, namespace, None, data),
        }
    }
}

/// A packet by a parser of the application's own.
fn write(
    parser: &dyn Parser,
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
    Encoded::messages(messages).ok_or_else(|| EncodeError::refused("the parser wrote no message"))
}

/// The application's code has panicked.
pub(super) struct Panicked;

/// Calls a parser. Whoever calls it is the task of one client, or of somebody who emits to many: neither may
/// end for it. What a panic leaves half done is the application's own.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_payload| Panicked)
}
