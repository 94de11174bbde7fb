//! Members, and what becomes of their rooms.

use super::*;

fn id(n: u32) -> SocketId {
    let mut bytes = [0; 15];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    SocketId::from_random(bytes)
}

impl Rooms<u32> {
    pub(in crate::rooms) fn seats_kept(&self) -> usize {
        self.seats.kept()
    }

    /// Places that are kept, of members and of rooms, in vectors and in maps.
    fn kept(&self) -> usize {
        let rooms = self.rooms.capacity() + self.free_rooms.capacity();
        let maps = self.by_id.capacity() + self.by_name.capacity() + self.seats.kept();
        self.members.kept() + rooms + maps
    }
}

#[test]
fn the_place_of_a_room_that_was_left_is_taken_again() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 200);
    let key = rooms.insert(id(1), 1);
    // There is always one behind the one that is left.
    for n in 0..1000 {
        rooms.join(key, &n.to_string()).unwrap();
        if n > 0 {
            assert!(rooms.leave(key, &(n - 1).to_string()));
        }
    }
    assert_eq!((rooms.rooms.len(), rooms.room_count()), (2, 1));
    assert!(rooms.kept() < 100, "{}", rooms.kept());

    // Those that stay do so when memory is given back, and so do the places between them.
    let name = |n: usize| format!("room {n}");
    let mut rooms = Rooms::new(HashKey([1, 2]), 200);
    let key = rooms.insert(id(1), 1);
    for n in 0..100 {
        rooms.join(key, &name(n)).unwrap();
    }
    for n in (0..10).chain(11..100) {
        assert!(rooms.leave(key, &name(n)));
    }
    assert_eq!(rooms.rooms.len(), 11);
    for n in 0..10 {
        rooms.join(key, &name(n)).unwrap();
    }
    assert_eq!((rooms.rooms.len(), rooms.room_count()), (11, 11));
}

#[test]
fn a_member_is_known_by_its_key_as_long_as_it_is_there() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 4);
    assert!(rooms.is_empty());
    let [a, b] = [1, 2].map(|n| rooms.insert(id(n), n));
    assert!(!rooms.is_empty());
    assert_eq!((rooms.id(a), rooms.id(b)), (Some(&id(1)), Some(&id(2))));
    rooms.remove(a);
    assert_eq!((rooms.id(a), rooms.id(b)), (None, Some(&id(2))));
    rooms.remove(b);
    assert!(rooms.is_empty());
}

#[test]
fn how_many_rooms_may_be_joined_can_be_changed() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 2);
    let key = rooms.insert(id(1), 1);
    for room in ["a", "b"] {
        assert_eq!(rooms.join(key, room), Ok(true));
    }
    rooms.set_most(1);
    let refused = rooms.join(key, "c").unwrap_err();
    assert_eq!(refused, RoomError::TooMany(1));
    assert_eq!(
        refused.to_string(),
        "a socket may be in 1 rooms (max_rooms_per_socket)"
    );
    assert!(rooms.is_in(key, "a") && rooms.is_in(key, "b"));
    rooms.set_most(3);
    assert_eq!(rooms.join(key, "c"), Ok(true));
    rooms.remove(key);
    let gone = rooms.join(key, "c").unwrap_err();
    assert_eq!(gone.to_string(), "the socket has left its namespace");
}

#[test]
fn a_crowd_that_has_left_takes_its_memory_with_it() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 4);
    let mut keys: Vec<_> = (0..1000).map(|n| rooms.insert(id(n), n)).collect();
    for (n, key) in keys.iter().enumerate() {
        rooms.join(*key, &n.to_string()).unwrap();
        rooms.join(*key, "all").unwrap();
    }
    assert!(rooms.kept() >= 4000);
    // Some of the first stay.
    let gone = keys.split_off(3);
    for key in &gone {
        rooms.remove(*key);
    }
    assert!(rooms.kept() < 100, "{}", rooms.kept());
    assert!(rooms.rooms.iter().all(|it| it.members.capacity() < 100));
    assert_eq!((rooms.len(), rooms.room_count()), (3, 4));

    // Their slots come again, and old keys name nobody in them.
    let again: Vec<_> = (0..1000).map(|n| rooms.insert(id(n + 5000), n)).collect();
    assert!(
        gone.iter()
            .all(|key| rooms.join(*key, "x") == Err(RoomError::Gone))
    );
    assert!(gone.iter().all(|key| !again.contains(key)));
    // One of the last stays, and holds up those before it.
    for key in &again[..999] {
        rooms.remove(*key);
    }
    let next = rooms.insert(id(1), 7);
    rooms.remove(again[999]);
    for n in 0..20 {
        let key = rooms.insert(id(n + 9000), n);
        rooms.remove(key);
    }
    for key in keys.into_iter().chain([next]) {
        assert!(rooms.remove(key).is_some());
    }
    assert_eq!(rooms.len(), 0);
    assert!(rooms.kept() < 100, "{}", rooms.kept());
}

#[test]
fn a_member_may_be_in_so_many_rooms() {
    let mut rooms = Rooms::new(HashKey([1, 2]), 1);
    assert!(rooms.is_empty());
    let id = SocketId::from_random([1; 15]);
    let key = rooms.insert(id.clone(), ());
    assert_eq!((rooms.id(key), rooms.is_empty()), (Some(&id), false));
    assert_eq!(rooms.join(key, "a"), Ok(true));
    let error = rooms.join(key, "b").unwrap_err();
    assert_eq!(error, RoomError::TooMany(1));
    assert_eq!(
        error.to_string(),
        "a socket may be in 1 rooms (max_rooms_per_socket)"
    );
    rooms.set_most(2);
    assert_eq!(rooms.join(key, "b"), Ok(true));
    rooms.set_most(1);
    assert_eq!(
        rooms.rooms_of(key).collect::<Vec<_>>(),
        [id.as_str(), "a", "b"]
    );
    assert_eq!(rooms.join(key, "c"), Err(RoomError::TooMany(1)));
    rooms.remove(key);
    let gone = rooms.join(key, "a").unwrap_err();
    assert_eq!(gone.to_string(), "the socket has left its namespace");
    assert_eq!((rooms.id(key), rooms.is_empty()), (None, true));
}
