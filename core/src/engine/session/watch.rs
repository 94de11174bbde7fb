//! What is told of a session beside what happens on it: each packet, and when what was sent has left.

use std::collections::VecDeque;

use bytestring::ByteString;

use crate::engine::{Packet, Seen};
use crate::message::{Encoded, Message, Part};
use crate::protocol::Eio;

/// What is wanted to be known of a session. Few want anything.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Watch {
    /// Whether packets are told of.
    pub(super) packets: bool,
    pub(super) seen: VecDeque<Seen>,
    /// The points that are followed, in order: how many queued packets go before each, no two as many, and its number.
    pub(super) ahead: VecDeque<(usize, u64)>,
    /// The number of the last point.
    pub(super) made: u64,
    /// That of the last one that was reached.
    pub(super) reached: u64,
}

impl Watch {
    /// A packet has come.
    #[cold]
    pub(super) fn received(&mut self, packet: &Packet, most: usize) {
        if self.packets {
            self.see(Seen::Received(packet.clone()), most);
        }
    }

    /// A WebSocket wants to take over.
    #[cold]
    pub(super) fn probed(&mut self, most: usize) {
        if self.packets {
            self.see(Seen::Upgrading, most);
        }
    }

    /// A packet is queued.
    #[cold]
    pub(super) fn created(&mut self, packet: &Encoded, most: usize) {
        if !self.packets {
            return;
        }
        for part in packet.parts() {
            let packet = match part {
                Part::Binary(bytes) => Some(Packet::Message(Message::Binary(bytes))),
                Part::Text(text) => ByteString::try_from(text)
                    .ok()
                    .and_then(|text| Packet::decode(Eio::V4, Message::Text(text)).ok()),
            };
            if let Some(packet) = packet {
                self.see(Seen::Created(packet), most);
            }
        }
    }

    fn see(&mut self, seen: Seen, most: usize) {
        if self.seen.len() < most {
            self.seen.push_back(seen);
        }
    }

    /// Whether all before a point that is followed was handed out, and is not flushed yet.
    #[cold]
    pub(super) fn holds_back(&self) -> bool {
        self.ahead.front().is_some_and(|(ahead, _)| *ahead == 0)
    }

    /// The packet at this place is gone from the queue.
    #[cold]
    pub(super) fn removed(&mut self, at: usize) {
        for (ahead, _) in self.ahead.iter_mut().filter(|(ahead, _)| *ahead > at) {
            *ahead = ahead.saturating_sub(1);
        }
        // Of two that are the same now the later one stands for both.
        let same = |(first, next): (&(usize, u64), &(usize, u64))| first.0 == next.0;
        let pairs = self.ahead.iter().zip(self.ahead.iter().skip(1));
        if let Some(place) = pairs.map(same).position(|same| same) {
            self.ahead.remove(place);
        }
    }

    /// All that was handed out has left.
    #[cold]
    pub(super) fn flushed(&mut self) {
        if let Some(&(0, number)) = self.ahead.front() {
            self.ahead.pop_front();
            self.reached = number;
        }
    }

    /// All that was queued has left.
    #[cold]
    pub(super) fn emptied(&mut self) {
        self.ahead.clear();
        self.reached = self.made;
    }

    /// The session is over: what waits will never be known to have left.
    #[cold]
    pub(super) fn forget(&mut self) {
        self.ahead.clear();
    }
}
