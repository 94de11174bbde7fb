use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

const fn bytes(bytes: usize) -> Weight {
    Weight { bytes, packets: 1 }
}

const HOLE: i32 = 0;

/// Even ones may be lost.
impl Perishable for i32 {
    fn weight(&self) -> Option<Weight> {
        (*self != HOLE && self % 2 == 0).then_some(bytes(1))
    }

    fn is_namesake(&self, other: &Self) -> bool {
        self / 10 == other / 10
    }

    fn hole() -> Self {
        HOLE
    }

    fn is_hole(&self) -> bool {
        *self == HOLE
    }

    fn seal(&self) -> Weight {
        bytes(3)
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_sleeping_task_is_woken_once_and_a_running_one_never() {
    let mailbox = Mailbox::new();
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut batch = VecDeque::new();

    assert!(mailbox.push(1).unwrap().is_none());
    mailbox.swap_or_sleep(&mut batch, &waker);
    assert_eq!(batch, [1]);
    batch.clear();
    mailbox.swap_or_sleep(&mut batch, &waker);
    assert!(batch.is_empty());
    mailbox.push(2).unwrap().unwrap().wake();
    assert!(mailbox.push(3).unwrap().is_none());
    mailbox.swap(&mut batch);
    assert_eq!(batch, [2, 3]);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn packets_over_the_limit_are_refused_and_the_task_hears_of_it() {
    let most = Most {
        bytes: 10,
        packets: 2,
        with_session: false,
    };
    let refusal = |result: Result<_, (NotTaken, i32)>| result.unwrap_err().0;
    let mailbox = Mailbox::new();
    assert!(mailbox.push_packet(1, bytes(100), most).is_ok());
    assert_eq!(
        refusal(mailbox.push_packet(2, bytes(1), most)),
        NotTaken::Full
    );
    assert!(mailbox.overflow().is_none());
    let mut batch = VecDeque::new();
    assert!(mailbox.swap(&mut batch));
    batch.clear();
    assert!(!mailbox.swap(&mut batch));
    assert!(mailbox.push_packet(3, bytes(5), most).is_ok());
    assert!(mailbox.push_packet(4, bytes(1), most).is_ok());
    assert_eq!(
        refusal(mailbox.push_packet(5, bytes(1), most)),
        NotTaken::Full
    );
    assert!(mailbox.evict());
    assert!(!mailbox.evict());
    assert!(mailbox.push_packet(5, bytes(1), most).is_ok());
    assert_eq!(mailbox.close(), [3, HOLE, 5]);
    assert_eq!(mailbox.push(7).unwrap_err(), NotTaken::Closed);
}

/// As many packets as one likes come to a full mailbox: each takes the place of the oldest that may be
/// lost, order is kept, and what was evicted leaves nothing.
#[test]
fn the_oldest_gives_way_and_holes_are_closed() {
    let most = Most {
        bytes: 8,
        packets: 8,
        with_session: false,
    };
    let mailbox = Mailbox::new();
    for at in 1..=8 {
        assert!(mailbox.push_packet(at, bytes(1), most).is_ok());
    }
    for at in 9..=1000 {
        assert!(mailbox.push_packet(at * 2, bytes(1), most).is_err());
        assert!(mailbox.evict());
        assert!(mailbox.push_packet(at * 2, bytes(1), most).is_ok());
        let inner = mailbox.lock();
        assert_eq!((inner.held_bytes, inner.held_packets), (8, 8));
        assert!(inner.queue.len() <= 16, "{:?}", inner.queue);
    }
    let mut batch = mailbox.close();
    batch.retain(|it| *it != HOLE);
    assert_eq!(batch, [1, 3, 5, 7, 1994, 1996, 1998, 2000]);
    // Not one of these may be lost, and they are not looked at twice.
    let mailbox = Mailbox::new();
    for at in 0..4 {
        assert!(mailbox.push_packet(2 * at + 1, bytes(1), most).is_ok());
    }
    assert!(!mailbox.evict());
    assert_eq!(mailbox.lock().settled, 4);
    assert!(mailbox.push_packet(2, bytes(1), most).is_ok());
    assert!(mailbox.evict());
}

#[test]
fn what_its_own_handlers_said_before_others_comes_first() {
    let most = Most {
        bytes: 4,
        packets: 4,
        with_session: false,
    };
    let mailbox = Mailbox::new();
    for at in [2, 3, 4] {
        assert!(mailbox.push_packet(at, bytes(1), most).is_ok());
    }
    assert!(mailbox.evict());
    let mut own = VecDeque::from([6, 7]);
    mailbox.put_first(&mut own, bytes(2));
    assert!(own.is_empty());
    assert_eq!(mailbox.lock().held_bytes, 4);
    // The first that may be lost is now one of those.
    assert!(mailbox.evict() && mailbox.evict() && !mailbox.evict());
    let mut rest = mailbox.close();
    rest.retain(|it| *it != HOLE);
    assert_eq!(rest, [7, 3]);
}

#[test]
fn the_last_one_grows_until_anything_else_happens() {
    let most = Most {
        bytes: 10,
        packets: 9,
        with_session: false,
    };
    let open = || {
        let mailbox = Mailbox::new();
        let (_, room) = mailbox.push_open(bytes(1), most, || 2).unwrap();
        assert_eq!((room.bytes, room.packets), (9, 8));
        mailbox
    };
    // Each one counts three more bytes by then.
    let mailbox = open();
    assert!(mailbox.push(1).is_ok());
    assert_eq!(mailbox.lock().held_bytes, 4);
    assert!(mailbox.push(1).is_ok());
    assert_eq!(mailbox.lock().held_bytes, 4);
    let mailbox = open();
    assert!(mailbox.push_packet(1, bytes(7), most).is_err());
    assert!(mailbox.push_packet(1, bytes(6), most).is_ok());
    let mailbox = open();
    assert!(mailbox.push_open(bytes(7), most, || 2).is_err());
    let mailbox = open();
    mailbox.swap(&mut VecDeque::new());
    assert_eq!(mailbox.session_bytes(), 4);
    let mailbox = open();
    mailbox.put_first(&mut VecDeque::from([5]), bytes(1));
    assert_eq!(mailbox.lock().held_bytes, 2);
    mailbox.swap(&mut VecDeque::new());
    assert_eq!(mailbox.session_bytes(), 5);
}

#[test]
fn what_the_task_has_taken_counts_until_it_says_that_it_is_written() {
    let most = Most {
        bytes: 10,
        packets: 9,
        with_session: true,
    };
    let mailbox = Mailbox::new();
    assert!(mailbox.push_packet(1, bytes(8), most).is_ok());
    mailbox.swap(&mut VecDeque::new());
    assert!(mailbox.push_packet(2, bytes(3), most).is_err());
    assert!(mailbox.push_packet(2, bytes(2), most).is_ok());
    mailbox.set_session(0, 0);
    assert!(mailbox.push_packet(3, bytes(8), most).is_ok());
}

#[test]
fn one_that_may_be_lost_gives_way_to_its_namesake() {
    let mailbox = Mailbox::new();
    let most = Most {
        bytes: 5,
        packets: 9,
        with_session: false,
    };
    for command in [21, 12, 14, 31, 34] {
        assert!(mailbox.push_packet(command, bytes(1), most).is_ok());
    }
    assert!(mailbox.push_packet(36, bytes(1), most).is_err());
    assert!(mailbox.supersede(&36) && !mailbox.supersede(&36));
    assert!(mailbox.push_packet(36, bytes(1), most).is_ok());
    assert!(!mailbox.supersede(&22), "one that must not be lost stays");
    // What is settled stays settled.
    assert!(mailbox.evict() && mailbox.supersede(&16) && mailbox.evict());
    assert!(!mailbox.evict());
    let mut batch = VecDeque::new();
    mailbox.swap(&mut batch);
    batch.retain(|command| !command.is_hole());
    assert_eq!(batch, [21, 31]);
}
