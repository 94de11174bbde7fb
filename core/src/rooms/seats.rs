//! The seats of a member: which rooms it is in, and where it sits in each.

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::arena::is_loose;
use crate::id::{HashKey, SocketId};

#[derive(Clone, Debug, Hash)]
pub(super) struct Member<M> {
    pub(super) id: SocketId,
    pub(super) reach: M,
    /// Whether it is still in the room named after it.
    pub(super) own_room: bool,
    /// Seats that were left, and whose places are kept until there are enough of them. Of few seats none.
    gaps: u32,
    /// In the order of joining.
    seats: SmallVec<[Seat; 2]>,
}

/// A member's place in a room.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Seat {
    pub(super) room: u32,
    pub(super) place: u32,
}

impl Seat {
    /// One that was left.
    const GAP: Self = Self {
        room: u32::MAX,
        place: u32::MAX,
    };

    const fn is_taken(&self) -> bool {
        self.room != u32::MAX
    }
}

/// A room's side of a seat: whose it is, and which one of its seats.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Chair {
    pub(super) slot: u32,
    pub(super) seat: u32,
}

impl<M> Member<M> {
    pub(super) fn new(id: SocketId, reach: M) -> Self {
        Self {
            id,
            reach,
            own_room: true,
            gaps: 0,
            seats: SmallVec::new(),
        }
    }

    /// How many rooms it has joined.
    pub(super) fn rooms(&self) -> usize {
        self.seats.len().saturating_sub(self.gaps as usize)
    }

    /// Its seats in the order of joining.
    pub(super) fn joined(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.is_taken())
    }

    /// Its seats from one of them on, and the number of each.
    pub(super) fn seats_from(&self, first: u32) -> impl Iterator<Item = (&Seat, u32)> {
        let seats = self.seats.get(first as usize..).unwrap_or_default();
        seats.iter().zip(first..)
    }

    /// It was moved to another place of a room.
    pub(super) fn sits_at(&mut self, seat: u32, place: u32) {
        steps(1);
        if let Some(seat) = self.seats.get_mut(seat as usize) {
            seat.place = place;
        }
    }

    /// Whether its seats are found by the table: it has so many that they are not looked through.
    fn is_noted(&self) -> bool {
        self.rooms() > FEW
    }
}

/// Finds the seats of members in many rooms, however many those are. What few seats a member has is looked
/// through, which costs nothing to keep.
#[derive(Clone, Debug)]
pub(super) struct Seats(HashMap<(u32, u32), u32, HashKey>);

impl Seats {
    pub(super) const fn new(key: HashKey) -> Self {
        Self(HashMap::with_hasher(key))
    }

    /// Which of its seats a member at `slot` has in a room.
    pub(super) fn find<M>(&self, slot: u32, member: &Member<M>, room: u32) -> Option<u32> {
        if member.is_noted() {
            steps(1);
            return self.0.get(&(slot, room)).copied();
        }
        steps(member.seats.len());
        let found = member.seats.iter().position(|seat| seat.room == room)?;
        u32::try_from(found).ok()
    }

    /// A member takes a seat in a room where it has none. Which of its seats that is.
    pub(super) fn take<M>(&mut self, slot: u32, member: &mut Member<M>, seat: Seat) -> u32 {
        let at = u32::try_from(member.seats.len()).unwrap_or(u32::MAX);
        let was_noted = member.is_noted();
        member.seats.push(seat);
        if was_noted {
            self.0.insert((slot, seat.room), at);
        } else if member.is_noted() {
            self.note(slot, member);
        }
        at
    }

    /// A member leaves one of its seats: from which one on they are others now, and the seat.
    pub(super) fn leave<M>(
        &mut self,
        slot: u32,
        member: &mut Member<M>,
        at: u32,
    ) -> Option<(u32, Seat)> {
        let was_noted = member.is_noted();
        let seat = member.seats.get_mut(at as usize)?;
        let left = std::mem::replace(seat, Seat::GAP);
        member.gaps = member.gaps.saturating_add(1);
        if was_noted {
            self.0.remove(&(slot, left.room));
            if member.is_noted() && (member.gaps as usize) < member.rooms() {
                return Some((u32::MAX, left));
            }
            self.close_gaps(slot, member);
            return Some((0, left));
        }
        member.seats.remove(at as usize);
        member.gaps = 0;
        Some((at, left))
    }

    /// A member leaves all of them.
    pub(super) fn clear<M>(
        &mut self,
        slot: u32,
        member: &mut Member<M>,
    ) -> impl Iterator<Item = Seat> + use<M> {
        if member.is_noted() {
            for seat in member.joined() {
                self.0.remove(&(slot, seat.room));
            }
            self.shrink();
        }
        member.gaps = 0;
        let seats = std::mem::take(&mut member.seats);
        seats.into_iter().filter(Seat::is_taken)
    }

