//! What is on its way to a link's task.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use sio_cluster::id::Uid;
use sio_cluster::message::{Act, Question, Reply, To};
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
    /// Who is in which rooms is to be looked at anew: there was no room for all that has changed.
    Rooms,
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
    refused: BTreeMap<u32, usize>,
    /// Clients whose answers to a question of another node had no room, by namespace and number.
    unheard: BTreeMap<(u32, u64), usize>,
    /// Namespaces whose rooms are looked at anew.
    rooms: BTreeSet<u32>,
    spaces: u32,
    /// Nobody will wish for anything any more.
    left: bool,
    /// The task has ended, for this reason.
    closed: Option<AdapterError>,
    waker: Option<Waker>,
}

/// What a task takes at once.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) wishes: VecDeque<Wish>,
    pub(super) refused: BTreeMap<u32, usize>,
    pub(super) unheard: BTreeMap<(u32, u64), usize>,
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

    /// Puts it behind the others. What has no room comes back, unless less than it will do.
    pub(super) fn push(&self, of: u32, what: What) -> Option<What> {
        let (back, waker) = {
            let mut inner = self.lock();
            let back = match inner.closed.is_some() {
                true => Some(what),
                false => inner.put(of, what, self.most),
            };
            (back, inner.waker.take())
        };
        waker.into_iter().for_each(Waker::wake);
        back
    }

    /// Why something came back.
    pub(super) fn refusal(&self) -> AdapterError {
        let full = "too much is on its way to the link (max_waiting_bytes)";
        self.closed()
            .unwrap_or_else(|| AdapterError::Unreachable(full.to_owned()))
    }

    /// Why the task has ended, if it has.
    pub(super) fn closed(&self) -> Option<AdapterError> {
        self.lock().closed.clone()
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
        inner.rooms.clear();
        let taken = Taken {
            wishes: std::mem::take(&mut inner.wishes),
            refused: std::mem::take(&mut inner.refused),
            unheard: std::mem::take(&mut inner.unheard),
            left: inner.left,
        };
        if taken.wishes.is_empty() {
            inner.waker = Some(cx.waker().clone());
        }
        taken
    }

    /// Nothing is taken any more, for this reason. What waits comes back.
    pub(super) fn close(&self, why: AdapterError) -> VecDeque<Wish> {
        let mut inner = self.lock();
        inner.closed.get_or_insert(why);
        std::mem::take(&mut inner.wishes)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What has no room comes back, unless less than it will do.
    fn put(&mut self, of: u32, what: What, most: usize) -> Option<What> {
        if matches!(what, What::Room { .. }) && self.rooms.contains(&of) {
            return None;
        }
        let bytes = self.bytes.saturating_add(what.weight());
        if bytes <= most || what.is_needed() {
            self.add(of, what, bytes);
            return None;
        }
        if let What::Room { .. } = what {
            // What is here would be told wrong without it.
            self.rooms.insert(of);
            self.add(of, What::Rooms, self.bytes.saturating_add(OVERHEAD));
            return None;
        }
        if let What::Ack(number, _) = what {
            // Other nodes wait for all of them.
            let unheard = self.unheard.entry((of, number)).or_default();
            *unheard = unheard.saturating_add(1);
            return None;
        }
        if what.is_told() {
            let refused = self.refused.entry(of).or_default();
            *refused = refused.saturating_add(1);
        }
        Some(what)
    }

    fn add(&mut self, of: u32, what: What, bytes: usize) {
        self.bytes = bytes;
        self.wishes.push_back(Wish { of, what });
    }
}

impl What {
    /// There is one of each for each namespace, or for each client that has left.
    const fn is_needed(&self) -> bool {
        matches!(
            self,
            Self::Open(..) | Self::Close(_) | Self::Rooms | Self::Persist(_)
        )
    }

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

    /// Bytes that it takes.
    fn weight(&self) -> usize {
        let bytes = match self {
            Self::Broadcast(it, of) => call(it).saturating_add(to(of)),
            Self::Join(of, rooms) | Self::Leave(of, rooms) => to(of).saturating_add(names(rooms)),
            Self::Disconnect(of, _) => to(of),
            Self::ServerSide(it) | Self::ServerSideTo(_, it) => call(it),
            Self::Ask(what, ..) => asked(what),
            Self::Reply(_, Reply::Value(args)) => args.size(),
            Self::Ack(_, Some((id, args))) => args.size().saturating_add(id.len()),
            Self::Room { name, .. } => name.len(),
            Self::Heard(rooms, _) => names(rooms),
            Self::Persist(session) => session.size(),
            Self::Restore(claim, _) => claim.size(),
            Self::Reply(..)
            | Self::Ack(_, None)
            | Self::Open(..)
            | Self::Close(_)
            | Self::Rooms
            | Self::Nodes(_)
            | Self::Flush(_) => 0,
        };
        bytes.saturating_add(OVERHEAD)
    }
}

