//! Which namespaces listen to what: two whose names are alike may listen to one channel.

use std::collections::BTreeMap;

use sio_cluster::Subscription;

/// Who listens, by number.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: BTreeMap<Subscription, Vec<u32>>,
    /// Those who do no more, until the broker confirms it.
    leaving: BTreeMap<Subscription, Vec<u32>>,
}

impl Listeners {
    pub(super) fn add(&mut self, of: u32, to: &Subscription) {
        let all = self.all.entry(to.clone()).or_default();
        if !all.contains(&of) {
            all.push(of);
        }
    }

    /// Whether that was the last, and the broker is to be told.
    pub(super) fn remove(&mut self, of: u32, to: &Subscription) -> bool {
        let Some(all) = self.all.get_mut(to) else {
            return false;
        };
        all.retain(|its| *its != of);
        let last = all.is_empty();
        if last {
            self.all.remove(to);
            self.leaving.entry(to.clone()).or_default().push(of);
        }
        last
    }

    pub(super) fn of(&self, to: &Subscription) -> &[u32] {
        self.all.get(to).map_or(&[], Vec::as_slice)
    }

    /// The broker has it no more: all who are to know that.
    pub(super) fn gone(&mut self, to: &Subscription) -> Vec<u32> {
        let mut all = self.leaving.remove(to).unwrap_or_default();
        all.extend(self.of(to));
        all
    }

    /// A namespace is no more.
    pub(super) fn forget(&mut self, of: u32) {
        for all in [&mut self.all, &mut self.leaving] {
            all.retain(|_, listeners| {
                listeners.retain(|its| *its != of);
                !listeners.is_empty()
            });
        }
    }

    /// The broker has gone, and all with it.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_left_by_the_last_who_listens_to_it() {
        let channel = Subscription::Channel("key#/a#b#".to_owned());
        let mut listeners = Listeners::default();
        listeners.add(1, &channel);
        listeners.add(2, &channel);
        listeners.add(2, &channel);
        assert!(!listeners.remove(1, &channel));
        assert_eq!(listeners.of(&channel), [2]);
        assert!(listeners.remove(2, &channel));
        assert!(!listeners.remove(2, &channel));
        // Another has come before the broker has confirmed.
        listeners.add(3, &channel);
        assert_eq!(listeners.gone(&channel), [2, 3]);
        assert_eq!(listeners.gone(&channel), [3]);
        listeners.forget(3);
        assert!(listeners.of(&channel).is_empty());
    }
}
