//! Servers under load for long: whether they lose anything, and whether what they hold stays the same.

mod churn;
mod crowd;
mod descriptors;
mod flat;
mod killed;
mod steady;

use std::io;
use std::time::Duration;

/// What a server goes through.
#[derive(Debug, Clone, Copy)]
pub enum Soak {
    /// So many have nothing to do, and so many ask once a second.
    Steady {
        /// Those that do nothing.
        idle: usize,
        /// Those that ask.
        active: usize,
        /// For how long.
        time: Duration,
    },
    /// So many come one after another, ask, and leave.
    Churn {
        /// How many.
        count: u64,
    },
    /// The server of so many is killed, and another begins; and they are killed, and others come.
    Killed {
        /// How many.
        clients: usize,
        /// For how long.
        time: Duration,
    },
    /// A server may open so many descriptors, and a hundred clients more than that come.
    Descriptors {
        /// How many.
        limit: usize,
        /// For how long.
        time: Duration,
    },
}

impl Soak {
    /// Has a server go through it. Says what was done; an error is what went wrong, in one sentence.
    pub fn run(self, server: &[String]) -> Result<String, String> {
        match self {
            Self::Steady { idle, active, time } => steady::run(server, idle, active, time),
            Self::Churn { count } => churn::run(server, count),
            Self::Killed { clients, time } => killed::run(server, clients, time),
            Self::Descriptors { limit, time } => descriptors::run(server, limit, time),
        }
    }
}

fn said(error: io::Error) -> String {
    error.to_string()
}
