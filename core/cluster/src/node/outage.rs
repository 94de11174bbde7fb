//! What waits for the broker to come back.

use std::collections::VecDeque;

use sio_core::time::Instant;

use super::output::Publication;
use crate::codec::streams::Entry;

#[derive(Clone, Debug, Hash)]
pub(super) enum Held<T> {
    Publication(Publication),
    /// An entry, and who is to be told of its place.
    Entry(Entry, Option<T>),
}

impl<T> Held<T> {
    fn size(&self) -> usize {
        match self {
            Self::Publication(it) => it.payload.len().saturating_add(it.channel.len()),
            Self::Entry(entry, _) => entry.size(),
        }
    }
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Outage<T> {
    held: VecDeque<(Instant, Held<T>)>,
    bytes: usize,
}

impl<T> Outage<T> {
    pub(super) const fn new() -> Self {
        Self {
            held: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Keeps it; what had to go for it.
    pub(super) fn push(&mut self, now: Instant, held: Held<T>, most: usize) -> Vec<Held<T>> {
        self.bytes = self.bytes.saturating_add(held.size());
        self.held.push_back((now, held));
        let mut gone = Vec::new();
        while self.bytes > most {
            gone.extend(self.pop().map(|(_, held)| held));
        }
        gone
    }

    pub(super) fn pop(&mut self) -> Option<(Instant, Held<T>)> {
        let (at, held) = self.held.pop_front()?;
        self.bytes = self.bytes.saturating_sub(held.size());
        Some((at, held))
    }

    /// Since when the oldest waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.held.front().map(|(at, _)| *at)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
