//! What sockets that were cut off have missed, so that they come back as who they were (§21).
//!
//! An event for a client that can come back carries an [`Offset`] as its last argument, which the client presents
//! when it comes again, with the session's private id ([`Pid`]). What it may have missed is in a log of which there
//! is one copy for all, as long as a session could need it. What becomes of a session:
//!
//! | from | by | to |
//! |---|---|---|
//! | | [`enter`](Recovery::enter) | here |
//! | here | [`leave`](Recovery::leave), for a reason that a client comes back from | away |
//! | here | the same, for any other | over |
//! | here, while its connection hangs | [`restore`](Recovery::restore) from further on than it was restored from before | here, with another holder |
//! | away | [`restore`](Recovery::restore) from further on than it was restored from before, or from there, if it had missed nothing then | here |
//! | away | `max_disconnection_duration`, `max_kept_sessions` | over |
//! | both | [`restore`](Recovery::restore), where what it needs was thrown away | over |
//!
//! So what brought a session back brings it back no second time as long as that lives, and nothing brings it back
//! from before. Nor does it if it was told then what it had missed, and has not come further: clients keep what
//! comes before their CONNECT over the end of a connection, and would tell it twice.

mod audience;
mod event;
mod figures;
mod kept;
mod log;
mod offset;
mod place;
mod restored;
mod session;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::arena::{Key, Pool};
use crate::config::{Config, ConnectionStateRecovery};
use crate::deadline::{Deadline, Why};
use crate::digest::Apart;
use crate::id::{HashKey, SocketId};
use crate::message::Encoded;
use crate::rooms::Target;
use crate::socket::DisconnectReason;
use crate::time::Instant;

use audience::Audience;
use figures::Counts;
use log::{Log, Whom};
use session::{Session, State};

pub use event::{Event, Expiry};
pub use figures::Figures;
pub use kept::{KeptSession, Stay};
pub use offset::{Claim, Offset, Pid};
pub use place::{NoPlace, Place};
pub use restored::{Restored, Unrestored};
pub use session::Holder;

/// The sessions of one namespace that may come back, and what was said in it. `D` is what the caller keeps with a
/// session while nobody has it.
///
/// It must be told in one order what was said, who joined and left, and who came and went; each client must be
/// sent what was said in the same order.
#[derive(Clone, Debug)]
pub struct Recovery<D> {
    options: Apart<ConnectionStateRecovery>,
    limits: Apart<Limits>,
    key: HashKey,
    /// The latest time that anyone told.
    now: Instant,
    sessions: Pool<Session<D>>,
    /// Probed, never walked. Clients choose what is looked for: hashed under a key.
    by_pid: HashMap<Pid, u32, HashKey>,
    /// What was said before the first of these is nobody's affair.
    since: BTreeSet<(u64, u32)>,
    /// Whose socket has left, and until when they may come back.
    away: BTreeSet<(Instant, u32)>,
    /// How many of those are in each room. Probed, never walked.
    awaited: HashMap<CompactString, u32, HashKey>,
    log: Log,
    events: VecDeque<Event<D>>,
    counts: Counts,
}

/// What is configured elsewhere.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long what was said may be needed.
    keep: Duration,
    /// Of what one client has missed.
    bytes: usize,
    packets: usize,
    rooms: usize,
}

/// The tables by name say nothing that the sessions do not.
impl<D: Hash> Hash for Recovery<D> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            options: _,
            limits: _,
            key: _,
            now,
            sessions,
            by_pid: _,
            since,
            away,
            awaited: _,
            log,
            events,
            counts,
        } = self;
        (now, sessions, since, away, log, events, counts).hash(state);
    }
}

impl<D> Recovery<D> {
    /// For one namespace of a server, if its configuration has it. `key` hashes what clients choose, and signs
    /// offsets.
    pub fn new(config: &Config, key: HashKey) -> Option<Self> {
        let options = config.connection_state_recovery?;
        // A loss may be noticed as late as this, and what was sent meanwhile is needed as long after that.
        let notice = config.ping_interval.saturating_add(config.ping_timeout);
        let limits = Limits {
            keep: options.max_disconnection_duration.saturating_add(notice),
            bytes: config.max_backlog_bytes,
            packets: config.max_backlog_packets,
            rooms: config.max_rooms_per_socket,
        };
        Some(Self {
            options: Apart(options),
            limits: Apart(limits),
            key,
            now: Instant::ORIGIN,
            sessions: Pool::new(),
            by_pid: HashMap::with_hasher(key),
            since: BTreeSet::new(),
            away: BTreeSet::new(),
            awaited: HashMap::with_hasher(key),
            log: Log::new(),
            events: VecDeque::new(),
            counts: Counts::default(),
        })
    }

