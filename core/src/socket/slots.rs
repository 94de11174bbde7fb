//! The namespaces of one connection, and how far each has come.
//!
//! All transitions of a socket's state stand here: asked for → decided → connected → left.

use bytestring::ByteString;
use smallvec::SmallVec;

use super::connect::ConnectRequest;
use super::event::SocketKey;
use crate::arena::{Arena, Place};
use crate::config::Config;
use crate::time::Instant;

/// The namespaces that a connection has asked for, is in, or was in.
///
/// Of namespaces that were left it remembers the names of the last few, so that what was still on its
/// way to them is ignored.
#[derive(Clone, Debug, Hash)]
pub(super) struct Slots(Arena<SmallVec<[Place<Slot>; 1]>>);

#[derive(Clone, Debug, Hash)]
struct Slot {
    namespace: ByteString,
    state: State,
}

#[derive(Clone, Debug, Hash)]
enum State {
    /// The client has asked, and the application has not decided yet.
    Deciding {
        by: Instant,
        /// Bytes of the credentials that are kept for it.
        auth: usize,
    },
    /// In the namespace.
    Connected {
        auth: usize,
        /// Acks that wait for it.
        waiting: usize,
    },
    /// Was in the namespace.
    Left,
}

/// How far a namespace has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Never asked for, or forgotten since.
    Unknown,
    /// The application is to decide.
    Deciding,
    Connected(SocketKey),
    /// What is for it was on its way when it was left.
    Left,
}

