//! A socket in its namespace and its rooms: how it comes, joins, leaves and goes.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use sio_core::recovery::Pid;
use sio_core::rooms::{MemberKey, RoomError, Rooms};
use sio_core::socket::DisconnectReason;
use smallvec::SmallVec;

use super::Socket;
use super::coming::Return;
use super::membership::Membership;
use super::room_events::RoomEvents;
use crate::adapter::{IntoRooms, as_strs, names};
use crate::log::error;
use crate::sync::guard::guarded;
use crate::sync::later::Later;

/// Puts a member into rooms, one after the other: how many it is in then.
fn seat<'a>(
    all: &mut Rooms<Socket>,
    member: MemberKey,
    names: impl Iterator<Item = &'a str>,
) -> (usize, Result<(), RoomError>) {
    let mut done = 0usize;
    for room in names {
        if let Err(why) = all.join(member, room) {
            return (done, Err(why));
        }
        done = done.saturating_add(1);
    }
    (done, Ok(()))
}

impl Socket {
    /// Joins rooms: one, or a list. In a middleware: once the socket is accepted.
    ///
    /// It is there when this returns. An adapter that spans several nodes tells the others on its own
    /// time; to wait for that, [`joined`](Self::joined).
    ///
    /// # Errors
    /// The socket has left, or is in `max_rooms_per_socket` rooms already; rooms named before that
    /// one are joined.
    pub fn join(&self, rooms: impl IntoRooms) -> Result<(), RoomError> {
        self.add(&names(&rooms)).map(drop)
    }

    /// Joins rooms as [`join`](Self::join) does, at once; the future ends when the adapter is done with
    /// it, which the one in memory is at return. What a callback of `join` is for in JavaScript.
    pub fn joined(&self, rooms: impl IntoRooms) -> Later<Result<(), RoomError>> {
        match self.add(&names(&rooms)) {
            Ok(later) => later.map(Ok),
            Err(why) => Later::ready(Err(why)),
        }
    }

    /// Leaves rooms; those it is not in do not matter.
    pub fn leave(&self, rooms: impl IntoRooms) {
        drop(self.remove(&names(&rooms)));
    }

    /// Leaves rooms as [`leave`](Self::leave) does, at once; the future ends when the adapter is done
    /// with it.
    pub fn left(&self, rooms: impl IntoRooms) -> Later<()> {
        self.remove(&names(&rooms))
    }

    /// Joins rooms on this node, and says so to the adapter, unless a middleware has the socket: that comes
    /// when it enters.
    fn add(&self, names: &[Box<str>]) -> Result<Later<()>, RoomError> {
        let (joined, result) = match &mut *self.membership() {
            Membership::Waiting(waiting) => {
                waiting.extend(names.iter().cloned());
                return Ok(Later::ready(()));
            }
            Membership::In(member) => {
                let list = names.iter().map(|name| &**name);
                self.change(|all| {
                    let (joined, result) = seat(all, *member, list);
                    self.note_rooms(names.get(..joined).unwrap_or_default(), true);
                    (joined, result)
                })
            }
            Membership::Leaving(_) | Membership::Gone => return Err(RoomError::Gone),
        };
        self.events().tell();
        let joined = as_strs(names.get(..joined).unwrap_or_default());
        let told = (!joined.is_empty()).then(|| self.namespace().road().joined(self.id(), &joined));
        result.map(|()| told.unwrap_or(Later::ready(())))
    }

    /// Leaves rooms on this node, and says so to the adapter.
    fn remove(&self, names: &[Box<str>]) -> Later<()> {
        match &mut *self.membership() {
            Membership::Waiting(all) | Membership::Leaving(all) => {
                all.retain(|its| !names.contains(its));
                return Later::ready(());
            }
            Membership::In(member) => self.change(|all| {
                for room in names {
                    all.leave(*member, room);
                }
                self.note_rooms(names, false);
            }),
            Membership::Gone => return Later::ready(()),
        }
        self.events().tell();
        self.namespace().road().left(self.id(), &as_strs(names))
    }

    /// Takes a member out of its namespace, and returns the rooms it was in if they are to be kept.
    fn stand_up(
        &self,
        member: MemberKey,
        keep: bool,
        reason: Option<DisconnectReason>,
    ) -> (Vec<Box<str>>, Option<Self>) {
        self.change(|all| {
            self.end_session(reason);
            let rooms = keep.then(|| all.rooms_of(member).map(Box::from).collect());
            (rooms.unwrap_or_default(), all.remove(member))
        })
    }

