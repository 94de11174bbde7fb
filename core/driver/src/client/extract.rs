//! A client's socket as one of the kinds of sockets that there are, and what its handlers can ask for beside that.

use sio_core::client::{AckTicket, Status};
use sio_core::engine::{Sent, TransportKind};
use sio_core::packet::IntoArgs;

use super::error::ConnectError;
use super::event::{About, Connected, Disconnected};
use super::inner::{Invocation, Socket};
use crate::error::{EmitError, Failure};
use crate::event::SocketKind;
use crate::handler::extract::FromEvent;

impl SocketKind for Socket {
    type Ticket = AckTicket;
    type About = About;

    fn transport(&self) -> TransportKind {
        if let Status::Connected { transport } = self.shared().lock().machine.status() {
            transport
        } else {
            TransportKind::WebSocket
        }
    }

    fn state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.shared().hooks()?.value()
    }

    fn answer(&self, ticket: AckTicket, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        let codec = &self.shared().config.parser;
        let packet = codec.ack(&self.inner.name, ticket.id(), args)?;
        let sent = self.shared().with(|state, now| {
            let sent = state.machine.respond(now, &ticket, packet);
            state.full |= sent == Sent::Full;
            sent
        });
        match sent {
            Sent::Queued | Sent::Dropped => Ok(()),
            Sent::Full => Err(EmitError::Full),
            Sent::Closed | Sent::Unwritten => Err(EmitError::Disconnected),
        }
    }
}

impl FromEvent<Self> for Socket {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        Ok(call.socket.clone())
    }
}

impl FromEvent<Socket> for Connected {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
            About::Connect(connected) => Ok(connected.clone()),
            About::Event | About::Disconnect(_) | About::ConnectError(..) | About::Error => {
                Err(Failure::Absent("connection"))
            }
        }
    }
}

impl FromEvent<Socket> for Disconnected {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
            About::Disconnect(disconnected) => Ok(*disconnected),
            About::Connect(_) | About::Event | About::ConnectError(..) | About::Error => {
                Err(Failure::Absent("disconnect reason"))
            }
        }
    }
}

impl FromEvent<Socket> for ConnectError {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
            About::ConnectError(error, _) => Ok(error.clone()),
            About::Connect(_) | About::Event | About::Disconnect(_) | About::Error => {
                Err(Failure::Absent("connect error"))
            }
        }
    }
}
