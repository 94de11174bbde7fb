//! What has happened and was not told yet.

use std::collections::VecDeque;

use super::event::Event;

/// Events that wait to be told, in order, with the tickets in them.
///
/// A clone of it belongs to a clone of its connection, and so do the tickets in it: whoever is handed one has the
/// only one that this connection gives out.
#[derive(Debug, Hash)]
pub(super) struct Events<T>(VecDeque<Event<T>>);

impl<T> Events<T> {
    pub(super) fn push(&mut self, event: Event<T>) {
        self.0.push_back(event);
    }

    /// Nobody is to decide over a namespace any more.
    pub(super) fn forget_asked(&mut self) {
        self.0
            .retain(|event| !matches!(event, Event::Connecting { .. }));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn first(&self) -> Option<&Event<T>> {
        self.0.front()
    }

    pub(super) fn pop(&mut self) -> Option<Event<T>> {
        self.0.pop_front()
    }
}

impl<T> Default for Events<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Clone> Clone for Events<T> {
    fn clone(&self) -> Self {
        Self(self.0.iter().map(Event::for_clone).collect())
    }
}
