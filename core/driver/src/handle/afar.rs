//! What a namespace knows of sockets whose clients come back at any node: how far all was told, and who is here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sio_core::config::Config;
use sio_core::id::SocketId;
use sio_core::packet::{Encoded, Value};
use sio_core::recovery::{Figures, KeptSession, Place, Stay};

use crate::adapter::{Adapter, Recipients, RestoredSession, Values};
use crate::log::error;
use crate::sync::guard::guarded;

/// What a namespace knows of what was said, for clients that other nodes can bring back. Locked with the rooms locked.
pub(super) struct Afar {
    pub(super) inner: Mutex<Inner>,
    pub(super) limits: Limits,
}

pub(super) struct Limits {
    /// Of what one client has missed.
    pub(super) packets: usize,
    pub(super) bytes: usize,
    /// Of what was said while somebody comes back.
    pub(super) recent_packets: usize,
    pub(super) recent_bytes: usize,
    pub(super) rooms: usize,
}

#[derive(Default)]
pub(super) struct Inner {
    /// Up to here all was told to those who are here.
    pub(super) last: Option<Place>,
    /// Whose clients may come back.
    pub(super) here: BTreeMap<Box<str>, SocketId>,
    /// How often something was said that has no place.
    pub(super) spoils: u64,
    /// How many are coming back, and what was said meanwhile.
    pub(super) coming: usize,
    pub(super) recent: VecDeque<Recent>,
    pub(super) recent_bytes: usize,
    /// What was said up to here is not among that any more.
    pub(super) cut: Option<Place>,
    /// Who was told already what is said up to there.
    pub(super) ahead: BTreeMap<SocketId, Place>,
    pub(super) recovered: u64,
    pub(super) refused: u64,
    pub(super) lost: u64,
}

pub(super) struct Recent {
    pub(super) at: Place,
    pub(super) to: Recipients,
    pub(super) packet: Encoded,
}

/// Where something stands that is said.
#[derive(Clone, Copy)]
pub(super) enum Told {
    At(Place),
    /// Nobody is told of it later, and nobody who comes back is to have heard it.
    Untracked,
    /// Whoever comes back should have heard it, and cannot be told.
    Nowhere,
}

/// The session of a socket that is here.
pub(super) struct Seat {
    pub(super) session: KeptSession,
    /// What has no place was said so often when it came. `None`: nobody comes back in its place.
    pub(super) spoils: Option<u64>,
}

/// A client is about to come back. Dropped before it has, its session is kept for it again.
pub(crate) struct Coming {
    pub(super) afar: Arc<Afar>,
    pub(super) adapter: Arc<dyn Adapter>,
    pub(super) found: Option<RestoredSession>,
    pub(super) spoils: u64,
    /// Its socket is still here.
    pub(super) is_here: bool,
}

