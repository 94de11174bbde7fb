//! What the figures should be, and whether they are.

use crate::comparison::Found;
use crate::measurement::Measurement;
use crate::samples::Spread;
use crate::table::Row;
use std::collections::BTreeMap;

/// The names of the sides in tables, as `peers` has them.
const DEFAULT: &str = "socketioxide, default";
const BEST: &str = "socketioxide, TCP_NODELAY, current-thread";
const OURS: &str = "sio-tokio, 1 thread";
const SMOL: &str = "sio-smol, 1 thread";
const FLOOR: &str = "floor: tungstenite";

/// One line of the table that is to be met.
#[derive(Debug)]
pub struct Bar {
    /// What is measured.
    pub what: String,
    /// The condition in words.
    pub bar: String,
    /// What came out.
    pub value: String,
    /// Whether it holds. `None`: it was not measured.
    pub met: Option<bool>,
}

/// A comparison's rounds by the names of its sides.
#[derive(Debug, Clone, Copy)]
pub struct Rounds<'a>(&'a [Row]);

impl<'a> Rounds<'a> {
    /// Of the comparison with this key, if it was measured.
    #[must_use]
    pub fn of(found: &'a [Found], key: &str) -> Option<Self> {
        let found = found.iter().find(|found| found.key == key)?;
        Some(Self(&found.rows))
    }

    fn row(self, name: &str) -> Option<&'a Row> {
        self.0.iter().find(|row| row.server == name)
    }

    /// The median of one side's figure.
    pub fn median(self, name: &str, figure: impl Fn(&Measurement) -> f64) -> Option<f64> {
        let rounds = &self.row(name)?.rounds;
        Some(Spread::of(rounds.iter().map(figure))?.median)
    }

    /// One side's figure against another's, round by round.
    pub fn ratio(
        self,
        name: &str,
        base: &str,
        figure: impl Fn(&Measurement) -> f64,
    ) -> Option<Spread> {
        let pairs = self.row(name)?.rounds.iter().zip(&self.row(base)?.rounds);
        Spread::of(pairs.map(|(ours, theirs)| figure(ours) / figure(theirs)))
    }

    /// The peer's configuration that takes less CPU here.
    #[must_use]
    pub fn better(self) -> Option<&'static str> {
        let cpu = |name| self.median(name, Measurement::cpu_per_million);
        let (default, best) = (cpu(DEFAULT), cpu(BEST)?);
        Some(match default {
            Some(default) if default < best => DEFAULT,
            _ => BEST,
        })
    }
}

