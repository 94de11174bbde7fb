//! Servers that clients of ours are pointed at, as they are: the official ones, python-socketio, and ours.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    example::{Binding, example},
    install::{Packages, interop, node_packages, python},
    port::free_address,
    process::Group,
    wire::PATIENCE,
};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Ours, on this binding.
    Ours(Binding),
    /// The official one of 4.8.
    Official,
    /// The official one of 2.5.
    Old,
    /// The official one of 3.1.
    Three,
    /// The official one of 4.0.
    Four,
    /// python-socketio.
    Python,
    /// Anybody's, by the path of its program.
    Program(&'static str),
}

/// What a server is told of its times that is to notice nothing while a test runs.
pub const CALM: [(&str, &str); 4] = [
    ("PING_INTERVAL", "25000"),
    ("PING_TIMEOUT", "20000"),
    ("CONNECT_TIMEOUT", "45000"),
    ("UPGRADE_TIMEOUT", "45000"),
];

/// A server that keeps the contract of `interop`, which can be killed and started again on its port.
#[derive(Debug)]
pub struct Server {
    /// Whose it is.
    pub kind: Kind,
    /// Where it listens.
    pub address: SocketAddr,
    env: Vec<(&'static str, &'static str)>,
    running: Option<Group>,
}

impl Server {
    /// Starts one with these in its environment, and waits until it listens.
    pub fn start(kind: Kind, env: &[(&'static str, &'static str)]) -> Self {
        let mut server = Self {
            kind,
            address: free_address(),
            env: env.to_vec(),
            running: None,
        };
        server.run();
        server
    }

    /// Starts it again.
    pub fn run(&mut self) {
        let node = |script: &str| {
            let mut command = Command::new("node");
            command
                .arg(interop().join("reference").join(script))
                .env("SIO_NODE_PACKAGES", node_packages());
            command
        };
        let early = |package: &str| {
            let mut command = node("interop_early.js");
            command.env("SOCKET_IO", package);
            command
        };
        let mut command = match self.kind {
            Kind::Ours(binding) => Command::new(example(binding, "interop")),
            Kind::Official => node("interop.js"),
            Kind::Old => early("socket.io-2.5"),
            Kind::Three => early("socket.io-3.1"),
            Kind::Four => early("socket.io-4.0"),
            Kind::Program(path) => Command::new(path),
            Kind::Python => {
                let mut command = Command::new(python(Packages::Current));
                command.arg(interop().join("python/serve.py"));
                command
            }
        };
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", self.address.port().to_string())
            .envs(self.env.iter().copied());
        self.running = Some(Group::start(&mut command));
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < end, "{:?} does not listen", self.kind);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its process stands still (`true`), with all its connections, or goes on.
    pub fn stall(&self, still: bool) {
        self.running.as_ref().expect("it is running").stall(still);
    }

    /// It is gone, without a word.
    pub fn kill(&mut self) {
        self.running = None;
    }
}
