//! What was thrown away, and who needed it.

use super::*;

/// One whose clients may be in so many rooms, and that keeps so many packets.
fn narrow(rooms: usize, packets: usize) -> World {
    let options = ConnectionStateRecovery::default().max_kept_packets(packets);
    let config = Config::v4()
        .max_rooms_per_socket(rooms)
        .connection_state_recovery(options);
    World {
        recovery: Recovery::new(&config, HashKey([1, 2])).unwrap(),
        now: Instant::ORIGIN,
    }
}

#[test]
fn what_was_lost_stays_lost_when_older_packets_go() {
    let mut world = narrow(1, 3);
    let ann = world.enter(1);
    let offset = world.tell(ann, "1");
    for room in ["a", "b"] {
        world.recovery.join(ann, room);
        world.emit(&Target::from([room]), room);
        world.recovery.leave_room(ann, room);
    }
    // Where it was told of `a` is forgotten by now, and this throws away what it has read.
    world.emit(&Target::from(["y"]), "y");
    world.cut(ann);
    assert_eq!(world.back(1, &offset).unwrap_err(), Unrestored::Lost);
}

#[test]
fn one_that_makes_too_many_says_whether_it_is_kept() {
    let mut world = world(ConnectionStateRecovery::default().max_kept_sessions(1));
    let (ann, bob) = (world.enter(1), world.enter(2));
    world.all("1");
    world.cut(bob);
    // At the same time, and of the two it is the first to go.
    assert!(!world.recovery.leave(world.now, ann, LOST, 7));
    assert_eq!(world.expired(), Some(Expiry::Crowded));
    assert_eq!(world.recovery.figures().away, 1);
}

#[test]
fn what_was_lost_in_which_room_makes_a_difference() {
    let run = |rooms: [&str; 2]| {
        let mut world = narrow(10, 2);
        let ann = world.enter(1);
        world.recovery.join(ann, "x");
        for room in rooms {
            world.emit(&Target::from([room]), "e");
        }
        // As many names as there may be packets are told apart.
        world.tell(ann, "e");
        world.tell(ann, "e");
        crate::digest::of(|state| world.recovery.digest(state))
    };
    assert_eq!(run(["x", "y"]), run(["x", "y"]));
    assert_ne!(run(["x", "y"]), run(["y", "x"]));
}

#[test]
fn what_was_lost_in_a_room_is_known_when_the_room_is_not() {
    let mut world = narrow(10, 1);
    let ann = world.enter(1);
    let offset = world.recovery.offset();
    world.recovery.join(ann, "x");
    let read = world.emit(&Target::from(["x"]), "x");
    world.recovery.leave_room(ann, "x");
    let bob = world.enter(2);
    world.tell(bob, "throws that away");
    world.recovery.join(ann, "z");
    world.recovery.leave_room(ann, "z");
    assert_eq!(world.recovery.held(ann).unwrap().stays.len(), 1);
    let claim = Claim::new(&pid(1), Some(&read));
    assert!(world.recovery.find(&claim).is_some(), "it has read it");
    world.cut(ann);
    assert_eq!(
        world.back(1, offset.as_str()).unwrap_err(),
        Unrestored::Lost
    );
}

#[test]
fn the_names_of_those_whom_a_packet_is_for_count() {
    let name = "n".repeat(1000);
    let bytes = |rooms: &[&str], except: &[&str]| {
        let mut world = calm();
        world.enter(1);
        let target = Target {
            rooms: Some(rooms.iter().map(|room| (*room).into()).collect()),
            except: except.iter().map(|room| (*room).into()).collect(),
            ..Target::default()
        };
        world.emit(&target, "e");
        let bytes = world.recovery.figures().bytes;
        // What was counted is taken off again.
        world.pass(1000);
        assert_eq!(world.recovery.figures().bytes, 0);
        bytes
    };
    let short = bytes(&["n"], &[]);
    assert_eq!(bytes(&[&name], &[]), short + name.len());
    let two = bytes(&["n", "m"], &[]);
    assert!(two >= short + size_of::<CompactString>(), "{two}, {short}");
    assert_eq!(bytes(&["n"], &["m"]), two);
    assert_eq!(bytes(&["n"], &[&name]), two + name.len());
}
