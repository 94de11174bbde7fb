//! What the application of a world knows: sets and numbers. What does not hold is noted here, by its property.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::excuses::Excuses;

/// What the application knows.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The number of what was said last.
    said: u64,
    /// All sockets there were, by their ids.
    sockets: BTreeMap<String, Known>,
    /// What each client has told, on whichever of its sockets.
    told: BTreeSet<(String, u64)>,
    /// Emits to clients that ask for an answer, and those of them that have ended.
    pub(super) asked: u64,
    pub(super) ended: u64,
    pub(super) excuses: Excuses,
    pub(super) marks: BTreeSet<&'static str>,
    /// The first that does not hold.
    broken: Option<String>,
}

/// What everybody in a world shares.
pub(super) type Book = Arc<Mutex<Model>>;

/// A socket of the server.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) namespace: String,
    /// The name of the client, and nothing for those by hand.
    pub(super) guest: String,
    pub(super) life: Life,
    rooms: BTreeSet<String>,
    /// What was said to it: a number, and whether it was volatile.
    sent: Vec<(u64, bool)>,
    /// How much of that it has heard.
    heard: usize,
    /// The last that it has told.
    last: u64,
    /// All up to there was said before it was taken out.
    whole: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Connected,
    Disconnecting,
    Over,
    /// Its process has ended: nobody is told.
    Crashed,
}

