//! Who is in which room.

use std::fmt;
use std::hash::{Hash, Hasher};

use compact_str::CompactString;
use hashbrown::HashMap;

use super::event::{Events, RoomEvent};
use super::seats::{Chair, Member, Seat, Seats, steps};
use crate::arena::{Key, Pool, hash_free, is_loose};
use crate::id::{HashKey, SocketId};

/// The members of a namespace and the rooms they are in.
#[derive(Clone, Debug)]
pub struct Rooms<M> {
    members: Pool<Member<M>>,
    /// Probed, never walked. Clients may choose the names of rooms: hashed under a key.
    by_id: HashMap<SocketId, u32, HashKey>,
    by_name: HashMap<CompactString, u32, HashKey>,
    pub(super) rooms: Vec<Room>,
    free_rooms: Vec<u32>,
    /// Of members in many rooms.
    seats: Seats,
    events: Events,
    most: usize,
}

/// A member of [`Rooms`]. Names nobody once that member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MemberKey(Key);

#[derive(Clone, Debug, Hash)]
pub(super) struct Room {
    name: CompactString,
    /// Whose members sit where. The last one takes the place of one that leaves.
    pub(super) members: Vec<Chair>,
}

/// Why a room was not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomError {
    /// The member is in as many rooms as it may be (`max_rooms_per_socket`, given here).
    TooMany(usize),
    /// There is no such member: it has left the namespace.
    Gone,
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(most) => {
                write!(f, "a socket may be in {most} rooms (max_rooms_per_socket)")
            }
            Self::Gone => f.write_str("the socket has left its namespace"),
        }
    }
}

impl std::error::Error for RoomError {}

/// The tables by name say nothing that the members and rooms do not.
impl<M: Hash> Hash for Rooms<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            members,
            by_id: _,
            by_name: _,
            rooms,
            free_rooms,
            seats: _,
            events,
            most,
        } = self;
        (members, rooms, events, most).hash(state);
        hash_free(free_rooms, rooms.len(), state);
    }
}

impl<M> Rooms<M> {
    /// No members and no rooms. `key` hashes the names, `most` is how many rooms a member may join.
    pub fn new(key: HashKey, most: usize) -> Self {
        Self {
            members: Pool::new(),
            by_id: HashMap::with_hasher(key),
            by_name: HashMap::with_hasher(key),
            rooms: Vec::new(),
            free_rooms: Vec::new(),
            seats: Seats::new(key),
            events: Events::default(),
            most,
        }
    }

    /// Whether what becomes of rooms is kept from now on, for [`poll_event`](Self::poll_event). Nothing is
    /// at first, and what was not taken goes with the wish.
    pub fn watch(&mut self, wanted: bool) {
        self.events.watch(wanted);
    }

    /// The next thing that has become of a room, in the order in which it happened. Whoever watches takes all
    /// of it after each change: that brings at most two for each room that a member is in.
    pub fn poll_event(&mut self) -> Option<RoomEvent> {
        self.events.next()
    }

    /// Feeds who is in which room, and in which order, and what is still to be told: two that were told the same
    /// feed the same.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        M: Hash,
    {
        self.hash(state);
    }

    /// Changes how many rooms a member may join. Those that are in more stay there.
    pub const fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// A member comes in. It is in the room of its own id from now on.
    ///
    /// Another member of the same id, which only ids of the application's own making can bring, loses
    /// that room to the new one.
    pub fn insert(&mut self, id: SocketId, reach: M) -> MemberKey {
        let fresh = self.would_be_new(id.as_str());
        self.events.joined(id.as_str(), &id, fresh);
        let key = self.members.insert(Member::new(id.clone(), reach));
        self.by_id.insert(id, key.slot());
        MemberKey(key)
    }

    /// A member leaves the namespace, and every room.
    pub fn remove(&mut self, key: MemberKey) -> Option<M> {
        let member = self.members.get_mut(key.0)?;
        let told = self.events.are_wanted().then(|| member.id.clone());
        let own_room = std::mem::replace(&mut member.own_room, false);
        let seats = self.seats.clear(key.0.slot(), member);
        if let Some(id) = told.as_ref().filter(|_| own_room) {
            self.tell_left(id.as_str(), id);
        }
        for seat in seats {
            let room = told.as_ref().and_then(|id| Some((self.name(seat)?, id)));
            self.vacate(seat);
            if let Some((room, id)) = room {
                self.tell_left(&room, id);
            }
        }
        let member = self.members.remove(key.0)?;
        if self.by_id.get(&member.id) == Some(&key.0.slot()) {
            self.by_id.remove(&member.id);
        }
        self.shrink();
        Some(member.reach)
    }

