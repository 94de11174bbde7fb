//! Clients that come back as who they were.

use std::collections::BTreeSet;

use bytes::Bytes;
use sio_core::engine::{Flags, Sent};
use sio_core::id::SocketId;
use sio_core::recovery::{Claim, Pid};
use sio_core::rooms::Target;
use sio_core::server::{ConnectionKey, Socket};
use sio_core::socket::ConnectTicket;

use crate::failure::hold;
use crate::marks::Mark;
use crate::options::{LONGEST_AWAY, PING_INTERVAL, PING_TIMEOUT};
use crate::properties::{Stay, Terms};
use crate::world::{NAMESPACES, World};

/// Somebody that was let in.
pub(crate) struct Entered {
    pub(crate) socket: Socket,
    /// As whom it is known to come back.
    pid: Option<String>,
    /// By which place it is who it was; empty: it had seen nothing.
    back: Option<String>,
}

impl World {
    pub(crate) fn terms(&self) -> Option<Terms> {
        let its = self.options.server.connection_state_recovery?;
        Some(Terms {
            longest: its.max_disconnection_duration,
            kept: LONGEST_AWAY + PING_INTERVAL + PING_TIMEOUT,
            most: its.max_kept_sessions,
            packets: its.max_kept_packets,
            forgets: self.options.forgets(),
        })
    }

    /// Lets somebody in, perhaps as who it was. `None`: it has gone.
    pub(crate) fn enters(
        &mut self,
        connection: ConnectionKey,
        mut ticket: ConnectTicket,
        at: usize,
        auth: Option<&str>,
    ) -> Option<Entered> {
        let now = self.now;
        let id = SocketId::from_random(self.random());
        let before = self.what_it_had(connection, at, auth);
        let auth = before.as_deref().or(auth);
        let Some(terms) = self.terms() else {
            let socket = self.server.accept(now, connection, ticket, id)?;
            return Some(Entered {
                socket,
                pid: None,
                back: None,
            });
        };
        if let Some(auth) = auth
            && let Some(claim) = Claim::of(auth)
        {
            let (pid, offset) = (said(auth, "pid"), said(auth, "offset"));
            match self.server.recover(now, connection, ticket, &claim) {
                Ok(recovered) => {
                    hold!(
                        Recovery,
                        before.is_none() || recovered.is_none(),
                        "{pid} comes back from {offset}, before the last time"
                    );
                    return recovered.map(|recovered| Entered {
                        socket: recovered.socket,
                        pid: Some(pid),
                        back: Some(offset),
                    });
                }
                Err((why, same)) => {
                    self.note(61, || format!("server: {pid} is not who it was: {why:?}"));
                    self.marks.reach(Mark::NotRecovered);
                    self.ledger.recoveries.not_back(&pid, why, now, terms);
                    ticket = same;
                }
            }
        }
        let random = self.random();
        let its = self.server.connection(connection);
        let back = its.is_some_and(|it| it.is_recoverable());
        let pid = back.then(|| Pid::from_random(random).as_str().to_owned());
        let socket = self
            .server
            .accept_recoverable(now, connection, ticket, id, random)?;
        Some(Entered {
            socket,
            pid,
            back: None,
        })
    }

    /// Now and then a client presents what it had before it came back the last time. `None`: it does not.
    fn what_it_had(
        &mut self,
        connection: ConnectionKey,
        at: usize,
        auth: Option<&str>,
    ) -> Option<String> {
        self.terms()?;
        let pid = said(auth?, "pid");
        let machine = self.machines.get(self.ledger.blame.party(connection)?)?;
        let first = machine.first[at].clone()?;
        if !self.ledger.recoveries.is_from_before(&pid, &first) || !self.choices.one_in(4) {
            return None;
        }
        self.marks.reach(Mark::FromBefore);
        Some(serde_json::json!({ "pid": pid, "offset": first }).to_string())
    }

    /// The stay of somebody that was let in is kept, or goes on from another.
    pub(crate) fn has_entered(&mut self, it: Entered, at: usize, stay: Stay, own: &str) {
        let (Some(terms), Some(pid)) = (self.terms(), it.pid) else {
            return;
        };
        let Some(offset) = it.back else {
            return self.ledger.recoveries.entered(&pid, own, stay, at);
        };
        let now = self.now;
        let known = &mut self.ledger.recoveries;
        let (before, away) = known.back((&pid, offset), own, stay, now, terms);
        self.marks.reach(match away {
            Some(_) => Mark::Recovered,
            None => Mark::RecoveredElsewhere,
        });
        // Who gives way is in none of them any more.
        let there = away.unwrap_or_else(|| self.rooms_of_stay(at, before));
        self.ledger.reach.gone(at, before);
        let rooms: BTreeSet<String> = {
            let rooms = self.server.rooms_of(it.socket).into_iter();
            rooms.map(str::to_owned).collect()
        };
        self.note(62, || format!("server: stay {before} goes on as {stay}"));
        hold!(
            Recovery,
            rooms == there,
            "stay {stay} is in {rooms:?}, and was in {there:?}"
        );
        for room in &rooms {
            self.ledger.reach.joined(at, stay, room);
        }
        if self.ledger.prefix.goes_on(before, stay) {
            self.marks.reach(Mark::MissedSomething);
        }
    }

    fn rooms_of_stay(&self, at: usize, stay: Stay) -> BTreeSet<String> {
        let rooms = self.ledger.reach.rooms(at, stay).into_iter();
        rooms.map(str::to_owned).collect()
    }

    /// Somebody has left who may come back, or not.
    pub(crate) fn may_come_back(&mut self, at: usize, stay: Stay, back: bool) {
        let rooms = self.rooms_of_stay(at, stay);
        self.ledger.recoveries.left(stay, rooms, self.now, back);
    }

    /// What is sent to one client where they may come back.
    pub(crate) fn emits(&mut self, to: Socket, token: u64, flags: Flags) -> Sent {
        let with_bytes = self.choices.one_in(6);
        let bytes = Bytes::from(token.to_be_bytes().to_vec());
        let now = self.now;
        let sent = match with_bytes {
            true => self
                .server
                .emit(now, to, "told", &(token, &bytes, &bytes), flags),
            false => self.server.emit(now, to, "told", &(token,), flags),
        };
        sent.expect("it can be written")
    }

    /// What is sent to many where they may come back. How many of them are there.
    pub(crate) fn emits_to_many(&mut self, at: usize, target: &Target, token: u64) -> usize {
        let now = self.now;
        let flags = Flags::default();
        let reached = self
            .server
            .emit_to(now, NAMESPACES[at], target, "told", &(token,), flags);
        reached.expect("it can be written")
    }

    /// No more are kept than may be, and none that is over.
    pub(crate) fn keeps_no_more(&self) {
        let Some(terms) = self.terms() else { return };
        for (at, name) in NAMESPACES.iter().enumerate() {
            let Some(figures) = self.server.recovery_figures(name) else {
                continue;
            };
            let (here, away) = self.ledger.recoveries.figures(at);
            hold!(
                Recovery,
                (figures.here, figures.away) == (here, away) && away <= terms.most,
                "{name} keeps {figures:?}, where {here} are there and {away} away"
            );
            let nobody = here + away == 0;
            hold!(
                Recovery,
                figures.packets <= terms.packets && (figures.packets == 0 || !nobody),
                "{name} keeps {figures:?}, for {here} who are there and {away} away"
            );
        }
    }
}

/// What a client presents.
fn said(auth: &str, what: &str) -> String {
    let auth: serde_json::Value = serde_json::from_str(auth).unwrap_or_default();
    auth[what].as_str().unwrap_or_default().to_owned()
}
