//! What rooms are, fed to a hasher.

use proptest::prelude::*;

use super::Rooms;
use crate::digest;
use crate::id::{HashKey, SocketId};

#[derive(Clone, Debug)]
enum Step {
    Insert(u8),
    Remove(usize),
    Join(usize, u8),
    Leave(usize, u8),
    Told,
}

fn of(rooms: &Rooms<u8>) -> u64 {
    digest::of(|state| rooms.digest(state))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4u8).prop_map(Step::Insert),
        (0..6usize).prop_map(Step::Remove),
        (0..6usize, 0..20u8).prop_map(|(who, room)| Step::Join(who, room)),
        (0..6usize, 0..20u8).prop_map(|(who, room)| Step::Leave(who, room)),
        Just(Step::Told),
    ]
}

proptest! {
    /// The key under which names are hashed makes no difference.
    #[test]
    fn two_that_are_told_the_same_are_the_same_at_each_step(
        steps in prop::collection::vec(step(), 0..80),
        clone_at in 0..80usize,
    ) {
        let mut one = Rooms::new(HashKey([1, 2]), 16);
        let mut other = Rooms::new(HashKey([3, 4]), 16);
        one.watch(true);
        other.watch(true);
        let mut keys = Vec::new();
        for (at, step) in steps.into_iter().enumerate() {
            let mut found = Vec::new();
            for rooms in [&mut one, &mut other] {
                let key = |who: usize| keys.get(who % keys.len().max(1)).copied();
                match step {
                    Step::Insert(n) => found.push(rooms.insert(SocketId::from_random([n; 15]), n)),
                    Step::Remove(who) => drop(key(who).and_then(|key| rooms.remove(key))),
                    Step::Join(who, room) => drop(key(who).map(|key| rooms.join(key, &room.to_string()))),
                    Step::Leave(who, room) => drop(key(who).map(|key| rooms.leave(key, &room.to_string()))),
                    Step::Told => drop(rooms.poll_event()),
                }
            }
            keys.extend(found.first());
            prop_assert_eq!(of(&one), of(&other));
            if at == clone_at {
                other = one.clone();
            }
        }
    }
}

/// When memory is given back makes no difference, either: a clone has less of it.
#[test]
fn what_is_left_of_a_crowd_is_the_same_in_a_clone() {
    for of_rooms in [true, false] {
        let mut rooms = Rooms::new(HashKey([1, 2]), 100);
        let ids = (0..40).map(|n| SocketId::from_random([n; 15]));
        let keys: Vec<_> = ids.zip(0..).map(|(id, n)| rooms.insert(id, n)).collect();
        for room in 0..40 {
            rooms.join(keys[0], &room.to_string()).unwrap();
        }
        let mut clone = rooms.clone();
        for n in [1].into_iter().chain((5..40).rev()) {
            for rooms in [&mut rooms, &mut clone] {
                match of_rooms {
                    true => assert!(rooms.leave(keys[0], &n.to_string())),
                    false => assert!(rooms.remove(keys[n]).is_some()),
                }
            }
            assert_eq!(of(&rooms), of(&clone), "{n}");
        }
        let before = of(&rooms);
        for rooms in [&mut rooms, &mut clone] {
            rooms.join(keys[0], "more").unwrap();
            rooms.insert(SocketId::from_random([99; 15]), 99);
        }
        assert_eq!(of(&rooms), of(&clone));
        assert_ne!(of(&rooms), before);
    }
}

#[test]
fn another_input_makes_other_rooms() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 16);
    let key = rooms.insert(SocketId::from_random([7; 15]), 1);
    let before = of(&rooms);
    let mut joined = rooms.clone();
    joined.join(key, "lobby").unwrap();
    let mut elsewhere = rooms.clone();
    elsewhere.join(key, "hall").unwrap();
    rooms.insert(SocketId::from_random([7; 15]), 1);
    let all = [before, of(&joined), of(&elsewhere), of(&rooms)];
    assert!(
        (1..all.len()).all(|n| !all[..n].contains(&all[n])),
        "{all:?}"
    );
}
