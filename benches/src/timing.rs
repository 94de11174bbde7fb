//! Short operations, timed in batches.

use crate::samples::Spread;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one sample takes at least: long against the clock's grain, short against the moments at
/// which something else gets the core.
const SAMPLE: Duration = Duration::from_millis(4);

/// How many samples are taken.
const SAMPLES: usize = 15;

/// Nanoseconds for one `operation`, from samples of many.
pub fn nanoseconds<T>(mut operation: impl FnMut() -> T) -> Spread {
    let mut batch = 1;
    let mut sample = |batch: u32| {
        let begun = Instant::now();
        for _ in 0..batch {
            black_box(operation());
        }
        begun.elapsed()
    };
    // Doubling also warms up caches and branch predictors.
    while sample(batch) < SAMPLE {
        batch *= 2;
    }
    let samples = (0..SAMPLES).map(|_| sample(batch).as_secs_f64() * 1e9 / f64::from(batch));
    Spread::of(samples).unwrap_or(Spread {
        median: f64::NAN,
        least: f64::NAN,
        greatest: f64::NAN,
    })
}

/// A table of nanoseconds: a line for each way, a column for each case.
#[derive(Debug)]
pub struct Times {
    title: &'static str,
    cases: Vec<String>,
    ways: Vec<(String, Vec<Option<Spread>>)>,
}

impl Times {
    /// An empty table.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            cases: Vec::new(),
            ways: Vec::new(),
        }
    }

    /// Times one way of doing one case.
    pub fn time<T>(&mut self, way: &str, case: &str, operation: impl FnMut() -> T) {
        let column = match self.cases.iter().position(|known| known == case) {
            Some(column) => column,
            None => {
                self.cases.push(case.to_owned());
                self.cases.len() - 1
            }
        };
        let line = match self.ways.iter().position(|(known, _)| known == way) {
            Some(line) => line,
            None => {
                self.ways.push((way.to_owned(), Vec::new()));
                self.ways.len() - 1
            }
        };
        let cells = &mut self.ways[line].1;
        cells.resize(column + 1, None);
        cells[column] = Some(nanoseconds(operation));
    }

    /// Prints it as Markdown.
    pub fn print(&self) {
        println!("### {}\n", self.title);
        println!("| ns: median (min–max) | {} |", self.cases.join(" | "));
        println!("|---|{}", "---|".repeat(self.cases.len()));
        for (way, cells) in &self.ways {
            let cells = (0..self.cases.len())
                .map(|column| match cells.get(column) {
                    Some(Some(spread)) => format!(
                        "{} ({}–{})",
                        figures(spread.median),
                        figures(spread.least),
                        figures(spread.greatest)
                    ),
                    _ => String::new(),
                })
                .collect::<Vec<_>>();
            println!("| {way} | {} |", cells.join(" | "));
        }
        println!();
    }
}

/// Nanoseconds as text, with the figures that mean something.
#[must_use]
pub fn figures(value: f64) -> String {
    if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}
