//! Measures two servers of the same kind on one Redis, beside others, and writes what it has found into `RESULTS.md`.
//!
//! `cargo run -p sio-benches --bin nodes`. Rounds alternate, and a ratio is taken within a round: CPU time of the servers'
//! processes is a figure to trust where other work runs, too.

use serde::Deserialize;
use sio_benches::clients::shown;
use sio_benches::nodes::{Plan, Redis, Row, casts, memory};
use sio_benches::options::Options;
use sio_benches::peers::{ALONE, Built, NODES, Peer, root};
use sio_benches::process::{load_average, open_many_sockets};
use sio_benches::samples::Spread;
use sio_benches::section::with_section;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// How often everything is done, how long, and by whom.
struct Effort {
    rounds: usize,
    milliseconds: u64,
    warm_up: u64,
    few: usize,
    many: usize,
    /// Keys, with commas between them; all where there are none.
    only: String,
}

/// How many broadcasts there are in a row.
const BURSTS: [usize; 2] = [1, 32];

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nodes: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let effort = Effort {
        rounds: options.take("rounds")?.unwrap_or(5),
        milliseconds: options.take("milliseconds")?.unwrap_or(1000),
        warm_up: options.take("warmup")?.unwrap_or(300),
        few: options.take("few")?.unwrap_or(50),
        many: options.take("many")?.unwrap_or(500),
        only: options.take("only")?.unwrap_or_default(),
    };
    let file = options.take("into")?;
    let file = file.unwrap_or_else(|| root().join("RESULTS.md").display().to_string());
    let programs: Option<PathBuf> = options.take("programs")?;
    if !options.command()?.is_empty() {
        return Err("it knows what to measure".to_owned());
    }
    open_many_sockets().map_err(|error| error.to_string())?;
    let redis = Redis::start()?;
    let mut built = Built::found_in(programs);
    let load = load_average();
    let few = rounds(&NODES, 2, effort.few, &effort, &mut built, &redis)?;
    let many = rounds(&NODES, 2, effort.many, &effort, &mut built, &redis)?;
    let alone = rounds(&ALONE, 1, effort.many, &effort, &mut built, &redis)?;
    let again = again(&effort, &built, &redis)?;
    let text = document(&effort, &few, &many, &alone, &again, load);
    let before = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let after = with_section(&before, "nodes", &text);
    std::fs::write(&file, after).map_err(|error| format!("{file}: {error}"))
}

impl Effort {
    fn is_meant(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.split(',').any(|it| it == key)
    }
}

/// Every other round goes through the servers backwards.
fn rounds(
    peers: &[Peer],
    nodes: usize,
    members: usize,
    effort: &Effort,
    built: &mut Built,
    redis: &Redis,
) -> Result<Vec<Row>, String> {
    let plan = Plan {
        members,
        bursts: BURSTS.to_vec(),
        window: Duration::from_millis(effort.milliseconds),
        warm_up: Duration::from_millis(effort.warm_up),
    };
    let mut all = Vec::new();
    for peer in peers.iter().filter(|peer| effort.is_meant(peer.key)) {
        let mut command = vec!["env".to_owned(), format!("REDIS_URL={}", redis.url())];
        let environment = peer.environment.iter();
        command.extend(environment.map(|(name, value)| format!("{name}={value}")));
        command.extend(built.command(peer)?);
        let row = Row {
            name: peer.name.to_owned(),
            runs: Vec::new(),
        };
        all.push((command, row));
    }
    for round in 0..effort.rounds {
        let mut order: Vec<_> = all.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (command, row) in order {
            redis.clear();
            let run = plan.measure(command, nodes, redis);
            let run = run.map_err(|error| format!("{}: {error}", row.name))?;
            eprintln!("{}, {nodes} x {members}: {run:?}", row.name);
            row.runs.push(run);
        }
    }
    Ok(all.into_iter().map(|(_, row)| row).collect())
}

/// What `again` says.
#[derive(Debug, Deserialize)]
struct Again {
    channels: usize,
    wall: f64,
    cpu: f64,
}

/// How long it takes to listen to everything again.
fn again(
    effort: &Effort,
    built: &Built,
    redis: &Redis,
) -> Result<Vec<(String, Vec<Again>)>, String> {
    let mut all = Vec::new();
    for program in ["tokio-again", "smol-again"] {
        if !effort.is_meant(program) {
            continue;
        }
        let path = built.own(program)?;
        for adapter in ["redis", "redis-sharded"] {
            let mut said = Vec::new();
            for _ in 0..effort.rounds {
                redis.clear();
                let output = Command::new(&path)
                    .env("REDIS_URL", redis.url())
                    .env("ADAPTER", adapter)
                    .stderr(Stdio::inherit())
                    .output()
                    .map_err(|error| format!("{program}: {error}"))?;
                let text = String::from_utf8_lossy(&output.stdout);
                eprintln!("{program}, {adapter}: {}", text.trim());
                let one: Again = serde_json::from_str(&text)
                    .map_err(|error| format!("{program}, {adapter}: {error}"))?;
                said.push(one);
            }
            let (binding, _) = program.split_once('-').unwrap_or((program, ""));
            let dialect = match adapter {
                "redis" => "classic",
                _ => "sharded",
            };
            all.push((format!("sio-{binding}, {dialect}"), said));
        }
    }
    Ok(all)
}

fn document(
    effort: &Effort,
    few: &[Row],
    many: &[Row],
    alone: &[Row],
    again: &[(String, Vec<Again>)],
    load: Option<f64>,
) -> String {
    let mut text = format!(
        "## Two servers on one Redis\n\n\
         `cargo run -p sio-benches --bin nodes -- --rounds {} --milliseconds {} --few {} --many {}`, beside other work\n\
         (load average before: {}), nothing pinned. 64 B of JSON to a room whose members are at both; CPU time of both\n\
         servers' processes for each million of deliveries, and Redis' beside it. Ratios within each round.\n",
        effort.rounds,
        effort.milliseconds,
        effort.few,
        effort.many,
        load.map_or_else(|| "unknown".to_owned(), |it| it.to_string())
    );
    let how = |burst: usize| match burst {
        1 => "one broadcast at a time".to_owned(),
        burst => format!("{burst} at a time"),
    };
    let mut part = |title: String, table: String| {
        // Writing to a string cannot fail.
        write!(text, "\n### {title}\n\n{table}").ok();
    };
    for (members, rows) in [(effort.few, few), (effort.many, many)] {
        for (place, burst) in BURSTS.into_iter().enumerate() {
            let title = format!("2 × {members} members, {}", how(burst));
            part(title, casts(rows, place));
        }
        let title = format!("Resident memory of each of the two, 2 × {members} members");
        part(title, memory(rows));
    }
    for (place, burst) in BURSTS.into_iter().enumerate() {
        let title = format!(
            "One server alone, with an adapter and without, {} members, {}",
            effort.many,
            how(burst)
        );
        part(title, casts(alone, place));
    }
    let mut table =
        "| server | channels | seconds | processor seconds |\n|---|---|---|---|\n".to_owned();
    for (name, said) in again {
        let channels = said.first().map_or(0, |one| one.channels);
        let wall = shown(Spread::of(said.iter().map(|one| one.wall)));
        let cpu = shown(Spread::of(said.iter().map(|one| one.cpu)));
        writeln!(table, "| {name} | {channels} | {wall} | {cpu} |").ok();
    }
    let title =
        "Listening again to 10 000 rooms of 100 namespaces, from the loss of the connection on"
            .to_owned();
    part(title, table);
    text
}
