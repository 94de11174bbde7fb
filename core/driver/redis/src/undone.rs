//! What was ordered and is not done.

use std::collections::{BTreeSet, VecDeque};

/// Numbers what is ordered, and tells when all is done that was ordered before a flush, of which `T` is the ticket.
pub(crate) struct Undone<T> {
    open: BTreeSet<u64>,
    next: u64,
    /// Who waits until all before that number is done.
    flushes: VecDeque<(u64, T)>,
}

impl<T> Undone<T> {
    pub(crate) const fn new() -> Self {
        Self {
            open: BTreeSet::new(),
            next: 0,
            flushes: VecDeque::new(),
        }
    }

    /// The number of what is ordered next.
    pub(crate) fn begin(&mut self) -> u64 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.open.insert(number);
        number
    }

    pub(crate) fn end(&mut self, number: u64) {
        self.open.remove(&number);
    }

    pub(crate) fn flush(&mut self, ticket: T) {
        self.flushes.push_back((self.next, ticket));
    }

    /// Whoever waited for all that is done by now.
    pub(crate) fn flushed(&mut self) -> Option<T> {
        let first = self.open.first().copied();
        let (before, _) = self.flushes.front()?;
        if first.is_some_and(|first| first < *before) {
            return None;
        }
        self.flushes.pop_front().map(|(_, ticket)| ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_waits_for_what_was_ordered_before_it() {
        let mut undone = Undone::new();
        undone.flush(1);
        assert_eq!(undone.flushed(), Some(1), "nothing is open");
        let [first, second] = [undone.begin(), undone.begin()];
        undone.flush(2);
        let third = undone.begin();
        undone.flush(3);
        undone.end(second);
        undone.end(third);
        assert_eq!(undone.flushed(), None);
        undone.end(first);
        assert_eq!(undone.flushed(), Some(2));
        assert_eq!(undone.flushed(), Some(3));
        assert_eq!(undone.flushed(), None);
    }
}
