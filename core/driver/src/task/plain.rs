//! A connection of plain Engine.IO: its handlers, and the messages that wait for them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::details::Details;
use sio_core::engine::{CloseReason, Message};

use crate::event::Started;
use crate::sync::guard::{guarded, let_go};

use crate::endpoint::handshake::Handshake;
use crate::handle::{EngineHandlers, EngineSocket, Io};
use crate::mailbox::weight::data_size;

/// What a plain Engine.IO connection has beside its session.
pub(super) struct Plain {
    socket: EngineSocket,
    handlers: EngineHandlers,
    /// Messages that wait because too many handlers do.
    waiting: VecDeque<Message>,
    waiting_bytes: usize,
}

impl Plain {
    pub(super) fn new(socket: EngineSocket, handlers: EngineHandlers) -> Self {
        Self {
            socket,
            handlers,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    pub(super) fn handshake(&self) -> &Arc<Handshake> {
        self.socket.shared_handshake()
    }

    /// The server that its socket was handed over to.
    pub(super) fn take_speaks(&self) -> Option<Io> {
        self.socket.take_speaks()
    }

    /// The messages that no handler has seen yet.
    pub(super) fn take_waiting(&mut self) -> VecDeque<Message> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether messages wait.
    pub(super) fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Puts a message behind those that wait.
    pub(super) fn put_off(&mut self, data: Message) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(weight(&data));
        // Copied: it may wait long, and must not hold on to a read buffer.
        self.waiting.push_back(match data {
            Message::Text(text) => Message::Text(ByteString::from(&*text)),
            Message::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(&bytes)),
        });
    }

    /// The first of those.
    pub(super) fn next(&mut self) -> Option<Message> {
        let data = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(weight(&data));
        Some(data)
    }

    /// What to call since it has opened.
    pub(super) fn opened(&mut self) -> Option<impl FnOnce() -> Started + use<>> {
        let handler = self.handlers.connect.take()?;
        let socket = self.socket.clone();
        Some(move || handler((socket,)))
    }

    /// What to call for a message.
    pub(super) fn message(&self, data: Message) -> Option<impl FnOnce() -> Started + use<>> {
        let own = self.socket.message_handler();
        let handler = own.or_else(|| self.handlers.message.clone())?;
        let socket = self.socket.clone();
        Some(move || handler((socket, data)))
    }

    /// What to call since it has ended, for this reason. No more messages are handled.
    pub(super) fn closed(
        &mut self,
        reason: CloseReason,
        details: Option<Details>,
    ) -> Option<impl FnOnce() -> Started + use<>> {
        drop(self.take_waiting());
        let socket = self.socket.clone();
        socket.set_details(details);
        let own = socket.close_handler();
        let handler = own.or_else(|| self.handlers.close.take())?;
        Some(move || handler((socket, reason)))
    }
}

impl Drop for Plain {
    /// What its handlers capture may be the socket: they would keep each other.
    fn drop(&mut self) {
        let _ = guarded(|| self.socket.release());
        let _ = let_go(self.handlers.connect.take());
        let _ = let_go(self.handlers.message.take());
        let _ = let_go(self.handlers.close.take());
    }
}

/// What a message that waits holds, itself included.
fn weight(data: &Message) -> usize {
    data_size(data).saturating_add(size_of::<Message>())
}
