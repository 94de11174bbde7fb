//! The emits that wait for an answer (§17).

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::HashMap;

use super::event::SocketKey;
use crate::time::Instant;

/// What one connection waits for. An entry ends with its answer, its deadline or its socket, and
/// nothing else is kept of it.
///
/// To ask and to be answered cost the same however many others wait, as long as all wait equally long;
/// one that waits shorter than others is put in its place among them.
#[derive(Clone, Debug)]
pub(crate) struct Acks<T> {
    /// Boxed, since few connections have ever been asked anything.
    table: Option<Box<Table<T>>>,
}

#[derive(Clone, Debug)]
struct Table<T> {
    /// Probed, never walked.
    waiting: HashMap<Key, Pending<T>, Mix>,
    /// The earliest first. Some are over already, but never the first.
    due: VecDeque<(Instant, Key)>,
}

type Key = (SocketKey, u64);

#[derive(Clone, Debug)]
struct Pending<T> {
    token: T,
    due: Instant,
}

impl<T: Hash> Hash for Acks<T> {
    /// A table that is kept for those to come makes no difference.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let table = self.table.as_ref();
        let table = table.filter(|table| !table.waiting.is_empty());
        table.hash(state);
    }
}

impl<T> Acks<T> {
    pub(crate) const fn new() -> Self {
        Self { table: None }
    }

    /// Something was asked. Gives the token back if the id is taken.
    pub(crate) fn wait(
        &mut self,
        socket: SocketKey,
        id: u64,
        token: T,
        due: Instant,
    ) -> Result<(), T> {
        let table = self.table.get_or_insert_default();
        let key = (socket, id);
        if table.waiting.contains_key(&key) {
            return Err(token);
        }
        table.waiting.insert(key, Pending { token, due });
        // Mostly behind the last.
        let at = match table.due.back() {
            Some((last, _)) if *last > due => table.due.partition_point(|(at, _)| *at <= due),
            Some(_) | None => table.due.len(),
        };
        table.due.insert(at, (due, key));
        Ok(())
    }

    pub(crate) fn is_waiting(&self, socket: SocketKey, id: u64) -> bool {
        let table = self.table.as_ref();
        table.is_some_and(|table| table.waiting.contains_key(&(socket, id)))
    }

    /// The answer to something we asked. `None`: nobody waits, it came too late or twice.
    pub(crate) fn resolve(&mut self, socket: SocketKey, id: u64) -> Option<T> {
        let table = self.table.as_mut()?;
        let Pending { token, .. } = table.waiting.remove(&(socket, id))?;
        table.tidy();
        self.shrink();
        Some(token)
    }

    /// Something whose time is over, the earliest first.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<(SocketKey, T)> {
        let (socket, _, token) = self.expire_with_id(now)?;
        Some((socket, token))
    }

    /// The same, and the id under which it waited.
    pub(crate) fn expire_with_id(&mut self, now: Instant) -> Option<(SocketKey, u64, T)> {
        let due = &self.table.as_ref()?.due;
        let (_, (socket, id)) = *due.front().filter(|(due, _)| *due <= now)?;
        let token = self.resolve(socket, id)?;
        Some((socket, id, token))
    }

    /// All that waited for a socket which has gone, in the order of their ids.
    pub(crate) fn abandon(&mut self, socket: SocketKey) -> Vec<T> {
        self.abandon_but(socket, |_| false)
    }

    /// The same, but for those ids that are to go on waiting.
    pub(crate) fn abandon_but(&mut self, socket: SocketKey, stays: impl Fn(u64) -> bool) -> Vec<T> {
        let Some(table) = self.table.as_mut() else {
            return Vec::new();
        };
        let mut ids: Vec<u64> = table
            .due
            .iter()
            .filter(|(_, (its, id))| *its == socket && !stays(*id))
            .map(|(_, (_, id))| *id)
            .collect();
        ids.sort_unstable();
        let gone = ids
            .into_iter()
            .filter_map(|id| table.waiting.remove(&(socket, id)))
            .map(|pending| pending.token)
            .collect();
        table.tidy();
        self.shrink();
        gone
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.table.as_ref()?.due.front().map(|(due, _)| *due)
    }

    pub(crate) fn len(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.waiting.len())
    }

    /// Keeps nothing for those to come.
    pub(crate) fn give_back(&mut self) {
        self.table.take_if(|table| table.waiting.is_empty());
    }

    /// A burst is over: what held it is given back, what holds a few is kept.
    fn shrink(&mut self) {
        if self
            .table
            .as_ref()
            .is_some_and(|table| table.waiting.is_empty() && table.waiting.capacity() > KEPT)
        {
            self.table = None;
        }
    }
}

impl<T> Table<T> {
    /// Forgets deadlines of what is over: all before the first that is not, and the others once they are
    /// the most.
    fn tidy(&mut self) {
        let Self { waiting, due } = self;
        let waits = |(due, key): &(Instant, Key)| waiting.get(key).is_some_and(|it| it.due == *due);
        while due.front().is_some_and(|first| !waits(first)) {
            due.pop_front();
        }
        if due.len() > waiting.len().saturating_mul(2).saturating_add(KEPT) {
            due.retain(waits);
        }
    }
}

impl<T: Hash> Hash for Table<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // In the order in which they are due: the table itself is not to be walked.
        for (due, key) in &self.due {
            if let Some(pending) = self.waiting.get(key).filter(|it| it.due == *due) {
                (due, key).hash(state);
                pending.token.hash(state);
            }
        }
        self.waiting.len().hash(state);
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::with_hasher(Mix(0)),
            due: VecDeque::new(),
        }
    }
}

/// Entries whose room is kept when all are over.
const KEPT: usize = 32;

