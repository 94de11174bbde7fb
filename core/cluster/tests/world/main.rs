//! Worlds of several nodes and a broker, in virtual time: what a node promises, whatever the broker does.
//!
//! `SEED=7 cargo test -p sio-cluster --test world` plays one of them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic"
)]

mod acts;
mod broker;
mod checks;
mod random;
mod world;

use world::{Kind, Manners, World};

#[allow(
    clippy::disallowed_methods,
    reason = "it is asked for by whoever runs it"
)]
fn seed() -> Option<u64> {
    std::env::var("SEED").ok().map(|seed| seed.parse().unwrap())
}

const KINDS: [Kind; 6] = [
    Kind::Classic,
    Kind::V2,
    Kind::Static,
    Kind::Dynamic,
    Kind::Private,
    Kind::Streams,
];

fn play(kind: Kind, manners: Manners, seeds: u64) {
    let seeds = seed().map_or(0..seeds, |seed| seed..seed + 1);
    for seed in seeds {
        let played = std::panic::catch_unwind(|| World::new(seed, kind, manners).play());
        let digest = played.unwrap_or_else(|_| panic!("SEED={seed} {kind:?} {manners:?}"));
        if seed % 8 == 0 {
            let again = World::new(seed, kind, manners).play();
            assert_eq!(
                digest, again,
                "SEED={seed} {kind:?} {manners:?}: not the same again"
            );
        }
    }
}

/// A broker that keeps order and loses nothing but with a connection: all that is promised.
#[test]
fn with_a_broker_like_redis() {
    for kind in KINDS {
        play(kind, Manners::Redis, 80);
    }
}

/// One that loses, doubles and overtakes as well: what can be promised even so.
#[test]
fn with_a_broker_without_manners() {
    for kind in KINDS {
        play(kind, Manners::None, 40);
    }
}
