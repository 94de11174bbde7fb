//! What came of a story.

use crate::choices::Choices;
use crate::sim::Sim;

/// What came of playing a story once ([`Check::play`](super::Check::play)).
#[derive(Debug)]
pub struct Played {
    pub(super) sim: Sim,
    pub(super) result: Result<(), String>,
}

impl Played {
    /// The world in which it was played: its trace, its history, what was drawn in it. Nothing runs there any more.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Why it has failed, if it has.
    pub fn failure(&self) -> Option<&str> {
        self.result.as_ref().err().map(String::as_str)
    }

    /// What was drawn in it.
    pub fn choices(&self) -> Choices {
        self.sim.choose(|choices| choices.clone())
    }

    /// How it has failed, without the numbers, which are others in a smaller world.
    pub(super) fn kind(&self) -> Option<String> {
        let why = self.failure()?;
        Some(why.chars().filter(|it| !it.is_ascii_digit()).collect())
    }

    /// Whether it has failed since no time passed any more.
    pub(super) fn spins(&self) -> bool {
        self.failure()
            .is_some_and(|why| why.starts_with("no time passes"))
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.sim.clear();
    }
}
