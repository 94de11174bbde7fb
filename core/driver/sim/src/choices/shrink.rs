//! A smaller list of draws that shows the same.

use std::collections::BTreeSet;

use super::{Choices, List};

/// Makes the list of a run that shows something smaller, as far as it still shows it: parts of it
/// ([`Choices::part`]) are left out, many at once first, in a row or those that begin alike; draws are left out or made
/// 0, those at the same place of many parts at once first; numbers are lowered; until none of that helps or `runs` runs
/// were made.
///
/// `run` makes one from a list. It gives its choices back if that shows the same, so that what a run did not come to
/// is left off.
pub fn shrink(list: List, runs: usize, run: impl FnMut(&List) -> Option<Choices>) -> List {
    let mut shrinking = Shrinking {
        best: list.trimmed(),
        left: runs,
        run,
    };
    // What is behind the end of the run.
    let mut list = shrinking.best.clone();
    list.0.push(vec![1]);
    std::mem::swap(&mut list, &mut shrinking.best);
    if !shrinking.take(&list) {
        shrinking.best = list;
    }
    loop {
        let before = shrinking.best.clone();
        shrinking.alike();
        shrinking.parts(|list, from, to| {
            list.0.drain(from..to);
        });
        shrinking.parts(|list, from, to| {
            list.0[from..to].iter_mut().for_each(Vec::clear);
        });
        shrinking.alike();
        shrinking.parts(|list, from, to| {
            list.0[from..to]
                .iter_mut()
                .for_each(|part| part.truncate(1));
        });
        shrinking.columns();
        shrinking.draws(|part, at| part.truncate(at));
        shrinking.draws(|part, at| part[at] = 0);
        shrinking.draws(|part, at| {
            part.remove(at);
        });
        shrinking.lower();
        shrinking.join();
        if shrinking.left == 0 || shrinking.best == before {
            return shrinking.best;
        }
    }
}

struct Shrinking<F> {
    best: List,
    left: usize,
    run: F,
}

impl<F: FnMut(&List) -> Option<Choices>> Shrinking<F> {
    /// Takes a list instead, if it shows the same and is smaller.
    fn take(&mut self, list: &List) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            return false;
        };
        self.left = left;
        let Some(choices) = (self.run)(list) else {
            return false;
        };
        let taken = choices.list().trimmed();
        let smaller = weight(&taken) < weight(&self.best);
        if smaller {
            self.best = taken;
        }
        smaller
    }

    /// Edits rows of parts from the end to the beginning, long ones first.
    fn parts(&mut self, edit: impl Fn(&mut List, usize, usize)) {
        let mut size = self.best.0.len();
        while size > 0 && self.left > 0 {
            let mut to = self.best.0.len();
            while to > 0 && self.left > 0 {
                let from = to.saturating_sub(size);
                self.edit(|list| edit(list, from, to));
                to = from.min(self.best.0.len());
            }
            size /= 2;
        }
    }

    /// Leaves out parts whose first draws are near each other, wherever they stand: as a rule that is what is done.
    fn alike(&mut self) {
        for rows in [2, 4, 8, 16] {
            let firsts = self.best.0.iter().filter_map(|part| part.first());
            let firsts: BTreeSet<u64> = firsts.copied().collect();
            let firsts = Vec::from_iter(firsts);
            for row in firsts.chunks(firsts.len().div_ceil(rows).max(1)) {
                self.edit(|list| {
                    let left = |part: &Vec<u64>| part.first().is_none_or(|it| !row.contains(it));
                    list.0.retain(left);
                });
            }
        }
    }

    /// Makes the draws 0 that stand at the same place of their parts.
    fn columns(&mut self) {
        let mut lengths: Vec<_> = self.best.0.iter().map(Vec::len).collect();
        lengths.sort_unstable();
        // Where only one part has a draw there is nothing to be done at once.
        let most = lengths.iter().rev().nth(1).copied();
        for at in (1..most.unwrap_or_default()).rev() {
            self.parts(|list, from, to| {
                let draws = list.0[from..to].iter_mut();
                draws
                    .filter_map(|part| part.get_mut(at))
                    .for_each(|it| *it = 0);
            });
        }
    }

    /// Edits each draw that is not 0, from the end to the beginning.
    fn draws(&mut self, edit: impl Fn(&mut Vec<u64>, usize)) {
        let mut number = self.best.0.len();
        while number > 0 {
            number -= 1;
            let mut at = self.best.0.get(number).map_or(0, Vec::len);
            while at > 0 && self.left > 0 {
                at -= 1;
                if self.best.0.get(number).and_then(|part| part.get(at)) > Some(&0) {
                    self.edit(|list| edit(&mut list.0[number], at));
                }
            }
        }
    }

    fn edit(&mut self, edit: impl FnOnce(&mut List)) {
        let mut list = self.best.clone();
        edit(&mut list);
        if list != self.best {
            self.take(&list);
        }
    }

    /// Takes two parts that follow each other for one, by each of their draws: one that says how often something is
    /// done may do for both.
    fn join(&mut self) {
        let mut number = self.best.0.len();
        while number > 1 && self.left > 0 {
            number -= 1;
            let before = self.best.clone();
            let draws = self.best.0.get(number).map_or(0, Vec::len);
            for at in 0..draws {
                let mut list = self.best.clone();
                let joined = list.0.remove(number)[at];
                let Some(draw) = list.0[number - 1].get_mut(at) else {
                    break;
                };
                *draw = draw.saturating_add(joined);
                if self.take(&list) {
                    break;
                }
            }
            if self.best != before {
                number = number.min(self.best.0.len());
            }
        }
    }

    /// Lowers each number as far as it goes.
    fn lower(&mut self) {
        for number in 0..self.best.0.len() {
            for at in 0..self.best.0.get(number).map_or(0, Vec::len) {
                self.lower_one(number, at);
            }
        }
    }

    fn lower_one(&mut self, number: usize, at: usize) {
        // What is known to be too low.
        let mut low = 0;
        while self.left > 0
            && let Some(high) = self
                .best
                .0
                .get(number)
                .and_then(|part| part.get(at))
                .copied()
            && high > low
        {
            let middle = low + (high - low) / 2;
            let mut list = self.best.clone();
            list.0[number][at] = middle;
            if !self.take(&list) {
                low = middle + 1;
            }
        }
    }
}

