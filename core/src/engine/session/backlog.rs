//! What waits for a client, and what happens when that is too much (§20).

use super::Session;
use crate::config::BacklogPolicy;
use crate::engine::{Backlog, Flags, Sent, Violation};
use crate::message::Encoded;
use crate::protocol::TransportKind;

impl Session {
    /// What waits for its client, handed to HTTP or not.
    pub const fn backlog(&self) -> Backlog {
        Backlog {
            bytes: self.backlog_bytes(),
            packets: self.backlog_packets(),
        }
    }

    /// Whether there is room for `more` behind what was `promised` to others: where half of what may wait stays free,
    /// or nothing waits. It is what those wait for who emit no faster than the client reads; the other half is for
    /// those who do not ask.
    pub fn has_room(&self, promised: Backlog, more: Backlog) -> bool {
        let most = self.config.max_backlog_bytes / 2;
        let most_packets = self.config.max_backlog_packets / 2;
        let unread = self.queue.counts_unwritten() && self.queue.unwritten() > 0;
        if promised == Backlog::default() && !unread {
            let is_full = self
                .queue
                .is_full(more.bytes, more.packets, most, most_packets);
            return self.is_open() && !is_full;
        }
        let all = self.backlog().and(promised).and(more);
        self.is_open() && all.bytes <= most && all.packets <= most_packets
    }

    /// One that cannot leave at once, and waits as the newest of its name. It is as volatile as any: where there is no
    /// room it is lost, and nobody is closed for it.
    pub(super) fn send_latest(&mut self, packet: Encoded, flags: Flags) -> Sent {
        let removed = self.queue.supersede(&packet);
        if let (Some(watch), Some(at)) = (&mut self.watch, removed) {
            watch.removed(at);
        }
        let bytes = self.config.max_backlog_bytes;
        let packets = self.config.max_backlog_packets;
        if self.queue.is_full_for(&packet, bytes, packets) {
            return Sent::Dropped;
        }
        self.queue.expect_latest();
        self.push(packet, flags);
        Sent::Queued
    }

    /// One for which there is no room, unless some can be made.
    #[cold]
    pub(super) fn send_to_full(&mut self, packet: Encoded, flags: Flags) -> Sent {
        let bytes = self.config.max_backlog_bytes;
        let packets = self.config.max_backlog_packets;
        let policy = flags.policy.unwrap_or(self.config.backlog_policy);
        // What a GET waits for is no backlog.
        self.flush();
        self.arm();
        match policy {
            BacklogPolicy::Close | BacklogPolicy::Refuse => {}
            BacklogPolicy::DropVolatile => {
                self.queue.make_room(&packet, bytes, packets, |at| {
                    if let Some(watch) = &mut self.watch {
                        watch.removed(at);
                    }
                });
            }
        }
        if self.queue.is_full_for(&packet, bytes, packets) {
            if policy == BacklogPolicy::Refuse {
                return Sent::Full;
            }
            self.violate(Violation::SlowReader);
            return Sent::Closed;
        }
        self.push(packet, flags);
        Sent::Queued
    }

    /// Bytes that wait to be handed out, or to be written.
    pub const fn backlog_bytes(&self) -> usize {
        self.queue.bytes().saturating_add(self.unwritten_bytes())
    }

    /// Those of them that wait to be handed out.
    pub const fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Those of them that wait to be written ([`handle_unwritten`](Self::handle_unwritten)).
    pub const fn unwritten_bytes(&self) -> usize {
        self.queue.unwritten()
    }

    /// Whether those count where it is asked if more may wait.
    pub const fn counts_unwritten(&self) -> bool {
        self.queue.counts_unwritten()
    }

    /// Whether so much waits that nothing more is read of its client, and it is to be [paused](Self::pause): events
    /// for handlers of the application, of `waiting` bytes, or answers for a WebSocket. A client that asks for much in
    /// one go gets it as fast as it reads.
    #[inline]
    pub fn is_full(&self, waiting: usize) -> bool {
        let by_websocket = matches!(self.transport(), TransportKind::WebSocket);
        waiting > self.config.max_backlog_bytes || by_websocket && self.is_backed_up()
    }

    /// Whether more than half of what may wait to be written does.
    #[inline]
    pub fn is_backed_up(&self) -> bool {
        self.queued_bytes() > self.config.max_backlog_bytes / 2
            || self.backlog_packets() > self.config.max_backlog_packets / 2
    }

    /// Frames that wait to be handed out.
    pub const fn backlog_packets(&self) -> usize {
        self.queue.packets()
    }
}
