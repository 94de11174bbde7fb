//! Who hears of what is emitted.

use std::sync::Arc;

use sio_core::packet::Args;

use crate::listeners::ListenerId;

/// A hook of the application's: the event's name and its arguments.
pub(crate) type Hear = dyn Fn(&str, &Args) + Send + Sync;

/// Hooks, in the order in which they hear. Cheap to clone: they are called from a copy, with no lock held.
#[derive(Clone)]
pub(crate) struct Hearers(Arc<[(ListenerId, Arc<Hear>)]>);

impl Default for Hearers {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl Hearers {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn ids(&self) -> Vec<ListenerId> {
        self.0.iter().map(|(id, _)| *id).collect()
    }

    pub(crate) fn hear(&self, event: &str, args: &Args) {
        for (_, hook) in self.0.iter() {
            hook(event, args);
        }
    }

    /// These and one more, before or behind them.
    pub(crate) fn with(&self, id: ListenerId, hook: Arc<Hear>, first: bool) -> Self {
        let more = [(id, hook)].into_iter();
        let all = self.0.iter().cloned();
        Self(match first {
            true => more.chain(all).collect(),
            false => all.chain(more).collect(),
        })
    }

    /// These but one. `None`: it is not among them.
    pub(crate) fn without(&self, id: ListenerId) -> Option<Self> {
        let there = self.0.iter().any(|(its, _)| *its == id);
        let others = self.0.iter().filter(|(its, _)| *its != id);
        there.then(|| Self(others.cloned().collect()))
    }
}
