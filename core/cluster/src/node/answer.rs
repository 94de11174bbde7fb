//! What is answered to other nodes.

use sio_core::packet::Args;
use sio_core::time::Instant;

use super::machine::{Node, Written};
use super::output::{AckTicket, Ticket};
use super::pending::{Otherwise, Waiting};
use crate::codec::EncodeError;
use crate::id::{RequestId, Uid};
use crate::message::{Message, Reply};

impl<T> Node<T> {
    /// Answers a question of another node. Too late, nothing is sent.
    ///
    /// # Errors
    /// The answer cannot be written, or is none that this wire can say. An empty one is sent.
    pub fn answer(
        &mut self,
        now: Instant,
        ticket: Ticket,
        reply: Reply,
    ) -> Result<(), EncodeError> {
        self.advance(now);
        let Some(waiting) = self.pending.remove(ticket.0) else {
            return Ok(());
        };
        if waiting.otherwise == Otherwise::Clients {
            // Of these a count is wanted first, and none was given.
            self.answer_otherwise(&waiting);
            return Ok(());
        }
        let sent = self.send_answer(&waiting.id, waiting.to.as_ref(), reply);
        if sent.is_err() {
            self.answer_otherwise(&waiting);
        }
        sent
    }

    /// Tells another node how many clients here were asked. Their acks follow by the ticket that this returns, as many
    /// and not more, until the time of the question is over.
    pub fn count(&mut self, now: Instant, ticket: Ticket, clients: u64) -> AckTicket {
        self.advance(now);
        if let Some(waiting) = self.pending.count(ticket.0, clients) {
            let (id, to) = (waiting.id.clone(), waiting.to.clone());
            // A count can always be written.
            let _ = self.send_answer(&id, to.as_ref(), Reply::Clients(clients));
            if clients == 0 {
                self.pending.remove(ticket.0);
            }
        }
        AckTicket(ticket.0)
    }

    /// Passes a client's ack on.
    ///
    /// # Errors
    /// It cannot be written. It counts as none.
    pub fn ack(
        &mut self,
        now: Instant,
        ticket: &AckTicket,
        from: Option<String>,
        args: Args,
    ) -> Result<(), EncodeError> {
        self.advance(now);
        let Some(waiting) = self.pending.ack(ticket.0) else {
            return Ok(());
        };
        self.send_answer(&waiting.id, waiting.to.as_ref(), Reply::Ack { from, args })
    }

    /// Answers with nothing, if there is such an answer.
    pub(super) fn answer_otherwise(&mut self, waiting: &Waiting) {
        if let Some(reply) = waiting.otherwise.reply() {
            // It can always be written; what this wire cannot ask for is not waited for.
            let _ = self.send_answer(&waiting.id, waiting.to.as_ref(), reply);
        }
    }

    fn send_answer(
        &mut self,
        id: &RequestId,
        to: Option<&Uid>,
        reply: Reply,
    ) -> Result<(), EncodeError> {
        let message = Message::Answer {
            id: id.clone(),
            reply,
        };
        match self.written(&message, to)? {
            // Before all is listened to it waits, for what is already in the stream has to come first.
            Written::Entry(entry) if self.is_there() => self.append_or_hold(entry, None),
            Written::Entry(_) => {}
            Written::Payload(payload) => self.publish_answer(self.channels.answers(to), payload),
        }
        Ok(())
    }
}
