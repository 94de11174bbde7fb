//! Signs of life, as a client sees them (§11). In revision 4 the server pings, and nothing but its pings is a
//! sign; in revision 3 the client pings, and any packet is one.

use crate::deadline::{Deadline, Why, after, earliest};
use crate::engine::Times;
use crate::protocol::Eio;
use crate::time::Instant;

/// What is expected of the server.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) enum Pulse {
    /// Its next ping.
    Servers { until: Instant },
    /// Anything.
    Ours {
        /// When to ping; not before the last ping was answered.
        ping_at: Option<Instant>,
        until: Instant,
    },
}

impl Pulse {
    pub(super) fn new(revision: Eio, now: Instant, times: Times) -> Self {
        let until = after(now, times.silence());
        match revision {
            Eio::V3 => Self::Ours {
                ping_at: Some(after(now, times.interval())),
                until,
            },
            Eio::V4 => Self::Servers { until },
        }
    }

    /// When the server is given up.
    pub(super) const fn until(self) -> Instant {
        match self {
            Self::Servers { until } | Self::Ours { until, .. } => until,
        }
    }

    pub(super) fn deadline(self) -> Deadline {
        let end = Deadline::new(self.until(), Why::PingTimeout);
        let ping = match self {
            Self::Servers { .. } => None,
            Self::Ours { ping_at, .. } => ping_at.map(|at| Deadline::new(at, Why::Ping)),
        };
        earliest(ping, Some(end)).unwrap_or(end)
    }

    /// A packet has come.
    pub(super) fn hear(&mut self, now: Instant, what: Heard, times: Times) {
        match (self, what) {
            (Self::Servers { until }, Heard::Ping) => *until = after(now, times.silence()),
            (Self::Servers { .. }, Heard::Pong | Heard::Other) => {}
            (Self::Ours { ping_at, until }, what) => {
                *until = after(now, times.silence());
                if what == Heard::Pong {
                    *ping_at = Some(after(now, times.interval()));
                }
            }
        }
    }

    /// Whether it is time to ping; from then on an answer is due.
    pub(super) fn pings(&mut self, now: Instant, times: Times) -> bool {
        match self {
            Self::Ours { ping_at, until } if ping_at.is_some_and(|at| at <= now) => {
                *ping_at = None;
                *until = after(now, times.timeout());
                true
            }
            Self::Ours { .. } | Self::Servers { .. } => false,
        }
    }
}

/// What has come, as far as it counts here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Ping,
    Pong,
    Other,
}

/// What a client says of the heartbeat: pings in revision 3, pongs in revision 4.
pub(super) const fn beat(revision: Eio) -> &'static [u8] {
    match revision {
        Eio::V3 => b"2",
        Eio::V4 => b"3",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_nanos(ms * 1_000_000)
    }

    fn times() -> Times {
        Times::new(Duration::from_millis(300), Duration::from_millis(100))
    }

    #[test]
    fn only_pings_put_a_server_off_that_pings() {
        let mut pulse = Pulse::new(Eio::V4, at(0), times());
        assert_eq!(pulse.deadline(), Deadline::new(at(400), Why::PingTimeout));
        pulse.hear(at(100), Heard::Other, times());
        pulse.hear(at(100), Heard::Pong, times());
        assert_eq!(pulse.until(), at(400));
        pulse.hear(at(200), Heard::Ping, times());
        assert_eq!(pulse.until(), at(600));
        assert!(!pulse.pings(at(600), times()));
    }

    #[test]
    fn a_server_that_is_pinged_may_answer_by_anything() {
        let mut pulse = Pulse::new(Eio::V3, at(0), times());
        assert_eq!(pulse.deadline(), Deadline::new(at(300), Why::Ping));
        assert!(!pulse.pings(at(299), times()));
        assert!(pulse.pings(at(300), times()));
        assert_eq!(pulse.deadline(), Deadline::new(at(400), Why::PingTimeout));
        pulse.hear(at(350), Heard::Other, times());
        assert_eq!(pulse.deadline(), Deadline::new(at(750), Why::PingTimeout));
        pulse.hear(at(360), Heard::Pong, times());
        assert_eq!(pulse.deadline(), Deadline::new(at(660), Why::Ping));
    }
}