    /// A member joins a room. `false`: it was there already.
    ///
    /// # Errors
    /// It has left, or is in too many rooms.
    pub fn join(&mut self, key: MemberKey, room: &str) -> Result<bool, RoomError> {
        let most = self.most;
        let fresh = self.would_be_new(room);
        let known = self.by_name.get(room).copied();
        let member = self.members.get_mut(key.0).ok_or(RoomError::Gone)?;
        if member.id.as_str() == room {
            let joins = !std::mem::replace(&mut member.own_room, true);
            if joins {
                self.events.joined(room, &member.id, fresh);
            }
            return Ok(joins);
        }
        if known.is_some_and(|at| self.seat(key, at).is_some()) {
            return Ok(false);
        }
        if self.member(key).is_some_and(|it| it.rooms() >= most) {
            return Err(RoomError::TooMany(most));
        }
        let at = known.unwrap_or_else(|| self.open(room));
        if let Some(its) = self.rooms.get_mut(at as usize)
            && let Some(member) = self.members.get_mut(key.0)
        {
            let slot = key.0.slot();
            let place = u32::try_from(its.members.len()).unwrap_or(u32::MAX);
            let seat = self.seats.take(slot, member, Seat { room: at, place });
            its.members.push(Chair { slot, seat });
            self.events.joined(room, &member.id, fresh);
        }
        Ok(true)
    }

    /// A member leaves a room. `false`: it was not there.
    pub fn leave(&mut self, key: MemberKey, room: &str) -> bool {
        let known = self.by_name.get(room).copied();
        let Some(member) = self.members.get_mut(key.0) else {
            return false;
        };
        let told = self.events.are_wanted().then(|| member.id.clone());
        let left = if member.id.as_str() == room {
            std::mem::replace(&mut member.own_room, false)
        } else {
            let seat = known.and_then(|at| self.seat(key, at));
            if let Some(seat) = seat {
                self.stand_up(key.0.slot(), seat);
            }
            seat.is_some()
        };
        if let Some(id) = told.filter(|_| left) {
            self.tell_left(room, &id);
        }
        left
    }

    /// The rooms of a member: its own first, then in the order of joining.
    pub fn rooms_of(&self, key: MemberKey) -> impl Iterator<Item = &str> {
        let member = self.member(key);
        let own = member
            .filter(|member| member.own_room)
            .map(|member| member.id.as_str());
        let joined = member.into_iter().flat_map(Member::joined);
        own.into_iter().chain(joined.filter_map(|seat| {
            self.rooms
                .get(seat.room as usize)
                .map(|room| room.name.as_str())
        }))
    }

    /// Whether a member is in a room.
    pub fn is_in(&self, key: MemberKey, room: &str) -> bool {
        self.member(key)
            .is_some_and(|member| self.sits_in(key, member, room, self.room(room)))
    }

    /// The member with this id.
    pub fn get(&self, id: &str) -> Option<&M> {
        self.key(id)
            .and_then(|key| self.member(key))
            .map(|member| &member.reach)
    }

    /// The key of the member with this id.
    pub fn key(&self, id: &str) -> Option<MemberKey> {
        self.at(*self.by_id.get(id)?).map(|(key, _)| key)
    }

    /// The id of a member.
    pub fn id(&self, key: MemberKey) -> Option<&SocketId> {
        self.member(key).map(|member| &member.id)
    }

    /// Whether anybody is in a room.
    pub fn has_room(&self, room: &str) -> bool {
        self.by_name.contains_key(room) || self.owner(room).is_some()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.len() == 0
    }

    /// How many rooms there are that somebody joined, the members' own ones not counted.
    pub fn room_count(&self) -> usize {
        self.by_name.len()
    }

