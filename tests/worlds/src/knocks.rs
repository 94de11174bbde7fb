//! Clients that knock: handshakes over which the application decides, at once, late, or never.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sio_core::engine::HandshakeError;
use sio_core::id::RequestId;
use sio_core::server::{HandshakeKey, HandshakeTicket, Upgraded};
use sio_core::time::Instant;

use crate::application::Later;
use crate::failure::hold;
use crate::marks::Mark;
use crate::network::Party;
use crate::options::MIDDLEWARE;
use crate::world::World;

/// Who knocks, by which request, and the random bytes of the session that it would have.
#[derive(Clone, Debug)]
pub(crate) struct Knock {
    party: Party,
    id: RequestId,
    random: [u8; 15],
    /// As what the server knows a GET.
    served: Option<RequestId>,
}

/// Handshakes that are decided over.
#[derive(Debug, Default)]
pub(crate) struct Knocks {
    /// By the number that the server knows a GET by.
    gets: BTreeMap<RequestId, Knock>,
    /// Requests for WebSockets that have no answer.
    upgrades: BTreeMap<HandshakeKey, Knock>,
    /// Until when each is decided over, or given up.
    due: BTreeMap<HandshakeKey, Instant>,
    /// Those that were decided over when they were over, of which nobody had been told.
    late: BTreeSet<HandshakeKey>,
}

impl Knocks {
    /// A GET may open a session.
    pub(crate) fn asks(
        &mut self,
        served: RequestId,
        party: Party,
        id: RequestId,
        random: [u8; 15],
    ) {
        let knock = Knock {
            party,
            id,
            random,
            served: Some(served),
        };
        self.gets.insert(served, knock);
    }

    /// A request for a WebSocket waits.
    pub(crate) fn waits(
        &mut self,
        handshake: HandshakeKey,
        party: Party,
        id: RequestId,
        random: [u8; 15],
    ) {
        let knock = Knock {
            party,
            id,
            random,
            served: None,
        };
        self.upgrades.insert(handshake, knock);
    }

    pub(crate) fn excuse(&mut self, longer: Duration) {
        for by in self.due.values_mut() {
            *by = by.saturating_add(longer);
        }
    }

    pub(crate) fn in_time(&self, now: Instant) {
        let late = self.due.iter().find(|(_, by)| **by < now);
        hold!(Answer, late.is_none(), "{late:?} waits at {now:?}");
    }

    pub(crate) fn are_over(&self) {
        let left = (self.upgrades.len(), self.due.len());
        hold!(Rest, left == (0, 0), "{left:?} handshakes wait");
    }
}

impl World {
    /// A client wants to open a session.
    pub(crate) fn knocks_at(&mut self, ticket: HandshakeTicket, request: Option<RequestId>) {
        let handshake = ticket.handshake();
        let knock = match request {
            Some(served) => self.knocks.gets.remove(&served),
            None => self.knocks.upgrades.get(&handshake).cloned(),
        };
        hold!(
            Answer,
            knock.is_some(),
            "nobody has asked for {handshake:?}"
        );
        let Some(knock) = knock else { return };
        let by = self.now + MIDDLEWARE + self.slack();
        self.knocks.due.insert(handshake, by);
        let how = match self.options.manners.decides {
            true => self.choices.weighted(&[4, 3, 1, 1]),
            false => 0,
        };
        if how > 0 {
            let cause = "it was not let in at once";
            let until = self.now + MIDDLEWARE;
            self.ledger.blame.cause(until, knock.party, cause);
        }
        match how {
            0 => self.admits(ticket, &knock),
            1 => {
                let wait = Duration::from_millis(self.choices.below(20) * 200);
                self.put_off(wait, Later::Admit(ticket, knock));
            }
            2 => {
                self.knocks.due.remove(&handshake);
                let why = HandshakeError::BadRequest;
                self.server.refuse(self.now, ticket, why);
            }
            _ => {}
        }
    }

    pub(crate) fn admits(&mut self, ticket: HandshakeTicket, knock: &Knock) {
        let handshake = ticket.handshake();
        let waits = self.knocks.due.remove(&handshake).is_some();
        let Some(connection) = self.server.admit(self.now, ticket, None) else {
            self.knocks.late.insert(handshake);
            let cause = "it was let in, and did not wait or had no room";
            return self.ledger.blame.cause(self.now, knock.party, cause);
        };
        hold!(
            Answer,
            waits,
            "{handshake:?} is let in, and did not wait any more"
        );
        self.marks.reach(Mark::AdmittedLate);
        self.has_opened(knock.party, knock.id, knock.random);
        if let Some(served) = knock.served {
            self.network.is_for(served, Some(connection));
        }
    }

    /// Nobody has decided, or its client does not wait.
    pub(crate) fn knocked_in_vain(&mut self, handshake: HandshakeKey) {
        let late = self.knocks.late.remove(&handshake);
        let waits = self.knocks.due.remove(&handshake).is_some() || late;
        hold!(Answer, waits, "{handshake:?} is over, and was decided");
        self.marks.reach(Mark::KnockedInVain);
    }

    /// What becomes of those who have asked for a WebSocket. Whether there was anything.
    pub(crate) fn knocks_are_answered(&mut self) -> bool {
        let mut any = false;
        while let Some((handshake, upgraded)) = self.server.poll_upgraded() {
            any = true;
            let knock = self.knocks.upgrades.remove(&handshake);
            hold!(Answer, knock.is_some(), "{handshake:?} has two answers");
            let granted = match upgraded {
                Upgraded::Attached { connection, .. } => Some(connection),
                Upgraded::Unwanted { .. } | Upgraded::Refused(_) | Upgraded::Waits(_) => None,
            };
            if let Some(knock) = knock {
                self.grants(knock.party, knock.id, granted);
            }
        }
        any
    }
}
