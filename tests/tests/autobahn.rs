//! The cases of the Autobahn test suite, driven by kosoku, against the `ws_echo` servers: the
//! WebSocket transport of each binding with nothing above it.
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

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::Deserialize;
use serde_json::Value;
use sio_tests::{
    example::{Binding, example},
    install::{Packages, python, workspace},
    on_each_binding, process,
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

/// Which cases are run, and on what server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Plain,
    Compressed,
}

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
            (None, Self::Compressed) => {
                command.args(COMPRESSED.iter().flat_map(|cases| ["--include", cases]))
            }
        };
        command.args(TOO_SMALL.iter().flat_map(|case| ["--exclude", case]));
    }

    /// So many cases at least; fewer would mean that kosoku left some out.
    fn least(self) -> usize {
        match self {
            Self::Plain => 240,
            Self::Compressed => 13,
        }
    }
}

/// The server under test, which ends with the test.
struct Server(Child);

impl Server {
    fn start(binding: Binding, run: Run) -> (Self, u16) {
        let probe = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = probe.local_addr().expect("its number").port();
        drop(probe);
        let mut server = Command::new(example(binding, "ws_echo"));
        if run == Run::Compressed {
            server.env("DEFLATE", "1");
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

fn conforms(binding: Binding, run: Run) {
    let (_server, port) = Server::start(binding, run);
    let reports = tempfile::tempdir().expect("a place for the reports");
    let mut command = Command::new(python(Packages::Autobahn));
    command.args([
        "-c",
        "import sys; from kosoku._cli import main; sys.exit(main())",
    ]);
    let chosen = std::env::var("SIO_AUTOBAHN").ok();
    run.choose(&mut command, chosen.as_deref());
    command
        .args(["--parallelism", PARALLEL, "--outdir"])
        .arg(reports.path())
        .arg(format!("ws://127.0.0.1:{port}/"));
    println!("{}", process::run(&mut command, LIMIT));

    let (expected, outcomes) = (expected(), outcomes(reports.path()));
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
                    report(reports.path(), case)
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
}