    /// How many it has memory for.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.0.capacity()
    }

    /// Half of the seats are gaps, or few are left that are none.
    fn close_gaps<M>(&mut self, slot: u32, member: &mut Member<M>) {
        steps(member.seats.len());
        member.seats.retain(|seat| seat.is_taken());
        member.gaps = 0;
        if is_loose(member.seats.capacity(), member.seats.len()) {
            member.seats.shrink_to_fit();
        }
        if member.is_noted() {
            self.note(slot, member);
        } else {
            for seat in &member.seats {
                self.0.remove(&(slot, seat.room));
            }
        }
        self.shrink();
    }

    fn note<M>(&mut self, slot: u32, member: &Member<M>) {
        for (seat, at) in member.seats_from(0) {
            self.0.insert((slot, seat.room), at);
        }
    }

    fn shrink(&mut self) {
        if is_loose(self.0.capacity(), self.0.len()) {
            self.0.shrink_to(self.0.len().saturating_mul(2));
        }
    }
}

/// So many seats are few.
const FEW: usize = 16;

/// Seats that are looked at or moved, which tests count.
#[inline(always)]
pub(super) fn steps(_count: usize) {
    #[cfg(test)]
    tests::STEPS.set(tests::STEPS.get().saturating_add(_count));
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::id::{HashKey, SocketId};
    use crate::rooms::{MemberKey, Rooms, Target};

    thread_local! {
        pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    fn steps<T>(of: impl FnOnce() -> T) -> (usize, T) {
        STEPS.set(0);
        let result = of();
        (STEPS.get(), result)
    }

    const MEMBERS: u8 = 20;

    /// Some members in a lobby, and in so many other rooms, all of them.
    fn crowd(each: usize) -> (Rooms<u8>, Vec<MemberKey>) {
        let mut rooms = Rooms::new(HashKey([1, 2]), each + 2);
        let keys: Vec<_> = (0..MEMBERS)
            .map(|n| rooms.insert(SocketId::from_random([n; 15]), n))
            .collect();
        for (n, key) in keys.iter().enumerate() {
            for room in 0..each {
                // Each in an order of its own.
                let room = (room + n * 7) % each;
                assert_eq!(rooms.join(*key, &format!("room {room}")), Ok(true));
            }
            assert_eq!(rooms.join(*key, "lobby"), Ok(true));
        }
        (rooms, keys)
    }

    fn target(rooms: &[&str], except: &[&str]) -> Target {
        Target {
            rooms: Some(rooms.iter().map(|room| (*room).into()).collect()),
            except: except.iter().map(|room| (*room).into()).collect(),
            skip: None,
        }
    }

    #[test]
    fn a_broadcast_costs_the_members_of_the_rooms_it_names() {
        // faults: H11
        let cost = |each: usize, rooms: &[&str], except: &[&str]| {
            let (all, _) = crowd(each);
            let target = target(rooms, except);
            steps(|| all.select(&target).count())
        };
        for each in [20, 200, 2000] {
            let most = usize::from(MEMBERS) * 3;
            let (steps, heard) = cost(each, &["lobby"], &["nowhere", "room 3"]);
            assert!((steps, heard) <= (most, 0), "{each}: {steps}");
            let (steps, heard) = cost(each, &["lobby", "room 7"], &[]);
            assert_eq!(heard, usize::from(MEMBERS));
            assert!(steps <= most, "{each}: {steps}");
        }
        // Many rooms cost their members once, and not each with each other.
        let names: Vec<_> = (0..1000).map(|n| format!("room {n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let (steps, heard) = cost(1000, &names, &[]);
        assert_eq!(heard, usize::from(MEMBERS));
        assert!(steps <= 2000 * usize::from(MEMBERS), "{steps}");
        let (steps, heard) = cost(1000, &["lobby"], &names);
        assert_eq!(heard, 0);
        assert!(steps <= 2000 * usize::from(MEMBERS), "{steps}");
    }

    #[test]
    fn few_seats_are_in_no_table() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 100);
        let key = rooms.insert(SocketId::from_random([1; 15]), 1);
        for room in 0..super::FEW {
            rooms.join(key, &room.to_string()).unwrap();
        }
        assert_eq!(rooms.seats_kept(), 0);
        rooms.join(key, "one more").unwrap();
        assert!(rooms.seats_kept() > super::FEW);
    }

    #[test]
    fn gaps_between_seats_are_closed_once_they_are_half() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 100);
        let key = rooms.insert(SocketId::from_random([1; 15]), 1);
        for room in 0..40 {
            rooms.join(key, &room.to_string()).unwrap();
        }
        for (room, seats) in (0..19).map(|room| (room, 40)).chain([(19, 20)]) {
            assert!(rooms.leave(key, &room.to_string()));
            let (_, member) = rooms.slots().next().unwrap();
            assert_eq!((member.seats.len(), member.rooms()), (seats, 39 - room));
        }
    }

    #[test]
    fn who_leaves_many_rooms_takes_the_table_along() {
        for one_by_one in [true, false] {
            let mut rooms = Rooms::new(HashKey([1, 2]), 1000);
            let key = rooms.insert(SocketId::from_random([1; 15]), 1);
            for room in 0..1000 {
                rooms.join(key, &room.to_string()).unwrap();
            }
            assert!(rooms.seats_kept() >= 1000);
            match one_by_one {
                true => (0..1000).for_each(|room| assert!(rooms.leave(key, &room.to_string()))),
                false => assert!(rooms.remove(key).is_some()),
            }
            assert!(rooms.seats_kept() < 100, "{}", rooms.seats_kept());
        }
    }

    #[test]
    fn many_rooms_with_one_in_each_cost_each_once() {
        let mut rooms = Rooms::new(HashKey([1, 2]), 4);
        let names: Vec<_> = (0..200_u8).map(|n| n.to_string()).collect();
        for (name, n) in names.iter().zip(0..) {
            let key = rooms.insert(SocketId::from_random([n; 15]), n);
            rooms.join(key, name).unwrap();
        }
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let to = target(&names, &[]);
        let (steps, heard) = steps(|| rooms.select(&to).count());
        assert_eq!(heard, 200);
        assert!(steps <= 400, "{steps}");
    }

    #[test]
    fn a_broadcast_to_everybody_costs_those_who_are_there() {
        // faults: H11
        let mut rooms = Rooms::new(HashKey([1, 2]), 4);
        let id = |n: u32| {
            let mut bytes = [0; 15];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            SocketId::from_random(bytes)
        };
        let keys: Vec<_> = (0..1000).map(|n| rooms.insert(id(n), n)).collect();
        // The first and the last stay.
        for key in &keys[1..999] {
            rooms.remove(*key);
        }
        let everybody = Target::default();
        let (cost, heard) = steps(|| rooms.select(&everybody).copied().collect::<Vec<_>>());
        assert_eq!((cost, heard), (2, vec![0, 999]));
    }

    #[test]
    fn to_leave_costs_the_rooms_that_are_left() {
        // faults: H11
        for each in [20, 200, 2000] {
            let (mut rooms, keys) = crowd(each);
            let (cost, _) = steps(|| keys.iter().map(|key| rooms.remove(*key)).count());
            assert!(cost <= usize::from(MEMBERS) * (each + 1), "{each}: {cost}");
            assert_eq!((rooms.len(), rooms.room_count()), (0, 0));

            let (mut rooms, keys) = crowd(each);
            let (cost, _) = steps(|| {
                for (key, room) in keys
                    .iter()
                    .flat_map(|key| (0..each).map(move |at| (key, at)))
                {
                    assert!(rooms.leave(*key, &format!("room {room}")));
                }
            });
            // Few seats are looked through, many are found; gaps are closed once half of them are.
            assert!(
                cost <= usize::from(MEMBERS) * (each * 6 + 400),
                "{each}: {cost}"
            );
            assert_eq!(rooms.room_count(), 1);
        }
    }

    #[test]
    fn rooms_are_told_in_the_order_of_joining_whichever_were_left() {
        for each in [3, 16, 17, 40, 300] {
            let (mut rooms, keys) = crowd(each);
            let key = keys[1];
            let mut left: Vec<String> = rooms.rooms_of(key).map(str::to_owned).collect();
            let mut random = 7_usize;
            while left.len() > 1 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let at = 1 + (random >> 33) % (left.len() - 1);
                let room = left.remove(at);
                assert!(rooms.leave(key, &room));
                assert!(!rooms.is_in(key, &room) && !rooms.leave(key, &room));
                assert!(rooms.rooms_of(key).eq(left.iter().map(String::as_str)));
                assert!(left.iter().all(|room| rooms.is_in(key, room)));
                if random.is_multiple_of(5) {
                    assert_eq!(rooms.join(key, &room), Ok(true));
                    assert_eq!(rooms.join(key, &room), Ok(false));
                    left.push(room);
                }
            }
            for key in keys {
                assert!(rooms.remove(key).is_some());
            }
            assert_eq!((rooms.len(), rooms.room_count()), (0, 0));
        }
    }
}
