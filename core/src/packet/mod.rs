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

mod arguments;
mod content;
mod decode;
mod decoder;
mod encode;
mod error;
mod name;
mod packet_type;
pub mod parser;

pub use arguments::{Args, FromArgs, IntoArgs, Writer};
pub use content::{Call, Content, Limits, Packet};
pub use decode::written_call;
pub use decoder::Decoder;
pub use encode::{
    ack, connect, connect_error, connected, disconnect, entered, error, event, event_ending,
    event_parts, head_len, recoverable,
};
pub use error::{ArgumentError, EncodeError, Fault};
pub use name::Name;
pub use packet_type::PacketType;
pub use parser::Codec;
pub(crate) use parser::CustomDecoder;

pub use crate::json::{DEEPEST, JsonError, Map, Mismatch, Number, Raw, Value};
#[doc(no_inline)]
pub use crate::message::{Encoded, Part};
#[doc(no_inline)]
pub use crate::protocol::Protocol;
