//! WebSockets (RFC 6455), from either side: the bytes of a peer into messages, messages into bytes for it.
//!
//! A [`Connection`] is one of them, from the handshake on: it is given what was read, and gives out messages
//! and what is to be written. Below it [`Reader`] reads frames, and [`write`](mod@write) lays them into a
//! buffer. None does IO. What a handshake comes to, compression included, is decided here, too; to compress
//! is handed in by the [`Embedder`].
//!
//! # What a message costs
//!
//! What one read brought is copied once, into memory of its own. A message in one frame is unmasked in
//! place and is a slice of that memory, or all of it if nothing else came: no allocation for each message.
//! A message in several frames is put together, which copies it once more. What is left of a frame that is
//! not whole is moved out, so that a few bytes never keep a large buffer alive; between messages a reader
//! holds nothing.

mod ask;
mod connection;
mod deflate;
mod frame;
mod handshake;
mod masks;
mod outgoing;
mod reader;
mod violation;
pub mod write;

pub use ask::{Asked, Unopened};
pub use connection::{Connection, Embedder, End, Event, Phase, Unfit};
pub use deflate::DeflateAgreed;
pub use frame::Role;
pub use handshake::switch_protocols;
pub(crate) use handshake::{Handshake, Rejected, asks_for};
pub use masks::Masks;
pub use reader::{Incoming, Limits, Reader};
pub use violation::{Violation, code};
