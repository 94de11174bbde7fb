//! What packets weigh in a backlog, and how much may wait.

use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{Backlog, Flags, Message};
use sio_core::packet::Encoded;

/// What a packet adds to a backlog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) bytes: usize,
    /// Frames: a packet with attachments is several.
    pub(crate) packets: usize,
}

impl Weight {
    pub(crate) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
    }

    /// What both have.
    pub(crate) fn min(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.min(other.bytes),
            packets: self.packets.min(other.packets),
        }
    }

    pub(super) fn remove(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_sub(other.bytes);
        self.packets = self.packets.saturating_sub(other.packets);
    }
}

impl From<Weight> for Backlog {
    fn from(Weight { bytes, packets }: Weight) -> Self {
        Self { bytes, packets }
    }
}

/// What may wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    pub(crate) bytes: usize,
    pub(crate) packets: usize,
    /// Whether what waits in the session counts too: where the one who emits is told.
    pub(crate) with_session: bool,
}

impl Most {
    /// What may wait for one connection. Where the one who emits is told, what its session holds counts
    /// too; elsewhere the session judges that itself.
    pub(crate) fn of(config: &Config, flags: Flags) -> Self {
        let policy = flags.policy.unwrap_or(config.backlog_policy);
        Self {
            bytes: config.max_backlog_bytes,
            packets: config.max_backlog_packets,
            with_session: policy == BacklogPolicy::Refuse && !flags.volatile,
        }
    }

    /// What those wait for who wait for room ([`Session::has_room`](sio_core::engine::Session::has_room)).
    pub(crate) const fn half(config: &Config) -> Self {
        Self {
            bytes: config.max_backlog_bytes / 2,
            packets: config.max_backlog_packets / 2,
            with_session: true,
        }
    }
}

impl Weight {
    pub(crate) fn of(packet: &Encoded) -> Self {
        Self {
            bytes: packet.size(),
            packets: packet.packets(),
        }
    }

    pub(crate) fn of_data(data: &Message) -> Self {
        Self {
            bytes: data_size(data),
            packets: 1,
        }
    }
}

/// The bytes of a message.
pub(crate) fn data_size(data: &Message) -> usize {
    match data {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
    }
}
