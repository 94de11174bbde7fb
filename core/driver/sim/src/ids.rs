//! What the driver gets for its ids.

use crate::choices::Choices;

/// Bytes that follow from one draw (SplitMix64): ids have to differ also where a list of draws is over, and are
/// nothing to be made smaller.
#[derive(Clone, Debug)]
pub(crate) struct Ids(u64);

impl Ids {
    pub(crate) fn new(choices: &mut Choices) -> Self {
        Self(choices.below(1 << 32))
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.next().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::List;

    #[test]
    fn no_two_are_the_same_also_where_nothing_is_drawn() {
        for source in [Choices::from_list(&List::default()), Choices::from_seed(1)] {
            let mut ids = Ids::new(&mut source.clone());
            let mut draw = || {
                let mut bytes = [0; 13];
                ids.fill(&mut bytes);
                bytes
            };
            let first = draw();
            assert_ne!(first, draw());
            let mut again = [0; 13];
            Ids::new(&mut source.clone()).fill(&mut again);
            assert_eq!(first, again);
        }
    }
}
