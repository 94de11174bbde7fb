//! The rows of the API, the tests that show them, and the table made of both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::shown::exists;

/// The rows; see its first lines.
const LIST: &str = include_str!("rows.txt");

/// Says which rows a test shows. Read from the source by the test below, too.
pub(crate) fn covers(keys: &[&str]) {
    let known = keys_of_rows();
    for key in keys {
        assert!(known.contains(key), "no such row: {key}");
    }
}

fn keys_of_rows() -> BTreeSet<&'static str> {
    rows().flat_map(|(keys, ..)| keys.split('+')).collect()
}

/// Keys, section, name.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    LIST.lines().filter_map(|line| {
        if line.starts_with(['#', '!', '?', '=']) {
            return None;
        }
        let mut parts = line.splitn(3, " | ");
        Some((parts.next()?, parts.next()?, parts.next()?))
    })
}

/// Rows that have no test, and why: `! ` those that need none, `? ` those that are not there yet.
fn excused(mark: &str) -> BTreeMap<&'static str, &'static str> {
    let lines = LIST.lines().filter_map(|line| line.strip_prefix(mark));
    lines.filter_map(|line| line.split_once(" | ")).collect()
}

/// Rows that tests of other suites show, which their lines name: `= `.
fn elsewhere() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let lines = LIST.lines().filter_map(|line| line.strip_prefix("= "));
    let lines = lines.filter_map(|line| line.split_once(" | "));
    lines.map(|(key, tests)| (key, tests.split("; ").collect()))
}

/// The tests by the keys they name, or that name them.
fn tests() -> BTreeMap<String, Vec<String>> {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, tests) in elsewhere() {
        let tests = tests.into_iter().map(str::to_owned);
        by_key.entry(key.to_owned()).or_default().extend(tests);
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api");
    let mut files: Vec<_> = fs::read_dir(&here)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "rs"))
        .collect();
    files.sort();
    for path in files {
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        for test in source.split("#[test]\nfn ").skip(1) {
            let (name, body) = test.split_once("()").unwrap();
            let Some((_, named)) = body.split_once("covers(&[") else {
                continue;
            };
            let (named, _) = named.split_once(']').unwrap();
            for key in named.split('"').skip(1).step_by(2) {
                let place = format!("{file}::{name}");
                by_key.entry(key.to_owned()).or_default().push(place);
            }
        }
    }
    by_key
}

fn table() -> String {
    let tests = tests();
    let (needless, missing) = (excused("! "), excused("? "));
    let mut text = String::from(
        "# The server API of Socket.IO, row by row\n\n\
         Made from the tests of this folder, each of which names the rows that it shows, and from those of \
         other suites that are named here \
         (`UPDATE_ROWS=1 cargo test -p sio-tests --test api rows`). Section `a` is what later lines removed or \
         changed.\n\n\
         | row | section | ours | shown by |\n|---|---|---|---|\n",
    );
    for (keys, section, name) in rows() {
        let found: Option<Vec<_>> = keys.split('+').map(|key| tests.get(key)).collect();
        let (ours, shown) = match (found, needless.get(keys), missing.get(keys)) {
            (Some(found), ..) => {
                let names = found.into_iter().flatten();
                let names: Vec<_> = names.map(|test| format!("`{test}`")).collect();
                ("yes", names.join(", "))
            }
            (None, Some(why), _) => ("–", (*why).to_owned()),
            (None, None, Some(why)) => ("no", (*why).to_owned()),
            (None, None, None) => {
                panic!("no test shows {keys} ({name}), and nothing says why")
            }
        };
        let name = name.replace('|', "\\|");
        let _ = writeln!(text, "| {name} | {section} | {ours} | {shown} |");
    }
    text
}

#[test]
fn the_table_is_what_the_tests_show() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/ROWS.md");
    let table = table();
    if std::env::var_os("UPDATE_ROWS").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == table,
        "ROWS.md is not up to date: UPDATE_ROWS=1 cargo test -p sio-tests --test api rows"
    );
}

#[test]
fn tests_of_other_suites_are_there() {
    for (key, tests) in elsewhere() {
        for test in tests {
            assert!(exists(test), "{key}: no such test: {test}");
        }
    }
}

#[test]
fn every_key_is_a_row_and_no_excuse_is_stale() {
    let known = keys_of_rows();
    let tests = tests();
    let unknown: Vec<_> = tests
        .keys()
        .filter(|key| !known.contains(&***key))
        .collect();
    assert!(unknown.is_empty(), "no such rows: {unknown:?}");
    for mark in ["! ", "? "] {
        for key in excused(mark).keys() {
            assert!(known.contains(key), "no such row: {key}");
            assert!(!tests.contains_key(*key), "{key} has a test and an excuse");
        }
    }
}
