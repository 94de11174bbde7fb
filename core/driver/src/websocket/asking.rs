//! A WebSocket from the side that has asked for it.

use std::task::{Context, Poll, ready};

use sio_core::engine::WsClosed;
use sio_core::message::Message;
use sio_core::websocket::{Connection, Event, Limits, Masks, Phase};

use super::lent::Lent;
use super::{CONTROLS, Deflate, READS, WebSocket};
use crate::runtime::Stream;

/// What a server has said.
#[derive(Debug)]
pub(crate) enum Said {
    Message(Message),
    Pong,
    /// It is over. What was said to it until now may still be sent.
    Closed(WsClosed),
}

impl<S: Stream> WebSocket<S> {
    /// Takes over a stream after the 101 response, with the compression that was agreed on; `read` is what was read
    /// beyond it.
    pub(crate) fn asked_for(
        stream: S,
        read: &[u8],
        limits: Limits,
        masks: Masks,
        deflate: Option<Deflate>,
    ) -> Self {
        let mut connection = Connection::client(limits, masks, Lent(deflate));
        connection.handle_bytes(read);
        Self {
            stream,
            connection,
            ended: false,
        }
    }

    /// Queues a ping.
    pub(crate) fn ping(&mut self) {
        self.connection.ping(&[]);
    }

    /// What has come next; after the end it is not called again.
    pub(crate) fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<Said> {
        if self.connection.phase() != Phase::Open {
            return Poll::Ready(Said::Closed(WsClosed::Closed));
        }
        let mut reads = READS;
        for _ in 0..=CONTROLS {
            match ready!(self.poll_event(cx, &mut reads)) {
                Event::Message(message) => return Poll::Ready(Said::Message(message)),
                Event::Closed(end) => return Poll::Ready(Said::Closed(end.into())),
                Event::Pong(_) => return Poll::Ready(Said::Pong),
                Event::Ping | Event::Ignored => {}
            }
        }
        // Nothing but pings: others first, and what is owed to this peer.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
