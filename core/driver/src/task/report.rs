//! What the application hears of handlers that fail.

use crate::sync::guard::guarded;

use crate::endpoint::Endpoint;
use crate::error::{Failure, HandlerError};
use crate::handle::{Invocation, Socket};
use crate::log::debug;

/// Characters of the name of an event without a handler that are told.
const SHOWN: usize = 128;

/// A handler of a socket has failed. `is_gone`: the client has left meanwhile.
pub(super) fn failed(socket: &Socket, event: &str, why: Failure, is_gone: bool) {
    let error = HandlerError {
        socket: socket.id().clone(),
        namespace: socket.namespace().name().to_owned(),
        event: event.to_owned(),
        why,
    };
    // The application's hook; one that panics is not worth a connection.
    let _ = guarded(|| socket.io().report(&error, socket.log_name(), is_gone));
}

/// The same, of a handler that has run, whose client is there or not.
pub(super) fn handler_failed(socket: &Socket, event: &str, why: Failure) {
    let is_gone = !socket.connected() && !matches!(event, "disconnecting" | "disconnect");
    failed(socket, event, why, is_gone);
}

/// Nobody listens for an event. Its name is the client's, and may be as long as a packet.
#[cold]
pub(super) fn unhandled(call: &Invocation) {
    // The handlers of one who has left are gone before its last events.
    if call.socket.connected() && call.socket.io().hears_of_unhandled() {
        let name: String = call.event.name.chars().take(SHOWN).collect();
        handler_failed(&call.socket, &name, Failure::Unhandled);
    }
}

/// A handler of plain messages has failed. No hook is told.
pub(super) fn plain_failed(endpoint: &Endpoint, failure: &Failure) {
    debug!(why = %crate::log::Brief(failure), "handler failed");
    endpoint
        .hooks
        .notices
        .tell_plain(&endpoint.config.path, failure);
}
