//! How many sessions and packets there are, and were.

/// How many there were.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Counts {
    pub(super) recovered: u64,
    pub(super) refused: u64,
    pub(super) lost: u64,
    pub(super) expired: u64,
    pub(super) thrown_away: u64,
}

/// How many there are, and how many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Sessions whose socket is here.
    pub here: usize,
    /// Sessions whose socket has left.
    pub away: usize,
    /// Packets that are kept.
    pub packets: usize,
    /// Bytes of those, with the names of the rooms that each is for.
    pub bytes: usize,
    /// How often a session has come back.
    pub recovered: u64,
    /// How often one was claimed that was not there, or by what was used up.
    pub refused: u64,
    /// How often one was claimed of whose packets some had been thrown away.
    pub lost: u64,
    /// How many were not claimed in time, or were too many.
    pub expired: u64,
    /// Packets that were thrown away before their time, since there were too many.
    pub thrown_away: u64,
}
