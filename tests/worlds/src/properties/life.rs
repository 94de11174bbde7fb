//! *life*: connecting, connected, disconnecting, disconnected, once each, and no event outside.

use std::collections::BTreeMap;

use sio_core::server::Socket;

use super::{Place, Stay};
use crate::failure::hold;

/// Who is inside, as the server sees it and as clients do.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    sockets: BTreeMap<Socket, Life>,
    inside: BTreeMap<Place, Option<Stay>>,
}

#[derive(Debug)]
struct Life {
    stay: Stay,
    leaving: bool,
}

impl Lives {
    pub(crate) fn entered(&mut self, socket: Socket, stay: Stay) {
        let leaving = false;
        let before = self.sockets.insert(socket, Life { stay, leaving });
        hold!(Life, before.is_none(), "{socket:?} is there already");
    }

    /// Something comes from a socket, which has to be there.
    pub(crate) fn is_there(&self, socket: Socket, what: &str) -> Stay {
        match self.sockets.get(&socket) {
            Some(life) if !life.leaving => life.stay,
            life => {
                hold!(Life, false, "{what} of {socket:?}, {life:?}");
                0
            }
        }
    }

    pub(crate) fn leaving(&mut self, socket: Socket) -> Stay {
        let stay = self.is_there(socket, "leaving");
        if let Some(life) = self.sockets.get_mut(&socket) {
            life.leaving = true;
        }
        stay
    }

    pub(crate) fn left(&mut self, socket: Socket) {
        let life = self.sockets.remove(&socket);
        hold!(
            Life,
            life.as_ref().is_some_and(|life| life.leaving),
            "{socket:?} has left, {life:?}"
        );
    }

    pub(crate) fn there(&self) -> usize {
        self.sockets.len()
    }

    pub(crate) fn server_died(&mut self) {
        self.sockets.clear();
    }

    /// A client's socket says that it is in.
    pub(crate) fn inside(&mut self, place: Place, stay: Option<Stay>) {
        let before = self.inside.insert(place, stay);
        hold!(Life, before.is_none(), "{place:?} is in already");
    }

    /// A client's socket says that it is out. Which stay that was.
    pub(crate) fn outside(&mut self, place: Place) -> Option<Stay> {
        let stay = self.inside.remove(&place);
        hold!(Life, stay.is_some(), "{place:?} was not in");
        stay.flatten()
    }

    /// The stay of a client's socket. `None`: it is not in, as far as it knows.
    pub(crate) fn stay_of(&self, place: Place) -> Option<Stay> {
        self.inside.get(&place).copied().flatten()
    }

    pub(crate) fn nobody_is_left(&self) {
        hold!(
            Rest,
            self.sockets.is_empty() && self.inside.is_empty(),
            "still there: {:?} {:?}",
            self.sockets,
            self.inside
        );
    }
}
