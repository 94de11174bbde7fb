//! Everything that chance decides in a run, from one source.

mod list;
mod shrink;

use std::fmt;

pub use list::{List, ListError};
pub use shrink::shrink;

/// Where every draw of a run comes from: the schedule, delays, faults, and what is done.
///
/// Three sources make the same run by the same code: a seed, the bytes of a fuzzer, and the [`List`] of what was
/// drawn in another run. Whatever the source, each draw is written down ([`list`](Self::list)), so that a run that
/// failed can be repeated from its list, kept as that, and made smaller by editing it ([`shrink`]).
///
/// A source that is over gives 0 for ever. So 0 has to be the simplest thing that can happen wherever something is
/// drawn: no fault, no delay, the first of several, the end.
///
/// A run says where something begins that could be left out as a whole ([`part`](Self::part)). What is drawn in one
/// part of a list has no bearing on the next: a part that draws less than it did leaves the rest of it unused, one that
/// draws more gets 0.
///
/// ```
/// use sio_sim::choices::{Choices, List};
///
/// let throw = |mut dice: Choices| [dice.below(6), dice.below(6), dice.below(6)];
/// let mut dice = Choices::from_seed(7);
/// let thrown = [dice.below(6), dice.below(6), dice.below(6)];
/// assert_eq!(throw(Choices::from_seed(7)), thrown);
/// assert_eq!(throw(Choices::from_list(&dice.list())), thrown);
/// assert_eq!(throw(Choices::from_list(&"5".parse().unwrap())), [5, 0, 0]);
/// assert_eq!(throw(Choices::from_bytes(&[5, 2, 7])), [5, 2, 1]);
/// ```
#[derive(Clone)]
pub struct Choices {
    source: Source,
    taken: Vec<u64>,
    /// Where in that a part begins.
    parts: Vec<usize>,
}

#[derive(Clone)]
enum Source {
    /// SplitMix64.
    Seed(u64),
    /// The last byte comes first.
    Bytes(Vec<u8>),
    /// The next draw of which part.
    List { list: List, part: usize, at: usize },
}

impl Choices {
    /// Draws that follow from a seed. Not for secrets.
    pub const fn from_seed(seed: u64) -> Self {
        Self::new(Source::Seed(seed))
    }

    /// Draws that follow from bytes: one for each draw among up to 256, as many as it takes for others.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut bytes = bytes.to_vec();
        bytes.reverse();
        Self::new(Source::Bytes(bytes))
    }

    /// The draws of another run, perhaps edited: what is too large for what is drawn is reduced.
    pub fn from_list(list: &List) -> Self {
        Self::new(Source::List {
            list: list.clone(),
            part: 0,
            at: 0,
        })
    }

    const fn new(source: Source) -> Self {
        Self {
            source,
            taken: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// A number below `end`. Of fewer than two there is none to draw: that is 0, and nothing is used up.
    pub fn below(&mut self, end: u64) -> u64 {
        if end < 2 {
            return 0;
        }
        let drawn = match &mut self.source {
            Source::Seed(state) => mixed(state) % end,
            Source::Bytes(bytes) => number(bytes, end) % end,
            Source::List { list, part, at } => {
                let next = list.0.get(*part).and_then(|part| part.get(*at));
                *at += 1;
                next.copied().unwrap_or(0) % end
            }
        };
        self.taken.push(drawn);
        drawn
    }

    /// A place in something so long; 0 if that is empty.
    pub fn index(&mut self, length: usize) -> usize {
        // It is below a `usize`.
        self.below(length as u64) as usize
    }

    /// One of them. `None`: there are none.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let at = self.index(among.len());
        among.get(at)
    }

    /// True once in so many times; never, where the source is over. `times` of 0 and 1 are 2.
    pub fn one_in(&mut self, times: u64) -> bool {
        let times = times.max(2);
        self.below(times) == times - 1
    }

    /// A place in a list of weights, each as often as its weight says. The first is the simplest.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut drawn = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            match drawn.checked_sub(*weight) {
                Some(rest) => drawn = rest,
                None => return at,
            }
        }
        0
    }

    /// What is drawn from here on belongs together, until the next part begins: it could be left out as a whole.
    pub fn part(&mut self) {
        self.parts.push(self.taken.len());
        if let Source::List { part, at, .. } = &mut self.source {
            *part += 1;
            *at = 0;
        }
    }

    /// All that was drawn, part by part. Draws among fewer than two are not in it.
    pub fn list(&self) -> List {
        let begins = [0].into_iter().chain(self.parts.iter().copied());
        let ends = self.parts.iter().copied().chain([self.taken.len()]);
        let parts = begins
            .zip(ends)
            .map(|(begin, end)| self.taken[begin..end].to_vec());
        List(parts.collect())
    }

    /// Whether nothing but 0 comes any more. Never of a seed.
    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Seed(_) => false,
            Source::Bytes(bytes) => bytes.is_empty(),
            Source::List { list, part, at } => match list.0.get(*part..) {
                Some([last]) => *at >= last.len(),
                Some([]) | None => true,
                Some(_) => false,
            },
        }
    }
}

