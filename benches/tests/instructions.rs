//! Our own code takes no more instructions than it did: every case of `cases` under valgrind, against
//! `instructions.txt`. Counts are the same on every run of one build. They are not quite the same on
//! every machine: the compiler's version, the C library's and the processor's vector extensions move
//! them by some percent, which is what the tolerance is for.
//!
//! `SIO_RENEW=1 cargo test -p sio-benches --test instructions` writes the file anew.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use sio_benches::cases;
use sio_benches::instructions::{read, written};
use sio_tests::install;
use sio_tests::process::run;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How much more than the baseline is still the same. Between two processors of the same kind it is
/// nothing at all, and a change that costs less than this is within what a new compiler brings.
const TOLERANCE: f64 = 0.10;

/// A difference of so many instructions is none, however small the case.
const GRAIN: f64 = 20.0;

/// Done so often, and so often more.
const BEFORE: usize = 10;
const MORE: usize = 100;

const LIMIT: Duration = Duration::from_secs(1200);

#[test]
fn nothing_takes_more_instructions_than_it_did() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt");
    let counts = count_all();
    if std::env::var_os("SIO_RENEW").is_some() {
        std::fs::write(&file, written(&counts)).expect("the baseline can be written");
        return;
    }
    let baseline = std::fs::read_to_string(&file).expect("the baseline is in the repository");
    let baseline = read(&baseline);
    let mut wrong = String::new();
    for (name, now) in &counts {
        match baseline.get(name) {
            None => writeln!(wrong, "{name}: not in the baseline").expect("a string takes all"),
            Some(before) => {
                println!("{name}: {before:.0} -> {now:.0}");
                if *now > before * (1.0 + TOLERANCE) + GRAIN {
                    let more = (now / before - 1.0) * 100.0;
                    writeln!(wrong, "{name}: {before:.0} -> {now:.0} ({more:+.0} %)")
                        .expect("a string takes all");
                }
            }
        }
    }
    for name in baseline.keys().filter(|name| !counts.contains_key(*name)) {
        writeln!(wrong, "{name}: in the baseline only").expect("a string takes all");
    }
    assert!(
        wrong.is_empty(),
        "instructions for one operation, baseline -> now:\n{wrong}\
         If that is meant to be: SIO_RENEW=1 cargo test -p sio-benches --test instructions"
    );
}

/// Instructions of one operation for each case, by as many processes as there are cores.
fn count_all() -> BTreeMap<String, f64> {
    let valgrind = install::valgrind();
    let program = built();
    let cases = cases::all();
    let cases = cases
        .iter()
        .filter(|case| case.counted)
        .map(|case| (case.name, case.units))
        .collect::<Vec<_>>();
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((name, units)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let count = |times| executed(&valgrind, &program, name, times);
                    let each = (count(BEFORE + MORE) - count(BEFORE)) / (MORE * units) as f64;
                    let mut counts = counts.lock().expect("nobody panicked");
                    counts.insert((*name).to_owned(), each.round());
                }
            });
        }
    });
    counts.into_inner().expect("nobody panicked")
}

/// All instructions of a program that does the case so many times.
fn executed(valgrind: &Path, program: &Path, name: &str, times: usize) -> f64 {
    let output = run(
        Command::new(valgrind)
            .args(["--tool=cachegrind", "--cache-sim=no"])
            .arg("--cachegrind-out-file=/dev/null")
            .arg(program)
            .args([name, &times.to_string()]),
        LIMIT,
    );
    let counted = output.lines().find_map(|line| {
        let (_, count) = line.split_once("refs:")?;
        count.trim().replace(',', "").parse::<f64>().ok()
    });
    counted.unwrap_or_else(|| panic!("valgrind says no number of instructions:\n{output}"))
}

/// The program `count`, as it would be released.
fn built() -> PathBuf {
    let messages = run(
        Command::new(env!("CARGO"))
            .current_dir(install::workspace())
            .args(["build", "--quiet", "--release", "--message-format=json"])
            .args(["-p", "sio-benches", "--bin", "count"]),
        LIMIT,
    );
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo built no program:\n{messages}"))
}
