//! *farewell*: what was accepted before a graceful end arrives before it.

use std::collections::BTreeMap;

use super::{Place, Prefixes, Stay};
use crate::failure::hold;

/// What clients have said before they left, which the server has to have heard when it hears that they did.
#[derive(Debug, Default)]
pub(crate) struct Farewells {
    said: BTreeMap<Stay, (Place, u64)>,
    /// Stays that are to be told that the server has taken them out, and how often something had been done to their
    /// clients by then.
    due: BTreeMap<Stay, u64>,
    /// The last that each socket of a client has said in the stay that it is in.
    last: BTreeMap<Place, u64>,
    /// The last that it has said when it was in none.
    away: BTreeMap<Place, u64>,
}

impl Farewells {
    /// Whether a client that is in now said this before.
    pub(crate) fn was_away(&self, place: Place, word: u64) -> bool {
        self.away.get(&place).is_some_and(|last| word <= *last)
    }

    /// A client that is not in has said something.
    pub(crate) fn says_away(&mut self, place: Place, word: u64) {
        self.away.insert(place, word);
    }

    /// A client that is in has said something.
    pub(crate) fn says(&mut self, place: Place, word: u64) {
        self.last.insert(place, word);
    }

    /// A client is in, or out: what it said before is another matter.
    pub(crate) fn anew(&mut self, place: Place) {
        self.last.remove(&place);
    }

    /// A client leaves, and has nothing left that it could not send.
    pub(crate) fn client_leaves(&mut self, stay: Stay, place: Place) {
        if let Some(last) = self.last.get(&place).copied() {
            self.said.insert(stay, (place, last));
        }
    }

    /// The server hears that a client has left by its own wish.
    pub(crate) fn client_left(&mut self, stay: Stay, prefix: &Prefixes) {
        if let Some((place, last)) = self.said.remove(&stay) {
            hold!(
                Farewell,
                prefix.has_heard(place, last),
                "{place:?} has left after {last}, which has not come"
            );
        }
    }

    /// The server says to these that they are taken out.
    pub(crate) fn is_due(&mut self, stays: Vec<Stay>, causes: u64) {
        self.due
            .extend(stays.into_iter().map(|stay| (stay, causes)));
    }

    /// A client is out, by the server's word or otherwise. Whether that was to be.
    pub(crate) fn is_out(&mut self, stay: Stay, told: bool, why: &str, causes: u64) -> bool {
        let due = self.due.remove(&stay);
        hold!(
            Farewell,
            due.is_none_or(|before| told || before != causes),
            "stay {stay} was to be told that it is taken out, and ended by {why}"
        );
        due.is_some() && told
    }

    /// It went otherwise.
    pub(crate) fn over(&mut self, stay: Stay) {
        self.said.remove(&stay);
    }

    /// A client hears that the server has taken it out.
    pub(crate) fn server_left(stay: Stay, prefix: &Prefixes, late: bool) {
        // It may be that it was in before it wanted to be, and has not listened.
        if late && !prefix.has_seen(stay) {
            return;
        }
        let unseen = prefix.unseen(stay);
        hold!(
            Farewell,
            unseen.is_none(),
            "stay {stay} was taken out before {unseen:?} has come"
        );
    }
}
