//! The WebSocket of a session: what comes on it, and what goes out.

use bytes::Bytes;

use super::{CODE_TOO_LARGE, Session, Transport};
use crate::deadline::{Why, after};
use crate::engine::packet::{base64_head, base64_text, type_byte};
use crate::engine::queue::Popped;
use crate::engine::upgrade::Candidate;
use crate::engine::{CloseReason, Packet, Violation, WsClosed, WsOut};
use crate::message::{Message, Part};
use crate::protocol::Eio;
use crate::time::Instant;

impl Session {
    /// Another WebSocket was opened for this session, and wants to take over (§12). `base64`: it takes no
    /// binary messages. `false`: close it at once; nothing else is disturbed.
    pub fn handle_ws_open(&mut self, now: Instant, revision: Eio, base64: bool) -> bool {
        let now = self.advance(now);
        let allowed = self.config.allow_upgrades
            && self.config.transports.websocket
            && revision == self.revision
            && self.farewell.is_none()
            && !self.is_closed();
        match &mut self.transport {
            Transport::Polling {
                candidate: candidate @ None,
                ..
            } if allowed => {
                let timeout = self.config.upgrade_timeout;
                *candidate = Some(Candidate::new(now, timeout, base64));
                self.returned = true;
                self.arm();
                true
            }
            Transport::Polling { .. } | Transport::WebSocket { .. } => false,
        }
    }

    /// A message has arrived on the WebSocket.
    pub fn handle_ws(&mut self, now: Instant, frame: Message) {
        let now = self.advance(now);
        if self.is_closed() || self.farewell.is_some() {
            return;
        }
        let size = match &frame {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        };
        let too_large = size > self.config.max_http_buffer_size;
        match &self.transport {
            Transport::Polling {
                candidate: None, ..
            } => {}
            Transport::Polling { .. } if too_large => {
                self.dismiss(Some(CODE_TOO_LARGE));
                self.arm();
            }
            Transport::Polling { .. } => {
                let packet = Packet::decode(self.revision, frame);
                self.probe(now, packet.ok());
                self.arm();
            }
            Transport::WebSocket { .. } if too_large => self.violate(Violation::TooLarge),
            Transport::WebSocket { .. } => match Packet::decode(self.revision, frame) {
                Ok(packet) => {
                    let event = self.packet(packet);
                    self.events.extend(event);
                }
                Err(error) => self.violate(Violation::Malformed(error)),
            },
        }
    }

    /// Some of what was handed out has left: the client reads.
    pub fn handle_ws_progress(&mut self, now: Instant) {
        let now = self.advance(now);
        if let Transport::WebSocket {
            stalled_at: Some(at),
            ..
        } = &mut self.transport
        {
            *at = after(now, self.config.write_timeout);
            self.arm();
        }
    }

    /// All that was handed out has left.
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        let now = self.advance(now);
        let Transport::WebSocket { busy, stalled_at } = &mut self.transport else {
            return;
        };
        *busy = false;
        let empty = self.queue.is_empty();
        *stalled_at = (!empty).then(|| after(now, self.config.write_timeout));
        // A write deadline that was not the first one is taken away without asking for the others.
        let first = self.deadline.is_none_or(|first| first.why == Why::Write);
        if empty && self.is_closing() {
            self.end(CloseReason::ForcedClose, None);
        }
        if first || !empty {
            self.arm();
        }
    }

    /// The WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.advance(now);
        if let Transport::Polling { candidate, .. } = &mut self.transport {
            *candidate = None;
            self.probes = 0;
        } else if self.is_closing() {
            self.end(CloseReason::ForcedClose, None);
        } else {
            match cause {
                // A connection that just ends is how many clients leave: the reference makes no
                // difference either (§10).
                WsClosed::Closed | WsClosed::Lost => self.end(CloseReason::TransportClose, None),
                WsClosed::TooLarge => self.violate(Violation::TooLarge),
                WsClosed::TooManyFragments => self.violate(Violation::TooManyFragments),
                WsClosed::Violation => self.violate(Violation::BrokenSocket),
            }
        }
        self.farewell = None;
        self.arm();
    }

    /// What to do next on the WebSocket. What is not pulled is the backlog: pull only while the socket
    /// takes more.
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        if let Some(code) = self.farewell.take() {
            return Some(WsOut::Close(code));
        }
        if let Some(probes) = self.probes.checked_sub(1) {
            self.probes = probes;
            return Some(WsOut::Frame {
                head: &[],
                part: Part::Text(Bytes::from_static(b"3probe")),
                compress: false,
            });
        }
        let Transport::WebSocket { busy, .. } = &mut self.transport else {
            return None;
        };
        let Popped {
            part,
            digits,
            compress,
        } = self.queue.pop(self.base64)?;
        *busy = true;
        let (head, part): (&[u8], _) = match part {
            Part::Text(_) if digits => (base64_head(self.revision), part),
            Part::Text(_) => (&[], part),
            Part::Binary(bytes) if self.base64 => {
                let text = base64_text(self.revision, &bytes);
                (&[], Part::Text(text.into_bytes()))
            }
            Part::Binary(_) => (type_byte(self.revision), part),
        };
        Some(WsOut::Frame {
            head,
            part,
            compress,
        })
    }

    /// Whether a frame may go to the WebSocket past the queue: [`send`](Self::send) would take it and
    /// [`poll_ws`](Self::poll_ws) give it out next. Say [`passed`](Self::passed) once it did.
    pub fn is_clear(&self) -> bool {
        matches!(self.transport, Transport::WebSocket { .. })
            && self.is_open()
            && self.queue.is_empty()
            && self.farewell.is_none()
            && self.probes == 0
    }

    /// Frames have gone to the WebSocket past the queue, which is as if they had been sent and given out.
    pub fn passed(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if let Transport::WebSocket { busy, .. } = &mut self.transport {
            *busy = true;
        }
        self.expect_write();
    }
}
