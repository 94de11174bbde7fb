//! The desk of a link to a cluster, on other primitives.

#[path = "../../../core/driver/src/cluster/desk.rs"]
mod desk;
mod sessions;
mod waiter;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;

use crate::adapter::AdapterError;
use crate::sync::one_shot::answer;
use desk::{Desk, What};

/// Each wish is taken once, in the order of who has it, and then it is heard that there will be no more.
pub(crate) fn wishes_are_taken() {
    let desk = Arc::new(Desk::new(10_000));
    let wishers: Vec<_> = (0..2)
        .map(|of| {
            let desk = desk.clone();
            thread::spawn(move || {
                for number in 0..3 {
                    assert!(desk.push(of, What::Ack(number, None)).is_none());
                }
            })
        })
        .collect();
    let leaving = desk.clone();
    let leaver = thread::spawn(move || {
        for wisher in wishers {
            wisher.join().unwrap();
        }
        leaving.leave();
    });
    let mut taken = [Vec::new(), Vec::new()];
    block_on(poll_fn(|cx| {
        let all = desk.take(cx);
        let last = all.left && all.wishes.is_empty();
        let none = all.wishes.is_empty();
        for wish in all.wishes {
            if let What::Ack(number, _) = wish.what {
                taken[wish.of as usize].push(number);
            }
        }
        match (last, none) {
            (true, _) => Poll::Ready(()),
            // As the link does: it looks again until nothing is there, and then it sleeps.
            (false, true) => Poll::Pending,
            (false, false) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }));
    assert_eq!(taken, [[0, 1, 2], [0, 1, 2]]);
    leaver.join().unwrap();
}

/// Who waits for an answer hears that there is none when the desk closes, whatever came first.
pub(crate) fn who_waits_at_a_desk_that_closes_hears_of_it() {
    let desk = Arc::new(Desk::new(10_000));
    let (give, wait) = answer();
    let wishing = desk.clone();
    let wisher = thread::spawn(move || drop(wishing.push(1, What::Close(Some(give)))));
    let closer = thread::spawn(move || {
        let why = AdapterError::Unreachable("it is over".to_owned());
        drop(desk.close(why));
    });
    assert_eq!(block_on(wait), None);
    wisher.join().unwrap();
    closer.join().unwrap();
}
