//! A WebSocket that was opened beside the polling, and may take over from it (§12).

use std::time::Duration;

use super::Session;
use super::state::{Beside, Candidate, Incoming, State, WebSocket};
use crate::deadline::Why;
use crate::engine::reply::PollAnswer;
use crate::engine::{CloseReason, Event, Mismatch, Packet, Reply};
use crate::protocol::{Eio, TransportKind};
use crate::time::Instant;

impl Session {
    /// Another WebSocket was opened for this session, and wants to take over (§12). `base64`: it takes no
    /// binary messages. `false`: close it at once; nothing else is disturbed.
    pub fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        let now = self.advance(now);
        let allowed = self.config.allow_upgrades
            && self.config.transports.websocket
            && revision == self.revision;
        match &mut self.state {
            State::Polling(polling) if allowed => match polling.beside {
                Beside::Nothing => {
                    polling.beside = Beside::Candidate(Candidate::new(now, base64));
                    self.returned = true;
                    self.start(Why::Upgrade, self.config.upgrade_timeout);
                    true
                }
                Beside::Candidate(_) | Beside::Dismissed(_) => false,
            },
            State::Polling(_) | State::WebSocket(_) | State::Closed(_) => false,
        }
    }

    /// A packet on the WebSocket that wants to take over; `None`: no packet at all.
    pub(super) fn probe(&mut self, packet: Option<Packet>) {
        let State::Polling(polling) = &mut self.state else {
            return;
        };
        let Beside::Candidate(candidate) = &mut polling.beside else {
            return;
        };
        match packet {
            Some(Packet::Ping(data)) if &*data == "probe" => {
                candidate.probes = candidate.probes.saturating_add(1);
                if let Some(watch) = &mut self.watch {
                    watch.probed(self.config.max_backlog_packets);
                }
                if self.frees(true) {
                    self.answer_poll(PollAnswer::Noop);
                }
            }
            // Without a probe, too: firmware in the field knows no other way (§12).
            Some(Packet::Upgrade) => {
                self.settle();
                self.upgrade();
            }
            Some(
                Packet::Open(_)
                | Packet::Close
                | Packet::Ping(_)
                | Packet::Pong(_)
                | Packet::Message(_)
                | Packet::Noop,
            )
            | None => polling.beside.dismiss(None),
        }
    }

    /// Whether a poll that waits is to be freed now, so that the client can stop polling: once it has probed
    /// its WebSocket, and then now and again.
    pub(super) fn frees(&mut self, probed: bool) -> bool {
        let State::Polling(polling) = &self.state else {
            return false;
        };
        let candidate = polling.beside.candidate();
        let free = candidate.is_some_and(|it| it.noop_at.map_or(probed, |at| at <= self.now));
        if free {
            self.start(Why::Noop, NOOP_EVERY);
        }
        free
    }

    /// The client goes over to its WebSocket. What is queued follows it.
    fn upgrade(&mut self) {
        let State::Polling(polling) = &self.state else {
            return;
        };
        let Some(candidate) = polling.beside.candidate() else {
            return;
        };
        let websocket = WebSocket::new(candidate.base64, candidate.probes);
        self.answer_poll(PollAnswer::Close);
        if let State::Polling(polling) = &mut self.state
            && let Incoming::Body(id) = polling.post
        {
            let mismatch = Mismatch::Transport(TransportKind::WebSocket);
            self.reply(id, Reply::mismatching(mismatch).closing());
        }
        self.heartbeat.upgrade(self.now);
        self.state = State::WebSocket(websocket);
        self.events.push_back(Event::Upgraded);
        self.await_write();
        if self.is_closing() {
            self.start(Why::Close, self.config.close_timeout);
            if self.queue.is_empty() {
                self.end(CloseReason::ForcedClose, None);
            }
        }
    }
}

/// Polls are freed this often at most: the reference looks for one at this interval.
const NOOP_EVERY: Duration = Duration::from_millis(100);
