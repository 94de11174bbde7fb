//! A smaller list of draws that shows the same.

/// Makes the list of a run that shows something smaller, as far as it still shows it: blocks of it are deleted, or
/// made 0, and numbers are lowered, until none of that helps or `runs` runs were made.
///
/// `run` makes one from a list. It gives what it has drawn ([`Choices::taken`](super::Choices::taken)) if that shows
/// the same, so that what a run did not come to is left off.
pub fn shrink(
    list: Vec<u64>,
    runs: usize,
    run: impl FnMut(&[u64]) -> Option<Vec<u64>>,
) -> Vec<u64> {
    let mut shrinking = Shrinking {
        best: list,
        left: runs,
        run,
    };
    shrinking.trim();
    loop {
        let before = shrinking.best.clone();
        shrinking.delete();
        shrinking.zero();
        shrinking.lower();
        if shrinking.left == 0 || shrinking.best == before {
            return shrinking.best;
        }
    }
}

struct Shrinking<F> {
    best: Vec<u64>,
    left: usize,
    run: F,
}

impl<F: FnMut(&[u64]) -> Option<Vec<u64>>> Shrinking<F> {
    /// Takes a list instead, if it shows the same and is smaller.
    fn take(&mut self, list: &[u64]) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        let Some(mut taken) = (self.run)(list) else {
            return false;
        };
        // Zeros at the end are what comes when a list is over.
        taken.truncate(end(&taken));
        let smaller = weight(&taken) < weight(&self.best);
        if smaller {
            self.best = taken;
        }
        smaller
    }

    /// Leaves off what needs not to be there because nothing else follows.
    fn trim(&mut self) {
        let list = self.best.clone();
        self.take(&list);
        self.best.truncate(end(&self.best));
    }

    fn delete(&mut self) {
        self.blocks(|list, from, to| {
            list.drain(from..to);
        });
    }

    fn zero(&mut self) {
        self.blocks(|list, from, to| list[from..to].fill(0));
    }

    /// Edits blocks from the end to the beginning, large ones first.
    fn blocks(&mut self, edit: impl Fn(&mut Vec<u64>, usize, usize)) {
        let mut size = self.best.len();
        while size > 0 && self.left > 0 {
            let mut to = self.best.len();
            while to > 0 && self.left > 0 {
                let from = to.saturating_sub(size);
                if self.best[from..to].iter().any(|drawn| *drawn != 0) || size < 8 {
                    let mut list = self.best.clone();
                    edit(&mut list, from, to);
                    if list != self.best {
                        self.take(&list);
                    }
                }
                to = from.min(self.best.len());
            }
            size /= 2;
        }
    }

    /// Lowers each number as far as it goes.
    fn lower(&mut self) {
        let mut at = self.best.len();
        while at > 0 && self.left > 0 {
            at = (at - 1).min(self.best.len());
            // What is known to be too low, and what is known to do.
            let mut low = 0;
            while let Some(high) = self.best.get(at).copied().filter(|high| *high > low) {
                let mut list = self.best.clone();
                list[at] = low + (high - low) / 2;
                if !self.take(&list) {
                    low += (high - low) / 2 + 1;
                }
                if self.left == 0 {
                    break;
                }
            }
        }
    }
}

/// Where the zeros at the end begin.
fn end(list: &[u64]) -> usize {
    let last = list.iter().rposition(|drawn| *drawn != 0);
    last.map_or(0, |last| last + 1)
}

/// What makes one list smaller than another: fewer choices, fewer draws, lower ones.
fn weight(list: &[u64]) -> (usize, usize, &[u64]) {
    let choices = list.iter().filter(|drawn| **drawn != 0).count();
    (choices, list.len(), list)
}

#[cfg(test)]
mod tests {
    use super::super::Choices;
    use super::*;

    /// Draws numbers until one is 0, and shows something if there is one of 100 and more behind one of 7.
    fn run(list: &[u64]) -> Option<Vec<u64>> {
        let mut choices = Choices::from_list(list);
        let (mut seven, mut shown) = (false, false);
        loop {
            match choices.below(1000) {
                0 => break,
                7 => seven = true,
                drawn => shown |= seven && drawn >= 100,
            }
        }
        shown.then(|| choices.taken().to_vec())
    }

    #[test]
    fn what_does_not_matter_goes() {
        let noise: Vec<u64> = (1..300).chain([7]).chain(200..999).collect();
        assert_eq!(shrink(noise, 10_000, run), [7, 100]);
    }

    #[test]
    fn what_a_run_does_not_come_to_goes() {
        assert_eq!(shrink(vec![7, 100, 0, 5, 6], 1, run), [7, 100]);
        assert_eq!(shrink(vec![7, 100, 0, 0], 0, run), [7, 100]);
    }

    #[test]
    fn no_more_runs_are_made_than_may_be() {
        let noise: Vec<u64> = (1..300).chain([7]).chain(200..999).collect();
        let mut runs = 0;
        let list = shrink(noise, 20, |list| {
            runs += 1;
            run(list)
        });
        assert_eq!(runs, 20);
        assert!(run(&list).is_some());
    }
}
