//! Answering a client's event (§17).

use std::sync::PoisonError;

use sio_core::packet::IntoArgs;

use crate::error::EmitError;
use crate::event::AckSlot;
use crate::handle::Socket;
use crate::mailbox::command::Command;
use crate::mailbox::weight::Weight;

/// A client's wish for an answer to its event.
///
/// Every handler that names it gets one, whether the client asked or not. Dropped, it answers nothing.
/// If several handlers of one event have it, the first answer counts.
#[derive(Debug)]
pub struct Ack {
    socket: Socket,
    slot: AckSlot,
}

impl Ack {
    pub(crate) fn new(socket: Socket, slot: AckSlot) -> Self {
        Self { socket, slot }
    }

    /// Whether the client waits for an answer.
    pub fn is_requested(&self) -> bool {
        !matches!(self.slot, AckSlot::None)
    }

    /// Answers. Nothing happens if the client did not ask.
    ///
    /// ```
    /// # use sio_driver::app::{Ack, Data, Socket};
    /// # fn example(socket: &Socket) {
    /// socket.on("add", |Data((a, b)): Data<(i64, i64)>, ack: Ack| ack.send(&(a + b)));
    /// # }
    /// ```
    ///
    /// # Errors
    /// The arguments cannot be written, or the client has gone.
    pub fn send(self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        let ticket = match self.slot {
            AckSlot::None => None,
            AckSlot::One(ticket) => Some(ticket),
            AckSlot::Shared(shared) => shared.lock().unwrap_or_else(PoisonError::into_inner).take(),
        };
        let Some(ticket) = ticket else {
            return Ok(());
        };
        let namespace = self.socket.namespace();
        let packet = namespace.codec().ack(namespace.name(), ticket.id(), args)?;
        let weight = Weight::of(&packet);
        let command = Command::Respond { ticket, packet };
        self.socket.task().push_packet(command, weight, false)
    }
}
