//! The thread that a client has for itself.

use std::future::Future;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use sio_core::time::Instant;

use super::wait::mark;
use crate::client::dialer::Dialer;
use crate::client::inner::{Alive, Face, Shared};
use crate::client::task::{Plan, Task};
use crate::sync::BoxFuture;

/// A runtime that can be run by one thread, for one task and what that task spawns.
pub trait OwnThread: Dialer {
    /// What runs it. Dropped anywhere, it waits for nothing.
    type Drive: Send + 'static;

    /// What lets other threads make a timer of it.
    type Door: Send + Sync + 'static;

    /// A runtime of this kind that nobody else runs.
    ///
    /// # Errors
    /// The system has no more of what it needs.
    fn apart() -> io::Result<(Self, Self::Drive, Self::Door)>;

    /// Runs a task on the thread that calls, until it has ended, and with it what it has spawned: what of that has
    /// not ended then is dropped.
    fn drive(drive: Self::Drive, task: impl Future<Output = ()> + Send + 'static);

    /// Does something where it can make timers.
    fn enter<T>(door: &Self::Door, act: impl FnOnce() -> T) -> T;
}

/// A runtime as the handles see it that is run by a thread for one client.
pub(super) struct Apart<R: OwnThread> {
    runtime: R,
    door: R::Door,
    /// The thread ends if nothing comes, and nothing can come any more.
    start: Sender<(Arc<Shared>, Weak<Alive>)>,
}

impl<R: OwnThread> Apart<R> {
    /// Begins the thread, which waits for its client to be started.
    pub(super) fn begin(
        runtime: R,
        plan: Plan<R>,
        drive: R::Drive,
        door: R::Door,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let its = runtime.clone();
        let (start, started) = channel::<(Arc<Shared>, Weak<Alive>)>();
        let thread = begin(move || {
            if let Ok((shared, alive)) = started.recv() {
                R::drive(drive, Task::new(its, plan, shared, alive));
            }
        })?;
        let face = Self {
            runtime,
            door,
            start,
        };
        Ok((face, thread))
    }
}

/// Begins a thread of a client's.
pub(super) fn begin(run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(NAME.to_owned()).spawn(move || {
        mark();
        run();
    })
}

impl<R: OwnThread> Face for Apart<R> {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<()> {
        let at = self.runtime.now() + time;
        Box::pin(R::enter(&self.door, || self.runtime.sleep_until(at)))
    }

    fn start(&self, shared: Arc<Shared>, alive: &Arc<Alive>) {
        // The thread is there: it waits for nothing else.
        let _ = self.start.send((shared, Arc::downgrade(alive)));
    }
}

/// The thread, for those who wait for its end.
pub(super) struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Thread {
    pub(super) const fn new(thread: Option<JoinHandle<()>>) -> Self {
        Self(Mutex::new(thread))
    }

    /// Waits until it has ended. Its client has closed.
    pub(super) fn join(&self) {
        let mut thread = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // What has panicked there was told by the panic.
            let _ = thread.join();
        }
    }
}

/// What the thread is called, for those who look at a process: Linux shows 15 bytes of it.
const NAME: &str = "sio-client";
