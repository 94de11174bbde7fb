//! The server's application: what it does, and what it is told.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::details::Details;
use sio_core::engine::{CloseReason, Flags, Violation};
use sio_core::packet;
use sio_core::rooms::RoomError;
use sio_core::server::{ConnectionKey, Event, HandshakeTicket, NamingTicket, Socket};
use sio_core::socket::{AckError, AckTicket, ConnectTicket, DisconnectReason, Refusal};

use crate::failure::hold;
use crate::knocks::Knock;
use crate::machine::VOLATILE;
use crate::marks::Mark;
use crate::matrix::{Input, Standing};
use crate::network::{Delivery, Party, Side};
use crate::options::{CLOSE_TIMEOUT, MIDDLEWARE};
use crate::properties::{Bounds, Place, Secrets, Stay};
use crate::world::{NAMESPACES, World};

/// What the application knows of its sockets.
#[derive(Debug, Default)]
pub(crate) struct Application {
    pub(crate) sockets: BTreeMap<Socket, Member>,
    by_id: BTreeMap<String, Stay>,
    /// The last stay of a client by hand.
    by_place: BTreeMap<Place, Stay>,
    pub(crate) next_ack: u64,
    /// What it has put off.
    later: BTreeMap<u64, Later>,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) stay: Stay,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Later {
    Decide(ConnectionKey, ConnectTicket, usize, Option<ByteString>),
    Answer(Socket, AckTicket, u64),
    Admit(HandshakeTicket, Knock),
    Name(NamingTicket),
}

impl Application {
    pub(crate) fn stay_by_id(&self, id: &str) -> Option<Stay> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn last_stay(&self, place: Place) -> Option<Stay> {
        self.by_place.get(&place).copied()
    }

    pub(crate) fn sockets(&self) -> usize {
        self.sockets.len()
    }
}

pub(crate) const ROOMS: [&str; 4] = ["red", "green", "blue", "white"];

impl World {
    pub(crate) fn server_hears(&mut self, event: Event<u64>) {
        self.steps += 1;
        match event {
            Event::Connecting {
                connection,
                ticket,
                namespace,
                is_new,
                auth,
                ..
            } => {
                let at = self.namespace_of(&namespace, is_new);
                self.asked_for(connection, ticket, at, auth);
            }
            Event::Naming { ticket, .. } => self.names(ticket),
            Event::Handshake {
                ticket, request, ..
            } => self.knocks_at(ticket, request),
            Event::HandshakeOver { handshake } => self.knocked_in_vain(handshake),
            Event::Message {
                socket,
                name,
                args,
                ack,
                ..
            } => {
                self.events += 1;
                let stay = self.ledger.lives.is_there(socket, &name);
                let place = self.application.sockets.get(&socket).map(|it| it.place);
                let place = place.unwrap_or_default();
                match &*name {
                    "word" => self.server_is_told(socket, place, stay, &args),
                    "much" => self.is_not_too_much(&args),
                    "first" => {
                        self.marks.reach(Mark::FirstWord);
                        self.ledger.prefix.first(stay);
                    }
                    _ => {}
                }
                self.moves(socket);
                if let Some(ack) = ack {
                    let token = args.get(0).unwrap_or_default();
                    self.answers(socket, ack, token);
                }
            }
            Event::Acked {
                socket,
                token,
                answer,
            } => self.is_answered(socket, token, answer),
            Event::Undecided { socket } => {
                self.marks.reach(Mark::Undecided);
                self.standings.decided(socket, Standing::Unknown);
                self.ledger.answers.undecided(socket);
            }
            Event::Expired { namespace, id, why } => {
                let at = NAMESPACES.iter().position(|name| **name == *namespace);
                if let (Some(at), Some(terms)) = (at, self.terms()) {
                    let now = self.now;
                    let id = id.as_str();
                    self.note(63, || format!("server: {id} will not come back: {why:?}"));
                    self.ledger.recoveries.expired(id, at, why, now, terms);
                }
            }
            Event::Upgraded { connection } => self.has_upgraded(connection),
            Event::Disconnecting { socket, reason } => self.is_leaving(socket, reason),
            Event::Disconnected { socket, reason } => self.has_left(socket, reason),
            Event::Closed {
                connection,
                reason,
                details,
            } => self.is_over(connection, reason, details.as_ref()),
            _ => {}
        }
    }

