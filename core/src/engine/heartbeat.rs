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
    Idle {
        ping_at: Instant,
        /// How long the last pong took; none has come yet if that is no time at all.
        round_trip: Nanos,
    },
    /// A pong is to come.
    Waiting {
        until: Instant,
        asked_at: Instant,
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

/// A time in one word.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Nanos(u64);

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
                round_trip: Nanos(0),
            },
        }
    }

    /// When the client has answered last, and how long after the ping; none while it is asked again.
    pub(super) fn round_trip(self, times: Times) -> Option<(Instant, Duration)> {
        match self {
            Self::Idle {
                ping_at,
                round_trip: Nanos(nanos @ 1..),
            } => {
                let since = ping_at.saturating_duration_since(Instant::ORIGIN);
                let heard_at = Instant::ORIGIN.saturating_add(since.saturating_sub(times.interval));
                Some((heard_at, Duration::from_nanos(nanos)))
            }
            Self::Idle { .. } | Self::Waiting { .. } | Self::Clients { .. } => None,
        }
    }

    /// Whether it is the client that pings.
    pub(super) const fn is_clients(self) -> bool {
        matches!(self, Self::Clients { .. })
    }

    pub(super) const fn deadline(self) -> Deadline {
        match self {
            Self::Idle { ping_at, .. } => Deadline::new(ping_at, Why::Ping),
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
            asked_at: now,
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
            Self::Waiting { asked_at, .. } if pong => {
                let time = now.saturating_duration_since(*asked_at).as_nanos();
                *self = Self::Idle {
                    ping_at: after(now, times.interval),
                    round_trip: Nanos(u64::try_from(time).unwrap_or(u64::MAX).max(1)),
                };
                true
            }
            Self::Waiting { extended: true, .. } => false,
            Self::Waiting {
                until, extended, ..
            } => {
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

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times::new(Duration::from_secs(25), Duration::from_secs(20));

    fn at(ms: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(ms)
    }

    fn due(ms: u64, why: Why) -> Deadline {
        Deadline::new(at(ms), why)
    }

    /// One whose ping has left when it was due.
    fn asked() -> Heartbeat {
        let mut heartbeat = Heartbeat::new(Eio::V4, at(0), TIMES);
        assert_eq!(heartbeat.deadline(), due(25_000, Why::Ping));
        heartbeat.ping(at(25_000), TIMES);
        heartbeat
    }

    #[test]
    fn the_time_from_a_ping_to_its_pong_is_known_until_the_next() {
        let mut heartbeat = asked();
        assert_eq!(heartbeat.round_trip(TIMES), None);
        assert!(heartbeat.hear(at(25_030), true, TIMES));
        let known = Some((at(25_030), Duration::from_millis(30)));
        assert_eq!(heartbeat.round_trip(TIMES), known);
        // Nobody asked for this one.
        assert!(!heartbeat.hear(at(26_000), true, TIMES));
        assert_eq!(heartbeat.round_trip(TIMES), known);
        heartbeat.ping(at(50_030), TIMES);
        assert_eq!(heartbeat.round_trip(TIMES), None);
        assert_eq!(
            Heartbeat::new(Eio::V4, at(0), TIMES).round_trip(TIMES),
            None
        );
        assert_eq!(
            Heartbeat::new(Eio::V3, at(0), TIMES).round_trip(TIMES),
            None
        );
    }

    #[test]
    fn a_ping_that_rings_a_little_late_does_not_shift_what_follows() {
        for (now, until) in [
            (25_000, 45_000),
            (25_050, 45_000),
            // Longer than that, and it was us: the client has its full time.
            (25_051, 45_051),
            (90_000, 110_000),
        ] {
            let mut heartbeat = Heartbeat::new(Eio::V4, at(0), TIMES);
            heartbeat.ping(at(now), TIMES);
            assert_eq!(heartbeat.deadline(), due(until, Why::PingTimeout), "{now}");
        }
    }

    #[test]
    fn a_time_that_is_shorter_than_a_late_ring_is_not_over_before_it_begins() {
        let short = Times::new(Duration::from_secs(25), Duration::from_millis(20));
        let mut heartbeat = Heartbeat::new(Eio::V4, at(0), short);
        heartbeat.ping(at(25_030), short);
        assert_eq!(heartbeat.deadline(), due(25_050, Why::PingTimeout));
    }

    #[test]
    fn a_pong_begins_the_next_interval() {
        let mut heartbeat = asked();
        assert!(heartbeat.hear(at(26_000), true, TIMES));
        assert_eq!(heartbeat.deadline(), due(51_000, Why::Ping));
        // Nobody asked for another.
        assert!(!heartbeat.hear(at(27_000), true, TIMES));
        assert_eq!(heartbeat.deadline(), due(51_000, Why::Ping));
    }

    #[test]
    fn another_packet_puts_a_pong_off_once() {
        let mut heartbeat = asked();
        assert!(heartbeat.hear(at(44_000), false, TIMES));
        assert_eq!(heartbeat.deadline(), due(64_000, Why::PingTimeout));
        assert!(!heartbeat.hear(at(63_000), false, TIMES));
        assert_eq!(heartbeat.deadline(), due(64_000, Why::PingTimeout));
        assert!(heartbeat.is_over(at(64_000), TIMES));
        // With the next ping it may do so again.
        assert!(heartbeat.hear(at(63_000), true, TIMES));
        heartbeat.ping(at(88_000), TIMES);
        assert!(heartbeat.hear(at(90_000), false, TIMES));
        assert_eq!(heartbeat.deadline(), due(110_000, Why::PingTimeout));
    }

    #[test]
    fn a_client_that_pings_is_looked_for_when_it_was_heard_of_long_ago() {
        let mut heartbeat = Heartbeat::new(Eio::V3, at(0), TIMES);
        assert!(heartbeat.is_clients());
        // No packet moves the deadline: it is found out when it has come.
        assert!(!heartbeat.hear(at(30_000), false, TIMES));
        assert_eq!(heartbeat.deadline(), due(45_000, Why::PingTimeout));
        assert!(!heartbeat.is_over(at(45_000), TIMES));
        assert_eq!(heartbeat.deadline(), due(75_000, Why::PingTimeout));
        assert!(heartbeat.is_over(at(75_000), TIMES));
    }

    #[test]
    fn who_could_not_be_heard_has_all_of_its_time_again() {
        let mut idle = Heartbeat::new(Eio::V4, at(0), TIMES);
        idle.wait(at(10_000), TIMES);
        assert_eq!(idle.deadline(), due(25_000, Why::Ping));

        let mut waiting = asked();
        waiting.wait(at(40_000), TIMES);
        assert_eq!(waiting.deadline(), due(60_000, Why::PingTimeout));

        let mut clients = Heartbeat::new(Eio::V3, at(0), TIMES);
        clients.wait(at(40_000), TIMES);
        assert_eq!(clients.deadline(), due(85_000, Why::PingTimeout));
    }

    #[test]
    fn an_upgrade_is_a_sign_of_life_of_a_client_that_pings() {
        let mut clients = Heartbeat::new(Eio::V3, at(0), TIMES);
        clients.upgrade(at(40_000));
        assert_eq!(clients.deadline(), due(45_000, Why::PingTimeout));
        assert!(!clients.is_over(at(45_000), TIMES));
        assert_eq!(clients.deadline(), due(85_000, Why::PingTimeout));

        let mut waiting = asked();
        waiting.upgrade(at(40_000));
        assert_eq!(waiting.deadline(), due(45_000, Why::PingTimeout));
    }
}
