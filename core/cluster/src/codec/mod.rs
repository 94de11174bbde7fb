//! The wires, one file each: bytes to [`Message`]s and back.
//!
//! | wire | packages | notation |
//! |---|---|---|
//! | [`classic`] | `@socket.io/redis-adapter` 7 and 8, `socket.io-redis` 6, `@socket.io/redis-emitter` | msgpack and JSON |
//! | [`v2`] | `socket.io-redis` 5 of the 2.x line, `socket.io-emitter` | msgpack and JSON |
//! | [`cluster`] | the cluster messages of `socket.io-adapter` 2.5: sharded, Postgres | JSON, and msgpack where there are bytes |
//! | [`streams`] | `@socket.io/redis-streams-adapter`: cluster messages in a stream, and beside it | JSON and msgpack in base64; msgpack |
//!
//! What we write never makes a decoder of the packages throw. What we read may be anything: what is not a message
//! is an [`Odd`], to be counted.

pub mod classic;
pub mod cluster;
mod parts;
mod payload;
mod session;
pub mod streams;
pub mod v2;

pub use crate::wire::{EncodeError, Odd};
pub(crate) use payload::payload;

use crate::id::Uid;
use crate::limits::Limits;
use crate::message::Message;

/// What a message is read for.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The namespace, with its `/`.
    pub namespace: &'a str,
    /// What a message may hold.
    pub limits: &'a Limits,
}

/// A message and who said it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The node, if it says. In classic, answers and the packages' older lines do not.
    pub from: Option<Uid>,
    /// What it said.
    pub message: Message,
}