    /// A session has ended.
    fn is_over(
        &mut self,
        connection: ConnectionKey,
        reason: CloseReason,
        details: Option<&Details>,
    ) {
        self.note(51, || {
            format!("server: {connection:?} is over: {reason} {details:?}")
        });
        match (reason, details) {
            (CloseReason::PingTimeout, _) => self.marks.reach(Mark::PingTimeout),
            (_, Some(Details::Violation(Violation::SlowReader))) => {
                self.marks.reach(Mark::SlowReader);
            }
            (_, Some(Details::NotJoined)) => self.marks.reach(Mark::NotJoined),
            (_, Some(Details::Incomplete)) => self.marks.reach(Mark::Incomplete),
            _ => {}
        }
        let party = self.ledger.blame.party(connection);
        let hand = party.and_then(|party| self.hands.get(&party));
        if reason == CloseReason::PingTimeout && hand.is_some_and(|it| !it.answers) {
            self.marks.reach(Mark::TalkedOnly);
        }
        self.ledger
            .blame
            .closed(self.now, connection, reason.as_str());
        self.ledger.dead.closed(connection);
        self.readers.ended(connection);
        self.standings.closed(connection);
        self.ledger.answers.closed(connection);
        if let Some(it) = self.server.connection(connection) {
            let sid = it.sid().as_str().to_owned();
            self.ledger.secrets.closed(&sid, party.unwrap_or_default());
        }
    }

    /// Which of the namespaces it is. One is new if nobody is in it, and never if it was made at the beginning.
    fn namespace_of(&mut self, namespace: &str, is_new: bool) -> usize {
        let at = NAMESPACES.iter().position(|name| **name == *namespace);
        hold!(Life, at.is_some(), "{namespace} does not exist");
        let at = at.unwrap_or_default();
        let others = self.ledger.reach.members(at);
        let new = is_new && (at == 0 || others > 0);
        hold!(Life, !new, "{namespace} is new with {others} in it");
        if is_new {
            self.marks.reach(Mark::BroughtIntoBeing);
        }
        at
    }

    /// What was asked of a socket has an answer, or will have none.
    fn is_answered(&mut self, socket: Socket, token: u64, answer: Result<packet::Args, AckError>) {
        match &answer {
            Err(AckError::Disconnected) => self.marks.reach(Mark::AckOutlived),
            Err(AckError::Timeout) => self.marks.reach(Mark::AckTimedOut),
            _ => {}
        }
        let answer = answer
            .ok()
            .and_then(|args| args.decode::<(u64, Place)>().ok());
        self.note(50 + token, || {
            format!("server: {token} of {socket:?}: {answer:?}")
        });
        self.ledger.acks.ended(token, answer);
    }

    fn has_upgraded(&mut self, connection: ConnectionKey) {
        let session = self.server.connection(connection).map(|it| it.session());
        if session.is_some_and(|it| it.queued_bytes() > 0) {
            self.marks.reach(Mark::UpgradedWithBacklog);
            let wire = self.network.wire_of(connection);
            if wire.is_some_and(|wire| self.network.is_stalled(wire, Side::Server)) {
                self.marks.reach(Mark::SlowUpgrade);
            }
        }
    }

    /// A client asks for a namespace.
    fn asked_for(
        &mut self,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        at: usize,
        auth: Option<ByteString>,
    ) {
        let key = ticket.socket();
        let socket = Socket { connection, key };
        let by = self.now + MIDDLEWARE + self.slack();
        self.ledger.answers.ticket(socket, by);
        self.standings.asked(socket, NAMESPACES[at]);
        // A machine of revision 4 that was refused asks again on its next connection, and makes none for that.
        let party = self.ledger.blame.party(connection);
        let old = party.and_then(|party| self.machines.get(party));
        let patient = old.is_some_and(|machine| machine.old);
        let how = match self.options.manners.decides {
            true if patient => self.choices.weighted(&[4, 2]),
            true => self.choices.weighted(&[4, 2, 1, 1]),
            false => 0,
        };
        match how {
            0 => self.lets_in(connection, ticket, at, auth.as_deref()),
            1 => {
                let most = if patient { 10 } else { 20 };
                let wait = Duration::from_millis(self.choices.below(most) * 200);
                if wait + self.slack() >= MIDDLEWARE
                    && let Some(party) = self.ledger.blame.party(connection)
                {
                    let cause = "it was decided too late";
                    self.ledger.blame.cause(self.now + wait, party, cause);
                }
                self.put_off(wait, Later::Decide(connection, ticket, at, auth));
            }
            2 => {
                if let Some(party) = self.ledger.blame.party(connection) {
                    self.ledger
                        .blame
                        .cause(self.now, party, "it was turned away");
                }
                self.ledger.answers.decided(socket);
                self.ledger.answers.too_late(socket);
                self.standings.decided(socket, Standing::Unknown);
                self.server
                    .reject(self.now, connection, ticket, &Refusal::new("no"));
            }
            _ => {
                if let Some(party) = self.ledger.blame.party(connection) {
                    self.ledger
                        .blame
                        .cause(self.now + MIDDLEWARE, party, "nobody decided");
                }
            }
        }
    }

    pub(crate) fn put_off(&mut self, wait: Duration, what: Later) {
        let number = self.number();
        self.application.later.insert(number, what);
        self.network.push(self.now + wait, Delivery::Later(number));
    }

