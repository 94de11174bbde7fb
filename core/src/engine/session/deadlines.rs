//! Which deadline ends each state of a session: the table of [`crate::deadline`], for tests.

use super::Session;
use super::state::{Incoming, State as Reached};
use super::timers::TIMERS;
use crate::deadline::{Why, table};

/// What ends a state, if nobody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// These deadlines, one behind the other.
    By(&'static [Why]),
    /// Whoever takes its events.
    Read,
    /// Nothing has to: the session is over.
    Over,
}

table! {
/// What a session can be in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Open by polling, with no request.
    Polling,
    /// The same, and a GET waits.
    Parked,
    /// The same, and the body of a POST is on its way.
    Posting,
    /// The same, and a POST is left unread.
    HeldBack,
    /// By polling, with a WebSocket beside it that wants to take over.
    Upgrading,
    /// By WebSocket, with nothing to write.
    Quiet,
    /// By WebSocket, with something that it has not taken.
    Writing,
    /// Left unread, because handlers do not end.
    Paused,
    /// What is queued is to be fetched before the end.
    Closing,
    Closed,
}
}

impl State {
    /// The table. A state without a line does not compile.
    pub(super) const fn ends(self) -> Ends {
        match self {
            Self::Polling | Self::Posting => Ends::By(&[Why::Ping, Why::PingTimeout]),
            // The ping is what a GET is answered with, or is to be written.
            Self::Parked | Self::Quiet => Ends::By(&[Why::Ping]),
            // Its pong may stand behind the POST.
            Self::HeldBack => Ends::Read,
            Self::Upgrading => Ends::By(&[Why::Upgrade]),
            Self::Writing => Ends::By(&[Why::Write]),
            Self::Paused => Ends::By(&[Why::Pause]),
            Self::Closing => Ends::By(&[Why::Close]),
            Self::Closed => Ends::Over,
        }
    }
}

impl Session {
    /// All that it is in the middle of.
    pub(super) fn states(&self) -> Vec<State> {
        let mut states = Vec::new();
        if self.is_closing() {
            states.push(State::Closing);
        }
        match &self.state {
            Reached::Closed(_) => return vec![State::Closed],
            Reached::Polling(polling) => {
                let post = match polling.post {
                    Incoming::Nothing => None,
                    Incoming::Body(_) => Some(State::Posting),
                    Incoming::Packets(_) => Some(State::HeldBack),
                };
                states.extend(polling.parked.map(|_| State::Parked));
                states.extend(post);
                if states.is_empty() {
                    states.push(State::Polling);
                }
                states.extend(polling.beside.candidate().map(|_| State::Upgrading));
            }
            Reached::WebSocket(websocket) => states.push(match websocket.stalled_at {
                Some(_) => State::Writing,
                None => State::Quiet,
            }),
        }
        if self.paused.is_some() {
            states.push(State::Paused);
        }
        states
    }

    /// Whether the deadline of this kind is set. One of the heartbeat's always is, and the first leads to the
    /// second.
    pub(super) fn is_set(&self, why: Why) -> bool {
        let of_heartbeat = [Why::Ping, Why::PingTimeout];
        match of_heartbeat.contains(&why) {
            true => of_heartbeat.iter().any(|why| self.timer(*why).is_some()),
            false => self.timer(why).is_some(),
        }
    }

    /// What is waited for, and in no state that says so.
    pub(super) fn strays(&self) -> Vec<Why> {
        let states = self.states();
        let ends = |why: Why| {
            states.iter().any(|state| match state.ends() {
                Ends::By(whys) => whys.contains(&why),
                Ends::Read | Ends::Over => false,
            })
        };
        let belongs = |why: Why| match why {
            // It runs in each state but the last.
            Why::Ping | Why::PingTimeout => !states.contains(&State::Closed),
            // What is freed are the polls of a client that upgrades.
            Why::Noop => states.contains(&State::Upgrading),
            Why::Close | Why::Pause | Why::Upgrade | Why::Write => ends(why),
            Why::Ack
            | Why::Connect
            | Why::Admission
            | Why::Body
            | Why::Middleware
            | Why::Packet
            | Why::Pong
            | Why::Reconnect
            | Why::Recovery
            | Why::Request => false,
        };
        let set = TIMERS.into_iter().filter(|why| self.timer(*why).is_some());
        set.filter(|why| !belongs(*why)).collect()
    }
}
