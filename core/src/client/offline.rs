//! What a socket has to say while it is away.

use std::collections::VecDeque;

use super::config::{Config, OfflinePolicy};
use crate::engine::{Flags, Sent};
use crate::message::Encoded;

/// Emits of one socket, in order, until it is in its namespace.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Offline {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Waiting {
    pub(super) packet: Encoded,
    pub(super) flags: Flags,
    /// The id of the ack that is waited for.
    pub(super) id: Option<u64>,
}

impl Offline {
    /// One more, if the policy lets it in. What had to go for it, and waited for an ack, is in `dropped` by
    /// its id.
    pub(super) fn push(
        &mut self,
        waiting: Waiting,
        config: &Config,
        dropped: &mut Vec<u64>,
    ) -> Sent {
        match config.offline {
            OfflinePolicy::Off => return Sent::Full,
            OfflinePolicy::Refuse if self.is_full_for(&waiting, config) => return Sent::Full,
            OfflinePolicy::DropNewest if self.is_full_for(&waiting, config) => {
                return Sent::Dropped;
            }
            OfflinePolicy::DropOldest => {
                while self.is_full_for(&waiting, config) {
                    dropped.extend(self.pop().and_then(|oldest| oldest.id));
                }
            }
            OfflinePolicy::Refuse | OfflinePolicy::DropNewest => {}
        }
        self.bytes = self.bytes.saturating_add(waiting.packet.size());
        self.waiting.push_back(waiting);
        Sent::Queued
    }

    /// Gives back, before all others, what was taken out and did not leave. It had its place already.
    pub(super) fn push_front(&mut self, waiting: Waiting) {
        self.bytes = self.bytes.saturating_add(waiting.packet.size());
        self.waiting.push_front(waiting);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(waiting.packet.size());
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(waiting)
    }

    /// Takes out what waits for an ack by this id. Where it was.
    pub(super) fn remove(&mut self, id: u64) -> Option<usize> {
        let at = self.waiting.iter().position(|it| it.id == Some(id))?;
        let waiting = self.waiting.remove(at)?;
        self.bytes = self.bytes.saturating_sub(waiting.packet.size());
        Some(at)
    }

    /// The ids of the acks that are waited for, in their order.
    pub(super) fn ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.waiting.iter().filter_map(|it| it.id).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn packets(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_full_for(&self, waiting: &Waiting, config: &Config) -> bool {
        let bytes = self.bytes.saturating_add(waiting.packet.size());
        !self.is_empty()
            && (self.packets() >= config.max_offline_packets || bytes > config.max_offline_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: usize, id: Option<u64>) -> Waiting {
        Waiting {
            packet: Encoded::text("x".repeat(bytes).into(), Vec::new()),
            flags: Flags::default(),
            id,
        }
    }

    fn filled(
        policy: OfflinePolicy,
        packets: usize,
        bytes: usize,
    ) -> (Vec<Sent>, Offline, Vec<u64>) {
        let mut config = Config::v4();
        config.offline = policy;
        config.max_offline_packets = packets;
        config.max_offline_bytes = bytes;
        let (mut offline, mut dropped) = (Offline::default(), Vec::new());
        let mut push = |id| offline.push(packet(10, Some(id)), &config, &mut dropped);
        let sent = vec![push(0), push(1), push(2)];
        (sent, offline, dropped)
    }

    #[test]
    fn at_its_limits_and_one_past_them() {
        use Sent::{Dropped, Full, Queued};
        for (packets, bytes, fit) in [(3, 1000, 3), (2, 1000, 2), (9, 30, 3), (9, 29, 2)] {
            let expected = |last| vec![Queued, Queued, if fit == 3 { Queued } else { last }];
            let (sent, offline, dropped) = filled(OfflinePolicy::Refuse, packets, bytes);
            assert_eq!(
                (sent, offline.packets(), dropped),
                (expected(Full), fit, vec![])
            );
            let (sent, offline, dropped) = filled(OfflinePolicy::DropNewest, packets, bytes);
            assert_eq!(
                (sent, offline.packets(), dropped),
                (expected(Dropped), fit, vec![])
            );
            let (sent, offline, dropped) = filled(OfflinePolicy::DropOldest, packets, bytes);
            let oldest = if fit == 3 { vec![] } else { vec![0] };
            assert_eq!(
                (sent, offline.packets(), dropped),
                (expected(Queued), fit, oldest)
            );
            assert_eq!(offline.bytes(), fit * 10);
        }
        let (sent, offline, _) = filled(OfflinePolicy::Off, 9, 1000);
        assert_eq!((sent, offline.packets()), (vec![Full; 3], 0));
    }

    #[test]
    fn one_may_always_wait() {
        let mut config = Config::v4();
        config.max_offline_bytes = 1;
        let mut offline = Offline::default();
        assert_eq!(
            offline.push(packet(10, None), &config, &mut vec![]),
            Sent::Queued
        );
        assert_eq!(
            offline.push(packet(1, None), &config, &mut vec![]),
            Sent::Full
        );
    }

    #[test]
    fn what_is_taken_out_is_not_counted() {
        let (_, mut offline, _) = filled(OfflinePolicy::Refuse, 9, 1000);
        assert_eq!((offline.remove(1), offline.remove(1)), (Some(1), None));
        assert_eq!(offline.ids(), [0, 2]);
        offline.push_front(packet(5, Some(7)));
        let ids: Vec<_> = std::iter::from_fn(|| offline.pop())
            .map(|it| it.id)
            .collect();
        assert_eq!(ids, [Some(7), Some(0), Some(2)]);
        assert_eq!((offline.bytes(), offline.packets()), (0, 0));
    }
}