/// What makes one list smaller than another: fewer choices, fewer parts, fewer draws, lower ones.
fn weight(list: &List) -> (usize, usize, usize, &List) {
    (list.choices(), list.0.len(), list.draws(), list)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws numbers until one is 0, and shows something if there is one of 100 and more behind one of 7.
    fn run(list: &List) -> Option<Choices> {
        let mut choices = Choices::from_list(list);
        let (mut seven, mut shown) = (false, false);
        loop {
            match choices.below(1000) {
                0 => break,
                7 => seven = true,
                drawn => shown |= seven && drawn >= 100,
            }
        }
        shown.then_some(choices)
    }

    fn noise() -> List {
        List(vec![(1..300).chain([7]).chain(200..999).collect()])
    }

    #[test]
    fn what_does_not_matter_goes() {
        assert_eq!(shrink(noise(), 100_000, run), List(vec![vec![7, 100]]));
    }

    #[test]
    fn what_a_run_does_not_come_to_goes() {
        let list = List(vec![vec![7, 100, 0, 5, 6], vec![1]]);
        assert_eq!(shrink(list, 1, run), List(vec![vec![7, 100]]));
        let list = List(vec![vec![7, 100, 0, 0], vec![0]]);
        assert_eq!(shrink(list, 0, run), List(vec![vec![7, 100]]));
    }

    /// Each part draws as many numbers as it says; something is shown if two parts have a 9.
    fn rows(list: &List) -> Option<Choices> {
        let mut choices = Choices::from_list(list);
        let mut nines = 0;
        loop {
            choices.part();
            let length = choices.below(20);
            if length == 0 {
                break;
            }
            let row: Vec<_> = (0..length).map(|_| choices.below(10)).collect();
            nines += usize::from(row.contains(&9));
        }
        (nines >= 2).then_some(choices)
    }

    #[test]
    fn parts_go_as_a_whole() {
        let mut choices = Choices::from_seed(1);
        let mut parts = vec![Vec::new()];
        parts.extend((0..200).map(|_| {
            let length = 1 + choices.below(19);
            let row = (0..length).map(|_| choices.below(10));
            [length].into_iter().chain(row).collect()
        }));
        let mut runs = 0;
        let small = shrink(List(parts), 10_000, |list| {
            runs += 1;
            rows(list)
        });
        assert_eq!((small.0.len(), small.choices()), (3, 4), "{small}");
        assert!(runs < 200, "{runs}");
    }

    /// Each part says how often something is done; something is shown once that was often enough.
    fn times(list: &List) -> Option<Choices> {
        let mut choices = Choices::from_list(list);
        let mut done = 0;
        loop {
            choices.part();
            if choices.below(2) == 0 {
                break;
            }
            done += choices.below(100);
        }
        (done >= 80).then_some(choices)
    }

    /// Each part does one of a hundred things with two numbers; something is shown if the last of them was done with a
    /// first number of its own fifty times.
    fn things(list: &List) -> Option<Choices> {
        let mut choices = Choices::from_list(list);
        let mut firsts = BTreeSet::new();
        loop {
            choices.part();
            let (what, first, _) = (choices.below(100), choices.below(1000), choices.below(1000));
            match what {
                0 => break,
                99 => drop(firsts.insert(first)),
                _ => {}
            }
        }
        (firsts.len() >= 50).then_some(choices)
    }

    #[test]
    fn what_begins_alike_goes_at_once() {
        let mut choices = Choices::from_seed(1);
        let parts = (0..50).flat_map(|number| {
            let others = (0..9).map(|_| [1 + choices.below(98), choices.below(1000), 5].to_vec());
            let others: Vec<_> = others.collect();
            others
                .into_iter()
                .chain([vec![99, number, 1 + choices.below(999)]])
        });
        let list = List([vec![]].into_iter().chain(parts).collect());
        // Fewer than there are parts that make no difference, and draws.
        let small = shrink(list, 350, things);
        assert_eq!((small.0.len(), small.choices()), (51, 99), "{small}");
    }

    #[test]
    fn what_is_done_often_is_done_in_one_part() {
        let rows = (0..30).map(|_| vec![1, 3]);
        let list = List([vec![]].into_iter().chain(rows).collect());
        assert_eq!(shrink(list, 10_000, times).choices(), 2);
    }

    #[test]
    fn no_more_runs_are_made_than_may_be() {
        let mut runs = 0;
        let list = shrink(noise(), 20, |list| {
            runs += 1;
            run(list)
        });
        assert_eq!(runs, 20);
        assert!(run(&list).is_some());
    }
}
