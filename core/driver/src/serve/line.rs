//! What a stream and the request that is answered on it tell each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use crate::deadlines;
use crate::mailbox::reply::Owed;

/// Tells a stream of the request that is under way on it, and the request what became of the stream. Both
/// are looked at by one task, so that nothing has to be woken.
#[derive(Clone, Default)]
pub(super) struct Line(Arc<State>);

#[derive(Default)]
struct State {
    /// Whether the response that comes now is held back: what follows it is not hyper's.
    held: AtomicBool,
    /// Whether it leaves before that, and not with it.
    apart: AtomicBool,
    /// Whether somebody waits who has nothing more to read, and wants to know if the client leaves.
    watched: AtomicBool,
    /// Whether nothing more comes from the client.
    ended: AtomicBool,
    /// Whether it takes nothing any more, either.
    lost: AtomicBool,
    /// Whether something was read since something was written: a request is under way.
    asking: AtomicBool,
    /// Whether a request was answered.
    answered: AtomicBool,
    /// What clients are behind until all is written that was answered.
    owed: Mutex<Debts>,
    owes: AtomicBool,
    /// Whether it will not be written.
    given_up: AtomicBool,
}

/// What is owed of the answers that hyper has: of one, but for a client that asks again without reading.
pub(super) type Debts = SmallVec<[Owed; 1]>;

/// What a stream waits for between two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// Its first request.
    First,
    /// Any other, of which nothing is there.
    Next,
    /// The rest of the head of one.
    Rest,
}

// Each has its line in the table of what ends it.
const _: fn(Expects) -> deadlines::State = |expects| match expects {
    Expects::First => deadlines::State::FirstRequest,
    Expects::Next => deadlines::State::NextRequest,
    Expects::Rest => deadlines::State::Head,
};

impl Line {
    /// What hyper writes is held back from now on: until it flushes, if it is to leave `apart` from what
    /// follows.
    pub(super) fn hold_back(&self, apart: bool) {
        self.0.held.store(true, Ordering::Relaxed);
        self.0.apart.store(apart, Ordering::Relaxed);
    }

    pub(super) fn is_apart(&self) -> bool {
        self.0.apart.load(Ordering::Relaxed)
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.held.load(Ordering::Relaxed)
    }

    /// Whether the stream is to be looked at while hyper does not read from it.
    pub(super) fn watch(&self, watched: bool) {
        self.0.watched.store(watched, Ordering::Relaxed);
    }

    pub(super) fn is_watched(&self) -> bool {
        self.0.watched.load(Ordering::Relaxed)
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.ended.load(Ordering::Relaxed)
    }

    /// The client is gone.
    pub(super) fn lose(&self) {
        self.0.lost.store(true, Ordering::Relaxed);
        self.end();
    }

    /// Whether a request is answered that nobody waits for any more, or none is.
    pub(super) fn is_needless(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed) || !self.is_watched()
    }

    /// Something was read.
    pub(super) fn read(&self) {
        self.0.asking.store(true, Ordering::Relaxed);
    }

    /// Something was written.
    pub(super) fn written(&self) {
        self.0.asking.store(false, Ordering::Relaxed);
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// An answer was given to hyper.
    pub(super) fn owe(&self, owed: impl IntoIterator<Item = Owed>) {
        let mut all = self.0.owed.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(owed);
        drop(all);
        self.0.owes.store(true, Ordering::Relaxed);
    }

    /// All that hyper had was written.
    pub(super) fn settle(&self) {
        drop(self.take_owed());
    }

    /// Too little is taken for too long: what is owed will not be written.
    pub(super) fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Relaxed);
        self.take_owed().iter().for_each(Owed::lose);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Relaxed)
    }

    /// What is owed, for somebody else to keep until it is written.
    pub(super) fn take_owed(&self) -> Debts {
        if !self.0.owes.load(Ordering::Relaxed) {
            return Debts::new();
        }
        self.0.owes.store(false, Ordering::Relaxed);
        let mut owed = self.0.owed.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *owed)
    }

    pub(super) fn is_asking(&self) -> bool {
        self.0.asking.load(Ordering::Relaxed)
    }

    /// What is waited for while no request is answered.
    pub(super) fn expects(&self) -> Expects {
        match self.0.answered.load(Ordering::Relaxed) {
            false => Expects::First,
            true if self.is_asking() => Expects::Rest,
            true => Expects::Next,
        }
    }
}
