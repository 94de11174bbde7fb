//! The WebSockets of a client: the one that it is on, one that is to take over, those that are being closed.

use std::task::{Context, Poll};
use std::time::Duration;

use sio_core::client::record::Taped;
use sio_core::client::{Session, Work, WsOut};
use sio_core::id::RequestId;
use sio_core::time::Instant;
use sio_core::websocket::{Limits, Masks};

use crate::client::dialer::{BoxStream, Dialer};
use crate::client::http::{Http, Opened};
use crate::websocket::{Said, Transport, WebSocket};

/// All of them.
pub(in crate::client) struct Wires {
    all: Vec<Wire>,
    /// What the keys of their masks are made of.
    secret: [u8; 16],
    drawn: u64,
}

struct Wire {
    id: RequestId,
    websocket: WebSocket<BoxStream>,
    /// By when it must be gone, once it is being closed.
    closing: Option<Instant>,
    /// Whether it was given something that has not all left.
    owes: bool,
}

/// A machine that speaks on WebSockets.
pub(in crate::client) trait Speaks {
    /// What is to be said next.
    fn poll_ws(&mut self, id: RequestId) -> Option<WsOut>;
    /// All that was said has left.
    fn handle_ws_flushed(&mut self, now: Instant, id: RequestId);
    /// Some of it has.
    fn handle_ws_progress(&mut self, now: Instant, id: RequestId);
}

impl<T> Speaks for Taped<T> {
    fn poll_ws(&mut self, id: RequestId) -> Option<WsOut> {
        self.poll_ws(id)
    }

    fn handle_ws_flushed(&mut self, now: Instant, id: RequestId) {
        self.handle_ws_flushed(now, id);
    }

    fn handle_ws_progress(&mut self, now: Instant, id: RequestId) {
        self.handle_ws_progress(now, id);
    }
}

impl Speaks for Session {
    fn poll_ws(&mut self, id: RequestId) -> Option<WsOut> {
        self.poll_ws(id)
    }

    fn handle_ws_flushed(&mut self, now: Instant, id: RequestId) {
        self.handle_ws_flushed(now, id);
    }

    fn handle_ws_progress(&mut self, now: Instant, id: RequestId) {
        self.handle_ws_progress(now, id);
    }
}

/// Messages of one WebSocket that are taken in before its answers leave.
const MESSAGES: usize = 32;

impl Wires {
    /// Does all that a machine wants done about HTTP. `false`: there was nothing.
    pub(in crate::client) fn carry_out<R: Dialer>(
        &mut self,
        http: &mut Http<R>,
        mut poll: impl FnMut() -> Option<Work>,
    ) -> bool {
        let mut any = false;
        while let Some(work) = poll() {
            match work {
                Work::Request { id, request } => http.request(id, request),
                Work::OpenWebSocket { id, request } => http.open(id, request),
                Work::Abort(id) => {
                    http.abort(id);
                    self.abort(id);
                }
                _ => {}
            }
            any = true;
        }
        any
    }

    pub(in crate::client) const fn new(secret: [u8; 16]) -> Self {
        Self {
            all: Vec::new(),
            secret,
            drawn: 0,
        }
    }

    pub(in crate::client) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One that is open.
    pub(in crate::client) fn push(&mut self, id: RequestId, opened: Opened, limits: Limits) {
        // No two WebSockets have the same keys, and none is known from another.
        let mut secret = self.secret;
        for (byte, drawn) in secret.iter_mut().zip(self.drawn.to_le_bytes()) {
            *byte ^= drawn;
        }
        self.drawn = self.drawn.wrapping_add(1);
        let masks = Masks::from_random(secret);
        let Opened {
            stream,
            read,
            deflate,
        } = opened;
        self.all.push(Wire {
            id,
            websocket: WebSocket::asked_for(stream, &read, limits, masks, deflate),
            closing: None,
            owes: false,
        });
    }

    /// Gives one up.
    pub(in crate::client) fn abort(&mut self, id: RequestId) {
        self.all.retain(|wire| wire.id != id);
    }

    /// Gives back what more of them took.
    pub(in crate::client) fn shrink(&mut self) {
        self.all.shrink_to_fit();
    }

    /// Gives all up.
    pub(in crate::client) fn clear(&mut self) {
        self.all.clear();
    }

    /// When the first of those that are being closed must be gone.
    pub(in crate::client) fn deadline(&self) -> Option<Instant> {
        self.all.iter().filter_map(|wire| wire.closing).min()
    }

