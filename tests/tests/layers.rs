//! The house keeps its floors apart: what each package may depend on, with everything below it.

#[path = "layers/sizes.rs"]
mod sizes;
#[path = "layers/targets.rs"]
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sio_tests::{imports::Imports, install::workspace, process::run};

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

/// The floors of the core, from the ground up: each may import those above it in this list.
const CORE_FLOORS: &[&str] = &[
    "time",
    "id",
    "arena",
    "deadline",
    "message",
    "protocol",
    "json",
    "msgpack",
    "packet",
    "config",
    "http",
    "websocket",
    "rooms",
    "digest",
    "engine",
    "details",
    "socket",
    "namespaces",
    "once",
    "recovery",
    "admission",
    "waves",
    "connection",
    "record",
    "server",
    "client",
];

/// The floors of the cluster's package, from the ground up: each may import those above it in this list.
const CLUSTER_FLOORS: &[&str] = &[
    "digest", "id", "entry", "reader", "limits", "message", "config", "channels", "wire", "codec",
    "restore", "node", "emitter",
];

/// The floors of the admins' side, from the ground up: each may import those above it in this list.
const ADMIN_FLOORS: &[&str] = &[
    "options", "date", "buffer", "shown", "auth", "orders", "stats", "watch",
];

/// The floors of the broker by Redis, from the ground up: each may import those above it in this list.
const REDIS_FLOORS: &[&str] = &[
    "certificates",
    "way",
    "place",
    "policy",
    "error",
    "inbox",
    "command",
    "identity",
    "undone",
    "traffic",
    "line",
    "lane",
    "lines",
    "stream",
    "broker",
    "outlet",
    "emitter",
    "redis",
];

/// The floors of the driver, from the ground up: each may import those above it in this list.
const DRIVER_FLOORS: &[&str] = &[
    "sync",
    "runtime",
    "alarm",
    "system_clock",
    "error",
    "log",
    "metrics",
    "look",
    "scratch",
    "deadlines",
    "websocket",
    "mailbox",
    "endpoint",
    "listeners",
    "event",
    "adapter",
    "cluster",
    "handle",
    "handler",
    "task",
    "serve",
    "client",
    "contract",
    "app",
    "binding",
    "guide",
];

/// The floors of the simulation, from the ground up: each may import those above it in this list.
const SIM_FLOORS: &[&str] = &[
    "choices",
    "ids",
    "trace",
    "history",
    "timers",
    "hosts",
    "tasks",
    "net",
    "world",
    "clock",
    "stream",
    "sim",
    "dial",
    "host",
    "faults",
    "client",
    "chart",
    "paused",
    "check",
    "test_your_handlers",
];

/// What a package is built from, features all on, a line each.
fn lines(package: &str, edges: &str) -> String {
    lines_with(package, edges, &["--all-features"])
}

/// The same with these features.
fn lines_with(package: &str, edges: &str, features: &[&str]) -> String {
    let mut tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    tree.current_dir(workspace())
        .args(["tree", "--quiet", "--edges", edges, "--prefix", "none"])
        .args(features)
        .args(["--format", "{p}", "--package", package]);
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
fn the_cluster_is_made_of_the_core() {
    let mut allowed: BTreeSet<String> = CORE.iter().map(|name| (*name).to_owned()).collect();
    allowed.insert("sio-core".to_owned());
    let found = tree("sio-cluster");
    assert!(found.contains("sio-core"), "the tree was read: {found:?}");
    let strangers: Vec<_> = found.difference(&allowed).collect();
    assert!(strangers.is_empty(), "not in the cluster: {strangers:?}");
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

/// Nothing of the simulation waits for the operating system, which no seed repeats.
#[test]
fn the_simulation_has_no_runtime_of_the_system() {
    let found = tree("sio-sim");
    assert!(found.contains("sio-driver"), "the tree was read: {found:?}");
    let strangers: Vec<_> = RUNTIMES
        .iter()
        .filter(|name| found.contains(**name))
        .collect();
    assert!(strangers.is_empty(), "not in the simulation: {strangers:?}");
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
    assert_eq!(of_tokio(&lines), BTreeSet::from(["default", "sync"]));
}

/// The features of tokio that are there.
fn of_tokio(lines: &str) -> BTreeSet<&str> {
    let features = lines.lines();
    let features =
        features.filter_map(|line| line.strip_prefix("tokio feature \"")?.split('"').next());
    features.collect()
}

/// The redis crate is written with tokio's traits for IO and its channels: what runs a task, a timer or a socket of
/// tokio's is not built for smol.
#[test]
fn redis_on_smol_brings_no_runtime_of_tokio() {
    let with = ["--no-default-features", "--features", "smol"];
    let built = lines_with("sio-redis", "normal", &with);
    let names: BTreeSet<_> = built
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(names.contains("async-io"), "the tree was read: {names:?}");
    assert!(!names.contains("mio"), "below sio-redis: {names:?}");
    let lines = lines_with("sio-redis", "normal,features", &with);
    assert_eq!(of_tokio(&lines), BTreeSet::from(["default", "sync"]));
}

/// The files of Rust below a folder, but what was built or installed there.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default();
            if ["target", "node_modules"].iter().any(|its| name == *its) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|its| its == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                sources.push((path, text));
            }
        }
    }
    sources
}

