//! What the server's application says: to one, to many, and what it asks.

use std::time::Duration;

use bytes::Bytes;
use sio_core::engine::{Flags, Sent};
use sio_core::packet;
use sio_core::protocol::TransportKind;
use sio_core::rooms::Target;
use sio_core::server::{ConnectionKey, Socket};
use sio_core::socket::AckError;

use crate::application::{Member, ROOMS};
use crate::failure::hold;
use crate::marks::Mark;
use crate::matrix::Input;
use crate::network::Side;
use crate::options::Fault;
use crate::properties::{Bounds, Place, Whose};
use crate::world::{NAMESPACES, World};

impl World {
    /// Whether a packet would leave at once, as the network sees it.
    fn is_ready(&self, connection: ConnectionKey) -> Option<bool> {
        let session = self.server.connection(connection)?.session();
        if !session.is_open() {
            return Some(false);
        }
        match session.transport() {
            TransportKind::WebSocket => {
                let wire = self.network.wire_of(connection)?;
                let flushed = self.network.is_flushed(wire, Side::Server);
                // A pong may wait in front of it, where little is read.
                let unknown = flushed && self.network.is_stalled(wire, Side::Server);
                (!unknown).then_some(flushed)
            }
            TransportKind::Polling => Some(self.network.polls_since(connection).is_some()),
        }
    }

    fn packet(&mut self, at: usize, token: u64, id: Option<u64>) -> packet::Encoded {
        let name = if id.is_some() { "ask" } else { "told" };
        let packet = match self.choices.one_in(6) {
            true => {
                let bytes = Bytes::from(token.to_be_bytes().to_vec());
                self.options
                    .codec()
                    .event(NAMESPACES[at], id, name, &(token, &bytes, &bytes))
            }
            false => self
                .options
                .codec()
                .event(NAMESPACES[at], id, name, &(token,)),
        };
        packet.expect("it can be written")
    }

    /// Tells one client something.
    pub(crate) fn tells(&mut self, flags: Flags) {
        if let Some(socket) = self.any_socket() {
            self.tell(socket, flags);
        }
    }

    pub(crate) fn tell(&mut self, socket: Socket, flags: Flags) {
        let Member { stay, place } = self.application.sockets[&socket].clone();
        let token = self.number();
        let ready = self.is_ready(socket.connection);
        let input = if flags.volatile {
            Input::Volatile
        } else {
            Input::Send
        };
        self.meets(socket.connection, input);
        let there = self.server.namespace(socket).is_some();
        let sent = match self.terms() {
            Some(_) => self.emits(socket, token, flags),
            None => {
                let packet = self.packet(place.1, token, None);
                self.server.deliver(self.now, socket, packet, flags)
            }
        };
        self.note(55 + token, || {
            format!("server: {place:?} is told {token}: {sent:?}, {flags:?}")
        });
        if sent == Sent::Dropped {
            self.marks.reach(Mark::VolatileDropped);
        }
        if let Some(ready) = ready
            && flags.volatile
        {
            // Several may be sent before anything is taken, and only the first finds nothing before it.
            let right = match sent {
                Sent::Queued => ready,
                Sent::Dropped => !ready || self.options.has(Fault::Together),
                Sent::Full | Sent::Closed => true,
                Sent::Unwritten => false,
            };
            hold!(
                Volatile,
                right,
                "{place:?} was ready: {ready}, and {token} was {sent:?}"
            );
        }
        if sent == Sent::Queued {
            self.ledger.prefix.told(stay, token, flags.volatile);
        } else if sent == Sent::Closed && there && !flags.volatile {
            // It is for the next that it is, unless this has ended it.
            let narrow = self.options.is_narrow();
            self.ledger.prefix.told_next(stay, token, narrow);
        }
        self.may_be_full(place);
    }

    /// What is sent to a client that does not read ends its connection, where that is the policy.
    pub(crate) fn may_be_full(&mut self, place: Place) {
        if self.options.is_narrow() {
            self.ledger
                .blame
                .cause(self.now, place.0, "too much waits for it");
        }
    }

