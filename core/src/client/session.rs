//! A client's end of one session of Engine.IO: dialling, transports, queue, end (§13).

mod polling;
mod state;
mod transitions;
mod upgrade;
mod websocket;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::dial::{Dial, Errand, NO_BODY};
use super::draws::Draws;
use super::event::Work;
use super::handshake::Handshake;
use super::pulse::Pulse;
use super::reason::{Failure, TransportError};
use crate::deadline::{Deadline, Excuse, Why, after, earliest};
use crate::digest::Apart;
use crate::engine::{CloseReason, Flags, Queue, Sent};
use crate::id::{RequestId, Sid};
use crate::message::{Encoded, Message};
use crate::protocol::{Eio, TransportKind};
use crate::time::Instant;

use state::{Farewell, Pending, Ping, Polling, State, WebSocket};

pub(super) use state::{Mark, Owner};

/// A client's end of one Engine.IO session, from dialling to its close. There is a new one for each attempt.
///
/// 1. Tell it what happened: `handle_response`, `handle_ws_open`, `handle_ws`, `handle_timeout`, ..
/// 2. Ask for what you want: `send`, `close`.
/// 3. Carry out what it wants: `poll_event` until it is empty, then `poll_work` until it is, then `poll_ws`
///    for each WebSocket that is open and writable.
/// 4. Sleep until `poll_timeout`, or until there is something for step 1 or 2.
///
/// Steps 1 and 2 may be repeated before step 3, and both are legal in every state. Every request that it makes
/// is to be answered by one `handle_response`, unless it is aborted; answers to what was aborted, or to another
/// session, are ignored by their ids. Nothing is handed out once the server was silent for too long.
#[derive(Clone, Debug, Hash)]
pub struct Session {
    config: Apart<Arc<Config>>,
    dial: Apart<Arc<Dial>>,
    /// Which of its client's sessions it is: the upper half of its requests' ids.
    number: u32,
    drawn: u32,
    draws: Draws,
    /// The latest time that anyone told.
    now: Instant,
    /// How long the machine was suspended, as far as nobody else counts that.
    slept: Duration,
    state: State,
    /// Whether it was said that it is over.
    ended: bool,
    /// The transports that are left to be tried.
    untried: Vec<TransportKind>,
    /// It must be open by then.
    open_by: Instant,
    handshake: Option<Handshake>,
    pulse: Option<Pulse>,
    /// It was closed, and what is queued must have left by then.
    closing: Option<Instant>,
    queue: Queue<Mark>,
    /// How many packets were queued, and of how many of them it is known that they have left.
    queued: u64,
    left: u64,
    events: VecDeque<SessionEvent>,
    pending: VecDeque<Pending>,
    /// WebSockets that are to be closed, the earliest first.
    farewells: Vec<Farewell>,
    ping: Ping,
    excuse: Excuse,
}

/// What has happened on a client's session, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEvent {
    /// It is open.
    Opened,
    /// A message.
    Message(Message),
    /// It has moved from polling to a WebSocket.
    Upgraded,
    /// It could not, and stays with polling.
    UpgradeFailed(TransportError),
    /// The server has pinged, and is answered.
    Pinged,
    /// It is over: the last event.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What went wrong, if anything did.
        error: Option<TransportError>,
    },
}

impl Session {
    /// Dials. `number` is to be another one for each session of one embedder; the seed decides what nobody is
    /// to foresee.
    pub fn new(
        now: Instant,
        number: u32,
        seed: [u8; 16],
        dial: Arc<Dial>,
        config: Arc<Config>,
    ) -> Self {
        Self::dialled(now, number, Draws::new(seed), dial, config)
    }

    /// Gives back what it keeps for more than there is now.
    pub fn shrink(&mut self) {
        self.untried.shrink_to_fit();
        self.queue.give_back();
        self.events.shrink_to_fit();
        self.pending.shrink_to_fit();
        self.farewells.shrink_to_fit();
    }

    pub(super) fn dialled(
        now: Instant,
        number: u32,
        draws: Draws,
        dial: Arc<Dial>,
        config: Arc<Config>,
    ) -> Self {
        let mut untried = dial.transports.clone();
        untried.reverse();
        let mut session = Self {
            number,
            drawn: 0,
            draws,
            now,
            slept: Duration::ZERO,
            state: State::Nothing(TransportKind::Polling),
            ended: false,
            untried,
            open_by: after(now, config.connect_timeout),
            handshake: None,
            pulse: None,
            closing: None,
            queue: Queue::default(),
            queued: 0,
            left: 0,
            events: VecDeque::new(),
            pending: VecDeque::new(),
            farewells: Vec::new(),
            ping: Ping::default(),
            excuse: Excuse::default(),
            config: Apart(config),
            dial: Apart(dial),
        };
        // A path that no request can carry is found out now.
        let errand = session.errand(TransportKind::Polling, None, None);
        if session.dial.request(&errand, ()).is_none() {
            session.untried.clear();
        }
        session.try_next(Failure::Protocol);
        session
    }

