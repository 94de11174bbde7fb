//! Which deadline ends each state of the sockets on a connection: the table of [`crate::deadline`], for
//! tests.

use super::Mux;
use crate::deadline::{Why, table};
use crate::socket::slots::Standing;

/// What ends a state, if nobody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    By(Why),
    /// The session's end.
    Session,
    /// Nothing waits.
    Over,
}

table! {
/// What a connection can be in the middle of, above its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It was in no namespace yet.
    Pending,
    /// The application is to decide over a namespace.
    Deciding,
    /// In a namespace.
    Connected,
    /// The name of a namespace that was left is kept.
    Left,
    /// A packet has begun and is not whole.
    Assembling,
    /// An ack is to come.
    Asking,
}
}

impl State {
    /// The table. A state without a line does not compile.
    pub(crate) const fn ends(self) -> Ends {
        match self {
            Self::Pending => Ends::By(Why::Connect),
            Self::Deciding => Ends::By(Why::Middleware),
            Self::Connected => Ends::Session,
            Self::Left => Ends::Over,
            Self::Assembling => Ends::By(Why::Packet),
            Self::Asking => Ends::By(Why::Ack),
        }
    }
}

impl Standing {
    const fn state(self) -> Option<State> {
        match self {
            Self::Unknown => None,
            Self::Deciding => Some(State::Deciding),
            Self::Connected(_) => Some(State::Connected),
            Self::Left => Some(State::Left),
        }
    }
}

impl<T> Mux<T> {
    /// All that it is in the middle of.
    pub(crate) fn states(&self) -> Vec<State> {
        // Each field is one that nothing waits in, or stands below.
        let Self {
            config: _,
            inbox,
            slots,
            acks,
            joining,
            events: _,
            details: _,
            protocol: _,
        } = self;
        let slots = slots.standings().into_iter().filter_map(Standing::state);
        let mut states: Vec<_> = slots.collect();
        let others = [
            (joining.deadline().is_some(), State::Pending),
            (inbox.is_assembling(), State::Assembling),
            (acks.len() > 0, State::Asking),
        ];
        let some = others.into_iter().filter(|(is, _)| *is);
        states.extend(some.map(|(_, state)| state));
        states
    }
}
