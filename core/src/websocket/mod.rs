//! WebSocket frames (RFC 6455), from the server's side: bytes of a client into messages, messages into
//! bytes for it.
//!
//! [`Reader`] is given what was read and gives out messages; [`write`](mod@write) lays frames into a buffer.
//! Neither does IO. What a handshake comes to, compression included, is decided here, too; to compress is
//! the caller's: a compressed message comes out as it came.
//!
//! # What a message costs
//!
//! What one read brought is copied once, into memory of its own. A message in one frame is unmasked in
//! place and is a slice of that memory, or all of it if nothing else came: no allocation for each message.
//! A message in several frames is put together, which copies it once more. What is left of a frame that is
//! not whole is moved out, so that a few bytes never keep a large buffer alive; between messages a reader
//! holds nothing.

#[cfg(feature = "deflate")]
mod deflate;
mod frame;
mod handshake;
mod reader;
mod violation;
pub mod write;

#[cfg(feature = "deflate")]
pub use deflate::DeflateAgreed;
pub use handshake::switch_protocols;
pub(crate) use handshake::{Handshake, Rejected, asks_for};
pub use reader::{Incoming, Limits, Reader};
pub use violation::{Violation, code};