    /// A new socket enters, in the room of its own id. `None`: a session has this private id already.
    pub fn enter(&mut self, id: &SocketId, pid: &Pid) -> Option<Holder> {
        if self.by_pid.contains_key(pid) {
            return None;
        }
        let head = self.log.head();
        let session = self.sessions.insert(Session::new(id, pid.clone(), head));
        self.by_pid.insert(pid.clone(), session.slot());
        self.since.insert((head, session.slot()));
        Some(Holder { session, turn: 0 })
    }

    /// A socket has joined a room.
    pub fn join(&mut self, holder: Holder, room: &str) {
        let head = self.log.head();
        if let Some(session) = self.held(holder) {
            session.join(room, head);
        }
    }

    /// A socket has left a room.
    pub fn leave_room(&mut self, holder: Holder, room: &str) {
        let head = self.log.head();
        let first = self.log.first().unwrap_or(head);
        let most = self.limits.rooms;
        if self.held(holder).is_none() {
            return;
        }
        let Self { sessions, log, .. } = self;
        if let Some(session) = sessions.get_mut(holder.session) {
            session.leave(room, head, first, most, |room| log.lost_in(room));
        }
    }

    /// What the next event carries that is kept ([`keep_for`](Self::keep_for), [`keep`](Self::keep)).
    pub fn next_offset(&self) -> Offset {
        Offset::new(self.key, self.log.head().saturating_add(1))
    }

    /// What an event carries that is not: without it the client would take the last text in it for an offset.
    pub fn offset(&self) -> Offset {
        Offset::new(self.key, self.log.head())
    }

    /// An event is said to one socket, with the next offset.
    pub fn keep_for(&mut self, now: Instant, holder: Holder, packet: &Encoded) {
        self.advance(now);
        let Some(session) = self.held(holder) else {
            self.log.pass();
            return;
        };
        let before = session.own;
        let whom = Whom::One {
            session: holder.session,
            before,
        };
        let place = self.log.push(self.now, packet.clone(), whom);
        if let Some(session) = self.held(holder) {
            session.own = place;
        }
        self.bound();
    }

    /// An event is said to many, with the next offset. `heard`: to somebody who is here.
    pub fn keep(
        &mut self,
        now: Instant,
        target: &Target,
        sender: Option<&SocketId>,
        heard: bool,
        packet: &Encoded,
    ) {
        self.advance(now);
        if self.sessions.len() == 0 || !heard && !self.is_awaited(target) {
            self.log.pass();
            return;
        }
        let audience = Audience {
            rooms: target.rooms.clone(),
            except: target.except.clone(),
            sender: sender.cloned(),
        };
        let whom = Whom::Many(Box::new(audience));
        self.log.push(self.now, packet.clone(), whom);
        self.bound();
    }

    /// A socket has left its namespace, and is in its rooms still. Whether its session is kept.
    pub fn leave(
        &mut self,
        now: Instant,
        holder: Holder,
        reason: DisconnectReason,
        data: D,
    ) -> bool {
        self.advance(now);
        if self.held(holder).is_none() {
            return false;
        }
        if !reason.is_recoverable() || self.options.max_kept_sessions == 0 {
            self.end(holder.session);
            return false;
        }
        let until = self
            .now
            .saturating_add(self.options.max_disconnection_duration);
        let slot = holder.session.slot();
        if let Some(session) = self.sessions.get_mut(holder.session) {
            session.state = State::Away { until, data };
            for room in session.rooms() {
                let count = self.awaited.entry(room.clone()).or_default();
                *count = count.saturating_add(1);
            }
        }
        self.away.insert((until, slot));
        while self.away.len() > self.options.max_kept_sessions {
            self.expire(Expiry::Crowded);
        }
        // Of those that leave at the same time it may be the first to go.
        self.sessions.get(holder.session).is_some()
    }

    /// Whose session a client claims, if it could be restored now: to be looked at before it is.
    pub fn find(&self, claim: &Claim) -> Option<(&SocketId, Option<&D>)> {
        let (key, _) = self.check(claim).ok()?;
        let session = self.sessions.get(key)?;
        let data = match &session.state {
            State::Here => None,
            State::Away { data, .. } => Some(data),
        };
        Some((&session.id, data))
    }

