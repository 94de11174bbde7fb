//! Answering a client's event (§17).

use std::sync::PoisonError;

use sio_core::packet::IntoArgs;

use crate::error::EmitError;
use crate::event::{AckSlot, SocketKind};
use crate::handle::Socket;

/// A client's wish for an answer to its event; for a client's own sockets its server's.
///
/// Every handler that names it gets one, whether the other end asked or not. Dropped, it answers nothing.
/// If several handlers of one event have it, the first answer counts.
#[derive(Debug)]
pub struct Ack<S: SocketKind = Socket> {
    socket: S,
    slot: AckSlot<S::Ticket>,
}

impl<S: SocketKind> Ack<S> {
    pub(crate) fn new(socket: S, slot: AckSlot<S::Ticket>) -> Self {
        Self { socket, slot }
    }

    /// Whether the other end waits for an answer.
    pub fn is_requested(&self) -> bool {
        !matches!(self.slot, AckSlot::None)
    }

    /// Answers. Nothing happens if the other end did not ask.
    ///
    /// ```
    /// # use sio_driver::app::{Ack, Data, Socket};
    /// # fn example(socket: &Socket) {
    /// socket.on("add", |Data((a, b)): Data<(i64, i64)>, ack: Ack| ack.send(&(a + b)));
    /// # }
    /// ```
    ///
    /// # Errors
    /// The arguments cannot be written, or the other end has gone.
    pub fn send(self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        let ticket = match self.slot {
            AckSlot::None => None,
            AckSlot::One(ticket) => Some(ticket),
            AckSlot::Shared(ticket) | AckSlot::Lent(ticket) => {
                ticket.lock().unwrap_or_else(PoisonError::into_inner).take()
            }
        };
        match ticket {
            Some(ticket) => self.socket.answer(ticket, args),
            None => Ok(()),
        }
    }
}
