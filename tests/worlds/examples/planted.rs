//! Plants the bugs of `tests/mutants.toml` into a copy of the sources, all behind one switch and in one build, and
//! says which worlds find: `cargo run -p sio-worlds --example planted` writes the table of `tests/README.md`.
//! Names, or parts of them, say which bugs are run; then nothing is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use sio_worlds::bugs::{Bug, all};

/// What is said of one that no world finds.
const NOTHING: &str = "**nothing** | - | -";

/// Each bug is found within so many worlds.
const WORLDS: u64 = 2000;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bugs = all(&root);
    let copy = root.join("target/planted");
    plant(&root, &copy, &bugs);
    // Apart from what is built of the sources themselves, which it would be taken for.
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .current_dir(&copy)
        .args(["build", "--quiet", "--offline", "--profile", "worlds"]);
    build.args([
        "-p",
        "sio-worlds",
        "--example",
        "find",
        "--target-dir",
        "../planted-build",
    ]);
    assert!(build.status().expect("cargo").success(), "it is built");
    let find = root.join("target/planted-build/worlds/examples/find");
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |bug: &Bug| only.is_empty() || only.iter().any(|part| bug.name.contains(part));
    let bugs = bugs.iter().zip(1..).filter(|(bug, _)| wanted(bug));
    let (left, rows) = (Mutex::new(bugs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("the bugs").next();
                    let Some((bug, number)) = next else { break };
                    let mut found = run(&find, number, bug);
                    if let Some(why) = bug.why.as_ref().filter(|_| found == NOTHING) {
                        found = format!("nothing: {why} | - | -");
                    }
                    let row = format!("| {} | {found} |\n", bug.name);
                    print!("{row}");
                    rows.lock().expect("the rows").push((number, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("the rows");
    rows.sort();
    let head = "| planted bug | found by | in world | choices left |\n|---|---|---|---|\n";
    let rows = rows.iter().map(|(_, row)| row.as_str());
    let table: String = [head].into_iter().chain(rows).collect();
    if only.is_empty() {
        publish(&root.join("tests/README.md"), &table);
    }
}

/// Copies what worlds are built of, and plants the bugs there.
fn plant(root: &Path, copy: &Path, bugs: &[Bug]) {
    let _ = fs::remove_dir_all(copy);
    for folder in ["core", "fuzz/src", "tests/worlds"] {
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
    let mut libs = BTreeSet::new();
    for (number, bug) in bugs.iter().enumerate() {
        let (package, _) = bug.file.split_once("/src/").expect("a package's source");
        libs.insert(copy.join(package).join("src/lib.rs"));
        let path = copy.join(&bug.file);
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

/// What finds a bug: the property, the number of the world, and of choices. One of the driver is looked for in worlds of
/// the driver's tasks.
fn run(find: &Path, number: usize, bug: &Bug) -> String {
    let level = bug.file.starts_with("core/driver/").then_some("driver");
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
        "none" => NOTHING.to_owned(),
        found => found.replace(' ', " | "),
    }
}

/// Puts the table where the old one stands.
fn publish(path: &Path, table: &str) {
    let page = fs::read_to_string(path).expect("the page");
    let (before, rest) = page.split_once("<!-- planted -->\n").expect("its place");
    let (_, after) = rest.split_once("<!-- /planted -->").expect("its end");
    let page = format!("{before}<!-- planted -->\n{table}<!-- /planted -->{after}");
    fs::write(path, page).expect("written");
}
