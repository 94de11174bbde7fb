//! What the clients need, installed on first use into a cache: `$SIO_TEST_CACHE`, or `.cache` in the
//! workspace. A changed lock file makes a new directory; nothing else is ever installed twice.

mod wasm;

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::process::run;

pub use wasm::Wasm;

const LIMIT: Duration = Duration::from_secs(600);

/// Where the workspace is.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests/ is in the workspace")
        .to_owned()
}

/// Where the clients' programs are.
pub fn interop() -> PathBuf {
    workspace().join("tests/interop")
}

/// Where installed things are kept.
pub fn cache() -> PathBuf {
    std::env::var_os("SIO_TEST_CACHE").map_or_else(|| workspace().join(".cache"), PathBuf::from)
}

/// The directory that holds `node_modules`, as `package-lock.json` describes it.
pub fn node_packages() -> PathBuf {
    npm("node", &interop())
}

/// The same for the adapters of the JavaScript packages.
pub fn cluster_packages() -> PathBuf {
    npm("cluster", &interop().join("cluster"))
}

/// The same for pages: what they are checked with, and those of others.
pub fn page_packages() -> PathBuf {
    npm("pages", &interop().join("pages"))
}

fn npm(name: &str, from: &Path) -> PathBuf {
    let files = ["package.json", "package-lock.json", ".npmrc"];
    installed(name, &files.map(|file| from.join(file)), |into| {
        for file in files {
            fs::copy(from.join(file), into.join(file)).expect("a copy of the lock file");
        }
        run(
            Command::new("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(into),
            LIMIT,
        );
    })
}

/// What a Python interpreter has installed.
#[derive(Clone, Copy, Debug)]
pub enum Packages {
    /// Today's python-socketio: `requirements.txt`.
    Current,
    /// Its line 4, the last one for revision 4: `requirements-4.txt`.
    Line4,
    /// kosoku, which has Autobahn's cases: `tests/autobahn/requirements.txt`.
    Autobahn,
}

/// A Python interpreter that has these packages.
pub fn python(packages: Packages) -> PathBuf {
    let requirements = workspace().join(match packages {
        Packages::Current => "tests/interop/python/requirements.txt",
        Packages::Line4 => "tests/interop/python/requirements-4.txt",
        Packages::Autobahn => "tests/autobahn/requirements.txt",
    });
    let venv = installed("python", std::slice::from_ref(&requirements), |into| {
        let mut create = Command::new("python3");
        create.args(["-m", "venv"]).arg(into);
        if !create.output().expect("python3").status.success() {
            apt_install("python3-venv");
            run(&mut create, LIMIT);
        }
        let mut install = Command::new(into.join("bin/python"));
        run(
            install
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(&requirements),
            LIMIT,
        );
    });
    venv.join("bin/python")
}

/// A Chromium: `$CHROMIUM`, one of the usual places, or Debian's package if this may install it.
pub fn chromium() -> PathBuf {
    let usual = [
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/usr/bin/google-chrome",
    ];
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let find = || usual.iter().map(PathBuf::from).find(|path| path.exists());
    named.or_else(find).unwrap_or_else(|| {
        let _one = alone();
        find().unwrap_or_else(|| {
            apt_install("chromium");
            find().expect("Debian's package puts it into /usr/bin")
        })
    })
}

/// valgrind, or Debian's package of it if this may install it.
pub fn valgrind() -> PathBuf {
    debian("valgrind", "/usr/bin/valgrind")
}

/// A redis-server, or Debian's package of it if this may install it. It is not started.
pub fn redis_server() -> PathBuf {
    debian("redis-server", "/usr/bin/redis-server")
}

/// openssl, or Debian's package of it if this may install it.
pub fn openssl() -> PathBuf {
    debian("openssl", "/usr/bin/openssl")
}

/// nginx, or Debian's package of it if this may install it. It is not started.
pub fn nginx() -> PathBuf {
    debian("nginx-light", "/usr/sbin/nginx")
}

/// HAProxy, or Debian's package of it if this may install it. It is not started.
pub fn haproxy() -> PathBuf {
    debian("haproxy", "/usr/sbin/haproxy")
}

/// A program of Debian's, which is installed if it is missing.
fn debian(package: &str, program: &str) -> PathBuf {
    let place = PathBuf::from(program);
    let _one = alone();
    if !place.exists() {
        apt_install(package);
    }
    place
}

fn apt_install(package: &str) {
    assert!(
        rustix::process::geteuid().is_root() && Path::new("/usr/bin/apt-get").exists(),
        "{package} is missing, and this user cannot install it: please install it and run the tests again"
    );
    run(Command::new("apt-get").args(["-qq", "update"]), LIMIT);
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run(
        install.args([
            "-qq",
            "install",
            "--yes",
            "--no-install-recommends",
            package,
        ]),
        LIMIT,
    );
}

/// A directory filled by `fill`, named by the contents of `files`. It appears all at once: a run
/// that was interrupted, or two at the same time, leave no half of it.
fn installed(name: &str, files: &[PathBuf], fill: impl FnOnce(&Path)) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            .hash(&mut hasher);
    }
    placed(name, hasher.finish(), fill)
}

/// The same, named by a number.
fn placed(name: &str, number: u64, fill: impl FnOnce(&Path)) -> PathBuf {
    let _one = alone();
    let place = cache().join(format!("{name}-{number:016x}"));
    if !place.exists() {
        let unfinished = cache().join(format!(".{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).expect("a directory in the cache");
        fill(&unfinished);
        // Another process may have been faster: then its directory is as good.
        if fs::rename(&unfinished, &place).is_err() {
            assert!(place.exists(), "{} cannot be made", place.display());
            let _ = fs::remove_dir_all(&unfinished);
        }
    }
    place
}

/// One installation at a time in this process.
fn alone() -> impl Drop {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
