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
    /// The last entry, of whichever node, that is known to stand in the stream before all that are on their way.
    behind: Option<EntryId>,
    /// The last entry that was read, of whichever namespace.
    read: Option<EntryId>,
    /// What is in the stream is being asked for.
    recalling: bool,
    /// So many before those that are on their way were taken for arrived: they may be found as well.
    overtaken: usize,
    /// The stream has gone back while entries were on their way: they may have been in what it has no more.
    torn: bool,
}

/// What has become of entries that were on their way when the broker went.
#[derive(Debug)]
pub(super) struct Fates<T> {
    /// Those that are not said again: who is to be told, and of which place, if it is known.
    pub(super) over: Vec<(AppendToken, Option<T>, Option<EntryId>)>,
    /// So many are not said again, of which nobody knows whether they have arrived.
    pub(super) unsure: usize,
}

impl<T> Appends<T> {
    pub(super) const fn new() -> Self {
        Self {
            flying: VecDeque::new(),
            bytes: 0,
            next: 0,
            behind: None,
            read: None,
            recalling: false,
            overtaken: 0,
            torn: false,
        }
    }

    /// An entry goes on its way. With too many bytes in the air, the oldest is taken for arrived.
    pub(super) fn push(
        &mut self,
        entry: Entry,
        token: Option<T>,
        most: usize,
    ) -> (AppendToken, Vec<T>) {
        if self.flying.is_empty() && self.overtaken == 0 {
            self.behind = self.behind.max(self.read);
            self.torn = false;
        }
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
            match self.pop() {
                Some(gone) => {
                    self.overtaken = self.overtaken.saturating_add(1);
                    told.extend(gone.token);
                }
                None => break,
            }
        }
        (number, told)
    }

    fn pop(&mut self) -> Option<Flying<T>> {
        let flying = self.flying.pop_front()?;
        self.bytes = self.bytes.saturating_sub(flying.entry.size());
        Some(flying)
    }

    /// An entry has its place; those before it have theirs. Who is to be told of it.
    pub(super) fn arrived(&mut self, number: AppendToken, at: EntryId) -> Option<T> {
        let Some(place) = self.flying.iter().position(|it| it.number == number) else {
            if let Some(overtaken) = self.overtaken.checked_sub(1) {
                (self.overtaken, self.behind) = (overtaken, Some(at));
            }
            return None;
        };
        if place == 0 {
            (self.overtaken, self.behind) = (0, Some(at));
        }
        let flying = self.flying.remove(place)?;
        self.bytes = self.bytes.saturating_sub(flying.entry.size());
        flying.token
    }

    /// An entry was read: what goes on its way from now on comes behind it.
    pub(super) fn read(&mut self, at: EntryId) {
        self.read = self.read.max(Some(at));
    }

    /// The stream has gone back and ends here: places that were known mean nothing.
    pub(super) fn go_back(&mut self, to: EntryId) {
        let end = (to > EntryId::FIRST).then_some(to);
        (self.behind, self.read) = (end, end);
        self.torn |= !self.flying.is_empty() || self.overtaken > 0;
    }

    /// The broker is back: what was it that it had taken?
    pub(super) fn recall(&mut self) -> Option<Option<EntryId>> {
        self.recalling = !self.flying.is_empty() || self.overtaken > 0;
        self.recalling.then_some(self.behind)
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

    /// What of this node is in the stream, in its order, and whether nothing of that can have been thrown away. What is
    /// left on its way is not there for certain.
    pub(super) fn recalled(&mut self, found: &[(EntryId, Entry)], whole: bool) -> Fates<T> {
        let (mut over, mut unsure) = (Vec::new(), 0);
        if !std::mem::take(&mut self.recalling) {
            return Fates { over, unsure };
        }
        let overtaken = std::mem::take(&mut self.overtaken);
        let whole = whole && !std::mem::take(&mut self.torn);
        let (least, most) = self.arrivals(found, whole, overtaken);
        if least == 0 {
            unsure = overtaken.saturating_sub(found.len());
        }
        unsure = unsure.saturating_add(most.saturating_sub(least));
        for place in 0..most {
            let at = place.saturating_add(found.len()).checked_sub(most);
            let at = at.and_then(|at| found.get(at)).map(|(at, _)| *at);
            let gone = self.pop();
            over.extend(gone.map(|it| (it.number, it.token, at)));
        }
        if let Some((at, _)) = found.last() {
            self.behind = Some(*at);
        }
        // What is said again comes behind all that was read.
        self.behind = self.behind.max(self.read);
        Fates { over, unsure }
    }

    /// How many of those on their way have arrived, at least and at most. They were taken in their order, and thrown
    /// away in it: what is found ends with the last that has arrived.
    fn arrivals(
        &self,
        found: &[(EntryId, Entry)],
        whole: bool,
        overtaken: usize,
    ) -> (usize, usize) {
        let all = self.flying.len();
        let may_be = |count: &usize| {
            let before = count.saturating_add(overtaken);
            let as_many = match (whole, *count) {
                // Nobody remembers those that were overtaken: they may be twins of those on their way.
                (_, 0) => found.len() <= overtaken,
                (true, _) => found.len() == before,
                (false, _) => found.len() <= before,
            };
            let arrived = self.flying.iter().take(*count).rev();
            let mut pairs = arrived.zip(found.iter().rev());
            as_many && pairs.all(|(its, (_, entry))| its.entry == *entry)
        };
        let least = (0..=all).find(may_be);
        let most = (0..=all).rev().find(may_be);
        // Where nothing fits, the stream is not the one that they were for.
        least.zip(most).unwrap_or((0, all))
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