    /// Tries the next transport. If there is none, it ends for what went wrong with the last.
    fn try_next(&mut self, failure: Failure) {
        let transport = self.transport();
        let Some(next) = self.untried.pop() else {
            let error = TransportError { transport, failure };
            return self.end(CloseReason::TransportError, Some(error));
        };
        if !self.config.try_all_transports {
            self.untried.clear();
        }
        let id = self.draw_id();
        match next {
            TransportKind::Polling => {
                self.state = State::Polling(Polling::new(id));
                self.pending.push_back(Pending::Get(id));
            }
            TransportKind::WebSocket => {
                self.state = State::WebSocket(WebSocket::dialled(id, self.now));
                self.pending.push_back(Pending::WebSocket(id));
            }
        }
    }

    /// Sends a packet. [`Sent::Full`]: as much waits as may, of which [`backlog_bytes`](Self::backlog_bytes) tells.
    pub fn send(&mut self, now: Instant, packet: Encoded, flags: Flags) -> Sent {
        self.handle_silence(now);
        let is_dropped = flags.volatile && !self.is_writable();
        if self.is_open() && !is_dropped && !self.has_room(packet.size(), 1) {
            return Sent::Full;
        }
        self.send_marked(now, packet, flags, Mark::default())
    }

    pub(super) fn send_marked(
        &mut self,
        now: Instant,
        packet: Encoded,
        flags: Flags,
        mark: Mark,
    ) -> Sent {
        self.handle_silence(now);
        if !self.is_open() {
            return Sent::Closed;
        }
        if flags.volatile && !self.is_writable() {
            return Sent::Dropped;
        }
        if !self.has_room(packet.size(), 1) && mark.owner.is_some() {
            return Sent::Full;
        }
        self.push(packet, flags, mark);
        match self.is_closed() {
            true => Sent::Closed,
            false => Sent::Queued,
        }
    }

    /// Whether a packet of that size fits into what may wait, `times` over. One may always wait, however large it is.
    pub(super) fn has_room(&self, size: usize, times: usize) -> bool {
        let waits = self.queue.bytes().saturating_add(size);
        let most = self.config.max_backlog_bytes.saturating_mul(times);
        self.queue.is_empty() || waits <= most
    }

    /// What the protocol says must not be lost, and has as much room again as the application's own.
    fn push(&mut self, packet: Encoded, flags: Flags, mark: Mark) {
        if !self.has_room(packet.size(), 2) {
            return self.broken(Failure::Timeout);
        }
        self.queued = self.queued.wrapping_add(1);
        self.queue.push_marked(packet, flags, mark);
        if let State::WebSocket(websocket) = &mut self.state {
            let at = after(self.now, self.config.write_timeout);
            websocket.stalled_at.get_or_insert(at);
        }
    }

    /// Closes it, after what is queued has left. One that is not open yet is given up.
    pub fn close(&mut self, now: Instant) {
        self.advance(now);
        if self.is_closed() || self.closing.is_some() {
            return;
        }
        if self.handshake.is_none() {
            return self.end(CloseReason::ForcedClose, None);
        }
        self.closing = Some(after(self.now, self.config.close_timeout));
        // One that is about to go over does so first; one that only tries to does not any more.
        if let State::Polling(polling) = &self.state
            && !polling.is_pausing()
        {
            self.dismiss();
        }
    }

    /// What has happened, in order.
    pub fn poll_event(&mut self) -> Option<SessionEvent> {
        self.events.pop_front()
    }

    /// What is to be done about HTTP, in order.
    pub fn poll_work(&mut self) -> Option<Work> {
        self.request();
        loop {
            let pending = self.pending.pop_front()?;
            let (Pending::Get(id)
            | Pending::Post(id, ..)
            | Pending::WebSocket(id)
            | Pending::Abort(id)) = &pending;
            let id = *id;
            match self.work(pending) {
                Some(work) => return Some(work),
                None => {
                    self.fail(Failure::Protocol);
                    // It cannot even be asked for: nor is it to be given up.
                    self.pending
                        .retain(|its| !matches!(its, Pending::Abort(its) if *its == id));
                }
            }
        }
    }

    fn work(&mut self, pending: Pending) -> Option<Work> {
        let t = self.config.timestamp_requests.then(|| self.draws.draw());
        let (polling, websocket) = (TransportKind::Polling, TransportKind::WebSocket);
        Some(match pending {
            Pending::Get(id) => {
                let errand = self.errand(polling, t, None);
                let request = self.dial.request(&errand, NO_BODY)?;
                Work::Request { id, request }
            }
            Pending::Post(id, binary, body) => {
                let errand = self.errand(polling, t, Some(binary));
                let request = self.dial.request(&errand, body)?;
                Work::Request { id, request }
            }
            Pending::WebSocket(id) => {
                let errand = self.errand(websocket, None, None);
                let request = self.dial.request(&errand, ())?;
                Work::OpenWebSocket { id, request }
            }
            Pending::Abort(id) => Work::Abort(id),
        })
    }

