//! The tests that name faults, found in the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sio_tests::install::workspace;

/// A test, and what it shows on which bindings.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shown {
    /// As `cargo test` would know it, or the suite's file and the case's name.
    pub(crate) name: String,
    /// None, if no socket is involved.
    pub(crate) on: &'static [&'static str],
}

/// The packages whose sources are looked through, by their folders, and which binding they are.
const PACKAGES: &[(&str, &str, &[&str])] = &[
    ("core/src", "sio_core", &[]),
    ("core/driver/src", "sio_driver", &[]),
    ("bindings-tokio/src", "sio_tokio", &["tokio"]),
    ("bindings-smol/src", "sio_smol", &["smol"]),
    ("benches/src", "sio_benches", &[]),
    ("fuzz/src", "sio_fuzz", &[]),
];

const BOTH: &[&str] = &["smol", "tokio"];

/// What a mark begins with, behind the comment's own sign.
const MARK: &str = "faults: ";

/// The tests by the faults that they name.
pub(crate) fn tests() -> BTreeMap<String, Vec<Shown>> {
    let mut by_id: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    let mut add = |ids: &str, shown: Shown| {
        for id in ids.split(", ") {
            by_id.entry(id.to_owned()).or_default().push(shown.clone());
        }
    };
    for (folder, package, on) in PACKAGES {
        for path in files(&workspace().join(folder), &["rs"]) {
            let module = module(&workspace().join(folder), &path);
            for test in rust(&path) {
                add(&test.ids, test.shown(package, &module, on));
            }
        }
    }
    let suites = workspace().join("tests/tests");
    for path in files(&suites, &["rs"]) {
        let module = module(&suites, &path);
        for test in rust(&path) {
            add(&test.ids, test.shown("", &module, test.bindings()));
        }
    }
    for path in files(&workspace().join("tests/interop"), &["js", "py"]) {
        for (ids, name) in script(&path) {
            let file = path.file_name().unwrap().to_string_lossy();
            let name = format!("{file} {name}");
            // Each of these suites is run against the servers of both.
            add(&ids, Shown { name, on: BOTH });
        }
    }
    for tests in by_id.values_mut() {
        tests.sort();
    }
    by_id
}

/// A function of Rust that names faults.
struct Marked {
    ids: String,
    name: String,
    /// The module inside its file, if it is in one.
    inner: Option<String>,
    listed: Listed,
    body: String,
}

/// How a function becomes a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listed {
    /// By its own attribute.
    Itself,
    /// By a list that makes one for each binding or runtime.
    OnEach,
}

impl Marked {
    fn shown(&self, package: &str, module: &str, on: &'static [&'static str]) -> Shown {
        let inner = self.inner.as_deref().unwrap_or_default();
        let parts = [package, module, inner, &self.name];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let name = parts.join("::");
        Shown { name, on }
    }

    /// Of a test of the suites, whose own types are tokio's.
    fn bindings(&self) -> &'static [&'static str] {
        let says = |word: &str| self.body.to_lowercase().contains(word);
        let serves = ["serve", "tokio", "world", "wire", "listen"];
        match self.listed {
            Listed::OnEach => BOTH,
            Listed::Itself if says("tokio") && says("smol") => BOTH,
            Listed::Itself if says("smol") => &["smol"],
            Listed::Itself if serves.into_iter().any(says) => &["tokio"],
            Listed::Itself => &[],
        }
    }
}

