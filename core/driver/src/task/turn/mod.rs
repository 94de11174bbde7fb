//! One turn of a connection: what is due, what was told, what has come, and what leaves.
//!
//! This alone sees all parts of the task: what one of them says has happened is told to the others here.

mod command;
mod connect;
mod departed;
mod dispatch;
mod event;
mod plain;
mod seen;
mod socket;
#[cfg(test)]
mod tests;
mod websocket;

use std::collections::VecDeque;
use std::task::{Context, Poll};

use sio_core::connection::Event;
use sio_core::engine::{self, Backlog, CloseReason, TransportKind};
use sio_core::socket::Event as SocketEvent;

use super::account::Account;
use super::jobs::Job;
use super::machine::Machine;
use super::{Phase, Task};
use crate::log::debug;
use crate::mailbox::Took;
use crate::mailbox::command::Command;
use crate::mailbox::local_queue;
use crate::mailbox::reply::Said;
use crate::mailbox::reply::Token;
use crate::mailbox::weight::data_size;
use crate::runtime::Runtime;

/// Turns that a connection takes before it lets others run.
const TURNS: usize = 16;

/// What a connection takes in before it lets others run: bytes, and for each message [`MESSAGE`] more.
///
/// Whatever runtime there is beside, a message of the largest size comes on top at most. tokio looks for
/// what has arrived after 61 polls, while there are tasks to run: as many of these are 8 MB, some 10 ms.
const ALLOWANCE: u32 = 128 * 1024;

/// What a message costs beside its bytes, in bytes that are read instead.
const MESSAGE: usize = 256;

