//! A parent that is asked whether it has a child, and namespaces that come and go by that.

use std::time::Duration;

use sio_core::server::NamingTicket;

use crate::application::Later;
use crate::failure::hold;
use crate::marks::Mark;
use crate::options::{Child, MIDDLEWARE};
use crate::world::{NAMESPACES, World};

/// It takes no longer, in fifths of a second: who is patient is let in within what is left of the time.
const LATEST: u64 = 6;

impl World {
    /// It says so at once or late, and then it is asked as for any other.
    pub(crate) fn names(&mut self, ticket: NamingTicket) {
        let is_its = NAMESPACES.contains(&ticket.namespace());
        if is_its && self.options.manners.decides && self.choices.one_in(2) {
            let connection = ticket.connection();
            self.ledger.answers.named_late(connection);
            if let Some(party) = self.ledger.blame.party(connection) {
                let cause = "its namespace was named late";
                self.ledger.blame.cause(self.now + MIDDLEWARE, party, cause);
            }
            let wait = Duration::from_millis(self.choices.below(LATEST) * 200);
            return self.put_off(wait, Later::Name(ticket));
        }
        let event = match is_its {
            true => self.server.allow(self.now, ticket),
            false => self.server.deny(self.now, ticket),
        };
        if let Some(event) = event {
            self.server_hears(event);
        }
    }

    /// It has put that off.
    pub(crate) fn names_late(&mut self, ticket: NamingTicket) {
        let connection = ticket.connection();
        if self
            .server
            .namespaces()
            .any(|name| name == ticket.namespace())
        {
            self.marks.reach(Mark::NamedLate);
        }
        if let Some(event) = self.server.allow(self.now, ticket) {
            self.ledger.answers.named(connection);
            self.server_hears(event);
        }
    }

    /// A namespace that goes by itself is not held by who is not in it, and does not wait.
    pub(crate) fn holds_no_place(&self) {
        let passing = self.options.server.cleanup_empty_child_namespaces;
        if !passing || self.options.child == Child::Opened || self.ledger.reach.members(1) > 0 {
            return;
        }
        let kept = self.ledger.recoveries.figures(1);
        if kept == (0, 0) && self.ledger.answers.is_quiet() {
            let left = self.server.namespaces().count();
            hold!(Rest, left == 1, "{left} namespaces, and nobody is there");
        }
    }
}
