//! The house keeps its floors apart: what each package may depend on, with everything below it.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use sio_tests::{install::workspace, process::run};

/// Data types, parsers and tables: all that `sio-core` may know. None of them opens a file or a
/// socket, reads a clock, or draws a random number.
const CORE: &[&str] = &[
    "allocator-api2",
    "base64",
    "block-buffer",
    "bytes",
    "bytestring",
    "castaway",
    "cfg-if",
    "compact_str",
    "cpufeatures",
    "crypto-common",
    "digest",
    "equivalent",
    "foldhash",
    "generic-array",
    "hashbrown",
    "http",
    "itoa",
    "memchr",
    "proc-macro2",
    "quote",
    "rustversion",
    "ryu",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "sha1",
    "siphasher",
    "smallvec",
    "static_assertions",
    "syn",
    "typenum",
    "unicode-ident",
    "zmij",
];

/// What may run futures or touch the operating system's IO. The driver is generic over all of them.
/// hyper brings `tokio` for its channels alone: without `mio` and `socket2` there is no runtime in it.
const RUNTIMES: &[&str] = &[
    "async-global-executor",
    "async-io",
    "async-std",
    "mio",
    "polling",
    "smol",
    "socket2",
];

/// What a package is built from, features all on, a line each.
fn lines(package: &str, edges: &str) -> String {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.current_dir(workspace())
        .args(["tree", "--quiet", "--edges", edges, "--prefix", "none"])
        .args(["--all-features", "--format", "{p}", "--package", package]);
    run(&mut tree, Duration::from_secs(120))
}

/// The names of all packages that a package is built from, its own left out.
fn tree(package: &str) -> BTreeSet<String> {
    lines(package, "normal")
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_core_is_made_of_data_types() {
    let allowed = CORE.iter().map(|name| (*name).to_owned()).collect();
    let found = tree("sio-core");
    assert!(found.contains("bytes"), "the tree was read: {found:?}");
    let strangers: Vec<_> = found.difference(&allowed).collect();
    assert!(strangers.is_empty(), "not in the core: {strangers:?}");
}

#[test]
fn the_driver_has_no_runtime() {
    let found = tree("sio-driver");
    assert!(found.contains("sio-core"), "the tree was read: {found:?}");
    let strangers: Vec<_> = RUNTIMES
        .iter()
        .filter(|name| found.contains(**name))
        .collect();
    assert!(strangers.is_empty(), "not in the driver: {strangers:?}");
}

/// hyper's channels are all that is left of tokio below smol.
#[test]
fn smol_brings_no_runtime_of_tokio() {
    let found = tree("sio-smol");
    assert!(found.contains("async-io"), "the tree was read: {found:?}");
    let strangers: Vec<_> = found
        .iter()
        .filter(|name| name.starts_with("tokio-") || *name == "mio")
        .collect();
    assert!(strangers.is_empty(), "below sio-smol: {strangers:?}");

    let lines = lines("sio-smol", "normal,features");
    let features: BTreeSet<_> = lines
        .lines()
        .filter_map(|line| line.strip_prefix("tokio feature \"")?.split('"').next())
        .collect();
    let allowed = BTreeSet::from(["default", "sync"]);
    assert_eq!(features, allowed, "of tokio, below sio-smol");
}

/// Cargo puts the programs of all packages into one directory, the examples into another: of two with one
/// name, whichever was built last is there.
#[test]
fn no_two_programs_have_one_name() {
    // faults: T2
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).args([
        "metadata",
        "--quiet",
        "--no-deps",
        "--format-version=1",
    ]);
    let metadata = run(&mut command, Duration::from_secs(120));
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo's JSON");
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