/// Time is told to the core in its own terms, which are there where std's are not.
#[test]
fn the_core_names_no_instant_of_std() {
    let core = workspace().join("core/src");
    let sources = sources(&core);
    let seen = sources.len();
    let named = sources.iter().flat_map(|(path, text)| {
        instants_of_std(text).map(|line| format!("{}:{line}", path.display()))
    });
    let named: Vec<_> = named.collect();
    assert!(seen > 60, "the core was read: {seen} files");
    assert!(named.is_empty(), "std::time::Instant: {named:#?}");
}

/// The lines on which a file of the core names it, from one on, alone or among what else it takes from there.
/// Documentation may.
fn instants_of_std(text: &str) -> impl Iterator<Item = usize> {
    let names = |line: &str| match line.split_once("std::time::") {
        Some((before, rest)) if !before.trim_start().starts_with("//") => {
            let list = rest
                .strip_prefix('{')
                .and_then(|list| list.split('}').next());
            let mut names = list.unwrap_or(rest).split(|c: char| !c.is_alphanumeric());
            match list {
                Some(_) => names.any(|name| name == "Instant"),
                None => names.next() == Some("Instant") || rest.starts_with('*'),
            }
        }
        Some(_) | None => {
            line.contains("use std::time;") || line.contains("use std::{") && line.contains("time")
        }
    };
    let lines = text.lines().enumerate();
    lines.filter_map(move |(at, line)| names(line).then_some(at + 1))
}

#[test]
fn an_instant_of_std_is_found_however_it_is_named() {
    for line in [
        "use std::time::Instant;",
        "use std::time::{Duration, Instant};",
        "    now: std::time::Instant,",
        "use std::time::*;",
        "use std::time;",
        "use std::{sync::Arc, time::{Duration, Instant}};",
    ] {
        let text = format!("use std::fmt;\n{line}\n");
        let found: Vec<_> = instants_of_std(&text).collect();
        assert_eq!(found, [2], "{line}");
    }
    for line in [
        "use std::time::Duration;",
        "use std::time::{Duration, SystemTime};",
        "use crate::time::Instant;",
        "//! let origin = std::time::Instant::now();",
    ] {
        assert_eq!(instants_of_std(line).next(), None, "{line}");
    }
}

/// Every file has its floor, imports from its own and from those below, and no two import each other.
fn stands(src: &str, floors: &[&str]) {
    let imports = Imports::read(&workspace().join(src)).expect("sources");
    let homeless = imports.homeless(floors);
    assert!(
        homeless.is_empty(),
        "{src}: not both module and floor: {homeless:#?}"
    );
    let faults = imports.faults(floors);
    assert!(faults.is_empty(), "in {src}: {faults:#?}");
}

#[test]
fn the_floors_of_the_core_are_kept_apart() {
    stands("core/src", CORE_FLOORS);
}

#[test]
fn the_floors_of_the_cluster_are_kept_apart() {
    stands("core/cluster/src", CLUSTER_FLOORS);
}

#[test]
fn the_floors_of_the_broker_are_kept_apart() {
    stands("core/driver/redis/src", REDIS_FLOORS);
}

#[test]
fn the_floors_of_the_admins_side_are_kept_apart() {
    stands("core/driver/admin/src", ADMIN_FLOORS);
}

#[test]
fn the_floors_of_the_driver_are_kept_apart() {
    stands("core/driver/src", DRIVER_FLOORS);
}

#[test]
fn the_floors_of_the_simulation_are_kept_apart() {
    stands("core/driver/sim/src", SIM_FLOORS);
}