/// Why a namespace is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unasked {
    /// It was, and is to be decided over, or joined.
    Already,
    /// `max_namespaces_per_connection` are.
    TooManyNamespaces,
    /// Past `max_auth_bytes`.
    TooManyCredentials,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self(Arena::new())
    }

    /// The client asks for a namespace, over which the application decides until then.
    pub(super) fn ask(
        &mut self,
        request: &ConnectRequest,
        by: Instant,
        config: &Config,
    ) -> Result<SocketKey, Unasked> {
        let known = match self.find(&request.namespace) {
            Some((_, slot)) if slot.is_active() => return Err(Unasked::Already),
            Some((socket, _)) => Some(socket.0.slot()),
            None => None,
        };
        let most = config.max_namespaces_per_connection;
        if self.active() >= most {
            return Err(Unasked::TooManyNamespaces);
        }
        let auth = request.size();
        if self.auth().saturating_add(auth) > config.max_auth_bytes {
            return Err(Unasked::TooManyCredentials);
        }
        let slot = Slot {
            namespace: request.namespace.clone(),
            state: State::Deciding { by, auth },
        };
        // A name that was left comes back to its place; else the oldest of too many is forgotten.
        let full = self.0.places() >= most;
        let free = known.or_else(|| full.then(|| self.idle())?);
        Ok(SocketKey(match free {
            Some(at) => self.0.put(at, slot),
            None => self.0.push(slot),
        }))
    }

    /// The client enters a namespace that was to be decided over.
    pub(super) fn enter(&mut self, socket: SocketKey) {
        if let Some(slot) = self.0.get_mut(socket.0)
            && let State::Deciding { by: _, auth } = slot.state
        {
            slot.state = State::Connected { auth, waiting: 0 };
        }
    }

    /// The client does not enter a namespace that was to be decided over, whose name this is: it is as if it
    /// had not asked.
    pub(super) fn turn_away(&mut self, socket: SocketKey) -> Option<ByteString> {
        self.deciding(socket)?;
        let slot = self.0.take(socket.0);
        self.0.trim();
        slot.map(|slot| slot.namespace)
    }

    /// A socket leaves its namespace, whose name is kept. `false`: it is in none.
    pub(super) fn leave(&mut self, socket: SocketKey) -> bool {
        let slot = self.0.get_mut(socket.0);
        let slot = slot.filter(|slot| slot.is_connected());
        slot.map(|slot| slot.state = State::Left).is_some()
    }

    /// Nobody decides any more.
    pub(super) fn turn_all_away(&mut self) {
        while let Some((_, socket)) = self.undecided() {
            self.turn_away(socket);
        }
    }

    /// One more ack waits for a socket that is in its namespace.
    pub(super) fn await_ack(&mut self, socket: SocketKey) {
        if let Some(waiting) = self.waiting_mut(socket) {
            *waiting = waiting.saturating_add(1);
        }
    }

    /// An ack that waited has ended.
    pub(super) fn end_ack(&mut self, socket: SocketKey) {
        if let Some(waiting) = self.waiting_mut(socket) {
            *waiting = waiting.saturating_sub(1);
        }
    }

    fn waiting_mut(&mut self, socket: SocketKey) -> Option<&mut usize> {
        match &mut self.0.get_mut(socket.0)?.state {
            State::Connected { waiting, .. } => Some(waiting),
            State::Deciding { .. } | State::Left => None,
        }
    }

    /// How many acks wait for a socket that is in its namespace.
    pub(super) fn waiting(&self, socket: SocketKey) -> Option<usize> {
        match self.0.get(socket.0)?.state {
            State::Connected { waiting, .. } => Some(waiting),
            State::Deciding { .. } | State::Left => None,
        }
    }

    /// How far a namespace has come.
    pub(super) fn standing(&self, namespace: &str) -> Standing {
        match self.find(namespace) {
            None => Standing::Unknown,
            Some((socket, slot)) => match slot.state {
                State::Deciding { .. } => Standing::Deciding,
                State::Connected { .. } => Standing::Connected(socket),
                State::Left => Standing::Left,
            },
        }
    }

    /// The namespace that a socket is in.
    pub(super) fn connected(&self, socket: SocketKey) -> Option<&ByteString> {
        let slot = self.0.get(socket.0).filter(|slot| slot.is_connected())?;
        Some(&slot.namespace)
    }

    /// The namespace that is to be decided over.
    pub(super) fn deciding(&self, socket: SocketKey) -> Option<&ByteString> {
        let slot = self.0.get(socket.0)?;
        slot.decides_by().map(|_| &slot.namespace)
    }

    /// The sockets that are in a namespace, in the order of their slots.
    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketKey> {
        self.iter()
            .filter(|(_, slot)| slot.is_connected())
            .map(|(socket, _)| socket)
    }

    /// The decision that is due first.
    pub(super) fn undecided(&self) -> Option<(Instant, SocketKey)> {
        self.iter()
            .filter_map(|(socket, slot)| Some((slot.decides_by()?, socket)))
            .min_by_key(|(by, _)| *by)
    }

    /// The slot of a namespace by its name.
    fn find(&self, namespace: &str) -> Option<(SocketKey, &Slot)> {
        self.iter().find(|(_, slot)| *slot.namespace == *namespace)
    }

    fn iter(&self) -> impl Iterator<Item = (SocketKey, &Slot)> {
        self.0.iter().map(|(key, slot)| (SocketKey(key), slot))
    }

    /// The first place where nobody is, nor waits to be.
    fn idle(&self) -> Option<u32> {
        let places = u32::try_from(self.0.places()).unwrap_or(u32::MAX);
        (0..places).find(|at| self.0.at(*at).is_none_or(|(_, slot)| !slot.is_active()))
    }

    /// How many are in a namespace, or wait to be.
    fn active(&self) -> usize {
        self.iter().filter(|(_, slot)| slot.is_active()).count()
    }

    /// Bytes of all credentials that are kept.
    fn auth(&self) -> usize {
        self.iter()
            .fold(0, |sum, (_, slot)| sum.saturating_add(slot.auth()))
    }

    /// How far all of them have come.
    #[cfg(test)]
    pub(super) fn standings(&self) -> Vec<Standing> {
        let names = self.iter().map(|(_, slot)| self.standing(&slot.namespace));
        names.collect()
    }
}

impl Slot {
    const fn is_active(&self) -> bool {
        match self.state {
            State::Deciding { .. } | State::Connected { .. } => true,
            State::Left => false,
        }
    }

    const fn is_connected(&self) -> bool {
        match self.state {
            State::Connected { .. } => true,
            State::Deciding { .. } | State::Left => false,
        }
    }

    const fn auth(&self) -> usize {
        match self.state {
            State::Deciding { auth, .. } | State::Connected { auth, .. } => auth,
            State::Left => 0,
        }
    }

    /// Until when the application may decide, if that is what the slot waits for.
    const fn decides_by(&self) -> Option<Instant> {
        match self.state {
            State::Deciding { by, .. } => Some(by),
            State::Connected { .. } | State::Left => None,
        }
    }
}
