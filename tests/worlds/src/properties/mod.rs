//! What must have come of all that happens, much simpler than the machines.

mod ack;
mod answer;
mod blame;
mod bounds;
mod dead;
mod farewell;
mod life;
mod prefix;
mod reach;
mod recovery;
mod secret;

pub(crate) use ack::{Acks, Whose};
pub(crate) use answer::Answers;
pub(crate) use blame::Blame;
pub(crate) use bounds::Bounds;
pub(crate) use dead::Dead;
pub(crate) use farewell::Farewells;
pub(crate) use life::Lives;
pub(crate) use prefix::Prefixes;
pub(crate) use reach::Reach;
pub(crate) use recovery::{Recoveries, Terms};
pub(crate) use secret::Secrets;

use crate::network::Party;

/// One client in one namespace, whether it is in it or not.
pub(crate) type Place = (Party, usize);

/// A stay in a namespace, by a number that no other has, in no server.
pub(crate) type Stay = u64;

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) prefix: Prefixes,
    pub(crate) acks: Acks,
    pub(crate) answers: Answers,
    pub(crate) reach: Reach,
    pub(crate) lives: Lives,
    pub(crate) blame: Blame,
    pub(crate) dead: Dead,
    pub(crate) farewells: Farewells,
    pub(crate) secrets: Secrets,
    pub(crate) recoveries: Recoveries,
}
