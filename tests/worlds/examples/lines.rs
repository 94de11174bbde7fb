//! Which lines of the core are run by its own tests and by worlds: `lines` builds both anew under `target/lines` with
//! counters, runs them, and prints for each file of the core how many of its lines were run, the lowest first. `lines
//! <part of a path>..` reads what was counted last, and prints the lines of those files that nobody ran.
//!
//! Items for tests alone (`#[cfg(test)]`) are left out, and the files of modules among them. The profiles are read by
//! `llvm-profdata` and `llvm-cov` of the compiler's own LLVM, by Debian's names (`llvm-cov-22`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What runs the core: arguments of `cargo test`, and which of the tests.
const SUITES: [(&[&str], Option<&str>); 2] = [
    (&["-p", "sio-core", "--all-features", "--lib"], None),
    (&["-p", "sio-worlds", "--test", "worlds"], Some("hold")),
];
/// Worlds of each kind that are played, unless `SIO_WORLDS` says how many.
const WORLDS: &str = "600";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("a workspace");
    let target = root.join("target/lines");
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    let report = target.join("lcov.info");
    if wanted.is_empty() {
        fs::write(&report, counted(&root, &target)).expect("it is written");
    }
    let report = fs::read_to_string(report).expect("a report: `lines` alone makes one");
    let files = files(&report, &root.join("core/src"));
    if wanted.is_empty() {
        print(&files);
    }
    for (name, lines) in &files {
        if wanted.iter().any(|part| name.contains(part)) {
            show(name, &root.join("core/src").join(name), lines);
        }
    }
}

/// How often each line was run, as lcov writes it.
fn counted(root: &Path, target: &Path) -> String {
    let runs = target.join("runs");
    // Counts of other builds are not of these lines.
    let _ = fs::remove_dir_all(&runs);
    let mut objects = Vec::new();
    for (package, tests) in SUITES {
        for program in built(root, target, package) {
            let mut suite = Command::new(&program);
            suite.args(tests).current_dir(root.join("core"));
            if std::env::var_os("SIO_WORLDS").is_none() {
                suite.env("SIO_WORLDS", WORLDS);
            }
            suite.env("LLVM_PROFILE_FILE", runs.join("%p-%m.profraw"));
            let status = suite.stdout(Stdio::null()).status();
            assert!(status.expect("it starts").success(), "{suite:?} fails");
            objects.extend(["-object".into(), program.into_os_string()]);
        }
    }
    let all = target.join("all.profdata");
    let merge = ["merge", "-sparse", "-o"].map(OsString::from);
    let profiles = fs::read_dir(&runs).expect("profiles");
    let profiles = profiles.map(|file| file.expect("a profile").path().into_os_string());
    let arguments = merge.into_iter().chain([all.clone().into()]);
    llvm("profdata", arguments.chain(profiles));
    let export = ["export", "-format=lcov", "-instr-profile"].map(OsString::from);
    let sources = root.join("core/src").into_os_string();
    // The first object stands without its option.
    let rest = objects
        .into_iter()
        .skip(1)
        .chain(["-sources".into(), sources]);
    llvm("cov", export.into_iter().chain([all.into()]).chain(rest))
}

/// Builds a suite with counters: its programs.
fn built(root: &Path, target: &Path, package: &[&str]) -> Vec<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root).arg("test").args(package);
    cargo.args(["--no-run", "--message-format=json-render-diagnostics"]);
    cargo.env("CARGO_TARGET_DIR", target);
    cargo.env("RUSTFLAGS", "-C instrument-coverage");
    // Programs of the build have counters, too.
    cargo.env("LLVM_PROFILE_FILE", target.join("build.profraw"));
    let messages = output(cargo.stderr(Stdio::inherit()));
    let messages = messages.lines().map(serde_json::from_str::<Value>);
    let programs = messages.filter_map(|message| {
        let message = message.expect("a message of cargo");
        message["executable"].as_str().map(PathBuf::from)
    });
    programs.collect()
}

fn llvm(tool: &str, arguments: impl Iterator<Item = OsString>) -> String {
    let compiler = output(Command::new("rustc").arg("-vV"));
    let version = compiler.split("LLVM version: ").nth(1).expect("its LLVM");
    let major = version.split('.').next().unwrap_or_default();
    output(Command::new(format!("llvm-{tool}-{major}")).args(arguments))
}