/// The bars of issue 4 and the one of issue 3, in their order. `codec` is the ratio that the codec
/// bench printed, `instructions` what `instructions.txt` says. `spare`: two threads and the generator
/// had a core each.
#[must_use]
pub fn all(
    found: &[Found],
    codec: Option<f64>,
    instructions: &BTreeMap<String, f64>,
    spare: bool,
) -> Vec<Bar> {
    let cpu = Measurement::cpu_per_million;
    let bytes = |round: &Measurement| round.bytes_per_connection().unwrap_or(f64::NAN);
    let rounds = |key: &str| Rounds::of(found, key);
    let against_better = |key: &str, name: &str| {
        let rounds = rounds(key)?;
        rounds.ratio(name, rounds.better()?, cpu)
    };
    let mut bars = vec![
        most(
            "echo with ack, 100 connections, 16 in flight, 64 B: CPU",
            "of socketioxide's better configuration",
            0.45,
            against_better("ack", OURS),
        ),
        least(
            "the same: throughput",
            "of socketioxide's default",
            3.0,
            rounds("ack").and_then(|ack| ack.ratio(OURS, DEFAULT, Measurement::rate)),
        ),
        most(
            "the same: p99",
            "of socketioxide's better configuration",
            1.0,
            rounds("ack").and_then(|ack| ack.ratio(OURS, ack.better()?, |round| round.p99)),
        ),
        most(
            "the same, one in flight: CPU",
            "of the tungstenite floor",
            1.15,
            rounds("ack-w1").and_then(|ack| ack.ratio(OURS, FLOOR, cpu)),
        ),
    ];
    for (key, what, bar) in [
        ("binary", "echo of 4 KiB binary, 16 in flight: CPU", 0.45),
        ("cast", "broadcast of one 64 B message to 1 000: CPU", 0.70),
        ("cast-b32", "broadcasts in bursts of 32 to 1 000: CPU", 0.50),
        ("polling", "polling echo, one in flight: CPU", 0.75),
        ("churn", "connect, join `/`, disconnect: CPU", 0.80),
    ] {
        let better = "of socketioxide's better configuration";
        bars.push(most(what, better, bar, against_better(key, OURS)));
    }
    let idle = rounds("heartbeat").and_then(|idle| idle.median(OURS, bytes));
    bars.push(Bar {
        what: "resident bytes per idle connection (10 000, heartbeats running)".to_owned(),
        bar: "≤ 4 096".to_owned(),
        value: idle.map_or("–".to_owned(), |idle| format!("{idle:.0}")),
        met: idle.map(|idle| idle <= 4096.0),
    });
    bars.push(most(
        "one heartbeat round of 10 000 idle connections: CPU",
        "of socketioxide's better configuration",
        0.60,
        against_better("heartbeat", OURS),
    ));
    bars.push(most(
        "decode an event with ack and 64 B into the handler's struct, encode the ack: time",
        "of the peer's parser to its value type",
        0.40,
        codec.map(exactly),
    ));
    bars.extend(growth(found, instructions, spare));
    let smol = rounds("ack").and_then(|ack| ack.ratio(SMOL, OURS, cpu));
    bars.push(most(
        "smol, echo with ack, 16 in flight: CPU",
        "of tokio's",
        1.15,
        smol,
    ));
    let smol = rounds("heartbeat").and_then(|idle| idle.ratio(SMOL, OURS, bytes));
    bars.push(most(
        "smol, bytes per idle connection",
        "of tokio's",
        1.15,
        smol,
    ));
    bars
}

/// What must not grow with anything.
fn growth(found: &[Found], instructions: &BTreeMap<String, f64>, spare: bool) -> Vec<Bar> {
    let cpu = Measurement::cpu_per_million;
    let second = |key: &str, figure: fn(&Measurement) -> f64| {
        let rounds = Rounds::of(found, key)?;
        let ([first, second], rounds) = (rounds.0.first_chunk()?, rounds);
        rounds.ratio(&second.server, &first.server, figure)
    };
    let counted = |many: &str, few: &str| {
        let ratio = instructions.get(many)? / instructions.get(few)?;
        Some(exactly(ratio))
    };
    let mut throughput = least(
        "two threads, echo with ack: throughput",
        "of one thread, if the generator leaves them two cores",
        1.0,
        second("threads", Measurement::rate),
    );
    throughput.met = throughput.met.filter(|_| spare);
    vec![
        most(
            "room of 10 000: CPU per delivery",
            "of a room of 1 000",
            1.15,
            second("room", cpu),
        ),
        most(
            "room of 10 000, bursts of 32: CPU per delivery",
            "of a room of 1 000",
            1.15,
            second("room-b32", cpu),
        ),
        most(
            "echo beside 10 000 other sockets: CPU",
            "of the same without them",
            1.15,
            second("bystanders", cpu),
        ),
        most(
            "join and leave among 10 000 members: instructions",
            "of those among 100",
            1.05,
            counted(
                "join and leave: among 10 000 members",
                "join and leave: among 100 members",
            ),
        ),
        most(
            "finding a room of 10 among 1 000 rooms: instructions",
            "of those among 10",
            1.05,
            counted(
                "select: a room of 10 among 10 000 sockets",
                "select: a room of 10 among 100 sockets",
            ),
        ),
        most(
            "echo on a connection in 64 namespaces: instructions",
            "of those in one",
            1.15,
            counted(
                "turn: the same, in 64 namespaces",
                "turn: event in, ack out",
            ),
        ),
        most(
            "echo with 10 000 acks pending: instructions",
            "of those with 10",
            1.05,
            counted(
                "turn: the same, 10 000 acks pending",
                "turn: the same, 10 acks pending",
            ),
        ),
        most(
            "question and answer with 10 000 acks pending: instructions",
            "of those with 10",
            1.05,
            counted(
                "turn: question and answer, 10 000 acks pending",
                "turn: question and answer, 10 acks pending",
            ),
        ),
        most(
            "two threads, echo with ack: CPU",
            "of one thread",
            1.15,
            second("threads", cpu),
        ),
        throughput,
        most(
            "resident after 10 000 clients left a second time",
            "of after the first time",
            1.10,
            left_again(found),
        ),
    ]
}

