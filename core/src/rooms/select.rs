//! Who a broadcast is for.

use compact_str::CompactString;
use hashbrown::HashSet;
use smallvec::SmallVec;

use super::index::{MemberKey, Rooms};
use super::seats::Member;
use crate::id::HashKey;

/// Whom a broadcast is for: the union of some rooms, or everybody, without the members of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Rooms whose members are meant: of an empty list nobody. `None`: everybody in the namespace.
    pub rooms: Option<SmallVec<[CompactString; 1]>>,
    /// Rooms whose members are left out.
    pub except: SmallVec<[CompactString; 1]>,
    /// The sender, if it is not to hear itself. By its key and not by its own room, so that one that
    /// left that room is left out all the same.
    pub skip: Option<MemberKey>,
}

impl<const N: usize> From<[&str; N]> for Target {
    /// The union of some rooms.
    fn from(rooms: [&str; N]) -> Self {
        Self {
            rooms: Some(rooms.iter().map(|room| (*room).into()).collect()),
            ..Self::default()
        }
    }
}

impl Target {
    /// Adds a room whose members are meant, too.
    pub fn add(&mut self, room: &str) {
        self.named().push(room.into());
    }

    /// The rooms that are named. From now on it is not for everybody, even if there are none.
    pub fn named(&mut self) -> &mut SmallVec<[CompactString; 1]> {
        self.rooms.get_or_insert_default()
    }

    /// Whether it is for nobody, whoever is there.
    pub fn is_nobody(&self) -> bool {
        self.rooms.as_ref().is_some_and(|rooms| rooms.is_empty())
    }
}

impl<M> Rooms<M> {
    /// Everybody a broadcast is for, each once: in the order of the rooms named, and within a room
    /// in its own order.
    pub fn select<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = &'a M> {
        self.walk(target).map(|(_, member)| &member.reach)
    }

    /// The keys of everybody a broadcast is for, in the same order.
    pub fn select_keys<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = MemberKey> + 'a {
        self.walk(target).map(|(key, _)| key)
    }

    fn sits_in_any(
        &self,
        key: MemberKey,
        member: &Member<M>,
        named: &[(&str, Option<u32>)],
    ) -> bool {
        named
            .iter()
            .any(|(name, at)| self.sits_in(key, member, name, *at))
    }

    fn walk<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = (MemberKey, &'a Member<M>)> {
        let named: SmallVec<[(&str, Option<u32>); 1]> =
            found(self, target.rooms.as_deref().unwrap_or_default());
        let barred = Barred::new(self, &target.except);
        // Whether it was in a few rooms is asked of each member; who was in many is written down.
        let mut seen = (named.len() > FEW).then(|| HashSet::with_hasher(self.hasher()));
        let everybody = target.rooms.is_none();
        let mut all = everybody.then(|| self.slots());
        let mut rooms = Walk::new(self, named);
        std::iter::from_fn(move || {
            loop {
                let (room, (key, member)) = match &mut all {
                    Some(all) => (0, all.next()?),
                    None => rooms.next()?,
                };
                let again = match &mut seen {
                    Some(seen) => !seen.insert(key),
                    None => {
                        let before = rooms.named.get(..room).unwrap_or_default();
                        self.sits_in_any(key, member, before)
                    }
                };
                if target.skip != Some(key) && !again && !barred.holds(self, key, member) {
                    return Some((key, member));
                }
            }
        })
    }
}