    /// The names of all rooms, each once: the members' own ones first, then those that somebody joined.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.members.iter().filter(|(key, member)| {
            let owner = self.owner(member.id.as_str());
            owner.is_some_and(|(owner, _)| owner.0 == *key)
        });
        let joined = self.rooms.iter().filter(|room| !room.members.is_empty());
        let joined = joined.map(|room| room.name.as_str());
        own.map(|(_, member)| member.id.as_str())
            .chain(joined.filter(|name| self.owner(name).is_none()))
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = (MemberKey, &Member<M>)> {
        let members = self.members.iter();
        members.map(|(key, member)| {
            steps(1);
            (MemberKey(key), member)
        })
    }

    pub(super) fn at(&self, slot: u32) -> Option<(MemberKey, &Member<M>)> {
        steps(1);
        let (key, member) = self.members.at(slot)?;
        Some((MemberKey(key), member))
    }

    pub(super) fn room(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Whether `member` is in the room of that name, which is `at` if anybody joined it.
    pub(super) fn sits_in(
        &self,
        key: MemberKey,
        member: &Member<M>,
        name: &str,
        at: Option<u32>,
    ) -> bool {
        (member.own_room && member.id.as_str() == name)
            || at.is_some_and(|at| self.seats.find(key.0.slot(), member, at).is_some())
    }

    /// What names are hashed under.
    pub(super) fn hasher(&self) -> HashKey {
        *self.by_name.hasher()
    }

    /// The member whose own room this is, if it is still in it.
    pub(super) fn owner(&self, name: &str) -> Option<(MemberKey, &Member<M>)> {
        self.at(*self.by_id.get(name)?)
            .filter(|(_, member)| member.own_room)
    }

    /// Which of its seats a member has in a room.
    fn seat(&self, key: MemberKey, room: u32) -> Option<u32> {
        self.seats.find(key.0.slot(), self.member(key)?, room)
    }

    fn member(&self, key: MemberKey) -> Option<&Member<M>> {
        self.members.get(key.0)
    }

    /// Whether who watches is to hear of a room that comes with the next one to join it.
    fn would_be_new(&self, room: &str) -> bool {
        self.events.are_wanted() && !self.has_room(room)
    }

    /// A member was in a room, and is not any more.
    fn tell_left(&mut self, room: &str, id: &SocketId) {
        let last = !self.has_room(room);
        self.events.left(room, id, last);
    }

    /// What a seat's room is called.
    fn name(&self, seat: Seat) -> Option<CompactString> {
        let room = self.rooms.get(seat.room as usize);
        room.map(|room| room.name.clone())
    }

    fn open(&mut self, name: &str) -> u32 {
        let room = Room {
            name: name.into(),
            members: Vec::new(),
        };
        let at = match self.free_room() {
            Some(at) => {
                if let Some(place) = self.rooms.get_mut(at as usize) {
                    *place = room;
                }
                at
            }
            None => {
                self.rooms.push(room);
                u32::try_from(self.rooms.len().saturating_sub(1)).unwrap_or(u32::MAX)
            }
        };
        self.by_name.insert(name.into(), at);
        at
    }

    /// Takes the member at `slot` out of the room of one of its seats.
    fn stand_up(&mut self, slot: u32, seat: u32) {
        let Some(member) = self.members.at_mut(slot) else {
            return;
        };
        let left = self.seats.leave(slot, member, seat);
        let (moved, left) = left.map_or((u32::MAX, None), |(moved, left)| (moved, Some(left)));
        for (seat, at) in member.seats_from(moved) {
            let room = self.rooms.get_mut(seat.room as usize);
            if let Some(chair) = room.and_then(|it| it.members.get_mut(seat.place as usize)) {
                chair.seat = at;
            }
        }
        if let Some(left) = left {
            self.vacate(left);
        }
    }

    /// Empties a seat whose member no longer knows of it. Whoever sat last in the room takes it.
    fn vacate(&mut self, seat: Seat) {
        let Some(room) = self.rooms.get_mut(seat.room as usize) else {
            return;
        };
        if let Some(last) = room.members.pop()
            && let Some(chair) = room.members.get_mut(seat.place as usize)
        {
            *chair = last;
            if let Some(member) = self.members.at_mut(last.slot) {
                member.sits_at(last.seat, seat.place);
            }
        }
        if is_loose(room.members.capacity(), room.members.len()) {
            room.members.shrink_to(room.members.len().saturating_mul(2));
        }
        if room.members.is_empty() {
            room.members = Vec::new();
            let name = std::mem::take(&mut room.name);
            self.by_name.remove(&name);
            self.free_rooms.push(seat.room);
            self.shrink_rooms();
        }
    }

    /// Gives memory back once a crowd has left.
    fn shrink(&mut self) {
        self.members.shrink();
        if is_loose(self.by_id.capacity(), self.by_id.len()) {
            self.by_id.shrink_to(self.by_id.len().saturating_mul(2));
        }
    }

    /// The same of rooms that nobody is in.
    fn shrink_rooms(&mut self) {
        while self
            .rooms
            .last()
            .is_some_and(|room| room.members.is_empty())
        {
            self.rooms.pop();
        }
        if is_loose(self.rooms.capacity(), self.rooms.len()) {
            self.rooms.shrink_to(self.rooms.len().saturating_mul(2));
            let rooms = &self.rooms;
            self.free_rooms
                .retain(|at| rooms.get(*at as usize).is_some());
            self.free_rooms.shrink_to_fit();
        }
        if is_loose(self.by_name.capacity(), self.by_name.len()) {
            self.by_name.shrink_to(self.by_name.len().saturating_mul(2));
        }
    }

    /// A place of `rooms` without a room.
    fn free_room(&mut self) -> Option<u32> {
        // What was given back may still be named, and be taken again since.
        while let Some(at) = self.free_rooms.pop() {
            let room = self.rooms.get(at as usize);
            if room.is_some_and(|room| room.members.is_empty()) {
                return Some(at);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
