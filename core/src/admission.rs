//! How many sessions a server has, and who is let in.

use std::hash::{Hash, Hasher};

use crate::config::Config;
use crate::digest::Apart;
use crate::engine::HandshakeError;

/// Counts the sessions of one server, the pending ones among them, and the handshakes that are being decided
/// over.
///
/// A handshake [begins](Self::begin), and is [admitted](Self::admit) or [given up](Self::give_up) once
/// whoever decides has spoken: at once where nobody does. What it is admitted as counts
///
/// - as pending, until it [settles](Self::settle): [`Connection::is_pending`] says so, and `connect_timeout`
///   ends it. A client that has left all its namespaces is not pending again: nothing would end that, and
///   whoever joins and leaves could keep all others out. One that speaks plain Engine.IO settles when it opens,
///   and is not pending again where it becomes Socket.IO's later;
/// - as a session, until it [ends](Self::end): when it is [wound up](Held::is_wound_up). Its id names nobody
///   earlier, from the moment on at which it is over.
///
/// Handshakes count as pending from their beginning, so that no more wait for a decision than may.
///
/// [`Connection::is_pending`]: crate::connection::Connection::is_pending
#[derive(Clone, Debug, Hash)]
pub struct Admission {
    max_sessions: Apart<usize>,
    max_pending_sessions: Apart<usize>,
    sessions: usize,
    /// Sessions that are pending.
    pending: usize,
    /// Handshakes that are being decided over.
    handshakes: usize,
    closing: bool,
}

/// A handshake that has begun, to be [admitted](Admission::admit) or [given up](Admission::give_up) by the
/// [`Admission`] that it is from. A copy is for a copy of that.
#[derive(Clone, Debug, Hash)]
#[must_use = "it counts until it is given back"]
pub struct HandshakePermit(());

/// A session, to be given back by [`Admission::end`] to the one that it is from. A copy is for a copy of that.
#[derive(Clone, Debug, Hash)]
#[must_use = "it counts until it is given back"]
pub struct SessionPermit {
    pending: bool,
}

/// What a session has been given, and is not done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Held {
    /// Requests that are to be answered.
    pub requests: usize,
    /// WebSockets whose streams are not let go of: the one it speaks by, and those that are being closed, which
    /// takes `close_timeout` at most.
    pub websockets: usize,
}

impl Held {
    /// Whether a session that holds this ends, so that there is room for another: it is over, and everything that it
    /// was given is done with.
    pub const fn is_wound_up(self, is_over: bool) -> bool {
        is_over && self.requests == 0 && self.websockets == 0
    }
}

impl Admission {
    /// Nobody is there yet.
    pub fn new(config: &Config) -> Self {
        Self {
            max_sessions: Apart(config.max_sessions.unwrap_or(usize::MAX)),
            max_pending_sessions: Apart(config.max_pending_sessions),
            sessions: 0,
            pending: 0,
            handshakes: 0,
            closing: false,
        }
    }

    /// A handshake has arrived, and is to be decided over.
    ///
    /// # Errors
    /// How it is refused, without asking anybody: [`ShuttingDown`](HandshakeError::ShuttingDown), or
    /// [`TooManySessions`](HandshakeError::TooManySessions) where `max_sessions` are open, or
    /// `max_pending_sessions` are pending or handshakes like this one.
    pub fn begin(&mut self) -> Result<HandshakePermit, HandshakeError> {
        self.has_room()?;
        if self.pending() >= *self.max_pending_sessions {
            return Err(HandshakeError::TooManySessions);
        }
        self.handshakes = self.handshakes.saturating_add(1);
        Ok(HandshakePermit(()))
    }

    /// A handshake is let in as far as others have a say in it.
    ///
    /// # Errors
    /// How it is refused all the same, since others came first: as in [`begin`](Self::begin). It is given up.
    pub fn admit(&mut self, handshake: HandshakePermit) -> Result<SessionPermit, HandshakeError> {
        self.give_up(handshake);
        self.has_room()?;
        self.sessions = self.sessions.saturating_add(1);
        self.pending = self.pending.saturating_add(1);
        Ok(SessionPermit { pending: true })
    }

    /// A handshake was refused, or its client does not wait any more.
    pub fn give_up(&mut self, handshake: HandshakePermit) {
        let HandshakePermit(()) = handshake;
        self.handshakes = self.handshakes.saturating_sub(1);
    }

    /// A session is not pending any more. Nothing happens to one that was not.
    pub fn settle(&mut self, session: &mut SessionPermit) {
        if std::mem::take(&mut session.pending) {
            self.pending = self.pending.saturating_sub(1);
        }
    }

    /// A session is over, and nothing is left to be done about it.
    pub fn end(&mut self, mut session: SessionPermit) {
        self.settle(&mut session);
        self.sessions = self.sessions.saturating_sub(1);
    }

    /// Nobody is let in from now on.
    pub const fn shut_down(&mut self) {
        self.closing = true;
    }

    /// Sessions, those that are over and not done with among them.
    pub const fn sessions(&self) -> usize {
        self.sessions
    }

