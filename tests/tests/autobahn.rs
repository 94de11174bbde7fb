//! The cases of the Autobahn test suite, driven by kosoku, against the `ws_echo` servers and the `ws_echo_client`s: the
//! WebSocket transport of each binding, at either end, with nothing above it.
//!
//! `tests/autobahn/expected.json` names every case that is not simply passed, with its reason; any
//! other outcome, better or worse, is a failure. Sections 12 and 13 compress messages, a
//! thousand in each case: some of their cases are run, with the server told to compress. All of them
//! take minutes, as does section 9 (large messages), and are run by hand:
//!
//! ```text
//! SIO_AUTOBAHN='9.*' cargo test --release -p sio-tests --all-features --test autobahn every
//! SIO_AUTOBAHN='12.*' cargo test --release -p sio-tests --all-features --test autobahn compressed
//! SIO_AUTOBAHN='13.*' cargo test --release -p sio-tests --all-features --test autobahn compressed
//! ```
//!
//! The tests of clients have `client` in their names, and run some cases of each kind, since it is one codec at both
//! ends. Of section 13 three parts
//! (2, 5, 6) want each message compressed by itself:
//!
//! ```text
//! SIO_AUTOBAHN='9.*' cargo test --release -p sio-tests --all-features --test autobahn every_case_of_a_client
//! SIO_AUTOBAHN='12.*' cargo test --release -p sio-tests --all-features --test autobahn from_a_client
//! SIO_AUTOBAHN='13.2.*' cargo test --release -p sio-tests --all-features --test autobahn alone
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;
use sio_tests::{
    example::{Binding, example},
    install::{Packages, python, workspace},
    on_each_binding,
    port::free_address,
    process::{self, Group},
    wire::{PATIENCE, WebSocket, Wire},
};

/// As many cases at a time: most of them wait.
const PARALLEL: &str = "8";
const LIMIT: Duration = Duration::from_secs(1200);

/// What is said of a case that is not simply passed.
#[derive(Deserialize)]
struct Expected {
    behavior: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    behavior: String,
    behavior_close: String,
}

/// Which cases are run, and on what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Plain,
    Compressed,
    /// By a client.
    Asked,
    /// By a client that offers compression.
    Offered,
    /// By one that wants each message compressed by itself.
    Alone,
}

/// Of each kind some: echoes, pings, reserved bits and opcodes, fragments, closing.
const ASKED: [&str; 7] = ["1.1.*", "2.*", "3.*", "4.1.*", "5.*", "7.*", "10.*"];

const OFFERED: [&str; 3] = ["12.1.4", "13.1.4", "13.3.4"];

/// What a server may only agree to if it was asked for.
const ALONE: [&str; 1] = ["13.2.4"];

/// Of sections 12 and 13, in each part the case with messages of 1 KiB, and one with fragments.
const COMPRESSED: [&str; 3] = ["12.*.4", "12.1.11", "13.*.4"];

/// Messages of 16 and 64 bytes to a client that wants each compressed by itself: they would not shrink and
/// are sent as they are, as RFC 7692 §6 lets us, and kosoku 0.1.0 fails to hash what comes back plain.
const TOO_SMALL: [&str; 8] = [
    "13.2.1", "13.2.2", "13.5.1", "13.5.2", "13.6.1", "13.6.2", "13.7.1", "13.7.2",
];

impl Run {
    fn choose(self, command: &mut Command, chosen: Option<&str>) {
        match (chosen, self) {
            (Some(cases), _) => command.args(["--include", cases]),
            (None, Self::Plain) => {
                command.args(["--exclude", "9.*", "--exclude", "12.*", "--exclude", "13.*"])
            }
            (None, Self::Compressed) => including(command, &COMPRESSED),
            (None, Self::Asked) => including(command, &ASKED),
            (None, Self::Offered) => including(command, &OFFERED),
            (None, Self::Alone) => including(command, &ALONE),
        };
        command.args(TOO_SMALL.iter().flat_map(|case| ["--exclude", case]));
    }

    /// So many cases at least; fewer would mean that kosoku left some out.
    fn least(self) -> usize {
        match self {
            Self::Plain => 240,
            Self::Compressed => 13,
            Self::Asked => 85,
            Self::Offered => 3,
            Self::Alone => 1,
        }
    }

    /// How the program is told to compress.
    fn deflate(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Asked => None,
            Self::Compressed | Self::Offered => Some("1"),
            Self::Alone => Some("alone"),
        }
    }
}

fn including<'a>(command: &'a mut Command, cases: &[&str]) -> &'a mut Command {
    command.args(cases.iter().flat_map(|cases| ["--include", cases]))
}

/// The server under test, which ends with the test.
struct Server(Child);