impl fmt::Debug for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Seed(_) => "a seed",
            Source::Bytes(_) => "bytes",
            Source::List { .. } => "a list",
        };
        f.debug_struct("Choices")
            .field("source", &source)
            .field("taken", &self.taken.len())
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// The next number of a seed.
const fn mixed(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number of as many bytes as it takes to reach each below `end`.
fn number(bytes: &mut Vec<u8>, end: u64) -> u64 {
    let mut most = end - 1;
    let mut number = 0;
    while most > 0 {
        number = number << 8 | u64::from(bytes.pop().unwrap_or(0));
        most >>= 8;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(mut choices: Choices) -> Vec<u64> {
        [2, 3, 256, 257, 1, 0, u64::MAX]
            .map(|end| choices.below(end))
            .to_vec()
    }

    #[test]
    fn a_seed_says_it_all_and_another_says_something_else() {
        assert_eq!(drawn(Choices::from_seed(7)), drawn(Choices::from_seed(7)));
        assert_ne!(drawn(Choices::from_seed(7)), drawn(Choices::from_seed(8)));
    }

    #[test]
    fn each_number_is_reached_and_none_beyond() {
        let mut choices = Choices::from_seed(1);
        let mut seen = [0; 4];
        for _ in 0..100 {
            seen[choices.index(4)] += 1;
        }
        assert!(seen.iter().all(|times| *times > 5), "{seen:?}");
    }

    #[test]
    fn what_was_drawn_can_be_drawn_again_from_its_list() {
        for source in [Choices::from_seed(3), Choices::from_bytes(&[9; 20])] {
            let run = |mut choices: Choices| {
                let mut all = Vec::new();
                for parts in 0..3 {
                    let ends = [2, 3, 256, 257, 1, 0, u64::MAX];
                    all.extend(ends.map(|end| choices.below(end)));
                    (0..parts).for_each(|_| choices.part());
                }
                (all, choices.list())
            };
            let (told, list) = run(source);
            let lengths: Vec<_> = list.0.iter().map(Vec::len).collect();
            assert_eq!(lengths, [10, 5, 0, 0], "those with a choice");
            assert_eq!(run(Choices::from_list(&list)), (told, list));
        }
    }

    #[test]
    fn parts_of_a_list_have_no_bearing_on_each_other() {
        let mut choices = Choices::from_list(&List(vec![vec![1, 2], vec![3], vec![4]]));
        assert_eq!(choices.below(9), 1);
        choices.part();
        assert_eq!((choices.below(9), choices.below(9)), (3, 0));
        assert!(!choices.is_over());
        choices.part();
        assert_eq!(choices.below(9), 4);
        assert!(choices.is_over());
        choices.part();
        assert_eq!(choices.below(9), 0);
        assert_eq!(
            choices.list(),
            List(vec![vec![1], vec![3, 0], vec![4], vec![0]])
        );
    }

    #[test]
    fn bytes_are_used_as_far_as_it_takes() {
        let mut choices = Choices::from_bytes(&[1, 255, 1, 2, 3]);
        assert_eq!((choices.below(2), choices.below(256)), (1, 255));
        assert_eq!(choices.below(65_536), 0x0102);
        assert!(!choices.is_over());
        assert_eq!(choices.below(1000), 3 << 8, "and 0 for what is missing");
        assert!(choices.is_over());
        assert_eq!(choices.list(), List(vec![vec![1, 255, 0x0102, 3 << 8]]));
    }

    #[test]
    fn what_is_over_gives_the_simplest_for_ever() {
        let list = List(vec![vec![1]]);
        for mut choices in [Choices::from_list(&list), Choices::from_bytes(&[1])] {
            assert!(choices.one_in(2));
            for _ in 0..3 {
                assert!(choices.is_over());
                assert!(!choices.one_in(0) && !choices.one_in(3));
                assert_eq!(choices.pick(&["first", "second"]), Some(&"first"));
                assert_eq!(choices.weighted(&[1, 2]), 0);
            }
            assert_eq!(choices.pick::<u8>(&[]), None);
        }
    }

    #[test]
    fn weights_say_how_often() {
        let mut choices = Choices::from_list(&List(vec![(0..7).collect()]));
        let drawn: Vec<_> = (0..7).map(|_| choices.weighted(&[1, 0, 4, 2])).collect();
        assert_eq!(drawn, [0, 2, 2, 2, 2, 3, 3]);
        assert_eq!(choices.weighted(&[]), 0);
    }
}