    /// What has come, message by message. `true`: something has.
    pub(in crate::client) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        mut tell: impl FnMut(RequestId, Said),
    ) -> bool {
        let mut any = false;
        for wire in self.all.iter_mut().filter(|wire| wire.closing.is_none()) {
            for _ in 0..MESSAGES {
                let Poll::Ready(said) = wire.websocket.poll_said(cx) else {
                    break;
                };
                any = true;
                let closed = matches!(said, Said::Closed(_));
                tell(wire.id, said);
                if closed {
                    wire.closing = Some(Instant::LAST);
                    break;
                }
            }
        }
        any
    }

    /// Hands on what the machine has to say, and writes it. `true`: something has changed for the machine.
    pub(in crate::client) fn transmit<M: Speaks>(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        patience: Duration,
        mut with: impl FnMut(&mut dyn FnMut(&mut M)),
    ) -> bool {
        let mut any = false;
        for wire in &mut self.all {
            if wire.closing == Some(Instant::LAST) {
                wire.close(None, now + patience);
            }
            if wire.closing.is_none() {
                with(&mut |machine| wire.pull(machine, now + patience));
                any |= wire.flush(cx, now, &mut with);
            }
        }
        self.all.retain_mut(|wire| match wire.closing {
            Some(by) => by > now && wire.websocket.poll_finish(cx).is_pending(),
            None => true,
        });
        any
    }
}

impl Wire {
    /// Lays out what the machine has to say, as long as there is room.
    fn pull<M: Speaks>(&mut self, machine: &mut M, by: Instant) {
        while self.websocket.has_room() {
            match machine.poll_ws(self.id) {
                Some(WsOut::Frame {
                    head,
                    part,
                    compress,
                }) => self.websocket.send(head, part, compress),
                Some(WsOut::Ping) => self.websocket.ping(),
                Some(WsOut::Close(code)) => return self.close(code, by),
                None => return,
            }
            self.owes = true;
        }
    }

    fn close(&mut self, code: Option<u16>, by: Instant) {
        self.websocket.close(code, "");
        self.closing = Some(by);
    }

    /// Writes what is laid out. `true`: the machine was told of it.
    fn flush<M: Speaks>(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        with: &mut impl FnMut(&mut dyn FnMut(&mut M)),
    ) -> bool {
        let (sent, flushed) = self.websocket.poll_flush(cx);
        let id = self.id;
        match flushed {
            // That it is over is what is read next, some time. What was to leave never does.
            Poll::Ready(Err(_)) => std::mem::take(&mut self.owes),
            Poll::Ready(Ok(())) if self.owes => {
                self.owes = false;
                with(&mut |machine| machine.handle_ws_flushed(now, id));
                true
            }
            Poll::Pending if sent > 0 => {
                with(&mut |machine| machine.handle_ws_progress(now, id));
                false
            }
            Poll::Ready(Ok(())) | Poll::Pending => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::Waker;

    use bytes::Bytes;
    use futures_io::{AsyncRead, AsyncWrite};
    use sio_core::message::Part;

    use super::*;

    /// A stream that nobody writes on any more, and nobody reads.
    struct Broken;

    impl AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Has one thing to say, and counts what it is told.
    #[derive(Default)]
    struct Speaker {
        said: bool,
        flushed: usize,
    }

    impl Speaks for Speaker {
        fn poll_ws(&mut self, _: RequestId) -> Option<WsOut> {
            (!std::mem::replace(&mut self.said, true)).then(|| WsOut::Frame {
                head: &[],
                part: Part::Text(Bytes::from_static(b"4hi")),
                compress: false,
            })
        }

        fn handle_ws_flushed(&mut self, _: Instant, _: RequestId) {
            self.flushed += 1;
        }

        fn handle_ws_progress(&mut self, _: Instant, _: RequestId) {}
    }

    #[test]
    fn what_cannot_be_written_has_not_left() {
        let (mut wires, mut speaker) = (Wires::new([7; 16]), Speaker::default());
        let opened = Opened {
            stream: Box::new(Broken),
            read: Bytes::new(),
            deflate: None,
        };
        wires.push(RequestId(1), opened, Limits::default());
        let mut cx = Context::from_waker(Waker::noop());
        let mut transmit = || {
            let (now, patience) = (Instant::ORIGIN, Duration::from_secs(1));
            wires.transmit(&mut cx, now, patience, |act| act(&mut speaker))
        };
        // Once it is looked at what has come; and then there is nothing to do.
        assert_eq!([transmit(), transmit()], [true, false]);
        assert_eq!((speaker.said, speaker.flushed), (true, 0));
    }
}
