//! What becomes of rooms, told in the order in which it happens.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use sio_core::id::SocketId;
use sio_core::rooms::Rooms;

use super::Socket;
use crate::log::error;
use crate::sync::guard::guarded;
use crate::sync::hook::Hook;

/// What becomes of a room: [`Namespace::on_room_event`](super::Namespace::on_room_event). Rooms named after
/// sockets are rooms, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomEvent {
    /// Its first member is about to join.
    #[doc(alias = "create-room")]
    Created(String),
    /// This socket has joined.
    #[doc(alias = "join-room")]
    Joined(String, SocketId),
    /// This socket has left.
    #[doc(alias = "leave-room")]
    Left(String, SocketId),
    /// Its last member has left.
    #[doc(alias = "delete-room")]
    Deleted(String),
}

type RoomHook = dyn Fn(&RoomEvent) + Send + Sync;

/// The hook of one namespace, and what it is still to be told.
///
/// Noted while the rooms are locked, so that the order is theirs; told when they are not, by one thread at a
/// time.
#[derive(Default)]
pub(super) struct RoomEvents {
    hook: Hook<RoomHook>,
    /// Whether somebody wants to hear of rooms: else nothing is noted.
    wanted: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Some of what waited was told.
    progress: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<RoomEvent>,
    /// Who is telling.
    teller: Option<ThreadId>,
}

/// Events that may wait to be told: past it, whoever causes more waits for the one who tells.
const MOST_WAITING: usize = 4096;

impl RoomEvents {
    pub(super) fn set(&self, hook: Arc<RoomHook>) {
        self.hook.set(hook);
        // One that is closed has none.
        self.wanted
            .store(self.hook.get().is_some(), Ordering::Release);
    }

    /// Lets go of the hook, and of those to come.
    pub(super) fn close(&self) {
        self.wanted.store(false, Ordering::Release);
        self.hook.close();
    }

    /// Where to write what happens, for [`note`](Self::note); `None` if nobody wants to hear of it.
    pub(super) fn notes(&self) -> Option<Vec<RoomEvent>> {
        self.wanted.load(Ordering::Acquire).then(Vec::new)
    }

    /// Puts what has happened behind what happened before. The rooms are still locked.
    pub(super) fn note(&self, notes: Option<Vec<RoomEvent>>, _locked: &Rooms<Socket>) {
        if let Some(notes) = notes.filter(|notes| !notes.is_empty()) {
            self.waiting().events.extend(notes);
        }
    }

    /// Tells what waits, unless somebody does. No lock is held.
    pub(super) fn tell(&self) {
        if !self.wanted.load(Ordering::Acquire) {
            return;
        }
        let me = thread::current().id();
        let mut waiting = self.waiting();
        loop {
            match waiting.teller {
                None => break,
                // The hook has caused this, and hears of it next.
                Some(teller) if teller == me => return,
                Some(_) if waiting.events.len() <= MOST_WAITING => return,
                Some(_) => {
                    let progress = self.progress.wait(waiting);
                    waiting = progress.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        if waiting.events.is_empty() {
            return;
        }
        waiting.teller = Some(me);
        drop(waiting);
        while let Some(event) = self.next() {
            // What happened may be another thread's: a panic here is nobody's who called.
            if let Some(hook) = self.hook.get()
                && let Err(_panic) = guarded(|| hook(&event))
            {
                error!(why = %_panic.0, "handler panicked");
            }
        }
    }

    /// What the one who tells is to tell next. `None`: nothing, and its turn is over.
    fn next(&self) -> Option<RoomEvent> {
        let mut waiting = self.waiting();
        let event = waiting.events.pop_front();
        if event.is_none() {
            // With the lock still held: who notes something now tells it.
            waiting.teller = None;
            waiting.events = VecDeque::new();
        }
        self.progress.notify_all();
        event
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