    /// A client comes back.
    ///
    /// # Errors
    /// Why it does not, and is a new one.
    pub fn restore(&mut self, now: Instant, claim: &Claim) -> Result<Restored<D>, Unrestored> {
        self.handle_timeout(now);
        let (key, place) = match self.check(claim) {
            Ok(found) => found,
            Err((why, session)) => {
                self.refuse(why, session);
                return Err(why);
            }
        };
        let Some(session) = self.sessions.get(key) else {
            return Err(Unrestored::Unknown);
        };
        let missed: Vec<_> = self.log.missed(key, session, place).cloned().collect();
        let data = self.bring_back(key);
        let Some(session) = self.sessions.get_mut(key) else {
            return Err(Unrestored::Unknown);
        };
        self.since.remove(&(session.since, key.slot()));
        session.renew(place, !missed.is_empty());
        self.since.insert((place, key.slot()));
        let restored = Restored {
            holder: Holder {
                session: key,
                turn: session.turn,
            },
            id: session.id.clone(),
            pid: session.pid.clone(),
            rooms: session.rooms().cloned().collect(),
            missed,
            data,
        };
        self.counts.recovered = self.counts.recovered.saturating_add(1);
        self.trim();
        Ok(restored)
    }

    /// Who has come back could not be told what it missed: once it has left, the same claim is good once more.
    pub fn untold(&mut self, holder: Holder) {
        if let Some(session) = self.held(holder) {
            session.repeated = false;
        }
    }

