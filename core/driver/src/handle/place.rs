//! Where a socket stands: its namespace and its rooms.

use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use sio_core::rooms::{MemberKey, RoomError};
use smallvec::SmallVec;

use super::{IntoRooms, Socket};

/// Where a socket stands in its namespace.
#[derive(Debug)]
pub(super) enum Place {
    /// A middleware has it; these rooms are joined if it is accepted.
    Waiting(Vec<Box<str>>),
    In(MemberKey),
    /// Out of its namespace, while handlers of its leaving wait for their turn: what they will see.
    Leaving(Vec<Box<str>>),
    Gone,
}

impl Place {
    pub(super) const fn new() -> Self {
        Self::Waiting(Vec::new())
    }
}

/// The names of rooms, asked for before any lock is taken: anybody may implement the trait.
fn names(rooms: &impl IntoRooms) -> SmallVec<[Box<str>; 1]> {
    let mut names = SmallVec::new();
    rooms.each(&mut |room| names.push(room.into()));
    names
}

impl Socket {
    /// Joins rooms. In a middleware: once the socket is accepted.
    ///
    /// # Errors
    /// The socket has left, or is in `max_rooms_per_socket` rooms already; rooms named before that
    /// one are joined.
    pub fn join(&self, rooms: impl IntoRooms) -> Result<(), RoomError> {
        let names = names(&rooms);
        let mut place = self.place();
        let mut result = Ok(());
        match &mut *place {
            Place::Waiting(waiting) => waiting.extend(names),
            Place::In(member) => {
                let mut all = self
                    .namespace()
                    .rooms()
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                result = names
                    .iter()
                    .try_for_each(|room| all.join(*member, room).map(drop));
            }
            Place::Leaving(_) | Place::Gone => result = Err(RoomError::Gone),
        }
        result
    }

    /// Leaves rooms; those it is not in do not matter.
    pub fn leave(&self, rooms: impl IntoRooms) {
        let names = names(&rooms);
        match &mut *self.place() {
            Place::Waiting(all) | Place::Leaving(all) => all.retain(|its| !names.contains(its)),
            Place::In(member) => {
                let mut all = self
                    .namespace()
                    .rooms()
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                for room in &names {
                    all.leave(*member, room);
                }
            }
            Place::Gone => {}
        }
    }

    /// The rooms it is in: its own first, then in the order of joining. Complete in `disconnecting`
    /// handlers, empty afterwards.
    pub fn rooms(&self) -> Vec<String> {
        match &*self.place() {
            Place::Waiting(all) | Place::Leaving(all) => {
                all.iter().map(|room| (**room).to_owned()).collect()
            }
            Place::In(member) => {
                let all = self
                    .namespace()
                    .rooms()
                    .read()
                    .unwrap_or_else(PoisonError::into_inner);
                all.rooms_of(*member).map(str::to_owned).collect()
            }
            Place::Gone => Vec::new(),
        }
    }

    pub(crate) fn member(&self) -> Option<MemberKey> {
        match &*self.place() {
            Place::In(member) => Some(*member),
            Place::Waiting(_) | Place::Leaving(_) | Place::Gone => None,
        }
    }

    /// The client was told that it is in: so it is, with the rooms that middlewares joined.
    pub(crate) fn enter(&self) {
        let mut place = self.place();
        let Place::Waiting(waiting) = &mut *place else {
            return;
        };
        let waiting = std::mem::take(waiting);
        {
            let mut rooms = self
                .namespace()
                .rooms()
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let member = rooms.insert(self.id().clone(), self.clone());
            for room in waiting {
                // Beyond the limit a middleware's joins count for nothing; it was told nothing else.
                let _ = rooms.join(member, &room);
            }
            *place = Place::In(member);
        }
        self.inner.connected.store(true, Ordering::Release);
    }

    /// Nothing can be said to it any more.
    pub(crate) fn set_disconnected(&self) {
        self.inner.connected.store(false, Ordering::Release);
    }

    /// It is in its namespace no more, but handlers of its leaving wait for their turn: until
    /// [`exit`](Self::exit), [`rooms`](Self::rooms) are what they were.
    pub(crate) fn depart(&self) {
        self.set_disconnected();
        let mut place = self.place();
        let Place::In(member) = *place else { return };
        let mut all = self
            .namespace()
            .rooms()
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Place::Leaving(all.rooms_of(member).map(Into::into).collect());
        let gone = all.remove(member);
        // Dropped outside the locks: it may be the last handle, and its data anybody's.
        drop((all, place));
        drop(gone);
    }

    /// It is in its namespace and its rooms no more. Nothing happens the second time.
    pub(crate) fn exit(&self) {
        self.set_disconnected();
        let before = std::mem::replace(&mut *self.place(), Place::Gone);
        match before {
            Place::In(member) => {
                let gone = self
                    .namespace()
                    .rooms()
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(member);
                // Dropped outside the lock: it may be the last handle, and its data anybody's.
                drop(gone);
            }
            // It was refused: no handler of its own will ever run.
            Place::Waiting(_) => self.release(),
            Place::Leaving(_) | Place::Gone => {}
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.inner
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
