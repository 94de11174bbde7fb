//! A server's socket as one of the kinds of sockets that there are.

use sio_core::engine::{Flags, TransportKind};
use sio_core::packet::IntoArgs;
use sio_core::socket::AckTicket;

use super::inner::Socket;
use super::once::ReplyTo;
use crate::error::{EmitError, Reaction};
use crate::event::{About, SocketKind};
use crate::mailbox::command::Command;
use crate::mailbox::weight::Weight;

impl SocketKind for Socket {
    type Ticket = ReplyTo;
    type About = About;

    fn transport(&self) -> TransportKind {
        self.task().transport()
    }

    fn state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.io().state()
    }

    fn refuses(&self) -> bool {
        self.inner.io.reaction() == Reaction::RefuseAck
    }

    fn answer(&self, to: ReplyTo, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        match to {
            ReplyTo::Told(ticket) => self.respond(ticket, args),
            ReplyTo::Once(first) => first.answer(args),
        }
    }
}

impl Socket {
    pub(super) fn respond(
        &self,
        ticket: AckTicket,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        let namespace = self.namespace();
        let packet = self.codec().ack(namespace.name(), ticket.id(), args)?;
        let weight = Weight::of(&packet);
        let command = Command::Respond { ticket, packet };
        self.task().push_packet(command, weight, Flags::default())
    }
}
