//! Worlds of several nodes and a broker, in virtual time: what a node promises, whatever the broker does.
//!
//! `SIO_SEED=7 SIO_NODE_WORLDS=1 cargo test -p sio-worlds --test nodes` plays one of them.

#![allow(clippy::wildcard_enum_match_arm, reason = "what else comes, panics")]

mod acts;
mod broker;
mod checks;
mod random;
mod world;

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use world::{Kind, Manners, World};

/// How many worlds are run, unless `SIO_NODE_WORLDS` says: `.ci/run` asks for 10 000, built for speed.
const WORLDS: u64 = 240;

const KINDS: [Kind; 6] = [
    Kind::Classic,
    Kind::V2,
    Kind::Static,
    Kind::Dynamic,
    Kind::Private,
    Kind::Streams,
];

/// What a broker may be like: of three worlds, two have one that keeps order and loses nothing but with a connection,
/// which is all that Redis promises. The third has one that loses, doubles and overtakes as well.
const MANNERS: [Manners; 3] = [Manners::Redis, Manners::Redis, Manners::None];

/// Plays a world, and gives the digest of all that happened.
fn play(seed: u64) -> u64 {
    let index = |of: usize, at: u64| usize::try_from(at % of as u64).unwrap();
    let kind = KINDS[index(KINDS.len(), seed)];
    let manners = MANNERS[index(MANNERS.len(), seed / KINDS.len() as u64)];
    let played = catch_unwind(|| World::new(seed, kind, manners).play());
    played.unwrap_or_else(|_| panic!("SIO_SEED={seed} SIO_NODE_WORLDS=1: {kind:?}, {manners:?}"))
}

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice.
#[test]
fn hold_what_they_promise() {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse().ok());
    let first = number("SIO_SEED").unwrap_or_else(|| {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        time.map_or(1, |time| time.as_secs() % 1_000_000 * 1_000_000)
    });
    let worlds = number("SIO_NODE_WORLDS").unwrap_or(WORLDS);
    println!("seeds {first} to {}", first + worlds - 1);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= worlds {
                        break;
                    }
                    let seed = first + at;
                    let digest = play(seed);
                    if seed.is_multiple_of(100) {
                        assert_eq!(play(seed), digest, "same: seed {seed}");
                    }
                }
            });
        }
    });
}
