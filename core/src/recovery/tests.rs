//! Conversations.

mod histories;
mod lost;

use std::time::Duration;

use super::*;
use crate::engine::CloseReason;
use crate::packet::{self, Part};

const LOST: DisconnectReason = DisconnectReason::Connection(CloseReason::TransportClose);

/// One namespace, whose clock stands still until it is told.
#[derive(Clone)]
struct World {
    recovery: Recovery<u8>,
    now: Instant,
}

fn world(options: ConnectionStateRecovery) -> World {
    let config = Config::v4().connection_state_recovery(options);
    World {
        recovery: Recovery::new(&config, HashKey([1, 2])).unwrap(),
        now: Instant::ORIGIN,
    }
}

fn calm() -> World {
    world(ConnectionStateRecovery::default())
}

fn id(n: u8) -> SocketId {
    SocketId::from_random([n; 15])
}

fn pid(n: u8) -> Pid {
    Pid::from_random([n.wrapping_add(100); 15])
}

fn said(packet: &Encoded) -> String {
    let Some(Part::Text(text)) = packet.part(0) else {
        panic!("{packet:?}")
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    text.split('"').nth(1).unwrap().to_owned()
}

impl World {
    fn enter(&mut self, n: u8) -> Holder {
        self.recovery.enter(&id(n), &pid(n)).unwrap()
    }

    fn packet(&self, name: &str) -> (Encoded, String) {
        let offset = self.recovery.next_offset();
        let offset = offset.as_str();
        (
            packet::event("/", None, name, offset).unwrap(),
            offset.to_owned(),
        )
    }

    fn tell(&mut self, holder: Holder, name: &str) -> String {
        let (packet, offset) = self.packet(name);
        self.recovery.keep_for(self.now, holder, &packet);
        offset
    }

    fn emit(&mut self, target: &Target, name: &str) -> String {
        let (packet, offset) = self.packet(name);
        self.recovery.keep(self.now, target, None, true, &packet);
        offset
    }

    fn all(&mut self, name: &str) -> String {
        self.emit(&Target::default(), name)
    }

    fn cut(&mut self, holder: Holder) {
        assert!(self.recovery.leave(self.now, holder, LOST, 7));
    }

    fn back(&mut self, n: u8, offset: &str) -> Result<(Holder, Vec<String>), Unrestored> {
        let claim = Claim::new(&pid(n), Some(offset));
        let restored = self.recovery.restore(self.now, &claim)?;
        assert_eq!((restored.id, restored.pid), (id(n), pid(n)));
        Ok((restored.holder, restored.missed.iter().map(said).collect()))
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.recovery.handle_timeout(self.now);
        let next = self.recovery.poll_timeout();
        assert!(next.is_none_or(|next| next.at > self.now && next.why == Why::Recovery));
    }

    fn expired(&mut self) -> Option<Expiry> {
        let Event::Expired { why, data, .. } = self.recovery.poll_event()?;
        assert_eq!(data, 7);
        Some(why)
    }
}

#[test]
fn what_was_missed_is_told_once_and_in_order() {
    let mut world = calm();
    let ann = world.enter(1);
    let first = world.all("1");
    world.tell(ann, "2");
    world.cut(ann);
    world.all("3");
    world.emit(&Target::from([id(1).as_str()]), "4");
    world.emit(&Target::from(["elsewhere"]), "no");
    let (ann, missed) = world.back(1, &first).unwrap();
    assert_eq!(missed, ["2", "3", "4"]);
    let last = world.tell(ann, "5");
    world.cut(ann);
    assert_eq!(world.back(1, &last).unwrap().1, [""; 0]);
    let figures = world.recovery.figures();
    assert_eq!((figures.here, figures.away, figures.recovered), (1, 0, 2));
    assert_eq!(figures.packets, 0, "it has read everything");
}

#[test]
fn rooms_count_as_they_were() {
    let mut world = calm();
    let ann = world.enter(1);
    let offset = world.all("0");
    let room = Target::from(["x"]);
    world.emit(&room, "before");
    world.recovery.join(ann, "x");
    world.recovery.join(ann, "x");
    world.emit(&room, "within");
    let but = Target {
        except: ["x".into()].into_iter().collect(),
        ..Target::default()
    };
    world.emit(&but, "to others");
    world.recovery.leave_room(ann, "x");
    world.emit(&room, "after");
    world.emit(&but, "again");
    world.recovery.join(ann, "x");
    world.cut(ann);
    world.emit(&room, "away");
    let claim = Claim::new(&pid(1), Some(&offset));
    let restored = world.recovery.restore(world.now, &claim).unwrap();
    let missed: Vec<_> = restored.missed.iter().map(said).collect();
    assert_eq!(missed, ["within", "again", "away"]);
    assert_eq!(restored.rooms, [id(1).as_str(), "x"]);
    assert_eq!(restored.data, Some(7));
}

#[test]
fn nobody_is_told_what_it_says_to_others() {
    let mut world = calm();
    let ann = world.enter(1);
    let bob = world.enter(2);
    let offset = world.all("0");
    let (packet, _) = world.packet("1");
    world
        .recovery
        .keep(world.now, &Target::default(), Some(&id(1)), true, &packet);
    world.cut(ann);
    world.cut(bob);
    assert_eq!(world.back(1, &offset).unwrap().1, [""; 0]);
    assert_eq!(world.back(2, &offset).unwrap().1, ["1"]);
}

#[test]
fn what_brought_a_session_back_does_so_once() {
    let mut world = calm();
    let ann = world.enter(1);
    let old = world.all("1");
    world.cut(ann);
    let newer = world.all("2");
    let (second, _) = world.back(1, &old).unwrap();
    // A thief, or a second connection of the same client.
    assert_eq!(world.back(1, &old).unwrap_err(), Unrestored::Used);
    // It was lost again while it was told what it had missed: it may have kept some of that.
    world.cut(second);
    assert_eq!(world.back(1, &old).unwrap_err(), Unrestored::Used);
    let (third, missed) = world.back(1, &newer).unwrap();
    assert_eq!(missed, [""; 0]);
    // There was nothing to keep.
    world.cut(third);
    let (third, _) = world.back(1, &newer).unwrap();
    let newest = world.all("3");
    // Its connection hangs: one that has read on takes over.
    let (fourth, missed) = world.back(1, &newest).unwrap();
    assert_eq!(missed, [""; 0]);
    assert!(
        !world.recovery.leave(world.now, third, LOST, 7),
        "not its any more"
    );
    world.cut(fourth);
    assert_eq!(world.back(1, &newer).unwrap_err(), Unrestored::Used);
    world.back(1, &newest).unwrap();
    assert_eq!(world.recovery.figures().refused, 3);
}

#[test]
fn one_that_hangs_gives_way() {
    let mut world = calm();
    let ann = world.enter(1);
    let offset = world.all("1");
    world.tell(ann, "2");
    let claim = Claim::new(&pid(1), Some(&offset));
    assert_eq!(world.recovery.find(&claim), Some((&id(1), None)));
    let restored = world.recovery.restore(world.now, &claim).unwrap();
    assert_eq!((restored.data, restored.missed.len()), (None, 1));
    // What the old one does counts for nothing.
    world.recovery.join(ann, "x");
    world.tell(ann, "3");
    assert!(!world.recovery.leave(world.now, ann, LOST, 7));
    let figures = world.recovery.figures();
    assert_eq!((figures.here, figures.away, figures.packets), (1, 0, 1));
    world.recovery.keep(
        world.now,
        &Target::from(["x"]),
        None,
        false,
        &restored.missed[0],
    );
    assert_eq!(world.recovery.figures().packets, 1);
}

#[test]
fn only_what_was_told_is_an_offset() {
    let mut world = calm();
    let ann = world.enter(1);
    let before = world.recovery.offset();
    world.all("1");
    let ahead = world.recovery.next_offset();
    world.cut(ann);
    for offset in ["1", "hello", ahead.as_str()] {
        assert_eq!(world.back(1, offset).unwrap_err(), Unrestored::Unknown);
    }
    assert_eq!(
        world.back(2, before.as_str()).unwrap_err(),
        Unrestored::Unknown
    );
    // None of that has harmed it.
    assert_eq!(world.back(1, before.as_str()).unwrap().1, ["1"]);
}

#[test]
fn one_that_was_told_nothing_comes_back_without_an_offset() {
    let mut world = calm();
    world.enter(2);
    let stale = world.all("before");
    let ann = world.enter(1);
    world.cut(ann);
    world.all("1");
    let restored = world
        .recovery
        .restore(world.now, &Claim::new(&pid(1), None))
        .unwrap();
    assert_eq!(restored.missed.len(), 1);
    world.cut(restored.holder);
    // Clients keep the offset of the session before.
    world.enter(3);
    assert_eq!(world.back(3, &stale).unwrap().1, [""; 0]);
}

#[test]
fn who_has_left_for_good_does_not_come_back() {
    for reason in [
        DisconnectReason::ClientNamespaceDisconnect,
        DisconnectReason::ServerNamespaceDisconnect,
        DisconnectReason::Connection(CloseReason::ParseError),
    ] {
        let mut world = calm();
        let ann = world.enter(1);
        let offset = world.all("1");
        assert!(!world.recovery.leave(world.now, ann, reason, 7));
        assert_eq!(world.back(1, &offset).unwrap_err(), Unrestored::Unknown);
        assert_eq!(world.recovery.figures().packets, 0);
        assert_eq!(world.recovery.poll_timeout(), None);
        assert_eq!(world.expired(), None);
    }
}

#[test]
fn a_session_expires() {
    for (seconds, comes) in [(119, true), (120, false)] {
        let mut world = calm();
        let ann = world.enter(1);
        let offset = world.all("1");
        world.cut(ann);
        world.pass(seconds);
        assert_eq!(world.back(1, &offset).is_ok(), comes);
        assert_eq!(world.expired(), (!comes).then_some(Expiry::Late));
    }
}

#[test]
fn what_was_sent_before_the_loss_was_noticed_is_there_as_long_as_the_session() {
    let mut world = calm();
    let ann = world.enter(1);
    let offset = world.all("1");
    world.all("2");
    world.pass(45);
    world.cut(ann);
    world.pass(119);
    assert_eq!(world.back(1, &offset).unwrap().1, ["2"]);
}

#[test]
fn one_that_is_quiet_comes_back_however_much_others_are_told() {
    let mut world = world(ConnectionStateRecovery::default().max_kept_packets(4));
    let ann = world.enter(1);
    let bob = world.enter(2);
    world.recovery.join(bob, "y");
    let offset = world.tell(ann, "1");
    for _ in 0..10 {
        world.tell(bob, "own");
        world.emit(&Target::from(["y"]), "room");
    }
    world.pass(1000);
    world.cut(ann);
    assert_eq!(world.back(1, &offset).unwrap().1, [""; 0]);
    world.cut(bob);
    assert_eq!(world.back(2, &offset).unwrap_err(), Unrestored::Lost);
    assert_eq!(world.expired(), Some(Expiry::Lost));
}

#[test]
fn kept_packets_at_the_limit_and_past_it() {
    for (count, comes) in [(3, true), (4, false)] {
        for kind in 0..3 {
            let mut world = world(ConnectionStateRecovery::default().max_kept_packets(3));
            let ann = world.enter(1);
            world.recovery.join(ann, "x");
            let offset = world.recovery.offset();
            for _ in 0..count {
                match kind {
                    0 => world.tell(ann, "e"),
                    1 => world.all("e"),
                    _ => world.emit(&Target::from(["x"]), "e"),
                };
            }
            assert_eq!(world.recovery.figures().packets, 3);
            world.cut(ann);
            let back = world.back(1, offset.as_str());
            assert_eq!(back.is_ok(), comes, "{kind}");
            assert_eq!(
                back.map_or(0, |(_, missed)| missed.len()),
                if comes { 3 } else { 0 }
            );
            let figures = world.recovery.figures();
            assert_eq!(figures.lost, u64::from(!comes));
            assert_eq!(figures.thrown_away, u64::from(!comes));
        }
    }
}

#[test]
fn kept_bytes_at_the_limit_and_past_it() {
    let mut sample = calm();
    sample.enter(1);
    sample.all("e");
    let two = sample.recovery.figures().bytes * 2;
    for (most, comes) in [(two, true), (two - 1, false)] {
        let mut world = world(ConnectionStateRecovery::default().max_kept_bytes(most));
        let ann = world.enter(1);
        let offset = world.recovery.offset();
        world.all("e");
        world.all("e");
        assert!(world.recovery.figures().bytes <= most);
        world.cut(ann);
        assert_eq!(world.back(1, offset.as_str()).is_ok(), comes);
    }
}

#[test]
fn kept_sessions_at_the_limit_and_past_it() {
    let mut world = world(ConnectionStateRecovery::default().max_kept_sessions(2));
    let holders = [1, 2, 3].map(|n| world.enter(n));
    let offset = world.all("1");
    world.cut(holders[0]);
    world.now += Duration::from_secs(1);
    world.cut(holders[1]);
    assert_eq!(world.expired(), None);
    world.cut(holders[2]);
    assert_eq!(world.expired(), Some(Expiry::Crowded));
    assert_eq!(world.back(1, &offset).unwrap_err(), Unrestored::Unknown);
    assert!(world.back(2, &offset).is_ok() && world.back(3, &offset).is_ok());
    let mut world = self::world(ConnectionStateRecovery::default().max_kept_sessions(0));
    let ann = world.enter(1);
    assert!(!world.recovery.leave(world.now, ann, LOST, 7));
}

#[test]
fn more_than_may_wait_for_a_client_is_not_told() {
    for (count, comes) in [(5, true), (6, false)] {
        let config = Config::v4()
            .max_backlog_packets(5)
            .connection_state_recovery(ConnectionStateRecovery::default());
        let mut world = World {
            recovery: Recovery::new(&config, HashKey([1, 2])).unwrap(),
            now: Instant::ORIGIN,
        };
        let ann = world.enter(1);
        let offset = world.recovery.offset();
        (0..count).for_each(|_| drop(world.all("e")));
        world.cut(ann);
        assert_eq!(world.back(1, offset.as_str()).is_ok(), comes);
    }
}

#[test]
fn nothing_is_kept_that_nobody_could_need() {
    let mut world = calm();
    world.all("nobody is here");
    let (ann, bob) = (world.enter(1), world.enter(2));
    for _ in 0..40 {
        world.tell(ann, "e");
    }
    world.tell(bob, "e");
    world.cut(bob);
    let (packet, _) = world.packet("e");
    let nowhere = Target::from(["nowhere"]);
    world
        .recovery
        .keep(world.now, &nowhere, None, false, &packet);
    assert_eq!(world.recovery.figures().packets, 41);
    let gone = DisconnectReason::ClientNamespaceDisconnect;
    world.recovery.leave(world.now, ann, gone, 0);
    assert_eq!(world.recovery.figures().packets, 1);
    assert!(world.recovery.log.len() < 40);
    world.pass(120);
    assert_eq!(world.recovery.figures().packets, 0);
    assert_eq!(world.recovery.log.len(), 0);
    assert_eq!(world.recovery.poll_timeout(), None);
}

#[test]
fn stays_in_rooms_that_were_left_are_forgotten() {
    let mut world = calm();
    let ann = world.enter(1);
    for n in 0..100 {
        let room = format!("room {n}");
        world.recovery.join(ann, &room);
        world.recovery.leave_room(ann, &room);
    }
    let stays = |world: &mut World| world.recovery.held(ann).unwrap().stays.len();
    assert_eq!(stays(&mut world), 1, "nothing was said in them");
    let config = Config::v4()
        .max_rooms_per_socket(3)
        .connection_state_recovery(ConnectionStateRecovery::default());
    world.recovery = Recovery::new(&config, HashKey([1, 2])).unwrap();
    let ann = world.enter(1);
    let offset = world.recovery.offset();
    let mut later = None;
    for n in 0..100 {
        let room = format!("room {n}");
        world.recovery.join(ann, &room);
        later = Some(world.emit(&Target::from([&*room]), "e"));
        world.recovery.leave_room(ann, &room);
        assert!(world.recovery.held(ann).unwrap().stays.len() <= 4);
    }
    world.cut(ann);
    world.back(1, &later.unwrap()).unwrap();
    assert_eq!(
        world.back(1, offset.as_str()).unwrap_err(),
        Unrestored::Used
    );
}

#[test]
fn two_that_were_told_the_same_are_the_same() {
    let run = |last: bool| {
        let mut world = calm();
        let ann = world.enter(1);
        world.all("1");
        world.recovery.join(ann, "x");
        if last {
            world.cut(ann);
        }
        crate::digest::of(|state| world.recovery.digest(state))
    };
    assert_eq!(run(true), run(true));
    assert_ne!(run(true), run(false));
}

#[test]
fn a_session_that_is_away_is_small() {
    // With one in the tables beside it: by private id, by time, by place.
    let tables = size_of::<(Pid, u32)>() * 2 + size_of::<(Instant, u32)>() * 4;
    let session = size_of::<crate::arena::Place<Session<[u64; 3]>>>() + 8;
    assert!(session + tables <= 600, "{session} + {tables}");
}

#[test]
fn a_private_id_is_one_sessions_alone() {
    let mut world = calm();
    let ann = world.enter(1);
    assert!(world.recovery.has_sessions());
    assert_eq!(world.recovery.enter(&id(2), &pid(1)), None);
    world.cut(ann);
    assert_eq!(
        world.recovery.enter(&id(2), &pid(1)),
        None,
        "it may come back"
    );
    let duration = world.recovery.max_disconnection_duration();
    assert_eq!(duration, Duration::from_secs(120));
    world.pass(120);
    assert_eq!(world.expired(), Some(Expiry::Late));
    assert!(!world.recovery.has_sessions());
    assert!(world.recovery.enter(&id(2), &pid(1)).is_some());
}

#[test]
fn who_is_away_can_be_looked_at_before_it_comes_back() {
    let mut world = calm();
    let ann = world.enter(1);
    let offset = world.all("1");
    let claim = Claim::new(&pid(1), Some(&offset));
    assert_eq!((claim.pid(), claim.offset()), (&pid(1), Some(&*offset)));
    assert_eq!(world.recovery.find(&claim), Some((&id(1), None)));
    world.cut(ann);
    assert_eq!(world.recovery.find(&claim), Some((&id(1), Some(&7))));
    let other = Claim::new(&pid(2), None);
    assert_eq!((other.offset(), world.recovery.find(&other)), (None, None));
}

#[test]
fn nobody_comes_back_once_all_are_let_go_of() {
    let mut world = calm();
    let [ann, bob, _eve] = [1, 2, 3].map(|n| world.enter(n));
    let offset = world.all("1");
    world.cut(ann);
    world.now += Duration::from_secs(1);
    assert!(world.recovery.leave(world.now, bob, LOST, 8));
    world.all("2");
    assert!(world.recovery.has_away());
    assert_eq!(world.recovery.clear(), [7, 8]);
    assert!(!world.recovery.has_away() && world.recovery.has_sessions());
    assert_eq!(world.recovery.clear(), [0; 0]);
    assert_eq!(world.expired(), None, "nobody waits for the word");
    assert_eq!(world.back(1, &offset).unwrap_err(), Unrestored::Unknown);
    let figures = world.recovery.figures();
    assert_eq!((figures.here, figures.away), (1, 0));
    assert!(world.back(3, &offset).is_ok(), "it is here");
}

/// Holders of a session that has another by now, or none, and whose own is over.
#[test]
fn who_holds_a_session_no_more_changes_nothing() {
    let mut world = calm();
    let ann = world.enter(1);
    let first = world.all("1");
    world.cut(ann);
    let (back, _) = world.back(1, &first).unwrap();
    let head = world.recovery.figures().packets;
    world.recovery.join(ann, "x");
    world.recovery.leave_room(ann, id(1).as_str());
    let second = world.tell(ann, "not for the one that came back");
    assert!(!world.recovery.leave(world.now, ann, LOST, 7));
    assert_eq!(world.recovery.figures().packets, head);
    world.cut(back);
    world.emit(&Target::from(["x"]), "not in x");
    world.emit(&Target::from([id(1).as_str()]), "own");
    assert_eq!(world.back(1, &second).unwrap().1, ["own"]);
}
