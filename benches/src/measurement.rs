//! What one run of the generator found out. `load` prints it as JSON, `compare` reads it back.

use serde::{Deserialize, Serialize};

/// One server under one scenario, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The scenario's name.
    pub scenario: String,
    /// How long was measured, without the warm-up.
    pub seconds: f64,
    /// Echoes, deliveries, heartbeats or connections.
    pub units: u64,
    /// CPU seconds of the server in user space.
    pub server_user: f64,
    /// CPU seconds of the server in the kernel.
    pub server_system: f64,
    /// CPU seconds of the generator, without those in which it found nothing to do. Near `seconds` it
    /// was the limit.
    pub client_cpu: f64,
    /// Half of the latencies are at most this many microseconds.
    pub p50: f64,
    /// 99 % of the latencies are at most this many microseconds.
    pub p99: f64,
    /// 99.9 % of the latencies are at most this many microseconds.
    pub p999: f64,
    /// Of the scenarios with idle connections.
    pub memory: Option<Memory>,
}

/// Resident memory of the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes before the first connection.
    pub before: u64,
    /// Bytes with all connections open and nothing to do.
    pub after: u64,
    /// Bytes after all have left, each time they did.
    pub left: Vec<u64>,
}

impl Measurement {
    /// Units a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.units as f64 / self.seconds
    }

    /// CPU seconds of the server for a million units: the figure to compare.
    #[must_use]
    pub fn cpu_per_million(&self) -> f64 {
        (self.server_user + self.server_system) * 1e6 / self.units as f64
    }

    /// How much of one core the server used.
    #[must_use]
    pub fn server_load(&self) -> f64 {
        (self.server_user + self.server_system) / self.seconds
    }

    /// How much of its core the generator used.
    #[must_use]
    pub fn client_load(&self) -> f64 {
        self.client_cpu / self.seconds
    }

    /// Resident bytes for each idle connection.
    #[must_use]
    pub fn bytes_per_connection(&self) -> Option<f64> {
        let memory = self.memory.as_ref()?;
        Some(memory.after.saturating_sub(memory.before) as f64 / self.units as f64)
    }
}
