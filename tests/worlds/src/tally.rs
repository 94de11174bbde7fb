//! What has come of many worlds, added up.

use std::collections::BTreeMap;

use crate::kinds::{Kind, Played};
use crate::matrix::Cells;

/// What has come of worlds of one kind.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many were played.
    pub worlds: u64,
    /// How many of them twice.
    pub twice: u64,
    /// Inputs to machines, and what was done.
    pub steps: u64,
    /// Messages that came to where they were meant to.
    pub events: u64,
    /// Where they have been.
    pub cells: Cells,
    /// In how many worlds each mark was reached.
    marks: BTreeMap<&'static str, u64>,
    /// In how many worlds each fault was switched on, and in how many of them it did something.
    faults: BTreeMap<String, (u64, u64)>,
}

impl Tally {
    /// One more was played.
    pub fn add(&mut self, played: &Played) {
        self.worlds += 1;
        self.twice += u64::from(played.is_played_twice());
        self.steps += played.steps;
        self.events += played.events;
        self.cells = self.cells.and(played.cells);
        for mark in &played.marks {
            *self.marks.entry(mark).or_default() += 1;
        }
        for (fault, did) in &played.faults {
            let of = match self.faults.get_mut(fault) {
                Some(of) => of,
                None => self.faults.entry(fault.clone()).or_default(),
            };
            *of = (of.0 + 1, of.1 + u64::from(*did));
        }
    }

    /// What none of them has reached: marks, and faults that have done nothing.
    pub fn unreached(&self, kind: Kind) -> Vec<String> {
        let marks = kind.marks().iter();
        let marks = marks.filter(|mark| !self.marks.contains_key(*mark));
        let faults = kind.faults().into_iter();
        let faults = faults.filter(|fault| self.faults.get(fault).is_none_or(|it| it.1 == 0));
        marks.map(|it| (*it).to_owned()).chain(faults).collect()
    }

    /// How many, in a line.
    pub fn sum(&self) -> String {
        format!(
            "{} worlds ({} of them twice), {} steps, {} events",
            grouped(self.worlds),
            grouped(self.twice),
            grouped(self.steps),
            grouped(self.events),
        )
    }

    /// In how many worlds each fault was switched on, and in how many of these it did something.
    pub fn faults(&self, kind: Kind) -> String {
        let all = kind.faults().into_iter().map(|fault| {
            let (on, did) = self.faults.get(&fault).copied().unwrap_or_default();
            format!("{fault} {}/{}", grouped(did), grouped(on))
        });
        all.collect::<Vec<_>>().join(" · ")
    }

    /// In how many worlds each mark was reached.
    pub fn marks(&self, kind: Kind) -> String {
        let all = kind.marks().iter().map(|mark| {
            let times = self.marks.get(mark).copied().unwrap_or_default();
            format!("{mark} {}", grouped(times))
        });
        all.collect::<Vec<_>>().join(" · ")
    }
}

/// A number, by thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
