//! What goes between a session and its WebSocket.

use std::task::{Context, Poll};

use sio_core::admission::Held;
use sio_core::engine::{Backlog, CloseReason, Flags, Message, TransportKind, WsClosed, WsOut};
use sio_core::packet::Part;
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

use super::super::transport::{Left, Pulled};
use super::super::{Phase, Task};
use crate::log::{debug, trace};
use crate::look::look;
use crate::mailbox::batch::Run;
use crate::mailbox::task_handle::ParserNumber;
use crate::runtime::Runtime;
use crate::websocket::Received;

/// Frames read in one turn, before what they caused is written. Their bytes are counted besides, over all
/// turns until others run.
const READS: usize = 32;

impl<R: Runtime> Task<R> {
    /// Reads what has come, and handles it frame by frame. `true`: there may be more.
    pub(super) fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..READS {
            if self.is_spent() || self.is_over_waiting_limit() {
                // Reading goes on when others have run, or in the turn in which a handler ends.
                return false;
            }
            match self.transport.poll_receive(cx) {
                Poll::Pending => return false,
                Poll::Ready(Received::Frame(frame)) => {
                    trace!(?frame, "received");
                    if !is_message(&frame) && self.machine.session().backlog_packets() > 0 {
                        // It may end the session: what was said to those before it leaves first.
                        self.transmit(cx);
                    }
                    let size = frame_size(&frame);
                    self.spend(size);
                    self.tally.received(1, size);
                    self.machine.handle_ws(self.now, frame);
                }
                Poll::Ready(Received::Closed(cause)) => {
                    self.receive_end(cx, cause);
                    self.work(cx);
                    return !self.transport.is_attached();
                }
            }
            self.work(cx);
            // What it has brought about leaves before the pong to what may have come behind it.
            if self.machine.session().backlog_packets() > 0
                && matches!(self.pull(), Pulled::Close(_))
            {
                self.work(cx);
                return true;
            }
        }
        true
    }

    /// The WebSocket says that it ends.
    fn receive_end(&mut self, cx: &mut Context<'_>, cause: WsClosed) {
        debug!(?cause, "websocket closed");
        // What was answered before a frame that breaks the rules leaves before that is said, as long as the
        // peer takes it.
        match cause {
            WsClosed::TooLarge | WsClosed::TooManyFragments | WsClosed::Violation => {
                self.transport.set_broken(cause);
                self.transmit(cx);
            }
            WsClosed::Closed | WsClosed::Lost => self.lose_transport(cause),
        }
    }

    /// A request has come to a session that has a WebSocket. What had arrived on that when the request was read
    /// is handled first, as far as may be before others run: it may be that the session goes over.
    ///
    /// The system is asked itself. It is not the reactor's order that counts, which may tell of the request
    /// first.
    pub(super) fn receive_before_request(&mut self, cx: &mut Context<'_>) {
        while self.transport.is_read() && !self.is_spent() && !self.is_over_waiting_limit() {
            match look(|| self.transport.poll_receive(cx)) {
                Poll::Pending => return,
                Poll::Ready(Received::Frame(frame)) => {
                    trace!(?frame, "received");
                    let size = frame_size(&frame);
                    self.spend(size);
                    self.tally.received(1, size);
                    self.machine.handle_ws(self.now, frame);
                    self.pull();
                }
                Poll::Ready(Received::Closed(cause)) => self.receive_end(cx, cause),
            }
        }
    }

    /// Hands frames to the WebSocket while it takes them, and flushes once. `true`: that has ended the
    /// WebSocket or the session, which is told in the next turn.
    pub(super) fn transmit(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            let pulled = self.pull();
            let Some((left, flushed)) = self.transport.poll_flush(cx) else {
                return matches!(pulled, Pulled::Close(_));
            };
            match left {
                Left::Nothing => {}
                Left::Some => self.machine.handle_ws_progress(self.now),
                Left::All => {
                    self.machine.handle_ws_flushed(self.now);
                    if self.machine.session().is_observed() {
                        self.tell_drain(TransportKind::WebSocket);
                    }
                    if self.machine.session().is_closed() {
                        // A close that waited for this is an event, and has its frame.
                        return true;
                    }
                }
            }
            match flushed {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_error)) => {
                    debug!(error = %_error, "websocket broken");
                    self.lose_transport(WsClosed::Lost);
                    return true;
                }
            }
            if pulled == Pulled::Everything {
                if left == Left::All && self.machine.session().backlog_packets() > 0 {
                    // It was held back until now.
                    continue;
                }
                let broken = self.transport.take_broken();
                if let Some(cause) = broken {
                    self.lose_transport(cause);
                }
                return broken.is_some();
            }
            if !self.transport.has_room() {
                return false;
            }
        }
    }

    /// Hands on what is queued, as far as there is room.
    fn pull(&mut self) -> Pulled {
        let session = self.machine.session();
        // A WebSocket that only wants to take over is given no packets.
        let observed = session.is_observed() && session.transport() == TransportKind::WebSocket;
        let mut handed = Backlog::default();
        let pulled = self.transport.pull(|| {
            let out = self.machine.poll_ws();
            if let Some(WsOut::Frame { part, .. }) = &out {
                self.tally.sent(1, part_size(part));
                if observed {
                    handed = handed.and(Backlog {
                        bytes: part_size(part),
                        packets: 1,
                    });
                }
            }
            out
        });
        if observed {
            self.tell_flush(handed);
        }
        if let Pulled::Close(code) = pulled {
            let until = self.close_by();
            match self.handle.farewell() {
                Some(words) if code.is_none() => self.transport.close(Some(NORMAL), &words, until),
                Some(_) | None => self.transport.close(code, "", until),
            }
        }
        pulled
    }

    /// Sends packets that many get.
    ///
    /// As frames that are there already, where nothing is in their way: that is what becomes of them one
    /// by one, too, at 400 instructions each.
    pub(super) fn cast(
        &mut self,
        cx: &mut Context<'_>,
        socket: SocketKey,
        run: &Run,
        flags: Flags,
    ) {
        if !flags.volatile
            && self.handle.parser() == ParserNumber::COMMON
            && let Some((connection, _)) = self.machine.socket_io()
            && connection.is_clear(socket)
            && let Some(frames) = run.frames()
            && self.transport.send_frames(frames, flags.compress)
        {
            trace!(packets = ?run.packets(), "sent");
            self.tally.sent(run.packets().len(), run.weight().bytes);
            connection.passed(self.now, run.packets());
            return;
        }
        for packet in run.packets() {
            let packet = packet.clone();
            self.machine.deliver(self.now, socket, packet, flags);
            self.relieve(cx);
        }
    }

    /// Hands on what is queued, and writes it if it is much: a client that reads promptly is not one
    /// that does not.
    pub(super) fn relieve(&mut self, cx: &mut Context<'_>) {
        self.pull();
        if self.account().is_backed_up() {
            self.transmit(cx);
        }
    }

    /// The WebSocket has ended by itself.
    fn lose_transport(&mut self, cause: WsClosed) {
        let until = self.close_by();
        if self.transport.lose(until) {
            self.machine.handle_ws_closed(self.now, cause);
        }
    }

    /// The session is over: what the application has said when it closed it, which its client hears, too.
    pub(super) fn takes_leave(&mut self, reason: CloseReason) -> Option<Box<str>> {
        let words = self.handle.farewell()?;
        if reason == CloseReason::ForcedClose {
            let until = self.close_by();
            match self.machine.poll_ws() {
                // A code of the session's own says more to a client: that the server goes.
                Some(WsOut::Close(code @ Some(_))) => self.transport.close(code, "", until),
                Some(_) | None => self.transport.close(Some(NORMAL), &words, until),
            }
        }
        Some(words)
    }

    /// When a WebSocket that begins to close now must have done so.
    pub(super) fn close_by(&self) -> Instant {
        self.now + self.endpoint().config.close_timeout
    }

    /// Winds WebSockets up.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) -> bool {
        let is_over = self.phase == Phase::Closed;
        if is_over && self.transport.is_attached() {
            // The session is over and has nothing more to say on it.
            let until = self.close_by();
            self.transport.close(None, "", until);
        }
        let any = self.transport.finish(cx, self.now);
        let held = Held {
            requests: self.exchanges.len(),
            websockets: self.transport.count(),
        };
        if held.is_wound_up(is_over) {
            // Before it counts as gone, for which whoever closes the server waits.
            self.machine.give_log();
            self.admitted = None;
        }
        any
    }
}

/// The bytes of a message.
fn frame_size(frame: &Message) -> usize {
    match frame {
        Message::Text(text) => text.len(),
        Message::Binary(bytes) => bytes.len(),
    }
}

/// Whether it is a packet that carries a message (§7): all others are rare, and some end the session.
fn is_message(frame: &Message) -> bool {
    match frame {
        Message::Text(text) => text.as_bytes().first() == Some(&b'4'),
        Message::Binary(_) => true,
    }
}

/// The bytes of a frame.
fn part_size(part: &Part) -> usize {
    match part {
        Part::Text(bytes) | Part::Binary(bytes) => bytes.len(),
    }
}

/// How a WebSocket ends whose server says why (RFC 6455 §7.4.1).
const NORMAL: u16 = 1000;
