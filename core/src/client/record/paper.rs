//! What a client that is recorded writes on.

use super::input::Input;
use super::sum;
use crate::client::event::WsOut;
use crate::id::RequestId;
use crate::message::{Encoded, Part};
use crate::record::input::Told;
use crate::record::{Lead, Tape};
use crate::time::Instant;

/// What is written.
#[derive(Clone, Debug)]
pub(super) struct Paper {
    pub(super) tape: Tape,
    /// That there is nothing to be done was said since anything else was written.
    no_work: bool,
    /// The same of this WebSocket.
    nothing_for: Option<RequestId>,
}

/// The numbers of the steps that most are: what they are given goes to the log as it is, and is no [`Input`] first.
pub(super) mod number {
    pub(in crate::client::record) const WS: u8 = 4;
    pub(in crate::client::record) const WS_FLUSHED: u8 = 6;
    pub(in crate::client::record) const EMIT: u8 = 22;
    pub(in crate::client::record) const DRAW_ACK_ID: u8 = 23;
    pub(in crate::client::record) const REQUEST: u8 = 24;
    pub(in crate::client::record) const RESPOND: u8 = 26;
    pub(in crate::client::record) const POLL_EVENT: u8 = 35;
    pub(in crate::client::record) const POLL_WORK: u8 = 36;
    pub(in crate::client::record) const POLL_WS: u8 = 37;
}

impl Paper {
    pub(super) const fn new(tape: Tape) -> Self {
        Self {
            tape,
            no_work: false,
            nothing_for: None,
        }
    }

    /// Writes a step: how it begins, in so many bytes, and what is behind that.
    #[inline]
    pub(super) fn step<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) {
        self.stir();
        self.tape.step::<LEAD>(now, lead, bytes);
    }

    /// Writes a step with a packet, of which it takes `WHOLE` bytes to come to its bytes, if it has one frame and no name;
    /// before any packet are `LEAD`.
    #[inline]
    pub(super) fn step_giving<const LEAD: usize, const WHOLE: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        packet: &Encoded,
    ) {
        self.stir();
        let Some((is_text, bytes)) = packet.single() else {
            return (self.tape).step_giving_any::<LEAD>(now, lead, |_| {}, packet);
        };
        let whole = |to: &mut Lead<'_>| {
            lead(to);
            to.put_packet(is_text, bytes);
        };
        self.tape.step_giving::<WHOLE>(now, whole, (is_text, bytes));
    }

    /// A message has come on this WebSocket. Before its bytes are when that is, the number of the step, which WebSocket,
    /// and how long they are.
    #[inline]
    pub(super) fn came(&mut self, now: Instant, id: RequestId, is_text: bool, bytes: &[u8]) {
        let lead = |to: &mut Lead<'_>| {
            to.put([number::WS]);
            to.put(id.0.to_le_bytes());
            to.put_message(is_text, bytes);
        };
        self.stir();
        self.tape.step_timed::<23>(now, lead, bytes);
    }

    pub(super) fn note(&mut self, now: Instant, input: &Input) {
        self.stir();
        self.tape.write(now, input.number(), |to| input.put(to));
    }

    /// Something came out, of what has no time of its own.
    #[inline]
    pub(super) fn came_out(&mut self, number: u8, sum: impl FnOnce() -> u32) {
        if !self.tape.is_full() {
            self.stir();
            let now = self.tape.last();
            self.tape.came_out(now, number, sum(), []);
        }
    }

    /// That goes to this WebSocket.
    #[inline]
    pub(super) fn left(&mut self, id: RequestId, out: &WsOut) {
        if self.tape.is_full() {
            return;
        }
        self.stir();
        let (now, id) = (self.tape.last(), id.0.to_le_bytes());
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
                (self.tape).came_out_as_given(now, number::POLL_WS, *compress, id);
                return;
            }
        }
        self.tape
            .came_out(now, number::POLL_WS, sum::of_ws(out), id);
    }

    /// There may be something to be done again.
    #[inline]
    pub(super) const fn stir(&mut self) {
        self.no_work = false;
        self.nothing_for = None;
    }

    /// There is nothing to be done, which is written where it was not before: to ask for it may change something.
    pub(super) fn no_work(&mut self) {
        if !self.no_work {
            self.nothing_for = None;
            self.no_work = true;
            let now = self.tape.last();
            self.tape
                .step::<1>(now, |to| to.put([number::POLL_WORK]), &[]);
        }
    }

    /// The same of a WebSocket.
    pub(super) fn nothing_for(&mut self, id: RequestId) {
        if self.nothing_for != Some(id) {
            self.no_work = false;
            self.nothing_for = Some(id);
            let now = self.tape.last();
            let lead = |to: &mut Lead<'_>| {
                to.put([number::POLL_WS]);
                to.put(id.0.to_le_bytes());
            };
            self.tape.step::<9>(now, lead, &[]);
        }
    }
}
