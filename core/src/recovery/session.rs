//! One session: who it is, what it is in, and whether somebody has it.

use compact_str::CompactString;
use smallvec::SmallVec;

use super::audience::Audience;
use super::offset::Pid;
use crate::arena::Key;
use crate::id::SocketId;
use crate::time::Instant;

/// Who has a session: one socket. Names nobody once another has taken the session over, or it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub(super) session: Key,
    /// How often it was handed over before.
    pub(super) turn: u32,
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Session<D> {
    pub(super) id: SocketId,
    pub(super) pid: Pid,
    pub(super) turn: u32,
    pub(super) state: State<D>,
    /// Its rooms, and those that it has left while something was said in them that it may not have got.
    pub(super) stays: SmallVec<[Stay; 1]>,
    /// Behind this place everything is to be told to its client at last.
    pub(super) since: u64,
    /// Whether it was restored from there.
    pub(super) restored: bool,
    /// Whether it was told then what it had missed.
    pub(super) repeated: bool,
    /// The place of the last packet that is for it alone; 0 if there was none.
    pub(super) own: u64,
    /// Up to here packets for it alone were thrown away; 0 if none was.
    pub(super) lost: u64,
}

#[derive(Clone, Debug, Hash)]
pub(super) enum State<D> {
    /// A socket has it.
    Here,
    /// Its socket has left. It may come back until then.
    Away { until: Instant, data: D },
}

/// A time in a room.
#[derive(Clone, Debug, Hash)]
pub(super) struct Stay {
    pub(super) room: CompactString,
    /// It hears what is said behind this place,
    pub(super) from: u64,
    /// up to here. [`STILL`]: it is there.
    pub(super) to: u64,
}

pub(super) const STILL: u64 = u64::MAX;

impl<D> Session<D> {
    pub(super) fn new(id: &SocketId, pid: Pid, head: u64) -> Self {
        let own = Stay {
            room: id.as_str().into(),
            from: head,
            to: STILL,
        };
        Self {
            id: id.clone(),
            pid,
            turn: 0,
            state: State::Here,
            stays: SmallVec::from_buf([own]),
            since: head,
            restored: false,
            repeated: false,
            own: 0,
            lost: 0,
        }
    }

    /// The rooms that it is in.
    pub(super) fn rooms(&self) -> impl Iterator<Item = &CompactString> {
        let stays = self.stays.iter().filter(|stay| stay.to == STILL);
        stays.map(|stay| &stay.room)
    }

    pub(super) fn join(&mut self, room: &str, head: u64) {
        if self.rooms().any(|its| its == room) {
            return;
        }
        self.stays.push(Stay {
            room: room.into(),
            from: head,
            to: STILL,
        });
    }

    /// `first`: what was said before this place is not kept. `lost_in`: up to which place packets for a room were
    /// thrown away. If it has left more rooms than it may be in, the oldest stay is forgotten: up to where it may
    /// have missed something.
    pub(super) fn leave(
        &mut self,
        room: &str,
        head: u64,
        first: u64,
        most: usize,
        lost_in: impl Fn(&str) -> u64,
    ) {
        let its = |stay: &&mut Stay| stay.to == STILL && stay.room == room;
        let Some(stay) = self.stays.iter_mut().find(its) else {
            return;
        };
        stay.to = head;
        let floor = self.since.max(first.saturating_sub(1));
        let mut lost = self.lost;
        self.stays.retain(|stay| {
            let is_kept = stay.to > stay.from.max(floor);
            if !is_kept && stay.to > stay.from {
                let place = lost_in(&stay.room);
                if place > stay.from {
                    lost = lost.max(place.min(stay.to));
                }
            }
            is_kept
        });
        self.lost = lost;
        let left = self.stays.iter().filter(|stay| stay.to != STILL).count();
        if left > most
            && let Some(at) = self.stays.iter().position(|stay| stay.to != STILL)
        {
            let stay = self.stays.remove(at);
            self.lost = self.lost.max(stay.to);
        }
    }

    /// Whether it was told what was said to these, at this place.
    pub(super) fn hears(&self, audience: &Audience, place: u64) -> bool {
        let Audience {
            rooms,
            except,
            sender,
        } = audience;
        if place <= self.since || sender.as_ref() == Some(&self.id) {
            return false;
        }
        let was_in = |room: &CompactString| {
            let stays = self.stays.iter();
            stays
                .filter(|stay| stay.room == *room)
                .any(|stay| stay.from < place && place <= stay.to)
        };
        rooms.as_ref().is_none_or(|rooms| rooms.iter().any(was_in)) && !except.iter().any(was_in)
    }

    /// Its client has read up to here: what is before is none of its affairs.
    pub(super) fn renew(&mut self, place: u64, repeated: bool) {
        self.since = place;
        self.restored = true;
        self.repeated = repeated;
        self.turn = self.turn.wrapping_add(1);
        self.stays.retain(|stay| stay.to > place);
    }
}
