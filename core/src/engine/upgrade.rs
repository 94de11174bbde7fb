//! A WebSocket that was opened beside the polling, and may take over from it (§12).

use std::time::{Duration, Instant};

use super::heartbeat::later;

/// The WebSocket that wants to take over. A session has one at most, and its end never touches the
/// session.
#[derive(Debug)]
pub(super) struct Candidate {
    /// It must have taken over by then.
    pub(super) until: Instant,
    /// Whether its probe was answered.
    pub(super) probed: bool,
    /// When the poll that waits is to be freed, so that the client can stop polling.
    pub(super) noop_at: Option<Instant>,
}

/// A poll that arrives after the probe may wait this long for data, then it is freed.
const NOOP_AFTER: Duration = Duration::from_millis(100);

impl Candidate {
    pub(super) fn new(now: Instant, timeout: Duration) -> Box<Self> {
        Box::new(Self {
            until: later(now, timeout),
            probed: false,
            noop_at: None,
        })
    }

    /// A poll waits from now on.
    pub(super) fn parked(&mut self, now: Instant) {
        if self.probed {
            self.noop_at = Some(later(now, NOOP_AFTER));
        }
    }

    /// When something is due.
    pub(super) fn due(&self) -> Instant {
        self.noop_at.map_or(self.until, |at| at.min(self.until))
    }
}
