//! Clients that do not read as fast as they are written to.

/// What happens when a message does not fit into what may wait for a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BacklogPolicy {
    /// The client is too slow: its session closes with `transport error`.
    #[default]
    Close,
    /// The message is refused, and whoever sends it is told.
    Refuse,
    /// Volatile messages that wait give way, the oldest first; if that is not enough, as
    /// [`Close`](Self::Close).
    DropVolatile,
}
