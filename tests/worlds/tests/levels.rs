//! Histories, each of which is played to a server of the core and to the driver's tasks.
//!
//! `SIO_SEED=2 SIO_HISTORIES=10000` plays others, and `SIO_LEVELS='3 1 / 7'` the one of a list.

use sio_sim::choices::{Choices, List};
use sio_worlds::kinds::Kind;
use sio_worlds::levels::outcome;
use sio_worlds::seeds::each;

/// How many histories, unless `SIO_HISTORIES` says.
const HISTORIES: u64 = 300;

/// The first seed is the time, unless `SIO_SEED` says; every hundredth history is played twice.
#[test]
fn hold_what_they_promise() {
    let played = each(Kind::Levels, "SIO_HISTORIES", HISTORIES);
    let missing = played.unreached(Kind::Levels);
    println!("{}, not reached: {missing:?}", played.sum());
    // Fewer may miss some by chance.
    assert!(
        played.worlds < Kind::Levels.enough() || missing.is_empty(),
        "{missing:?}"
    );
}

/// The history of `SIO_LEVELS`.
#[test]
fn one_history() {
    let text = std::env::var("SIO_LEVELS").unwrap_or_default();
    let list: List = text.parse().unwrap();
    if let Some(failure) = outcome(Choices::from_list(&list)).failure {
        panic!("{failure}");
    }
}
