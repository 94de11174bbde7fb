//! What is on its way to a link's task.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use sio_cluster::id::Uid;
use sio_cluster::message::{Reply, To};
use sio_cluster::node::{Asked, Ticket};
use sio_core::packet::{Args, Call};

use super::sessions::Claimant;
use super::waiter::Waiter;
use crate::adapter::{AdapterError, ClusterStatus, InMemory, KeptSession, SessionClaim};
use crate::sync::one_shot::Answer;
use crate::sync::primitives::{Mutex, MutexGuard};

/// What somebody wants of a link, for one of its namespaces.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) of: u32,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Open(InMemory, Arc<Known>),
    Close(Option<Answer<()>>),
    Broadcast(Call, To),
    Join(To, Vec<String>),
    Leave(To, Vec<String>),
    Disconnect(To, bool),
    ServerSide(Call),
    /// The same to one node.
    ServerSideTo(Uid, Call),
    Ask(Asked, Option<Duration>, Waiter),
    /// What was asked by another node.
    Reply(Ticket, Reply),
    /// A client has answered the question of that number, or will not.
    Ack(u64, Option<(String, Args)>),
    /// The first is in a room, or the last has left it; it is that of somebody's id.
    Room {
        name: String,
        there: bool,
        is_id: bool,
    },
    Heard(Vec<String>, Answer<()>),
    /// Somebody has left who may come back.
    Persist(KeptSession),
    /// Somebody comes back.
    Restore(SessionClaim, Claimant),
    Nodes(Answer<Result<usize, AdapterError>>),
    Flush(Answer<Result<(), AdapterError>>),
}

/// What is known of a namespace's cluster, for whoever asks at once.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Option<ClusterStatus>>);

impl Known {
    pub(super) fn status(&self) -> ClusterStatus {
        self.lock()
            .clone()
            .unwrap_or(ClusterStatus::new(false, 1, None))
    }

    /// What the others know this node by.
    pub(super) fn name(&self, uid: &Uid) {
        let mut known = self.lock();
        let status = known.get_or_insert(ClusterStatus::new(false, 1, None));
        status.node = Some(uid.as_str().to_owned());
    }

    pub(super) fn turn(&self, up: bool, at: SystemTime) {
        let mut known = self.lock();
        let status = known.get_or_insert(ClusterStatus::new(up, 1, None));
        (status.up, status.since) = (up, Some(at));
    }

    pub(super) fn count(&self, nodes: usize) {
        let mut known = self.lock();
        known
            .get_or_insert(ClusterStatus::new(false, 1, None))
            .nodes = nodes;
    }

    /// How many nodes say nothing when none can be asked: as many as there were, and one at least.
    pub(super) fn others(&self) -> usize {
        self.status().nodes.saturating_sub(1).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, Option<ClusterStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where wishes wait, in their order.
#[derive(Debug)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    most: usize,
}

#[derive(Debug, Default)]
struct Inner {
    wishes: VecDeque<Wish>,
    bytes: usize,
    /// Events for other nodes that had no room, and were not told of yet: of that namespace.
    refused: Vec<(u32, usize)>,
    spaces: u32,
    /// Nobody will wish for anything any more.
    left: bool,
    /// The task has ended.
    closed: bool,
    waker: Option<Waker>,
}

/// What a task takes at once.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) wishes: VecDeque<Wish>,
    pub(super) refused: Vec<(u32, usize)>,
    pub(super) left: bool,
}

impl Desk {
    pub(super) fn new(most: usize) -> Self {
        Self {
            inner: Mutex::default(),
            most,
        }
    }

    /// A number for a namespace.
    pub(super) fn number(&self) -> u32 {
        let mut inner = self.lock();
        inner.spaces = inner.spaces.wrapping_add(1);
        inner.spaces
    }

