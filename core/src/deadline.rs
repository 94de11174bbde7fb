//! When a machine wants to be called, and what for.
//!
//! No state of a machine lasts because somebody else does not act. This is the table of what ends each; tests
//! bring a machine into every one of them and wait.
//!
//! | of a session | ends by | option |
//! |---|---|---|
//! | polling, without a request, or with the body of a POST on its way | [`Ping`](Why::Ping), then [`PingTimeout`](Why::PingTimeout) | `ping_interval`, `ping_timeout` |
//! | polling, with a GET that waits | [`Ping`](Why::Ping), which answers it | `ping_interval` |
//! | by WebSocket, with nothing to write | [`Ping`](Why::Ping), which is to be written and answered | `ping_interval`, `ping_timeout` |
//! | packets of a POST wait to be read | `poll_event`, which reads them, or else the pause | |
//! | a WebSocket beside the polling wants to take over | [`Upgrade`](Why::Upgrade) | `upgrade_timeout` |
//! | the same, and a GET keeps it waiting | [`Noop`](Why::Noop) | |
//! | a WebSocket takes nothing | [`Write`](Why::Write) | `write_timeout` |
//! | paused, since handlers do not end | [`Pause`](Why::Pause) | `pause_timeout` |
//! | closing, with something to be fetched | [`Close`](Why::Close) | `polling_close_timeout`, `close_timeout` |
//!
//! | of the sockets on it | ends by | option |
//! |---|---|---|
//! | no namespace was joined | [`Connect`](Why::Connect) | `connect_timeout` |
//! | a namespace was asked for | [`Middleware`](Why::Middleware) | `middleware_timeout` |
//! | in a namespace | the session's end | |
//! | a namespace was left: its name is kept | one left later, or the connection's end | |
//! | parts of a packet are missing | [`Packet`](Why::Packet) | `packet_timeout` |
//! | an emit waits for its ack | [`Ack`](Why::Ack) | `ack_timeout` |
//!
//! | of those that were cut off | ends by | option |
//! |---|---|---|
//! | a session waits for its client | [`Recovery`](Why::Recovery) | `max_disconnection_duration` |
//! | a packet is kept that somebody may have missed | [`Recovery`](Why::Recovery) | `max_disconnection_duration`, `ping_interval`, `ping_timeout` |
//!
//! | of a server | ends by | option |
//! |---|---|---|
//! | a handshake waits for the application's word | [`Admission`](Why::Admission) | `admission_timeout` |
//! | the body of a request is on its way | [`Body`](Why::Body) | `request_body_timeout` |

use std::time::Duration;

use crate::time::Instant;

/// A moment at which something is due, and what that is.
///
/// The reason is for people: "why did it wake" is the first question about every timer, and a test can
/// say which one it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Deadline {
    /// Call `handle_timeout` then, or as soon after as you can.
    pub at: Instant,
    /// What is due.
    pub why: Why,
}

/// What a [`Deadline`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// An emit with ack is given up (`ack_timeout`).
    Ack,
    /// A decision about a handshake was not taken (`admission_timeout`).
    Admission,
    /// A request's body has not come whole (`request_body_timeout`).
    Body,
    /// A close that waited for the client is carried out (`close_timeout`, `polling_close_timeout`).
    Close,
    /// A connection that has joined no namespace is closed (`connect_timeout`).
    Connect,
    /// A decision about a namespace was not taken (`middleware_timeout`).
    Middleware,
    /// A poll is freed with a noop so that the client can upgrade (§12).
    Noop,
    /// A packet's attachments have not all come (`packet_timeout`).
    Packet,
    /// A client has been left unread for too long (`pause_timeout`).
    Pause,
    /// A ping is sent (`ping_interval`).
    Ping,
    /// A ping was not answered (`ping_timeout`).
    PingTimeout,
    /// A client's ping of its WebSocket's own was not answered (`check_timeout`).
    Pong,
    /// A client dials again (`reconnection`).
    Reconnect,
    /// A session that nobody has, or what was kept for one, is let go of (`max_disconnection_duration`).
    Recovery,
    /// A client's request was not answered (`request_timeout`).
    Request,
    /// An upgrade was begun and not finished (`upgrade_timeout`).
    Upgrade,
    /// Bytes wait and the client takes none (`write_timeout`).
    Write,
}

