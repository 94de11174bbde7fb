//! Measures clients beside each other, and writes what it has found into `RESULTS.md`.
//!
//! `cargo run -p sio-benches --bin clients`. Every program keeps the contract of `client_bench`: one process, one
//! thread, against our server on tokio. Rounds alternate, and a ratio is taken within a round: CPU time of the client's process
//! is a figure to trust where other work runs, too.

use sio_benches::clients::{self, Row, Run};
use sio_benches::options::Options;
use sio_benches::peers::{Built, build, peer, root};
use sio_benches::process::{Server, load_average, open_many_sockets};
use sio_benches::section::with_section;
use std::process::{Command, ExitCode, Stdio};

/// A client, and the command that runs it.
struct Client {
    name: &'static str,
    command: Vec<String>,
    /// Whether it may have several emits in flight.
    deep: bool,
}

/// What is measured, and how often.
struct Effort {
    rounds: usize,
    milliseconds: u64,
    idle: u64,
    many: u64,
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clients: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), String> {
    let mut options = Options::from_env()?;
    let effort = Effort {
        rounds: options.take("rounds")?.unwrap_or(5),
        milliseconds: options.take("milliseconds")?.unwrap_or(1000),
        idle: options.take("idle")?.unwrap_or(2000),
        many: options.take("many")?.unwrap_or(19_000),
    };
    if !options.command()?.is_empty() {
        return Err("it knows what to measure".to_owned());
    }
    open_many_sockets().map_err(|error| error.to_string())?;
    let mut built = Built::default();
    let server = built.command(peer("sio-1")?)?;
    let clients = all(&mut built)?;
    let environment = [("THREADS".to_owned(), "1".to_owned())];
    let start = || {
        let mut command = vec!["env".to_owned()];
        command.extend(
            environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        command.extend_from_slice(&server);
        Server::start(&command, None).map_err(|error| error.to_string())
    };
    let load = load_average();
    let served = start()?;
    let one = rounds(
        &clients,
        &effort,
        &served,
        &echo(&effort, 1),
        "echo",
        |_| true,
    )?;
    let deep = rounds(
        &clients,
        &effort,
        &served,
        &echo(&effort, 16),
        "echo",
        |it| it.deep,
    )?;
    let few = Effort {
        rounds: effort.rounds.min(3),
        ..effort
    };
    let idle = number("CLIENTS", effort.idle);
    let idle = rounds(&clients, &few, &served, &[idle], "idle", |_| true)?;
    let many = ours(&clients).map(|client| {
        let crowd = run(client, &served, "idle", &[number("CLIENTS", effort.many)])?;
        Ok::<_, String>((client.name, crowd))
    });
    let many: Vec<_> = many.collect::<Result<_, _>>()?;
    drop(served);
    let text = document(&effort, [one, deep, idle], &many, load);
    let file = root().join("RESULTS.md");
    let before = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let after = with_section(&before, "clients", &text);
    std::fs::write(&file, after).map_err(|error| error.to_string())
}

fn all(built: &mut Built) -> Result<Vec<Client>, String> {
    let peers = root().join("peers");
    let rust = build(&peers.join("rust_socketio"), &["--locked"])?;
    let mut node = built.command(peer("node")?)?;
    if let Some(script) = node.last_mut() {
        *script = peers.join("node/client.js").display().to_string();
    }
    let own = |program| {
        let program = build(&root(), &["-p", "sio-servers", "--bin", program])?;
        Ok::<_, String>(vec![program.display().to_string()])
    };
    Ok(vec![
        Client {
            name: "rust_socketio 0.6, current-thread",
            command: vec![rust.display().to_string()],
            // Ids of its answers collide.
            deep: false,
        },
        Client {
            name: "Node, socket.io-client 4.8",
            command: node,
            deep: true,
        },
        Client {
            name: SMOL,
            command: own("smol-client_bench")?,
            deep: true,
        },
        Client {
            name: TOKIO,
            command: own("tokio-client_bench")?,
            deep: true,
        },
    ])
}

const TOKIO: &str = "sio-tokio";
const SMOL: &str = "sio-smol";

fn ours(clients: &[Client]) -> impl Iterator<Item = &Client> {
    let is_ours = |it: &&Client| [TOKIO, SMOL].contains(&it.name);
    clients.iter().filter(is_ours)
}

fn number(name: &str, value: u64) -> (String, String) {
    (name.to_owned(), value.to_string())
}

fn echo(effort: &Effort, in_flight: u64) -> [(String, String); 3] {
    [
        number("CLIENTS", 50),
        number("IN_FLIGHT", in_flight),
        number("DURATION", effort.milliseconds),
    ]
}

/// Every other round goes through the clients backwards.
fn rounds(
    clients: &[Client],
    effort: &Effort,
    server: &Server,
    environment: &[(String, String)],
    scenario: &str,
    is_meant: fn(&Client) -> bool,
) -> Result<Vec<Row>, String> {
    let clients: Vec<_> = clients.iter().filter(|it| is_meant(it)).collect();
    let mut rows: Vec<_> = clients
        .iter()
        .map(|client| Row {
            name: client.name.to_owned(),
            runs: Vec::new(),
        })
        .collect();
    for round in 0..effort.rounds {
        let mut order: Vec<_> = clients.iter().zip(&mut rows).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (client, row) in order {
            row.runs.push(run(client, server, scenario, environment)?);
        }
    }
    Ok(rows)
}

/// One process.
fn run(
    client: &Client,
    server: &Server,
    scenario: &str,
    environment: &[(String, String)],
) -> Result<Run, String> {
    let [program, arguments @ ..] = client.command.as_slice() else {
        return Err("no command for the client".to_owned());
    };
    let output = Command::new(program)
        .args(arguments)
        .arg(scenario)
        .env("URL", format!("http://{}", server.address()))
        .envs(environment.iter().cloned())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{}, {scenario}: {}", client.name, said.trim());
    serde_json::from_str(&said).map_err(|error| format!("{}: {error}", client.name))
}

fn document(
    effort: &Effort,
    [one, deep, idle]: [Vec<Row>; 3],
    many: &[(&str, Run)],
    load: Option<f64>,
) -> String {
    let cpu = "CPU s per 1M";
    let mut parts = vec![
        "## Clients\n".to_owned(),
        format!(
            "`cargo run -p sio-benches --bin clients -- --rounds {} --milliseconds {} --idle {} --many {}`, beside\n\
             other work (load average before: {}): CPU time of the client's process, ratios within each round.\n",
            effort.rounds,
            effort.milliseconds,
            effort.idle,
            effort.many,
            load.map_or_else(|| "unknown".to_owned(), |it| it.to_string())
        ),
        "### echo with ack of 60 B, 50 clients by WebSocket, one in flight each\n".to_owned(),
        clients::table(&one, cpu, Run::cpu_per_million),
        "### the same, 16 in flight each\n".to_owned(),
        clients::table(&deep, cpu, Run::cpu_per_million),
        format!(
            "### {} idle clients, each by a WebSocket of its own\n",
            effort.idle
        ),
        clients::table(&idle, "bytes resident for each", Run::bytes_each),
        format!("### as many as there can be, up to {}\n", effort.many),
        "| client | clients in one process | bytes resident for each |\n|---|---|---|".to_owned(),
    ];
    for (name, run) in many {
        let row = format!("| {name} | {} | {:.0} |", run.units, run.bytes_each());
        parts.push(row);
    }
    parts.push(String::new());
    parts.join("\n")
}
