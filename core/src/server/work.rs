//! Which connections are to be looked at.

use std::collections::{BTreeSet, VecDeque};

use super::ConnectionKey;

/// Connections to look at, each once, in the order in which they came.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Work {
    queue: VecDeque<ConnectionKey>,
    listed: BTreeSet<ConnectionKey>,
}

impl Work {
    pub(super) fn add(&mut self, connection: ConnectionKey) {
        if self.listed.insert(connection) {
            self.queue.push_back(connection);
        }
    }

    pub(super) fn first(&self) -> Option<ConnectionKey> {
        self.queue.front().copied()
    }

    pub(super) fn done(&mut self) {
        if let Some(connection) = self.queue.pop_front() {
            self.listed.remove(&connection);
        }
    }
}