impl Why {
    /// Whether something ends because somebody else did not act in time, the client or the application. What
    /// is left are things to do.
    pub(crate) const fn ends(self) -> bool {
        match self {
            Self::Noop | Self::Ping | Self::Reconnect => false,
            Self::Ack
            | Self::Admission
            | Self::Body
            | Self::Close
            | Self::Connect
            | Self::Middleware
            | Self::Packet
            | Self::Pause
            | Self::PingTimeout
            | Self::Pong
            | Self::Recovery
            | Self::Request
            | Self::Upgrade
            | Self::Write => true,
        }
    }
}

/// A timer this late counts as on time. Later than that, the process was held up, and what others did
/// meanwhile may not have been read yet.
pub(crate) const PUNCTUAL: Duration = Duration::from_millis(50);

/// How much longer others get at most where we were held up: as long as that took, and no longer than it
/// takes to read what has arrived at a busy server.
pub(crate) const EXCUSED: Duration = Duration::from_secs(10);

/// How much longer the pong of a client that speaks by requests gets, where a timer was on time. That says nothing
/// of whether we were held up before: what is due in the last moment of that rings as punctually as ever, and
/// what the client has sent lies in streams of its own, which are read after this. What the application waits
/// for ends when it said.
pub(crate) const UNREAD: Duration = Duration::from_millis(100);

/// Who had no longer than this is not meant to get a tenth of a second more.
const PATIENT: Duration = Duration::from_secs(5);

/// What is forgiven to others because we were held up ourselves.
///
/// A process that was stopped finds its deadlines over, and beside them the bytes that would have met them,
/// some of them in streams that it has not come to: each deadline that is found over late is looked at once
/// more, after as much time as was lost.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Excuse {
    /// Nothing ends before. In a box: few connections have ever been held up.
    until: Option<Box<Instant>>,
}

impl Excuse {
    /// What is due is looked at only now. What was put off once is not put off again. `apart`: what would have
    /// met it comes by streams of which nobody knows whether they have been read; a pong had so long to come.
    pub(crate) fn grant(&mut self, due: Deadline, now: Instant, apart: Option<Duration>) {
        let late = now.saturating_duration_since(due.at);
        let longer = match apart {
            Some(_) if late > PUNCTUAL => late.clamp(UNREAD, EXCUSED),
            None if late > PUNCTUAL => late.min(EXCUSED),
            Some(had) if due.why == Why::PingTimeout && had >= PATIENT => UNREAD,
            Some(_) | None => return,
        };
        if self.until.as_ref().is_none_or(|until| due.at > **until) {
            self.until = now.checked_add(longer).map(Box::new);
        }
    }

    /// When that is looked at which is due at `at`.
    pub(crate) fn put_off(&self, at: Instant) -> Instant {
        self.until.as_ref().map_or(at, |until| at.max(**until))
    }
}

#[cfg(test)]
impl Why {
    /// Sets the options that say how long this takes, where there are any.
    pub(crate) const fn set(self, config: &mut crate::config::Config, wait: Duration) {
        match self {
            Self::Ack => config.ack_timeout = wait,
            Self::Admission => config.serving.admission_timeout = wait,
            Self::Body => config.serving.request_body_timeout = wait,
            Self::Close => {
                config.close_timeout = wait;
                config.polling_close_timeout = wait;
            }
            Self::Connect => config.connect_timeout = wait,
            Self::Middleware => config.middleware_timeout = wait,
            // A client's are options of its own.
            Self::Noop | Self::Pong | Self::Reconnect | Self::Request => {}
            // Of a namespace, not of a session.
            Self::Recovery => {}
            Self::Packet => config.packet_timeout = wait,
            Self::Pause => config.pause_timeout = wait,
            Self::Ping => config.ping_interval = wait,
            Self::PingTimeout => config.ping_timeout = wait,
            Self::Upgrade => config.upgrade_timeout = wait,
            Self::Write => config.write_timeout = wait,
        }
    }

    /// The options of 4.x, in which all takes an hour but these, which take a second each.
    pub(crate) fn only(whys: &[Self]) -> crate::config::Config {
        let mut config = crate::config::Config::v4();
        for why in [
            Self::Ack,
            Self::Admission,
            Self::Body,
            Self::Close,
            Self::Connect,
            Self::Middleware,
            Self::Packet,
            Self::Pause,
            Self::Ping,
            Self::PingTimeout,
            Self::Upgrade,
            Self::Write,
        ] {
            why.set(&mut config, Duration::from_secs(3600));
        }
        for why in whys {
            why.set(&mut config, Duration::from_secs(1));
        }
        config
    }
}

