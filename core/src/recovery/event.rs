//! What has become of sessions that nobody had.

use crate::id::SocketId;

/// What has happened to a session that nobody had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<D> {
    /// It will not come back.
    Expired {
        /// The id of the socket that it was.
        id: SocketId,
        /// Why.
        why: Expiry,
        /// What was kept with it.
        data: D,
    },
}

/// Why a session will not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expiry {
    /// It did not come within `max_disconnection_duration`.
    Late,
    /// Others have left since, and no more than `max_kept_sessions` may be away.
    Crowded,
    /// Its client has come, but what it had missed was thrown away.
    Lost,
}
