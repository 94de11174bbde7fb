//! What a connection that is recorded writes on.

use super::field::Field;
use super::input::{Input, Told};
use super::sum;
use super::tape::{Lead, Tape};
use crate::connection::Event;
use crate::engine::WsOut;
use crate::message::{Encoded, Part};
use crate::socket;
use crate::time::Instant;

/// What is written, and what is not yet.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) tape: Tape,
    /// How far the session's clock is, as the log has it.
    clock: Instant,
    /// How far it is: that far the connection was told of what it knew, how much is unwritten, which moves its clock
    /// alone. It is not in the log yet.
    told: Instant,
    /// So much.
    known: usize,
    /// The number of the packet that was given last, if it has one.
    pub(super) given: u32,
    /// As the connection knows it.
    pub(super) paused: bool,
}

/// The numbers of the steps that most are: what they are given goes to the log as it is, and is no [`Input`] first.
pub(super) mod number {
    pub(in crate::record) const UNWRITTEN: u8 = 3;
    pub(in crate::record) const WS: u8 = 6;
    pub(in crate::record) const WS_PROGRESS: u8 = 7;
    pub(in crate::record) const WS_FLUSHED: u8 = 8;
    pub(in crate::record) const DELIVER: u8 = 16;
    pub(in crate::record) const REQUEST: u8 = 17;
    pub(in crate::record) const RESPOND: u8 = 18;
    pub(in crate::record) const POLL_EVENT: u8 = 27;
    pub(in crate::record) const POLL_HTTP: u8 = 28;
    pub(in crate::record) const POLL_WS: u8 = 29;
    pub(in crate::record) const PASSED: u8 = 34;

    /// Whether the session's clock is moved by it before anything else.
    pub(in crate::record) const fn moves_clock(number: u8) -> bool {
        matches!(number, WS | WS_PROGRESS | WS_FLUSHED | PASSED)
    }
}

impl Paper {
    pub(super) const fn new(now: Instant, tape: Tape) -> Self {
        Self {
            tape,
            clock: now,
            told: now,
            known: 0,
            given: 1,
            paused: false,
        }
    }

    /// Whether a step is written, unless the log is full. What is to be in the log before it is then.
    #[inline]
    pub(super) fn begins(&mut self, now: Instant, number: u8) -> bool {
        if number::moves_clock(number) && self.told <= now {
            self.told = now;
            self.clock = now;
            return true;
        }
        self.told == self.clock || self.write_told()
    }

    /// Writes a step: how it begins, in so many bytes behind its number, and what is behind that.
    #[inline]
    pub(super) fn step<const LEAD: usize>(
        &mut self,
        now: Instant,
        number: u8,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) {
        if self.begins(now, number) && !self.tape.step::<LEAD>(now, numbered(number, lead), bytes) {
            self.end();
        }
    }

    /// A message has come. Before its bytes are when that is, the number of the step, and how long they are.
    #[inline]
    pub(super) fn came(&mut self, now: Instant, is_text: bool, bytes: &[u8]) {
        let lead = numbered(number::WS, |to| to.put_message(is_text, bytes));
        if self.begins(now, number::WS) && !self.tape.step_timed::<15>(now, lead, bytes) {
            self.end();
        }
    }

