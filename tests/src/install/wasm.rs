//! A compiler for browsers, as Debian has one: unpacked into the cache, and installed nowhere.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{placed, workspace};
use crate::process::{Group, run};

/// The compiler, and the sources of std, of which Debian has none that is built for browsers.
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

const TARGET: &str = "wasm32-unknown-unknown";

/// Until an answer of the package manager. A busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(600);

/// A compiler for `wasm32-unknown-unknown`.
#[derive(Debug)]
pub struct Wasm {
    place: PathBuf,
}

impl Wasm {
    /// The compiler, downloaded if need be.
    ///
    /// # Errors
    /// Why it cannot be had here, for people: it is no Debian, or one without these packages, or there is no
    /// network, or the compiler is older than what this workspace asks for.
    pub fn installed() -> Result<Self, String> {
        let packages = missing().or_else(|_| {
            // The lists may never have been fetched.
            ask("apt-get", &["-qq", "update"])?;
            missing()
        })?;
        let print = ["--print-uris", "download"].into_iter();
        let files: BTreeSet<_> = ask(
            "apt-get",
            &print.chain(names(&packages)).collect::<Vec<_>>(),
        )?
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .collect();
        let mut versions = DefaultHasher::new();
        files.hash(&mut versions);
        let mut outcome = Ok(());
        let place = placed("wasm", versions.finish(), |into| {
            outcome = unpack(into, &packages);
        });
        if outcome.is_err() {
            // Half of one.
            let _ = fs::remove_dir_all(&place);
        }
        let compiler = outcome.map(|()| Self { place })?;
        compiler.is_new_enough()?;
        Ok(compiler)
    }

    /// Builds the library of a package of this workspace; panics with what the compiler says if it cannot.
    pub fn build(&self, package: &str) -> PathBuf {
        let target = self.place.join("target");
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        self.environment(&mut build);
        build
            .current_dir(workspace())
            .env("RUSTC", self.rustc())
            // Of a stable compiler: to build std is no stable option of cargo.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_TARGET_DIR", &target)
            .args(["build", "--quiet", "--locked", "--lib", "--all-features"])
            .args(["--package", package, "--target", TARGET])
            .args(["-Z", "build-std=std,panic_abort"]);
        for inherited in ["RUSTC_WRAPPER", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            build.env_remove(inherited);
        }
        run(&mut build, LIMIT * 3);
        target
            .join(TARGET)
            .join("debug")
            .join(format!("lib{}.rlib", package.replace('-', "_")))
    }

    fn rustc(&self) -> PathBuf {
        self.place.join("usr/bin/rustc")
    }

    /// Its libraries are where nobody looks for them.
    fn environment(&self, command: &mut Command) {
        let folders = fs::read_dir(self.place.join("usr/lib"));
        let folders = folders.into_iter().flatten().flatten();
        let libraries = folders
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
        if let Some(libraries) = libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
    }

    fn is_new_enough(&self) -> Result<(), String> {
        let mut version = Command::new(self.rustc());
        self.environment(&mut version);
        let told = output(version.arg("--version"))?;
        let theirs = told.split_whitespace().nth(1).unwrap_or_default();
        let ours = env!("CARGO_PKG_RUST_VERSION");
        if numbers(theirs) < numbers(ours) {
            return Err(format!("{told} is older than {ours}"));
        }
        Ok(())
    }
}

/// What is needed and not installed here, by the names of the packages. Those of the compiler itself have to
/// be in one place.
fn missing() -> Result<BTreeSet<String>, String> {
    let mut depends = vec!["depends", "--recurse"];
    depends.extend([
        "--no-recommends",
        "--no-suggests",
        "--no-conflicts",
        "--no-breaks",
        "--no-replaces",
        "--no-enhances",
    ]);
    depends.extend(PACKAGES);
    let needed = ask("apt-cache", &depends)?;
    let installed = ask("dpkg-query", &["--show", "--showformat", "${Package}\n"])?;
    let installed: BTreeSet<_> = installed.lines().collect();
    // Lines of other kinds are indented; what is in brackets is a name for several, and what has a colon is of
    // another architecture.
    let is_one = |name: &&str| !name.starts_with([' ', '<', '|']) && !name.contains(':');
    let needed = needed.lines().filter(is_one);
    let missing: BTreeSet<_> = needed
        .filter(|name| name.contains("rust") || !installed.contains(name))
        .map(str::to_owned)
        .collect();
    match PACKAGES.iter().all(|name| missing.contains(*name)) {
        true => Ok(missing),
        false => Err(format!("{PACKAGES:?} are not among {missing:?}")),
    }
}

fn names(packages: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    packages.iter().map(String::as_str)
}

fn unpack(into: &Path, packages: &BTreeSet<String>) -> Result<(), String> {
    let mut download = Command::new("apt-get");
    download.arg("-qq").arg("download").current_dir(into);
    output(download.args(names(packages)))?;
    let files = fs::read_dir(into).map_err(|error| error.to_string())?;
    for file in files.flatten().map(|entry| entry.path()) {
        if file.extension() == Some(OsStr::new("deb")) {
            output(Command::new("dpkg-deb").arg("-x").arg(&file).arg(into))?;
            fs::remove_file(&file).map_err(|error| error.to_string())?;
        }
    }
    // Of the compiler's own sources, only those of std are read: the rest is the half of all.
    for sources in fs::read_dir(into.join("usr/src")).into_iter().flatten() {
        let sources = sources.map_err(|error| error.to_string())?.path();
        for needless in ["compiler", "src"] {
            let _ = fs::remove_dir_all(sources.join(needless));
        }
    }
    Ok(())
}

fn ask(program: &str, arguments: &[&str]) -> Result<String, String> {
    output(Command::new(program).args(arguments))
}

/// What a command says, or why it cannot.
fn output(command: &mut Command) -> Result<String, String> {
    let program = Path::new(command.get_program());
    if program.is_relative() && !is_there(program) {
        return Err(format!("no {}", program.display()));
    }
    let ended = Group::start(command).finish(LIMIT);
    match ended.succeeded() {
        true => Ok(ended.output),
        false => Err(format!("{command:?}: {}", ended.output.trim())),
    }
}

fn is_there(program: &Path) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

fn numbers(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(numbers("1.85.0") < numbers("1.88"));
        assert!(numbers("1.100.0") > numbers("1.88"));
        assert!(numbers("1.88.0") >= numbers("1.88"));
        assert!(numbers("") < numbers("1.88"));
    }

    #[test]
    fn a_command_that_cannot_run_says_why() {
        assert_eq!(
            ask("no-such-program", &[]),
            Err("no no-such-program".into())
        );
        let failed = ask("sh", &["-c", "echo because >&2; exit 1"]);
        assert!(failed.is_err_and(|why| why.ends_with(": because")));
        assert_eq!(ask("sh", &["-c", "echo so"]), Ok("so\n".into()));
    }
}