    /// What counts against `max_pending_sessions`: sessions, and handshakes that are being decided over.
    pub const fn pending(&self) -> usize {
        self.pending.saturating_add(self.handshakes)
    }

    /// Feeds what makes a difference to a hasher.
    pub fn digest(&self, state: &mut impl Hasher) {
        self.hash(state);
    }

    fn has_room(&self) -> Result<(), HandshakeError> {
        if self.closing {
            Err(HandshakeError::ShuttingDown)
        } else if self.sessions >= *self.max_sessions {
            Err(HandshakeError::TooManySessions)
        } else {
            Ok(())
        }
    }
}

impl SessionPermit {
    /// Whether it counts as pending.
    pub const fn is_pending(&self) -> bool {
        self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;

    fn admission(sessions: usize, pending: usize) -> Admission {
        let config = Config::v4()
            .max_sessions(sessions)
            .max_pending_sessions(pending);
        Admission::new(&config)
    }

    fn open(admission: &mut Admission) -> Result<SessionPermit, HandshakeError> {
        let handshake = admission.begin()?;
        admission.admit(handshake)
    }

    fn is_full<T>(answer: &Result<T, HandshakeError>) -> bool {
        matches!(answer, Err(HandshakeError::TooManySessions))
    }

    #[test]
    fn max_sessions_are_let_in_and_one_more_is_not() {
        let mut admission = admission(2, 9);
        let first = open(&mut admission).unwrap();
        let mut second = open(&mut admission).unwrap();
        assert!(is_full(&admission.begin()));
        // Who is settled is a session all the same.
        admission.settle(&mut second);
        assert!(is_full(&admission.begin()));
        admission.end(second);
        let third = open(&mut admission).unwrap();
        assert!(is_full(&admission.begin()));
        admission.end(first);
        admission.end(third);
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
    }

    #[test]
    fn max_pending_sessions_are_let_in_and_one_more_is_not() {
        let mut admission = admission(9, 2);
        let mut first = open(&mut admission).unwrap();
        let second = open(&mut admission).unwrap();
        assert!(is_full(&admission.begin()));
        for _ in 0..2 {
            // To settle twice makes room once.
            admission.settle(&mut first);
            assert!(!first.is_pending());
        }
        let third = open(&mut admission).unwrap();
        assert!(is_full(&admission.begin()));
        admission.end(first);
        assert!(is_full(&admission.begin()), "it was not pending");
        admission.end(second);
        let fourth = open(&mut admission).unwrap();
        assert!(is_full(&admission.begin()));
        admission.end(third);
        admission.end(fourth);
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
    }

    #[test]
    fn handshakes_count_while_they_are_decided_over() {
        let mut admission = admission(9, 2);
        let first = admission.begin().unwrap();
        let second = admission.begin().unwrap();
        assert!(is_full(&admission.begin()));
        admission.give_up(second);
        // In the place of its own handshake.
        let first = admission.admit(first).unwrap();
        assert_eq!((admission.sessions(), admission.pending()), (1, 1));
        let third = admission.begin().unwrap();
        assert!(is_full(&admission.begin()));
        admission.give_up(third);
        admission.end(first);
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
    }

    #[test]
    fn who_is_let_in_last_finds_the_place_taken() {
        let mut admission = admission(1, 9);
        let [first, second] = [(); 2].map(|()| admission.begin().unwrap());
        let first = admission.admit(first).unwrap();
        assert!(is_full(&admission.admit(second)));
        assert_eq!((admission.sessions(), admission.pending()), (1, 1));
        admission.end(first);
    }

    #[test]
    fn nobody_is_let_in_once_it_closes() {
        let mut admission = admission(9, 9);
        let inside = open(&mut admission).unwrap();
        let waits = admission.begin().unwrap();
        admission.shut_down();
        let closing = |answer| matches!(answer, Err(HandshakeError::ShuttingDown));
        assert!(closing(admission.begin().map(drop)));
        assert!(closing(admission.admit(waits).map(drop)));
        admission.end(inside);
        assert_eq!((admission.sessions(), admission.pending()), (0, 0));
    }

    #[test]
    fn a_session_ends_when_it_is_over_and_holds_nothing() {
        let (requests, websockets) = (1, 1);
        for held in [
            Held {
                requests,
                websockets: 0,
            },
            Held {
                requests: 0,
                websockets,
            },
        ] {
            assert!(!held.is_wound_up(true), "{held:?}");
        }
        assert!(!Held::default().is_wound_up(false));
        assert!(Held::default().is_wound_up(true));
    }

    #[test]
    fn a_copy_goes_the_same_way() {
        let of = |admission: &Admission| digest::of(|state| admission.digest(state));
        let mut admission = admission(9, 9);
        let mut copy = admission.clone();
        let session = open(&mut admission).unwrap();
        assert_ne!(of(&admission), of(&copy));
        let same = open(&mut copy).unwrap();
        assert_eq!(of(&admission), of(&copy));
        admission.end(session);
        copy.end(same);
        assert_eq!(of(&admission), of(&copy));
    }
}
