//! Measures everything that `RESULTS.md` shows and writes it, with its plot.
//!
//! `cargo run --release -p sio-benches --bin results` takes a quarter of an hour and a machine that
//! does nothing else. `--record FILE` keeps what was measured, and `--from FILE` writes the documents
//! from it again without measuring.

use serde::{Deserialize, Serialize};
use sio_benches::bars::{self, Bar, Rounds};
use sio_benches::comparison::{Comparison, Effort, Found, Side};
use sio_benches::instructions;
use sio_benches::measurement::Measurement;
use sio_benches::options::Options;
use sio_benches::peers::{Built, root};
use sio_benches::plot::{self, Group, Series};
use sio_benches::section::{section, with_section};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Everything that was measured, and where.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    date: String,
    commit: String,
    machine: String,
    versions: Vec<String>,
    command: String,
    found: Vec<Found>,
    /// Comparisons that could not be made, and why.
    failed: Vec<String>,
    codec: String,
    machine_bench: String,
}

/// What the groups of the plot are called, by their comparison.
const PLOTTED: [(&str, &str); 8] = [
    ("ack", "echo with ack, 16 in flight"),
    ("ack-w1", "echo with ack, one in flight"),
    ("binary", "echo of 4 KiB binary"),
    ("cast", "broadcast to 1 000"),
    ("cast-b32", "32 broadcasts to 1 000"),
    ("polling", "echo over polling"),
    ("churn", "connect, join, disconnect"),
    ("heartbeat", "heartbeat of an idle client"),
];

/// The plot's series, by the names of the sides.
const SERIES: [(&str, Series); 5] = [
    (
        "sio-tokio, 1 thread",
        Series {
            name: "sio-tokio",
            colour: "#d1495b",
        },
    ),
    (
        "sio-smol, 1 thread",
        Series {
            name: "sio-smol",
            colour: "#edae49",
        },
    ),
    (
        "Node socket.io, ws",
        Series {
            name: "Node's socket.io",
            colour: "#30638e",
        },
    ),
    (
        "floor: tungstenite",
        Series {
            name: "floor: no protocol",
            colour: "#b8bfc6",
        },
    ),
    (
        "floor: hyper",
        Series {
            name: "",
            colour: "#b8bfc6",
        },
    ),
];

fn main() -> ExitCode {
    match results() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("results: {error}");
            ExitCode::FAILURE
        }
    }
}

fn results() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let from = options.take::<PathBuf>("from")?;
    let record = options.take::<PathBuf>("record")?;
    let record = record.unwrap_or_else(|| std::env::temp_dir().join("sio-results.json"));
    let only = options.take::<String>("only")?;
    let effort = Effort::from_options(&mut options, 5)?;
    if !options.command()?.is_empty() {
        return Err("it knows what to measure".to_owned());
    }
    let measured = match from {
        Some(file) => {
            let text = std::fs::read(&file).map_err(|error| failed(&file, &error))?;
            serde_json::from_slice(&text).map_err(|error| error.to_string())?
        }
        None => {
            let measured = measure(&effort, only.as_deref(), &record)?;
            eprintln!("what was measured is in {}", record.display());
            measured
        }
    };
    let write = |name: &str, text: String| {
        let file = root().join(name);
        std::fs::write(&file, text).map_err(|error| failed(&file, &error))
    };
    write("results.svg", picture(&measured.found))?;
    let text = document(&measured)?;
    // What other programs have written there.
    let before = std::fs::read_to_string(root().join("RESULTS.md")).unwrap_or_default();
    let text = ["clients", "nodes"]
        .iter()
        .fold(text, |text, name| match section(&before, name) {
            Some(section) => with_section(&text, name, section),
            None => text,
        });
    write("RESULTS.md", text)
}

fn failed(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}

fn comparisons() -> Result<Vec<Comparison>, String> {
    let all = [
        "socketioxide",
        "socketioxide-best",
        "node",
        "smol-1",
        "sio-1",
    ];
    let beside = |floor| [all.as_slice(), &[floor]].concat();
    let growth = |key: &str, sides: Vec<Side>| Comparison {
        key: key.to_owned(),
        sides,
    };
    let members = |server, scenario, count, name| {
        Side::new(server, scenario).map(|side| side.with("connections", count, name))
    };
    // The bar is about the first two; the floor says what the kernel makes of more sockets.
    let room = |scenario| {
        Ok::<_, String>(vec![
            members("sio-1", scenario, 1_000, "room of 1 000")?,
            members("sio-1", scenario, 10_000, "room of 10 000")?,
            members("floor", scenario, 1_000, "room of 1 000")?,
            members("floor", scenario, 10_000, "room of 10 000")?,
        ])
    };
    Ok(vec![
        Comparison::of("ack", &beside("floor"))?,
        Comparison::of("ack-w1", &beside("floor"))?,
        Comparison::of("binary", &beside("floor"))?,
        Comparison::of("cast", &beside("floor"))?,
        Comparison::of("cast-b32", &beside("floor"))?,
        Comparison::of("polling", &beside("floor-polling"))?,
        Comparison::of("churn", &beside("floor"))?,
        Comparison::of("heartbeat", &beside("floor"))?,
        Comparison::of("return", &["socketioxide-best", "smol-1", "sio-1"])?,
        growth("room", room("cast")?),
        growth("room-b32", room("cast-b32")?),
        growth(
            "bystanders",
            vec![
                Side::new("sio-1", "ack")?.with("bystanders", 0, "nobody else"),
                Side::new("sio-1", "ack")?.with("bystanders", 10_000, "10 000 others"),
            ],
        ),
        growth(
            "threads",
            vec![
                Side::new("sio-1", "ack")?.unpinned(),
                Side::new("sio-2", "ack")?.unpinned(),
            ],
        ),
    ])
}

