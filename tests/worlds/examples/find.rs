//! Looks for a world that fails: `find <first seed> <worlds>` says which property, in which world, and how many
//! choices are left of it. Then among clients that come back, of which worlds have none: which list of bytes fails, and how
//! short it is. `find lives <first seed> <lives>` looks among those alone, until so many have come back.

use std::panic::catch_unwind;

use sio_sim::choices::Choices;
use sio_worlds::{outcome, smaller};

#[path = "../../../fuzz/src/recovery.rs"]
mod recovery;

/// Lists of bytes that are tried.
const LISTS: u64 = 4000;

fn main() {
    let mut words = std::env::args().skip(1).peekable();
    let lives = words.next_if(|word| word == "lives").is_some();
    let mut numbers = words.map(|it| it.parse::<u64>());
    let mut number = || numbers.next().and_then(Result::ok).expect("a number");
    let (first, count) = (number(), number());
    if lives {
        live(first, count);
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
    search(first, count);
}

/// So many come back, and all that has to hold does.
fn live(first: u64, lives: u64) {
    let (mut back, mut lists) = (0, 0);
    while back < lives {
        back += recovery::run(&bytes(first.wrapping_add(lists)));
        lists += 1;
    }
    println!("{back} clients came back, in {lists} histories");
}

/// A history of clients that come, go and come back.
fn bytes(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)).to_le_bytes()
    });
    words.take(125).flatten().collect()
}

/// The shortest beginning of a history that fails.
fn shortest(history: &[u8]) -> usize {
    let fails = |length: &usize| catch_unwind(|| recovery::run(&history[..*length])).is_err();
    (1..=history.len()).find(fails).unwrap_or(history.len())
}

fn search(first: u64, worlds: u64) {
    for at in 0..worlds {
        let world = outcome(Choices::from_seed(first + at), false);
        if let Some(failure) = &world.failure {
            let small = smaller(&world, 1000).choices.list().trimmed();
            println!("{} {} {}", failure.property, at + 1, small.choices());
            return;
        }
    }
    for at in 0..LISTS {
        let history = bytes(first + at);
        if catch_unwind(|| recovery::run(&history)).is_err() {
            println!("lives {} {}", at + 1, shortest(&history));
            return;
        }
    }
    println!("none");
}
