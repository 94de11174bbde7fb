//! Compares the `bench` server with its peers in alternating rounds, as Markdown on stdout.
//!
//! Builds every server first. What it is doing goes to stderr. `benches/README.md` has the options
//! and how to read the tables.

use sio_benches::measurement::Measurement;
use sio_benches::options::Options;
use sio_benches::process::load_average;
use sio_benches::scenario::Scenario;
use sio_benches::table::{self, Row};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A server that can be compared: its name on the command line and in the table.
struct Server {
    key: &'static str,
    name: &'static str,
    build: Build,
    environment: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy)]
enum Build {
    Ours,
    Socketioxide,
    Node,
}

/// The first one that takes part is the one the others are compared with.
const SERVERS: [Server; 5] = [
    Server {
        key: "socketioxide",
        name: "socketioxide",
        build: Build::Socketioxide,
        environment: &[],
    },
    Server {
        key: "socketioxide-best",
        name: "socketioxide, nodelay, current-thread",
        build: Build::Socketioxide,
        environment: &[("NODELAY", "1"), ("THREADS", "1")],
    },
    Server {
        key: "node",
        name: "Node socket.io, ws",
        build: Build::Node,
        environment: &[],
    },
    Server {
        key: "sio",
        name: "sio, default",
        build: Build::Ours,
        environment: &[],
    },
    Server {
        key: "sio-1",
        name: "sio, current-thread",
        build: Build::Ours,
        environment: &[("THREADS", "1")],
    },
];

/// What takes part if nobody says otherwise.
const DEFAULT: &str = "socketioxide,socketioxide-best,sio-1";

struct Settings {
    scenarios: Vec<String>,
    rounds: usize,
    load: Vec<String>,
}

fn main() -> ExitCode {
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let servers = list(
        options
            .take("servers")?
            .unwrap_or_else(|| DEFAULT.to_owned()),
    );
    let scenarios = list(
        options
            .take("scenarios")?
            .unwrap_or_else(|| "ack,idle".to_owned()),
    );
    let rounds = options.take("rounds")?.unwrap_or(5);
    let mut load = Vec::new();
    for name in ["seconds", "warmup", "connections", "in-flight", "spin"] {
        if let Some(value) = options.take::<String>(name)? {
            load.extend([format!("--{name}"), value]);
        }
    }
    if !options.command()?.is_empty() {
        return Err("the servers are chosen with --servers".to_owned());
    }
    let chosen = servers
        .iter()
        .map(|key| {
            SERVERS
                .iter()
                .find(|server| server.key == key)
                .ok_or_else(|| format!("no server {key}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    for scenario in &scenarios {
        scenario.parse::<Scenario>()?;
    }
    let plan = Settings {
        scenarios,
        rounds,
        load,
    };
    measure(&plan, &chosen)
}

fn measure(plan: &Settings, chosen: &[&Server]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let load = built(root, &["-p", "sio-benches", "--bin", "load"])?;
    let commands = chosen
        .iter()
        .map(|server| command(root, server.build))
        .collect::<Result<Vec<_>, _>>()?;

    for name in &plan.scenarios {
        let scenario = name.parse::<Scenario>()?;
        let mut rows = chosen
            .iter()
            .map(|server| Row {
                server: server.name.to_owned(),
                rounds: Vec::new(),
            })
            .collect::<Vec<_>>();
        let load_before = load_average();
        for round in 0..plan.rounds {
            let mut order = (0..chosen.len()).collect::<Vec<_>>();
            // There and back, so that no server always has the same neighbour before it.
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let (server, command) = (chosen[index], &commands[index]);
                eprintln!(
                    "{name}, round {} of {}: {}",
                    round + 1,
                    plan.rounds,
                    server.name
                );
                let measurement = once(&load, name, plan, server, command)?;
                rows[index].rounds.push(measurement);
            }
        }

        println!("### {scenario}\n");
        if scenario == Scenario::Idle {
            println!("{}", table::memory(&rows));
        } else {
            println!("{}", table::throughput(&rows));
        }
        for line in table::noise(&rows) {
            println!("* noisy: {line}");
        }
        if let (Some(before), Some(after)) = (load_before, load_average()) {
            println!("* load average before and after: {before:.2}, {after:.2}\n");
        }
    }
    Ok(())
}

/// One measurement by `load`: the generator on core 1, the server on core 0.
fn once(
    load: &Path,
    scenario: &str,
    plan: &Settings,
    server: &Server,
    command: &[String],
) -> Result<Measurement, String> {
    let output = Command::new("taskset")
        .args(["-c", "1"])
        .arg(load)
        .args([
            "--scenario",
            scenario,
            "--json",
            "true",
            "--server-core",
            "0",
        ])
        .args(&plan.load)
        .arg("--")
        .args(command)
        .envs(server.environment.iter().copied())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("taskset: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("no measurement of {} under {scenario}", server.name))
}

/// Builds a server and says how to start it.
fn command(root: &Path, build: Build) -> Result<Vec<String>, String> {
    let executable = match build {
        Build::Ours => built(root, &["-p", "sio-tokio", "--example", "bench"])?,
        Build::Socketioxide => {
            let peer = root.join("peers/socketioxide");
            built(&peer, &["--locked"])?
        }
        Build::Node => {
            let peer = root.join("peers/node");
            let status = Command::new("npm")
                .arg("ci")
                .current_dir(&peer)
                .stdout(Stdio::null())
                .status()
                .map_err(|error| format!("npm: {error}"))?;
            if !status.success() {
                return Err("npm ci failed".to_owned());
            }
            let script = peer.join("server.js");
            return Ok(vec!["node".to_owned(), script.display().to_string()]);
        }
    };
    Ok(vec![executable.display().to_string()])
}

/// Runs `cargo build --release` in a package and asks it where the executable is.
fn built(package: &Path, arguments: &[&str]) -> Result<PathBuf, String> {
    eprintln!("building {}", arguments.join(" "));
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(arguments)
        .current_dir(package)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("{} does not build", package.display()));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| "cargo names no executable".to_owned())
}
