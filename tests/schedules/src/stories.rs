//! What threads do to each other.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;
use sio_core::engine::Flags;
use sio_core::packet::{self, Encoded, Part};
use sio_core::rooms::Target;

use crate::cluster;
use crate::mailbox::batch::{Batch, Opened};
use crate::mailbox::weight::{Most, Weight};
use crate::mailbox::{Mailbox, NotTaken, Perishable, Took};
use crate::sync::one_shot::answer;
use crate::sync::primitives::Mutex;
use crate::sync::signal::Signal;
use crate::sync::wait_group::WaitGroup;

/// A story, by its name.
pub type Story = (&'static str, fn());

/// All of them.
pub const STORIES: &[Story] = &[
    ("answer: it comes once", an_answer_comes_once),
    (
        "answer: dropped, it ends the wait",
        a_dropped_answer_ends_the_wait,
    ),
    ("signal: whoever waits goes on", whoever_waits_goes_on),
    (
        "gauge: the last who leaves is noticed",
        the_last_who_leaves_is_noticed,
    ),
    ("mailbox: all is taken, in order", all_is_taken_in_order),
    (
        "mailbox: nothing is lost when it closes",
        nothing_is_lost_when_it_closes,
    ),
    (
        "mailbox: no more is held than may be",
        no_more_is_held_than_may_be,
    ),
    ("batch: each has all, in order", each_has_all_in_order),
    ("desk: wishes are taken", cluster::wishes_are_taken),
    (
        "desk: who waits hears that it closes",
        cluster::who_waits_at_a_desk_that_closes_hears_of_it,
    ),
];

fn an_answer_comes_once() {
    let (give, wait) = answer();
    let giver = thread::spawn(move || give.give(7));
    assert_eq!(block_on(wait), Some(7));
    giver.join().unwrap();
}

fn a_dropped_answer_ends_the_wait() {
    let (give, wait) = answer::<u8>();
    let giver = thread::spawn(move || drop(give));
    assert_eq!(block_on(wait), None);
    giver.join().unwrap();
}

struct Owner(Arc<Signal>);

impl AsRef<Signal> for Owner {
    fn as_ref(&self) -> &Signal {
        &self.0
    }
}

fn whoever_waits_goes_on() {
    let signal = Arc::new(Signal::default());
    let waiters: Vec<_> = (0..2)
        .map(|_| {
            let its = Owner(signal.clone());
            thread::spawn(move || block_on(Signal::wait(its)))
        })
        .collect();
    signal.raise();
    assert!(signal.is_raised());
    for waiter in waiters {
        waiter.join().unwrap();
    }
}

fn the_last_who_leaves_is_noticed() {
    let gauge = Arc::new(WaitGroup::default());
    let those: Vec<_> = (0..3)
        .map(|_| {
            let one = gauge.enter();
            thread::spawn(move || drop(one))
        })
        .collect();
    let other = gauge.clone();
    let waiter = thread::spawn(move || block_on(other.none()));
    block_on(gauge.none());
    waiter.join().unwrap();
    for one in those {
        one.join().unwrap();
    }
}

/// Something that is told a task.
enum Order {
    /// By whom, and which of its own.
    One(usize, usize),
    Cast(Arc<Batch>),
    Hole,
}

impl Perishable for Order {
    fn weight(&self) -> Option<Weight> {
        None
    }

    fn is_namesake(&self, _: &Self) -> bool {
        false
    }

    fn hole() -> Self {
        Self::Hole
    }

    fn is_hole(&self) -> bool {
        matches!(self, Self::Hole)
    }

    fn seal(&self) -> Weight {
        match self {
            Self::Cast(batch) => batch.run().growth(),
            Self::One(..) | Self::Hole => Weight::default(),
        }
    }
}

type Box = Arc<Mailbox<Order>>;

fn mailbox() -> Box {
    Arc::new(Mailbox::new())
}

/// Takes what comes until `last` says that it is all.
fn take(mailbox: &Mailbox<Order>, mut last: impl FnMut(&[Order]) -> bool) -> Vec<Order> {
    let mut all = Vec::new();
    let mut batch = VecDeque::new();
    block_on(poll_fn(|cx| {
        loop {
            let took = mailbox.swap_or_sleep(&mut batch, cx.waker());
            all.extend(batch.drain(..));
            match took {
                _ if last(&all) => return Poll::Ready(()),
                Took::Nothing { .. } => return Poll::Pending,
                Took::Some | Took::Overflowed => {}
            }
        }
    }));
    all
}

fn numbers(orders: &[Order], by: usize) -> Vec<usize> {
    let its = orders.iter().filter_map(|order| match order {
        Order::One(who, number) if *who == by => Some(*number),
        Order::One(..) | Order::Cast(_) | Order::Hole => None,
    });
    its.collect()
}

fn all_is_taken_in_order() {
    let mailbox = mailbox();
    let pushers: Vec<_> = (0..2)
        .map(|who| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                for number in 0..3 {
                    let waker = mailbox.push(Order::One(who, number)).unwrap();
                    waker.into_iter().for_each(std::task::Waker::wake);
                }
            })
        })
        .collect();
    let all = take(&mailbox, |all| all.len() == 6);
    for (who, pusher) in pushers.into_iter().enumerate() {
        pusher.join().unwrap();
        assert_eq!(numbers(&all, who), [0, 1, 2]);
    }
}

