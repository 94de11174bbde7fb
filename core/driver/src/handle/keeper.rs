//! What a namespace keeps for clients that may come back, and what lets go of it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;

use sio_core::config::Config;
use sio_core::id::{HashKey, SocketId};
use sio_core::recovery::{Event, Expiry, Recovery};
use sio_core::time::Instant;

use crate::adapter::{SocketData, Values};
use crate::log::error;
use crate::runtime::{Runtime, Sleep};
use crate::sync::guard::guarded;
use crate::sync::hook::Hook;
use crate::sync::signal::Signal;
use crate::sync::wait_group::{Counted, WaitGroup};

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
    runtime: Box<dyn Watched>,
    hook: Arc<Hook<ExpiryHook>>,
    /// Whether a task waits for what is due.
    watched: AtomicBool,
    over: Signal,
    /// That task.
    watcher: Arc<WaitGroup>,
}

/// The keeper of a namespace, which ends with it.
#[derive(Default)]
pub(super) struct Kept(OnceLock<Arc<Keeper>>);

impl Kept {
    #[inline]
    pub(super) fn get(&self) -> Option<&Arc<Keeper>> {
        self.0.get()
    }

    /// Unless there is one.
    pub(super) fn set(&self, keeper: Arc<Keeper>) {
        let _ = self.0.set(keeper);
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(keeper) = self.0.get() {
            keeper.close();
        }
    }
}

/// What a keeper needs of its runtime.
trait Watched: Send + Sync {
    fn now(&self) -> Instant;
    fn watch(&self, keeper: Arc<Keeper>);
}

impl<R: Runtime> Watched for R {
    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn watch(&self, keeper: Arc<Keeper>) {
        let runtime = self.clone();
        let mut watch = Watch {
            alive: Some(keeper.watcher.enter()),
            keeper,
        };
        self.spawn(async move {
            let mut sleep = None;
            while let Some(at) = watch.keeper.expire() {
                let mut sleep = match &mut sleep {
                    None => sleep.insert(Box::pin(runtime.sleep_until(at))).as_mut(),
                    Some(sleep) => {
                        Sleep::reset(sleep.as_mut(), at);
                        sleep.as_mut()
                    }
                };
                let mut over = pin!(Signal::wait(Whole(watch.keeper.clone())));
                poll_fn(|cx| match over.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => sleep.as_mut().poll(cx),
                })
                .await;
                if watch.keeper.over.is_raised() {
                    return;
                }
            }
            // Somebody else may look by now.
            drop(watch.alive.take());
        });
    }
}

/// Somebody looks, as long as this lives.
struct Watch {
    keeper: Arc<Keeper>,
    alive: Option<Counted>,
}

impl Drop for Watch {
    /// Its runtime may have ended, where another has not.
    fn drop(&mut self) {
        if self.alive.is_some() {
            self.keeper.watched.store(false, Ordering::Release);
        }
    }
}

/// A keeper by its end.
struct Whole(Arc<Keeper>);

impl AsRef<Signal> for Whole {
    fn as_ref(&self) -> &Signal {
        &self.0.over
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
            watched: AtomicBool::new(false),
            over: Signal::default(),
            watcher: Arc::default(),
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
        if has_any && !self.over.is_raised() && !self.watched.swap(true, Ordering::AcqRel) {
            self.runtime.watch(self.clone());
        }
    }

    /// Lets go of what is due. When to look again; `None`: there is nobody, and nobody looks any more.
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
                // Whoever comes after this finds that nobody looks.
                self.watched.store(false, Ordering::Release);
                None
            }
        };
        self.tell();
        next
    }

    fn tell(&self) {
        loop {
            let event = self.lock().poll_event();
            let Some(Event::Expired { id, why, data }) = event else {
                return;
            };
            let Some(hook) = self.hook.get() else {
                continue;
            };
            let data = data.shared();
            let expired = ExpiredSession { id, why, data };
            if let Err(_panic) = guarded(|| hook(&expired)) {
                error!(why = %_panic.0, "handler panicked");
            }
        }
    }

    /// Its server is closed: nobody comes back, and the hook hears of none of them.
    pub(super) fn close(&self) {
        self.over.raise();
        let kept = self.lock().clear();
        // Dropped outside the lock: it is the application's.
        drop(kept);
    }

    /// The same, and ends when nobody looks after it any more.
    pub(super) async fn end(&self) {
        self.close();
        self.watcher.none().await;
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper")
    }
}
