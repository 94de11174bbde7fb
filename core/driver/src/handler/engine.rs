//! Handlers of plain Engine.IO: messages without events and acks.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use sio_core::engine::{CloseReason, Message};

use super::call::{Asynchronous, Outcome, Synchronous};
use crate::event::{Progress, Started, is_small};
use crate::handle::{EngineServer, EngineSocket, OnMessage};
use crate::mailbox::weight::data_size;

/// A closure that handles what happens on a plain Engine.IO connection; sync or async, returning `()`
/// or `Result<(), E>`. `A` is what it is given, `M` tells sync from async.
#[diagnostic::on_unimplemented(
    message = "this is not a handler of an Engine.IO server",
    label = "not a handler that takes `{A}`",
    note = "`on_connect` takes `|socket: EngineSocket|`, `on_message` `|socket: EngineSocket, message: Message|`, `on_close` `|socket: EngineSocket, reason: CloseReason|`: all of them, by value",
    note = "a handler returns `()` or `Result<(), E>` where `E: Display + 'static`"
)]
pub trait EngineHandler<A, M>: Send + Sync + 'static {
    /// Whether it may wait, and keep what it is given.
    const LASTS: bool = true;

    /// Calls it.
    fn call(&self, arguments: A) -> Started;
}

macro_rules! engine_handlers {
    ($($argument:ident),*) => {
        impl<F, R, $($argument),*> EngineHandler<($($argument,)*), Synchronous> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Outcome,
        {
            const LASTS: bool = false;

            #[allow(non_snake_case)]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> Started {
                Started(Progress::Done(self($($argument),*).into_result()))
            }
        }

        impl<F, R, $($argument),*> EngineHandler<($($argument,)*), Asynchronous> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Outcome,
        {
            #[allow(non_snake_case)]
            fn call(&self, ($($argument,)*): ($($argument,)*)) -> Started {
                let running = self($($argument),*);
                Started(Progress::Pending(Box::pin(async move {
                    running.await.into_result()
                })))
            }
        }
    };
}

engine_handlers!(A);
engine_handlers!(A, B);

/// A handler without its type. One that may wait gets a message that holds on to no more than itself.
fn keeping<M, H: EngineHandler<(EngineSocket, Message), M>>(handler: H) -> Arc<OnMessage> {
    Arc::new(move |(socket, data)| {
        let small = H::LASTS && is_small(data_size(&data), socket.transport());
        let data = if small { detached(&data) } else { data };
        handler.call((socket, data))
    })
}

/// The same message without its hold on what it was read from: copied, for keeping.
pub(crate) fn detached(data: &Message) -> Message {
    match data {
        Message::Text(text) => Message::Text((&**text).into()),
        Message::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(bytes)),
    }
}

impl EngineServer {
    /// Handles connections that have opened.
    pub fn on_connect<M>(&self, handler: impl EngineHandler<(EngineSocket,), M>) {
        self.set_on_connect(Arc::new(move |given| handler.call(given)));
    }

    /// Handles the messages of all connections that have no handler of their own.
    pub fn on_message<M>(&self, handler: impl EngineHandler<(EngineSocket, Message), M>) {
        self.set_on_message(keeping(handler));
    }

    /// Handles the ends of all connections that have no handler of their own for it.
    pub fn on_close<M>(&self, handler: impl EngineHandler<(EngineSocket, CloseReason), M>) {
        self.set_on_close(Arc::new(move |given| handler.call(given)));
    }
}

impl EngineSocket {
    /// Handles its messages, in place of the server's own handler. The first one that is set stays.
    pub fn on_message<M>(&self, handler: impl EngineHandler<(Self, Message), M>) {
        self.set_on_message(keeping(handler));
    }

    /// Handles its end, in place of the server's own handler. The first one that is set stays.
    pub fn on_close<M>(&self, handler: impl EngineHandler<(Self, CloseReason), M>) {
        self.set_on_close(Arc::new(move |given| handler.call(given)));
    }
}
