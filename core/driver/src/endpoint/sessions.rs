//! Which session is whose task.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::id::Sid;

use crate::mailbox::task_handle::TaskHandle;

/// The live sessions of one endpoint by their ids, in shards so that requests rarely meet.
pub(crate) struct Sessions {
    shards: [Mutex<HashMap<Sid, Arc<TaskHandle>>>; SHARDS],
}

const SHARDS: usize = 16;

/// A table gives memory back when no more than one in so many of its places is taken.
const SPARSE: usize = 8;

impl Sessions {
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Adds a session. `false`: there is one with this id.
    pub(crate) fn insert(&self, task: Arc<TaskHandle>) -> bool {
        let mut shard = self.shard(task.sid().as_str());
        if shard.contains_key(task.sid()) {
            return false;
        }
        shard.insert(task.sid().clone(), task);
        true
    }

    pub(crate) fn get(&self, sid: &Sid) -> Option<Arc<TaskHandle>> {
        self.shard(sid.as_str()).get(sid).cloned()
    }

    /// Takes a session out. Nothing happens if it is out already: another may have its id since, where the
    /// application makes them.
    pub(crate) fn remove(&self, task: &TaskHandle) {
        let mut shard = self.shard(task.sid().as_str());
        if shard
            .get(task.sid())
            .is_some_and(|its| its.address() == task.address())
        {
            shard.remove(task.sid());
            // A crowd that has left takes the memory of its table along. Seldom enough: as many must leave
            // first as what is left has room for.
            if shard.len() < shard.capacity() / SPARSE {
                let most = shard.len().saturating_mul(2);
                shard.shrink_to(most);
            }
        }
    }

    /// All of them, as of now, in the order of their ids: that of the maps is another in each process.
    pub(crate) fn all(&self) -> Vec<Arc<TaskHandle>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(lock(shard).values().cloned());
        }
        all.sort_unstable_by(|one, other| one.sid().as_str().cmp(other.sid().as_str()));
        all
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whoever makes many ids for one shard makes its requests wait for each other, no more: the map in it
    /// hashes under a key. Hashing twice was two percent of a request.
    fn shard(&self, sid: &str) -> MutexGuard<'_, HashMap<Sid, Arc<TaskHandle>>> {
        let sum = sid.bytes().fold(0, u8::wrapping_add);
        // Shards have a fixed number above zero, so there is always one.
        lock(&self.shards[usize::from(sum) % SHARDS])
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use sio_core::config::Config;
    use sio_core::engine::{Eio, TransportKind};

    use super::*;
    use crate::endpoint::Endpoint;

    #[test]
    fn all_sessions_come_in_the_order_of_their_ids() {
        let endpoint = Endpoint::new(Config::default()).unwrap();
        for n in 0..100u8 {
            let sid = Sid::from_random([n.wrapping_mul(37); 15]);
            let task = TaskHandle::new(
                endpoint.common.clone(),
                sid,
                Eio::V4,
                TransportKind::Polling,
            );
            assert!(endpoint.sessions.insert(Arc::new(task)));
        }
        let all = endpoint.sessions.all();
        assert_eq!(all.len(), 100);
        assert!(all.is_sorted_by_key(|task| task.sid().as_str()));
    }

    /// Not even one whose session nobody takes out: its connections have no hold on it.
    #[test]
    fn an_endpoint_is_not_kept_by_its_sessions() {
        let endpoint = Endpoint::new(Config::default()).unwrap();
        let sid = Sid::from_random([7; 15]);
        let task = TaskHandle::new(
            endpoint.common.clone(),
            sid,
            Eio::V4,
            TransportKind::Polling,
        );
        assert!(endpoint.sessions.insert(Arc::new(task)));
        let gone = Arc::downgrade(&endpoint);
        drop(endpoint);
        assert!(gone.upgrade().is_none());
    }
}
