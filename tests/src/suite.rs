//! Client suites written in other languages: `tests/interop`. Each starts its servers by itself,
//! prints a line a case, and ends with a count.

use std::{env, process::Command, time::Duration};

use serde::Deserialize;

use crate::{
    example::{Binding, example},
    install::{Packages, interop, node_packages, python},
    process::Group,
};

/// What the contracts in the suites ask for beyond what our servers do so far. The official
/// implementation has all of it.
const REFERENCE_FEATURES: &str = "dynamic,recovery";

/// What ours has of that.
const FEATURES: &str = "dynamic,recovery";

const LIMIT: Duration = Duration::from_secs(300);

/// A test of each binding for each of these functions of a [`Binding`].
#[macro_export]
macro_rules! on_each_binding {
    ($($name:ident: $run:expr;)*) => {
        $crate::on_each_binding!(@ on_tokio, Tokio, $($name: $run;)*);
        $crate::on_each_binding!(@ on_smol, Smol, $($name: $run;)*);
    };
    (@ $module:ident, $binding:ident, $($name:ident: $run:expr;)*) => {
        mod $module {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let run: fn($crate::example::Binding) = $run;
                    run($crate::example::Binding::$binding);
                }
            )*
        }
    };
}

/// One suite with its environment, ready to run.
#[derive(Debug)]
pub struct Suite {
    command: Command,
}

/// The last line of every suite.
#[derive(Debug, Deserialize)]
struct Count {
    passed: usize,
    failed: Vec<String>,
}

impl Suite {
    /// A program of `tests/interop` for Node.
    pub fn node(script: &str) -> Self {
        let mut command = Command::new("node");
        command
            .arg(interop().join(script))
            .env("SIO_NODE_PACKAGES", node_packages());
        Self { command }
    }

    /// A program of `tests/interop` for Python, with these packages.
    pub fn python(script: &str, packages: Packages) -> Self {
        let mut command = Command::new(python(packages));
        command
            .arg(interop().join(script))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        Self { command }
    }

    /// The server it talks to, on a binding.
    #[must_use]
    pub fn example(mut self, binding: Binding, name: &str) -> Self {
        let server = serde_json::json!([example(binding, name)]);
        self.command
            .env("SERVER", server.to_string())
            .env("FEATURES", FEATURES);
        self
    }

    /// The server of a contract it talks to, on a binding, or, with `SIO_INTEROP_REFERENCE` set, the
    /// official implementation of the same contract (to check the suite itself).
    #[must_use]
    pub fn server(mut self, binding: Binding, name: &str) -> Self {
        if env::var_os("SIO_INTEROP_REFERENCE").is_none() {
            return self.example(binding, name);
        }
        let script = interop().join(format!("reference/{name}.js"));
        let line = serde_json::json!(["node", script]).to_string();
        self.command
            .env("SERVER", line)
            .env("FEATURES", REFERENCE_FEATURES)
            .env("SIO_NODE_PACKAGES", node_packages());
        self
    }

    /// A variable the suite reads.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it; panics with its report unless every case passed and there was at least one.
    pub fn run(mut self) {
        let ended = Group::start(&mut self.command).finish(LIMIT);
        println!("{}", ended.output);
        let last = ended.output.lines().rfind(|line| line.starts_with('{'));
        let count: Option<Count> = last.and_then(|line| serde_json::from_str(line).ok());
        let Some(count) = count else {
            panic!(
                "the suite ended without a count ({:?}):\n{}",
                ended.status, ended.output
            );
        };
        assert!(
            count.failed.is_empty(),
            "failed: {:#?}\n{}",
            count.failed,
            ended.output
        );
        assert!(
            count.passed > 0 && ended.succeeded(),
            "{:?}, {} passed",
            ended.status,
            count.passed
        );
    }
}
