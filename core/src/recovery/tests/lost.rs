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
