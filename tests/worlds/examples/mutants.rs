//! Runs the core's unit tests against mutants of it: `mutants` has those of four folders listed by `cargo-mutants`, plants
//! all of them in one copy of the sources behind a switch, leaves out what does not compile, and says which of the others no
//! test finds. `mutants <folder>..` does so for other folders of the core: `mutants client`.
//!
//! A test that fails finds a mutant, and so does one that takes 10 s of processor time or 4 GiB. Tests near the mutant come
//! first, then all others, short histories last. What none of them finds 600 worlds are tried on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sio_worlds::planted::{build_find, cargo, copy, on_all_cores};

/// What is changed, if no other folders are named.
const FOLDERS: [&str; 4] = ["engine/session", "rooms", "server", "socket"];

struct Mutant {
    name: String,
    file: String,
    /// What stands at `place` instead.
    with: String,
    place: Range<usize>,
    /// The body of the function that it is in, braces included.
    body: Range<usize>,
    /// What that returns in a box, if it returns what has no name: each body would return another.
    boxed: Option<String>,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().expect("a workspace");
    let named: Vec<_> = std::env::args().skip(1).collect();
    let listed = match named.is_empty() {
        true => listed(&root, &FOLDERS.map(str::to_owned)),
        false => listed(&root, &named),
    };
    // The others are in constants, which have their value before any switch is read.
    let mutants = listed.iter().filter_map(|row| mutant(&root, row));
    let mutants: Vec<_> = mutants.collect();
    let to = root.join("target/mutants");
    copy(&root, &to);
    let (tests, broken) = built(&root, &to, &mutants);
    let (all, constant) = (listed.len(), listed.len() - mutants.len());
    let broken_ones = broken.len();
    println!("{all} mutants: {constant} in constants, {broken_ones} do not compile");
    assert_eq!(finder(&tests, &to, 0, ""), None, "tests hold without any");
    let whole = (1..=mutants.len()).filter(|number| !broken.contains(number));
    let found = on_all_cores(whole.collect(), |number| {
        let mutant = &mutants[number - 1];
        let found = finder(&tests, &to, number, &near(&mutant.file));
        if found.is_none() {
            println!("missed: {}", mutant.name);
        }
        (number, found)
    });
    let by = |round| found.iter().filter(|it| it.1 == Some(round)).count();
    let [close, far, histories] = [0, 1, 2].map(by);
    let missed: Vec<_> = found.iter().filter(|it| it.1.is_none()).collect();
    let (all, none) = (found.len(), missed.len());
    println!("{all}: found nearby {close}, elsewhere {far}, by histories {histories}, not {none}");
    if missed.is_empty() {
        return;
    }
    let worlds = build_find(&root, &to);
    for (number, _) in missed {
        let mut find = limited(&worlds, &to, *number, 600);
        let said = find.args(["1", "600"]).output().expect("it runs").stdout;
        let said = String::from_utf8_lossy(&said);
        println!("worlds say {}: {}", said.trim(), mutants[number - 1].name);
    }
}

/// The mutants that there are, as `cargo-mutants` lists them.
fn listed(root: &Path, folders: &[String]) -> Vec<Value> {
    let mut list = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    list.args("mutants --list --json -p sio-core --all-features".split(' '));
    for folder in folders {
        list.arg(format!("-fcore/src/{folder}.rs"));
        list.arg(format!("-fcore/src/{folder}/**"));
    }
    let out = list.stderr(Stdio::inherit()).current_dir(root).output();
    let out = out.expect("cargo");
    assert!(out.status.success(), "cargo install cargo-mutants");
    serde_json::from_slice(&out.stdout).expect("a list")
}

/// One of a function. `None`: of a constant.
fn mutant(root: &Path, row: &Value) -> Option<Mutant> {
    let text = |it: &Value| it.as_str().expect("text").to_owned();
    let file = text(&row["file"]);
    let source = fs::read_to_string(root.join(&file)).expect("a source");
    let range = |span: &Value| offset(&source, &span["start"])..offset(&source, &span["end"]);
    let function = row["function"].as_object()?;
    let whole = range(&function["span"]);
    // Before it are comments and attributes.
    let lines = source[whole.clone()].split_inclusive('\n');
    let before = lines.take_while(|line| line.trim_start().starts_with(['/', '#']));
    let start = whole.start + before.map(str::len).sum::<usize>();
    let body = start + source[start..].find('{').expect("a body")..whole.end;
    Some(Mutant {
        name: text(&row["name"]),
        with: text(&row["replacement"]),
        place: range(&row["span"]),
        body,
        boxed: boxed(&text(&function["return_type"])),
        file,
    })
}

fn boxed(returned: &str) -> Option<String> {
    let bounds = returned.strip_prefix("-> impl ")?.split('+').next();
    bounds.map(|it| format!("let it: Box<dyn {it} + '_> = Box::new("))
}

/// Lines and characters are counted from 1.
fn offset(source: &str, place: &Value) -> usize {
    let number = |name| place[name].as_u64().expect("a number") as usize - 1;
    let lines = source.split_inclusive('\n').take(number("line"));
    let start = lines.map(str::len).sum();
    let before = source[start..].chars().take(number("column"));
    start + before.map(char::len_utf8).sum::<usize>()
}

