//! *prefix*: what a socket received is a prefix of what was sent to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Place, Stay};
use crate::failure::hold;

/// What was sent both ways, and how much of it has come.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// What each stay was told and has not seen yet, in order.
    told: BTreeMap<Stay, Told>,
    /// The last event that each socket of a client was taken for, and those that a server has seen.
    said: BTreeMap<Place, u64>,
    heard: BTreeSet<(Place, u64)>,
    /// The last that a stay has said; it has missed none since its first.
    heard_by: BTreeMap<Stay, u64>,
}

#[derive(Debug, Default)]
struct Told {
    /// Numbers, and whether what they stand for may give way to something else.
    waiting: VecDeque<(u64, bool)>,
    seen: bool,
    /// What nobody is told who comes back.
    once: BTreeSet<u64>,
    /// What only who comes back is told.
    next: BTreeSet<u64>,
}

impl Prefixes {
    /// `may_go`: it is volatile, and may give way to what is sent later.
    pub(crate) fn told(&mut self, stay: Stay, token: u64, may_go: bool) {
        let told = self.told.entry(stay).or_default();
        told.waiting.push_back((token, may_go));
    }

    /// The same of something that is not kept for who comes back.
    pub(crate) fn told_once(&mut self, stay: Stay, token: u64) {
        self.told(stay, token, false);
        self.told.entry(stay).or_default().once.insert(token);
    }

    /// Something is not sent, and kept for who comes back. `may_go`: as above.
    pub(crate) fn told_next(&mut self, stay: Stay, token: u64, may_go: bool) {
        self.told(stay, token, true);
        if !may_go {
            self.told.entry(stay).or_default().next.insert(token);
        }
    }

    /// A stay goes on as another: what it has not seen, that has to. Whether there is anything.
    pub(crate) fn goes_on(&mut self, before: Stay, stay: Stay) -> bool {
        let told = self.told.remove(&before).unwrap_or_default();
        let left = told.waiting.into_iter();
        let left = left.map(|(token, may_go)| {
            let is_next = told.next.contains(&token);
            (token, may_go && !is_next || told.once.contains(&token))
        });
        let waiting: VecDeque<_> = left.collect();
        let missed = waiting.iter().any(|(_, may_go)| !may_go);
        self.told.entry(stay).or_default().waiting = waiting;
        missed
    }

    /// A client has it. `late`: it may have come after the first were sent.
    pub(crate) fn seen(&mut self, stay: Stay, token: u64, late: bool) {
        let told = self.told.entry(stay).or_default();
        while let Some((next, may_go)) = told.waiting.front()
            && *next != token
            && (*may_go || late && !told.seen)
        {
            told.waiting.pop_front();
        }
        told.seen = true;
        let next = told.waiting.pop_front().map(|(next, _)| next);
        hold!(
            Prefix,
            next == Some(token),
            "stay {stay} has got {token}, and {next:?} is next"
        );
    }

    /// What a stay was told and has not seen.
    pub(crate) fn unseen(&self, stay: Stay) -> Option<u64> {
        let mut waiting = self.told.get(&stay)?.waiting.iter();
        let (token, _) = waiting.find(|(_, may_go)| !may_go)?;
        Some(*token)
    }

    /// Whether it has seen anything.
    pub(crate) fn has_seen(&self, stay: Stay) -> bool {
        self.told.get(&stay).is_some_and(|told| told.seen)
    }

    /// The number for the next event of a socket.
    pub(crate) fn next_word(&self, place: Place) -> u64 {
        self.said.get(&place).map_or(0, |last| last + 1)
    }

    /// It was taken.
    pub(crate) fn said(&mut self, place: Place, word: u64) {
        self.said.insert(place, word);
    }

    /// The server has it.
    /// `all`: its client loses none in between.
    pub(crate) fn heard(&mut self, place: Place, word: u64, by: Stay, all: bool) {
        let said = self.said.get(&place).copied();
        hold!(
            Prefix,
            said.is_some_and(|said| word <= said),
            "{place:?}: {word}, which nobody has said"
        );
        hold!(
            Prefix,
            self.heard.insert((place, word)),
            "{place:?}: {word} has come twice"
        );
        let last = self.heard_by.insert(by, word);
        hold!(
            Prefix,
            last.is_none_or(|last| last + 1 == word || !all && last < word),
            "{place:?}: {last:?}, then {word}"
        );
    }

    /// A stay has said its first word.
    pub(crate) fn first(&mut self, stay: Stay) {
        let before = self.heard_by.get(&stay);
        hold!(
            Prefix,
            before.is_none(),
            "stay {stay} has said {before:?} before its first word"
        );
    }

    pub(crate) fn last_word(&self, place: Place) -> Option<u64> {
        self.said.get(&place).copied()
    }

    pub(crate) fn has_heard(&self, place: Place, word: u64) -> bool {
        self.heard.contains(&(place, word))
    }
}
