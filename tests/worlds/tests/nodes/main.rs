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

use sio_worlds::seeds::each;
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

/// Plays a world, and gives the digest of all that happened; or says how to play it again.
fn play(seed: u64) -> Result<u64, String> {
    let index = |of: usize, at: u64| usize::try_from(at % of as u64).unwrap();
    let kind = KINDS[index(KINDS.len(), seed)];
    let manners = MANNERS[index(MANNERS.len(), seed / KINDS.len() as u64)];
    let played = catch_unwind(|| World::new(seed, kind, manners).play());
    played.map_err(|_| format!("SIO_SEED={seed} SIO_NODE_WORLDS=1: {kind:?}, {manners:?}"))
}

/// The first seed is the time, unless `SIO_SEED` says; every hundredth world is run twice.
#[test]
fn hold_what_they_promise() {
    let twice = |seed: u64| {
        let digest = play(seed)?;
        if seed.is_multiple_of(100) {
            assert_eq!(play(seed)?, digest, "same: seed {seed}");
        }
        Ok(())
    };
    each("SIO_NODE_WORLDS", WORLDS, twice, |_, why: String| why);
}
