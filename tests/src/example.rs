//! The example servers, built as the tests are.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use crate::{install::workspace, process::run};

/// Builds an example of `sio-tokio` with the profile and into the target directory of this test; the
/// program's path. After `cargo test --workspace --all-features` nothing is left to build.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    // target/<profile>/deps/<test>
    let target = test
        .ancestors()
        .nth(3)
        .expect("a test lies in a target directory");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(workspace())
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--all-features",
            "--message-format=json",
            "--example",
            name,
        ])
        .arg("--target-dir")
        .arg(target);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let messages = run(&mut build, Duration::from_secs(1200));
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message["target"]["kind"] == serde_json::json!(["example"])
                && message["target"]["name"] == name
        })
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo built no example called {name}:\n{messages}"))
}
