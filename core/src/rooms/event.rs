//! What becomes of rooms.

use std::collections::VecDeque;

use crate::id::SocketId;

/// What becomes of a room: [`Rooms::poll_event`](super::Rooms::poll_event). Rooms named after sockets are rooms,
/// too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// What has happened and was not taken yet, if anybody wants to hear of it.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Events(Option<VecDeque<RoomEvent>>);

impl Events {
    pub(super) fn watch(&mut self, wanted: bool) {
        if wanted {
            self.0.get_or_insert_default();
        } else {
            self.0 = None;
        }
    }

    pub(super) const fn are_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// A member has joined. `fresh`: nobody was there before.
    pub(super) fn joined(&mut self, room: &str, id: &SocketId, fresh: bool) {
        if let Some(events) = &mut self.0 {
            events.extend(fresh.then(|| RoomEvent::Created(room.to_owned())));
            events.push_back(RoomEvent::Joined(room.to_owned(), id.clone()));
        }
    }

    /// A member has left. `last`: nobody is there any more.
    pub(super) fn left(&mut self, room: &str, id: &SocketId, last: bool) {
        if let Some(events) = &mut self.0 {
            events.push_back(RoomEvent::Left(room.to_owned(), id.clone()));
            events.extend(last.then(|| RoomEvent::Deleted(room.to_owned())));
        }
    }

    pub(super) fn next(&mut self) -> Option<RoomEvent> {
        let events = self.0.as_mut()?;
        let event = events.pop_front();
        if events.is_empty() {
            // One that leaves many rooms is not remembered.
            *events = VecDeque::new();
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::id::HashKey;
    use crate::rooms::{RoomError, Rooms};

    fn id(n: u8) -> SocketId {
        SocketId::from_random([n; 15])
    }

    fn told(rooms: &mut Rooms<u8>) -> Vec<RoomEvent> {
        std::iter::from_fn(|| rooms.poll_event()).collect()
    }

    #[test]
    fn nothing_is_kept_that_nobody_wants_to_hear_of() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 4);
        let a = rooms.insert(id(1), 1);
        rooms.join(a, "x").unwrap();
        assert_eq!(told(&mut rooms), []);
        rooms.watch(true);
        assert!(rooms.leave(a, "x"));
        assert_eq!(
            told(&mut rooms),
            [
                RoomEvent::Left("x".into(), id(1)),
                RoomEvent::Deleted("x".into())
            ]
        );
        rooms.join(a, "x").unwrap();
        rooms.watch(false);
        assert_eq!(rooms.remove(a), Some(1));
        assert_eq!(told(&mut rooms), []);
    }

    #[test]
    fn who_leaves_is_told_of_room_by_room_its_own_first() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 4);
        rooms.watch(true);
        let [a, b] = [1, 2].map(|n| rooms.insert(id(n), n));
        // A room that is another member's own stays as long as that one is there.
        for room in ["x", id(2).as_str(), "y"] {
            rooms.join(a, room).unwrap();
        }
        rooms.join(b, "y").unwrap();
        assert_eq!(rooms.join(b, "y"), Ok(false));
        assert!(!rooms.leave(b, "x"));
        told(&mut rooms);
        assert_eq!(rooms.remove(a), Some(1));
        let own = id(1).to_string();
        assert_eq!(
            told(&mut rooms),
            [
                RoomEvent::Left(own.clone(), id(1)),
                RoomEvent::Deleted(own),
                RoomEvent::Left("x".into(), id(1)),
                RoomEvent::Deleted("x".into()),
                RoomEvent::Left(id(2).to_string(), id(1)),
                RoomEvent::Left("y".into(), id(1)),
            ]
        );
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8),
        Remove(u8),
        /// The rooms are `0` and `1`, and the members' own.
        Join(u8, u8),
        Leave(u8, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let who = || 2..8_u8;
        prop_oneof![
            who().prop_map(Step::Insert),
            who().prop_map(Step::Remove),
            (who(), 0..8_u8).prop_map(|(who, room)| Step::Join(who, room)),
            (who(), 0..8_u8).prop_map(|(who, room)| Step::Leave(who, room)),
        ]
    }

    proptest! {
        /// Whoever hears of everything knows who is where, and which rooms there are.
        #[test]
        fn what_is_told_is_what_there_is(steps in prop::collection::vec(step(), 0..120)) {
            let mut rooms = Rooms::new(HashKey([1, 2]), 3);
            rooms.watch(true);
            let mut keys = BTreeMap::new();
            let mut heard: BTreeMap<String, BTreeSet<SocketId>> = BTreeMap::new();
            let name = |room: u8| if room < 2 { room.to_string() } else { id(room).to_string() };
            for step in steps {
                match step {
                    Step::Insert(who) => {
                        keys.entry(who).or_insert_with(|| rooms.insert(id(who), who));
                    }
                    Step::Remove(who) => {
                        let key = keys.remove(&who);
                        prop_assert_eq!(key.and_then(|key| rooms.remove(key)), key.map(|_| who));
                    }
                    Step::Join(who, room) => if let Some(key) = keys.get(&who) {
                        let joined = rooms.join(*key, &name(room));
                        prop_assert!(!matches!(joined, Err(RoomError::Gone)));
                    }
                    Step::Leave(who, room) => if let Some(key) = keys.get(&who) {
                        rooms.leave(*key, &name(room));
                    }
                }
                for event in told(&mut rooms) {
                    match event {
                        RoomEvent::Created(room) => {
                            prop_assert!(heard.insert(room, BTreeSet::new()).is_none());
                        }
                        RoomEvent::Joined(room, id) => {
                            prop_assert!(heard.get_mut(&room).unwrap().insert(id));
                        }
                        RoomEvent::Left(room, id) => {
                            prop_assert!(heard.get_mut(&room).unwrap().remove(&id));
                        }
                        RoomEvent::Deleted(room) => {
                            prop_assert_eq!(heard.remove(&room), Some(BTreeSet::new()));
                        }
                    }
                }
                prop_assert!(heard.values().all(|members| !members.is_empty()));
                let mut names: Vec<&str> = rooms.names().collect();
                names.sort_unstable();
                prop_assert!(names.into_iter().eq(heard.keys().map(String::as_str)));
                for (who, key) in &keys {
                    let mut its: Vec<&str> = rooms.rooms_of(*key).collect();
                    its.sort_unstable();
                    let heard = heard.iter().filter(|(_, all)| all.contains(&id(*who)));
                    prop_assert!(its.into_iter().eq(heard.map(|(room, _)| room.as_str())));
                }
            }
        }
    }
}
