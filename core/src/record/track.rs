//! The way of a machine, forwards and backwards.

use super::log::{LogError, Step};

/// A machine that is told again what a log holds.
pub(crate) trait Plays: Clone {
    type Input;
    type Output;

    /// Tells it a step, the one of this number.
    fn play(&mut self, number: usize, step: &Step<Self::Input>) -> Self::Output;

    /// What stands in a log for what came out.
    fn sum(output: &Self::Output) -> Option<u32>;
}

/// A machine as it is after the steps that were played, and as it was every so often before, for the way back. The
/// steps are those of one log, each time.
#[derive(Clone, Debug)]
pub(crate) struct Track<M> {
    machine: M,
    /// How many steps were played.
    position: usize,
    /// As it was before each so many steps.
    kept: Vec<M>,
}

/// Steps from one state that is kept to the next: so many at most are played again for one step back.
const APART: usize = 64;

impl<M: Plays> Track<M> {
    pub(crate) fn new(machine: M) -> Self {
        Self {
            kept: vec![machine.clone()],
            machine,
            position: 0,
        }
    }

    pub(crate) const fn machine(&self) -> &M {
        &self.machine
    }

    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Plays the next step: what came out, and whether that is what came out when it was recorded. `None`: there is
    /// none.
    pub(crate) fn forward(&mut self, steps: &[Step<M::Input>]) -> Option<(M::Output, bool)> {
        let step = steps.get(self.position)?;
        let output = self.machine.play(self.position, step);
        self.position = self.position.saturating_add(1);
        let at = self.position.checked_div(APART).unwrap_or(0);
        if self.position.is_multiple_of(APART) && self.kept.len() == at {
            self.kept.push(self.machine.clone());
        }
        let same = M::sum(&output) == step.sum;
        Some((output, same))
    }

    /// Takes the last step back. `false`: there is none.
    pub(crate) fn back(&mut self, steps: &[Step<M::Input>]) -> bool {
        match self.position.checked_sub(1) {
            Some(position) => {
                self.go_to(steps, position);
                true
            }
            None => false,
        }
    }

    /// As it is after so many steps, or after the last if there are fewer.
    pub(crate) fn go_to(&mut self, steps: &[Step<M::Input>], position: usize) {
        let at = position.checked_div(APART).unwrap_or(0);
        let at = at.min(self.kept.len().saturating_sub(1));
        let begins = at.saturating_mul(APART);
        // From where it is, unless that is behind or further away.
        if (position < self.position || self.position < begins)
            && let Some(kept) = self.kept.get(at)
        {
            self.machine = kept.clone();
            self.position = begins;
        }
        while self.position < position && self.forward(steps).is_some() {}
    }

    /// Plays what is left, as far as the same comes out.
    pub(crate) fn finish(&mut self, steps: &[Step<M::Input>]) -> Result<(), LogError> {
        loop {
            let number = self.position;
            match self.forward(steps) {
                Some((_, true)) => {}
                Some((_, false)) => return Err(LogError::Differs(number)),
                None => return Ok(()),
            }
        }
    }
}
