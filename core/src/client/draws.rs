//! What a client draws by lot, from a seed.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Numbers that nobody foresees who does not know the seed, the same for the same seed.
#[derive(Clone, Hash)]
pub(crate) struct Draws {
    seed: [u8; 16],
    drawn: u64,
}

impl Draws {
    pub(crate) const fn new(seed: [u8; 16]) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write_u64(self.drawn);
        self.drawn = self.drawn.wrapping_add(1);
        hasher.finish()
    }

    /// Draws of their own, for a part of the machine.
    pub(crate) fn fork(&mut self) -> Self {
        let mut seed = [0; 16];
        let (low, high) = seed.split_at_mut(8);
        low.copy_from_slice(&self.draw().to_le_bytes());
        high.copy_from_slice(&self.draw().to_le_bytes());
        Self::new(seed)
    }
}

/// Without the seed: whoever knows it knows what is drawn next.
impl fmt::Debug for Draws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draws").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_all() {
        let many = |seed| {
            let mut draws = Draws::new([seed; 16]);
            (0..8).map(|_| draws.draw()).collect::<Vec<_>>()
        };
        assert_eq!(many(1), many(1));
        assert_ne!(many(1), many(2));
        let mut draws = Draws::new([1; 16]);
        let (mut one, mut other) = (draws.fork(), draws.fork());
        assert_ne!(one.draw(), other.draw());
    }

    #[test]
    fn a_seed_does_not_show_itself() {
        assert_eq!(format!("{:?}", Draws::new([7; 16])), "Draws { .. }");
    }
}
