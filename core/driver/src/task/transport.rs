//! The WebSocket of a connection, and those that it closes.

use std::io;
use std::task::{Context, Poll};

use sio_core::engine::{WsClosed, WsOut};
use sio_core::time::Instant;

use crate::log::trace;
use crate::websocket::{self, Received};

/// What a connection has of WebSockets. It never looks into the session: it is given frames, and says how far
/// they have come.
#[derive(Default)]
pub(super) struct Transport {
    current: Option<Box<dyn websocket::Transport>>,
    /// Whether something was handed to it and is not known to have left.
    unflushed: bool,
    /// How it has ended, while what was to be sent on it is still sent.
    broken: Option<WsClosed>,
    closing: Option<Box<Closing>>,
}

/// WebSockets that are being closed, and when that must be over.
#[derive(Default)]
struct Closing(Vec<(Box<dyn websocket::Transport>, Instant)>);

/// WebSockets of one session that are being closed at a time.
const CLOSING: usize = 4;

/// How far [`Transport::pull`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// Until there was no room.
    Some,
    /// Until nothing was left.
    Everything,
    /// Until it is to be closed, with this code.
    Close(Option<u16>),
}

/// How far what was handed over has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing more has.
    Nothing,
    Some,
    /// All that was, since it was said the last time.
    All,
}

impl Transport {
    pub(super) fn attach(&mut self, transport: Box<dyn websocket::Transport>) {
        self.current = Some(transport);
    }

    pub(super) fn is_attached(&self) -> bool {
        self.current.is_some()
    }

    /// Whether it has ended, and only what was said before is still sent.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Whether something may come.
    pub(super) fn is_read(&self) -> bool {
        self.is_attached() && !self.is_broken()
    }

    pub(super) fn set_broken(&mut self, cause: WsClosed) {
        self.broken = Some(cause);
    }

    /// How it has ended, if it has and was to be kept for what is still sent.
    pub(super) fn take_broken(&mut self) -> Option<WsClosed> {
        self.broken.take()
    }

    /// What has come. Nothing ever does where there is no WebSocket, or a broken one.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        match &mut self.current {
            Some(transport) if self.broken.is_none() => transport.poll_receive(cx),
            _ => Poll::Pending,
        }
    }

    /// Takes frames while there is room for them, to be written with the next flush.
    ///
    /// Done for each packet, so that its memory is the next one's: sixteen answers that waited for the
    /// end of the turn cost a third more.
    pub(super) fn pull(&mut self, mut next: impl FnMut() -> Option<WsOut>) -> Pulled {
        let Some(transport) = &mut self.current else {
            return Pulled::Everything;
        };
        loop {
            if !transport.has_room() {
                return Pulled::Some;
            }
            match next() {
                Some(WsOut::Frame {
                    head,
                    part,
                    compress,
                }) => {
                    trace!(?part, "sent");
                    transport.send(head, part, compress);
                    self.unflushed = true;
                }
                Some(WsOut::Close(code)) => return Pulled::Close(code),
                None => return Pulled::Everything,
            }
        }
    }

    /// Takes what is laid out as frames already. `false`: it is to be sent packet by packet.
    pub(super) fn send_frames(&mut self, frames: &[u8], compress: bool) -> bool {
        let Some(transport) = &mut self.current else {
            return false;
        };
        let sent = transport.send_frames(frames, compress);
        self.unflushed |= sent;
        sent
    }

    pub(super) fn has_room(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|transport| transport.has_room())
    }

    /// Writes. `None`: there is no WebSocket.
    pub(super) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Option<(Left, Poll<io::Result<()>>)> {
        let (sent, flushed) = self.current.as_mut()?.poll_flush(cx);
        // That all has left says more than that some has.
        let left = if matches!(flushed, Poll::Ready(Ok(()))) && std::mem::take(&mut self.unflushed)
        {
            Left::All
        } else if sent > 0 {
            Left::Some
        } else {
            Left::Nothing
        };
        Some((left, flushed))
    }

    /// It has ended by itself; what it still has to say is said until then. `false`: there is none.
    pub(super) fn lose(&mut self, until: Instant) -> bool {
        self.broken = None;
        let Some(transport) = self.current.take() else {
            return false;
        };
        self.unflushed = false;
        self.wind_up(transport, until);
        true
    }

    /// Closes the one there is, if any.
    pub(super) fn close(&mut self, code: Option<u16>, reason: &str, until: Instant) {
        if let Some(mut transport) = self.current.take() {
            self.broken = None;
            self.unflushed = false;
            transport.close(code, reason);
            self.wind_up(transport, until);
        }
    }

    /// Closes one that the session wants no more, or never did.
    pub(super) fn dismiss(&mut self, mut transport: Box<dyn websocket::Transport>, until: Instant) {
        transport.close(None, "");
        self.wind_up(transport, until);
    }

    fn wind_up(&mut self, transport: Box<dyn websocket::Transport>, until: Instant) {
        // Each is looked at in every turn. A client that opens one after the other for a session that
        // has one sees the oldest go without a farewell.
        let closing = self.closing.get_or_insert_default();
        if closing.0.len() >= CLOSING {
            closing.0.remove(0);
        }
        closing.0.push((transport, until));
    }

    /// Goes on closing. `true`: of one there is nothing left.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(closing) = &mut self.closing else {
            return false;
        };
        let before = closing.0.len();
        closing.0.retain_mut(|(transport, until)| {
            *until > now && transport.poll_finish(cx).is_pending()
        });
        let any = before != closing.0.len();
        if closing.0.is_empty() {
            self.closing = None;
        }
        any
    }

    /// How many there are, those that are being closed among them.
    pub(super) fn count(&self) -> usize {
        let closing = self.closing.as_ref().map_or(0, |closing| closing.0.len());
        closing.saturating_add(usize::from(self.is_attached()))
    }

    /// When that must be over.
    pub(super) fn closes_by(&self) -> Option<Instant> {
        let closing = self.closing.as_ref()?;
        closing.0.iter().map(|(_, until)| *until).min()
    }
}
