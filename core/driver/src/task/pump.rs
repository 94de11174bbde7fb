//! The WebSocket half of a connection's task: reading, writing, winding up.

use std::task::{Context, Poll};
use std::time::Instant;

use sio_core::engine::{Flags, Message, WsClosed, WsOut};
use sio_core::socket::SocketKey;

use super::{Phase, Task};
use crate::batch::Run;
use crate::log::{debug, trace};
use crate::look::look;
use crate::runtime::Runtime;
use crate::websocket::{Received, Transport};

/// Frames read in one turn, before what they caused is written. Their bytes are counted besides, over all
/// turns until others run.
const READS: usize = 32;

/// How far [`Task::pull`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Until there was no room.
    Some,
    /// Until nothing was left.
    Everything,
    /// To the end of the WebSocket.
    Closed,
}

/// WebSockets of one session that are being closed at a time.
const FINISHING: usize = 4;

/// WebSockets that are being closed, and when that must be over.
#[derive(Default)]
pub(super) struct Finishing(Vec<(Box<dyn Transport>, Instant)>);

impl Finishing {
    pub(super) fn ends(&self) -> impl Iterator<Item = Instant> {
        self.0.iter().map(|(_, end)| *end)
    }
}

impl<R: Runtime> Task<R> {
    /// Reads what has come, and handles it frame by frame. `true`: there may be more.
    pub(super) fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        if self.broken.is_some() {
            return false;
        }
        for _ in 0..READS {
            if self.is_spent() || self.is_over_waiting_limit() {
                // Reading goes on when others have run, or in the turn in which a handler ends.
                return false;
            }
            let Some(transport) = &mut self.transport else {
                return false;
            };
            match transport.poll_receive(cx) {
                Poll::Pending => return false,
                Poll::Ready(Received::Frame(frame)) => {
                    trace!(?frame, "received");
                    if !is_message(&frame) && self.connection.session().backlog_packets() > 0 {
                        // It may end the session: what was said to those before it leaves first.
                        self.transmit(cx);
                    }
                    self.spend(frame_size(&frame));
                    self.connection.handle_ws(self.now, frame);
                }
                Poll::Ready(Received::Closed(cause)) => {
                    self.receive_end(cx, cause);
                    self.work(cx);
                    return self.transport.is_none();
                }
            }
            self.work(cx);
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
                self.broken = Some(cause);
                self.transmit(cx);
            }
            WsClosed::Closed | WsClosed::Lost | _ => self.lose_transport(cause),
        }
    }

    /// A request has come to a session that has a WebSocket. What had arrived on that when the request was read
    /// is handled first, as far as may be before others run: it may be that the session goes over.
    ///
    /// The system is asked itself. It is not the reactor's order that counts, which may tell of the request
    /// first.
    pub(super) fn receive_before_request(&mut self, cx: &mut Context<'_>) {
        while self.broken.is_none()
            && !self.is_spent()
            && !self.is_over_waiting_limit()
            && let Some(transport) = &mut self.transport
        {
            match look(|| transport.poll_receive(cx)) {
                Poll::Pending => return,
                Poll::Ready(Received::Frame(frame)) => {
                    trace!(?frame, "received");
                    self.spend(frame_size(&frame));
                    self.connection.handle_ws(self.now, frame);
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
            let Some(transport) = &mut self.transport else {
                return pulled == Pulled::Closed;
            };
            let (sent, flushed) = transport.poll_flush(cx);
            // That all has left says more than that some has.
            let all = matches!(flushed, Poll::Ready(Ok(()))) && std::mem::take(&mut self.unflushed);
            if all {
                self.connection.handle_ws_flushed(self.now);
                if self.connection.session().is_closed() {
                    // A close that waited for this is an event, and has its frame.
                    return true;
                }
            } else if sent > 0 {
                self.connection.handle_ws_progress(self.now);
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
                let broken = self.broken.take();
                if let Some(cause) = broken {
                    self.lose_transport(cause);
                }
                return broken.is_some();
            }
            if !transport.has_room() {
                return false;
            }
        }
    }

    /// Hands frames to the WebSocket while it takes them, to be written with the next flush.
    ///
    /// Done for each packet, so that its memory is the next one's: sixteen answers that waited for the
    /// end of the turn were more than the allocator keeps at hand, and cost it 200 instructions each.
    pub(super) fn pull(&mut self) -> Pulled {
        while let Some(transport) = &mut self.transport {
            if !transport.has_room() {
                return Pulled::Some;
            }
            match self.connection.poll_ws() {
                Some(WsOut::Frame {
                    head,
                    part,
                    compress,
                }) => {
                    trace!(?part, "sent");
                    transport.send(head, part, compress);
                    self.unflushed = true;
                }
                Some(WsOut::Close(code)) => {
                    if let Some(transport) = self.transport.take() {
                        self.broken = None;
                        self.dismiss(transport, code);
                    }
                    return Pulled::Closed;
                }
                None => return Pulled::Everything,
            }
        }
        Pulled::Everything
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
            && self.connection.is_clear(socket)
            && let (Some(transport), Some(frames)) = (&mut self.transport, run.frames())
            && transport.send_frames(frames, flags.compress)
        {
            trace!(packets = ?run.packets(), "sent");
            self.unflushed = true;
            self.connection.passed(self.now);
            return;
        }
        for packet in run.packets() {
            let packet = packet.clone();
            let _ = self.connection.deliver(self.now, socket, packet, flags);
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

    /// The WebSocket has ended by itself; what it still has to say is said.
    fn lose_transport(&mut self, cause: WsClosed) {
        self.broken = None;
        if let Some(transport) = self.transport.take() {
            self.unflushed = false;
            self.wind_up(transport);
            self.connection.handle_ws_closed(self.now, cause);
        }
    }

    /// Closes a WebSocket that the session wants no more.
    pub(super) fn dismiss(&mut self, mut transport: Box<dyn Transport>, code: Option<u16>) {
        self.unflushed = false;
        transport.close(code);
        self.wind_up(transport);
    }

    fn wind_up(&mut self, transport: Box<dyn Transport>) {
        // Each is looked at in every turn. A client that opens one after the other for a session that
        // has one sees the oldest go without a farewell.
        let end = self.now + self.host().config.close_timeout;
        let finishing = self.finishing.get_or_insert_default();
        if finishing.0.len() >= FINISHING {
            finishing.0.remove(0);
        }
        finishing.0.push((transport, end));
    }

    /// Winds WebSockets up.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) -> bool {
        if self.phase == Phase::Closed
            && let Some(transport) = self.transport.take()
        {
            // The session is over and has nothing more to say on it.
            self.broken = None;
            self.dismiss(transport, None);
        }
        let now = self.now;
        let mut any = false;
        if let Some(finishing) = &mut self.finishing {
            let before = finishing.0.len();
            finishing.0.retain_mut(|(transport, end)| {
                *end > now && transport.poll_finish(cx).is_pending()
            });
            any = before != finishing.0.len();
            if finishing.0.is_empty() {
                self.finishing = None;
            }
        }
        if self.phase == Phase::Closed && self.finishing.is_none() && self.exchanges.is_empty() {
            self.counted = None;
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
