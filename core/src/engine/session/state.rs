//! What a session is in the middle of.

use super::{Payload, RequestId};
use crate::engine::upgrade::Candidate;
use crate::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    /// A close waits for what is queued, or for the poll that fetches it.
    Closing {
        until: Instant,
    },
    Closed,
}

#[derive(Debug)]
pub(super) enum Transport {
    Polling {
        /// The GET that waits for packets.
        parked: Option<RequestId>,
        /// The POST whose body is on its way.
        posting: Option<RequestId>,
        candidate: Option<Box<Candidate>>,
    },
    WebSocket {
        /// Whether it was given something that has not left yet.
        busy: bool,
        /// When it is given up if nothing more leaves.
        stalled_at: Option<Instant>,
    },
}

/// A POST's body, read packet by packet.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) id: RequestId,
    pub(super) packets: Payload,
    /// Nobody waits for its answer any more.
    pub(super) abandoned: bool,
}

impl Transport {
    pub(super) const fn web_socket() -> Self {
        Self::WebSocket {
            busy: false,
            stalled_at: None,
        }
    }
}
