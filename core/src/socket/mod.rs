//! The sockets of one connection: namespaces over one session, their packets and acks (§16–§18).

mod acks;
mod connect;
mod event;
mod events;
mod inbox;
mod limits;
mod mux;
mod revision_4;
mod slots;

pub(crate) use acks::Acks;
pub use event::{AckError, AckTicket, ConnectTicket, DisconnectReason, Event, Refusal, SocketKey};
pub(crate) use inbox::Inbox;
pub(crate) use mux::Mux;
#[cfg(test)]
pub(crate) use mux::deadlines;