/// The members that a broadcast leaves out.
enum Barred<'a> {
    /// Those of a few rooms.
    Rooms(SmallVec<[(&'a str, Option<u32>); 1]>),
    /// Those of many.
    Members(HashSet<MemberKey, HashKey>),
}

impl<'a> Barred<'a> {
    fn new<M>(rooms: &'a Rooms<M>, except: &'a [CompactString]) -> Self {
        let named = found(rooms, except);
        if named.len() <= FEW {
            return Self::Rooms(named);
        }
        let mut members = HashSet::with_hasher(rooms.hasher());
        let mut walk = Walk::new(rooms, named);
        while let Some((_, (key, _))) = walk.next() {
            members.insert(key);
        }
        Self::Members(members)
    }

    fn holds<M>(&self, rooms: &Rooms<M>, key: MemberKey, member: &Member<M>) -> bool {
        match self {
            Self::Rooms(named) => rooms.sits_in_any(key, member, named),
            Self::Members(members) => members.contains(&key),
        }
    }
}

/// So many rooms are few.
const FEW: usize = 4;

fn found<'a, M>(
    rooms: &Rooms<M>,
    names: &'a [CompactString],
) -> SmallVec<[(&'a str, Option<u32>); 1]> {
    // Mostly there are none to be left out, and to collect nothing takes its time, too.
    if names.is_empty() {
        return SmallVec::new();
    }
    names
        .iter()
        .map(|name| (name.as_str(), rooms.room(name)))
        .collect()
}

/// Walks over the members of several rooms, one room after the other.
struct Walk<'a, M> {
    rooms: &'a Rooms<M>,
    named: SmallVec<[(&'a str, Option<u32>); 1]>,
    room: usize,
    /// 0: whoever owns the room; then those who joined it.
    place: usize,
}

impl<'a, M> Walk<'a, M> {
    const fn new(rooms: &'a Rooms<M>, named: SmallVec<[(&'a str, Option<u32>); 1]>) -> Self {
        Self {
            rooms,
            named,
            room: 0,
            place: 0,
        }
    }

    fn next(&mut self) -> Option<(usize, (MemberKey, &'a Member<M>))> {
        loop {
            let (name, at) = *self.named.get(self.room)?;
            let place = self.place;
            self.place = place.saturating_add(1);
            if place == 0 {
                if let Some(owner) = self.rooms.owner(name) {
                    return Some((self.room, owner));
                }
                continue;
            }
            let chair = at
                .and_then(|at| self.rooms.rooms.get(at as usize))
                .and_then(|room| room.members.get(place.saturating_sub(1)));
            match chair {
                Some(chair) => {
                    if let Some(found) = self.rooms.at(chair.slot) {
                        return Some((self.room, found));
                    }
                }
                None => {
                    self.room = self.room.saturating_add(1);
                    self.place = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::id::{HashKey, SocketId};

    fn id(byte: u8) -> SocketId {
        SocketId::from_random([byte; 15])
    }

    fn rooms() -> Rooms<u8> {
        Rooms::new(HashKey([1, 2]), 4)
    }

    fn to(rooms: &[&str], except: &[&str]) -> Target {
        Target {
            rooms: (!rooms.is_empty()).then(|| rooms.iter().map(|room| (*room).into()).collect()),
            except: except.iter().map(|room| (*room).into()).collect(),
            skip: None,
        }
    }

    #[test]
    fn a_member_of_two_rooms_hears_once() {
        let mut rooms = rooms();
        let [a, b, c] = [0, 1, 2].map(|n| rooms.insert(id(n), n));
        for (key, room) in [(a, "x"), (b, "x"), (b, "y"), (c, "y")] {
            assert_eq!(rooms.join(key, room), Ok(true));
        }
        let heard = |target: &Target| rooms.select(target).copied().collect::<Vec<_>>();
        assert_eq!(heard(&to(&["x", "y"], &[])), [0, 1, 2]);
        assert_eq!(heard(&to(&["y", "x"], &[])), [1, 2, 0]);
        assert_eq!(heard(&to(&[], &["y"])), [0]);
        assert_eq!(heard(&to(&["x"], &["y"])), [0]);
        assert_eq!(heard(&to(&["nowhere"], &[])), [0; 0]);
        let me = Target {
            skip: Some(b),
            ..to(&["x", "y"], &[])
        };
        assert_eq!(heard(&me), [0, 2]);
        assert!(rooms.select_keys(&to(&["y", "x"], &[])).eq([b, c, a]));
    }

    #[test]
    fn an_empty_list_of_rooms_means_nobody() {
        // faults: F6
        let mut rooms = rooms();
        let _ = [0, 1].map(|n| rooms.insert(id(n), n));
        let heard = |target: &Target| rooms.select(target).copied().collect::<Vec<_>>();
        assert_eq!(heard(&Target::from([])), [0; 0]);
        assert!(Target::from([]).is_nobody() && !Target::default().is_nobody());
        assert_eq!(heard(&Target::default()), [0, 1]);
        let mut target = Target::from([]);
        target.add(id(1).as_str());
        assert_eq!(heard(&target), [1]);
    }

    #[test]
    fn everybody_is_in_the_room_of_its_own_id() {
        let mut rooms = rooms();
        let [a, b] = [0, 1].map(|n| rooms.insert(id(n), n));
        let own = id(0).as_str().to_owned();
        let heard =
            |rooms: &Rooms<u8>| rooms.select(&to(&[&own], &[])).copied().collect::<Vec<_>>();
        assert_eq!(heard(&rooms), [0]);
        assert_eq!(rooms.join(b, &own), Ok(true));
        assert_eq!(heard(&rooms), [0, 1]);
        assert!(rooms.leave(a, &own));
        assert_eq!(heard(&rooms), [1]);
        assert_eq!(rooms.rooms_of(a).count(), 0);
        assert_eq!(rooms.remove(b), Some(1));
        assert_eq!(rooms.room_count(), 0);
    }

    #[test]
    fn a_key_names_nobody_once_its_member_is_gone() {
        let mut rooms = rooms();
        let old = rooms.insert(id(0), 0);
        assert_eq!(rooms.remove(old), Some(0));
        let new = rooms.insert(id(1), 1);
        assert_ne!(old, new);
        assert_eq!(rooms.join(old, "x"), Err(super::super::RoomError::Gone));
        assert!(!rooms.leave(old, "x"));
        assert_eq!(rooms.remove(old), None);
        assert_eq!(rooms.get(id(1).as_str()), Some(&1));
    }

    #[test]
    fn rooms_are_limited() {
        let mut rooms = rooms();
        let a = rooms.insert(id(0), 0);
        for room in ["1", "2", "3", "4"] {
            assert_eq!(rooms.join(a, room), Ok(true));
        }
        assert_eq!(rooms.join(a, "4"), Ok(false));
        assert_eq!(rooms.join(a, "5"), Err(super::super::RoomError::TooMany(4)));
        assert!(rooms.leave(a, "1"));
        assert_eq!(rooms.join(a, "5"), Ok(true));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8),
        Remove(u8),
        Join(u8, u8),
        Leave(u8, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..24u8).prop_map(Step::Insert),
            (0..24u8).prop_map(Step::Remove),
            (0..24u8, 0..3u8).prop_map(|(who, room)| Step::Join(who, room)),
            (0..24u8, 0..3u8).prop_map(|(who, room)| Step::Leave(who, room)),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_map_of_sets(steps in prop::collection::vec(step(), 0..160)) {
            let mut rooms = rooms();
            let mut keys = BTreeMap::new();
            let mut model: BTreeMap<String, BTreeSet<u8>> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Insert(who) => {
                        keys.entry(who).or_insert_with(|| rooms.insert(id(who), who));
                    }
                    Step::Remove(who) => {
                        if let Some(key) = keys.remove(&who) {
                            prop_assert_eq!(rooms.remove(key), Some(who));
                            model.values_mut().for_each(|room| { room.remove(&who); });
                        }
                    }
                    Step::Join(who, room) => {
                        if let Some(key) = keys.get(&who) {
                            let room = room.to_string();
                            let new = model.entry(room.clone()).or_default().insert(who);
                            prop_assert_eq!(rooms.join(*key, &room), Ok(new));
                        }
                    }
                    Step::Leave(who, room) => {
                        if let Some(key) = keys.get(&who) {
                            let room = room.to_string();
                            let was = model.entry(room.clone()).or_default().remove(&who);
                            prop_assert_eq!(rooms.leave(*key, &room), was);
                        }
                    }
                }
                prop_assert_eq!(rooms.len(), keys.len());
                prop_assert_eq!(
                    rooms.room_count(),
                    model.values().filter(|room| !room.is_empty()).count()
                );
                for (name, members) in &model {
                    let heard: Vec<u8> =
                        rooms.select(&to(&[name], &[])).copied().collect();
                    prop_assert_eq!(heard.len(), members.len());
                    prop_assert_eq!(&heard.into_iter().collect::<BTreeSet<_>>(), members);
                }
                let two: Vec<u8> = rooms.select(&to(&["0", "1"], &["2"])).copied().collect();
                let set: BTreeSet<u8> = two.iter().copied().collect();
                prop_assert_eq!(two.len(), set.len());
                let room = |name: &str| model.get(name).cloned().unwrap_or_default();
                let wanted: BTreeSet<u8> = &(&room("0") | &room("1")) - &room("2");
                prop_assert_eq!(set, wanted);
            }
        }
    }

    #[test]
    fn keys_are_those_of_whom_it_reaches() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 9);
        let keys = [1, 2, 3].map(|n| rooms.insert(id(n), usize::from(n)));
        rooms.join(keys[2], "x").unwrap();
        rooms.join(keys[0], "x").unwrap();
        for target in [Target::from(["x"]), Target::default(), Target::from(["y"])] {
            let members: Vec<_> = rooms.select(&target).copied().collect();
            let place = |key| keys.iter().position(|it| *it == key).unwrap() + 1;
            let theirs = rooms.select_keys(&target).map(place);
            assert_eq!(theirs.collect::<Vec<_>>(), members);
        }
        let in_x: Vec<_> = rooms.select_keys(&Target::from(["x"])).collect();
        assert_eq!(in_x, [keys[2], keys[0]]);
    }
}
