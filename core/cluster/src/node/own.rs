//! What this node has said by the stream, until it is read there.

use std::collections::VecDeque;

use super::output::AppendToken;
use crate::codec::streams::Entry;
use crate::entry::EntryId;

#[derive(Clone, Debug, Hash)]
struct Said {
    number: AppendToken,
    /// Its place, once it is known.
    at: Option<EntryId>,
    entry: Entry,
    /// Those here have heard it, and do not hear it again.
    told: bool,
}

/// Events of this node that are in the stream, or on their way into it: those here hear of them when they are read,
/// among what others have said.
#[derive(Clone, Debug, Hash)]
pub(super) struct Own {
    said: VecDeque<Said>,
    bytes: usize,
}

impl Own {
    pub(super) const fn new() -> Self {
        Self {
            said: VecDeque::new(),
            bytes: 0,
        }
    }

    /// One more. With too many bytes the oldest go: those of them that nobody here has heard.
    pub(super) fn push(
        &mut self,
        number: AppendToken,
        entry: Entry,
        told: bool,
        most: usize,
    ) -> Vec<Entry> {
        self.bytes = self.bytes.saturating_add(entry.size());
        self.said.push_back(Said {
            number,
            at: None,
            entry,
            told,
        });
        let mut gone = Vec::new();
        while self.bytes > most {
            match self.pop() {
                Some(said) if said.told => {}
                Some(said) => gone.push(said.entry),
                None => break,
            }
        }
        gone
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn pop(&mut self) -> Option<Said> {
        let said = self.said.pop_front()?;
        self.bytes = self.bytes.saturating_sub(said.entry.size());
        Some(said)
    }

    /// One has its place.
    pub(super) fn arrived(&mut self, number: AppendToken, at: EntryId) {
        // Numbers ascend, and what is answered but not read yet may be many.
        let place = self.said.binary_search_by_key(&number, |it| it.number);
        if let Some(said) = place.ok().and_then(|at| self.said.get_mut(at)) {
            said.at = Some(at);
        }
    }

    /// One is in the stream no more, or never will be.
    pub(super) fn forget(&mut self, number: AppendToken) {
        let place = self.said.binary_search_by_key(&number, |it| it.number);
        if let Some(said) = place.ok().and_then(|at| self.said.remove(at)) {
            self.bytes = self.bytes.saturating_sub(said.entry.size());
        }
    }

    /// One was read: whether those here are to hear of it now, and what they are to hear of before. Those before it
    /// will not be read any more, or are its twins and were.
    pub(super) fn read(&mut self, at: EntryId, entry: &Entry) -> (bool, Vec<Entry>) {
        let its = |said: &Said| match said.at {
            Some(its) => its == at,
            // Read before the broker's answer has come.
            None => said.entry == *entry,
        };
        let Some(place) = self.said.iter().position(its) else {
            return (false, Vec::new());
        };
        let mut untold = Vec::new();
        for _ in 0..place {
            let said = self.pop().filter(|said| !said.told);
            untold.extend(said.map(|said| said.entry));
        }
        (self.pop().is_some_and(|said| !said.told), untold)
    }

    /// Those here hear of all of it now: what they have not heard.
    pub(super) fn tell_all(&mut self) -> Vec<Entry> {
        let untold = self.said.iter_mut().filter(|said| !said.told);
        let tell = untold.map(|said| {
            said.told = true;
            said.entry.clone()
        });
        tell.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn id(millis: u64) -> EntryId {
        EntryId {
            millis,
            sequence: 0,
        }
    }

    fn entry(data: &str) -> Entry {
        Entry {
            data: Some(data.to_owned().into()),
            ..Entry::default()
        }
    }

    /// The first of two twins had to go, and its place is read before any broker answers: what was said between
    /// them is heard all the same.
    #[test]
    fn what_was_said_before_a_twin_is_told() {
        let mut own = Own::new();
        let most = entry("a").size() + entry("b").size();
        let says = |own: &mut Own, number, data: &str| {
            own.push(AppendToken(number), entry(data), false, most)
        };
        assert_eq!(says(&mut own, 1, "a"), []);
        assert_eq!(says(&mut own, 2, "b"), []);
        assert_eq!(says(&mut own, 3, "a"), [entry("a")]);
        assert_eq!(own.read(id(1), &entry("a")), (true, vec![entry("b")]));
        assert_eq!(own.read(id(2), &entry("b")), (false, vec![]));
    }

    #[test]
    fn each_is_told_at_its_place() {
        let mut own = Own::new();
        for number in 1..=3 {
            own.push(AppendToken(number), entry("a"), number == 2, usize::MAX);
            own.arrived(AppendToken(number), id(number));
        }
        own.arrived(AppendToken(9), id(9));
        assert_eq!(own.read(id(9), &entry("a")), (false, vec![]));
        for (at, hears) in [(1, true), (2, false), (3, true)] {
            assert_eq!(own.read(id(at), &entry("a")), (hears, vec![]));
        }
    }
}
