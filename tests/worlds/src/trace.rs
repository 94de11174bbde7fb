//! What happens in a world: as a number by which two runs are compared, and as text for people.

use std::hash::{DefaultHasher, Hash, Hasher};

use sio_core::time::Instant;

/// All that has happened.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    hash: u64,
    /// `None`: nobody will read it.
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(told: bool) -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            lines: told.then(Vec::new),
        }
    }

    pub(crate) fn note(&mut self, now: Instant, number: u64, line: impl FnOnce() -> String) {
        for part in [now.as_nanos(), number] {
            self.hash = (self.hash ^ part).wrapping_mul(0x0000_0100_0000_01b3);
            self.hash ^= self.hash >> 29;
        }
        if let Some(lines) = &mut self.lines {
            let ms = now.as_nanos() / 1_000_000;
            lines.push(format!("{:>6}.{:03} {}", ms / 1000, ms % 1000, line()));
        }
    }

    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// What has happened in a simulation, as a number.
pub(crate) fn sum(trace: &sio_sim::Trace) -> u64 {
    let mut hasher = DefaultHasher::new();
    for step in trace.steps() {
        step.to_string().hash(&mut hasher);
    }
    hasher.finish()
}
