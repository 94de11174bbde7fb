//! What cargo builds: programs by their names, and tests where there are any.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use serde_json::Value;
use sio_tests::{install::workspace, process::run};

use crate::sources;

/// What cargo knows of the packages.
fn metadata() -> Value {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).args([
        "metadata",
        "--quiet",
        "--no-deps",
        "--format-version=1",
    ]);
    let metadata = run(&mut command, Duration::from_secs(120));
    serde_json::from_str(&metadata).expect("cargo's JSON")
}

/// A program for tests that are not there takes as long to link as one with many: where a target has none, it says
/// so. It may have none then.
#[test]
fn where_no_tests_are_built_there_are_none() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let targets = packages
        .iter()
        .flat_map(|package| package["targets"].as_array().expect("targets"));
    let (mut seen, mut unseen) = (0, Vec::new());
    for target in targets {
        let kind = target["kind"][0].as_str().unwrap_or_default();
        let root = Path::new(target["src_path"].as_str().expect("a path"));
        let folder = root.parent().expect("a folder of sources");
        let is_untested = matches!(kind, "lib" | "bin") && target["test"] == false;
        let is_undocumented = kind == "lib" && target["doctest"] == false;
        for (path, text) in sources(folder) {
            seen += usize::from(is_untested);
            if is_untested && has_tests(&text) || is_undocumented && has_examples(&text) {
                unseen.push(path);
            }
        }
    }
    assert!(seen > 20, "the sources were read: {seen}");
    assert!(unseen.is_empty(), "tests that nobody runs: {unseen:#?}");
}

fn has_tests(text: &str) -> bool {
    text.contains("#[test]") || text.contains("cfg(test)")
}

fn has_examples(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let mut comments = lines.filter(|line| line.starts_with("///") || line.starts_with("//!"));
    comments.any(|line| line.contains("```"))
}

#[test]
fn tests_that_nobody_runs_are_found() {
    assert!(has_tests("fn a() {}\n#[test]\nfn b() {}\n"));
    assert!(has_tests("#[cfg(test)]\nmod tests;\n"));
    assert!(!has_tests("fn a() {}\n"));
    assert!(has_examples("//! ```\n//! ```\n"));
    assert!(has_examples("impl A {\n    /// ```text\n}\n"));
    assert!(!has_examples("/// `a`\n// ```\n"));
}

/// Cargo puts the programs of all packages into one directory, the examples into another: of two with one
/// name, whichever was built last is there.
#[test]
fn no_two_programs_have_one_name() {
    // faults: T2
    let metadata = metadata();
    let mut seen = BTreeMap::<(String, String), Vec<&Value>>::new();
    for package in metadata["packages"].as_array().expect("packages") {
        for target in package["targets"].as_array().expect("targets") {
            let kind = target["kind"][0].as_str().unwrap_or_default();
            if matches!(kind, "bin" | "example") {
                let name = target["name"].as_str().unwrap_or_default();
                let at = (kind.to_owned(), name.to_owned());
                seen.entry(at).or_default().push(&package["name"]);
            }
        }
    }
    assert!(seen.len() > 10, "the packages were read: {seen:?}");
    seen.retain(|_, packages| packages.len() > 1);
    assert!(seen.is_empty(), "one name, several programs: {seen:?}");
}
