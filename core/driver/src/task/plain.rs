//! The half of a connection's task that is plain Engine.IO.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::details::Details;
use sio_core::engine::{CloseReason, Message};

use super::running::{self, Begun, Job, Kept, Panic, begin, guarded, let_go};
use super::{Task, Upper};
use crate::endpoint::handshake::Handshake;
use crate::error::Failure;
use crate::handle::{EngineHandlers, EngineSocket};
use crate::handler::call::Started;
use crate::log::{debug, error};
use crate::mailbox::task_handle::data_size;
use crate::runtime::Runtime;

/// What a plain Engine.IO connection has besides the connection.
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

    /// The messages that no handler has seen yet.
    pub(super) fn take_waiting(&mut self) -> VecDeque<Message> {
        self.waiting_bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
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

impl<R: Runtime> Task<R> {
    fn plain(&mut self) -> Option<&mut Plain> {
        match &mut self.upper {
            Upper::Engine(plain) => Some(plain),
            Upper::SocketIo(_) => None,
        }
    }

    pub(super) fn plain_opened(&mut self, cx: &mut Context<'_>) {
        let Some(plain) = self.plain() else { return };
        let socket = plain.socket.clone();
        if let Some(handler) = plain.handlers.connect.take() {
            self.plain_start(cx, 0, move || handler((socket,)));
        }
    }

    pub(super) fn plain_message(&mut self, cx: &mut Context<'_>, data: Message) {
        let crowded = self.is_crowded();
        let Some(plain) = self.plain() else { return };
        if crowded || !plain.waiting.is_empty() {
            plain.waiting_bytes = plain.waiting_bytes.saturating_add(weight(&data));
            // Copied: it may wait long, and must not hold on to a read buffer.
            plain.waiting.push_back(match data {
                Message::Text(text) => Message::Text(ByteString::from(&*text)),
                Message::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(&bytes)),
            });
        } else {
            self.plain_handle(cx, data);
        }
    }

    fn plain_handle(&mut self, cx: &mut Context<'_>, data: Message) {
        let Some(plain) = self.plain() else { return };
        let socket = plain.socket.clone();
        let bytes = data_size(&data);
        if let Some(handler) = socket.message_handler() {
            self.plain_start(cx, bytes, move || handler((socket, data)));
        } else if let Some(handler) = plain.handlers.message.clone() {
            self.plain_start(cx, bytes, move || handler((socket, data)));
        }
    }

    pub(super) fn plain_closed(
        &mut self,
        cx: &mut Context<'_>,
        reason: CloseReason,
        details: Option<Details>,
    ) {
        let Some(plain) = self.plain() else { return };
        plain.waiting.clear();
        plain.waiting_bytes = 0;
        let socket = plain.socket.clone();
        socket.set_details(details);
        if let Some(handler) = socket.close_handler() {
            self.plain_start(cx, 0, move || handler((socket, reason)));
        } else if let Some(handler) = plain.handlers.close.take() {
            self.plain_start(cx, 0, move || handler((socket, reason)));
        }
    }

    /// Handles messages that waited, as far as may be.
    pub(super) fn plain_advance(&mut self, cx: &mut Context<'_>) {
        while !self.is_crowded() {
            let Some(plain) = self.plain() else { return };
            let Some(data) = plain.waiting.pop_front() else {
                return;
            };
            plain.waiting_bytes = plain.waiting_bytes.saturating_sub(weight(&data));
            self.plain_handle(cx, data);
        }
    }

    /// `bytes`: what the handler is given.
    fn plain_start(&mut self, cx: &mut Context<'_>, bytes: usize, call: impl FnOnce() -> Started) {
        match begin(cx, call) {
            Begun::Ended(result) => self.plain_done(result),
            Begun::Waits(future) => {
                self.keep(Job::Plain(Kept::new(future, running::Message { bytes })))
            }
        }
    }

    pub(super) fn plain_done(&mut self, result: Result<Result<(), Failure>, Panic>) {
        match result {
            Ok(Ok(())) => {}
            // By what its client has sent, maybe.
            Ok(Err(failure)) => self.plain_failed(&failure),
            Err(_panic) => {
                error!(why = %_panic.0, "handler panicked");
                self.abandon();
            }
        }
    }

    /// Tells the application, of whose hooks none hears of it.
    pub(super) fn plain_failed(&self, failure: &Failure) {
        debug!(why = %crate::log::Brief(failure), "handler failed");
        let host = self.host();
        host.hooks.notices.tell_plain(&host.config.path, failure);
    }
}

/// What a message that waits holds, itself included.
fn weight(data: &Message) -> usize {
    data_size(data).saturating_add(size_of::<Message>())
}
