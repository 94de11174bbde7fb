//! Sockets whose clients come back at any node.

use sio_core::recovery::{Claim, KeptSession, Place};

use super::Broadcast;

/// A client that was cut off claims to be who it was: [`Adapter::restore`](super::Adapter::restore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionClaim {
    /// What it says.
    pub claim: Claim,
    /// The session, if its socket is still on this node: nobody else has it.
    pub here: Option<KeptSession>,
    /// Events that it may be told at once: with more it comes as a new one.
    pub max_packets: usize,
    /// Bytes of those.
    pub max_bytes: usize,
}

impl SessionClaim {
    /// Bytes of what it says, and of the session.
    #[cfg(feature = "cluster")]
    pub(crate) fn size(&self) -> usize {
        let offset = self.claim.offset().map_or(0, str::len);
        let said = self.claim.pid().as_str().len().saturating_add(offset);
        let here = self.here.as_ref().map_or(0, KeptSession::size);
        said.saturating_add(here)
    }

    pub(crate) const fn new(
        claim: Claim,
        here: Option<KeptSession>,
        (max_packets, max_bytes): (usize, usize),
    ) -> Self {
        Self {
            claim,
            here,
            max_packets,
            max_bytes,
        }
    }
}

/// A session that was found, and is nobody else's any more.
#[derive(Clone, Debug)]
pub struct RestoredSession {
    /// Who it is.
    pub session: KeptSession,
    /// What its client has read.
    pub place: Place,
    /// What was said behind this place was not looked at.
    pub end: Place,
    /// What its client has missed up to there, in order.
    pub missed: Vec<(Place, Broadcast)>,
}