fn call(call: &Call) -> usize {
    call.args.size().saturating_add(call.name.as_str().len())
}

fn names(names: &[String]) -> usize {
    let each = |name: &String| name.len().saturating_add(size_of::<String>());
    names.iter().map(each).fold(0, usize::saturating_add)
}

fn to(to: &To) -> usize {
    names(&to.rooms).saturating_add(names(&to.except))
}

fn asked(what: &Asked) -> usize {
    match what {
        Asked::Servers(it) | Asked::Server { call: it, .. } => call(it),
        Asked::Clients { call: it, to: of } => call(it).saturating_add(to(of)),
        Asked::One { socket, act } => match act {
            Act::Join(room) | Act::Leave(room) => socket.len().saturating_add(room.len()),
            Act::Disconnect { .. } => socket.len(),
        },
        Asked::Nodes(Question::Fetch(of)) => to(of),
        Asked::Nodes(Question::Sockets(rooms)) => names(rooms),
        Asked::Nodes(Question::RoomsOf(id)) => id.len(),
        Asked::Nodes(Question::Custom(args)) => args.size(),
        Asked::Nodes(Question::Rooms | _) | _ => 0,
    }
}

/// Bytes that a wish takes beside what it says.
const OVERHEAD: usize = size_of::<Wish>();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::one_shot::answer;

    fn event(bytes: usize) -> What {
        let text = "x".repeat(bytes - OVERHEAD - 3);
        let args = Args::from_arguments(&text).expect("a text");
        let name = "e".into();
        What::Broadcast(Call { name, args }, To::default())
    }

    #[test]
    fn events_wait_up_to_the_limit_and_those_past_it_are_counted() {
        let desk = Desk::new(10_000);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(desk.push(1, event(6000)).is_none());
        assert!(
            desk.push(1, event(4000)).is_none(),
            "it is full to the byte"
        );
        assert!(desk.push(2, event(2000)).is_some());
        assert!(desk.push(2, event(2000)).is_some());
        let taken = desk.take(&mut cx);
        assert_eq!(
            (taken.wishes.len(), taken.refused),
            (2, [(2, 2)].into_iter().collect())
        );
        assert!(desk.push(1, event(10_001)).is_some());
        assert!(desk.push(1, event(10_000)).is_none());
        let why = AdapterError::Unreachable("it is over".to_owned());
        assert_eq!(desk.close(why.clone()).len(), 1);
        assert!(desk.push(1, What::Ack(1, None)).is_some());
        assert_eq!(desk.refusal(), why);
    }

    /// However small: a wish takes what it takes.
    #[test]
    fn what_says_next_to_nothing_has_its_weight() {
        let say = |what: fn(usize) -> What| {
            let desk = Desk::new(1000 * OVERHEAD);
            let refused = (0..2000).filter(|at| desk.push(1, what(*at)).is_some());
            let refused = refused.count();
            let taken = desk.take(&mut Context::from_waker(Waker::noop()));
            let bytes: usize = taken.wishes.iter().map(|wish| wish.what.weight()).sum();
            assert!(bytes <= 1000 * OVERHEAD + OVERHEAD, "{bytes}");
            (refused, taken)
        };
        let (refused, taken) = say(|_| What::Disconnect(To::default(), false));
        assert_eq!((refused, taken.wishes.len()), (1000, 1000));
        let (refused, _) = say(|at| What::Heard(vec![at.to_string()], answer().0));
        assert!(refused >= 1000, "{refused}");
        // Of answers it is known that they were to come.
        let (refused, taken) = say(|at| What::Ack(at as u64 % 2, None));
        assert_eq!((refused, taken.wishes.len()), (0, 1000));
        let unheard = [((1, 0), 500), ((1, 1), 500)];
        assert_eq!(taken.unheard, unheard.into_iter().collect());
        // Rooms that come and go are looked at anew, once.
        let (refused, taken) = say(|at| What::Room {
            name: at.to_string(),
            there: true,
            is_id: false,
        });
        assert_eq!(refused, 0);
        let anew = |wish: &Wish| matches!(wish.what, What::Rooms);
        assert_eq!(taken.wishes.iter().filter(|it| anew(it)).count(), 1);
        assert!(taken.wishes.back().is_some_and(anew));
    }
}
