//! What the packets of a client do, on whichever transport, and what the protocol itself says.

use bytes::Bytes;

use super::Session;
use crate::engine::heartbeat::Times;
use crate::engine::{CloseReason, Event, Flags, Packet, Violation};
use crate::json::push_quoted;
use crate::message::Encoded;
use crate::protocol::TransportKind;

impl Session {
    /// A packet on the session's transport.
    pub(super) fn packet(&mut self, packet: Packet) -> Option<Event> {
        if let Some(watch) = &mut self.watch {
            watch.received(&packet, self.config.max_backlog_packets);
        }
        let pong = matches!(packet, Packet::Pong(_));
        if self.heartbeat.hear(self.now, pong, Times::of(&self.config)) {
            self.arm();
        }
        match packet {
            Packet::Close if self.is_closing() => self.end(CloseReason::ForcedClose, None),
            Packet::Close => self.end(CloseReason::TransportClose, None),
            Packet::Ping(_) if self.heartbeat.is_clients() => self.answer_ping(),
            // What follows in the same body is not read.
            Packet::Ping(_) => self.blame(Violation::PingFromClient),
            Packet::Message(data) => return self.is_open().then_some(Event::Message(data)),
            Packet::Open(_) | Packet::Pong(_) | Packet::Upgrade | Packet::Noop => {}
        }
        None
    }

    /// Answers a ping. A client that sends them and reads nothing is closed as any other is.
    fn answer_ping(&mut self) {
        if !self.is_open() {
            return;
        }
        let packet = Encoded::text(Bytes::from_static(b"3"), Vec::new());
        if self.has_room_to_tell(&packet) {
            self.push(packet, Flags::default());
        } else {
            self.blame(Violation::SlowReader);
        }
    }

    /// Whether a packet of the protocol itself may still be queued.
    pub(super) fn has_room_to_tell(&mut self, packet: &Encoded) -> bool {
        let bytes = self.config.max_backlog_bytes.saturating_mul(2);
        let packets = self.config.max_backlog_packets.saturating_mul(2);
        if self.queue.is_full_for(packet, bytes, packets) {
            self.flush();
            self.arm();
        }
        !self.queue.is_full_for(packet, bytes, packets)
    }

    pub(super) fn push(&mut self, packet: Encoded, flags: Flags) {
        if let Some(watch) = &mut self.watch {
            watch.created(&packet, self.config.max_backlog_packets);
        }
        self.queue.push(packet, flags);
        self.await_write();
    }

    pub(super) fn open_packet(&self) -> Encoded {
        let upgrades = match self.transport() {
            TransportKind::Polling
                if self.config.allow_upgrades && self.config.transports.websocket =>
            {
                &br#"["websocket"]"#[..]
            }
            TransportKind::Polling | TransportKind::WebSocket => b"[]",
        };
        // The last is said to clients of revision 3, too: one that does not know it does not mind.
        let mut text = Vec::with_capacity(128);
        text.extend_from_slice(br#"0{"sid":"#);
        push_quoted(&mut text, self.sid.as_str());
        text.extend_from_slice(br#","upgrades":"#);
        text.extend_from_slice(upgrades);
        let times = [
            (&br#","pingInterval":"#[..], self.config.ping_interval),
            (br#","pingTimeout":"#, self.config.ping_timeout),
        ];
        let mut digits = itoa::Buffer::new();
        for (name, time) in times {
            text.extend_from_slice(name);
            let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
            let millis = millis.clamp(1, LONGEST_TOLD);
            text.extend_from_slice(digits.format(millis).as_bytes());
        }
        text.extend_from_slice(br#","maxPayload":"#);
        let most = digits.format(self.config.max_http_buffer_size);
        text.extend_from_slice(most.as_bytes());
        text.push(b'}');
        Encoded::text(text.into(), Vec::new())
    }
}

/// The longest time that is told, in milliseconds. Clients in JavaScript set a timer for the sum of both, and one of 32
/// bits or more rings at once.
const LONGEST_TOLD: u32 = i32::MAX as u32 / 2;
