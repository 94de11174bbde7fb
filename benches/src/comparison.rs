//! Several servers, or one under several conditions, in alternating rounds.

use crate::measurement::Measurement;
use crate::options::Options;
use crate::peers::{self, Built, Peer, peer};
use crate::process::load_average;
use crate::scenario::Scenario;
use crate::table::{self, Row};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// How far apart the sides of a heartbeat round begin, so that their pings do not meet.
const APART: Duration = Duration::from_secs(5);

/// What is compared.
#[derive(Debug)]
pub struct Comparison {
    /// Its name on command lines.
    pub key: String,
    /// What the clients do, and what takes part. The others are compared with the first.
    pub sides: Vec<Side>,
}

/// One that takes part.
#[derive(Debug)]
pub struct Side {
    peer: &'static Peer,
    name: String,
    scenario: String,
    /// Further options of `load`.
    options: Vec<String>,
    pinned: bool,
}

/// What a comparison found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Found {
    /// The comparison's.
    pub key: String,
    /// What the clients do.
    pub title: String,
    /// In the order of the sides.
    pub rows: Vec<Row>,
    /// Of the machine before and after.
    pub load: Option<(f64, f64)>,
}

/// How thoroughly.
#[derive(Debug)]
pub struct Effort {
    /// How often each side is measured.
    pub rounds: usize,
    /// Options of `load` for all.
    pub options: Vec<String>,
}

impl Effort {
    /// What the command line says.
    pub fn from_options(options: &mut Options, rounds: usize) -> Result<Self, String> {
        let rounds = options.take("rounds")?.unwrap_or(rounds);
        let mut load = Vec::new();
        for name in [
            "seconds",
            "warmup",
            "connections",
            "bystanders",
            "in-flight",
            "spin",
        ] {
            if let Some(value) = options.take::<String>(name)? {
                load.extend([format!("--{name}"), value]);
            }
        }
        Ok(Self {
            rounds,
            options: load,
        })
    }
}

impl Side {
    /// The server with this key under a scenario, on a core of its own.
    pub fn new(key: &str, scenario: &str) -> Result<Self, String> {
        let peer = peer(key)?;
        scenario.parse::<Scenario>()?;
        Ok(Self {
            peer,
            name: peer.name.to_owned(),
            scenario: scenario.to_owned(),
            options: Vec::new(),
            pinned: true,
        })
    }

    /// With an option of `load`, and a name that says so.
    #[must_use]
    pub fn with(mut self, option: &str, value: usize, name: &str) -> Self {
        self.options
            .extend([format!("--{option}"), value.to_string()]);
        self.name = format!("{}, {name}", self.name);
        self
    }

    /// On all cores, with the generator.
    #[must_use]
    pub fn unpinned(mut self) -> Self {
        self.pinned = false;
        self
    }

    /// The generator on core 1, the server on core 0, unless they share all there are.
    fn measure(
        &self,
        load: &PathBuf,
        command: &[String],
        effort: &Effort,
    ) -> Result<Measurement, String> {
        let mut words = Command::new("taskset");
        words.args(["-c", if self.pinned { "1" } else { "0,1" }]);
        words.arg(load);
        words.args(["--scenario", &self.scenario, "--json", "true"]);
        words.args(["--server-core", if self.pinned { "0" } else { "0,1" }]);
        let output = words
            .args(&effort.options)
            .args(&self.options)
            .arg("--")
            .args(command)
            .envs(self.peer.environment.iter().copied())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("taskset: {error}"))?;
        serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("no measurement of {} under {}", self.name, self.scenario))
    }
}

impl Comparison {
    /// Servers under one scenario.
    pub fn of(scenario: &str, keys: &[&str]) -> Result<Self, String> {
        let sides = keys.iter().map(|key| Side::new(key, scenario));
        Ok(Self {
            key: scenario.to_owned(),
            sides: sides.collect::<Result<_, _>>()?,
        })
    }

    /// Builds what is needed and measures.
    pub fn measure(&self, built: &mut Built, effort: &Effort) -> Result<Found, String> {
        let load = peers::build(&peers::root(), &["--bin", "load"])?;
        let commands = self
            .sides
            .iter()
            .map(|side| built.command(side.peer))
            .collect::<Result<Vec<_>, _>>()?;
        let scenario = self
            .sides
            .first()
            .ok_or("nothing to compare")?
            .scenario
            .parse::<Scenario>()?;
        let mut rows = self
            .sides
            .iter()
            .map(|side| Row {
                server: side.name.clone(),
                rounds: Vec::new(),
            })
            .collect::<Vec<_>>();
        let before = load_average();
        for round in 0..effort.rounds {
            let mut order = (0..self.sides.len()).collect::<Vec<_>>();
            // There and back, so that no server always has the same neighbour before it.
            if round % 2 == 1 {
                order.reverse();
            }
            let once = |index: usize| {
                let (side, command): (&Side, &Vec<String>) = (&self.sides[index], &commands[index]);
                let (key, name, rounds) = (&self.key, &side.name, effort.rounds);
                eprintln!("{key}, round {} of {rounds}: {name}", round + 1);
                // Once more if it fails: one lost measurement in a hundred is no finding.
                side.measure(&load, command, effort).or_else(|error| {
                    eprintln!("{error}; once more");
                    side.measure(&load, command, effort)
                })
            };
            let measured = if scenario == Scenario::Heartbeat {
                staggered(&order, once)
            } else {
                order.iter().map(|index| once(*index)).collect()
            };
            for (index, measurement) in order.iter().zip(measured) {
                rows[*index].rounds.push(measurement?);
            }
        }
        Ok(Found {
            key: self.key.clone(),
            title: scenario.to_string(),
            rows,
            load: before.zip(load_average()),
        })
    }
}

/// A heartbeat takes 25 s of waiting, and nothing else: all sides at once, some seconds apart.
fn staggered(
    order: &[usize],
    once: impl Fn(usize) -> Result<Measurement, String> + Sync,
) -> Vec<Result<Measurement, String>> {
    let once = &once;
    thread::scope(|scope| {
        let sides = (0..).zip(order).map(|(place, index)| {
            scope.spawn(move || {
                thread::sleep(APART * place);
                once(*index)
            })
        });
        let sides = sides.collect::<Vec<_>>();
        let join = |side: thread::ScopedJoinHandle<'_, _>| {
            side.join()
                .unwrap_or_else(|_| Err("a measurement panicked".to_owned()))
        };
        sides.into_iter().map(join).collect()
    })
}

impl Found {
    /// As Markdown, under a title: the table, and where it is not to be trusted.
    #[must_use]
    pub fn markdown(&self, title: &str) -> String {
        let remembers = self
            .rows
            .iter()
            .any(|row| row.rounds.iter().any(|round| round.memory.is_some()));
        let mut text = format!("### {title}\n\n");
        if remembers {
            text += &table::memory(&self.rows);
        } else {
            text += &table::throughput(&self.rows);
        }
        text.push('\n');
        text += &table::left(&self.rows);
        for line in table::noise(&self.rows) {
            text += &format!("* noisy: {line}\n");
        }
        if let Some((before, after)) = self.load {
            text += &format!("* load average before and after: {before:.2}, {after:.2}\n");
        }
        text
    }
}