/// What is resident after the second visit, against after the first.
fn left_again(found: &[Found]) -> Option<Spread> {
    let rows = &found.iter().find(|found| found.key == "return")?.rows;
    let rounds = &rows.iter().find(|row| row.server == OURS)?.rounds;
    Spread::of(rounds.iter().filter_map(|round| {
        let left = &round.memory.as_ref()?.left;
        Some(*left.get(1)? as f64 / *left.first()? as f64)
    }))
}

fn exactly(ratio: f64) -> Spread {
    Spread {
        median: ratio,
        least: ratio,
        greatest: ratio,
    }
}

fn most(what: &str, of: &str, bar: f64, ratio: Option<Spread>) -> Bar {
    let met = ratio.map(|ratio| ratio.median <= bar);
    bar_of(what, format!("≤ {bar:.2} {of}"), ratio, met)
}

fn least(what: &str, of: &str, bar: f64, ratio: Option<Spread>) -> Bar {
    let met = ratio.map(|ratio| ratio.median >= bar);
    bar_of(what, format!("≥ {bar:.2} {of}"), ratio, met)
}

fn bar_of(what: &str, bar: String, ratio: Option<Spread>, met: Option<bool>) -> Bar {
    let value = ratio.map_or("–".to_owned(), |ratio| {
        if ratio.least.to_bits() == ratio.greatest.to_bits() {
            format!("{:.2}", ratio.median)
        } else {
            format!(
                "{:.2} ({:.2}–{:.2})",
                ratio.median, ratio.least, ratio.greatest
            )
        }
    });
    Bar {
        what: what.to_owned(),
        bar,
        value,
        met,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::Measurement;

    fn row(server: &str, cpu: f64) -> Row {
        let round = Measurement {
            scenario: "ack".to_owned(),
            seconds: 1.0,
            units: 1_000_000,
            server_user: cpu,
            server_system: 0.0,
            client_cpu: 0.5,
            p50: 1.0,
            p99: 2.0,
            p999: 3.0,
            memory: None,
        };
        Row {
            server: server.to_owned(),
            rounds: vec![round],
        }
    }

    #[test]
    fn a_bar_is_held_against_the_better_configuration() {
        for (default, best, met) in [(4.0, 2.0, true), (1.0, 2.0, false)] {
            let found = [Found {
                key: "ack".to_owned(),
                title: String::new(),
                rows: vec![row(DEFAULT, default), row(BEST, best), row(OURS, 0.8)],
                load: None,
            }];
            let bars = all(&found, None, &BTreeMap::new(), true);
            assert_eq!(bars[0].met, Some(met), "{bars:?}");
        }
    }

    #[test]
    fn what_was_not_measured_is_not_met_and_not_missed() {
        let bars = all(&[], None, &BTreeMap::new(), true);
        assert!(bars.iter().all(|bar| bar.met.is_none() && bar.value == "–"));
    }

    #[test]
    fn the_names_are_those_of_the_servers() {
        for name in [DEFAULT, BEST, OURS, SMOL, FLOOR] {
            assert!(crate::peers::PEERS.iter().any(|peer| peer.name == name));
        }
    }
}
