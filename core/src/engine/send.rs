//! What goes with a packet that is sent, and what becomes of it.

use crate::config::BacklogPolicy;

/// What goes with a packet that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flags {
    /// Drop it if it cannot leave at once (§20).
    pub volatile: bool,
    /// Compress it where that is on.
    pub compress: bool,
    /// Of what is volatile: one that cannot leave at once waits, in place of the one with the same
    /// [name](crate::message::Encoded::named) that waits already.
    pub latest: bool,
    /// What happens if it does not fit into the backlog. `None`: what the configuration says.
    pub policy: Option<BacklogPolicy>,
}

impl Default for Flags {
    /// Not volatile, compressed where that is on.
    fn default() -> Self {
        Self {
            volatile: false,
            compress: true,
            latest: false,
            policy: None,
        }
    }
}

/// What became of a packet that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a packet may have been refused"]
pub enum Sent {
    /// It is queued, and is sent unless the connection ends first.
    Queued,
    /// It was volatile and could not leave at once.
    Dropped,
    /// The backlog is full, and the policy is to refuse.
    Full,
    /// The session is closed or closing.
    Closed,
    /// The connection's parser does not write it, which another has written
    /// ([`Connection::deliver`](crate::connection::Connection::deliver)).
    Unwritten,
}