fn output(command: &mut Command) -> String {
    let done = command.stderr(Stdio::inherit()).output();
    let done = done.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?} fails");
    String::from_utf8(done.stdout).expect("text")
}

/// By line of a file, whether it was run.
type Lines = BTreeMap<usize, bool>;

/// Of each file below `sources` the lines that are not for tests alone.
fn files(report: &str, sources: &Path) -> BTreeMap<String, Lines> {
    let mut files = BTreeMap::<PathBuf, Lines>::new();
    let mut path = PathBuf::new();
    for entry in report.lines() {
        if let Some(name) = entry.strip_prefix("SF:") {
            path = PathBuf::from(name);
        }
        let line = entry.strip_prefix("DA:").and_then(|it| it.split_once(','));
        if let Some((line, count)) = line {
            let line = line.parse().expect("a number");
            let run = files.entry(path.clone()).or_default().entry(line);
            *run.or_default() |= count != "0";
        }
    }
    let mut modules = BTreeSet::new();
    for path in below(sources) {
        let text = fs::read_to_string(&path).expect("the source");
        let tests = for_tests(&text);
        if let Some(lines) = files.get_mut(&path) {
            lines.retain(|line, _| !tests.contains(line));
        }
        let texts = text.lines().enumerate();
        let texts = texts.filter(|(before, _)| tests.contains(&(before + 1)));
        modules.extend(texts.filter_map(|(_, text)| module(&path, text)));
    }
    let kept = files.into_iter().filter(|(path, _)| {
        let file = path.with_extension("");
        !file.ancestors().any(|above| modules.contains(above))
    });
    let named = kept.filter_map(|(path, lines)| {
        let name = path.strip_prefix(sources).ok()?.to_str()?.to_owned();
        (!lines.is_empty()).then_some((name, lines))
    });
    named.collect()
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(below(&path)),
            false => all.push(path),
        }
    }
    all
}

/// The lines of items for tests alone, from `#[cfg(test)]` to the first line as far to the left that ends them.
fn for_tests(text: &str) -> BTreeSet<usize> {
    let mut within = None;
    let mut lines = BTreeSet::new();
    for (before, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() == "#[cfg(test)]" {
            within = within.or(Some(indent));
        }
        if let Some(outer) = within {
            lines.insert(before + 1);
            let ends = line.ends_with(';') || line.trim_start().starts_with('}');
            within = (!ends || indent != outer).then_some(outer);
        }
    }
    lines
}

/// The path, without its ending, of a module that this line of the file at `path` declares.
fn module(path: &Path, line: &str) -> Option<PathBuf> {
    let name = line.strip_suffix(';')?.split("mod ").nth(1)?;
    let own = ["mod.rs", "lib.rs"].iter().any(|it| path.ends_with(it));
    let folder = match own {
        true => path.parent()?.to_owned(),
        false => path.with_extension(""),
    };
    Some(folder.join(name))
}

fn print(files: &BTreeMap<String, Lines>) {
    let mut rows: Vec<_> = files
        .iter()
        .map(|(name, lines)| (figures(lines), name))
        .collect();
    rows.sort_by(|((run, all), _), ((other_run, other_all), _)| {
        (run * other_all).cmp(&(other_run * all))
    });
    let sum = |(run, all), ((more_run, more_all), _): &((usize, usize), _)| {
        (run + more_run, all + more_all)
    };
    let total = rows.iter().fold((0, 0), sum);
    for ((run, all), name) in &rows {
        println!("{:6.2} % {run:6} of {all:6}  {name}", percent(*run, *all));
    }
    println!(
        "{:6.2} % {:6} of {:6}",
        percent(total.0, total.1),
        total.0,
        total.1
    );
}

/// How many lines were run, and how many there are.
fn figures(lines: &Lines) -> (usize, usize) {
    (lines.values().filter(|run| **run).count(), lines.len())
}

fn percent(run: usize, all: usize) -> f64 {
    run as f64 * 100.0 / all as f64
}

fn show(name: &str, path: &Path, lines: &Lines) {
    let text = fs::read_to_string(path).expect("the source");
    for (before, text) in text.lines().enumerate() {
        if lines.get(&(before + 1)) == Some(&false) {
            println!("{name}:{}: {text}", before + 1);
        }
    }
}
