//! A Redis, and servers of Node's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sio_redis::Redis;
use sio_tests::install::{cluster_packages, interop, redis_server};
use sio_tests::port::free_address;
use sio_tests::process::{run as run_to_end, stall};
use tempfile::TempDir;

/// Where the servers of a cluster meet.
pub(crate) trait Meeting {
    fn redis(&self) -> Redis;

    /// Where Node's find it: a port, or those of a Redis Cluster.
    fn ports(&self) -> String;
}

/// A `redis-server` of a test's own, which keeps nothing.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    folder: TempDir,
    told: Vec<String>,
    child: Child,
}

impl RedisServer {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One that is told more than the others.
    pub(crate) fn start_with(told: &[&str]) -> Self {
        Self::start_at(free_port(), told)
    }

    pub(crate) fn start_at(port: u16, told: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let told: Vec<String> = told.iter().map(|it| (*it).to_owned()).collect();
        let child = run(port, &folder, &told);
        let started = Self {
            port,
            folder,
            told,
            child,
        };
        started.wait();
        started
    }

    pub(crate) fn redis(&self) -> Redis {
        Redis::new(&format!("redis://127.0.0.1:{}/", self.port)).unwrap()
    }

    /// It is killed, and nobody is told.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// From its next start on it is told this, too, as the last word.
    pub(crate) fn tell_again(&mut self, word: &str) {
        self.told.push(word.to_owned());
    }

    pub(crate) fn restart(&mut self) {
        self.child = run(self.port, &self.folder, &self.told);
        self.wait();
    }

    /// What it answers to a command of whoever runs it.
    pub(crate) fn say(&self, command: &str) -> String {
        say_to(self.port, command).unwrap()
    }

    /// It stands still, and its connections stay.
    pub(crate) fn stall(&self) {
        stall(&self.child, true);
    }

    pub(crate) fn go_on(&self) {
        stall(&self.child, false);
    }

    fn wait(&self) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                let mut answer = [0; 5];
                let asked = stream.write_all(b"PING\r\n");
                if asked.is_ok() && stream.read_exact(&mut answer).is_ok() && &answer == b"+PONG" {
                    return;
                }
            }
            assert!(Instant::now() < end, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Meeting for RedisServer {
    fn redis(&self) -> Redis {
        self.redis()
    }

    fn ports(&self) -> String {
        self.port.to_string()
    }
}

/// What is answered to a command at this port.
pub(crate) fn say_to(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "{command}\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

pub(crate) fn free_port() -> u16 {
    free_address().port()
}

fn run(port: u16, folder: &TempDir, told: &[String]) -> Child {
    Command::new(redis_server())
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder.path())
        .args(told)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server starts")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of Node's: `tests/interop/cluster/server.js`.
pub(crate) struct NodeServer {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl NodeServer {
    pub(crate) fn start(adapter: &str, redis: &impl Meeting, key: &str) -> Self {
        let mut child = Command::new("node")
            .arg(interop().join("cluster/server.js"))
            .args([adapter, &redis.ports(), key])
            .env("NODE_PACKAGES", cluster_packages())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let port = line
            .trim()
            .strip_prefix("port ")
            .and_then(|it| it.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("node says {line:?}"));
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            child,
        }
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An emitter of Node's says all of this, and ends: `tests/interop/cluster/emit.js`.
pub(crate) fn node_emits(emitter: &str, redis: &RedisServer, key: &str, said: &serde_json::Value) {
    let mut command = Command::new("node");
    command
        .arg(interop().join("cluster/emit.js"))
        .args([emitter, &redis.port.to_string(), key, &said.to_string()])
        .env("NODE_PACKAGES", cluster_packages());
    run_to_end(&mut command, Duration::from_secs(60));
}