fn nothing_is_lost_when_it_closes() {
    let mailbox = mailbox();
    let its = mailbox.clone();
    let pusher = thread::spawn(move || {
        let taken = (0..4).take_while(|number| match its.push(Order::One(0, *number)) {
            Ok(waker) => {
                waker.into_iter().for_each(std::task::Waker::wake);
                true
            }
            Err(why) => {
                assert_eq!(why, NotTaken::Closed);
                false
            }
        });
        taken.count()
    });
    let mut all = VecDeque::new();
    mailbox.swap(&mut all);
    all.extend(mailbox.close());
    let pushed = pusher.join().unwrap();
    let all: Vec<_> = all.into();
    assert_eq!(numbers(&all, 0), (0..pushed).collect::<Vec<_>>());
    assert_eq!(mailbox.held(), Weight::default());
}

fn no_more_is_held_than_may_be() {
    const MOST: Most = Most {
        bytes: 20,
        packets: 2,
        with_session: false,
    };
    let weight = Weight {
        bytes: 10,
        packets: 1,
    };
    let mailbox = mailbox();
    let pushers: Vec<_> = (0..2)
        .map(|who| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                let pushed = (0..3).filter(|number| {
                    let order = Order::One(who, *number);
                    match mailbox.push_packet(order, weight, MOST) {
                        Ok(waker) => {
                            waker.into_iter().for_each(std::task::Waker::wake);
                            true
                        }
                        Err((why, _)) => {
                            assert_eq!(why, NotTaken::Full);
                            false
                        }
                    }
                });
                pushed.collect::<Vec<_>>()
            })
        })
        .collect();
    let mut all = VecDeque::new();
    for _ in 0..2 {
        let held = mailbox.held();
        assert!(held.bytes <= MOST.bytes && held.packets <= MOST.packets);
        mailbox.swap(&mut all);
    }
    let pushed: Vec<_> = pushers.into_iter().map(|it| it.join().unwrap()).collect();
    mailbox.swap(&mut all);
    let all: Vec<_> = all.into();
    for (who, pushed) in pushed.into_iter().enumerate() {
        assert_eq!(numbers(&all, who), pushed);
    }
    assert_eq!(mailbox.held(), Weight::default());
}

/// A packet to both, as a namespace does it (`mailbox/fan_out.rs`).
fn emit(opened: &Mutex<Opened>, all: &[Box], packet: &Encoded) {
    const MOST: Most = Most {
        bytes: 100_000,
        packets: 100,
        with_session: false,
    };
    let (target, flags) = (Target::default(), Flags::default());
    if opened.lock().unwrap().add(&target, flags, packet) {
        return;
    }
    let batch = Batch::new(packet.clone());
    let mut least: Option<Weight> = None;
    let mut wakers = Vec::new();
    for mailbox in all {
        let cast = || Order::Cast(batch.clone());
        let pushed = mailbox.push_open(Weight::of(packet), MOST, cast);
        let (waker, room) = pushed.expect("there is room");
        least = Some(least.map_or(room, |least| least.min(room)));
        wakers.extend(waker);
    }
    batch.open(least.unwrap_or_default());
    opened.lock().unwrap().set(&target, flags, &batch);
    wakers.into_iter().for_each(std::task::Waker::wake);
}

fn text(packet: &Encoded) -> String {
    match packet.part(0) {
        Some(Part::Text(text)) => String::from_utf8_lossy(&text).into_owned(),
        Some(Part::Binary(_)) | None => String::new(),
    }
}

fn packet(who: usize, number: usize) -> Encoded {
    packet::event("/", None, "x", &(who, number)).expect("it can be written")
}

/// The packets among what was taken, in order.
fn packets(orders: &[Order]) -> Vec<String> {
    let casts = orders.iter().filter_map(|order| match order {
        Order::Cast(batch) => Some(batch.run().packets().iter().map(text)),
        Order::One(..) | Order::Hole => None,
    });
    casts.flatten().collect()
}

fn each_has_all_in_order() {
    let opened = Arc::new(Mutex::new(Opened::default()));
    let all = [mailbox(), mailbox()];
    let emitters: Vec<_> = (0..2)
        .map(|who| {
            let (opened, all) = (opened.clone(), all.clone());
            thread::spawn(move || {
                for number in 0..3 {
                    emit(&opened, &all, &packet(who, number));
                }
            })
        })
        .collect();
    let first = all[0].clone();
    let other = thread::spawn(move || {
        let waker = first.push(Order::One(0, 0)).unwrap();
        waker.into_iter().for_each(std::task::Waker::wake);
    });
    let tasks: Vec<_> = all
        .iter()
        .map(|mailbox| {
            let mailbox = mailbox.clone();
            thread::spawn(move || take(&mailbox, |all| packets(all).len() == 6))
        })
        .collect();
    for emitter in emitters {
        emitter.join().unwrap();
    }
    other.join().unwrap();
    for (task, mailbox) in tasks.into_iter().zip(&all) {
        let told = packets(&task.join().unwrap());
        for who in 0..2 {
            let its: Vec<_> = (0..3).map(|number| text(&packet(who, number))).collect();
            let heard = told.iter().filter(|it| its.contains(it));
            assert!(heard.eq(&its), "{told:?}");
        }
        let mut rest = VecDeque::new();
        mailbox.swap(&mut rest);
        assert_eq!(mailbox.held(), Weight::default());
    }
}
