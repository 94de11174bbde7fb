//! Signs of life (§11). The server pings, the client answers.

use std::time::{Duration, Instant};

use crate::deadline::{Deadline, Why, after};

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heartbeat {
    /// A ping is to be sent.
    Idle { ping_at: Instant },
    /// A pong is to come.
    Waiting {
        until: Instant,
        /// Whether another packet has put that off already: once per ping.
        extended: bool,
    },
}

/// A timer this late counts as on time: what follows is counted from when it was due, so that times do
/// not drift. Later than that, the process was held up, and the client gets its full time.
const PUNCTUAL: Duration = Duration::from_millis(50);

impl Heartbeat {
    pub(super) fn new(now: Instant, interval: Duration) -> Self {
        Self::Idle {
            ping_at: after(now, interval),
        }
    }

    pub(super) const fn deadline(self) -> Deadline {
        match self {
            Self::Idle { ping_at } => Deadline::new(ping_at, Why::Ping),
            Self::Waiting { until, .. } => Deadline::new(until, Why::PingTimeout),
        }
    }

    /// The ping that was due is sent.
    pub(super) fn ping(&mut self, now: Instant, timeout: Duration) {
        let due = self.deadline().at;
        let punctual = now.saturating_duration_since(due) <= PUNCTUAL;
        let until = Some(after(due, timeout)).filter(|&until| punctual && until > now);
        *self = Self::Waiting {
            until: until.unwrap_or_else(|| after(now, timeout)),
            extended: false,
        };
    }

    /// The client cannot answer yet, for a reason that is ours: its time begins again.
    pub(super) fn wait(&mut self, now: Instant, timeout: Duration) {
        if let Self::Waiting { until, .. } = self {
            *until = after(now, timeout);
        }
    }

    /// A pong has come. One that nobody asked for changes nothing.
    pub(super) fn pong(&mut self, now: Instant, interval: Duration) {
        match self {
            Self::Idle { .. } => {}
            Self::Waiting { .. } => *self = Self::new(now, interval),
        }
    }

    /// Another packet has come: a client that is sending something large is alive. Whether that changes
    /// anything.
    pub(super) fn other(&mut self, now: Instant, timeout: Duration) -> bool {
        match self {
            Self::Idle { .. } | Self::Waiting { extended: true, .. } => false,
            Self::Waiting { until, extended } => {
                *until = after(now, timeout);
                *extended = true;
                true
            }
        }
    }
}
