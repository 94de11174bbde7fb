//! What the generator is asked for.

use std::time::Duration;

use crate::scenario::Scenario;

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// What the clients do.
    pub scenario: Scenario,
    /// How many they are.
    pub connections: usize,
    /// How many more are in `/` and do nothing.
    pub bystanders: usize,
    /// How long is measured.
    pub window: Duration,
    /// How long they do it before.
    pub warm_up: Duration,
    /// The server's program and its arguments.
    pub server: Vec<String>,
    /// The cores that the server has to stay on, as `taskset -c` has them.
    pub server_cores: Option<String>,
    /// Whether the generator keeps looking for events instead of sleeping until there is one. The
    /// `send` that wakes a sleeper is on the server's bill, and costs most where the generator is
    /// fast and the machine busy.
    pub spin: bool,
}
