//! The official JavaScript client: fetched by npm once, then kept.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const VERSION: &str = "4.8.4";
/// How long npm may take.
const PATIENCE: Duration = Duration::from_secs(90);

fn cache() -> PathBuf {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The binary may have been moved away from where it was built.
    let root = workspace
        .canonicalize()
        .unwrap_or_else(|_| std::env::temp_dir());
    root.join(".cache")
        .join(format!("socket.io-client-{VERSION}"))
}

/// The minified bundle. The error says what to do, for the person at the terminal.
pub(crate) fn bundle() -> Result<Vec<u8>, String> {
    let cache = cache();
    let file = cache.join("node_modules/socket.io-client/dist/socket.io.min.js");
    if !file.is_file() {
        eprintln!("fetching socket.io-client {VERSION} with npm, this once");
        install(&cache).map_err(|why| {
            format!(
                "socket.io-client {VERSION} could not be fetched: {why}.\n\
                 The chat's page needs it. Install Node.js with npm and start again, or put the\n\
                 client's socket.io.min.js at {}",
                file.display()
            )
        })?;
    }
    std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))
}

fn install(cache: &PathBuf) -> Result<(), String> {
    std::fs::create_dir_all(cache).map_err(|error| format!("{}: {error}", cache.display()))?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut running = Command::new(npm)
        .args(["install", "--no-save", "--ignore-scripts", "--no-audit"])
        .args(["--no-fund", "--silent", "--prefix"])
        .arg(cache)
        .arg(format!("socket.io-client@{VERSION}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("npm did not start: {error}"))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match running.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("npm ended with {status}")),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(100)),
            Ok(None) => {
                let _ = running.kill();
                let _ = running.wait();
                return Err(format!("npm took more than {} s", PATIENCE.as_secs()));
            }
            Err(error) => return Err(format!("npm: {error}")),
        }
    }
}
