//! Plants the bugs of `tests/mutants.toml` into a copy of the sources, all behind one switch and in one build, and looks
//! which worlds find them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::bugs::Bug;

/// Each bug is found within so many worlds.
pub const WORLDS: u64 = 2000;

/// What has become of a bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Its name.
    pub name: String,
    /// What has found it: the property, the number of the world, and of choices that are left. `None`: it survives.
    pub found: Option<String>,
    /// Why it does, where that is known.
    pub why: Option<String>,
}

impl Search {
    /// A row of a table.
    pub fn row(&self) -> String {
        let found = match (&self.found, &self.why) {
            (Some(found), _) => found.replace(' ', " | "),
            (None, Some(why)) => format!("nothing: {why} | - | -"),
            (None, None) => "**nothing** | - | -".to_owned(),
        };
        format!("| {} | {found} |", self.name)
    }
}

/// Looks for those that are wanted, on all cores, and tells of each as soon as it is done. All of them, in the order of
/// the list.
///
/// # Panics
///
/// If the copy cannot be made or built, or a search does not end as it should.
pub fn search(
    root: &Path,
    bugs: &[Bug],
    wanted: impl Fn(&Bug) -> bool,
    tell: impl Fn(&Search) + Sync,
) -> Vec<Search> {
    let find = build(root, bugs);
    let bugs = bugs.iter().zip(1..).filter(|(bug, _)| wanted(bug));
    on_all_cores(bugs.collect(), |(bug, number)| {
        let found = Search {
            name: bug.name.clone(),
            found: run(&find, number, bug),
            why: bug.why.clone(),
        };
        tell(&found);
        found
    })
}

/// Does something to each, on all cores. What comes of them, in their order.
///
/// # Panics
///
/// If that does.
pub fn on_all_cores<A: Send, B: Send>(all: Vec<A>, work: impl Fn(A) -> B + Sync) -> Vec<B> {
    let (left, done) = (
        Mutex::new(all.into_iter().enumerate()),
        Mutex::new(Vec::new()),
    );
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("nobody panics with them").next();
                    let Some((at, one)) = next else { break };
                    let came = work(one);
                    done.lock()
                        .expect("nobody panics with them")
                        .push((at, came));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics with them");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, came)| came).collect()
}

/// Puts the table of what was found where the old one stands in `tests/worlds/README.md`.
///
/// # Panics
///
/// If it has no place there.
pub fn publish(root: &Path, found: &[Search]) {
    let path = root.join("tests/worlds/README.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once("<!-- planted -->\n").expect("its place");
    let (_, after) = rest.split_once("<!-- /planted -->").expect("its end");
    let rows: String = found.iter().map(|it| it.row() + "\n").collect();
    let table =
        format!("| planted bug | found by | in world | choices left |\n|---|---|---|---|\n{rows}");
    let page = format!("{before}<!-- planted -->\n{table}<!-- /planted -->{after}");
    fs::write(path, page).expect("written");
}

/// Plants the bugs into a copy, and builds there what looks for them.
fn build(root: &Path, bugs: &[Bug]) -> PathBuf {
    let copy = root.join("target/planted");
    plant(root, &copy, bugs);
    build_find(root, &copy)
}

/// Builds the example `find` of a copy.
///
/// # Panics
///
/// If it cannot be built.
pub fn build_find(root: &Path, copy: &Path) -> PathBuf {
    let mut build = cargo(copy, "build");
    build.args(["--quiet", "-p", "sio-worlds", "--example", "find"]);
    assert!(build.status().expect("cargo").success(), "it is built");
    root.join("target/planted-build/worlds/examples/find")
}

/// A command of cargo's for a copy, which builds apart from what is built of the sources themselves, for which it would
/// be taken.
pub fn cargo(copy: &Path, command: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(copy);
    cargo.args([command, "--offline", "--profile", "worlds"]);
    cargo.args(["--target-dir", "../planted-build"]);
    // A switch that is asked in constant functions is no matter for the stable language.
    cargo.env("RUSTC_BOOTSTRAP", "sio_core");
    cargo
}

/// Copies what worlds are built of.
///
/// # Panics
///
/// If it cannot be copied.
pub fn copy(root: &Path, copy: &Path) {
    let _ = fs::remove_dir_all(copy);
    for folder in ["core", "tests/tests/differential", "tests/worlds"] {
        copy_all(&root.join(folder), &copy.join(folder));
    }
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock")).expect("the lock");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("the manifest");
    let manifest: Vec<_> = manifest
        .lines()
        .map(|line| match line.starts_with("members = ") {
            true => r#"members = ["core", "core/cluster", "core/driver", "core/driver/sim", "tests/worlds"]"#,
            false => line,
        })
        .collect();
    fs::write(copy.join("Cargo.toml"), manifest.join("\n")).expect("written");
}

/// Plants the bugs in a copy.
fn plant(root: &Path, to: &Path, bugs: &[Bug]) {
    copy(root, to);
    let mut libs = BTreeSet::new();
    for (number, bug) in bugs.iter().enumerate() {
        let (package, _) = bug.file.split_once("/src/").expect("a package's source");
        libs.insert(to.join(package).join("src/lib.rs"));
        let path = to.join(&bug.file);
        let source = fs::read_to_string(&path).expect("a source");
        let switch = format!("crate::planted::is({})", number + 1);
        let with = bug.with.replace("PLANTED", &switch);
        assert_eq!(
            source.matches(&bug.text).count(),
            1,
            "{} stands there once",
            bug.name
        );
        fs::write(path, source.replace(&bug.text, &with)).expect("written");
    }
    for lib in libs {
        let source = fs::read_to_string(&lib).expect("a source");
        fs::write(lib, source + SWITCH).expect("written");
    }
}

/// What each package with a bug in it ends with.
const SWITCH: &str = "
pub(crate) mod planted {
    pub(crate) fn is(number: u32) -> bool {
        static PLANTED: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        let read = || std::env::var(\"SIO_PLANTED\").ok()?.parse().ok();
        *PLANTED.get_or_init(|| read().unwrap_or(0)) == number
    }
}
";

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("it has a name"));
        match path.is_dir() {
            true => copy_all(&path, &to),
            false => drop(fs::copy(&path, &to).expect("copied")),
        }
    }
}

/// What finds a bug. One of the driver is looked for in worlds of the driver's tasks, or where its row says.
fn run(find: &Path, number: usize, bug: &Bug) -> Option<String> {
    let level = bug.file.starts_with("core/driver/").then_some("driver");
    let level = bug.by.as_deref().or(level);
    let out = Command::new(find)
        .args(level)
        .args(["1", &WORLDS.to_string()])
        .env("SIO_PLANTED", number.to_string())
        .output()
        .expect("it runs");
    assert!(
        out.status.success(),
        "{}: {}",
        bug.name,
        String::from_utf8_lossy(&out.stderr)
    );
    let said = String::from_utf8(out.stdout).expect("text");
    match said.trim() {
        "none" => None,
        found => Some(found.to_owned()),
    }
}