/// An enum, and all of its variants.
#[cfg(test)]
macro_rules! table {
    ($(#[$about:meta])* $visible:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident,)*
    }) => {
        $(#[$about])*
        $visible enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            $visible const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }
    };
}

#[cfg(test)]
pub(crate) use table;

impl Deadline {
    /// Something due at `at`.
    pub const fn new(at: Instant, why: Why) -> Self {
        Self { at, why }
    }
}

/// The earlier of two, if any.
pub fn earliest(a: Option<Deadline>, b: Option<Deadline>) -> Option<Deadline> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// `wait` from `now` on. A checked configuration has no wait that an [`Instant`] cannot hold; one that
/// an application asks for, beyond it, never ends.
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    now.saturating_add(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_beyond_all_instants_is_never_over() {
        let now = Instant::from_nanos(7);
        assert_eq!(after(now, Duration::from_nanos(3)), Instant::from_nanos(10));
        assert_eq!(after(now, Duration::MAX), Instant::LAST);
    }

    const START: Instant = Instant::from_nanos(1_000_000_000_000);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// How much later than it was due something is looked at, which was found over so late.
    fn longer(why: Why, late: Duration, apart: Option<Duration>) -> Duration {
        let mut excuse = Excuse::default();
        excuse.grant(Deadline::new(START, why), START + late, apart);
        excuse
            .put_off(START)
            .saturating_duration_since(START + late)
    }

    #[test]
    fn nobody_is_excused_where_a_timer_was_on_time() {
        for late in [Duration::ZERO, PUNCTUAL] {
            assert_eq!(longer(Why::Write, late, None), Duration::ZERO);
            assert_eq!(longer(Why::Upgrade, late, Some(PATIENT)), Duration::ZERO);
        }
        let late = PUNCTUAL + ms(1);
        assert_eq!(longer(Why::Write, late, None), late);
    }

    #[test]
    fn others_get_as_much_time_as_was_lost_and_no_more_than_that_takes_to_read() {
        for (lost, granted) in [
            (ms(500), ms(500)),
            (EXCUSED, EXCUSED),
            (EXCUSED + ms(1), EXCUSED),
            (EXCUSED * 100, EXCUSED),
        ] {
            assert_eq!(longer(Why::Ack, lost, None), granted, "{lost:?}");
            assert_eq!(longer(Why::Ack, lost, Some(ms(1))), granted, "{lost:?}");
        }
        // Who speaks by requests gets a little in any case.
        assert_eq!(longer(Why::Ack, ms(60), Some(ms(1))), UNREAD);
    }

    #[test]
    fn a_patient_pong_by_requests_may_lie_unread_where_nothing_is_late() {
        let pong = |had| longer(Why::PingTimeout, Duration::ZERO, had);
        assert_eq!(pong(Some(PATIENT)), UNREAD);
        assert_eq!(pong(Some(PATIENT - ms(1))), Duration::ZERO);
        assert_eq!(pong(None), Duration::ZERO);
    }

    #[test]
    fn what_was_put_off_once_is_not_put_off_again() {
        let mut excuse = Excuse::default();
        let due = Deadline::new(START, Why::Write);
        excuse.grant(due, START + ms(1_000), None);
        let until = START + ms(2_000);
        assert_eq!(excuse.put_off(START), until);
        // Nor is what fell due meanwhile.
        let again = Deadline::new(until, Why::Write);
        excuse.grant(again, until + ms(5_000), None);
        assert_eq!(excuse.put_off(START), until);
        // What is due later is another matter.
        let other = Deadline::new(until + ms(1), Why::Write);
        excuse.grant(other, until + ms(101), None);
        assert_eq!(excuse.put_off(START), until + ms(201));
        assert_eq!(excuse.put_off(until + ms(300)), until + ms(300));
    }

    #[test]
    fn of_two_the_earlier_one_comes_first() {
        let (one, other) = (
            Deadline::new(START, Why::Write),
            Deadline::new(START + ms(1), Why::Ack),
        );
        assert_eq!(earliest(None, None), None);
        assert_eq!(earliest(Some(other), None), Some(other));
        assert_eq!(earliest(None, Some(other)), Some(other));
        assert_eq!(earliest(Some(other), Some(one)), Some(one));
    }
}