    fn events(&self) -> &RoomEvents {
        self.namespace().room_events()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Rooms<Self>) -> T) -> T {
        self.namespace().change_rooms(change)
    }

    /// The rooms it is in: its own first, then in the order of joining. Complete in `disconnecting`
    /// handlers, empty afterwards.
    pub fn rooms(&self) -> Vec<String> {
        match &*self.membership() {
            Membership::Waiting(all) | Membership::Leaving(all) => {
                all.iter().map(|room| (**room).to_owned()).collect()
            }
            Membership::In(member) => {
                let all = self
                    .namespace()
                    .members()
                    .read()
                    .unwrap_or_else(PoisonError::into_inner);
                all.rooms_of(*member).map(str::to_owned).collect()
            }
            Membership::Gone => Vec::new(),
        }
    }

    pub(crate) fn member(&self) -> Option<MemberKey> {
        match &*self.membership() {
            Membership::In(member) => Some(*member),
            Membership::Waiting(_) | Membership::Leaving(_) | Membership::Gone => None,
        }
    }

    /// The client was told that it is in: so it is, with the rooms that middlewares joined.
    ///
    /// In this order: CONNECT is queued before this is called; the socket is connected, which lets it be
    /// told things, behind CONNECT; it is in its namespace and its rooms, where others find it; those who
    /// watch rooms hear of it; the adapter does; then its connect handlers run. Its leaving goes the other
    /// way round: nobody finds it any more once it is not connected.
    ///
    /// `pid`: its client may come back as this socket, by this.
    pub(crate) fn enter(&self, pid: Option<&Pid>) {
        let waiting = {
            let mut membership = self.membership();
            let Membership::Waiting(waiting) = &mut *membership else {
                return;
            };
            let waiting = std::mem::take(waiting);
            let member = self.change(|all| {
                // Whoever finds it from here on finds it connected.
                self.inner.connected.store(true, Ordering::Release);
                let member = all.insert(self.id().clone(), self.clone());
                // Beyond the limit a middleware's joins count for nothing; it was told nothing else.
                let (joined, _) = seat(all, member, waiting.iter().map(|room| &**room));
                if let Some(pid) = pid {
                    self.begin_session(pid, waiting.get(..joined).unwrap_or_default());
                }
                member
            });
            *membership = Membership::In(member);
            waiting
        };
        let own = std::iter::once(self.id().as_str());
        let all: SmallVec<[&str; 4]> = own.chain(waiting.iter().map(|room| &**room)).collect();
        // As far as it may be in them.
        self.announce(&all);
    }

    /// Its client comes back: it is in its namespace in place of the socket that it was, whom `restore` takes out
    /// of it, in the rooms of that one and those that middlewares joined. `None`: it does not come back.
    pub(super) fn take_place(
        &self,
        restore: impl FnOnce(&mut Rooms<Self>) -> Option<Return>,
    ) -> Option<Return> {
        let mut membership = self.membership();
        let Membership::Waiting(waiting) = &mut *membership else {
            return None;
        };
        let waiting = std::mem::take(waiting);
        let (member, restored) = self.change(|all| {
            let restored = restore(all)?;
            self.inner.connected.store(true, Ordering::Release);
            let id = self.id();
            let member = all.insert(id.clone(), self.clone());
            let rooms = &restored.rooms;
            if !rooms.iter().any(|room| **room == *id.as_str()) {
                all.leave(member, id.as_str());
            }
            let _ = seat(all, member, rooms.iter().map(|room| &**room));
            let (joined, _) = seat(all, member, waiting.iter().map(|room| &**room));
            self.note_rooms(waiting.get(..joined).unwrap_or_default(), true);
            Some((member, restored))
        })?;
        *membership = Membership::In(member);
        Some(restored)
    }

    /// Another has taken its place: until its handlers have run, these are the rooms that they see.
    pub(super) fn give_way(&self, rooms: Vec<Box<str>>) {
        self.set_disconnected();
        let mut membership = self.membership();
        if let Membership::In(_) = &*membership {
            *membership = Membership::Leaving(rooms);
        }
    }

    /// It has come into these rooms.
    pub(super) fn announce(&self, rooms: &[&str]) {
        self.safely(|| self.events().tell());
        self.safely(|| drop(self.namespace().road().joined(self.id(), rooms)));
    }

    /// Nothing can be said to it any more.
    pub(crate) fn set_disconnected(&self) {
        self.inner.connected.store(false, Ordering::Release);
    }

    /// It is in its namespace no more, but handlers of its leaving wait for their turn: until
    /// [`exit`](Self::exit), [`rooms`](Self::rooms) are what they were.
    pub(crate) fn depart(&self, reason: DisconnectReason) {
        self.set_disconnected();
        let gone = {
            let mut membership = self.membership();
            let Membership::In(member) = *membership else {
                return;
            };
            let (rooms, gone) = self.stand_up(member, true, Some(reason));
            *membership = Membership::Leaving(rooms);
            gone
        };
        self.forgotten(gone);
    }

    /// It is in its namespace and its rooms no more. Nothing happens the second time.
    pub(crate) fn exit(&self) {
        self.exit_for(None);
    }

    /// The same for a reason from which its client may come back.
    pub(crate) fn exit_for(&self, reason: Option<DisconnectReason>) {
        self.set_disconnected();
        let before = std::mem::replace(&mut *self.membership(), Membership::Gone);
        match before {
            Membership::In(member) => {
                let (_, gone) = self.stand_up(member, false, reason);
                self.forgotten(gone);
            }
            // It was refused: no handler of its own will ever run.
            Membership::Waiting(_) => {
                self.part();
                self.safely(|| self.release());
            }
            Membership::Leaving(_) | Membership::Gone => {}
        }
    }

    /// No lock is held: what the namespace had may be the last handle, with anybody's data in it, and the
    /// adapter is the application's.
    fn forgotten(&self, gone: Option<Self>) {
        self.safely(|| drop(gone));
        self.safely(|| self.events().tell());
        self.safely(|| self.namespace().road().gone(self.id()));
        self.safely(|| self.attend_session());
        self.part();
    }

    /// Its namespace need not stay for it, and is let go of if it was there for nobody else.
    fn part(&self) {
        let namespace = self.namespace();
        if namespace.is_child() {
            let guest = self
                .extras()
                .as_mut()
                .and_then(|extras| extras.guest.take());
            self.safely(|| drop(guest));
        }
        if namespace.is_removed() {
            self.safely(|| self.io().bury(namespace));
        }
    }

    /// Calls the application's code from the connection's own task, which a panic must not end.
    fn safely(&self, call: impl FnOnce()) {
        if let Err(_panic) = guarded(call) {
            error!(socket = %self.log_name(), why = %_panic.0, "handler panicked");
        }
    }

    fn membership(&self) -> MutexGuard<'_, Membership> {
        self.inner
            .membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