/// Hashes ids. They are drawn here, one after the other: peers choose which they answer, not which wait.
#[derive(Clone, Copy, Debug)]
struct Mix(u64);

impl BuildHasher for Mix {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing: neighbours end up far apart, in the upper half.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(32)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const fn socket(slot: u32) -> SocketKey {
        SocketKey(crate::arena::Key::new(slot, 1))
    }

    #[test]
    fn each_ends_once() {
        let now = Instant::ORIGIN;
        let after = |ms| now + Duration::from_millis(ms);
        let mut acks = Acks::new();
        assert_eq!(acks.wait(socket(0), 1, "a", after(10)), Ok(()));
        assert_eq!(acks.wait(socket(0), 1, "b", after(10)), Err("b"));
        assert_eq!(acks.wait(socket(1), 1, "c", after(5)), Ok(()));
        assert_eq!(acks.wait(socket(0), 3, "d", after(7)), Ok(()));
        assert_eq!((acks.len(), acks.deadline()), (3, Some(after(5))));
        assert_eq!(acks.resolve(socket(1), 3), None);
        assert_eq!(acks.resolve(socket(1), 1), Some("c"));
        assert_eq!(acks.resolve(socket(1), 1), None);
        assert_eq!(acks.expire(after(6)), None);
        assert_eq!(acks.expire(after(7)), Some((socket(0), "d")));
        assert_eq!(acks.abandon(socket(1)), [""; 0]);
        assert_eq!(acks.abandon(socket(0)), ["a"]);
        assert_eq!((acks.len(), acks.deadline()), (0, None));
    }

    #[test]
    fn what_nobody_waits_in_is_given_back() {
        let mut acks = Acks::new();
        assert_eq!(acks.wait(socket(0), 1, "a", Instant::ORIGIN), Ok(()));
        acks.give_back();
        assert_eq!(acks.resolve(socket(0), 1), Some("a"));
        assert!(acks.table.is_some());
        acks.give_back();
        assert!(acks.table.is_none());
    }

    #[test]
    fn nothing_is_kept_of_those_that_were_answered() {
        let now = Instant::ORIGIN;
        let mut acks = Acks::new();
        // One never is.
        assert_eq!(acks.wait(socket(0), 0, 0, now), Ok(()));
        for id in 1..10_000 {
            assert_eq!(acks.wait(socket(0), id, id, now), Ok(()));
            if let Some(old) = id.checked_sub(100).filter(|old| *old > 0) {
                assert_eq!(acks.resolve(socket(0), old), Some(old));
            }
            let table = acks.table.as_ref().unwrap();
            assert!(table.due.len() <= 2 * 101 + KEPT + 1);
        }
        assert_eq!(acks.abandon(socket(0)).len(), 101);
        assert!(acks.table.is_none());
    }

    #[test]
    fn deadlines_of_what_is_over_are_forgotten_once_they_are_the_most() {
        let mut acks = Acks::new();
        assert_eq!(acks.wait(socket(0), 0, 0, Instant::ORIGIN), Ok(()));
        // One waits, whose deadline is the first.
        let most = 2 + KEPT;
        for id in 1..=3 * most as u64 {
            assert_eq!(acks.wait(socket(0), id, id, Instant::ORIGIN), Ok(()));
            assert_eq!(acks.resolve(socket(0), id), Some(id));
            let kept = acks.table.as_ref().unwrap().due.len();
            assert_eq!(kept, 1 + id as usize % most, "{id}");
        }
    }

    proptest! {
        /// As a list that is searched from its beginning.
        #[test]
        fn it_is_a_list(steps in prop::collection::vec((0..5u8, 0..3u32, 0..6u64, 0..9u64), 0..200)) {
            let now = Instant::ORIGIN;
            let mut acks = Acks::new();
            let mut list: Vec<(u64, SocketKey, u64, usize)> = Vec::new();
            for (token, (what, slot, id, time)) in steps.into_iter().enumerate() {
                let key = socket(slot);
                let place = list.iter().position(|it| (it.1, it.2) == (key, id));
                match what {
                    0 | 1 => {
                        let due = now + Duration::from_millis(time);
                        prop_assert_eq!(acks.is_waiting(key, id), place.is_some());
                        let taken = acks.wait(key, id, token, due).is_err();
                        prop_assert_eq!(taken, place.is_some());
                        if !taken {
                            list.push((time, key, id, token));
                        }
                    }
                    2 => {
                        let expected = place.map(|at| list.remove(at).3);
                        prop_assert_eq!(acks.resolve(key, id), expected);
                    }
                    3 => {
                        list.sort_by_key(|it| it.0);
                        let first = list.first().filter(|it| it.0 <= time).copied();
                        let now = now + Duration::from_millis(time);
                        let expired = acks.expire(now);
                        prop_assert_eq!(expired.is_some(), first.is_some());
                        if let Some((socket, token)) = expired {
                            let at = list.iter().position(|it| it.3 == token).unwrap();
                            let gone = list.remove(at);
                            prop_assert_eq!((gone.0, gone.1), (first.unwrap().0, socket));
                        }
                    }
                    _ => {
                        let mut gone: Vec<_> = list.extract_if(.., |it| it.1 == key).collect();
                        gone.sort_by_key(|it| it.2);
                        let tokens: Vec<usize> = gone.iter().map(|it| it.3).collect();
                        prop_assert_eq!(acks.abandon(key), tokens);
                    }
                }
                prop_assert_eq!(acks.len(), list.len());
                let first = list.iter().map(|it| it.0).min();
                let due = first.map(|time| now + Duration::from_millis(time));
                prop_assert_eq!(acks.deadline(), due);
            }
        }
    }
}
