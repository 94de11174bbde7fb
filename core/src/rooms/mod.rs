//! The members and rooms of one namespace (§19).
//!
//! Sends nothing itself: it knows who is where, and hands out `M`, which is how a member is reached.
//! Every socket is in the room named after its own id, which costs nothing: that room is the member.
//! Joining, leaving and reaching the first recipient cost the same in a room of ten and in one of a
//! hundred thousand. The order in which a room is walked depends on joins and leaves alone, never on
//! a hash. What becomes of rooms it tells in the order in which it happens, if anybody asks ([`RoomEvent`]).

#[cfg(test)]
mod digests;
mod event;
mod index;
mod seats;
mod select;

pub use event::RoomEvent;
pub use index::{MemberKey, RoomError, Rooms};
pub use select::Target;
