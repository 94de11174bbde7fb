//! What a client asks its application: where to dial, by which credentials, and what a socket says first.

use std::time::Duration;

use sio_core::client::{AuthTicket, Dial, DialTicket, EntryTicket, Unavailable};
use sio_core::engine::Flags;

use crate::marks::Mark;
use crate::network::{Delivery, Party};
use crate::options::Fault;
use crate::world::{NAMESPACES, World};

/// A question of a client's that is to be answered once.
#[derive(Debug)]
pub(crate) enum Ticket {
    Dial(DialTicket),
    Auth(AuthTicket),
    Entry(EntryTicket),
}

impl World {
    /// A client asks: it is answered at once, late, or never.
    pub(crate) fn is_asked(&mut self, party: Party, ticket: Ticket) {
        if !self.options.has(Fault::Tickets) {
            return self.answers_ticket(party, ticket);
        }
        match self.choices.weighted(&[6, 3, 1]) {
            0 => self.answers_ticket(party, ticket),
            1 => {
                let wait = Duration::from_millis(200 + self.choices.below(80) * 100);
                self.keeps_waiting(party, &ticket);
                let answers = Delivery::Answers { to: party, ticket };
                self.network.push(self.now + wait, answers);
            }
            _ => {
                self.keeps_waiting(party, &ticket);
                self.marks.reach(match ticket {
                    Ticket::Dial(_) => Mark::DialForgotten,
                    Ticket::Auth(_) => Mark::AuthForgotten,
                    Ticket::Entry(_) => Mark::FirstWordForgotten,
                });
            }
        }
    }

    /// A client may be out for it, and its server may take it for one who wants nothing.
    fn keeps_waiting(&mut self, party: Party, ticket: &Ticket) {
        self.options.does(Fault::Tickets);
        self.note(14, || format!("{party} waits for an answer: {ticket:?}"));
        let cause = "its application lets it wait";
        self.ledger.blame.cause(self.now, party, cause);
    }

    /// Answers, whether anybody waits still or not. Now and then there is nothing to be had.
    pub(crate) fn answers_ticket(&mut self, party: Party, ticket: Ticket) {
        let none = self.options.has(Fault::Tickets) && self.choices.one_in(8);
        if none && !matches!(ticket, Ticket::Entry(_)) {
            let cause = "its application has nothing for it";
            self.ledger.blame.cause(self.now, party, cause);
        }
        self.note(15, || {
            format!("{party} is answered: {ticket:?}, with nothing: {none}")
        });
        let machine = &mut self.machines[party];
        let now = machine.clock(self.now);
        match ticket {
            Ticket::Dial(ticket) => {
                let its = &self.options.clients[party];
                let dial = (!none).then(|| dial(its));
                machine.client.answer_dial(now, ticket, dial);
            }
            Ticket::Auth(ticket) => {
                let auth = if none { Err(Unavailable) } else { Ok(None) };
                machine.client.answer_auth(now, ticket, auth);
            }
            Ticket::Entry(ticket) => {
                let at = machine.sockets.iter().position(|it| *it == ticket.socket());
                let namespace = NAMESPACES[at.unwrap_or_default()];
                let codec = self.options.codec_of(party);
                let packet = codec.event(namespace, None, "first", &(party,));
                let packet = packet.expect("it can be written");
                if !none {
                    let flags = Flags::default();
                    let _ = machine.client.emit_first(now, &ticket, packet, flags);
                }
                machine.client.entered(now, ticket);
            }
        }
        self.touch(party);
    }
}

/// The server, by these.
pub(crate) fn dial(its: &crate::options::Party) -> Dial {
    let (mut dial, _) = Dial::parse("http://server/").expect("it is one");
    dial.query.extend(its.parser_query());
    dial.transports(its.transports.clone())
}
