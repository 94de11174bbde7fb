//! When a machine wants to be called, and what for.

use std::time::{Duration, Instant};

/// A moment at which something is due, and what that is.
///
/// The reason is for people: "why did it wake" is the first question about every timer, and a test can
/// say which one it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    /// Call `handle_timeout` then, or as soon after as you can.
    pub at: Instant,
    /// What is due.
    pub why: Why,
}

/// What a [`Deadline`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Why {
    /// An emit with ack is given up (`ack_timeout`).
    Ack,
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
    /// A ping is sent (`ping_interval`).
    Ping,
    /// A ping was not answered (`ping_timeout`).
    PingTimeout,
    /// An upgrade was begun and not finished (`upgrade_timeout`).
    Upgrade,
    /// Bytes wait and the client takes none (`write_timeout`).
    Write,
}

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

/// `wait` from `now` on. A checked configuration has no wait that an [`Instant`] cannot hold; were
/// there one, it would be over at once rather than never.
pub(crate) fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}