    /// What was put off is done. What a server that died had put off is nobody's.
    pub(crate) fn later(&mut self, number: u64) {
        match self.application.later.remove(&number) {
            Some(Later::Decide(connection, ticket, at, auth)) => {
                self.lets_in(connection, ticket, at, auth.as_deref());
            }
            Some(Later::Answer(socket, ticket, token)) => self.answer(socket, ticket, token),
            Some(Later::Admit(ticket, knock)) => self.admits(ticket, &knock),
            Some(Later::Name(ticket)) => self.names_late(ticket),
            None => {}
        }
    }

    fn lets_in(
        &mut self,
        connection: ConnectionKey,
        ticket: ConnectTicket,
        at: usize,
        auth: Option<&str>,
    ) {
        let key = ticket.socket();
        self.ledger.answers.decided(Socket { connection, key });
        let Some(entered) = self.enters(connection, ticket, at, auth) else {
            self.ledger.answers.too_late(Socket { connection, key });
            self.marks.reach(Mark::DecidedTooLate);
            return;
        };
        let socket = entered.socket;
        let stay = self.number();
        let party = self.ledger.blame.party(connection);
        let place = (party.unwrap_or(usize::MAX), at);
        let rooms = self.server.rooms_of(socket);
        let own = rooms.first().copied().unwrap_or_default().to_owned();
        self.note(52, || {
            format!("server: {place:?} is let in: stay {stay}, {socket:?}")
        });
        self.ledger.lives.entered(socket, stay);
        self.standings.decided(socket, Standing::Connected);
        self.ledger.reach.entered(at, stay, &own);
        self.has_entered(entered, at, stay, &own);
        self.application.by_id.insert(own, stay);
        self.application.by_place.insert(place, stay);
        self.application
            .sockets
            .insert(socket, Member { stay, place });
        self.moves(socket);
    }

    /// A client has said something.
    fn server_is_told(&mut self, socket: Socket, place: Place, stay: Stay, args: &packet::Args) {
        let told = match args.len() {
            2 => args.decode::<(usize, u64)>().ok(),
            _ => args
                .decode()
                .ok()
                .filter(|(_, word, one, two): &(usize, u64, Bytes, Bytes)| {
                    (one, &**two) == (two, &word.to_be_bytes()[..])
                })
                .map(|(party, word, ..)| (party, word)),
        };
        hold!(
            Prefix,
            told.is_some(),
            "what {place:?} said is not whole: {args:?}"
        );
        let (party, word) = told.unwrap_or_default();
        self.note(53 + word, || format!("server: {place:?} says {word}"));
        if self.ledger.farewells.was_away(place, word) {
            self.marks.reach(Mark::SaidWhileAway);
        }
        Secrets::speaks(party, self.ledger.blame.party(socket.connection));
        // By hand it is lost what is posted when its client goes over to its WebSocket.
        let all = party < self.machines.len();
        self.ledger.prefix.heard(place, word, stay, all);
    }

    /// In every handler somebody joins or leaves a room.
    fn moves(&mut self, socket: Socket) {
        if !self.options.manners.moves {
            return;
        }
        let Some(Member { stay, place }) = self.application.sockets.get(&socket).cloned() else {
            return;
        };
        let room = ROOMS[self.choices.index(ROOMS.len())];
        let there = self.ledger.reach.rooms(place.1, stay);
        // Its own does not count.
        let (is_in, rooms) = (there.contains(room), there.len() - 1);
        if self.choices.one_in(3) {
            let left = self.server.leave(socket, room);
            hold!(Reach, left == is_in, "left {room}: {left}, was in: {is_in}");
            self.ledger.reach.left(place.1, stay, room);
        } else {
            let most = self.options.server.max_rooms_per_socket;
            let joined = self.server.join(socket, room);
            match joined {
                Ok(new) => hold!(Reach, new != is_in, "joined {room}: {new}, was in: {is_in}"),
                Err(RoomError::Gone) => hold!(Life, false, "{socket:?} is gone"),
                Err(_) => self.marks.reach(Mark::TooManyRooms),
            }
            if !is_in {
                Bounds::one_more("rooms of a socket", rooms, most, joined.is_ok());
            }
            if joined.is_ok() {
                self.ledger.reach.joined(place.1, stay, room);
            }
        }
    }

    fn answers(&mut self, socket: Socket, ticket: AckTicket, token: u64) {
        let how = match self.options.manners.answers {
            true => self.choices.weighted(&[4, 3, 1]),
            false => 0,
        };
        match how {
            0 => self.answer(socket, ticket, token),
            1 => {
                let wait = Duration::from_millis(self.choices.below(30) * 200);
                self.put_off(wait, Later::Answer(socket, ticket, token));
            }
            // There is no twice: a ticket is used up.
            _ => {}
        }
    }