    /// Puts it behind the others. What has no room comes back.
    pub(super) fn push(&self, of: u32, what: What) -> Option<What> {
        let weight = what.weight();
        let waker = {
            let mut inner = self.lock();
            let bytes = inner.bytes.saturating_add(weight);
            if inner.closed || weight > 0 && bytes > self.most {
                if !inner.closed && what.is_told() {
                    match inner.refused.iter_mut().find(|(its, _)| *its == of) {
                        Some((_, count)) => *count = count.saturating_add(1),
                        None => inner.refused.push((of, 1)),
                    }
                }
                let waker = inner.waker.take();
                drop(inner);
                waker.into_iter().for_each(Waker::wake);
                return Some(what);
            }
            inner.bytes = bytes;
            inner.wishes.push_back(Wish { of, what });
            inner.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
        None
    }

    /// Nobody will wish for anything any more.
    pub(super) fn leave(&self) {
        let waker = {
            let mut inner = self.lock();
            inner.left = true;
            inner.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// All that waits. If nothing does, the task is woken when something comes.
    pub(super) fn take(&self, cx: &mut Context<'_>) -> Taken {
        let mut inner = self.lock();
        inner.bytes = 0;
        let taken = Taken {
            wishes: std::mem::take(&mut inner.wishes),
            refused: std::mem::take(&mut inner.refused),
            left: inner.left,
        };
        if taken.wishes.is_empty() {
            inner.waker = Some(cx.waker().clone());
        }
        taken
    }

    /// Nothing is taken any more. What waits is dropped, which is an answer to whoever waits for one.
    pub(super) fn close(&self) {
        let wishes = {
            let mut inner = self.lock();
            inner.closed = true;
            std::mem::take(&mut inner.wishes)
        };
        drop(wishes);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    /// An event, or something done to others' sockets: who wished for it does not hear whether it was.
    const fn is_told(&self) -> bool {
        matches!(
            self,
            Self::Broadcast(..)
                | Self::Join(..)
                | Self::Leave(..)
                | Self::Disconnect(..)
                | Self::ServerSide(_)
                | Self::ServerSideTo(..)
        )
    }

    /// Bytes; nothing for what may not be refused.
    fn weight(&self) -> usize {
        let call = |call: &Call| call.args.size().saturating_add(call.name.as_str().len());
        let to = |to: &To| {
            let names = to.rooms.iter().chain(&to.except);
            names.fold(0, |sum: usize, name| sum.saturating_add(name.len()))
        };
        let rooms = |rooms: &[String]| {
            let names = rooms.iter();
            names.fold(0, |sum: usize, name| sum.saturating_add(name.len()))
        };
        let bytes = match self {
            Self::Broadcast(it, of) => call(it).saturating_add(to(of)),
            Self::Join(of, names) | Self::Leave(of, names) => to(of).saturating_add(rooms(names)),
            Self::Disconnect(of, _) => to(of),
            Self::ServerSide(it)
            | Self::ServerSideTo(_, it)
            | Self::Ask(Asked::Servers(it) | Asked::Server { call: it, .. }, ..) => call(it),
            Self::Ask(Asked::Clients { call: it, to: of }, ..) => call(it).saturating_add(to(of)),
            Self::Ask(..)
            | Self::Nodes(_)
            | Self::Flush(_)
            | Self::Heard(..)
            | Self::Restore(..) => 0,
            // Other nodes wait for these, and what is here would be told wrong without those.
            Self::Open(..)
            | Self::Close(_)
            | Self::Persist(_)
            | Self::Reply(..)
            | Self::Ack(..)
            | Self::Room { .. } => return 0,
        };
        bytes.saturating_add(OVERHEAD)
    }
}

/// Bytes that a wish takes beside what it says.
const OVERHEAD: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(bytes: usize) -> What {
        let text = "x".repeat(bytes - OVERHEAD - 3);
        let args = Args::from_arguments(&text).expect("a text");
        let name = "e".into();
        What::Broadcast(Call { name, args }, To::default())
    }

    #[test]
    fn events_wait_up_to_the_limit_and_those_past_it_are_counted() {
        let desk = Desk::new(1000);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(desk.push(1, event(600)).is_none());
        assert!(desk.push(1, event(400)).is_none(), "it is full to the byte");
        assert!(desk.push(2, event(200)).is_some());
        assert!(desk.push(2, event(200)).is_some());
        // What others wait for has room.
        assert!(desk.push(1, What::Ack(1, None)).is_none());
        let taken = desk.take(&mut cx);
        assert_eq!((taken.wishes.len(), taken.refused), (3, vec![(2, 2)]));
        assert!(desk.push(1, event(1001)).is_some());
        assert!(desk.push(1, event(1000)).is_none());
        desk.close();
        assert!(desk.push(1, What::Ack(1, None)).is_some());
    }
}
