//! What clients cost beside each other: the figures that programs of `client_bench`'s contract print, as tables.

use crate::samples::Spread;
use serde::Deserialize;
use std::fmt::Write;

/// What one program says of one run.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Run {
    /// Answers, or clients.
    pub units: f64,
    /// CPU time of its process, in seconds.
    #[serde(default)]
    pub cpu: f64,
    /// By how many bytes it has grown in memory.
    #[serde(default)]
    pub resident: f64,
}

impl Run {
    /// CPU seconds of a million units.
    #[must_use]
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu / self.units * 1e6
    }

    /// Bytes in memory of one client.
    #[must_use]
    pub fn bytes_each(&self) -> f64 {
        self.resident / self.units
    }
}

/// One client's runs, a round each.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it was told of each round.
    pub runs: Vec<Run>,
}

/// The ratios of a figure within each round.
#[must_use]
pub fn ratio(row: &Row, base: &Row, figure: fn(&Run) -> f64) -> Option<Spread> {
    let rounds = row.runs.iter().zip(&base.runs);
    Spread::of(rounds.map(|(own, other)| figure(own) / figure(other)))
}

/// A table of one figure, whose first row is what the others are compared with.
#[must_use]
pub fn table(rows: &[Row], unit: &str, figure: fn(&Run) -> f64) -> String {
    let mut text = format!("| client | {unit} | ratio |\n|---|---|---|\n");
    let Some(base) = rows.first() else {
        return text;
    };
    for row in rows {
        let value = shown(Spread::of(row.runs.iter().map(figure)));
        let ratio = shown(ratio(row, base, figure));
        // Writing to a string cannot fail.
        writeln!(text, "| {} | {value} | {ratio} |", row.name).ok();
    }
    text
}

/// The median, the least and the greatest.
#[must_use]
pub fn shown(spread: Option<Spread>) -> String {
    let one = |value: f64| match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    };
    spread.map_or_else(
        || "-".to_owned(),
        |it| {
            let (least, greatest) = (one(it.least), one(it.greatest));
            format!("{} ({least}–{greatest})", one(it.median))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cpu: &[f64]) -> Row {
        let run = |cpu: &f64| Run {
            units: 1e6,
            cpu: *cpu,
            resident: 0.0,
        };
        Row {
            name: name.to_owned(),
            runs: cpu.iter().map(run).collect(),
        }
    }

    #[test]
    fn ratios_are_taken_within_each_round() {
        let rows = [row("one", &[2.0, 4.0, 8.0]), row("other", &[1.0, 1.0, 6.0])];
        assert_eq!(
            table(&rows, "CPU", Run::cpu_per_million),
            "| client | CPU | ratio |\n|---|---|---|\n\
             | one | 4.00 (2.00–8.00) | 1.00 (1.00–1.00) |\n\
             | other | 1.00 (1.00–6.00) | 0.50 (0.25–0.75) |\n"
        );
    }

    #[test]
    fn a_program_says_what_it_has_measured() {
        let run: Run = serde_json::from_str(r#"{"units": 20, "resident": 4000}"#).unwrap();
        assert_eq!((run.bytes_each(), run.cpu), (200.0, 0.0));
    }
}
