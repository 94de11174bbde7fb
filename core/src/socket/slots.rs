//! The namespaces of one connection, and how far each has come.

use bytestring::ByteString;
use smallvec::SmallVec;

use super::event::SocketKey;
use crate::arena::{Arena, Place};
use crate::time::Instant;

/// The namespaces that a connection has asked for, is in, or was in.
#[derive(Debug)]
pub(super) struct Slots(Arena<SmallVec<[Place<Slot>; 1]>>);

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) namespace: ByteString,
    pub(super) state: State,
    /// Acks that wait for this socket.
    pub(super) waiting: usize,
    /// Bytes of the credentials that are kept for it.
    pub(super) auth: usize,
}

#[derive(Debug)]
pub(super) enum State {
    /// The client has asked, and the application has not decided yet.
    Deciding { by: Instant },
    /// In the namespace.
    Connected,
    /// Was in the namespace.
    Left,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self(Arena::new())
    }

    /// The client asks for a namespace, whose slot this is if there is one. `most` are kept.
    pub(super) fn ask(&mut self, known: Option<SocketKey>, slot: Slot, most: usize) -> SocketKey {
        // A name that was left comes back to its place; else the oldest of too many is forgotten.
        let full = self.0.places() >= most;
        let known = known.map(|socket| socket.0.slot());
        let free = known.or_else(|| full.then(|| self.idle())?);
        SocketKey(match free {
            Some(at) => self.0.put(at, slot),
            None => self.0.push(slot),
        })
    }

    /// The first place where nobody is, nor waits to be.
    fn idle(&self) -> Option<u32> {
        let places = u32::try_from(self.0.places()).unwrap_or(u32::MAX);
        (0..places).find(|at| self.0.at(*at).is_none_or(|(_, slot)| !slot.is_active()))
    }

    /// Forgets a slot.
    pub(super) fn remove(&mut self, socket: SocketKey) -> Option<Slot> {
        let slot = self.0.take(socket.0);
        self.0.trim();
        slot
    }

    /// Forgets what has not been decided.
    pub(super) fn forget_undecided(&mut self) {
        while let Some((_, socket)) = self.undecided() {
            self.remove(socket);
        }
    }

    /// The slot of a namespace by its name.
    pub(super) fn find(&self, namespace: &str) -> Option<(SocketKey, &Slot)> {
        self.iter().find(|(_, slot)| *slot.namespace == *namespace)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketKey, &Slot)> {
        self.0.iter().map(|(key, slot)| (SocketKey(key), slot))
    }

    /// The sockets that are in a namespace, in the order of their slots.
    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketKey> {
        self.iter()
            .filter(|(_, slot)| slot.is_connected())
            .map(|(socket, _)| socket)
    }

    /// How many are in a namespace, or wait to be.
    pub(super) fn active(&self) -> usize {
        self.iter().filter(|(_, slot)| slot.is_active()).count()
    }

    /// Bytes of all credentials that are kept.
    pub(super) fn auth(&self) -> usize {
        self.iter()
            .fold(0, |sum, (_, slot)| sum.saturating_add(slot.auth))
    }

    /// The decision that is due first.
    pub(super) fn undecided(&self) -> Option<(Instant, SocketKey)> {
        self.iter()
            .filter_map(|(socket, slot)| Some((slot.decides_by()?, socket)))
            .min_by_key(|(by, _)| *by)
    }

    pub(super) fn connected(&self, socket: SocketKey) -> Option<&Slot> {
        self.0.get(socket.0).filter(|slot| slot.is_connected())
    }

    pub(super) fn connected_mut(&mut self, socket: SocketKey) -> Option<&mut Slot> {
        self.0.get_mut(socket.0).filter(|slot| slot.is_connected())
    }

    pub(super) fn deciding(&mut self, socket: SocketKey) -> Option<&mut Slot> {
        self.0
            .get_mut(socket.0)
            .filter(|slot| slot.decides_by().is_some())
    }
}

impl Slot {
    /// The client has asked for a namespace, with credentials of so many bytes.
    pub(super) const fn asked(namespace: ByteString, by: Instant, auth: usize) -> Self {
        Self {
            namespace,
            state: State::Deciding { by },
            waiting: 0,
            auth,
        }
    }

    fn is_active(&self) -> bool {
        match self.state {
            State::Deciding { .. } | State::Connected => true,
            State::Left => false,
        }
    }

    fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// Until when the application may decide, if that is what the slot waits for.
    pub(super) fn decides_by(&self) -> Option<Instant> {
        match self.state {
            State::Deciding { by } => Some(by),
            State::Connected | State::Left => None,
        }
    }
}
