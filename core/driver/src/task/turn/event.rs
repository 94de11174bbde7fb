//! What happens on a connection.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Context;

use sio_core::connection::Event;
use sio_core::details::Details;
use sio_core::engine::{CloseReason, Eio, ErrorCode, ErrorContext, TransportKind};
use sio_core::packet::Fault;
use sio_core::socket::SocketKey;

use crate::sync::guard::{guarded, let_go};

use super::super::waits::Waits;
use super::super::{Phase, Task};
use crate::error::ConnectionError;
use crate::log::{debug, error, hears_debug, trace, warn};
use crate::mailbox::reply::Token;
use crate::runtime::Runtime;

impl<R: Runtime> Task<R> {
    /// Tells the application what has happened.
    pub(super) fn event(&mut self, cx: &mut Context<'_>, event: Event<Token>) {
        match event {
            Event::Socket(event) => self.socket_event(cx, event),
            Event::Upgraded => self.upgraded(),
            Event::Closed { reason, details } => self.closed(cx, reason, details),
        }
    }

    /// The session is open, and nothing has been read.
    pub(super) fn tell_of_opening(&self) {
        let Some(hooks) = self.endpoint().hooks.opened.get() else {
            return;
        };
        for hook in &*hooks {
            self.tell_watcher(|| hook(&self.handle));
        }
    }

    /// The session has moved from polling to its WebSocket.
    pub(super) fn upgraded(&self) {
        debug!("upgraded");
        self.handle.set_upgraded();
        for watcher in self.handle.watchers_of(|it| &it.upgrade) {
            self.tell_watcher(|| watcher(TransportKind::WebSocket));
        }
    }

    /// The session is over.
    pub(super) fn closed(
        &mut self,
        cx: &mut Context<'_>,
        reason: CloseReason,
        details: Option<Details>,
    ) {
        log_end(reason, details.as_ref(), &self.endpoint().warned_unwritten);
        if let Some(details) = &details {
            self.tell_of_limit(details);
        }
        let details = details.or_else(|| self.takes_leave(reason).map(Details::Told));
        self.phase = Phase::Closed;
        if let Some(admitted) = &mut self.admitted {
            admitted.settle();
        }
        if let Some(watchers) = self.handle.set_closed() {
            for watcher in &watchers.close {
                self.tell_watcher(|| watcher(reason));
            }
            let _ = let_go(watchers);
        }
        self.endpoint().sessions.remove(&self.handle);
        self.plain_closed(cx, reason, details);
        self.stop_deciding(cx, None);
        if let Some(waits) = self.jobs.waits() {
            waits.leave(&mut self.machine);
            // Nobody waits any more.
            *waits = Waits::default();
        }
        if self.jobs.free() {
            self.start_waiting(cx);
        }
        self.depart(cx);
        trace!(account = ?self.account(), "left behind");
    }

    /// The session ends for something that its client did, or did not do: whoever hears of refused requests
    /// hears of it, unless it is one of them that did it.
    fn tell_of_limit(&self, details: &Details) {
        let Some(hook) = self.endpoint().hooks.connection_error.get() else {
            return;
        };
        let is_answered = self.machine.session().is_violation_answered();
        let handshake = self.machine.handshake();
        let status = match details {
            Details::Violation(_) if is_answered => return,
            // That is nobody's fault.
            Details::Told(_) => return,
            Details::Violation(violation) => violation.status(),
            Details::Malformed(_)
            | Details::Unexpected
            | Details::Refused
            | Details::NotJoined
            | Details::Incomplete
            | Details::Unwritten(_) => http::StatusCode::BAD_REQUEST,
        };
        let error = ConnectionError {
            status,
            code: None,
            message: details.to_string(),
            request: format!("GET {}", handshake.url),
            headers: handshake.headers.to_map(),
            context: None,
            details: Some(details.clone()),
        };
        self.tell_watcher(|| hook(&error));
    }

    /// A WebSocket was opened for the session, and closed at once: if that was for its revision, whoever hears of
    /// refused requests hears of it.
    pub(super) fn tell_of_other_revision(&self, protocol: Eio) {
        let previous = self.machine.session().revision();
        let Some(hook) = self.endpoint().hooks.connection_error.get() else {
            return;
        };
        if protocol == previous {
            return;
        }
        let handshake = self.machine.handshake();
        let error = ConnectionError {
            status: http::StatusCode::SWITCHING_PROTOCOLS,
            code: Some(ErrorCode::BadRequest.code().into()),
            message: ErrorCode::BadRequest.message().to_owned(),
            request: format!("GET {}", handshake.url),
            headers: handshake.headers.to_map(),
            context: Some(ErrorContext::ProtocolMismatch {
                protocol: Some(protocol),
                previous: Some(previous),
            }),
            details: None,
        };
        self.tell_watcher(|| hook(&error));
    }

    /// Drops what decides over a namespace, of one socket or of all: nobody waits for it any more.
    pub(super) fn stop_deciding(&mut self, cx: &mut Context<'_>, socket: Option<SocketKey>) {
        if let Some(dispatcher) = self.dispatcher() {
            dispatcher.forget_connect(socket);
        }
        self.drop_jobs(cx, |job| job.decides_over(socket));
    }

    /// Calls something of the application's that watches. One that panics is not worth a connection.
    pub(super) fn tell_watcher(&self, call: impl FnOnce()) {
        if let Err(_panic) = guarded(call) {
            error!(why = %_panic.0, "handler panicked");
        }
    }
}

/// What the application's parser has done wrong is told louder than what its clients do; that it does not write,
/// the first time: clients can come for that as often as they like.
fn log_end(_reason: CloseReason, details: Option<&Details>, warned: &AtomicBool) {
    match details {
        Some(Details::Malformed(Fault::Panicked)) => error!("parser panicked"),
        Some(Details::Unwritten(_why)) => {
            if !warned.swap(true, Relaxed) {
                warn!(why = %_why, "not written");
            }
        }
        Some(
            Details::Violation(_)
            | Details::Malformed(_)
            | Details::Unexpected
            | Details::Refused
            | Details::NotJoined
            | Details::Incomplete
            | Details::Told(_),
        )
        | None => {}
    }
    if hears_debug!() {
        let _why = details.map(ToString::to_string).unwrap_or_default();
        debug!(reason = %_reason, details = _why, "session closed");
    }
}
