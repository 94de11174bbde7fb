//! The table of what a client's face offers names tests that are there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sio_tests::install::workspace;

const TABLE: &str = include_str!("ROWS.md");

/// The sources of these folders, all the way down, by the names of their files.
fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            found.entry(name).or_default().push_str(&text);
        }
    }
}

#[test]
fn what_shows_a_row_is_there() {
    let mut found = BTreeMap::new();
    let folders = [
        "tests/tests/dialling",
        "core/src/client",
        "core/driver/src/client",
    ];
    for folder in folders {
        sources(&workspace().join(folder), &mut found);
    }
    let terminal = fs::read_to_string(workspace().join("tests/tests/terminal.rs")).unwrap();
    found.insert("terminal".to_owned(), terminal);
    let mut rows = 0;
    for line in TABLE.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
        let [_, ours, shown] = &*cells else {
            panic!("three cells: {line}");
        };
        rows += 1;
        let tests: Vec<_> = shown.split('`').skip(1).step_by(2).collect();
        match *ours {
            "yes" => assert!(!tests.is_empty(), "nothing shows {line}"),
            other => {
                assert_eq!(other, "no", "{line}");
                continue;
            }
        }
        for test in tests {
            let (file, name) = test.split_once("::").expect("a file and a test");
            let text = found.get(file).map(String::as_str).unwrap_or_default();
            assert!(text.contains(&format!("fn {name}")), "no {test}: {line}");
        }
    }
    assert!(rows > 30, "the table was read: {rows}");
}