/// The marked tests of a file of Rust.
fn rust(path: &Path) -> Vec<Marked> {
    let source = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = source.lines().collect();
    let marks = lines.iter().enumerate().filter_map(|(at, line)| {
        let ids = line.trim_start().strip_prefix("// ")?.strip_prefix(MARK)?;
        Some((at, ids.to_owned()))
    });
    marks
        .map(|(at, ids)| {
            let place = format!("{}:{}", path.display(), at + 1);
            let start = (0..at)
                .rev()
                .find(|&line| function(lines[line]).is_some())
                .filter(|_| lines[at - 1].ends_with('{'))
                .unwrap_or_else(|| panic!("{place}: not the first line of a test"));
            let name = function(lines[start]).unwrap_or_default().to_owned();
            let indent = lines[start].len() - lines[start].trim_start().len();
            let outer = |line: &&&str| line.starts_with("mod ") && line.ends_with(" {");
            let inner = lines[..start]
                .iter()
                .rfind(outer)
                .filter(|_| indent > 0)
                .map(|line| line["mod ".len()..line.len() - " {".len()].to_owned());
            let end = format!("{}}}", " ".repeat(indent));
            let body: Vec<_> = lines[at..]
                .iter()
                .take_while(|line| ***line != end)
                .copied()
                .collect();
            let listed =
                how(&lines, start, &name).unwrap_or_else(|| panic!("{place}: {name} is no test"));
            Marked {
                ids,
                name,
                inner,
                listed,
                body: body.join("\n"),
            }
        })
        .collect()
}

/// The name of a function whose first line this is.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ")?;
    name.split(['(', '<']).next()
}

fn how(lines: &[&str], start: usize, name: &str) -> Option<Listed> {
    let attributes = lines[..start].iter().rev().map(|line| line.trim_start());
    let mut attributes = attributes.take_while(|line| line.starts_with(['#', '/']));
    if attributes.any(|line| line.starts_with("#[") && line.contains("test]")) {
        return Some(Listed::Itself);
    }
    // Several lists of one file may be kept apart by modules.
    let begins = |line: &str| {
        let (name, _) = line.trim_start().split_once("! {").unwrap_or_default();
        name.contains("on_each_") && !name.contains(' ')
    };
    let starts = (0..lines.len()).filter(|&at| begins(lines[at]));
    let mut words = starts.flat_map(|at| {
        let list = lines[at..].iter().take_while(|line| line.trim() != "}");
        list.flat_map(|line| line.split(|it: char| !it.is_alphanumeric() && it != '_'))
    });
    words.any(|word| word == name).then_some(Listed::OnEach)
}

/// The marked cases of a suite in JavaScript or Python: what they show, and their names.
fn script(path: &Path) -> Vec<(String, String)> {
    let source = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let marks = lines.iter().enumerate().filter_map(|(at, line)| {
        let line = line.strip_prefix("// ").or(line.strip_prefix("# "))?;
        Some((at, line.strip_prefix(MARK)?.to_owned()))
    });
    marks
        .map(|(at, ids)| {
            let above = lines[..at].iter().rev();
            let name = above
                .filter_map(|line| case(line))
                .next()
                .filter(|_| lines[at - 1].ends_with(['{', ':']))
                .unwrap_or_else(|| panic!("{}:{}: not a case", path.display(), at + 1));
            (ids, name)
        })
        .collect()
}

/// The name of a case whose first line this is.
fn case(line: &str) -> Option<String> {
    if let Some(rest) = line.strip_prefix("def ") {
        return Some(rest.split('(').next()?.to_owned());
    }
    let (_, rest) = ["test(", "it("]
        .into_iter()
        .find_map(|call| line.split_once(call))?;
    let quote = rest.chars().next().filter(|it| "\"'`".contains(*it))?;
    Some(rest.split(quote).nth(1)?.to_owned())
}

/// The path of a module below this folder; that of a suite begins with the suite's name.
fn module(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap().with_extension("");
    let parts = inside.iter().map(|part| part.to_string_lossy());
    let parts: Vec<_> = parts
        .filter(|part| !["main", "lib", "mod"].contains(&&**part))
        .collect();
    parts.join("::")
}

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        for path in entries.map(|entry| entry.unwrap().path()) {
            let is = |ending: &str| path.extension().is_some_and(|it| it == ending);
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if extensions.iter().any(|ending| is(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
