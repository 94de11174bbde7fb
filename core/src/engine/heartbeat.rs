//! Signs of life (§11). The server pings, the client answers.

use std::time::{Duration, Instant};

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// A ping is to be sent.
    Ping { at: Instant },
    /// A pong is to come.
    Pong {
        by: Instant,
        /// Whether another packet has put the deadline off already: once per ping.
        extended: bool,
    },
}

/// What is to be done about a deadline that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Send a ping.
    Ping,
    /// The client is gone.
    Dead,
}

/// A timer this late counts as on time: what follows is counted from when it was due, so that a
/// client is given up to the millisecond. Later than that, the process was held up, and the client
/// gets its full time.
const PUNCTUAL: Duration = Duration::from_millis(50);

impl Heartbeat {
    pub(super) fn new(now: Instant, interval: Duration) -> Self {
        Self::Ping {
            at: later(now, interval),
        }
    }

    /// When something is due.
    pub(super) fn due(self) -> Instant {
        match self {
            Self::Ping { at } => at,
            Self::Pong { by, .. } => by,
        }
    }

    /// What is due by now, if anything.
    pub(super) fn expire(&mut self, now: Instant, timeout: Duration) -> Option<Beat> {
        let due = self.due();
        if due > now {
            return None;
        }
        match self {
            Self::Ping { .. } => {
                let late = now.saturating_duration_since(due) > PUNCTUAL;
                *self = Self::Pong {
                    by: later(if late { now } else { due }, timeout),
                    extended: false,
                };
                Some(Beat::Ping)
            }
            Self::Pong { .. } => Some(Beat::Dead),
        }
    }

    /// A pong has come. One that nobody asked for changes nothing.
    pub(super) fn pong(&mut self, now: Instant, interval: Duration) {
        match self {
            Self::Ping { .. } => {}
            Self::Pong { .. } => *self = Self::new(now, interval),
        }
    }

    /// Another packet has come: a client that is sending something large is alive.
    pub(super) fn other(&mut self, now: Instant, timeout: Duration) {
        match self {
            Self::Ping { .. } | Self::Pong { extended: true, .. } => {}
            Self::Pong { by, extended } => {
                *by = later(now, timeout);
                *extended = true;
            }
        }
    }
}

/// Some time later, or never: `Config::validate` keeps durations below what a clock can hold.
pub(super) fn later(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or(now)
}