/// The unit tests with all mutants that compile, and those that do not.
fn built(root: &Path, to: &Path, mutants: &[Mutant]) -> (PathBuf, BTreeSet<usize>) {
    let lib = fs::read_to_string(root.join("core/src/lib.rs")).expect("a source");
    let lib = [FEATURES, &lib, SWITCH].concat();
    fs::write(to.join("core/src/lib.rs"), lib).expect("written");
    let mut broken = BTreeSet::new();
    // What the compiler says of one hides at times what it would say of others.
    loop {
        let places = plant(root, to, mutants, &broken);
        let mut build = cargo(to, "test");
        let what = "--quiet --no-run -p sio-core --all-features --lib --message-format=json";
        build.args(what.split(' ')).stderr(Stdio::inherit());
        let out = build.output().expect("cargo").stdout;
        let said = out.split(|byte| *byte == b'\n');
        let said = said.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let (mut errors, before) = (Vec::new(), broken.len());
        for message in said {
            if let Some(program) = message["executable"].as_str() {
                return (program.into(), broken);
            }
            let message = &message["message"];
            if message["level"] != "error" {
                continue;
            }
            errors.push(message["rendered"].clone());
            for span in message["spans"].as_array().into_iter().flatten() {
                let at = span["byte_start"].as_u64().expect("a number") as usize;
                let of = places.get(span["file_name"].as_str().expect("a name"));
                let of = of.into_iter().flatten();
                let of = of.filter(|(place, _)| span["is_primary"] == true && place.contains(&at));
                broken.extend(of.map(|(_, number)| *number));
            }
        }
        assert!(broken.len() > before, "no mutant's fault: {errors:#?}");
    }
}

type Places = BTreeMap<String, Vec<(Range<usize>, usize)>>;

/// Plants all that are not broken, each as one more body of its function. Where these are.
fn plant(root: &Path, to: &Path, mutants: &[Mutant], broken: &BTreeSet<usize>) -> Places {
    let mut bodies: BTreeMap<_, BTreeMap<usize, Vec<_>>> = BTreeMap::new();
    for (mutant, number) in mutants.iter().zip(1..) {
        let file = bodies.entry(mutant.file.clone()).or_default();
        let body = file.entry(mutant.body.start).or_default();
        if !broken.contains(&number) {
            body.push((mutant, number));
        }
    }
    let planted = bodies.into_iter().map(|(file, bodies)| {
        let source = fs::read_to_string(root.join(&file)).expect("a source");
        let (mut text, mut places, mut at) = (String::new(), Vec::new(), 0);
        for (start, mutants) in bodies.into_iter().filter(|(_, it)| !it.is_empty()) {
            let body = mutants[0].0.body.clone();
            let whole = |body: &str| match &mutants[0].0.boxed {
                Some(it) => format!("{{ {it}{body}); it }}"),
                None => body.to_owned(),
            };
            text += &source[at..start];
            text.push('{');
            for (mutant, number) in &mutants {
                let (before, after) = (start..mutant.place.start, mutant.place.end..body.end);
                let changed = [&source[before], &mutant.with, &source[after]].concat();
                text += &format!(" if crate::planted::is({number}) ");
                let begin = text.len();
                text += &whole(&changed);
                places.push((begin..text.len(), *number));
                text += " else ";
            }
            text += &whole(&source[body.clone()]);
            text.push('}');
            at = body.end;
        }
        fs::write(to.join(&file), text + &source[at..]).expect("written");
        (file, places)
    });
    planted.collect()
}

/// The module that a file is in.
fn near(file: &str) -> String {
    let path = file.trim_start_matches("core/src/");
    let folder = path.rsplit_once('/').map_or("", |it| it.0);
    folder.replace('/', "::")
}

/// Which of three rounds of tests finds a mutant.
fn finder(tests: &Path, to: &Path, number: usize, near: &str) -> Option<usize> {
    let others = "--skip=histories";
    let rounds: [&[&str]; 3] = [&[near, others], &[others], &["histories"]];
    rounds.iter().position(|round| {
        let mut run = limited(tests, to, number, 10);
        run.arg("--test-threads=1").args(*round);
        let mut run = run.stdout(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(run.stdout.take().expect("it is piped")).lines();
        let mut said = said.map_while(Result::ok);
        if said.any(|line| line.ends_with("FAILED")) {
            run.kill().expect("it is ours");
        }
        !run.wait().expect("it ends").success()
    })
}

/// A program with a mutant and so much of the processor's time, which draws what it draws by one seed.
fn limited(program: &Path, to: &Path, number: usize, seconds: u32) -> Command {
    let mut run = Command::new("sh");
    let limits = format!("ulimit -t {seconds}; ulimit -v 4194304; exec \"$0\" \"$@\"");
    run.args(["-c", &limits]).arg(program);
    run.current_dir(to.join("core"));
    run.env("SIO_PLANTED", number.to_string());
    run.env("PROPTEST_RNG_SEED", "1");
    run.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    run.env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    run.stderr(Stdio::null());
    run
}

/// What the core begins with, ..
const FEATURES: &str = "#![feature(const_eval_select, core_intrinsics)]
#![allow(internal_features, warnings)]
";

/// .. and ends with.
const SWITCH: &str = "
pub(crate) mod planted {
    pub(crate) const fn is(number: u32) -> bool {
        const fn never(_: u32) -> bool { false }
        std::intrinsics::const_eval_select((number,), never, asked)
    }
    fn asked(number: u32) -> bool {
        static PLANTED: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var(\"SIO_PLANTED\").ok()?.parse().ok();
        *PLANTED.get_or_init(|| read().unwrap_or(0)) == number
    }
}
";
