//! Handlers whose client has gone: how long they may go on, and what of them is dropped.

use std::task::Context;

use super::super::account::Part;
use super::super::departed::Departed;
use super::super::jobs::{Job, Lost};
use super::super::{Phase, Task, report};
use crate::error::Failure;
use crate::runtime::Runtime;

impl<R: Runtime> Task<R> {
    /// The client has gone. Handlers that wait may go on for a while, as far as all that have been left
    /// behind hold no more than they may together.
    pub(super) fn depart(&mut self, cx: &mut Context<'_>) {
        let waiting = self.account().bytes(Part::Waiting);
        if self.jobs.is_empty() {
            return;
        }
        let bytes = self.jobs.bytes().saturating_add(waiting);
        let (departed, share) = Departed::new(self.endpoint(), bytes, self.now);
        self.jobs.set_departed(departed);
        if let Some(share) = share {
            let large = self.jobs.too_large(share);
            self.forsake(cx, "max_departed_bytes", |job| job.bytes() >= large);
        }
    }

    /// Counts what they have let go of meanwhile.
    fn count_departed(&mut self) {
        let account = self.account();
        let waiting = account.bytes(Part::Waiting);
        self.jobs.count_departed(waiting);
    }

    /// The time of those that were left behind may be over. Those that then begin, since they waited for
    /// these, have as much.
    pub(super) fn dismiss_departed(&mut self, cx: &mut Context<'_>) {
        if self.jobs.departed_until().is_none() {
            return;
        }
        self.count_departed();
        if self.phase == Phase::Closed && self.jobs.is_departed_over(self.now) {
            self.forsake(cx, "departed_timeout", |_| true);
        }
    }

    /// Drops handlers, and what waited for them, but that the end of their socket is told. The application hears
    /// of each that it was `why`.
    fn forsake(&mut self, cx: &mut Context<'_>, why: &'static str, which: impl Fn(&Job) -> bool) {
        // Out of reach of what ends meanwhile.
        let departed = self.jobs.take_departed();
        let Lost {
            plain,
            mut events,
            left,
        } = self.jobs.lost(&which);
        if let Some(sockets) = self.dispatcher() {
            events.extend(sockets.forsake(&left));
        }
        self.drop_jobs(cx, which);
        self.advance(cx);
        for (socket, name) in events {
            report::failed(&socket, &name, Failure::Dropped(why), true);
        }
        if plain {
            report::plain_failed(self.endpoint(), &Failure::Dropped(why));
        }
        if let Some(departed) = departed {
            self.jobs.set_departed(departed);
        }
        self.count_departed();
    }
}