    fn answer(&mut self, socket: Socket, ticket: AckTicket, token: u64) {
        let Some(Member { place, .. }) = self.application.sockets.get(&socket).cloned() else {
            return;
        };
        let packet = self
            .options
            .codec()
            .ack(NAMESPACES[place.1], ticket.id(), &(token, place));
        let packet = packet.expect("it can be written");
        let _ = self.server.respond(self.now, socket, ticket, packet);
        self.may_be_full(place);
    }

    fn is_leaving(&mut self, socket: Socket, reason: DisconnectReason) {
        self.note(54, || format!("server: {socket:?} is leaving: {reason}"));
        let stay = self.ledger.lives.leaving(socket);
        let place = self.application.sockets.get(&socket).map(|it| it.place);
        let there = self.ledger.reach.rooms(place.unwrap_or_default().1, stay);
        let rooms = self.server.rooms_of(socket);
        if reason == DisconnectReason::RecoveredElsewhere {
            hold!(Life, rooms.is_empty(), "rooms of who gave way: {rooms:?}");
            return;
        }
        hold!(
            Life,
            rooms.len() == there.len() && rooms.iter().all(|room| there.contains(room)),
            "rooms of who is leaving: {rooms:?}, and it was in {there:?}"
        );
    }

    fn has_left(&mut self, socket: Socket, reason: DisconnectReason) {
        self.ledger.lives.left(socket);
        let rooms = self.server.rooms_of(socket);
        hold!(Life, rooms.is_empty(), "rooms of who has left: {rooms:?}");
        if let Some(Member { stay, place }) = self.application.sockets.remove(&socket) {
            self.may_come_back(place.1, stay, reason.is_recoverable());
            self.ledger.reach.gone(place.1, stay);
            self.standings.left(socket.connection, NAMESPACES[place.1]);
            if reason == DisconnectReason::ClientNamespaceDisconnect {
                self.ledger.farewells.client_left(stay, &self.ledger.prefix);
            } else {
                self.ledger.farewells.over(stay);
            }
        }
    }

    /// The application does something by itself.
    pub(crate) fn server_acts(&mut self) {
        if self.stands_still() {
            return;
        }
        match self.choices.weighted(&[6, 3, 6, 2, 1]) {
            0 => self.tells(Flags::default()),
            1 => self.tells(VOLATILE),
            2 => self.broadcasts(),
            3 => {
                if let Some(socket) = self.any_socket() {
                    self.server_asks(socket);
                }
            }
            _ => {
                if let Some(socket) = self.any_socket() {
                    self.takes_out(socket);
                }
            }
        }
    }

    pub(crate) fn any_socket(&mut self) -> Option<Socket> {
        let at = self.choices.index(self.application.sockets.len());
        self.application.sockets.keys().nth(at).copied()
    }

    fn takes_out(&mut self, socket: Socket) {
        let Member { place, .. } = self.application.sockets[&socket].clone();
        let close = self.choices.one_in(3);
        self.note(58, || {
            format!("server: {place:?} is taken out, connection closed: {close}")
        });
        let stay = self.application.sockets[&socket].stay;
        if self.ledger.prefix.unseen(stay).is_some() {
            self.marks.reach(Mark::TakenOutBehindWords);
        }
        if close {
            self.meets(socket.connection, Input::Close);
            self.says_farewell(socket.connection, place.0);
        }
        self.server.disconnect(self.now, socket, close);
    }

    /// A connection is closed by the server: if nothing else is wrong with its client, that hears so in each of
    /// its namespaces.
    fn says_farewell(&mut self, connection: ConnectionKey, party: Party) {
        let wire = self.network.wire_of(connection);
        let reads = wire.is_none_or(|wire| !self.network.is_stalled(wire, Side::Server));
        let well = reads && self.ledger.blame.is_well(self.now, party);
        let cause = "the server closed it";
        self.ledger.blame.cause(self.now, party, cause);
        let by = self.now + CLOSE_TIMEOUT + self.slack();
        self.ledger.dead.gone(connection, by);
        if well && party < self.machines.len() {
            let its = self.application.sockets.iter();
            let its = its.filter(|(socket, _)| socket.connection == connection);
            let stays: Vec<_> = its.map(|(_, its)| its.stay).collect();
            let causes = self.ledger.blame.causes(party);
            self.ledger.farewells.is_due(stays, causes);
        }
    }

    /// A message of as many bytes as may be, or one that should not have come.
    fn is_not_too_much(&self, args: &packet::Args) {
        let around = r#"42["much",""]"#.len();
        let said: String = args.get(0).unwrap_or_default();
        let most = self.options.server.max_http_buffer_size;
        Bounds::at_most("bytes of a message", around + said.len(), most);
    }
}
