//! How much waits for a client (§20).

/// What waits for a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Backlog {
    /// Bytes, before any base64 or compression.
    pub bytes: usize,
    /// Frames: a packet with attachments is several.
    pub packets: usize,
}

impl Backlog {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            packets: self.packets.saturating_add(other.packets),
        }
    }
}
