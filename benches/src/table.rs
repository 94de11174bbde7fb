//! Measurements of several rounds as Markdown.

use crate::measurement::Measurement;
use crate::samples::Spread;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The generator was near its own limit above this share of a core.
const CLIENT_BUSY: f64 = 0.9;

/// Below this share of its core, with the generator idle too, something else ran there.
const SERVER_HELD_UP: f64 = 0.9;

/// One server's rounds under one scenario, in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    /// The server's name.
    pub server: String,
    /// What was measured in each round.
    pub rounds: Vec<Measurement>,
}

/// The table of one scenario whose first row is what the others are compared with.
///
/// Ratios are taken within each round, where both servers had the same machine around them, and
/// only then summed up.
#[must_use]
pub fn throughput(rows: &[Row]) -> String {
    let mut table = String::from(
        "| server | units/s | ratio | CPU s per 1M | ratio | p50 / p99 / p99.9 µs | cores used: server / generator |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let Some(base) = rows.first() else {
        return table;
    };
    for row in rows {
        let line = [
            row.server.clone(),
            spread(row, Measurement::rate, |value| format!("{value:.0}")),
            ratios(row, base, Measurement::rate),
            spread(row, Measurement::cpu_per_million, figures),
            ratios(row, base, Measurement::cpu_per_million),
            [
                median(row, |round| round.p50),
                median(row, |round| round.p99),
                median(row, |round| round.p999),
            ]
            .map(|micros| format!("{micros:.0}"))
            .join(" / "),
            format!(
                "{:.2} / {:.2}",
                median(row, Measurement::server_load),
                median(row, Measurement::client_load)
            ),
        ];
        push(&mut table, &line);
    }
    table
}

/// The table of the scenarios with idle connections.
#[must_use]
pub fn memory(rows: &[Row]) -> String {
    let mut table = String::from(
        "| server | bytes a connection | ratio | CPU µs of each | ratio |\n|---|---|---|---|---|\n",
    );
    let Some(base) = rows.first() else {
        return table;
    };
    let bytes = |round: &Measurement| round.bytes_per_connection().unwrap_or(f64::NAN);
    for row in rows {
        let line = [
            row.server.clone(),
            spread(row, bytes, |value| format!("{value:.0}")),
            ratios(row, base, bytes),
            spread(row, Measurement::cpu_per_million, |value| {
                format!("{value:.0}")
            }),
            ratios(row, base, Measurement::cpu_per_million),
        ];
        push(&mut table, &line);
    }
    table
}

/// What was resident each time that all clients had left, one line for each server.
#[must_use]
pub fn left(rows: &[Row]) -> String {
    let mut lines = String::new();
    for row in rows {
        let Some(memory) = row
            .rounds
            .iter()
            .filter_map(|round| round.memory.as_ref())
            .next_back()
        else {
            continue;
        };
        if memory.left.is_empty() {
            continue;
        }
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let left = memory
            .left
            .iter()
            .map(|bytes| megabytes(*bytes))
            .collect::<Vec<_>>();
        // Writing to a string cannot fail.
        writeln!(
            lines,
            "* {}: {} before anybody came, {} with all of them, {} after they had left",
            row.server,
            megabytes(memory.before),
            megabytes(memory.after),
            left.join(" and ")
        )
        .ok();
    }
    lines
}

/// Where the rounds of one scenario are not to be trusted, one line each.
#[must_use]
pub fn noise(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut held_up = Vec::new();
    for row in rows {
        let client = median(row, Measurement::client_load);
        if client >= CLIENT_BUSY {
            lines.push(format!(
                "{}: the generator used {client:.2} of its core, so units/s is its limit; the CPU columns count",
                row.server
            ));
        }
        let rounds = row.rounds.iter().filter(|round| {
            round.memory.is_none()
                && round.client_load() < CLIENT_BUSY
                && round.server_load() < SERVER_HELD_UP
        });
        match rounds.count() {
            0 => {}
            rounds => held_up.push(format!("{} in {rounds}", row.server)),
        }
        let cpu = Spread::of(row.rounds.iter().map(Measurement::cpu_per_million));
        if let Some(cpu) = cpu
            && cpu.greatest > cpu.least * 1.3
        {
            lines.push(format!(
                "{}: CPU per unit varied by {:.0} % between rounds",
                row.server,
                (cpu.greatest / cpu.least - 1.0) * 100.0
            ));
        }
    }
    if !held_up.is_empty() {
        lines.push(format!(
            "something else ran on the server's core, which had less than {SERVER_HELD_UP} of it while the generator was not the limit, in so many rounds: {}",
            held_up.join("; ")
        ));
    }
    lines
}

fn push(table: &mut String, cells: &[String]) {
    // Writing to a string cannot fail.
    writeln!(table, "| {} |", cells.join(" | ")).ok();
}

fn median(row: &Row, figure: impl Fn(&Measurement) -> f64) -> f64 {
    Spread::of(row.rounds.iter().map(figure)).map_or(f64::NAN, |spread| spread.median)
}

fn spread(row: &Row, figure: impl Fn(&Measurement) -> f64, text: impl Fn(f64) -> String) -> String {
    match Spread::of(row.rounds.iter().map(figure)) {
        Some(spread) => format!(
            "{} ({}–{})",
            text(spread.median),
            text(spread.least),
            text(spread.greatest)
        ),
        None => "–".to_owned(),
    }
}

fn ratios(row: &Row, base: &Row, figure: impl Fn(&Measurement) -> f64) -> String {
    let pairs = row.rounds.iter().zip(&base.rounds);
    match Spread::of(pairs.map(|(ours, theirs)| figure(ours) / figure(theirs))) {
        Some(spread) => format!(
            "{:.2} ({:.2}–{:.2})",
            spread.median, spread.least, spread.greatest
        ),
        None => "–".to_owned(),
    }
}

/// Three significant figures, for values that run from a tenth to a thousand.
fn figures(value: f64) -> String {
    match value {
        ..1.0 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(units: u64, cpu: f64, client_cpu: f64) -> Measurement {
        Measurement {
            scenario: "ack".to_owned(),
            seconds: 1.0,
            units,
            server_user: cpu,
            server_system: 0.0,
            client_cpu,
            p50: 1.0,
            p99: 2.0,
            p999: 3.0,
            memory: None,
        }
    }

    fn row(server: &str, rounds: Vec<Measurement>) -> Row {
        Row {
            server: server.to_owned(),
            rounds,
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was twice as fast in the second round, for both.
        let rows = [
            row("base", vec![round(100, 1.0, 0.1), round(200, 1.0, 0.1)]),
            row("ours", vec![round(300, 1.0, 0.1), round(600, 1.0, 0.1)]),
        ];
        let table = throughput(&rows);
        let ours = table.lines().last().unwrap();
        assert!(ours.contains("| 3.00 (3.00–3.00) |"), "{ours}");
        assert!(ours.contains("| 0.33 (0.33–0.33) |"), "{ours}");
    }

    #[test]
    fn noise_is_named() {
        assert_eq!(noise(&[row("quiet", vec![round(9, 1.0, 0.5)])]), [""; 0]);
        assert!(noise(&[row("a", vec![round(9, 1.0, 0.95)])])[0].contains("generator"));
        assert!(noise(&[row("a", vec![round(9, 0.5, 0.5)])])[0].contains("something else"));
        let uneven = vec![round(9, 1.0, 0.5), round(18, 1.0, 0.5)];
        assert!(noise(&[row("a", uneven)])[0].contains("100 %"));
    }
}
