//! Socket.IO packets: how they are written, read, and taken apart into arguments (§14, §15).
//!
//! A packet is read in one pass over its text: type, attachments, namespace, ack id, then a scan that
//! checks the JSON, its depth and its number of elements, and finds the event's name. Nothing is
//! built; [`Args`] is a checked slice until a handler asks for its type. Reading an event allocates
//! nothing (an event name of more than 24 bytes or with an escape in it excepted); writing one
//! allocates its text once, and once more for the list of its attachments if there are any. A packet is
//! written once for all who get it, whatever revision they speak: only its attachments have a second form,
//! base64 for clients that take no bytes, made when a packet with several recipients first needs it.
//!
//! An application may have a [`parser`] of its own; [`Codec`] is the choice between the two.

mod args;
mod arguments;
mod attach;
mod codec;
mod decode;
mod encode;
mod encoded;
mod name;
mod own;
pub mod parser;
mod several;

pub use args::{Args, ArgumentError, FromArgs};
pub use arguments::{Arguments, Writer};
pub use attach::Decoder;
pub use codec::Codec;
pub use decode::{Call, Content, Fault, Limits, Packet};
pub use encode::{
    EncodeError, ack, connect, connect_error, connected, disconnect, entered, error, event,
    event_parts, message,
};
pub use encoded::{Encoded, Part};
pub use name::Name;
pub(crate) use own::Own;

pub use crate::json::{DEEPEST, JsonError, Map, Mismatch, Number, Raw, Value};

/// The packet types of Socket.IO, by their numbers on the wire (§14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A client asks for a namespace, or the server says that it is in.
    Connect,
    /// Either side leaves a namespace.
    Disconnect,
    /// An event with its arguments.
    Event,
    /// The answer to an event that asked for one.
    Ack,
    /// The server refuses a namespace. ERROR in revision 4, where it may also mean an event.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An answer with attachments.
    BinaryAck,
}

impl Kind {
    /// The digit that stands for it.
    pub const fn digit(self) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event => b'2',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
            Self::BinaryEvent => b'5',
            Self::BinaryAck => b'6',
        }
    }

    /// The number that stands for it, where a parser of one's own writes numbers.
    pub const fn number(self) -> u8 {
        self.digit() & 0x0f
    }

    /// The type that a number stands for.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0..=9 => Self::from_digit(number | b'0'),
            _ => None,
        }
    }

    /// The type that a digit stands for.
    pub const fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::Connect),
            b'1' => Some(Self::Disconnect),
            b'2' => Some(Self::Event),
            b'3' => Some(Self::Ack),
            b'4' => Some(Self::ConnectError),
            b'5' => Some(Self::BinaryEvent),
            b'6' => Some(Self::BinaryAck),
            _ => None,
        }
    }

    /// Whether a packet whose text begins with this character announces attachments.
    fn announces(first: char) -> bool {
        matches!(first, '5' | '6')
    }

    /// Whether packets of this type announce attachments.
    pub const fn is_binary(self) -> bool {
        match self {
            Self::BinaryEvent | Self::BinaryAck => true,
            Self::Connect | Self::Disconnect | Self::Event | Self::Ack | Self::ConnectError => {
                false
            }
        }
    }
}
