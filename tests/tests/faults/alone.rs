//! Tests that need a process of their own: for its limits, or to count what it has.

use std::process::Command;
use std::time::Duration;

use sio_tests::process::run;

/// Set in the process that a test has to itself; its value is the test's name.
const ALONE: &str = "SIO_TEST_ALONE";

/// Runs a test in a process where nothing else happens. `name` is what the test harness calls it, behind
/// the name of this program.
pub(crate) fn alone(name: &str, test: impl FnOnce()) {
    let _ = printed(name, test);
}

/// The same; what that process printed, `None` inside of it.
pub(crate) fn printed(name: &str, test: impl FnOnce()) -> Option<String> {
    let (_, name) = name.split_once("::").expect("a module's path");
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        test();
        return None;
    }
    let program = std::env::current_exe().expect("the test's own path");
    let mut command = Command::new(program);
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        // How many threads smol starts.
        .env_remove("SMOL_THREADS");
    let output = run(&mut command, Duration::from_secs(60));
    assert!(output.contains("1 passed"), "{output}");
    Some(output)
}

/// One test for each runtime of each of these functions, in a process of its own.
macro_rules! alone_on_each_runtime {
    ($($name:ident,)*) => {
        alone_on_each_runtime!(@ tokio_threads, crate::world::Tokio { workers: 2 }, $($name,)*);
        alone_on_each_runtime!(@ tokio_current_thread, crate::world::Tokio { workers: 0 }, $($name,)*);
        alone_on_each_runtime!(@ smol_executor, crate::world::Smol, $($name,)*);
        alone_on_each_runtime!(@ smol_global, crate::world::SmolGlobal, $($name,)*);
    };
    (@ $runtime:ident, $host:expr, $($name:ident,)*) => {
        mod $runtime {$(
            #[test]
            fn $name() {
                let name = concat!(module_path!(), "::", stringify!($name));
                crate::alone::alone(name, || crate::world::run(super::$name(&$host)));
            }
        )*}
    };
}

pub(crate) use alone_on_each_runtime;
