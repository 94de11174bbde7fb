//! What the application of a world knows: sets and numbers. What does not hold is noted here, by its property.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sio_sim::Sim;

use super::afar::{Ear, Nodes, ON_ITS_WAY, Said, TO_CLIENTS};
use super::broker::BROKER;
use super::excuses::Excuses;
use super::options::Fault;

/// What the application knows.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// What was said, by number: from 1 on.
    said: Vec<Said>,
    pub(super) nodes: Nodes,
    /// All sockets there were, by their ids.
    sockets: BTreeMap<String, Known>,
    /// What each client has told, on whichever of its sockets.
    told: BTreeSet<(String, u64)>,
    /// Emits to clients that ask for an answer, and those of them that have ended.
    pub(super) asked: u64,
    pub(super) ended: u64,
    pub(super) excuses: Excuses,
    pub(super) marks: BTreeSet<&'static str>,
    /// What has gone wrong by hand.
    pub(super) faults: Vec<Fault>,
    /// Messages that came to a client or a handler.
    pub(super) events: u64,
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
    /// The process that it is in.
    pub(super) node: usize,
    /// When it came, and when it went.
    pub(super) since: Duration,
    pub(super) until: Duration,
    pub(super) rooms: BTreeSet<String>,
    /// Rooms to which what other nodes say comes, for certain.
    pub(super) reached: BTreeSet<String>,
    /// When it has joined or left a room last.
    pub(super) moved: BTreeMap<String, Duration>,
    /// What it has heard of other nodes, and has still to hear.
    pub(super) ear: Ear,
    /// What was said to it here: a number, and whether it was volatile.
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
#[derive(Clone, Debug)]
pub(super) enum Among {
    All,
    /// All of this node.
    Here,
    Room(String),
    /// All that are not in there.
    Except(String),
    /// All but the one who has asked for it.
    Others,
    /// Others, in there.
    OthersIn(String),
    /// The one who has asked for it.
    One,
    /// Somebody, wherever he is.
    Only(String),
    /// The servers of other nodes, and no client.
    Servers,
}