    /// Writes a step with a packet, of which it takes `WHOLE` bytes to come to its bytes, if it has one frame and no name;
    /// before any packet are `LEAD`. It is known by the number that comes back where it leaves, if that is not 0.
    #[inline(always)]
    pub(super) fn step_giving<const LEAD: usize, const WHOLE: usize>(
        &mut self,
        now: Instant,
        number: u8,
        lead: impl Fn(&mut Lead<'_>),
        packet: &Encoded,
    ) -> u32 {
        // As what a packet leaves that is not text depends on its client.
        let Some((true, bytes)) = packet.single() else {
            self.step_giving_any::<LEAD>(now, number, lead, |_| {}, packet);
            return 0;
        };
        let whole = numbered(number, |to| {
            lead(to);
            to.put_packet(true, bytes);
        });
        // Odd: never none.
        self.given = self.given.wrapping_add(2);
        if !self.tape.step_giving_known::<WHOLE>(now, whole, bytes) {
            self.end();
        }
        self.given
    }

    /// The same of any packet, behind what `put` puts. It has no number.
    #[inline(never)]
    pub(super) fn step_giving_any<const LEAD: usize>(
        &mut self,
        now: Instant,
        number: u8,
        lead: impl Fn(&mut Lead<'_>),
        put: impl FnOnce(&mut Vec<u8>),
        packet: &Encoded,
    ) {
        if packet.single().is_some() {
            self.given = self.given.wrapping_add(2);
        }
        (self.tape).step_giving_any::<LEAD>(now, numbered(number, lead), put, packet);
    }

    /// What has happened was asked for, and this has, on a socket.
    #[inline]
    pub(super) fn happened<T>(&mut self, now: Instant, event: &socket::Event<T>) {
        if self.begins(now, number::POLL_EVENT) {
            let sum = sum::of_socket_event(event);
            if !self.tape.came_out(now, number::POLL_EVENT, sum, []) {
                self.end();
            }
        }
    }

    /// The same, and this has, or nothing.
    #[cold]
    pub(super) fn happened_otherwise<T>(&mut self, now: Instant, event: Option<&Event<T>>) {
        if !self.begins(now, number::POLL_EVENT) {
            return;
        }
        match event {
            Some(event) => {
                let sum = sum::of_event(event);
                self.tape.came_out(now, number::POLL_EVENT, sum, []);
            }
            None => self.tape.write(now, number::POLL_EVENT, |_| {}),
        }
    }

    /// The packet that was given last goes to the WebSocket.
    #[inline]
    pub(super) fn given_left(&mut self, compress: bool) {
        if self.begins(self.tape.last(), number::POLL_WS) {
            let now = self.tape.last();
            self.tape
                .came_out_as_given(now, number::POLL_WS, compress, []);
        }
    }

    /// That goes to the WebSocket.
    pub(super) fn left(&mut self, out: &WsOut) {
        if self.tape.is_full() || !self.begins(self.tape.last(), number::POLL_WS) {
            return;
        }
        let now = self.tape.last();
        if let WsOut::Frame {
            head,
            part,
            compress,
        } = out
        {
            let (is_text, bytes) = match part {
                Part::Text(bytes) => (true, bytes),
                Part::Binary(bytes) => (false, bytes),
            };
            if head.is_empty() && self.tape.is_given(is_text, bytes) {
                (self.tape).came_out_as_given(now, number::POLL_WS, *compress, []);
                return;
            }
        }
        self.tape
            .came_out(now, number::POLL_WS, sum::of_ws(out), []);
    }

    pub(super) fn note(&mut self, now: Instant, input: &Input) {
        if self.begins(now, input.number()) {
            self.tape.write(now, input.number(), |to| input.put(to));
        }
    }

    /// The same of what has no time of its own.
    pub(super) fn note_now(&mut self, input: &Input) {
        if self.begins(self.tape.last(), input.number()) {
            self.note(self.tape.last(), input);
        }
    }

    /// What is not written is so much, as the connection knows. `false`: its clock is as far already.
    #[inline]
    pub(super) fn unwritten(&mut self, now: Instant, bytes: usize) -> bool {
        if now > self.told {
            self.told = now;
            self.known = bytes;
            return true;
        }
        self.tape.is_full()
    }

    /// The clock was moved. `false`: there was no room for how far.
    #[cold]
    fn write_told(&mut self) -> bool {
        if self.tape.is_full() {
            return false;
        }
        self.clock = self.told;
        let (told, bytes) = (self.told, self.known);
        (self.tape).write(told, number::UNWRITTEN, |to| bytes.put(to));
        !self.tape.is_full()
    }

    /// The log is full: the clock is never again where it is to be, so that no step begins.
    #[cold]
    fn end(&mut self) {
        (self.clock, self.told) = (Instant::ORIGIN, Instant::LAST);
    }
}

/// The number before how a step begins.
#[inline(always)]
fn numbered(number: u8, lead: impl Fn(&mut Lead<'_>)) -> impl Fn(&mut Lead<'_>) {
    move |to: &mut Lead<'_>| {
        to.put([number]);
        lead(to);
    }
}
