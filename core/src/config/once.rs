//! Events that are handled once.

use std::time::Duration;

/// What a namespace keeps of events that clients may send again and that are to be handled once
/// ([`Once`](crate::once::Once)). Each namespace keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExactlyOnce {
    /// How long an event is known after its handlers have ended: 10 min. Longer than clients go on repeating:
    /// past it a repeat is a new event.
    pub once_duration: Duration,
    /// Events that are known, those among them whose handlers have not ended: 65 536, 2²⁰ at most. Past it new
    /// ones are neither handled nor answered: their clients send them again.
    pub max_once_events: usize,
    /// Of those, events that one socket has sent, whoever it was before it came back: 1 024, 2²⁰ at most. Past it the
    /// same: with the default of `once_duration` one that says more than 100 a minute for long needs more. A client
    /// that comes back as a new socket begins anew; that one alone does not fill all is for `max_sessions` and for
    /// whoever lets clients in.
    pub max_once_events_per_socket: usize,
    /// Bytes of their answers: 16 MiB, 1 GiB at most. Past it the oldest are let go of: their events are known, but
    /// a repeat has no answer any more.
    pub max_once_bytes: usize,
}

impl Default for ExactlyOnce {
    fn default() -> Self {
        Self {
            once_duration: Duration::from_secs(600),
            max_once_events: 65_536,
            max_once_events_per_socket: 1024,
            max_once_bytes: 16 * 1024 * 1024,
        }
    }
}

impl ExactlyOnce {
    /// Sets [`once_duration`](Self::once_duration).
    #[must_use]
    pub const fn once_duration(mut self, duration: Duration) -> Self {
        self.once_duration = duration;
        self
    }

    /// Sets [`max_once_events`](Self::max_once_events).
    #[must_use]
    pub const fn max_once_events(mut self, most: usize) -> Self {
        self.max_once_events = most;
        self
    }

    /// Sets [`max_once_events_per_socket`](Self::max_once_events_per_socket).
    #[must_use]
    pub const fn max_once_events_per_socket(mut self, most: usize) -> Self {
        self.max_once_events_per_socket = most;
        self
    }

    /// Sets [`max_once_bytes`](Self::max_once_bytes).
    #[must_use]
    pub const fn max_once_bytes(mut self, bytes: usize) -> Self {
        self.max_once_bytes = bytes;
        self
    }
}