/// What the clock of nobody shows: the time of the world.
pub(super) fn now() -> Duration {
    Sim::current().map_or(Duration::ZERO, |sim| sim.elapsed())
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

    pub(super) fn connect(&mut self, node: usize, id: &str, namespace: &str, guest: &str) {
        let known = Known {
            namespace: namespace.to_owned(),
            guest: guest.to_owned(),
            life: Life::Connected,
            node,
            since: now(),
            until: Duration::MAX,
            rooms: BTreeSet::from([id.to_owned()]),
            reached: BTreeSet::new(),
            moved: BTreeMap::new(),
            ear: Ear::default(),
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
        known.until = known.until.min(now());
        if to == Life::Over {
            // Of what was said before, some may be on its way to it still.
            let left = std::mem::take(&mut known.rooms).into_iter();
            known.moved.extend(left.map(|room| (room, now())));
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
            known.reached.remove(room);
            known.moved.insert(room.to_owned(), now());
        }
    }

    /// From now on it hears what other nodes say to a room, if it has not left it since.
    pub(super) fn is_reached(&mut self, id: &str, room: &str, joined: Duration) {
        if let Some(known) = self.sockets.get_mut(id)
            && known.rooms.contains(room)
            && known.moved.get(room).is_none_or(|at| *at <= joined)
        {
            known.reached.insert(room.to_owned());
        }
    }

    /// Something is said: its number, which those it is said to are going to hear.
    pub(super) fn say(&mut self, by: &str, among: &Among, volatile: bool) -> u64 {
        let number = self.said.len() as u64 + 1;
        let Some((node, namespace)) = self
            .sockets
            .get(by)
            .map(|it| (it.node, it.namespace.clone()))
        else {
            return number;
        };
        let said = Said {
            number,
            at: now(),
            node,
            namespace,
            among: among.clone(),
            volatile,
        };
        let all = self.sockets.iter_mut().filter(|(_, known)| {
            known.life == Life::Connected && known.namespace == said.namespace
        });
        for (id, known) in all {
            if known.node != node {
                if !volatile && said.is_surely_for(id, known) && self.nodes.tells(&said) {
                    known.ear.owes(&said);
                }
                continue;
            }
            let hears = match among {
                Among::All | Among::Here => true,
                Among::Room(room) => known.rooms.contains(room),
                Among::Except(room) => !known.rooms.contains(room),
                Among::Others => id != by,
                Among::OthersIn(room) => id != by && known.rooms.contains(room),
                Among::One => id == by,
                Among::Only(it) => it == id,
                Among::Servers => false,
            };
            if hears {
                known.sent.push((number, volatile));
            }
        }
        self.said.push(said);
        number
    }

    /// Who else is there, in that namespace.
    pub(super) fn somebody(&self, namespace: &str, which: u64) -> Option<String> {
        let all = self.sockets.iter();
        let all = all.filter(|(_, it)| it.life == Life::Connected && it.namespace == namespace);
        let all: Vec<_> = all.map(|(id, _)| id).collect();
        let at = usize::try_from(which).unwrap_or_default() % all.len().max(1);
        all.get(at).map(|id| (*id).clone())
    }

    /// A server says something to those of the other nodes: its number.
    pub(super) fn say_to_servers(&mut self, by: &str) -> u64 {
        let number = self.said.len() as u64 + 1;
        let Some(known) = self.sockets.get(by) else {
            return number;
        };
        let said = Said {
            number,
            at: now(),
            node: known.node,
            namespace: known.namespace.clone(),
            among: Among::Servers,
            volatile: false,
        };
        self.nodes.owe(&said);
        self.said.push(said);
        number
    }

    /// A server has heard what one of another node has said.
    pub(super) fn server_hears(&mut self, node: usize, namespace: &str, number: u64) {
        self.events += 1;
        let Some(said) = usize::try_from(number)
            .ok()
            .and_then(|at| self.said.get(at - 1))
        else {
            return self.breaks("reach", &format!("node {node} hears {number}"));
        };
        if let Err((property, seen)) = self.nodes.hears(node, namespace, said) {
            self.breaks(property, &seen);
        }
    }

    /// What should have been heard by now of what other nodes have said, and was not. `patient`: of what befell the
    /// hosts nobody is excused any more.
    pub(super) fn look_afar(&mut self, patient: bool) {
        let now = now();
        let late = |said: &Said, nodes: &Nodes, node: usize, excuses: &Excuses| {
            let names = [nodes.server(said.node), nodes.server(node), BROKER];
            let rests = patient || !names.iter().any(|it| excuses.has_only(it, now));
            // What a stream has kept for a node that was away comes when it is back.
            let since = now.saturating_sub(ON_ITS_WAY);
            let there = [said.node, node]
                .iter()
                .all(|it| nodes.is_whole(*it, since));
            rests && there && said.at < since
        };
        let mut seen = None;
        for (id, known) in &mut self.sockets {
            let (nodes, excuses, guest) = (&self.nodes, &self.excuses, &known.guest);
            let is_in = known.life == Life::Connected && !guest.is_empty();
            if !is_in || !patient && excuses.has(guest, now) {
                known
                    .ear
                    .forget(|said| is_in && nodes.tells_both(said, known.node));
                continue;
            }
            let stays = |room: &String, said: &Said| {
                known.moved.get(room).is_none_or(|moved| *moved < said.at)
            };
            known.ear.forget(|said| {
                nodes.tells_both(said, known.node)
                    && match &said.among {
                        Among::Room(room) | Among::Except(room) | Among::OthersIn(room) => {
                            stays(room, said)
                        }
                        Among::All
                        | Among::Here
                        | Among::Others
                        | Among::One
                        | Among::Only(_)
                        | Among::Servers => true,
                    }
            });
            let owed = known.ear.owed().find(|said| {
                let polled = patient || said.at + TO_CLIENTS < now;
                polled && late(said, nodes, known.node, excuses)
            });
            if let Some(said) = owed {
                seen = Some(format!("{guest} has not heard {said:?} on {id}"));
            }
        }
        let nodes = &self.nodes;
        let late = |said: &Said, node: usize| late(said, nodes, node, &self.excuses);
        seen = seen.or(nodes.unheard(late));
        if let Some(seen) = seen {
            self.breaks("cluster", &seen);
        }
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
        self.events += 1;
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
        self.events += 1;
        let Some(known) = self.sockets.get_mut(id) else {
            return self.breaks("secret", &format!("{guest} is {id}, whom nobody knows"));
        };
        let said = usize::try_from(number)
            .ok()
            .and_then(|at| self.said.get(at.wrapping_sub(1)));
        if let Some(said) = said.filter(|said| said.node != known.node && known.guest == guest) {
            if let Err((property, seen)) = known.hears_afar(id, said, &self.nodes) {
                self.breaks(property, &seen);
            }
            self.marks.insert("something came from another node");
            return;
        }
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

    /// A server's process has ended.
    pub(super) fn crash(&mut self, server: &str) {
        for known in self.sockets.values_mut() {
            let there = self.nodes.server(known.node) == server;
            if there && matches!(known.life, Life::Connected | Life::Disconnecting) {
                known.life = Life::Crashed;
                known.until = known.until.min(now());
            }
        }
        self.nodes.crash(server);
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = (&String, &Known)> {
        self.sockets.iter()
    }
}
