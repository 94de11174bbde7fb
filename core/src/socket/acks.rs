//! The emits that wait for an answer (§17).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::event::SocketKey;

/// What one connection waits for. An entry ends with its answer, its deadline or its socket, and
/// nothing else is kept of it; each costs the same however many others there are.
#[derive(Debug)]
pub(super) struct Acks<T> {
    waiting: BTreeMap<(SocketKey, u64), Pending<T>>,
    due: BTreeSet<(Instant, SocketKey, u64)>,
}

#[derive(Debug)]
struct Pending<T> {
    token: T,
    due: Instant,
}

impl<T> Acks<T> {
    pub(super) const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            due: BTreeSet::new(),
        }
    }

    /// Something was asked. Gives the token back if the id is taken.
    pub(super) fn wait(
        &mut self,
        socket: SocketKey,
        id: u64,
        token: T,
        due: Instant,
    ) -> Result<(), T> {
        if self.waiting.contains_key(&(socket, id)) {
            return Err(token);
        }
        self.waiting.insert((socket, id), Pending { token, due });
        self.due.insert((due, socket, id));
        Ok(())
    }

    pub(super) fn is_waiting(&self, socket: SocketKey, id: u64) -> bool {
        self.waiting.contains_key(&(socket, id))
    }

    /// The answer to something we asked. `None`: nobody waits, it came too late or twice.
    pub(super) fn resolve(&mut self, socket: SocketKey, id: u64) -> Option<T> {
        let Pending { token, due } = self.waiting.remove(&(socket, id))?;
        self.due.remove(&(due, socket, id));
        Some(token)
    }

    /// Something whose time is over, the earliest first.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(SocketKey, T)> {
        let (_, socket, id) = *self.due.first().filter(|(due, ..)| *due <= now)?;
        let token = self.resolve(socket, id)?;
        Some((socket, token))
    }

    /// Something that waited for a socket which has gone, the lowest id first.
    pub(super) fn abandon(&mut self, socket: SocketKey) -> Option<T> {
        let (&(_, id), _) = self
            .waiting
            .range((socket, 0)..=(socket, u64::MAX))
            .next()?;
        self.resolve(socket, id)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, ..)| *due)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
