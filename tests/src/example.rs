//! The servers of both bindings, built as the tests are.

use std::{collections::HashMap, path::PathBuf, process::Command, sync::OnceLock, time::Duration};

use serde_json::Value;

use crate::{install::workspace, process::run};

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// `sio-tokio`.
    Tokio,
    /// `sio-smol`.
    Smol,
}

impl Binding {
    fn program(self, name: &str) -> String {
        match (self, name) {
            // An example of the binding's own package, as a reader finds it.
            (Self::Tokio, "chat" | "terminal") => name.to_owned(),
            (Self::Tokio, _) => format!("tokio-{name}"),
            (Self::Smol, _) => format!("smol-{name}"),
        }
    }
}

/// Where a server's program is: `interop` on tokio is `tokio-interop` of `sio-servers`, the chat and its
/// terminal are examples of each binding. Built with the profile and into the target directory of this test, all of them at
/// once.
pub fn example(binding: Binding, name: &str) -> PathBuf {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let name = binding.program(name);
    let program = BUILT.get_or_init(build).get(&name);
    program.cloned().unwrap_or_else(|| {
        panic!("there is no server called {name}");
    })
}

fn build() -> HashMap<String, PathBuf> {
    let test = std::env::current_exe().expect("the test's own path");
    // target/<profile>/deps/<test>
    let target = test
        .ancestors()
        .nth(3)
        .expect("a test lies in a profile's directory of a target directory");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(workspace())
        .args(["build", "--quiet", "--all-features"])
        // For its features: what the tests are built of is not built once more.
        .args(["--package", "sio-tests"])
        .args(["--package", "sio-servers", "--bins"])
        .args(["--package", "sio-tokio", "--example", "chat"])
        .args(["--example", "terminal"])
        .args(["--package", "sio-smol", "--example", "smol-chat"])
        .args(["--example", "smol-terminal"])
        .args(["--message-format=json", "--target-dir"])
        .arg(target);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let messages = run(&mut build, Duration::from_secs(1200));
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}
