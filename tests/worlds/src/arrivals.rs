//! What arrives: at the server, at a machine, or at a client by hand.

use std::time::Duration;

use http::Response;
use sio_core::client::Failure;
use sio_core::engine::{Message, WsClosed};
use sio_core::id::{RequestId, Sid};
use sio_core::server::bytes::Bytes;
use sio_core::server::{ConnectionKey, Upgraded};

use crate::machine::{GONE, PING};
use crate::marks::Mark;
use crate::matrix::Input;
use crate::network::{Delivery, Frame, Party, Side, asking, local};
use crate::options::Fault;
use crate::properties::Bounds;
use crate::world::World;

impl World {
    /// For whom it is at the server.
    const fn is_for_server(delivery: &Delivery) -> bool {
        matches!(
            delivery,
            Delivery::Request { .. }
                | Delivery::Upgrade { .. }
                | Delivery::Frame {
                    to: Side::Server,
                    ..
                }
                | Delivery::Lost {
                    to: Side::Server,
                    ..
                }
                | Delivery::Reads {
                    side: Side::Server,
                    ..
                }
                | Delivery::Trickles { .. }
                | Delivery::Later(_)
        )
    }

    /// What comes to the server at the same time may come before it looks.
    pub(crate) fn more_arrives(&mut self) {
        let now = self.now;
        while self.options.has(Fault::Together)
            && self.network.next_is(now, Self::is_for_server)
            && self.choices.one_in(2)
            && let Some(delivery) = self.network.arrived(now)
        {
            self.deliver(delivery);
        }
    }

    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        if self.stands_still() && Self::is_for_server(&delivery) {
            return self.lies_there.push(delivery);
        }
        let Some(delivery) = self.lies_there(delivery) else {
            return;
        };
        self.steps += 1;
        match delivery {
            Delivery::Request { from, id, request } => {
                let (head, body) = request.into_parts();
                let request = http::Request::from_parts(local(head), body);
                self.note(3 + id.0, || {
                    let at = request.uri();
                    format!(
                        "{from} -> server: {} {at} {:?}",
                        request.method(),
                        request.body()
                    )
                });
                let get = request.method() == http::Method::GET;
                let its = sid_of(request.uri()).and_then(|sid| self.server.connection_of(sid));
                if let Some(connection) = its {
                    self.meets(connection, if get { Input::Get } else { Input::Post });
                    self.meet_body(connection, request.body());
                }
                let served = self.network.served(self.now, from, id, get, its);
                let may_open = get && its.is_none() && self.options.knocks;
                let random = self.random();
                if may_open {
                    self.knocks.asks(served, from, id, random);
                }
                self.server
                    .handle_request(self.now, served, request, random);
                self.has_opened(from, id, random);
                self.network.is_for(
                    served,
                    self.server.connection_of(Sid::from_random(random).as_str()),
                );
            }
            Delivery::Response { to, id, response } => self.response(to, id, response),
            Delivery::Upgrade { from, id, request } => {
                let head = asking(local(request.into_parts().0));
                self.note(4 + id.0, || format!("{from} -> server: {}", head.uri));
                let its = sid_of(&head.uri).and_then(|sid| self.server.connection_of(sid));
                if let Some(connection) = its {
                    self.meets(connection, Input::Upgrade);
                }
                let random = self.random();
                let granted = match self.server.handle_upgrade(self.now, &head, random) {
                    Upgraded::Attached { connection, .. } => {
                        let others = self.network.held_of(connection);
                        Bounds::at_most("WebSockets beside one", others, 0);
                        Some(connection)
                    }
                    Upgraded::Unwanted { connection, .. } => {
                        self.marks.reach(Mark::SecondCandidate);
                        self.server.handle_ws_gone(connection);
                        None
                    }
                    Upgraded::Waits(handshake) => {
                        return self.knocks.waits(handshake, from, id, random);
                    }
                    Upgraded::Refused(_) => None,
                };
                self.has_opened(from, id, random);
                self.grants(from, id, granted);
            }
            Delivery::Upgraded { to, id, wire } => self.upgraded(to, id, wire),
            Delivery::Frame { wire, to, frame } => self.frame(wire, to, frame),
            Delivery::Lost { wire, to } => self.ends(wire, to, WsClosed::Lost),
            Delivery::NotFound { to, id, websocket } => self.not_found(to, id, websocket),
            Delivery::Answers { to, ticket } => self.answers_ticket(to, ticket),
            Delivery::Reads { wire, side } => {
                self.network.stall(wire, side, None);
                self.flush(wire, side);
                // The key of a server that is dead may be another connection's by now.
                if side == Side::Server && !self.network.is_gone(wire, side) {
                    self.pull(self.network.wire(wire).connection);
                }
            }
            Delivery::Trickles { wire } => self.trickles(wire),
            Delivery::Later(number) => self.later(number),
            Delivery::Polls(party) => self.hand_polls_late(party),
            Delivery::Wakes(party) => self.hand_wakes(party),
        }
    }

    /// A request for a WebSocket has its answer.
    pub(crate) fn grants(&mut self, to: Party, id: RequestId, granted: Option<ConnectionKey>) {
        let at = self.now + self.delay();
        let wire = granted.map(|connection| self.network.open(at, to, id, connection));
        if let Some(wire) = wire
            && !self.speaks_by(wire)
        {
            self.readers.opened(wire, self.now);
            self.may_be_slow(wire);
        }
        self.network.push(at, Delivery::Upgraded { to, id, wire });
    }

    /// Whether a request with these random bytes has opened a session, and then whose that is.
    pub(crate) fn has_opened(&mut self, party: Party, id: RequestId, random: [u8; 15]) {
        let sid = Sid::from_random(random);
        if let Some(connection) = self.server.connection_of(sid.as_str()) {
            let only = party >= self.machines.len();
            self.ledger.blame.opened(connection, party, only);
            self.ledger.secrets.opened(sid.as_str(), party);
            self.sessions_are_bounded();
            if self.is_asleep(party) {
                self.ledger
                    .blame
                    .cause_one(connection, "its client is suspended");
            }
            let here = party < self.machines.len() || self.hands.contains_key(&party);
            if !here || !self.network.is_wanted(party, id) {
                self.ledger
                    .blame
                    .cause_one(connection, "nobody waits for it");
                self.ledger.dead.gone(connection, self.now + GONE);
            }
        }
    }

    /// Somebody was let in: there was room.
    fn sessions_are_bounded(&self) {
        let all = self.ledger.blame.connections();
        let all = all.filter_map(|(connection, _)| self.server.connection(connection));
        let pending = all.filter(|it| it.is_pending()).count();
        let config = &self.options.server;
        Bounds::at_most("pending sessions", pending, config.max_pending_sessions);
        let most = config.max_sessions.unwrap_or(usize::MAX);
        Bounds::at_most("sessions", self.server.connections(), most);
    }

    fn response(&mut self, to: Party, id: RequestId, response: Result<Response<Bytes>, Failure>) {
        if !self.network.unwanted(to, id) {
            return;
        }
        self.note(5 + id.0, || match &response {
            Ok(response) => {
                let status = response.status();
                format!("server -> {to}: {status} {:?}", response.body())
            }
            Err(failure) => format!("server -> {to}: {failure}"),
        });
        if response.as_ref().is_ok_and(|it| it.status() == 503) {
            self.ledger.blame.cause(self.now, to, "turned away");
            self.marks.reach(Mark::TurnedAway);
        }
        if to >= self.machines.len() {
            return self.hand_response(to, id, response);
        }
        let wall = Some(Duration::from_secs(1));
        let machine = &mut self.machines[to];
        let now = machine.clock(self.now);
        machine.client.handle_response(now, id, response, wall);
        self.touch(to);
    }

    fn upgraded(&mut self, to: Party, id: RequestId, wire: Option<usize>) {
        let wanted = self.network.unwanted(to, id);
        match wire {
            Some(wire) if wanted => {
                self.note(6 + id.0, || format!("server -> {to}: a WebSocket"));
                self.network.is_open(wire);
                if to >= self.machines.len() {
                    return self.hand_upgraded(to, id, Some(wire));
                }
                let machine = &mut self.machines[to];
                let now = machine.clock(self.now);
                machine.client.handle_ws_open(now, id, Ok(()));
                self.touch(to);
            }
            Some(wire) => self.cut(wire, true, true),
            None if wanted => {
                self.note(7 + id.0, || format!("server -> {to}: no WebSocket"));
                self.ledger.blame.cause(self.now, to, "turned away");
                if to >= self.machines.len() {
                    return self.hand_upgraded(to, id, None);
                }
                let failure = Err(Failure::WebSocket);
                let machine = &mut self.machines[to];
                let now = machine.clock(self.now);
                machine.client.handle_ws_open(now, id, failure);
                self.touch(to);
            }
            None => {}
        }
    }

    fn frame(&mut self, wire: usize, to: Side, frame: Frame) {
        if self.network.is_gone(wire, to) {
            return;
        }
        let (party, id) = (self.network.wire(wire).party, self.network.wire(wire).id);
        let connection = self.network.wire(wire).connection;
        self.note(8 + id.0, || match to {
            Side::Server => format!("{party} -> server: {frame:?}"),
            Side::Client => format!("server -> {party}: {frame:?}"),
        });
        match (frame, to) {
            (Frame::Message(message), Side::Server) => {
                self.meet_frame(connection, &message);
                self.may_probe(connection, &message);
                self.may_move_behind_words(wire, &message);
                self.server.handle_ws(self.now, connection, message);
            }
            (Frame::Message(message), Side::Client) if party >= self.machines.len() => {
                self.hand_frame(party, wire, message);
            }
            (Frame::Message(message), Side::Client) => {
                let machine = &mut self.machines[party];
                if !machine.old && matches!(&message, Message::Text(text) if &**text == PING) {
                    machine.owes = Some(wire);
                }
                let now = machine.clock(self.now);
                machine.client.handle_ws(now, id, message);
                self.touch(party);
            }
            (Frame::Ping, _) => {
                self.network.say(wire, to, Frame::Pong);
                self.flush(wire, to);
            }
            (Frame::Pong, Side::Client) if party < self.machines.len() => {
                let machine = &mut self.machines[party];
                let now = machine.clock(self.now);
                machine.client.handle_ws_pong(now, id);
                self.touch(party);
            }
            (Frame::Pong, _) => {}
            (Frame::Close, _) => self.ends(wire, to, WsClosed::Closed),
        }
    }

    /// An end of a WebSocket hears that it is over.
    fn ends(&mut self, wire: usize, to: Side, how: WsClosed) {
        if self.network.is_gone(wire, to) {
            return;
        }
        let speaks = to == Side::Server && self.speaks_by(wire);
        // It has said goodbye by then, and another may have taken its place.
        let said = self.network.is_ending(wire, to);
        if to == Side::Server {
            self.meets(self.network.wire(wire).connection, Input::Lost);
        }
        self.network.is_over(wire, to);
        let (party, id) = (self.network.wire(wire).party, self.network.wire(wire).id);
        let connection = self.network.wire(wire).connection;
        self.note(9 + id.0, || format!("{to:?} of {party}: {how:?}"));
        // Who hears that the other has closed it closes the stream.
        let let_go = to == Side::Server
            || (how == WsClosed::Closed && !self.network.is_gone(wire, Side::Server));
        match to {
            Side::Server => {
                if !said {
                    self.server.handle_ws_closed(self.now, connection, how);
                }
                if speaks {
                    self.ledger.dead.at_once(connection, self.now);
                }
            }
            Side::Client if party >= self.machines.len() => self.hand_loses(party, wire),
            Side::Client => {
                let machine = &mut self.machines[party];
                let now = machine.clock(self.now);
                machine.client.handle_ws_closed(now, id, how);
                self.touch(party);
            }
        }
        if let_go && let Some(connection) = self.network.let_go(wire) {
            self.server.handle_ws_gone(connection);
        }
    }
}

/// The id of a session in a request.
fn sid_of(uri: &http::Uri) -> Option<&str> {
    let mut fields = uri.query()?.split('&');
    fields.find_map(|field| field.strip_prefix("sid="))
}
