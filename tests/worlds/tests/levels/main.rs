//! One history, played to a server of the core and to the driver's tasks: each client gets the same, message for message.
//!
//! Histories are those of the differential suite: clients of both revisions by each transport, upgrades, events, bytes,
//! answers both ways, rooms, and time that passes. `SIO_HISTORIES=10000 SIO_SEED=2` plays others, and
//! `SIO_LEVELS='3 1 / 7'` the one of a list. Where both differ, the history is made smaller first.

mod both;

use sio_sim::choices::{Choices, List};

use both::{play, report, smaller};

/// How many histories, unless `SIO_HISTORIES` says.
const HISTORIES: u64 = 300;

/// What differs is made smaller by so many runs at most.
const RUNS: usize = 600;

/// So many are shown, and no more are looked for.
const SHOWN: usize = 3;

#[test]
fn hear_the_same_of_both() {
    let number = |name: &str| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first: u64 = number("SIO_SEED").unwrap_or(1);
    let count = number("SIO_HISTORIES").unwrap_or(HISTORIES);
    let seeds = first..first + count;
    let different = seeds.filter_map(|seed| {
        let played = play(Choices::from_seed(seed));
        let differs = played.difference.is_some();
        differs.then(|| report(&format!("seed {seed}"), &smaller(&played, RUNS)))
    });
    let different: Vec<_> = different.take(SHOWN).collect();
    println!("{count} histories, {} different", different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The history of `SIO_LEVELS`.
#[test]
fn one_history() {
    let text = std::env::var("SIO_LEVELS").unwrap_or_default();
    let list: List = text.parse().unwrap();
    let played = play(Choices::from_list(&list));
    if let Some(difference) = played.difference {
        panic!("{}: {}", difference.what, difference.told);
    }
}
