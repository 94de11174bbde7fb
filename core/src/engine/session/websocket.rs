//! The WebSocket of a session: what comes on it, and what goes out.

use super::Session;
use super::close::CODE_TOO_LARGE;
use super::state::{Beside, State, answer_probe};
use crate::deadline::Why;
use crate::engine::packet::{base64_head, base64_text, type_byte};
use crate::engine::queue::Popped;
use crate::engine::{CloseReason, Packet, Violation, WsClosed, WsOut};
use crate::message::{Message, Part};
use crate::time::Instant;

/// What a WebSocket is given next.
pub(crate) enum Next {
    /// Nothing, and to ask for it changes nothing.
    Nothing,
    /// The first packet of the queue: what was said of it when it was sent.
    Packet {
        number: u32,
        compress: bool,
    },
    Unknown,
}

impl Session {
    /// A message has arrived on the WebSocket.
    pub fn handle_ws(&mut self, now: Instant, frame: Message) {
        self.advance(now);
        let size = match &frame {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
        };
        let too_large = size > self.config.max_http_buffer_size;
        match &mut self.state {
            State::WebSocket(_) if too_large => self.violate(Violation::TooLarge),
            State::WebSocket(_) => match Packet::decode(self.revision, frame) {
                Ok(packet) => {
                    let event = self.packet(packet);
                    self.events.extend(event);
                }
                Err(error) => self.violate(Violation::Malformed(error)),
            },
            State::Polling(polling) => match polling.beside {
                Beside::Candidate(_) => {
                    if too_large {
                        polling.beside.dismiss(Some(CODE_TOO_LARGE));
                    } else {
                        let packet = Packet::decode(self.revision, frame);
                        self.probe(packet.ok());
                    }
                    self.arm();
                }
                Beside::Nothing | Beside::Dismissed(_) => {}
            },
            State::Closed(_) => {}
        }
    }

    /// Some of what was handed out has left: the client reads.
    pub fn handle_ws_progress(&mut self, now: Instant) {
        self.advance(now);
        if self.timer(Why::Write).is_some() {
            self.start(Why::Write, self.config.write_timeout);
        }
    }

    /// All that was handed out has left.
    pub fn handle_ws_flushed(&mut self, now: Instant) {
        self.advance(now);
        let State::WebSocket(websocket) = &mut self.state else {
            return;
        };
        websocket.busy = false;
        if let Some(watch) = &mut self.watch {
            watch.flushed();
        }
        if !self.queue.is_empty() {
            self.start(Why::Write, self.config.write_timeout);
        } else if self.is_closing() {
            self.end(CloseReason::ForcedClose, None);
        } else {
            self.stop(Why::Write);
        }
    }

    /// The WebSocket is gone.
    pub fn handle_ws_closed(&mut self, now: Instant, cause: WsClosed) {
        self.advance(now);
        match &mut self.state {
            State::Polling(polling) => polling.beside = Beside::Nothing,
            State::WebSocket(_) if self.closing.is_some() => {
                self.end(CloseReason::ForcedClose, None)
            }
            State::WebSocket(_) => match cause {
                // A connection that just ends is how many clients leave: the reference makes no
                // difference either (§10).
                WsClosed::Closed | WsClosed::Lost => self.end(CloseReason::TransportClose, None),
                WsClosed::TooLarge => self.violate(Violation::TooLarge),
                WsClosed::TooManyFragments => self.violate(Violation::TooManyFragments),
                WsClosed::Violation => self.violate(Violation::BrokenSocket),
            },
            State::Closed(_) => {}
        }
        // Nobody is left to say farewell to.
        if let State::Closed(closed) = &mut self.state {
            closed.farewell = None;
        }
        self.arm();
    }

    /// The packet that was sent last is known by this number where it leaves: it is text in one frame.
    #[inline]
    pub(crate) fn number_last(&mut self, number: u32) {
        self.queue.number_last(number);
    }

    /// What [`poll_ws`](Self::poll_ws) gives out next, as far as that can be seen at a glance.
    #[inline]
    pub(crate) fn next_ws(&self) -> Next {
        match &self.state {
            State::WebSocket(websocket)
                if websocket.probes == 0
                    && !(self.watch.as_ref()).is_some_and(|watch| watch.holds_back()) =>
            {
                match self.queue.first_number() {
                    Some((number, compress)) => Next::Packet { number, compress },
                    None => Next::Nothing,
                }
            }
            State::WebSocket(_) | State::Polling(_) | State::Closed(_) => Next::Unknown,
        }
    }

    /// What to do next on the WebSocket. What is not pulled is the backlog: pull only while the socket
    /// takes more.
    pub fn poll_ws(&mut self) -> Option<WsOut> {
        let websocket = match &mut self.state {
            State::WebSocket(websocket) => websocket,
            State::Polling(polling) => return polling.beside.poll_ws(),
            State::Closed(closed) => return closed.farewell.take().map(WsOut::Close),
        };
        if websocket.probes > 0 {
            return answer_probe(&mut websocket.probes);
        }
        if let Some(watch) = self.watch.as_mut().filter(|it| it.holds_back()) {
            if websocket.busy {
                return None;
            }
            // What was before it has given way, and nothing that was handed out is still to leave.
            watch.flushed();
        }
        let Popped {
            part,
            digits,
            compress,
        } = self.queue.pop(websocket.base64)?;
        if let Some(watch) = &mut self.watch
            && self.queue.is_between_packets()
        {
            watch.removed(0);
        }
        websocket.busy = true;
        let (head, part): (&[u8], _) = match part {
            Part::Text(_) if digits => (base64_head(self.revision), part),
            Part::Text(_) => (&[], part),
            Part::Binary(bytes) if websocket.base64 => {
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
        match &self.state {
            State::WebSocket(websocket) => {
                websocket.probes == 0
                    && !self.is_closing()
                    && self.queue.is_empty()
                    && !self.is_observed()
            }
            State::Polling(_) | State::Closed(_) => false,
        }
    }

    /// Frames have gone to the WebSocket past the queue, which is as if they had been sent and given out.
    pub fn passed(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if let State::WebSocket(websocket) = &mut self.state {
            websocket.busy = true;
        }
        self.expect_write();
    }

    /// From now on a WebSocket has to take something, if anything waits.
    pub(super) fn await_write(&mut self) {
        if !self.queue.is_empty() {
            self.expect_write();
        }
    }

    /// From now on a WebSocket has to take something.
    fn expect_write(&mut self) {
        if let State::WebSocket(websocket) = &self.state
            && websocket.stalled_at.is_none()
        {
            self.start(Why::Write, self.config.write_timeout);
        }
    }
}
