//! Those who wait for what a socket has emitted to have left.

use crate::socket::SocketKey;

/// Somebody who waits.
#[derive(Clone, Debug, Hash)]
pub(super) struct Flush<T> {
    pub(super) socket: SocketKey,
    pub(super) token: T,
    pub(super) behind: Behind,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Behind {
    /// So many of those that the socket has kept.
    Kept(usize),
    /// So many, from the first, of those that were queued on this session.
    Queued(u32, u64),
}
