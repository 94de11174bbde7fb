//! Signs of life (§11). In revision 4 the server pings and the client answers; in revision 3 the client
//! pings, and any packet is a sign of life.

use std::time::Duration;

use crate::config::Config;
use crate::deadline::{Deadline, PUNCTUAL, Why, after};
use crate::protocol::Eio;
use crate::time::Instant;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Heartbeat {
    /// A ping is to be sent.
    Idle { ping_at: Instant },
    /// A pong is to come.
    Waiting {
        until: Instant,
        /// Whether another packet has put that off already: once per ping.
        extended: bool,
    },
    /// The client pings when it likes to.
    Clients {
        heard_at: Instant,
        /// When to look whether it was heard of. It was not put off by every packet: those are many.
        look_at: Instant,
    },
}

/// The times that both ends keep to: the server's configuration, told to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Times {
    interval: Duration,
    timeout: Duration,
}

impl Times {
    pub(super) const fn of(config: &Config) -> Self {
        Self {
            interval: config.ping_interval,
            timeout: config.ping_timeout,
        }
    }

    pub(crate) const fn new(interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout }
    }

    /// From the last sign of life to the next ping.
    pub(crate) const fn interval(self) -> Duration {
        self.interval
    }

    /// From a ping to its answer.
    pub(crate) const fn timeout(self) -> Duration {
        self.timeout
    }

    /// How long who pings may be silent.
    pub(crate) const fn silence(self) -> Duration {
        self.interval.saturating_add(self.timeout)
    }
}

impl Heartbeat {
    pub(super) fn new(revision: Eio, now: Instant, times: Times) -> Self {
        match revision {
            Eio::V3 => Self::Clients {
                heard_at: now,
                look_at: after(now, times.silence()),
            },
            Eio::V4 => Self::Idle {
                ping_at: after(now, times.interval),
            },
        }
    }

    /// Whether it is the client that pings.
    pub(super) const fn is_clients(self) -> bool {
        matches!(self, Self::Clients { .. })
    }

    pub(super) const fn deadline(self) -> Deadline {
        match self {
            Self::Idle { ping_at } => Deadline::new(ping_at, Why::Ping),
            Self::Waiting { until, .. } => Deadline::new(until, Why::PingTimeout),
            Self::Clients { look_at, .. } => Deadline::new(look_at, Why::PingTimeout),
        }
    }

    /// The ping that was due is sent. What follows is counted from when it was due, so that times do not
    /// drift, unless that is long ago: the client gets its full time.
    pub(super) fn ping(&mut self, now: Instant, times: Times) {
        let due = self.deadline().at;
        let punctual = now.saturating_duration_since(due) <= PUNCTUAL;
        let until = Some(after(due, times.timeout)).filter(|&until| punctual && until > now);
        *self = Self::Waiting {
            until: until.unwrap_or_else(|| after(now, times.timeout)),
            extended: false,
        };
    }

    /// Whether the client's time is over, now that the deadline has come.
    pub(super) fn is_over(&mut self, now: Instant, times: Times) -> bool {
        match self {
            Self::Idle { .. } | Self::Waiting { .. } => true,
            Self::Clients { heard_at, look_at } => {
                *look_at = after(*heard_at, times.silence());
                *look_at <= now
            }
        }
    }

    /// The client could not be heard, for a reason that is ours: its time begins again.
    pub(super) fn wait(&mut self, now: Instant, times: Times) {
        match self {
            Self::Idle { .. } => {}
            Self::Waiting { until, .. } => *until = after(now, times.timeout),
            Self::Clients { heard_at, look_at } => {
                *heard_at = now;
                *look_at = after(now, times.silence());
            }
        }
    }

    /// The client goes over to its WebSocket: whatever was due stays due, but it was heard of.
    pub(super) const fn upgrade(&mut self, now: Instant) {
        match self {
            Self::Idle { .. } | Self::Waiting { .. } => {}
            Self::Clients { heard_at, .. } => *heard_at = now,
        }
    }

    /// A packet has come. A client that is sending something large instead of a pong is alive; a pong that
    /// nobody asked for changes nothing. Whether the deadline is another now.
    pub(super) fn hear(&mut self, now: Instant, pong: bool, times: Times) -> bool {
        match self {
            Self::Idle { .. } => false,
            Self::Waiting { .. } if pong => {
                *self = Self::Idle {
                    ping_at: after(now, times.interval),
                };
                true
            }
            Self::Waiting { extended: true, .. } => false,
            Self::Waiting { until, extended } => {
                *until = after(now, times.timeout);
                *extended = true;
                true
            }
            Self::Clients { heard_at, .. } => {
                *heard_at = now;
                false
            }
        }
    }
}
