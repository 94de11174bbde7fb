//! Worlds of several nodes and a broker, in virtual time: what a node promises, whatever the broker does.
//!
//! ```
//! assert_eq!(sio_worlds::nodes::outcome(7).failure, None);
//! ```

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else comes, panics or counts for nothing"
)]

mod acts;
mod broker;
mod checks;
mod random;
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::{Failure, Property};
use world::{Fault, Kind, Manners, World};

/// What has become of a world of nodes and a broker.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What did not hold.
    pub failure: Option<Failure>,
    /// What came to a node or to the broker, and what was done by a host.
    pub steps: u64,
    /// Events that came to a node.
    pub events: u64,
    /// What has happened, as a number: of the same seed the same.
    pub hash: u64,
    /// What it has reached, of [`MARKS`].
    pub marks: BTreeSet<&'static str>,
    /// What could go wrong, and whether it did.
    pub faults: Vec<(String, bool)>,
    /// By what its nodes tell each other things, and what its broker is like.
    pub told: String,
}

/// What has to happen in some world: where nothing of it happens, nothing of it is proven.
pub const MARKS: &[&str] = &[
    "a question met an outage",
    "a question was one too many",
    "a question's time was over",
    "all have answered",
    "an answer was one too many",
    "more was said than an outage keeps",
];

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

/// Those of each world, those of one whose broker moves its channels, and those of one that does what it likes.
const FAULTS: [Fault; 2] = [Fault::Cut, Fault::Restart];
const MOVING: Fault = Fault::TakenAway;
const RUDE: [Fault; 3] = [Fault::Lost, Fault::Twice, Fault::Overtaken];

/// The names of all that may go wrong.
pub(crate) fn all_faults() -> Vec<String> {
    let all = FAULTS.iter().chain([&MOVING]).chain(&RUDE);
    all.map(|it| format!("{it:?}")).collect()
}

/// Plays the world of a seed.
pub fn outcome(seed: u64) -> Outcome {
    let at = |of: usize, number: u64| (number % of as u64) as usize;
    let kind = KINDS[at(KINDS.len(), seed)];
    let manners = MANNERS[at(MANNERS.len(), seed / KINDS.len() as u64)];
    let mut world = World::new(seed, kind, manners);
    let played = catch_unwind(AssertUnwindSafe(|| world.play()));
    let failure = played.err().map(|panic| Failure {
        // Whether a node panics or is found to be wrong, it is this that does not hold.
        property: Property::Cluster,
        seen: crate::failure(panic).seen,
    });
    let sharded = matches!(kind, Kind::Static | Kind::Dynamic | Kind::Private);
    let on = FAULTS.iter();
    let on = on.chain([&MOVING].into_iter().filter(|_| sharded));
    let on = on.chain(RUDE.iter().filter(|_| manners == Manners::None));
    let did = |fault: &Fault| world.did.contains(fault);
    Outcome {
        failure,
        steps: world.steps,
        events: world.events,
        hash: world.hash(),
        faults: on.map(|it| (format!("{it:?}"), did(it))).collect(),
        marks: world.marks,
        told: format!("{kind:?}, {manners:?}"),
    }
}
