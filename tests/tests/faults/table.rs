//! The faults that were found, the tests that show each of them mended, and the table made of both.
//!
//! A test says so in the first line of its body, in Rust, JavaScript or Python: `// faults: F1, H3`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use sio_tests::install::workspace;

use crate::marked::{self, Shown};

/// The faults; see its first lines.
const LIST: &str = "tests/tests/faults/table.txt";

/// What was found.
struct Fault<'a> {
    id: &'a str,
    /// Which bindings it needs a test on: `both`, `tokio`, or `any`.
    place: &'a str,
    what: &'a str,
}

fn faults(list: &str) -> Vec<Fault<'_>> {
    let lines = list
        .lines()
        .filter(|line| !line.starts_with(['#', '!', '?']));
    lines
        .map(|line| {
            let mut parts = line.splitn(3, " | ");
            let mut part = || parts.next().unwrap_or_else(|| panic!("{line:?}"));
            Fault {
                id: part(),
                place: part(),
                what: part(),
            }
        })
        .collect()
}

/// Faults that have no test, and why: `! ` those that need none, `? ` those that have none yet.
fn excused<'a>(list: &'a str, mark: &str) -> BTreeMap<&'a str, &'a str> {
    let lines = list.lines().filter_map(|line| line.strip_prefix(mark));
    lines.filter_map(|line| line.split_once(" | ")).collect()
}

fn list() -> String {
    fs::read_to_string(workspace().join(LIST)).unwrap()
}

/// The list without those excuses that a test has made stale.
fn without_stale(list: &str, shown: &BTreeMap<String, Vec<Shown>>) -> String {
    let stale = |line: &&str| {
        let id = line
            .strip_prefix("? ")
            .and_then(|rest| rest.split_once(" | "));
        id.is_some_and(|(id, _)| shown.contains_key(id))
    };
    let kept = list.lines().filter(|line| !stale(line));
    kept.flat_map(|line| [line, "\n"]).collect()
}

fn table(list: &str, shown: &BTreeMap<String, Vec<Shown>>) -> String {
    let (needless, missing) = (excused(list, "! "), excused(list, "? "));
    let mut text = String::from(
        "# What was found wrong, and the tests that show it mended\n\n\
         Made from the tests of the workspace, each of which names what it shows in its first line \
         (`UPDATE_FAULTS=1 cargo test -p sio-tests --all-features --test faults table`). Where no binding is \
         named, no socket is involved.\n\n\
         | id | what | shown by | on |\n|---|---|---|---|\n",
    );
    for Fault { id, what, .. } in faults(list) {
        let (tests, on) = match (shown.get(id), needless.get(id), missing.get(id)) {
            (Some(tests), ..) => {
                let names: Vec<_> = tests.iter().map(|it| format!("`{}`", it.name)).collect();
                (names.join(", "), bindings(tests).join(", "))
            }
            (None, Some(why), _) => (format!("– {why}"), String::new()),
            (None, None, Some(why)) => (format!("no: {why}"), String::new()),
            (None, None, None) => panic!("no test shows {id} ({what}), and nothing says why"),
        };
        let line = format!("| {id} | {} | {} | {on} |", escaped(what), escaped(&tests));
        let _ = writeln!(text, "{line}");
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn bindings(tests: &[Shown]) -> Vec<&'static str> {
    let all: BTreeSet<_> = tests.iter().flat_map(|test| test.on).copied().collect();
    all.into_iter().rev().collect()
}

#[test]
fn the_table_is_what_the_tests_show() {
    let (mut list, shown) = (list(), marked::tests());
    let path = workspace().join("tests/tests/faults/FAULTS.md");
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        list = without_stale(&list, &shown);
        fs::write(workspace().join(LIST), &list).unwrap();
        fs::write(&path, table(&list, &shown)).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == table(&list, &shown),
        "FAULTS.md is not up to date: \
         UPDATE_FAULTS=1 cargo test -p sio-tests --all-features --test faults table"
    );
}

#[test]
fn every_mark_is_a_fault_and_no_excuse_is_stale() {
    let (list, shown) = (list(), marked::tests());
    let known: BTreeSet<_> = faults(&list).iter().map(|fault| fault.id).collect();
    let unknown: Vec<_> = shown.keys().filter(|id| !known.contains(&***id)).collect();
    assert!(unknown.is_empty(), "no such faults: {unknown:?}");
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        // The other test is rewriting the list.
        return;
    }
    for mark in ["! ", "? "] {
        for id in excused(&list, mark).keys() {
            assert!(known.contains(id), "no such fault: {id}");
            assert!(!shown.contains_key(*id), "{id} has a test and an excuse");
        }
    }
}

/// What holds on one binding may not hold on the other.
#[test]
fn what_is_about_sockets_is_shown_on_both_bindings() {
    let (list, shown) = (list(), marked::tests());
    let mut missing = Vec::new();
    for Fault { id, place, .. } in faults(&list) {
        let wanted: &[_] = match place {
            "both" => &["tokio", "smol"],
            "tokio" => &["tokio"],
            "any" => &[],
            other => panic!("{id}: no such place: {other}"),
        };
        let Some(tests) = shown.get(id) else { continue };
        let on = bindings(tests);
        let unshown = wanted.iter().filter(|binding| !on.contains(binding));
        missing.extend(unshown.map(|binding| format!("{id} on {binding}")));
    }
    assert!(missing.is_empty(), "not shown: {missing:?}");
}