/// Measures, and keeps what it has after each comparison. One that fails is left out and named.
fn measure(effort: &Effort, only: Option<&str>, keep: &Path) -> Result<Record, String> {
    let mut built = Built::default();
    let mut record = Record {
        date: said(Command::new("date").args(["-u", "+%Y-%m-%d"]))?,
        commit: commit()?,
        machine: machine()?,
        versions: versions()?,
        command: std::iter::once("cargo run --release -p sio-benches --bin results --".to_owned())
            .chain(std::env::args().skip(1))
            .collect::<Vec<_>>()
            .join(" "),
        found: Vec::new(),
        failed: Vec::new(),
        codec: String::new(),
        machine_bench: String::new(),
    };
    let save = |record: &Record| {
        let text = serde_json::to_vec(record).map_err(|error| error.to_string())?;
        std::fs::write(keep, text).map_err(|error| failed(keep, &error))
    };
    let chosen = |key: &str| only.is_none_or(|only| only.split(',').any(|chosen| chosen == key));
    for comparison in comparisons()? {
        if !chosen(&comparison.key) {
            continue;
        }
        // These take long and hardly vary.
        let rounds = match comparison.key.as_str() {
            "heartbeat" => 3,
            "return" => 2,
            _ => effort.rounds,
        };
        let effort = Effort {
            rounds: rounds.min(effort.rounds),
            options: effort.options.clone(),
        };
        match comparison.measure(&mut built, &effort) {
            Ok(found) => record.found.push(found),
            Err(error) => record.failed.push(format!("{}: {error}", comparison.key)),
        }
        save(&record)?;
    }
    let bench = |name: &str| {
        if !chosen(name) {
            return Ok(String::new());
        }
        let mut command = Command::new("taskset");
        command.args(["-c", "1", env!("CARGO"), "bench", "--quiet"]);
        said(command.args(["-p", "sio-benches", "--bench", name]))
    };
    record.codec = bench("codec")?;
    record.machine_bench = bench("machine")?;
    save(&record)?;
    Ok(record)
}

/// What a command prints.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command
        .current_dir(root())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} failed"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn commit() -> Result<String, String> {
    let commit = said(Command::new("git").args(["rev-parse", "--short=10", "HEAD"]))?;
    // The documents that this writes may differ.
    let changed = said(Command::new("git").args([
        "status",
        "--porcelain",
        "--",
        ":/",
        ":!RESULTS.md",
        ":!results.svg",
    ]))?;
    Ok(if changed.is_empty() {
        commit
    } else {
        format!("{commit} with changes")
    })
}

fn machine() -> Result<String, String> {
    let read = |file: &str| std::fs::read_to_string(file).map_err(|error| error.to_string());
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let cpus = read("/proc/cpuinfo")?;
    let cores = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let memory = field(&read("/proc/meminfo")?, "MemTotal").unwrap_or_else(unknown);
    let kernel = said(Command::new("uname").args(["-sr"]))?;
    let cpu = field(&cpus, "model name").unwrap_or_else(unknown);
    Ok(format!(
        "{cores} cores of {cpu}, {memory} of memory, {kernel}"
    ))
}

fn versions() -> Result<Vec<String>, String> {
    let root = root();
    let lock = |file: &str, crates: &[&str]| {
        let file = root.join(file);
        let text = std::fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
        let version = |name: &&str| {
            let (_, rest) = text.split_once(&format!("name = \"{name}\"\nversion = \""))?;
            Some(format!("{name} {}", rest.split('"').next()?))
        };
        Ok::<_, String>(
            crates
                .iter()
                .filter_map(version)
                .collect::<Vec<_>>()
                .join(", "),
        )
    };
    let file = root.join("peers/node/package-lock.json");
    let text = std::fs::read(&file).map_err(|error| failed(&file, &error))?;
    let node =
        serde_json::from_slice::<serde_json::Value>(&text).map_err(|error| error.to_string())?;
    let node = ["socket.io", "engine.io", "ws"].map(|name| {
        let version = node["packages"][format!("node_modules/{name}")]["version"].as_str();
        format!("{name} {}", version.unwrap_or("unknown"))
    });
    let crates = ["tokio", "hyper", "async-io"];
    let peers = [
        "socketioxide",
        "engineioxide",
        "axum",
        "hyper",
        "tokio",
        "tungstenite",
    ];
    let floors = ["tokio", "hyper", "tungstenite"];
    let rust = said(Command::new("rustc").arg("--version"))?;
    let runtime = said(Command::new("node").arg("--version"))?;
    Ok(vec![
        format!(
            "{rust}; all of Rust with `lto = \"fat\"` and `codegen-units = 1`, glibc's allocator"
        ),
        format!("sio: {}", lock("../Cargo.lock", &crates)?),
        format!(
            "socketioxide: {}",
            lock("peers/socketioxide/Cargo.lock", &peers)?
        ),
        format!("floors: {}", lock("peers/floor/Cargo.lock", &floors)?),
        format!("Node {runtime}: {}", node.join(", ")),
    ])
}

