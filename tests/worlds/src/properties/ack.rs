//! *ack*: every emit with ack ends once, by its time, with its own socket's answer.

use std::collections::{BTreeMap, BTreeSet};

use sio_core::time::Instant;

use super::{Place, Stay};
use crate::failure::hold;

/// Emits that wait for their end, of clients and of the server, by a number that no other has.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    asked: BTreeMap<u64, Asked>,
    by: BTreeSet<(Instant, u64)>,
    /// How many wait of each of the server's sockets.
    waiting: BTreeMap<Stay, usize>,
}

#[derive(Debug)]
struct Asked {
    whose: Whose,
    by: Instant,
    stay: Option<Stay>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    /// A client, on this socket.
    Client(Place),
    /// The server, of this client's.
    Server(Place),
}

impl Acks {
    pub(crate) fn asked(&mut self, token: u64, whose: Whose, by: Instant) {
        let stay = None;
        self.asked.insert(token, Asked { whose, by, stay });
        self.by.insert((by, token));
    }

    /// The server has asked one of its sockets.
    pub(crate) fn asked_at(&mut self, token: u64, whose: Whose, by: Instant, stay: Stay) {
        self.asked(token, whose, by);
        if let Some(asked) = self.asked.get_mut(&token) {
            asked.stay = Some(stay);
        }
        *self.waiting.entry(stay).or_default() += 1;
    }

    /// How many of a server's socket wait.
    pub(crate) fn waiting_at(&self, stay: Stay) -> usize {
        self.waiting.get(&stay).copied().unwrap_or(0)
    }

    /// How many of a client's socket wait.
    pub(crate) fn waiting_of(&self, place: Place) -> usize {
        let all = self.asked.values();
        all.filter(|it| it.whose == Whose::Client(place)).count()
    }

    /// It has ended: with what was answered, and by whose answer.
    pub(crate) fn ended(&mut self, token: u64, answer: Option<(u64, Place)>) {
        let asked = self.asked.remove(&token);
        hold!(Ack, asked.is_some(), "{token} has ended twice");
        let Some(Asked { whose, by, stay }) = asked else {
            return;
        };
        self.by.remove(&(by, token));
        if let Some(waiting) = stay.and_then(|stay| self.waiting.get_mut(&stay)) {
            *waiting -= 1;
        }
        let (Whose::Client(place) | Whose::Server(place)) = whose;
        hold!(
            Ack,
            answer.is_none_or(|answer| answer == (token, place)),
            "{token} of {place:?} got the answer {answer:?}"
        );
    }

    /// The clock has jumped, or the process did not run.
    pub(crate) fn excuse(&mut self, longer: std::time::Duration) {
        self.by.clear();
        for (token, asked) in &mut self.asked {
            asked.by = asked.by.saturating_add(longer);
            self.by.insert((asked.by, *token));
        }
    }

    /// What should have ended before.
    pub(crate) fn overdue(&self, now: Instant) {
        let first = self.by.first();
        hold!(
            Ack,
            first.is_none_or(|(by, _)| *by >= now),
            "{first:?} has not ended at {now:?}"
        );
    }

    /// The server has died with all that it waited for.
    pub(crate) fn server_died(&mut self) {
        self.asked.retain(|token, asked| {
            let stays = matches!(asked.whose, Whose::Client(_));
            if !stays {
                self.by.remove(&(asked.by, *token));
            }
            stays
        });
        self.waiting.clear();
    }

    pub(crate) fn all_have_ended(&self) {
        hold!(
            Ack,
            self.asked.is_empty(),
            "have not ended: {:?}",
            self.asked
        );
    }
}