impl<R: Runtime> Task<R> {
    /// The same, counted.
    #[inline]
    pub(super) fn counted_turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        #[cfg(feature = "metrics")]
        let began = self.runtime.now();
        let poll = self.turns(cx);
        #[cfg(feature = "metrics")]
        {
            let now = self.runtime.now();
            self.tally.turned(self.machine.session(), began, now);
        }
        poll
    }

    /// Turns, until there is nothing to do or others are to run. Ready: the connection is over.
    fn turns(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.phase == Phase::New {
            self.phase = Phase::Open;
            self.tell_of_opening();
            self.plain_opened(cx);
        }
        self.allowance = ALLOWANCE;
        for _ in 0..TURNS {
            let busy = self.turn(cx);
            if self.is_spent() {
                break;
            }
            if busy {
                continue;
            }
            if self.is_over() {
                return Poll::Ready(());
            }
            let same = match self.take_or_sleep(cx) {
                Took::Some | Took::Overflowed => continue,
                Took::Nothing { same_waker } => same_waker,
            };
            if !self.arm(cx, same) {
                return Poll::Pending;
            }
        }
        // What hooks have told it since it was looked at is not this thread's any more when others run.
        local_queue::take(self.handle.mailbox(), &mut self.inbox);
        // Others first. The sleep was not set for what this has brought about.
        self.timer.unset();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One turn. `true`: there is more to do at once. Else whatever comes next wakes the task: a second
    /// look at all that was just looked at would cost a tenth of a message.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        self.now = self.runtime.now();
        let mut busy = false;
        let due = self.is_due();
        self.note_unwritten();
        self.take();
        self.work(cx);
        busy |= self.receive(cx);
        let held = self.is_over_waiting_limit();
        let ended = self.continue_jobs(cx);
        busy |= ended;
        if due {
            // Whatever has come by now has come in time.
            self.expire();
        }
        // What the handlers of this turn emitted leaves with it.
        self.take_more();
        let attached = self.transport.is_attached();
        // Else there is nothing: what was received has been worked on.
        if ended || due || !self.inbox.is_empty() {
            self.work(cx);
        }
        self.answer_requests();
        // From one that came just now is to be read.
        busy |= !attached && self.transport.is_attached();
        busy |= self.transmit(cx);
        // So it is from one that was left alone, if what waited has left.
        busy |= held && !self.is_over_waiting_limit();
        busy |= self.finish(cx);
        self.dismiss_departed(cx);
        self.note_queued();
        // They emit when they run: behind what has left.
        if let Some(waits) = self.jobs.waits() {
            waits.go_on(self.machine.session());
            waits.leave(&mut self.machine);
        }
        busy
    }

    /// Whether a deadline has come.
    fn is_due(&mut self) -> bool {
        self.timer.may_be_due(self.now) && {
            let deadline = self.machine.poll_timeout();
            deadline.is_some_and(|deadline| deadline.at <= self.now)
        }
    }

    /// Sets the timer. `true`: something is due already. `same`: the waker is the one of the last time.
    fn arm(&mut self, cx: &mut Context<'_>, same: bool) -> bool {
        let next = self.machine.poll_timeout().map(|deadline| deadline.at);
        let closing = self.transport.closes_by();
        let departed = self.jobs.departed_until();
        let first = closing.into_iter().chain(next).chain(departed).min();
        self.timer.arm(cx, &self.runtime, self.now, first, same)
    }

    /// Tells those who emit how much waits.
    fn note_queued(&self) {
        let session = self.machine.session();
        let (bytes, packets) = (session.queued_bytes(), session.backlog_packets());
        self.handle.mailbox().set_session(bytes, packets);
    }

    /// Acts on deadlines that have come.
    fn expire(&mut self) {
        self.machine.expire(self.now);
        // Heartbeats come to the idle too: the time to give back what a burst has left.
        if self.inbox.is_empty() {
            self.inbox = VecDeque::new();
        }
        self.handle.mailbox().shrink();
    }

    /// Counts what is taken in against what may be before others run.
    fn spend(&mut self, bytes: usize) {
        let cost = u32::try_from(bytes.saturating_add(MESSAGE)).unwrap_or(u32::MAX);
        self.allowance = self.allowance.saturating_sub(cost);
    }

    /// Whether others are to run before more is taken in.
    const fn is_spent(&self) -> bool {
        self.allowance == 0
    }

    /// Takes what was told, if anything was: first what its own handlers said, then the rest.
    fn take(&mut self) {
        local_queue::take(self.handle.mailbox(), &mut self.inbox);
        let overflowed = self.handle.mailbox().swap(&mut self.inbox);
        self.overflow(overflowed);
    }

    /// Like `take`, without a lock where nothing was told.
    fn take_more(&mut self) {
        local_queue::take(self.handle.mailbox(), &mut self.inbox);
        if self.handle.mailbox().is_waiting() {
            self.take();
        }
    }

    /// Like `take`; if nothing was told, whoever tells something next wakes this task.
    fn take_or_sleep(&mut self, cx: &mut Context<'_>) -> Took {
        local_queue::take(self.handle.mailbox(), &mut self.inbox);
        let mailbox = self.handle.mailbox();
        let took = mailbox.swap_or_sleep(&mut self.inbox, cx.waker());
        self.overflow(took == Took::Overflowed);
        if self.inbox.is_empty() {
            took
        } else {
            Took::Some
        }
    }

    fn overflow(&mut self, overflowed: bool) {
        if overflowed && self.phase != Phase::Closed {
            debug!("backlog full");
            self.machine.fail(self.now, CloseReason::TransportError);
        }
    }

    /// Carries out what was told and tells the application what has happened, until there is no more of
    /// either.
    ///
    /// What a handler says is carried out before the next event is looked at: that one may be of a socket
    /// that was just disconnected, or end the session, and answers must not pile up behind it.
    fn work(&mut self, cx: &mut Context<'_>) {
        loop {
            self.carry_out(cx);
            let over = self.is_over_waiting_limit();
            self.machine.pause(self.now, over);
            let posted = self.machine.session().is_reading();
            if posted && self.is_spent() {
                // The rest of a POST: when others have run.
                break;
            }
            if self.tell_next(cx, posted) {
                self.take_more();
            } else if self.inbox.is_empty() {
                break;
            }
        }
        // Memory for a burst is not kept for ever.
        if self.inbox.is_empty() && self.inbox.capacity() > KEEP {
            self.inbox = VecDeque::new();
        }
    }

    /// Tells the application the next thing that has happened. `false`: nothing has. `posted`: it is one of a
    /// POST's.
    #[inline]
    fn tell_next(&mut self, cx: &mut Context<'_>, posted: bool) -> bool {
        match &mut self.machine {
            Machine::SocketIo { connection, .. } => {
                let event = connection.poll_event(self.now);
                if connection.session().is_observed() {
                    self.tell_seen();
                }
                let Some(event) = event else {
                    return false;
                };
                self.tell(cx, event, posted);
            }
            Machine::Recorded { connection, .. } => {
                let event = connection.poll_event(self.now);
                if connection.session().is_observed() {
                    self.tell_seen();
                }
                let Some(event) = event else {
                    return false;
                };
                self.tell(cx, event, posted);
            }
            Machine::Engine { session, .. } => {
                let event = session.poll_event();
                if session.is_observed() {
                    self.tell_seen();
                }
                let Some(event) = event else {
                    return false;
                };
                if posted {
                    let size = plain_size(&event);
                    self.spend(size);
                }
                self.plain_event(cx, event);
            }
        }
        true
    }

    #[inline]
    fn tell(&mut self, cx: &mut Context<'_>, event: Event<Token>, posted: bool) {
        if posted {
            let size = event_size(&event);
            self.spend(size);
        }
        self.event(cx, event);
    }

    /// Carries out what was told, up to and with what handlers hear of before anything else: packets of a
    /// client, and that it is to go.
    fn carry_out(&mut self, cx: &mut Context<'_>) {
        while let Some(command) = self.inbox.pop_front() {
            let brings_events = command.brings_events();
            if command.is_request() {
                self.receive_before_request(cx);
            }
            if let Command::Cast {
                socket,
                batch,
                flags,
            } = command
            {
                self.cast(cx, socket, batch.run(), flags);
                continue;
            }
            if let Command::Hold(until) = command {
                // Of one whose client has gone nothing is read as it is.
                if self.phase != Phase::Closed {
                    self.jobs.hold(cx, until);
                }
                continue;
            }
            self.command(command);
            if brings_events {
                break;
            }
            self.relieve(cx);
        }
    }

    /// Whether nothing more is read until some of what it holds has gone.
    fn is_over_waiting_limit(&self) -> bool {
        // Of one that is broken nothing more is read, so its silence is not ours.
        !self.transport.is_broken() && self.account().is_full() && self.phase != Phase::Closed
    }

    /// What it holds.
    #[inline]
    pub(super) fn account(&self) -> Account<'_> {
        let (session, waiting) = (self.machine.session(), self.machine.waiting_bytes());
        Account::new(&self.handle, session, waiting, &self.jobs)
    }

    /// Drops handlers in flight where they wait.
    fn drop_jobs(&mut self, cx: &mut Context<'_>, which: impl Fn(&Job) -> bool) {
        if self.jobs.drop_some(which) {
            self.continue_jobs(cx);
        }
    }

    /// Lets handlers go on that waited.
    fn continue_jobs(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = self.jobs.poll_held(cx);
        if any {
            self.start_waiting(cx);
        }
        while let Some(done) = self.jobs.poll_next(cx) {
            any = true;
            self.done(cx, done);
        }
        any
    }

    /// Starts what waits, as far as may be.
    fn start_waiting(&mut self, cx: &mut Context<'_>) {
        self.plain_advance(cx);
        self.advance(cx);
    }

    fn answer_requests(&mut self) {
        let mut any = false;
        while let Some((id, reply)) = self.machine.poll_http() {
            any = true;
            let (packets, bytes) = (reply.packets, reply.backlog());
            self.tally.sent(packets, bytes);
            self.tally.received(reply.taken.packets, reply.taken.bytes);
            // Before its client can know of it.
            if packets > 0 && self.machine.session().is_observed() {
                self.tell_flush(Backlog { bytes, packets });
                self.tell_drain(TransportKind::Polling);
            }
            let at = self.exchanges.iter().position(|(its, _)| *its == id);
            // One that was aborted is answered too; nobody reads it.
            if let Some(at) = at {
                let said = Said::new(&self.handle, reply);
                self.exchanges.swap_remove(at).1.give(said);
            }
        }
        if any {
            // What has left the queue is among what is unwritten now, and counts once.
            self.note_queued();
        }
        self.note_unwritten();
    }

    /// What was written meanwhile is no backlog any more.
    fn note_unwritten(&mut self) {
        let mailbox = self.handle.mailbox();
        let (now, unwritten) = (self.now, mailbox.unwritten());
        self.machine.handle_unwritten(now, unwritten);
        mailbox.count_unwritten(self.machine.session().counts_unwritten());
    }

    fn is_over(&self) -> bool {
        self.admitted.is_none() && self.phase == Phase::Closed && self.jobs.is_empty()
    }
}

/// The bytes that an event brings.
fn event_size(event: &Event<Token>) -> usize {
    if let Event::Socket(SocketEvent::Message { args, .. }) = event {
        args.size()
    } else {
        0
    }
}

/// The same of one of plain Engine.IO.
fn plain_size(event: &engine::Event) -> usize {
    match event {
        engine::Event::Message(data) => data_size(data),
        engine::Event::Upgraded | engine::Event::Closed { .. } => 0,
    }
}

/// Commands for which the batch's memory is kept from turn to turn.
const KEEP: usize = 64;
