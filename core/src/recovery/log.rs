//! What was said, in order, as long as a session could need it.

use std::collections::{BTreeMap, VecDeque};

use compact_str::CompactString;

use super::audience::Audience;
use super::session::Session;
use crate::arena::Key;
use crate::message::Encoded;
use crate::time::Instant;

#[derive(Clone, Debug, Hash)]
pub(super) enum Whom {
    One {
        session: Key,
        /// The place of the one before it that is for this session alone.
        before: u64,
    },
    Many(Box<Audience>),
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Entry {
    pub(super) place: u64,
    at: Instant,
    /// `None`: nobody needs it any more.
    packet: Option<Encoded>,
    pub(super) whom: Whom,
}

impl Entry {
    /// Nobody needs it any more. How many bytes that frees; `None`: nobody needed it before.
    fn free(&mut self) -> Option<usize> {
        let packet = self.packet.take()?;
        Some(size(&packet, &self.whom))
    }
}

/// Packets in the order in which they were said, one copy for all.
#[derive(Clone, Debug, Hash)]
pub(super) struct Log {
    entries: VecDeque<Entry>,
    /// The place of the last packet that was said, kept or not.
    head: u64,
    /// Those that somebody may need.
    packets: usize,
    bytes: usize,
    lost: Lost,
}

/// Up to which places packets were thrown away that somebody may have needed, those of one session left out, which
/// knows that itself.
#[derive(Clone, Debug, Hash)]
struct Lost {
    everybody: u64,
    /// By room, and in the order of their names: no client can choose some that meet.
    rooms: BTreeMap<CompactString, u64>,
    /// The last of them all.
    last: u64,
}

impl Log {
    pub(super) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            head: 0,
            packets: 0,
            bytes: 0,
            lost: Lost {
                everybody: 0,
                rooms: BTreeMap::new(),
                last: 0,
            },
        }
    }

    pub(super) const fn head(&self) -> u64 {
        self.head
    }

    pub(super) const fn packets(&self) -> usize {
        self.packets
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// A packet was said that nobody could miss.
    pub(super) const fn pass(&mut self) {
        self.head = self.head.saturating_add(1);
    }

    /// Keeps a packet: its place.
    pub(super) fn push(&mut self, at: Instant, packet: Encoded, whom: Whom) -> u64 {
        self.pass();
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size(&packet, &whom));
        self.entries.push_back(Entry {
            place: self.head,
            at,
            packet: Some(packet),
            whom,
        });
        self.head
    }

    /// Takes the oldest entry out.
    pub(super) fn pop(&mut self) -> Option<(Entry, bool)> {
        let mut entry = self.entries.pop_front()?;
        let needed = self.release(entry.free());
        if self.entries.is_empty() && self.entries.capacity() > KEPT {
            self.entries = VecDeque::new();
        }
        Some((entry, needed))
    }

    /// The place of the oldest entry.
    pub(super) fn first(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.place)
    }

    /// When the oldest entry was said.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.at)
    }

    /// How many entries there are, those included that nobody needs.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A session has ended that had packets of its own, the last of them here.
    pub(super) fn forget_own(&mut self, mut last: u64) {
        while let Ok(at) = self.entries.binary_search_by_key(&last, |it| it.place) {
            let Some(entry) = self.entries.get_mut(at) else {
                return;
            };
            let Whom::One { before, .. } = entry.whom else {
                return;
            };
            let freed = entry.free();
            self.release(freed);
            last = before;
        }
        // As many as are needed may be kept beside them.
        if self.entries.len() / 2 > self.packets.max(KEPT) {
            self.entries.retain(|entry| entry.packet.is_some());
        }
    }

    fn release(&mut self, freed: Option<usize>) -> bool {
        if let Some(bytes) = freed {
            self.packets = self.packets.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        freed.is_some()
    }

    /// A packet for many was thrown away, and may be missed.
    pub(super) fn lose(&mut self, place: u64, audience: &Audience, most_rooms: usize) {
        let Lost {
            everybody,
            rooms,
            last,
        } = &mut self.lost;
        *last = place;
        let Some(names) = &audience.rooms else {
            *everybody = place;
            return;
        };
        for name in names {
            if rooms.len() >= most_rooms && !rooms.contains_key(name) {
                // Too many to tell apart.
                *everybody = place;
                rooms.clear();
                return;
            }
            rooms.insert(name.clone(), place);
        }
    }

    /// Up to which place packets for a room were thrown away; 0 if none was that is told apart.
    pub(super) fn lost_in(&self, room: &str) -> u64 {
        self.lost.rooms.get(room).copied().unwrap_or_default()
    }

    /// Whether packets behind a place were thrown away that a session would need.
    pub(super) fn is_lost<D>(&self, session: &Session<D>, behind: u64) -> bool {
        let lost = &self.lost;
        lost.everybody > behind
            || lost.last > behind
                && session.stays.iter().any(|stay| {
                    self.lost_in(&stay.room) > behind.max(stay.from) && stay.to > behind
                })
    }

    /// What a session was told behind a place, in order.
    pub(super) fn missed<'a, D>(
        &'a self,
        key: Key,
        session: &'a Session<D>,
        behind: u64,
    ) -> impl Iterator<Item = &'a Encoded> {
        let first = self.entries.partition_point(|it| it.place <= behind);
        self.entries.range(first..).filter_map(move |entry| {
            let packet = entry.packet.as_ref()?;
            let is_for = match &entry.whom {
                Whom::One { session, .. } => *session == key,
                Whom::Many(audience) => session.hears(audience, entry.place),
            };
            is_for.then_some(packet)
        })
    }

    /// Nobody could need anything.
    pub(super) fn clear(&mut self) {
        self.entries = VecDeque::new();
        (self.packets, self.bytes) = (0, 0);
        // Whoever comes begins behind all of it.
        self.lost.rooms = BTreeMap::new();
    }
}

/// What a packet takes, with the names of those whom it is for.
fn size(packet: &Encoded, whom: &Whom) -> usize {
    let audience = match whom {
        Whom::One { .. } => 0,
        Whom::Many(audience) => audience.size(),
    };
    let own = packet.size().saturating_add(size_of::<Entry>());
    own.saturating_add(audience)
}

/// Entries whose room is kept when all have gone.
const KEPT: usize = 16;
