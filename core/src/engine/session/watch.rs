//! What is told of a session beside what happens on it: each packet, and when what was sent has left.

use std::collections::VecDeque;

use bytestring::ByteString;

use super::Session;
use super::state::State;
use crate::engine::queue::{Popped, Queue};
use crate::engine::{Packet, Seen};
use crate::message::{Encoded, Message, Part};
use crate::protocol::Eio;

/// What is wanted to be known of a session. Few want anything.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Watch {
    /// Whether packets are told of.
    packets: bool,
    seen: VecDeque<Seen>,
    /// The points that are followed, in order: how many queued packets go before each, no two as many, and its number.
    pub(super) ahead: VecDeque<(usize, u64)>,
    /// The number of the last point.
    made: u64,
    /// That of the last one that was reached.
    reached: u64,
}

impl Session {
    /// From now on [`poll_seen`](Self::poll_seen) tells of each packet that comes and of each that is made.
    pub fn observe(&mut self) {
        self.watch.get_or_insert_default().packets = true;
    }

    /// The next packet that came or was made, in order; of one with attachments each part is one. Nothing, before
    /// [`observe`](Self::observe). While nobody asks, no more are kept than `max_backlog_packets`: what comes behind
    /// those is not told.
    pub fn poll_seen(&mut self) -> Option<Seen> {
        self.watch.as_mut()?.seen.pop_front()
    }

    /// Whether packets are told of, or waits are.
    #[inline]
    pub const fn is_observed(&self) -> bool {
        self.watch.is_some()
    }

    /// Asks for when what was sent until now has left: once [`reached`](Self::reached) is this number or a higher one.
    /// That it was handed to HTTP counts where the client polls; on a WebSocket what is sent afterwards is held back
    /// until it was [flushed](Self::handle_ws_flushed). `None`: the session is over, and nothing is known of it.
    pub fn follow(&mut self) -> Option<u64> {
        let busy = match &self.state {
            State::Closed(_) => return None,
            State::WebSocket(websocket) => websocket.busy,
            State::Polling(_) => false,
        };
        let queued = self.queue.len();
        if queued == 0 && !busy {
            return Some(self.watch.as_ref().map_or(0, |watch| watch.reached));
        }
        let watch = self.watch.get_or_insert_default();
        if watch.ahead.back().is_none_or(|(ahead, _)| *ahead != queued) {
            watch.made = watch.made.saturating_add(1);
            watch.ahead.push_back((queued, watch.made));
        }
        Some(watch.made)
    }

    /// Up to which of what is [followed](Self::follow) all has left. Once nothing more is, the numbers begin anew: who
    /// follows asks for this before anything else is done.
    pub fn reached(&mut self) -> u64 {
        let Some(watch) = &mut self.watch else {
            return 0;
        };
        let reached = watch.reached;
        if watch.ahead.is_empty() && !watch.packets {
            self.watch = None;
        }
        reached
    }
}

impl Watch {
    /// A packet has come.
    pub(super) fn received(&mut self, packet: &Packet, most: usize) {
        if self.packets {
            self.see(Seen::Received(packet.clone()), most);
        }
    }

    /// A WebSocket wants to take over.
    pub(super) fn probed(&mut self, most: usize) {
        if self.packets {
            self.see(Seen::Upgrading, most);
        }
    }

    /// A packet is queued.
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

    /// The next frame, unless all before a point that is followed was handed out and is not flushed yet.
    pub(super) fn pop(&mut self, queue: &mut Queue, base64: bool) -> Option<Popped> {
        if self.ahead.front().is_some_and(|(ahead, _)| *ahead == 0) {
            return None;
        }
        let before = queue.len();
        let popped = queue.pop(base64);
        if queue.len() < before {
            self.removed(0);
        }
        popped
    }

    /// The packet at this place is gone from the queue.
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
    pub(super) fn flushed(&mut self) {
        if let Some(&(0, number)) = self.ahead.front() {
            self.ahead.pop_front();
            self.reached = number;
        }
    }

    /// All that was queued has left.
    pub(super) fn emptied(&mut self) {
        self.ahead.clear();
        self.reached = self.made;
    }

    /// The session is over: what waits will never be known to have left.
    pub(super) fn forget(&mut self) {
        self.ahead.clear();
    }
}