/// Whom something is said to.
pub(super) enum Among<'a> {
    All,
    Room(&'a str),
    /// All that are not in there.
    Except(&'a str),
    /// All but the one who has asked for it.
    Others,
    /// Others, in there.
    OthersIn(&'a str),
    One,
}

pub(super) fn lock(book: &Book) -> MutexGuard<'_, Model> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Model {
    /// Something does not hold.
    pub(super) fn breaks(&mut self, property: &str, seen: &str) {
        if self.broken.is_none() {
            self.broken = Some(format!("{property}: {seen}"));
        }
    }

    pub(super) fn broken(&self) -> Option<String> {
        self.broken.clone()
    }

    pub(super) fn connect(&mut self, id: &str, namespace: &str, guest: &str) {
        let known = Known {
            namespace: namespace.to_owned(),
            guest: guest.to_owned(),
            life: Life::Connected,
            rooms: BTreeSet::from([id.to_owned()]),
            sent: Vec::new(),
            heard: 0,
            last: 0,
            whole: None,
        };
        // In revision 4 a client that comes back into a namespace has the id that it had there.
        let before = self.sockets.insert(id.to_owned(), known);
        if before.is_some_and(|it| it.life != Life::Over) {
            self.breaks("life", &format!("{id} connects twice"));
        }
    }

    /// A socket goes from one state into another, in rooms as the server says.
    pub(super) fn leaves(&mut self, id: &str, from: Life, to: Life, rooms: &[String]) {
        let rooms: BTreeSet<_> = rooms.iter().cloned().collect();
        let Some(known) = self.sockets.get_mut(id) else {
            return self.breaks("life", &format!("{id} goes, who was never there"));
        };
        let was = std::mem::replace(&mut known.life, to);
        if to == Life::Over {
            known.rooms.clear();
        }
        let same = known.rooms == rooms;
        let seen = format!("{:?} and not {rooms:?}", known.rooms);
        if was != from {
            self.breaks("life", &format!("{id} was {was:?} and is {to:?}"));
        } else if !same {
            self.breaks("life", &format!("{id}, {to:?}, is in {seen}"));
        }
        if rooms.len() > 1 {
            self.marks.insert("rooms were left at the end");
        }
    }

    pub(super) fn moves(&mut self, id: &str, room: &str, joins: bool) {
        if let Some(known) = self.sockets.get_mut(id) {
            match joins {
                true => known.rooms.insert(room.to_owned()),
                false => known.rooms.remove(room),
            };
        }
    }

    /// Something is said: its number, which those it is said to are going to hear.
    pub(super) fn say(&mut self, by: &str, among: &Among<'_>, volatile: bool) -> u64 {
        self.said += 1;
        let number = self.said;
        let namespace = self.sockets.get(by).map(|it| it.namespace.clone());
        let all = self.sockets.iter_mut().filter(|(_, known)| {
            known.life == Life::Connected && Some(&known.namespace) == namespace.as_ref()
        });
        for (id, known) in all {
            let hears = match among {
                Among::All => true,
                Among::Room(room) => known.rooms.contains(*room),
                Among::Except(room) => !known.rooms.contains(*room),
                Among::Others => id != by,
                Among::OthersIn(room) => id != by && known.rooms.contains(*room),
                Among::One => id == by,
            };
            if hears {
                known.sent.push((number, volatile));
            }
        }
        number
    }

    /// A socket is taken out: what was said to it until now comes before that.
    pub(super) fn takes_out(&mut self, id: &str) {
        if let Some(known) = self.sockets.get_mut(id) {
            known.whole.get_or_insert(known.sent.len());
        }
    }

    pub(super) fn is_taken_out(&self, id: &str) -> bool {
        self.sockets.get(id).is_some_and(|it| it.whole.is_some())
    }

    /// A socket has told a number.
    pub(super) fn told(&mut self, id: &str, number: u64) {
        let Some(known) = self.sockets.get_mut(id) else {
            return self.breaks("life", &format!("{id} tells {number} before it is there"));
        };
        let last = std::mem::replace(&mut known.last, number);
        let (life, guest) = (known.life, known.guest.clone());
        if life != Life::Connected {
            self.breaks("life", &format!("{guest} tells {number}, {life:?}"));
        } else if number <= last {
            self.breaks("prefix", &format!("{guest} tells {number} behind {last}"));
        } else if !guest.is_empty() && !self.told.insert((guest.clone(), number)) {
            self.breaks("prefix", &format!("{guest} tells {number} twice"));
        }
    }

    /// A client has heard something on a socket.
    pub(super) fn hears(&mut self, guest: &str, id: &str, number: u64) {
        let Some(known) = self.sockets.get_mut(id) else {
            return self.breaks("secret", &format!("{guest} is {id}, whom nobody knows"));
        };
        let mut at = known.heard;
        while known
            .sent
            .get(at)
            .is_some_and(|(it, volatile)| *volatile && *it != number)
        {
            at += 1;
        }
        if at > known.heard {
            self.marks.insert("a volatile message was dropped");
        }
        if known.guest != guest {
            let whose = known.guest.clone();
            return self.breaks(
                "secret",
                &format!("{guest} hears on {id}, which is {whose}'s"),
            );
        }
        match known.sent.get(at) {
            Some((next, _)) if *next == number => known.heard = at + 1,
            next => {
                let next = next.map(|it| it.0);
                let meant = known.sent.iter().any(|it| it.0 == number);
                let property = if meant { "prefix" } else { "reach" };
                self.breaks(
                    property,
                    &format!("{guest} hears {number} and not {next:?}"),
                );
            }
        }
    }

    /// What a socket has not heard of what was said to it, until it was taken out.
    pub(super) fn unheard(&self, id: &str) -> Vec<u64> {
        let Some(known) = self.sockets.get(id) else {
            return Vec::new();
        };
        let end = known.whole.unwrap_or(known.sent.len());
        let rest = known.sent.get(known.heard..end).unwrap_or_default();
        rest.iter().filter(|it| !it.1).map(|it| it.0).collect()
    }

    /// How much a socket has not heard of what was said to it last, what is volatile included.
    pub(super) fn missed(&self, id: &str) -> usize {
        self.sockets
            .get(id)
            .map_or(0, |known| known.sent.len() - known.heard)
    }

    /// The server's process has ended.
    pub(super) fn crash(&mut self) {
        for known in self.sockets.values_mut() {
            if matches!(known.life, Life::Connected | Life::Disconnecting) {
                known.life = Life::Crashed;
            }
        }
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.sockets.iter()
    }
}