/// What a file shows of others: the names behind `pub use` and a path that begins like this.
fn shown<'a>(text: &'a str, path: &str) -> BTreeSet<&'a str> {
    let uses = text.split("\npub use ").skip(1);
    let uses = uses.filter_map(|it| it.split_once(';').map(|(it, _)| it));
    let lists = uses.filter_map(|it| match it.rsplit_once("::") {
        Some((before, list)) if it.starts_with(path) || before.starts_with(path) => Some(list),
        None if path.is_empty() => Some(it),
        Some(_) | None => None,
    });
    let names = lists.flat_map(|list| list.trim_matches(['{', '}']).split(','));
    let names = names.map(|it| it.rsplit(" as ").next().unwrap_or(it).trim());
    names.filter(|it| !it.is_empty()).collect()
}

#[test]
fn all_bindings_show_the_whole_face_of_applications_by_name() {
    let read = |file: &str| fs::read_to_string(workspace().join(file)).expect("a source");
    let face = read("core/driver/src/app.rs");
    let face = shown(&face, "");
    assert!(face.len() > 70 && face.contains("Io"), "{face:?}");
    for binding in ["bindings-tokio", "bindings-smol", "core/driver/sim"] {
        let root = read(&format!("{binding}/src/lib.rs"));
        assert_eq!(shown(&root, "sio_driver::app"), face, "{binding}");
    }
}

/// A house of three floors, whose files are given with what stands in `room/door.rs`.
fn planted(door: &str) -> Imports {
    let files = [
        (
            "lib.rs",
            "mod ground; mod roof; mod room;\npub use room::Door;",
        ),
        ("ground.rs", "use std::fmt;\npub struct Stone;"),
        (
            "room/mod.rs",
            "mod door;\nmod wall;\npub use door::Door;\npub(crate) use wall::Wall;",
        ),
        ("room/door.rs", door),
        (
            "room/wall.rs",
            "use crate::ground::Stone;\nuse super::Door;\npub struct Wall(Stone, Door);",
        ),
        (
            "roof.rs",
            "use crate::room::{self, Wall};\npub struct Tile;",
        ),
    ];
    Imports::new(files)
}

const PLANTED: &[&str] = &["ground", "room", "roof"];

#[test]
fn what_imports_downwards_is_let_be() {
    let imports = planted(
        r#"
        use crate::ground::Stone;
        // use crate::roof::Tile;
        const NAME: &str = "crate::roof::Tile";
        /* use super::Wall; */
        pub struct Door;
        impl<'a> From<&'a Stone> for Door {}
        #[cfg(test)]
        mod tests {
            use crate::roof::Tile;
        }
        "#,
    );
    assert_eq!(imports.faults(PLANTED), [""; 0]);
    assert_eq!(imports.homeless(PLANTED), [""; 0]);
}

#[test]
fn an_import_upwards_is_found() {
    let upwards = [
        "pub struct Door;\nuse crate::roof::Tile;",
        "pub struct Door;\nuse crate::{ground::Stone, roof::Tile as Cover};",
        "pub struct Door;\nfn close() -> crate::roof::Tile {}",
        "pub struct Door;\npub(crate) use super::super::roof::Tile;",
        "pub struct Door;\nmod bell { use super::super::super::roof::Tile; }",
    ];
    for door in upwards {
        let told = planted(door).faults(PLANTED);
        let expected = "room/door.rs:2 imports roof, but roof is built on room";
        assert_eq!(told, [expected], "{door}");
    }
}

#[test]
fn files_that_import_each_other_are_found() {
    for door in [
        "use super::Wall;\npub struct Door;",
        "pub struct Door(crate::room::Wall);",
    ] {
        let told = planted(door).faults(PLANTED);
        let expected = [
            "room/door.rs:1 imports room::wall, which imports it: room::wall -> room::door",
            "room/wall.rs:2 imports room::door, which imports it: room::door -> room::wall",
        ];
        assert_eq!(told, expected, "{door}");
    }
    // A file and the folder beside it, too.
    let imports = Imports::new([
        ("lib.rs", "mod room;"),
        (
            "room.rs",
            "mod door;\nuse door::Door;\npub struct Room(Door);",
        ),
        ("room/door.rs", "use super::Room;\npub struct Door;"),
    ]);
    let expected = [
        "room.rs:2 imports room::door, which imports it: room::door -> room",
        "room/door.rs:1 imports room, which imports it: room -> room::door",
    ];
    assert_eq!(imports.faults(&["room"]), expected);
}

#[test]
fn a_file_without_a_floor_is_found() {
    let imports = planted("pub struct Door;");
    assert_eq!(imports.homeless(&["ground", "room"]), ["roof"]);
    assert_eq!(
        imports.homeless(&["ground", "room", "roof", "cellar"]),
        ["cellar"]
    );
}