impl Server {
    fn start(binding: Binding, run: Run) -> (Self, u16) {
        let port = free_address().port();
        let mut server = Command::new(example(binding, "ws_echo"));
        if let Some(how) = run.deflate() {
            server.env("DEFLATE", how);
        }
        let mut child = server
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let out = child.stdout.take().expect("its output");
        let mut ready = String::new();
        BufReader::new(out).read_line(&mut ready).expect("a line");
        assert_eq!(ready, "listening\n");
        (Self(child), port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn expected() -> BTreeMap<String, Expected> {
    let file = workspace().join("tests/autobahn/expected.json");
    let file = File::open(file).expect("the expectations");
    serde_json::from_reader(file).expect("the expectations are JSON")
}

/// What each case came to.
fn outcomes(reports: &Path) -> BTreeMap<String, Outcome> {
    let index = fs::read(reports.join("index.json")).expect("kosoku wrote its index");
    let index: BTreeMap<String, BTreeMap<String, Outcome>> =
        serde_json::from_slice(&index).expect("the index is JSON");
    index.into_values().next().expect("one server was tested")
}

/// What kosoku tells of a case, for the message of a failure.
fn report(reports: &Path, case: &str) -> String {
    let end = format!("_case_{}.json", case.replace('.', "_"));
    let file = fs::read_dir(reports)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(&end));
    let told = file.and_then(|file| fs::read(file).ok());
    let told: Option<Value> = told.and_then(|told| serde_json::from_slice(&told).ok());
    told.map_or_else(String::new, |told| {
        format!(
            "expected {}, received {}",
            told["expected"], told["received"]
        )
    })
}

fn kosoku(run: Run, chosen: Option<&str>, reports: &Path) -> Command {
    let mut command = Command::new(python(Packages::Autobahn));
    command.args([
        "-c",
        "import sys; from kosoku._cli import main; sys.exit(main())",
    ]);
    run.choose(&mut command, chosen);
    command.arg("--outdir").arg(reports);
    command
}

fn conforms(binding: Binding, run: Run) {
    let (_server, port) = Server::start(binding, run);
    let reports = tempfile::tempdir().expect("a place for the reports");
    let chosen = std::env::var("SIO_AUTOBAHN").ok();
    let mut command = kosoku(run, chosen.as_deref(), reports.path());
    command
        .args(["--parallelism", PARALLEL])
        .arg(format!("ws://127.0.0.1:{port}/"));
    println!("{}", process::run(&mut command, LIMIT));
    judge(run, chosen.as_deref(), reports.path());
}

/// Clients at a time: most of them wait.
const CLIENTS: usize = 8;

fn client_conforms(binding: Binding, run: Run) {
    let address = free_address();
    let reports = tempfile::tempdir().expect("a place for the reports");
    let chosen = std::env::var("SIO_AUTOBAHN").ok();
    let mut command = kosoku(run, chosen.as_deref(), reports.path());
    command
        .args(["--mode", "fuzzingserver"])
        .arg(address.to_string());
    let server = Group::start(&mut command);
    let count = count_cases(address);
    assert!(count > 0, "{chosen:?} names no case");
    // Each has every eighth of them.
    let clients: Vec<Group> = (1..=CLIENTS)
        .map(|first| {
            let mut client = Command::new(example(binding, "ws_echo_client"));
            if let Some(how) = run.deflate() {
                client.env("DEFLATE", how);
            }
            client.args(
                (first..=count)
                    .step_by(CLIENTS)
                    .map(|case| format!("ws://{address}/runCase?case={case}&agent=sio")),
            );
            Group::start(&mut client)
        })
        .collect();
    for client in clients {
        let ended = client.finish(LIMIT);
        assert!(ended.succeeded(), "{}", ended.output);
        print!("{}", ended.output);
    }
    say(address, "/updateReports?agent=sio");
    let ended = server.finish(LIMIT);
    assert!(ended.status.is_some(), "{}", ended.output);
    println!("{}", ended.output);
    judge(run, chosen.as_deref(), reports.path());
}

/// How many cases the server has, which it says once it listens.
fn count_cases(address: SocketAddr) -> usize {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < end, "kosoku does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    let count = say(address, "/getCaseCount");
    count.parse().unwrap_or_else(|_| panic!("{count:?} cases"))
}

/// What the server has to say on a WebSocket at this path.
fn say(address: SocketAddr, path: &str) -> String {
    let (said, _) = WebSocket::over(Wire::connect(address), path).end();
    said.concat()
}

/// Whether each case came to what is expected of it.
fn judge(run: Run, chosen: Option<&str>, reports: &Path) {
    let (expected, outcomes) = (expected(), outcomes(reports));
    assert!(chosen.is_some() || outcomes.len() >= run.least());
    assert!(!outcomes.is_empty(), "{chosen:?} names no case");
    let surprises: Vec<String> = outcomes
        .iter()
        .filter_map(|(case, outcome)| {
            let expected = expected.get(case);
            let wanted = expected.map_or("OK", |expected| &expected.behavior);
            let why = expected.map_or("", |expected| &expected.why);
            let closed = ["OK", "INFORMATIONAL"].contains(&&*outcome.behavior_close);
            (outcome.behavior != wanted || !closed).then(|| {
                format!(
                    "{case}: {} (closed: {}), not {wanted} {why}\n    {}",
                    outcome.behavior,
                    outcome.behavior_close,
                    report(reports, case)
                )
            })
        })
        .collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    if chosen.is_none() && run == Run::Plain {
        let gone: Vec<&String> = expected
            .keys()
            .filter(|case| !outcomes.contains_key(*case))
            .collect();
        assert!(gone.is_empty(), "expected, but not run: {gone:?}");
    }
}

on_each_binding! {
    every_case_ends_as_expected: |binding| conforms(binding, Run::Plain);
    compressed_messages_come_back: |binding| conforms(binding, Run::Compressed);
    every_case_of_a_client_ends_as_expected: |binding| client_conforms(binding, Run::Asked);
    compressed_messages_come_back_from_a_client: |binding| client_conforms(binding, Run::Offered);
    alone_compressed_messages_come_back_from_a_client: |binding| client_conforms(binding, Run::Alone);
}
