//! What becomes of rooms, told in the order in which it happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::rooms::{RoomEvent, Rooms};

use crate::log::error;
use crate::mailbox::command::Command;
use crate::mailbox::current::Current;
use crate::mailbox::local_queue;
use crate::sync::guard::guarded;
use crate::sync::hook::Hook;
use crate::sync::one_shot::{Answer, answer};

pub(super) type RoomHook = dyn Fn(&RoomEvent) + Send + Sync;

/// The hook of one namespace, and what it is still to be told.
///
/// Taken from the rooms while they are locked, so that the order is theirs; told when they are not, by one
/// thread at a time. Nobody waits for that one: a connection whose handlers cause more than may wait starts no
/// more of them, and so is not read in the end, until much of it is told.
#[derive(Default)]
pub(super) struct RoomEvents {
    hook: Hook<RoomHook>,
    /// The adapter's.
    adapter: Hook<RoomHook>,
    /// Whether somebody wants to hear of rooms.
    wanted: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<RoomEvent>,
    /// Somebody is telling.
    telling: bool,
    /// Connections that have caused too many, by the addresses of their tasks. They go on with their answer.
    held: BTreeMap<usize, Answer<()>>,
}

/// Events that may wait to be told: past it, a connection that causes more is held. One that has begun is not
/// torn apart: it may bring two for each room that its socket is in.
const MOST_WAITING: usize = 4096;

impl RoomEvents {
    /// Adds one behind those that are there.
    pub(super) fn add(&self, hook: Arc<RoomHook>) {
        self.hook.update(|before| match before.cloned() {
            Some(before) => Arc::new(move |event| {
                before(event);
                hook(event);
            }),
            None => hook,
        });
        self.look();
    }

    pub(super) fn set_adapter(&self, hook: Option<Arc<RoomHook>>) {
        match hook {
            Some(hook) => self.adapter.set(hook),
            None => drop(self.adapter.take()),
        }
        self.look();
    }

