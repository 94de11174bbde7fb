//! Entries that were to be added to the stream, and whose places are not known yet.

use std::collections::VecDeque;

use super::output::AppendToken;
use crate::codec::streams::Entry;
use crate::entry::EntryId;

#[derive(Clone, Debug, Hash)]
struct Flying<T> {
    number: AppendToken,
    entry: Entry,
    token: Option<T>,
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Appends<T> {
    flying: VecDeque<Flying<T>>,
    bytes: usize,
    next: u64,
    /// The last entry of this node that is known to be in the stream.
    last: Option<EntryId>,
    /// What is in the stream is being asked for.
    recalling: bool,
    /// Some were taken for arrived: they may be found as well.
    overtaken: bool,
}

impl<T> Appends<T> {
    pub(super) const fn new() -> Self {
        Self {
            flying: VecDeque::new(),
            bytes: 0,
            next: 0,
            last: None,
            recalling: false,
            overtaken: false,
        }
    }

    /// An entry on its way. With too many bytes in the air, the oldest is taken for arrived.
    pub(super) fn push(
        &mut self,
        entry: Entry,
        token: Option<T>,
        most: usize,
    ) -> (AppendToken, Vec<T>) {
        self.next = self.next.wrapping_add(1);
        let number = AppendToken(self.next);
        self.bytes = self.bytes.saturating_add(entry.size());
        self.flying.push_back(Flying {
            number,
            entry,
            token,
        });
        let mut told = Vec::new();
        while self.bytes > most {
            match self.flying.pop_front() {
                Some(gone) => {
                    self.overtaken = true;
                    told.extend(self.landed(gone));
                }
                None => break,
            }
        }
        (number, told)
    }

    fn landed(&mut self, flying: Flying<T>) -> Option<T> {
        self.bytes = self.bytes.saturating_sub(flying.entry.size());
        flying.token
    }

    /// An entry has its place. Who is to be told of it.
    pub(super) fn arrived(&mut self, number: AppendToken, at: EntryId) -> Option<T> {
        let place = self.flying.iter().position(|it| it.number == number)?;
        self.last = self.last.max(Some(at));
        let flying = self.flying.remove(place)?;
        self.landed(flying)
    }

    /// The broker is back: what was it that it had taken?
    pub(super) fn recall(&mut self) -> Option<Option<EntryId>> {
        self.recalling = !self.flying.is_empty();
        self.recalling.then_some(self.last)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_recalling(&self) -> bool {
        self.recalling
    }

    /// The broker has gone again.
    pub(super) fn forget_recall(&mut self) {
        self.recalling = false;
    }

    /// What of this node is in the stream, in its order: entries were taken in theirs, up to some. Who is to be told, and
    /// of which place.
    pub(super) fn recalled(&mut self, found: Vec<(EntryId, Entry)>) -> Vec<(T, Option<EntryId>)> {
        let mut told = Vec::new();
        if !std::mem::take(&mut self.recalling) {
            return told;
        }
        let overtaken = std::mem::take(&mut self.overtaken);
        if !overtaken && let Some((_, first)) = found.first() {
            // The stream has thrown away what was taken before it.
            let place = self.flying.iter().position(|it| it.entry == *first);
            for _ in 0..place.unwrap_or_default() {
                let gone = self.flying.pop_front();
                told.extend(gone.and_then(|it| self.landed(it)).map(|it| (it, None)));
            }
        }
        for (at, entry) in found {
            if self.flying.front().is_some_and(|it| it.entry == entry)
                && let Some(flying) = self.flying.pop_front()
            {
                self.last = self.last.max(Some(at));
                told.extend(self.landed(flying).map(|token| (token, Some(at))));
            }
        }
        told
    }

    /// Those that the broker has not taken, to be sent again.
    pub(super) fn again(&self) -> impl Iterator<Item = (AppendToken, Entry)> + '_ {
        self.flying.iter().map(|it| (it.number, it.entry.clone()))
    }

    /// Whoever waits for a place.
    pub(super) fn close(&mut self) -> Vec<T> {
        self.bytes = 0;
        let flying = std::mem::take(&mut self.flying);
        flying.into_iter().filter_map(|it| it.token).collect()
    }
}
