//! What a client that waits for an answer is told of an event that was not handled.

use std::collections::BTreeMap;

use sio_core::packet::Value;

use crate::error::Failure;
use crate::event::{AckSlot, SocketKind};
use crate::handle::Invocation;
use crate::handler::answer::Ack;
use crate::sync::BoxFuture;

/// A client's wish for an answer that no handler has taken, where the application wants it told
/// ([`RefuseAck`](crate::error::Reaction::RefuseAck)).
pub(super) struct Unanswered(Ack);

impl Unanswered {
    pub(super) fn of(call: &Invocation) -> Option<Self> {
        Self::after(call, true)
    }

    /// The same, or one that a handler had which was not `called` in the end.
    fn after(call: &Invocation, called: bool) -> Option<Self> {
        let ticket = call.event.untaken_ack(called)?;
        let socket = &call.socket;
        let alone = || Ack::new(socket.clone(), AckSlot::One(ticket));
        socket.refuses().then(|| Self(alone()))
    }

    /// Behind what the handler has emitted. A client that has gone does not hear of it.
    pub(super) fn refuse(self, message: &str, data: Option<&Value>) {
        let mut answer = BTreeMap::from([("error", Value::from(message))]);
        answer.extend(data.map(|data| ("data", data.clone())));
        let _ = self.0.send(&answer);
    }

    fn refuse_for(self, failure: &Failure) {
        let data = match failure {
            Failure::Refused(refusal) => refusal.data.as_ref(),
            Failure::Mistyped(_)
            | Failure::Params(_)
            | Failure::NoState(_)
            | Failure::Absent(_)
            | Failure::Failed(_)
            | Failure::Panicked(_)
            | Failure::Dropped(_)
            | Failure::Unhandled => None,
        };
        self.refuse(failure.told(), data);
    }
}

/// Answers for a handler that has failed.
pub(super) fn failed(call: &Invocation, failure: &Failure) {
    let called = match failure {
        Failure::Mistyped(_) | Failure::Params(_) | Failure::NoState(_) | Failure::Absent(_) => {
            false
        }
        Failure::Failed(_)
        | Failure::Refused(_)
        | Failure::Panicked(_)
        | Failure::Dropped(_)
        | Failure::Unhandled => true,
    };
    if let Some(unanswered) = Unanswered::after(call, called) {
        unanswered.refuse_for(failure);
    }
}

/// Answers for a handler that waits, if it fails.
pub(super) fn or_refused(
    call: &Invocation,
    handler: BoxFuture<Result<(), Failure>>,
) -> BoxFuture<Result<(), Failure>> {
    match Unanswered::of(call) {
        None => handler,
        Some(unanswered) => Box::pin(async move {
            let result = handler.await;
            if let Err(failure) = &result {
                unanswered.refuse_for(failure);
            }
            result
        }),
    }
}