    /// Acts on every deadline that has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        while self
            .away
            .first()
            .is_some_and(|(until, _)| *until <= self.now)
        {
            self.expire(Expiry::Late);
        }
        while self.stale().is_some_and(|at| at <= self.now) {
            self.throw_away(false);
        }
    }

    /// Nobody comes back any more who is away by now: what was kept with them.
    pub fn clear(&mut self) -> Vec<D> {
        let mut kept = Vec::new();
        while let Some((until, slot)) = self.away.first().copied() {
            let Some((key, _)) = self.sessions.at(slot) else {
                self.away.remove(&(until, slot));
                continue;
            };
            kept.extend(self.bring_back(key));
            self.end(key);
        }
        kept
    }

    /// Whether there are any sessions. If not, nothing is kept.
    pub fn has_sessions(&self) -> bool {
        self.sessions.len() > 0
    }

    /// Whether there are any whose socket has left.
    pub fn has_away(&self) -> bool {
        !self.away.is_empty()
    }

    /// Whether [`poll_event`](Self::poll_event) has something to tell.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// How long a session is kept. What is kept from now on is not due before that.
    pub fn max_disconnection_duration(&self) -> Duration {
        self.options.max_disconnection_duration
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event<D>> {
        self.events.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout), and what for.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        let away = self.away.first().map(|(until, _)| *until);
        let first = away.into_iter().chain(self.stale()).min()?;
        Some(Deadline::new(first, Why::Recovery))
    }

    /// How many there are.
    pub fn figures(&self) -> Figures {
        let away = self.away.len();
        Figures {
            here: self.sessions.len().saturating_sub(away),
            away,
            packets: self.log.packets(),
            bytes: self.log.bytes(),
            recovered: self.counts.recovered,
            refused: self.counts.refused,
            lost: self.counts.lost,
            expired: self.counts.expired,
            thrown_away: self.counts.thrown_away,
        }
    }

    /// Feeds all that can make a difference to what it does next, but for its configuration: two that were told
    /// the same feed the same.
    pub fn digest(&self, state: &mut impl Hasher)
    where
        D: Hash,
    {
        self.hash(state);
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn held(&mut self, holder: Holder) -> Option<&mut Session<D>> {
        let session = self.sessions.get_mut(holder.session)?;
        let is_held = match session.state {
            State::Here => session.turn == holder.turn,
            State::Away { .. } => false,
        };
        is_held.then_some(session)
    }

    /// Whether somebody who is away would hear what is said to these.
    fn is_awaited(&self, target: &Target) -> bool {
        match &target.rooms {
            None => !self.away.is_empty(),
            Some(rooms) => rooms.iter().any(|room| self.awaited.contains_key(room)),
        }
    }

    /// The session that a client claims, and the place up to which it has read.
    fn check(&self, claim: &Claim) -> Result<(Key, u64), (Unrestored, Option<Key>)> {
        let unknown = (Unrestored::Unknown, None);
        let slot = self.by_pid.get(&claim.pid).ok_or(unknown)?;
        let (key, session) = self.sessions.at(*slot).ok_or(unknown)?;
        let place = match &claim.offset {
            Some(offset) => Offset::read(self.key, offset).ok_or(unknown)?,
            // It was told nothing since it came.
            None => session.since,
        };
        if place > self.log.head() {
            return Err(unknown);
        }
        // A client keeps the offset of the session before until it is told another.
        let place = match session.restored {
            true => place,
            false => place.max(session.since),
        };
        let is_used = match session.state {
            State::Here => session.restored && place <= session.since,
            State::Away { .. } => {
                place < session.since || session.repeated && place == session.since
            }
        };
        if is_used {
            return Err((Unrestored::Used, None));
        }
        let lost = || (Unrestored::Lost, Some(key));
        if session.lost > place || self.log.is_lost(session, place) {
            return Err(lost());
        }
        let (mut bytes, mut packets) = (0usize, 0usize);
        for packet in self.log.missed(key, session, place) {
            bytes = bytes.saturating_add(packet.size());
            packets = packets.saturating_add(packet.packets());
            if bytes > self.limits.bytes || packets > self.limits.packets {
                return Err(lost());
            }
        }
        Ok((key, place))
    }

    fn refuse(&mut self, why: Unrestored, session: Option<Key>) {
        match why {
            Unrestored::Unknown | Unrestored::Used => {
                self.counts.refused = self.counts.refused.saturating_add(1);
            }
            Unrestored::Lost => self.counts.lost = self.counts.lost.saturating_add(1),
        }
        // Its client does not claim it again.
        if let Some(key) = session {
            self.tell_end(key, Expiry::Lost);
        }
    }

    /// Nobody had it, and somebody does again: what was kept with it.
    fn bring_back(&mut self, key: Key) -> Option<D> {
        let session = self.sessions.get_mut(key)?;
        match std::mem::replace(&mut session.state, State::Here) {
            State::Here => None,
            State::Away { until, data } => {
                self.away.remove(&(until, key.slot()));
                for room in session.rooms() {
                    if let Some(count) = self.awaited.get_mut(room) {
                        *count = count.saturating_sub(1);
                        if *count == 0 {
                            self.awaited.remove(room);
                        }
                    }
                }
                Some(data)
            }
        }
    }

    /// The one that has been away for longest will not come back.
    fn expire(&mut self, why: Expiry) {
        let Some((until, slot)) = self.away.first().copied() else {
            return;
        };
        match self.sessions.at(slot) {
            Some((key, _)) => self.tell_end(key, why),
            None => drop(self.away.remove(&(until, slot))),
        }
    }

    fn tell_end(&mut self, key: Key, why: Expiry) {
        let Some(id) = self.sessions.get(key).map(|session| session.id.clone()) else {
            return;
        };
        if let Some(data) = self.bring_back(key) {
            if why != Expiry::Lost {
                self.counts.expired = self.counts.expired.saturating_add(1);
            }
            self.events.push_back(Event::Expired { id, why, data });
        }
        self.end(key);
    }

    /// A session is over that nobody waits for.
    fn end(&mut self, key: Key) {
        let Some(session) = self.sessions.remove(key) else {
            return;
        };
        self.sessions.shrink();
        self.by_pid.remove(&session.pid);
        self.since.remove(&(session.since, key.slot()));
        if self.sessions.len() == 0 {
            self.log.clear();
            self.by_pid.shrink_to_fit();
            return;
        }
        self.log.forget_own(session.own);
        self.trim();
    }

    /// Nothing is kept that everybody has read.
    fn trim(&mut self) {
        let Some((least, _)) = self.since.first().copied() else {
            return;
        };
        while self.log.first().is_some_and(|place| place <= least) {
            self.log.pop();
        }
    }

    /// No more is kept than may be.
    fn bound(&mut self) {
        while self.log.packets() > self.options.max_kept_packets
            || self.log.bytes() > self.options.max_kept_bytes
        {
            self.throw_away(true);
        }
    }

    /// The oldest packet goes, and whoever needs it does not come back. `early`: because there are too many.
    fn throw_away(&mut self, early: bool) {
        let Some((entry, needed)) = self.log.pop() else {
            return;
        };
        if !needed {
            return;
        }
        if early {
            self.counts.thrown_away = self.counts.thrown_away.saturating_add(1);
        }
        match &entry.whom {
            Whom::One { session, .. } => {
                if let Some(session) = self.sessions.get_mut(*session) {
                    session.lost = session.lost.max(entry.place);
                }
            }
            Whom::Many(audience) => {
                let most = self.options.max_kept_packets;
                self.log.lose(entry.place, audience, most);
            }
        }
    }

    /// When the oldest packet is none that anybody could need.
    fn stale(&self) -> Option<Instant> {
        Some(self.log.oldest()?.saturating_add(self.limits.keep))
    }
}
