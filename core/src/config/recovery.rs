//! Connection state recovery.

use std::time::Duration;

/// How clients that were cut off come back as who they were, with what they have missed (§21): for those of
/// Socket.IO 4.6 and later. Each namespace keeps for itself.
///
/// With it every event for a client carries a text as one more argument, its last: the client's place in what was
/// said, which it presents when it comes again. Events that ask for an ack do not.
///
/// Over a broker that keeps what was said for all nodes of a cluster, clients come back at any of them, and sessions are
/// kept there.
///
/// What is thrown away because of a limit is not made up for: whoever needed it comes as a new client, and is told
/// so (`socket.recovered` is false at both ends).
#[doc(alias = "connectionStateRecovery")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStateRecovery {
    /// How long a client may be away: 2 min. Past it its session expires.
    #[doc(alias = "maxDisconnectionDuration")]
    pub max_disconnection_duration: Duration,
    /// Whether a namespace's middlewares are not asked about a client that comes back: `true`.
    #[doc(alias = "skipMiddlewares")]
    pub skip_middlewares: bool,
    /// Sessions of clients that are away: 10 000, 2²⁰ at most. Past it the one that has been away for longest
    /// expires.
    pub max_kept_sessions: usize,
    /// Packets that are kept, each once however many it was for: 65 536, 2²⁰ at most. Past it the oldest is
    /// thrown away. Rooms are told apart of which packets were thrown away, up to as many; past it whoever missed
    /// any of them is taken to have needed it.
    pub max_kept_packets: usize,
    /// Bytes of those packets, with the names of the rooms that each is for: 32 MiB, 1 GiB at most. Past it the
    /// oldest are thrown away.
    pub max_kept_bytes: usize,
}

impl Default for ConnectionStateRecovery {
    fn default() -> Self {
        Self {
            max_disconnection_duration: Duration::from_secs(120),
            skip_middlewares: true,
            max_kept_sessions: 10_000,
            max_kept_packets: 65_536,
            max_kept_bytes: 32 * 1024 * 1024,
        }
    }
}

impl ConnectionStateRecovery {
    /// Sets [`max_disconnection_duration`](Self::max_disconnection_duration).
    #[must_use]
    pub const fn max_disconnection_duration(mut self, duration: Duration) -> Self {
        self.max_disconnection_duration = duration;
        self
    }

    /// Sets [`skip_middlewares`](Self::skip_middlewares).
    #[must_use]
    pub const fn skip_middlewares(mut self, skip: bool) -> Self {
        self.skip_middlewares = skip;
        self
    }

    /// Sets [`max_kept_sessions`](Self::max_kept_sessions).
    #[must_use]
    pub const fn max_kept_sessions(mut self, most: usize) -> Self {
        self.max_kept_sessions = most;
        self
    }

    /// Sets [`max_kept_packets`](Self::max_kept_packets).
    #[must_use]
    pub const fn max_kept_packets(mut self, most: usize) -> Self {
        self.max_kept_packets = most;
        self
    }

    /// Sets [`max_kept_bytes`](Self::max_kept_bytes).
    #[must_use]
    pub const fn max_kept_bytes(mut self, bytes: usize) -> Self {
        self.max_kept_bytes = bytes;
        self
    }
}
