//! What a namespace keeps for a time, and the task that lets go of it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use sio_core::time::Instant;

use crate::runtime::{Runtime, Sleep};
use crate::sync::signal::Signal;
use crate::sync::wait_group::{Counted, WaitGroup};

/// Something that is kept for a time, and looked after as long as there is any of it.
pub(super) trait Expires: Send + Sync + 'static {
    fn watching(&self) -> &Watching;

    /// Lets go of what is due. When to look again; `None`: there is nothing, and nobody looks any more, which
    /// [`Watching::rest`] was told under the lock by which that was found.
    fn expire(&self) -> Option<Instant>;
}

/// Who looks.
#[derive(Default)]
pub(super) struct Watching {
    /// Whether a task waits for what is due.
    watched: AtomicBool,
    over: Signal,
    /// That task.
    watcher: Arc<WaitGroup>,
    /// Who hears when nothing is kept any more.
    rested: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Watching {
    /// Whether a task is to be begun: none is there, and it is not over.
    pub(super) fn begin(&self) -> bool {
        !self.over.is_raised() && !self.watched.swap(true, Ordering::AcqRel)
    }

    /// Whoever comes after this finds that nobody looks.
    pub(super) fn rest(&self) {
        self.watched.store(false, Ordering::Release);
    }

    /// Has this called whenever nothing is kept any more, with no lock held. Whoever is first is heard.
    pub(super) fn on_rest(&self, call: impl Fn() + Send + Sync + 'static) {
        self.rested.get_or_init(|| Box::new(call));
    }

    /// Nobody looks after it any more.
    pub(super) fn close(&self) {
        self.over.raise();
    }

    /// Ends when nobody does.
    pub(super) async fn end(&self) {
        self.watcher.none().await;
    }
}

/// What it needs of its runtime.
pub(super) trait Clock: Send + Sync {
    fn now(&self) -> Instant;
    fn watch(&self, kept: Arc<dyn Expires>);
}

impl<R: Runtime> Clock for R {
    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn watch(&self, kept: Arc<dyn Expires>) {
        let runtime = self.clone();
        let mut watch = Watch {
            alive: Some(kept.watching().watcher.enter()),
            kept,
        };
        self.spawn(async move {
            let mut sleep = None;
            while let Some(at) = watch.kept.expire() {
                let mut sleep = match &mut sleep {
                    None => sleep.insert(Box::pin(runtime.sleep_until(at))).as_mut(),
                    Some(sleep) => {
                        Sleep::reset(sleep.as_mut(), at);
                        sleep.as_mut()
                    }
                };
                let mut over = pin!(Signal::wait(Whole(watch.kept.clone())));
                poll_fn(|cx| match over.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => sleep.as_mut().poll(cx),
                })
                .await;
                if watch.kept.watching().over.is_raised() {
                    return;
                }
            }
            // Somebody else may look by now.
            drop(watch.alive.take());
            if let Some(rested) = watch.kept.watching().rested.get() {
                rested();
            }
        });
    }
}

/// Somebody looks, as long as this lives.
struct Watch {
    kept: Arc<dyn Expires>,
    alive: Option<Counted>,
}

impl Drop for Watch {
    /// Its runtime may have ended, where another has not.
    fn drop(&mut self) {
        if self.alive.is_some() {
            self.kept.watching().rest();
        }
    }
}

/// All of it, by its end.
struct Whole(Arc<dyn Expires>);

impl AsRef<Signal> for Whole {
    fn as_ref(&self) -> &Signal {
        &self.0.watching().over
    }
}