    /// One that is closed has none.
    fn look(&self) {
        let wanted = [&self.hook, &self.adapter].map(|hook| hook.get().is_some());
        self.wanted.store(wanted.contains(&true), Ordering::Release);
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// Lets go of the hook, and of those to come.
    pub(super) fn close(&self) {
        self.wanted.store(false, Ordering::Release);
        self.hook.close();
        self.adapter.close();
    }

    /// Forgets what was not told, and lets those go on that are held.
    pub(super) fn clear(&self) {
        let (events, held) = {
            let mut waiting = self.waiting();
            let events = std::mem::take(&mut waiting.events);
            (events, std::mem::take(&mut waiting.held))
        };
        // Outside the lock: each wakes somebody.
        drop((events, held));
    }

    /// Puts what has happened behind what happened before. The rooms are still locked.
    pub(super) fn note<M>(&self, locked: &mut Rooms<M>) {
        let Some(first) = locked.poll_event() else {
            return;
        };
        let mut waiting = self.waiting();
        waiting.events.push_back(first);
        while let Some(event) = locked.poll_event() {
            waiting.events.push_back(event);
        }
        if waiting.events.len() > MOST_WAITING {
            waiting.hold();
        }
    }

    /// Tells what waits, unless somebody does. No lock is held.
    pub(super) fn tell(&self) {
        if !self.are_wanted() {
            return;
        }
        {
            let mut waiting = self.waiting();
            // Who tells, perhaps on this very stack, goes on with what has come.
            if waiting.telling || waiting.events.is_empty() {
                return;
            }
            waiting.telling = true;
        }
        while let Some(event) = self.next() {
            // What happened may be another thread's: a panic here is nobody's who called.
            for hook in [&self.adapter, &self.hook] {
                if let Some(hook) = hook.get()
                    && let Err(_panic) = guarded(|| hook(&event))
                {
                    error!(why = %_panic.0, "handler panicked");
                }
            }
        }
    }

    /// What the one who tells is to tell next. `None`: nothing, and its turn is over.
    fn next(&self) -> Option<RoomEvent> {
        let (event, free) = {
            let mut waiting = self.waiting();
            let event = waiting.events.pop_front();
            if event.is_none() {
                // With the lock still held: who notes something now tells it.
                waiting.telling = false;
                waiting.events = VecDeque::new();
            }
            let few = waiting.events.len() <= MOST_WAITING / 2;
            let free = few.then(|| std::mem::take(&mut waiting.held));
            (event, free)
        };
        for held in free.into_iter().flat_map(BTreeMap::into_values) {
            held.give(());
        }
        event
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The connection whose task runs on this thread, if one does, has caused too many. What the application
    /// does elsewhere is its own to slow down.
    fn hold(&mut self) {
        let whose = Current::now().address();
        if whose.is_none_or(|whose| self.held.contains_key(&whose)) {
            return;
        }
        let (give, wait) = answer();
        if let (Some(whose), Ok(())) = (whose, local_queue::lay_here(Command::Hold(wait))) {
            self.held.insert(whose, give);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    use sio_core::config::Config;
    use sio_core::engine::{Eio, TransportKind};
    use sio_core::id::{HashKey, Sid, SocketId};

    use super::*;
    use crate::mailbox::local_queue::Seated;
    use crate::mailbox::task_handle::{Common, TaskHandle};
    use crate::sync::one_shot::Waiting;

    fn task(n: u8) -> TaskHandle {
        let common = Common::new(Arc::new(Config::default()));
        let sid = Sid::from_random([n; 15]);
        TaskHandle::new(common, sid, Eio::V4, TransportKind::WebSocket)
    }

    /// What holds the task of this handle, which runs here.
    fn holds(task: &TaskHandle) -> Vec<Waiting<()>> {
        let mut told = VecDeque::new();
        local_queue::take(task.mailbox(), &mut told);
        let held = told.into_iter().map(|command| {
            if let Command::Hold(until) = command {
                until
            } else {
                panic!("{command:?}")
            }
        });
        held.collect()
    }

    fn is_held(until: &mut Waiting<()>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(until).poll(&mut cx).is_pending()
    }

    /// What is told: what begins it, as many as may wait, one more, and what is caused by those who are held.
    const ALL: usize = 1 + MOST_WAITING + 1 + 2 * 4;

    #[test]
    fn who_causes_more_than_may_wait_is_held_until_half_of_it_is_told() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 4);
        let [member, other] = [1, 2].map(|n| rooms.insert(SocketId::from_random([n; 15]), ()));
        rooms.join(other, "y").unwrap();
        rooms.watch(true);
        let state = Arc::new((RoomEvents::default(), Mutex::new((rooms, Vec::new(), 0))));
        let events = &state.0;
        // Who tells causes it, so that nothing is told meanwhile.
        let hook = Arc::downgrade(&state);
        events.add(Arc::new(move |_| {
            let Some(state) = hook.upgrade() else { return };
            let (events, (rooms, held, told)) = (&state.0, &mut *state.1.lock().unwrap());
            *told += 1;
            if *told > 1 {
                let few = ALL - *told <= MOST_WAITING / 2;
                assert!(held.iter_mut().all(|until| is_held(until) != few), "{told}");
                return;
            }
            let mut cause = |four: usize, one: usize| {
                for _ in 0..four {
                    rooms.join(member, "x").unwrap();
                    rooms.leave(member, "x");
                }
                for _ in 0..one {
                    rooms.leave(member, "y");
                }
                events.note(rooms);
                // It tells nothing: somebody does.
                events.tell();
            };
            let [first, second] = [1, 2].map(task);
            // Whoever runs in no task is not held, and counts.
            cause(MOST_WAITING / 4 - 1, 0);
            let seated = Seated::at(first.mailbox());
            cause(1, 0);
            assert!(holds(&first).is_empty());
            cause(0, 1);
            held.extend(holds(&first));
            assert_eq!(held.len(), 1);
            // Once.
            cause(1, 0);
            assert!(holds(&first).is_empty());
            drop(seated);
            let _seated = Seated::at(second.mailbox());
            cause(1, 0);
            held.extend(holds(&second));
            assert_eq!(held.len(), 2);
        }));
        {
            let (rooms, ..) = &mut *state.1.lock().unwrap();
            assert_eq!(rooms.join(member, "y"), Ok(true));
            events.note(rooms);
        }
        events.tell();
        let (_, held, told) = &mut *state.1.lock().unwrap();
        assert_eq!(*told, ALL);
        assert!(held.iter_mut().all(|until| !is_held(until)));
    }

    #[test]
    fn those_who_are_held_go_on_when_nothing_is_told_any_more() {
        let mut rooms = Rooms::new(HashKey([1, 2]), MOST_WAITING);
        let member = rooms.insert(SocketId::from_random([1; 15]), ());
        rooms.watch(true);
        for room in 0..=MOST_WAITING {
            let _ = rooms.join(member, &room.to_string());
        }
        let (events, task) = (RoomEvents::default(), task(1));
        let _seated = Seated::at(task.mailbox());
        events.note(&mut rooms);
        let mut held = holds(&task);
        assert!(is_held(&mut held[0]));
        events.clear();
        assert!(!is_held(&mut held[0]));
        assert!(events.waiting().events.is_empty());
    }
}
