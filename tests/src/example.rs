//! The example servers of both bindings, built as the tests are.

use std::{
    collections::HashMap,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use crate::{install::workspace, process::run};

/// Whose examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// `sio-tokio`.
    Tokio,
    /// `sio-smol`.
    Smol,
}

impl Binding {
    fn package(self) -> &'static str {
        match self {
            Self::Tokio => "sio-tokio",
            Self::Smol => "sio-smol",
        }
    }
}

/// Builds the examples of a binding with the profile and into the target directory of this test; the
/// program's path.
///
/// Both bindings call their examples the same, and cargo puts both in the same place. So each binding
/// is built by itself, and what was built is linked into a directory of its own before the other one's
/// turn. One process at a time does that.
pub fn example(binding: Binding, name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<Binding, HashMap<String, PathBuf>>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let examples = built
        .get_or_insert_default()
        .entry(binding)
        .or_insert_with(|| build(binding));
    examples.get(name).cloned().unwrap_or_else(|| {
        panic!("{} has no example called {name}", binding.package());
    })
}

fn build(binding: Binding) -> HashMap<String, PathBuf> {
    let test = std::env::current_exe().expect("the test's own path");
    // target/<profile>/deps/<test>
    let profile = test
        .ancestors()
        .nth(2)
        .expect("a test lies in a profile's directory");
    let target = profile
        .parent()
        .expect("a profile lies in a target directory");
    let servers = profile.join("servers").join(binding.package());
    fs::create_dir_all(&servers).expect("a directory for the servers");
    let lock = File::create(profile.join("servers/lock")).expect("a lock file");
    flock(&lock, FlockOperation::LockExclusive).expect("the lock");

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(workspace())
        .args(["build", "--quiet", "--all-features", "--examples"])
        .args(["--message-format=json", "--package", binding.package()])
        .arg("--target-dir")
        .arg(target);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let messages = run(&mut build, Duration::from_secs(1200));
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["kind"] == serde_json::json!(["example"]))
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            let server = servers.join(&name);
            link(Path::new(message["executable"].as_str()?), &server);
            Some((name, server))
        })
        .collect()
}

/// The same file under another name, all at once: somebody may be about to run it.
fn link(from: &Path, to: &Path) {
    let unfinished = to.with_extension(std::process::id().to_string());
    fs::hard_link(from, &unfinished).expect("a link beside the servers");
    fs::rename(&unfinished, to).expect("the link's own name");
    // Renaming one link of a file to another of the same file does nothing.
    let _ = fs::remove_file(&unfinished);
}