fn picture(found: &[Found]) -> String {
    let value = |key: &str, name: &str, figure: fn(&Measurement) -> f64| {
        let rounds = Rounds::of(found, key)?;
        Some(rounds.ratio(name, rounds.better()?, figure)?.median)
    };
    let values = |key: &str, figure: fn(&Measurement) -> f64| {
        let mut values = SERIES
            .iter()
            .map(|(name, _)| value(key, name, figure))
            .collect::<Vec<_>>();
        // One floor or the other.
        let last = values.pop().flatten();
        if let Some(floor) = values.last_mut() {
            *floor = floor.or(last);
        }
        values
    };
    let mut groups = PLOTTED
        .iter()
        .map(|(key, label)| Group {
            label: (*label).to_owned(),
            values: values(key, Measurement::cpu_per_million),
        })
        .collect::<Vec<_>>();
    groups.push(Group {
        label: "memory of an idle client".to_owned(),
        values: values("heartbeat", |round| {
            round.bytes_per_connection().unwrap_or(f64::NAN)
        }),
    });
    let series = SERIES[..SERIES.len() - 1]
        .iter()
        .map(|(_, series)| *series)
        .collect::<Vec<_>>();
    plot::svg(
        "Server CPU for each message, and memory: shorter is better",
        "1.0 = socketioxide, whichever of its two configurations takes less CPU",
        &series,
        &groups,
    )
}

fn document(record: &Record) -> Result<String, String> {
    let file = root().join("instructions.txt");
    let counts = std::fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
    let counts = instructions::read(&counts);
    // The generator takes one.
    let spare = record
        .machine
        .split(' ')
        .next()
        .and_then(|cores| cores.parse::<usize>().ok());
    let spare = spare.is_some_and(|cores| cores > 2);
    let bars = bars::all(&record.found, codec_ratio(&record.codec), &counts, spare);
    let mut text = String::new();
    let mut line = |words: &str| {
        // Writing to a string cannot fail.
        writeln!(text, "{words}").ok();
    };
    line("# Results\n");
    line(
        "Written by `cargo run --release -p sio-benches --bin results`. One run on one machine: ratios mean",
    );
    line(
        "something, the rest is where they come from. [`README.md`](README.md) says how to read it.\n",
    );
    line("![Server CPU for each message, and memory](results.svg)\n");
    line("## Where, when, what\n");
    line(&format!("* {}, commit `{}`", record.date, record.commit));
    line(&format!(
        "* {}; loopback, server on core 0, generator on core 1",
        record.machine
    ));
    for version in &record.versions {
        line(&format!("* {version}"));
    }
    line(&format!("* `{}`\n", record.command));
    line("## Against the bars\n");
    line(
        "Medians of the ratios within each round, the least and the greatest behind them. *socketioxide's better",
    );
    line("configuration* is the one that took less CPU in that scenario.\n");
    line("| | bar | measured | |\n|---|---|---|---|");
    for Bar {
        what,
        bar,
        value,
        met,
    } in &bars
    {
        let met = match met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not shown",
        };
        line(&format!("| {what} | {bar} | {value} | {met} |"));
    }
    line("\n[`FINDINGS.md`](FINDINGS.md) says what the missed ones are made of.");
    line("\n## Beside others, over real sockets\n");
    for found in &record.found {
        let title = match found.key.as_str() {
            "room" => "growth: members of a room",
            "room-b32" => "growth: members of a room, bursts of 32",
            "bystanders" => "growth: sockets that do nothing, ack, 16 in flight",
            "threads" => "growth: threads, on both cores with the generator, ack, 16 in flight",
            _ => &found.title,
        };
        line(&found.markdown(title));
    }
    for failed in &record.failed {
        line(&format!("* not measured: {failed}\n"));
    }
    line("## Codecs\n");
    line(&format!("{}\n", record.codec));
    line("## Machine\n");
    line(&record.machine_bench);
    line("\n### Instructions\n");
    line("The baseline that CI checks (`tests/instructions.rs`).\n");
    line("| | instructions |\n|---|---|");
    for (name, count) in &counts {
        line(&format!("| {name} | {count:.0} |"));
    }
    Ok(text)
}

/// The line that the codec bench prints for its bar.
fn codec_ratio(printed: &str) -> Option<f64> {
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("| ratio | "))?;
    line.split(' ').next()?.parse().ok()
}