impl Afar {
    pub(super) fn new(config: &Config) -> Self {
        let options = config.connection_state_recovery.unwrap_or_default();
        Self {
            inner: Mutex::default(),
            limits: Limits {
                packets: config.max_backlog_packets,
                bytes: config.max_backlog_bytes,
                recent_packets: options.max_kept_packets,
                recent_bytes: options.max_kept_bytes,
                rooms: config.max_rooms_per_socket,
            },
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who is here, or coming back, may have missed something.
    pub(super) fn lose_track(&self) {
        let mut inner = self.lock();
        inner.spoils = inner.spoils.saturating_add(1);
    }

    pub(super) fn figures(&self) -> Figures {
        let inner = self.lock();
        let mut figures = Figures::default();
        figures.here = inner.here.len();
        figures.packets = inner.recent.len();
        figures.bytes = inner.recent_bytes;
        figures.recovered = inner.recovered;
        figures.refused = inner.refused;
        figures.lost = inner.lost;
        figures
    }

    pub(super) fn most(&self) -> (usize, usize) {
        (self.limits.packets, self.limits.bytes)
    }
}

impl Inner {
    /// What an event carries that has no place of its own.
    pub(super) fn offset(&self) -> String {
        self.last.unwrap_or_default().to_string()
    }

    pub(super) fn remember(&mut self, recent: Recent, limits: &Limits) {
        if self.coming == 0 {
            return;
        }
        self.recent_bytes = self.recent_bytes.saturating_add(recent.packet.size());
        self.recent.push_back(recent);
        while self.recent.len() > limits.recent_packets || self.recent_bytes > limits.recent_bytes {
            let Some(gone) = self.recent.pop_front() else {
                return;
            };
            self.recent_bytes = self.recent_bytes.saturating_sub(gone.packet.size());
            self.cut = Some(gone.at);
        }
    }

    pub(super) fn end_coming(&mut self) {
        self.coming = self.coming.saturating_sub(1);
        if self.coming == 0 {
            self.recent = VecDeque::new();
            (self.recent_bytes, self.cut) = (0, None);
        }
    }
}

impl Seat {
    pub(super) fn join(&mut self, room: &str, last: Option<Place>) {
        let session = &mut self.session;
        if session.rooms.iter().any(|its| its == room) {
            return;
        }
        session.rooms.push(room.to_owned());
        session.stays.push(Stay {
            room: room.to_owned(),
            from: last.unwrap_or_default(),
            to: None,
        });
    }

    /// If it has left more rooms than it may be in, the oldest stay is forgotten: its client does not come back from
    /// before that.
    pub(super) fn leave(&mut self, room: &str, last: Option<Place>, most: usize) {
        let session = &mut self.session;
        let Some(at) = session.rooms.iter().position(|its| its == room) else {
            return;
        };
        session.rooms.remove(at);
        let to = last.unwrap_or_default();
        let its = |stay: &Stay| stay.to.is_none() && stay.room == room;
        let from = match session.stays.iter().position(its) {
            Some(at) => session.stays.remove(at).from,
            None => session.since.unwrap_or_default(),
        };
        if from < to {
            session.stays.push(Stay {
                room: room.to_owned(),
                from,
                to: Some(to),
            });
        }
        let left = session.stays.iter().filter(|stay| stay.to.is_some());
        if left.count() > most
            && let Some(at) = session.stays.iter().position(|stay| stay.to.is_some())
        {
            let stay = session.stays.remove(at);
            session.least = session.least.max(stay.to);
        }
    }
}

/// Whether a session's socket was told what was said to these.
pub(super) fn hears(session: &KeptSession, to: &Recipients, at: Place) -> bool {
    let sent = to.sender().is_some_and(|id| id.as_str() == session.sid);
    !sent && session.hears(to.rooms(), to.excepted(), at)
}

impl Coming {
    /// The id of its socket.
    pub(crate) fn id(&self) -> Option<SocketId> {
        let session = &self.found.as_ref()?.session;
        Some(SocketId::told(&session.sid))
    }

    pub(super) fn values(&self) -> Values {
        let session = self.found.as_ref().map(|found| &found.session);
        let data = session.and_then(|session| session.data.get::<Value>(0).ok());
        let is_any = |value: &Value| value.as_object().is_none_or(|it| !it.is_empty());
        let data = data.filter(|value| *value != Value::Null && is_any(value));
        data.map(Values::told).unwrap_or_default()
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.afar.lock().end_coming();
        if let Some(found) = self.found.take().filter(|_| !self.is_here) {
            // Whose task this is may be unwinding.
            if let Err(_panic) = guarded(|| self.adapter.persist(found.session)) {
                error!(why = %_panic.0, "adapter panicked");
            }
        }
    }
}

impl fmt::Debug for Coming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Coming")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::InMemory;
    use crate::handle::Io;

    /// An adapter that panics when it is to keep a session.
    struct Broken(InMemory);

    impl Adapter for Broken {
        fn local(&self) -> &InMemory {
            &self.0
        }

        fn persist(&self, _session: KeptSession) {
            panic!("on purpose");
        }
    }

    #[test]
    fn a_session_whose_adapter_panics_takes_nothing_along() {
        let io = Io::new(Config::default());
        io.set_adapter(Broken).unwrap();
        let afar = Arc::new(Afar::new(&Config::default()));
        afar.lock().coming = 1;
        drop(Coming {
            afar: afar.clone(),
            adapter: io.adapter(),
            found: Some(RestoredSession {
                session: KeptSession::new("id", "pid"),
                place: Place::FIRST,
                end: Place::FIRST,
                missed: Vec::new(),
            }),
            spoils: 0,
            is_here: false,
        });
        assert_eq!(afar.lock().coming, 0);
    }
}
