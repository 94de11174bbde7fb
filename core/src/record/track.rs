//! The way of a machine, forwards and backwards.

/// A machine as it is after the steps that were played, and as it was every so often before, for the way back.
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

impl<M: Clone> Track<M> {
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

    /// Plays a step.
    pub(crate) fn forward<O>(&mut self, play: impl FnOnce(&mut M) -> O) -> O {
        let output = play(&mut self.machine);
        self.position = self.position.saturating_add(1);
        let at = self.position.checked_div(APART).unwrap_or(0);
        if self.position.is_multiple_of(APART) && self.kept.len() == at {
            self.kept.push(self.machine.clone());
        }
        output
    }

    /// As it is after so many steps, or after the last if there are fewer: then there is nothing to `play` at a
    /// position.
    pub(crate) fn go_to(
        &mut self,
        position: usize,
        mut play: impl FnMut(&mut M, usize) -> Option<()>,
    ) {
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
        while self.position < position {
            let next = self.position;
            if self.forward(|machine| play(machine, next)).is_none() {
                self.position = next;
                return;
            }
        }
    }
}
