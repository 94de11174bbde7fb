//! What happens on a connection of plain Engine.IO.

use std::task::Context;

use sio_core::details::Details;
use sio_core::engine::{CloseReason, Event, Message};

use super::super::jobs::{self, Begun, Guarded, Job, begin};
use super::super::plain::Plain;
use super::super::{Task, report};
use crate::error::Failure;
use crate::event::Started;
use crate::log::error;
use crate::mailbox::weight::data_size;
use crate::runtime::Runtime;
use crate::sync::guard::Panic;

impl<R: Runtime> Task<R> {
    pub(super) fn plain_opened(&mut self, cx: &mut Context<'_>) {
        if let Some(call) = self.machine.plain().and_then(Plain::opened) {
            self.plain_start(cx, 0, call);
        }
    }

    /// Tells the application what has happened.
    pub(super) fn plain_event(&mut self, cx: &mut Context<'_>, event: Event) {
        match event {
            Event::Message(data) => self.plain_message(cx, data),
            Event::Upgraded => self.upgraded(),
            Event::Closed { reason, violation } => {
                self.closed(cx, reason, violation.map(Details::Violation));
            }
        }
    }

    fn plain_message(&mut self, cx: &mut Context<'_>, data: Message) {
        let crowded = self.is_crowded();
        let Some(plain) = self.machine.plain() else {
            return;
        };
        if crowded || plain.is_behind() {
            plain.put_off(data);
        } else {
            self.plain_handle(cx, data);
        }
    }

    fn plain_handle(&mut self, cx: &mut Context<'_>, data: Message) {
        let bytes = data_size(&data);
        if let Some(call) = self.machine.plain().and_then(|plain| plain.message(data)) {
            self.plain_start(cx, bytes, call);
        }
    }

    pub(super) fn plain_closed(
        &mut self,
        cx: &mut Context<'_>,
        reason: CloseReason,
        details: Option<Details>,
    ) {
        let Some(plain) = self.machine.plain() else {
            return;
        };
        if let Some(call) = plain.closed(reason, details) {
            self.plain_start(cx, 0, call);
        }
    }

    /// Handles messages that waited, as far as may be.
    pub(super) fn plain_advance(&mut self, cx: &mut Context<'_>) {
        while !self.is_crowded()
            && let Some(data) = self.machine.plain().and_then(Plain::next)
        {
            self.plain_handle(cx, data);
        }
    }

    /// `bytes`: what the handler is given.
    fn plain_start(&mut self, cx: &mut Context<'_>, bytes: usize, call: impl FnOnce() -> Started) {
        match begin(cx, call) {
            Begun::Ended(result) => self.plain_done(result),
            Begun::Waits(future) => {
                let job = Job::Plain(Guarded::new(future, jobs::Message { bytes }));
                self.jobs.push(job);
            }
        }
    }

    pub(super) fn plain_done(&mut self, result: Result<Result<(), Failure>, Panic>) {
        match result {
            Ok(Ok(())) => {}
            // By what its client has sent, maybe.
            Ok(Err(failure)) => report::plain_failed(self.endpoint(), &failure),
            Err(_panic) => {
                error!(why = %_panic.0, "handler panicked");
                self.abandon();
            }
        }
    }
}
