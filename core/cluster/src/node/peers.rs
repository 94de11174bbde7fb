//! Which other nodes were heard, and when.

use std::collections::{BTreeMap, BTreeSet};

use sio_core::time::Instant;

use crate::id::Uid;

#[derive(Clone, Debug, Hash)]
pub(super) struct Peers {
    heard: BTreeMap<Uid, Instant>,
    by_time: BTreeSet<(Instant, Uid)>,
}

impl Peers {
    pub(super) const fn new() -> Self {
        Self {
            heard: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }

    /// With too many of them, the one that was silent longest is forgotten.
    pub(super) fn hear(&mut self, uid: &Uid, now: Instant, most: usize) {
        if let Some(at) = self.heard.get_mut(uid) {
            if *at != now {
                let mut place = (*at, uid.clone());
                self.by_time.remove(&place);
                *at = now;
                place.0 = now;
                self.by_time.insert(place);
            }
            return;
        }
        self.heard.insert(uid.clone(), now);
        self.by_time.insert((now, uid.clone()));
        while self.heard.len() > most
            && let Some((_, uid)) = self.by_time.pop_first()
        {
            self.heard.remove(&uid);
        }
    }

    pub(super) fn forget(&mut self, uid: &Uid) {
        if let Some(at) = self.heard.remove(uid) {
            self.by_time.remove(&(at, uid.clone()));
        }
    }

    /// One that was not heard since then, or only just.
    pub(super) fn pop_silent(&mut self, since: Instant) -> Option<Uid> {
        let (at, _) = self.by_time.first()?;
        if *at > since {
            return None;
        }
        let (_, uid) = self.by_time.pop_first()?;
        self.heard.remove(&uid);
        Some(uid)
    }

    /// When the one was heard that was silent longest.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.heard.len()
    }

    pub(super) fn all(&self) -> BTreeSet<Uid> {
        self.heard.keys().cloned().collect()
    }
}
