//! A WebSocket that was opened beside the polling, and may take over from it (§12).

use std::time::Duration;

use crate::deadline::after;
use crate::time::Instant;

/// The WebSocket that wants to take over. A session has one at most, and its end never touches the
/// session.
#[derive(Debug)]
pub(super) struct Candidate {
    /// It must have taken over by then.
    pub(super) until: Instant,
    /// Whether it takes no binary messages.
    pub(super) base64: bool,
    /// Since the probe: when a poll that waits is freed next, so that the client can stop polling.
    pub(super) noop_at: Option<Instant>,
}

/// Polls are freed this often at most: the reference looks for one at this interval.
const NOOP_EVERY: Duration = Duration::from_millis(100);

impl Candidate {
    pub(super) fn new(now: Instant, timeout: Duration, base64: bool) -> Box<Self> {
        Box::new(Self {
            until: after(now, timeout),
            base64,
            noop_at: None,
        })
    }

    /// The probe has come, maybe not for the first time. Whether a poll that waits is to be freed now.
    pub(super) fn probe(&mut self, now: Instant) -> bool {
        let free = self.noop_at.is_none_or(|at| at <= now);
        if free {
            self.noop_at = Some(after(now, NOOP_EVERY));
        }
        free
    }

    /// Whether a poll that waits is to be freed now.
    pub(super) fn frees(&mut self, now: Instant) -> bool {
        self.noop_at.is_some() && self.probe(now)
    }
}
