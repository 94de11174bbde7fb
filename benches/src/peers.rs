//! The servers that are compared: how to build each and how to start it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server that can be compared.
#[derive(Debug)]
pub struct Peer {
    /// Its name on command lines.
    pub key: &'static str,
    /// Its name in tables.
    pub name: &'static str,
    build: Build,
    /// What it is told by its environment.
    pub environment: &'static [(&'static str, &'static str)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Build {
    /// A program of `sio-servers`.
    Ours(&'static str),
    /// A package in `peers/` and one of its programs.
    Package(&'static str, &'static str),
    Node,
}

/// All of them.
pub const PEERS: [Peer; 10] = [
    Peer {
        key: "socketioxide",
        name: "socketioxide, default",
        build: Build::Package("socketioxide", "peer-socketioxide"),
        environment: &[],
    },
    Peer {
        key: "socketioxide-best",
        name: "socketioxide, TCP_NODELAY, current-thread",
        build: Build::Package("socketioxide", "peer-socketioxide"),
        environment: &[("NODELAY", "1"), ("THREADS", "1")],
    },
    Peer {
        key: "node",
        name: "Node socket.io, ws",
        build: Build::Node,
        environment: &[],
    },
    Peer {
        key: "floor",
        name: "floor: tungstenite",
        build: Build::Package("floor", "floor-websocket"),
        environment: &[],
    },
    Peer {
        key: "floor-polling",
        name: "floor: hyper",
        build: Build::Package("floor", "floor-polling"),
        environment: &[],
    },
    Peer {
        key: "sio",
        name: "sio-tokio, default",
        build: Build::Ours("tokio-bench"),
        environment: &[],
    },
    Peer {
        key: "sio-1",
        name: "sio-tokio, 1 thread",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1")],
    },
    Peer {
        key: "sio-2",
        name: "sio-tokio, 2 threads",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "2")],
    },
    Peer {
        key: "smol-1",
        name: "sio-smol, 1 thread",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1")],
    },
    Peer {
        key: "smol-2",
        name: "sio-smol, 2 threads",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "2")],
    },
];

/// Those that meet others at `REDIS_URL`; the first one is what the others are compared with.
pub const NODES: [Peer; 12] = [
    Peer {
        key: "node",
        name: "Node, redis-adapter 8.3, ioredis",
        build: Build::Node,
        environment: &[("ADAPTER", "redis")],
    },
    Peer {
        key: "node-sharded",
        name: "Node, the same, sharded",
        build: Build::Node,
        environment: &[("ADAPTER", "redis-sharded")],
    },
    Peer {
        key: "node-streams",
        name: "Node, redis-streams-adapter 0.3",
        build: Build::Node,
        environment: &[("ADAPTER", "redis-streams")],
    },
    Peer {
        key: "socketioxide",
        name: "socketioxide-redis 0.4, current-thread",
        build: Build::Package("socketioxide-redis", "peer-socketioxide-redis"),
        environment: &[],
    },
    Peer {
        key: "tokio",
        name: "sio-tokio, classic",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis")],
    },
    Peer {
        key: "tokio-v2",
        name: "sio-tokio, v2",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-v2")],
    },
    Peer {
        key: "tokio-sharded",
        name: "sio-tokio, sharded",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-sharded")],
    },
    Peer {
        key: "tokio-streams",
        name: "sio-tokio, streams",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-streams")],
    },
    Peer {
        key: "smol",
        name: "sio-smol, classic",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis")],
    },
    Peer {
        key: "smol-v2",
        name: "sio-smol, v2",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-v2")],
    },
    Peer {
        key: "smol-sharded",
        name: "sio-smol, sharded",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-sharded")],
    },
    Peer {
        key: "smol-streams",
        name: "sio-smol, streams",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis-streams")],
    },
];

/// Those among them that are compared alone with what they are without it.
pub const ALONE: [Peer; 6] = [
    Peer {
        key: "tokio-none",
        name: "sio-tokio, without an adapter",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1")],
    },
    Peer {
        key: "tokio-alone",
        name: "sio-tokio, classic",
        build: Build::Ours("tokio-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis")],
    },
    Peer {
        key: "smol-none",
        name: "sio-smol, without an adapter",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1")],
    },
    Peer {
        key: "smol-alone",
        name: "sio-smol, classic",
        build: Build::Ours("smol-bench"),
        environment: &[("THREADS", "1"), ("ADAPTER", "redis")],
    },
    Peer {
        key: "node-none",
        name: "Node, without an adapter",
        build: Build::Node,
        environment: &[],
    },
    Peer {
        key: "node-alone",
        name: "Node, redis-adapter 8.3",
        build: Build::Node,
        environment: &[("ADAPTER", "redis")],
    },
];

/// The one with this key.
pub fn peer(key: &str) -> Result<&'static Peer, String> {
    let found = PEERS.iter().find(|peer| peer.key == key);
    found.ok_or_else(|| {
        let keys = PEERS.iter().map(|peer| peer.key).collect::<Vec<_>>();
        format!("no server {key}: there are {}", keys.join(", "))
    })
}

/// What was built, each once.
#[derive(Debug, Default)]
pub struct Built {
    programs: HashMap<Build, Vec<String>>,
    /// Where some are built already.
    folder: Option<PathBuf>,
}

impl Built {
    /// Those in this folder need not be built.
    #[must_use]
    pub fn found_in(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            ..Self::default()
        }
    }

    /// A program of `sio-servers`.
    ///
    /// # Errors
    /// It does not build.
    pub fn own(&self, program: &str) -> Result<PathBuf, String> {
        self.found(program).map_or_else(
            || build(&root(), &["-p", "sio-servers", "--bin", program]),
            Ok,
        )
    }

    fn found(&self, program: &str) -> Option<PathBuf> {
        let path = self.folder.as_ref()?.join(program);
        path.exists().then_some(path)
    }

    /// The command that starts a server.
    pub fn command(&mut self, peer: &Peer) -> Result<Vec<String>, String> {
        if let Some(command) = self.programs.get(&peer.build) {
            return Ok(command.clone());
        }
        let peers = root().join("peers");
        let command = match peer.build {
            Build::Ours(program) => {
                vec![self.own(program)?.display().to_string()]
            }
            Build::Package(package, program) => {
                let arguments = ["--locked", "--bin", program];
                let program = match self.found(program) {
                    Some(found) => found,
                    None => build(&peers.join(package), &arguments)?,
                };
                vec![program.display().to_string()]
            }
            Build::Node => {
                let package = peers.join("node");
                let status = Command::new("npm")
                    .arg("ci")
                    .current_dir(&package)
                    .stdout(Stdio::null())
                    .status()
                    .map_err(|error| format!("npm: {error}"))?;
                if !status.success() {
                    return Err("npm ci failed".to_owned());
                }
                let script = package.join("server.js");
                vec!["node".to_owned(), script.display().to_string()]
            }
        };
        self.programs.insert(peer.build, command.clone());
        Ok(command)
    }
}

/// Where this package is.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs `cargo build --release` in a package and asks it where the executable is.
pub fn build(package: &Path, arguments: &[&str]) -> Result<PathBuf, String> {
    eprintln!("building {}", arguments.join(" "));
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(arguments)
        .current_dir(package)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("{} does not build", package.display()));
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .next_back()
        .ok_or_else(|| "cargo names no executable".to_owned())
}
