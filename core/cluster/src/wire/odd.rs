//! What can be wrong with a message: another's fault, or the caller's.

use std::fmt;

use sio_core::packet::EncodeError as Unwritten;

use crate::config::Dialect;

/// Why a message of another node is not acted on. It is counted, and nothing else happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Odd {
    /// So many bytes are more than [`Limits::message`](crate::Limits::message).
    TooLarge(usize),
    /// It is neither JSON nor msgpack, or not whole, or something stands behind it.
    Syntax,
    /// It nests deeper than [`Limits::depth`](crate::Limits::depth).
    TooDeep,
    /// This member is missing, or not what it must be.
    Member(&'static str),
    /// This list is longer than its limit, or this text.
    TooLong(&'static str),
    /// No message has this type.
    Type(String),
    /// No event comes in a packet of this type: `2` and `5` are those of events.
    PacketType(u64),
    /// An event's name that is kept for what happens here.
    Reserved(String),
    /// It is this other dialect's, or, where classic is named, may be v2's: they have their broadcasts in common. Nodes of
    /// both must not share a key.
    Foreign(Dialect),
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(bytes) => write!(f, "{bytes} bytes are too many"),
            Self::Syntax => f.write_str("neither JSON nor msgpack"),
            Self::TooDeep => f.write_str("nested too deeply"),
            Self::Member(name) => write!(f, "no `{name}`, or not what it must be"),
            Self::TooLong(name) => write!(f, "`{name}` is too long"),
            Self::Type(kind) => write!(f, "unknown type {kind}"),
            Self::PacketType(kind) => write!(f, "packet type {kind} in a broadcast"),
            Self::Reserved(name) => write!(f, "reserved event name {name:?}"),
            Self::Foreign(dialect) => write!(f, "a message in {}", dialect.name()),
        }
    }
}

impl std::error::Error for Odd {}

/// Why a message cannot be sent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// This dialect has no words for it.
    Unsaid,
    /// An event's name that is kept for what happens on each node.
    Reserved(String),
    /// What it holds cannot be written: half a surrogate pair in msgpack, for one.
    Unwritten(Unwritten),
    /// A namespace with this name is spread over a stream that no node reads (`streamCount` above 1, in the
    /// packages): use one stream.
    Unread(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid => f.write_str("this dialect cannot say that"),
            Self::Reserved(name) => write!(f, "reserved event name {name:?}"),
            Self::Unwritten(why) => why.fmt(f),
            Self::Unread(namespace) => {
                write!(f, "no node reads the stream of namespace {namespace:?}")
            }
        }
    }
}

impl std::error::Error for EncodeError {}

impl From<Unwritten> for EncodeError {
    fn from(why: Unwritten) -> Self {
        Self::Unwritten(why)
    }
}
