//! What a namespace keeps for clients that may come back, and what lets go of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sio_core::config::Config;
use sio_core::id::{HashKey, SocketId};
use sio_core::recovery::{Event, Expiry, Recovery};
use sio_core::time::Instant;

use super::afar::Afar;
use super::watch::{Clock, Expires, Watching};
use crate::adapter::{SocketData, Values};
use crate::log::error;
use crate::runtime::Runtime;
use crate::sync::guard::{guarded, let_go};
use crate::sync::hook::Hook;

/// A socket that was cut off and whose client has not come back in time.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExpiredSession {
    /// The id that it had.
    pub id: SocketId,
    /// Why its client would come as a new one by now.
    pub why: Expiry,
    /// What it was given by [`Socket::set_data`](crate::app::Socket::set_data).
    pub data: SocketData,
}

pub(crate) type ExpiryHook = dyn Fn(&ExpiredSession) + Send + Sync;

/// The machine of one namespace, the clock that it goes by, and who hears of what it lets go.
pub(crate) struct Keeper {
    recovery: Mutex<Recovery<Values>>,
    runtime: Box<dyn Clock>,
    hook: Arc<Hook<ExpiryHook>>,
    watching: Watching,
}

/// Where what clients may come back to is kept.
pub(super) enum Kept {
    /// On this node.
    Here(Arc<Keeper>),
    /// Where all nodes find it.
    Afar(Arc<Afar>),
}

/// The keeper of a namespace, which ends with it.
#[derive(Default)]
pub(super) struct KeptOnce(OnceLock<Kept>);

impl KeptOnce {
    #[inline]
    pub(super) fn get(&self) -> Option<&Kept> {
        self.0.get()
    }

    #[inline]
    pub(super) fn here(&self) -> Option<&Arc<Keeper>> {
        match self.0.get()? {
            Kept::Here(keeper) => Some(keeper),
            Kept::Afar(_) => None,
        }
    }

    /// Unless there is one.
    pub(super) fn set(&self, kept: Kept) {
        let _ = self.0.set(kept);
    }
}

impl Drop for KeptOnce {
    fn drop(&mut self) {
        if let Some(keeper) = self.here() {
            keeper.close();
        }
    }
}

impl Keeper {
    /// If the options have it.
    pub(super) fn new(
        config: &Config,
        key: HashKey,
        runtime: impl Runtime,
        hook: Arc<Hook<ExpiryHook>>,
    ) -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            recovery: Mutex::new(Recovery::new(config, key)?),
            runtime: Box::new(runtime),
            hook,
            watching: Watching::default(),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Recovery<Values>> {
        self.recovery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Sessions have come or gone: tells of those that have expired, and has the others looked after, by a task of
    /// the runtime that this is called in. With no lock held.
    pub(super) fn attend(self: &Arc<Self>) {
        self.tell();
        let has_any = self.lock().has_sessions();
        if has_any && self.watching.begin() {
            self.runtime.watch(self.clone());
        }
    }

    /// Whether somebody may come back that has left.
    pub(super) fn is_awaited(&self) -> bool {
        self.lock().has_away()
    }

    fn tell(&self) {
        loop {
            let event = self.lock().poll_event();
            let Some(Event::Expired { id, why, data }) = event else {
                return;
            };
            let mut told = Ok(());
            if let Some(hook) = self.hook.get() {
                let shared = data.shared();
                let expired = ExpiredSession {
                    id,
                    why,
                    data: shared,
                };
                told = guarded(|| hook(&expired)).and(let_go((hook, expired)));
            }
            // This may be the last of it, and its destructors are the application's.
            if let Err(_panic) = told.and(let_go(data)) {
                error!(why = %_panic.0, "handler panicked");
            }
        }
    }

    /// Its server is closed: nobody comes back, and the hook hears of none of them.
    pub(super) fn close(&self) {
        self.watching.close();
        let kept = self.lock().clear();
        // Dropped outside the lock: it is the application's.
        let _ = let_go(kept);
    }

    /// The same, and ends when nobody looks after it any more.
    pub(super) async fn end(&self) {
        self.close();
        self.watching.end().await;
    }
}

impl Expires for Keeper {
    fn watching(&self) -> &Watching {
        &self.watching
    }

    fn expire(&self) -> Option<Instant> {
        let now = self.now();
        let next = {
            let mut recovery = self.lock();
            recovery.handle_timeout(now);
            if recovery.has_sessions() {
                // What is kept from now on is not due before that.
                let later = now.saturating_add(recovery.max_disconnection_duration());
                let due = recovery.poll_timeout().map(|due| due.at);
                Some(due.map_or(later, |due| due.min(later)))
            } else {
                self.watching.rest();
                None
            }
        };
        self.tell();
        next
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