    /// Tells many at once.
    pub(crate) fn broadcasts(&mut self) {
        let at = self.choices.index(NAMESPACES.len());
        let mut target = Target::default();
        let mut to: Vec<&str> = Vec::new();
        for _ in 0..self.choices.index(4) {
            let room = ROOMS[self.choices.index(ROOMS.len())];
            target.add(room);
            to.push(room);
        }
        let mut except = Vec::new();
        if self.choices.one_in(3) {
            let room = ROOMS[self.choices.index(ROOMS.len())];
            target.except.push(room.into());
            except.push(room);
        }
        let mut skip = None;
        if self.choices.one_in(3)
            && let Some(socket) = self.any_socket()
        {
            let Member { stay, place } = self.application.sockets[&socket].clone();
            if place.1 == at {
                skip = Some(stay);
                target.skip = self.server.member(socket);
            }
        }
        if !except.is_empty() && skip.is_some() {
            self.marks.reach(Mark::LeftOut);
        }
        let named = target.rooms.is_some();
        let expected = self
            .ledger
            .reach
            .of(at, named.then_some(&*to), &except, skip);
        let token = self.number();
        let away = self
            .ledger
            .recoveries
            .away(at, named.then_some(&*to), &except);
        self.note(56 + token, || {
            format!("server: {expected:?} are told {token} at once")
        });
        let selected = self.server.select(NAMESPACES[at], &target);
        let mut stays: Vec<_> = Vec::new();
        for socket in &selected {
            let member = self.application.sockets.get(socket);
            hold!(
                Reach,
                member.is_some(),
                "{socket:?} is reached, and not there"
            );
            stays.extend(member.map(|it| (it.stay, it.place, *socket)));
        }
        let distinct: std::collections::BTreeSet<_> = stays.iter().map(|it| it.0).collect();
        hold!(
            Reach,
            distinct == expected && stays.len() == expected.len(),
            "{stays:?} are reached by {target:?}, and {expected:?} should be"
        );
        // Of those whose session is over nobody gets it, and of those with too much waiting not everybody.
        let before: Vec<_> = stays.iter().map(|it| self.waiting(it.2)).collect();
        let recovers = self.terms().is_some();
        let reached = if recovers {
            self.emits_to_many(at, &target, token)
        } else {
            let packet = self.packet(at, token, None);
            self.server
                .broadcast(self.now, NAMESPACES[at], &target, &packet, Flags::default())
        };
        for stay in away {
            self.ledger.prefix.told(stay, token, false);
        }
        hold!(
            Reach,
            reached == expected.len(),
            "{reached} of {} reached",
            expected.len()
        );
        for ((stay, place, socket), before) in stays.into_iter().zip(before) {
            if before.is_some() && self.waiting(socket) != before {
                self.ledger.prefix.told(stay, token, false);
            } else if recovers {
                // Whoever was refused it has it if it comes back from before.
                self.ledger.prefix.told_next(stay, token, before.is_some());
            }
            self.may_be_full(place);
        }
    }

    /// Bytes that wait for a socket's client. `None`: it cannot be sent anything.
    fn waiting(&self, socket: Socket) -> Option<(usize, usize)> {
        let session = self.server.connection(socket.connection)?.session();
        let waiting = (session.backlog_bytes(), session.backlog_packets());
        session.is_open().then_some(waiting)
    }

    pub(crate) fn server_asks(&mut self, socket: Socket) {
        let Member { stay, place } = self.application.sockets[&socket].clone();
        let token = self.number();
        self.application.next_ack += 1;
        let id = self.application.next_ack * 2 + 1;
        let packet = self.packet(place.1, token, Some(id));
        let wait = Duration::from_secs(2);
        let waiting = self.ledger.acks.waiting_at(stay);
        let asked = self
            .server
            .request(self.now, socket, id, packet, token, Some(wait));
        self.note(57 + token, || {
            format!("server: {place:?} is asked {token}: {asked:?}")
        });
        // Where the clock has jumped, one that waited may have been given up just now.
        let unsent = matches!(asked, Err((AckError::Disconnected | AckError::NotSent, _)));
        if !unsent && !self.is_excused() {
            let most = self.options.server.max_pending_acks;
            Bounds::one_more("acks of a socket", waiting, most, asked.is_ok());
        }
        if matches!(asked, Err((AckError::TooMany, _))) {
            self.marks.reach(Mark::TooManyAcks);
        }
        if asked.is_ok() {
            let by = self.now + wait + self.slack();
            self.ledger
                .acks
                .asked_at(token, Whose::Server(place), by, stay);
            self.ledger.prefix.told_once(stay, token);
        }
        self.may_be_full(place);
    }

    pub(crate) fn server_asks_all(&mut self) {
        let sockets: Vec<_> = self.application.sockets.keys().copied().collect();
        for socket in sockets {
            self.server_asks(socket);
        }
    }
}