    fn errand(&self, transport: TransportKind, t: Option<u64>, posts: Option<bool>) -> Errand<'_> {
        Errand {
            revision: self.config.revision,
            transport,
            sid: self.handshake.as_ref().map(|it| it.sid.as_str()),
            t,
            posts,
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let first = self.first_due();
        first.map(|due| Deadline::new(due.at.saturating_sub(self.slept), due.why))
    }

    /// The machine was suspended for so long, which `now` does not say: nothing was heard meanwhile.
    pub fn handle_suspended(&mut self, now: Instant, gap: Duration) {
        self.slept = self.slept.saturating_add(gap);
        self.handle_timeout(now);
    }

    /// What is due first, by the time that counts what the machine was suspended.
    fn first_due(&self) -> Option<Deadline> {
        // What is late is excused; what is ours to do, as a ping, is done when its time comes.
        let due = |at: Option<Instant>, why: Why| {
            let at = at?;
            let looks = match why.ends() {
                true => self.excuse.put_off(at),
                false => at,
            };
            Some(Deadline::new(looks, why))
        };
        // They are all given as long, one after the other.
        let farewell = due(self.farewells.first().map(|it| it.by), Why::Close);
        if self.is_closed() {
            return farewell;
        }
        let mut first = match self.pulse {
            None => due(Some(self.open_by), Why::Connect),
            Some(pulse @ Pulse::Servers { .. }) => Some(pulse.deadline()),
            Some(pulse @ Pulse::Ours { .. }) => {
                let Deadline { at, why } = pulse.deadline();
                due(Some(at), why)
            }
        };
        match &self.state {
            State::Polling(polling) => {
                let post = polling.post.as_ref().map(|post| post.by);
                first = earliest(first, due(post, Why::Request));
                let candidate = polling.candidate.as_ref().map(|it| it.until);
                first = earliest(first, due(candidate, Why::Upgrade));
            }
            State::WebSocket(websocket) => {
                first = earliest(first, due(websocket.stalled_at, Why::Write));
                first = earliest(first, due(self.quiet_until(), Why::Ping));
            }
            State::Nothing(_) => {}
        }
        first = earliest(first, due(self.ping.until, Why::Pong));
        first = earliest(first, due(self.closing, Why::Close));
        earliest(first, farewell)
    }

    /// Which of its client's sessions it is.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Where it was dialled.
    pub(super) fn dial(&self) -> &Dial {
        &self.dial
    }

    /// The session's secret id, once it is open.
    pub fn sid(&self) -> Option<&Sid> {
        self.handshake.as_ref().map(|it| &it.sid)
    }

    /// The revision that is spoken.
    pub fn revision(&self) -> Eio {
        self.config.revision
    }

    /// The transport in use or being tried; the last one, once the session is closed.
    pub const fn transport(&self) -> TransportKind {
        match &self.state {
            State::Polling(_) => TransportKind::Polling,
            State::WebSocket(_) => TransportKind::WebSocket,
            State::Nothing(last) => *last,
        }
    }

    /// Whether packets can be sent.
    pub fn is_open(&self) -> bool {
        self.handshake.is_some() && self.closing.is_none() && !self.is_closed()
    }

    /// Whether it is over.
    pub const fn is_closed(&self) -> bool {
        self.ended
    }

    /// Whether it is over, and there is nothing left to be done about it.
    pub fn is_done(&self) -> bool {
        self.is_closed() && self.pending.is_empty() && self.farewells.is_empty()
    }

    /// Whether a packet would leave at once: what decides over volatile ones (§20). That an upgrade holds
    /// packets back for a moment does not count.
    pub fn is_writable(&self) -> bool {
        let free = match &self.state {
            State::Polling(polling) => polling.post.is_none(),
            State::WebSocket(websocket) => !websocket.busy && self.queue.is_empty(),
            State::Nothing(_) => false,
        };
        free && self.is_open()
    }

    /// Bytes that wait to be handed out.
    pub const fn backlog_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// How many packets were queued on it until now.
    pub(super) const fn queued(&self) -> u64 {
        self.queued
    }

    /// Of how many of them, from the first, it is known that they have left: a WebSocket has taken them, or their
    /// POST was answered.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// How many of them were handed out.
    fn handed(&self) -> u64 {
        self.queued.wrapping_sub(self.queue.len() as u64)
    }

    /// Feeds all that can make a difference to what the session does next, but for its configuration: two that
    /// were told the same feed the same.
    pub fn digest(&self, state: &mut impl Hasher) {
        self.hash(state);
    }

    /// What no transport was given, in order. It is over, and will not be sent.
    pub(super) fn take_unsent(&mut self) -> Vec<(Encoded, Flags, Mark)> {
        self.queue.take_unbegun()
    }

    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now.saturating_add(self.slept));
        self.now
    }

    /// An id that no other request has, of this session or another.
    fn draw_id(&mut self) -> RequestId {
        self.drawn = self.drawn.wrapping_add(1);
        RequestId(u64::from(self.number) << 32 | u64::from(self.drawn))
    }
}

/// Which session an id was drawn by.
pub(super) const fn number_of(RequestId(id): RequestId) -> u32 {
    (id >> 32) as u32
}
