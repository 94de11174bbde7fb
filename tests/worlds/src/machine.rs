//! Clients that are the machine's: what they do, and what they are told.

use std::time::Duration;

use bytes::Bytes;
use sio_core::client::record::Taped;
use sio_core::client::{AckTicket, Auth, ConnectError, Connection, DisconnectReason, Event, Work};
use sio_core::deadline::Why;
use sio_core::engine::{Flags, Message, Sent};
use sio_core::id::RequestId;
use sio_core::packet::Args;
use sio_core::server::ConnectionKey;
use sio_core::socket::{AckError, SocketKey};
use sio_core::time::Instant;

use crate::failure::hold;
use crate::hosts::Sleep;
use crate::marks::Mark;
use crate::matrix::Input;
use crate::network::{Frame, Party, Side};
use crate::options::{self, Fault, PING_INTERVAL, PING_TIMEOUT};
use crate::properties::{Bounds, Farewells, Place, Whose};
use crate::tickets::{Ticket, dial};
use crate::world::{NAMESPACES, World};

pub(crate) struct Machine {
    pub(crate) client: Taped<u64>,
    /// Its sockets, one for each namespace.
    pub(crate) sockets: Vec<SocketKey>,
    /// Whether it speaks revision 4 of Socket.IO.
    pub(crate) old: bool,
    /// What came before the word that a socket is in.
    early: Vec<Vec<u64>>,
    pub(crate) closed: bool,
    /// Whether a namespace was refused to it on its connection.
    pub(crate) refused: bool,
    /// Sockets that ask for their namespaces no more on this connection.
    pub(crate) unasked: Vec<SocketKey>,
    /// Whether it dials no more by itself.
    pub(crate) gave_up: bool,
    /// It is suspended.
    pub(crate) asleep: Option<Sleep>,
    /// As much as its clock stood still.
    pub(crate) slept: Duration,
    /// The WebSocket by which a ping has come that it has not answered.
    pub(crate) owes: Option<usize>,
    /// Of each namespace the first place that it was told there since it came as a new one.
    pub(crate) first: Vec<Option<String>>,
}

impl Machine {
    pub(crate) fn new((number, party): (Party, &options::Party), recorded: bool) -> Self {
        let dial = dial(party);
        let seed = [u8::try_from(number).unwrap_or_default(); 16];
        let config = party.config.clone();
        let client = match recorded {
            true => Taped::recorded(Instant::ORIGIN, config, dial, seed, usize::MAX),
            false => Connection::new(config, dial, seed).map(Taped::from),
        };
        let mut client = client.expect("what is drawn is sound");
        let auth = if party.asks { Auth::Asked } else { Auth::None };
        let sockets = NAMESPACES.map(|name| {
            let socket = client.socket(name, auth.clone()).expect("there is room");
            client.ask_first(socket, party.asks);
            socket
        });
        Self {
            sockets: sockets.to_vec(),
            client,
            old: party.old,
            early: vec![Vec::new(); NAMESPACES.len()],
            closed: false,
            refused: false,
            unasked: Vec::new(),
            gave_up: false,
            asleep: None,
            slept: Duration::ZERO,
            owes: None,
            first: vec![None; NAMESPACES.len()],
        }
    }

    pub(crate) fn open_all(&mut self, now: Instant) {
        for socket in &self.sockets {
            self.client.open(now, *socket);
        }
    }

    fn is_nowhere(&self) -> bool {
        self.sockets.iter().all(|socket| !self.is_in(*socket))
    }

    /// Whether a socket is in its namespace.
    pub(crate) fn is_in(&self, socket: SocketKey) -> bool {
        let state = self.client.state(socket);
        state.is_some_and(|state| state.connected)
    }
}

/// What a server of revision 4 asks for a sign of life by, and what it is answered by.
pub(crate) const PING: &str = "2";
const PONG: &str = "3";

/// What is not sent where it would have to wait.
pub(crate) const VOLATILE: Flags = Flags {
    volatile: true,
    compress: false,
    latest: false,
    policy: None,
};

/// As long as a connection may live on whose client is gone: until a ping is missed, or what waits is given up.
pub(crate) const GONE: Duration = Duration::from_secs(25);

impl World {
    /// The server's connections and the machines' clients are recorded. Nothing has happened yet.
    pub(crate) fn record(&mut self) {
        self.logs.get_or_insert_default();
        self.server.record(Some(usize::MAX));
        let clients = self.options.clients.iter().enumerate();
        self.machines = clients.map(|party| Machine::new(party, true)).collect();
        for machine in &mut self.machines {
            machine.open_all(Instant::ORIGIN);
        }
    }

    /// What was recorded: of the server's connections that are over, and of all clients.
    pub(crate) fn take_logs(&mut self) -> Vec<Vec<u8>> {
        let clients = self.machines.iter_mut().map(|it| it.client.take_log());
        let mut logs: Vec<_> = clients.filter(|log| !log.is_empty()).collect();
        logs.extend(self.logs.take().into_iter().flatten());
        logs
    }

    /// A client does something.
    pub(crate) fn client_acts(&mut self) {
        let party = self.choices.index(self.machines.len());
        let at = self.choices.index(NAMESPACES.len());
        let place = (party, at);
        if self.is_asleep(party) {
            return;
        }
        let now = self.machines[party].clock(self.now);
        match self.choices.weighted(&[8, 4, 8, 2, 2, 2, 1, 1]) {
            0 => self.says(place, false),
            1 => self.says(place, true),
            2 => self.asks(place),
            3 => {
                let packet =
                    self.options
                        .codec_of(party)
                        .event(NAMESPACES[at], None, "volatile", &());
                let packet = packet.expect("it can be written");
                let socket = self.machines[party].sockets[at];
                let _ = self.machines[party]
                    .client
                    .emit(now, socket, packet, VOLATILE);
            }
            4 => self.leaves(place),
            5 => {
                let socket = self.machines[party].sockets[at];
                self.machines[party].client.open(now, socket);
            }
            6 => self.machines[party].client.reconnect_now(now),
            _ => self.machines[party].client.check(now),
        }
        self.touch(party);
    }

    /// An event that is numbered, perhaps with bytes.
    pub(crate) fn says(&mut self, place: Place, with_bytes: bool) {
        let (party, at) = place;
        let word = self.ledger.prefix.next_word(place);
        let namespace = NAMESPACES[at];
        let packet = match with_bytes {
            true => {
                let bytes = Bytes::from(word.to_be_bytes().to_vec());
                self.options.codec_of(party).event(
                    namespace,
                    None,
                    "word",
                    &(party, word, &bytes, &bytes),
                )
            }
            false => self
                .options
                .codec_of(party)
                .event(namespace, None, "word", &(party, word)),
        };
        let packet = packet.expect("it can be written");
        let socket = self.machines[party].sockets[at];
        let now = self.machines[party].clock(self.now);
        let client = &mut self.machines[party].client;
        let before = client.state(socket).map_or(0, |state| state.offline.0);
        let sent = client.emit(now, socket, packet, Flags::default());
        self.note(30 + word, || {
            format!("{party} says {word} in {namespace}: {sent:?}")
        });
        if sent == Sent::Queued {
            let state = self.machines[party].client.state(socket);
            let kept = state.map_or(0, |state| state.offline.0);
            let most = self.options.clients[party].config.max_offline_packets;
            // What comes back from a session that is over has its places already.
            if kept == before + 1 {
                Bounds::at_most("packets that a client keeps", kept, most);
            }
            self.ledger.prefix.said(place, word);
            if self.ledger.lives.stay_of(place).is_some() {
                self.ledger.farewells.says(place, word);
            } else {
                self.ledger.farewells.says_away(place, word);
            }
        }
    }

    pub(crate) fn asks(&mut self, place: Place) {
        let (party, at) = place;
        let token = self.number();
        let socket = self.machines[party].sockets[at];
        let now = self.machines[party].clock(self.now);
        let client = &mut self.machines[party].client;
        let Some(id) = client.draw_ack_id(socket) else {
            return;
        };
        let waiting = self.ledger.acks.waiting_of(place);
        let packet = self
            .options
            .codec_of(party)
            .event(NAMESPACES[at], Some(id), "ask", &(token,));
        let packet = packet.expect("it can be written");
        let wait = Duration::from_millis(500 + 100 * (token % 50));
        let flags = Flags::default();
        let asked = client.request(now, socket, id, packet, flags, token, Some(wait));
        let taken = !matches!(asked, Err((AckError::TooMany, _)));
        let most = self.options.clients[party].config.max_pending_acks;
        // Where several things happen before anybody looks, some may have ended and not been told.
        if !self.options.has(Fault::Together) {
            Bounds::one_more("acks of a client", waiting, most, taken);
        }
        self.note(31 + token, || format!("{party} asks {token}: {asked:?}"));
        if asked.is_ok() {
            let by = self.now + wait + self.slack();
            self.ledger.acks.asked(token, Whose::Client(place), by);
        }
    }

    fn leaves(&mut self, place: Place) {
        let (party, at) = place;
        let machine = &mut self.machines[party];
        let socket = machine.sockets[at];
        if let Some(state) = machine.client.state(socket)
            && state.connected
            && state.offline == (0, 0)
            && let Some(stay) = self.ledger.lives.stay_of(place)
        {
            self.ledger.farewells.client_leaves(stay, place);
        }
        machine.client.leave(machine.clock(self.now), socket);
        if self.machines[party].is_nowhere() {
            self.ledger
                .blame
                .cause(self.now, party, "it wants nothing any more");
        }
        self.note(32, || format!("{party} leaves {}", NAMESPACES[at]));
    }

    /// A client that wants to be nowhere closes its connection, and may be on its way to another by now.
    fn may_be_lonely(&mut self, party: Party) {
        if self.machines[party].is_nowhere() {
            let cause = "it wants nothing any more";
            self.ledger.blame.cause(self.now, party, cause);
        }
    }

    /// Carries out what a client wants.
    pub(crate) fn drain_client(&mut self, party: Party) {
        if self.is_asleep(party) {
            return;
        }
        while let Some(event) = self.machines[party].client.poll_event() {
            self.client_hears(party, event);
        }
        while let Some(work) = self.machines[party].client.poll_work() {
            self.work(party, work);
        }
        for wire in self.network.of(party) {
            let id = self.network.wire(wire).id;
            if !self.network.wire(wire).open || self.network.is_stalled(wire, Side::Client) {
                continue;
            }
            while let Some(out) = self.machines[party].client.poll_ws(id) {
                let frame = Frame::from(out);
                if matches!(&frame, Frame::Message(Message::Text(text)) if &**text == PONG) {
                    self.machines[party].owes = None;
                }
                self.network.say(wire, Side::Client, frame);
            }
            // Whatever waits to be said, a ping is answered.
            let owes = self.machines[party].owes.take_if(|its| *its == wire);
            let ends = || {
                let network = &self.network;
                network.is_cut(wire, Side::Client) || network.is_ending(wire, Side::Client)
            };
            hold!(
                Answer,
                owes.is_none() || ends(),
                "{party} does not answer a ping"
            );
            if !self.network.is_flushed(wire, Side::Client) {
                self.flush(wire, Side::Client);
            }
        }
        while let Some(event) = self.machines[party].client.poll_event() {
            self.client_hears(party, event);
        }
    }

    fn work(&mut self, party: Party, work: Work) {
        match work {
            Work::Request { .. } | Work::OpenWebSocket { .. } => self.calls(party, work),
            Work::Abort(id) => {
                self.network.unwanted(party, id);
                if let Some(wire) = self.network.wire_by_id(party, id) {
                    self.cut(wire, true, true);
                }
                for served in self.network.aborted(party, id) {
                    self.ledger
                        .blame
                        .cause(self.now, party, "it dropped a request");
                    self.aborts(served);
                }
            }
            other => hold!(Total, false, "new work: {other:?}"),
        }
    }

    /// A client drops a request, and a session whose GET that is.
    pub(crate) fn aborts(&mut self, served: RequestId) {
        let polled = self.network.polled_by(served);
        if let Some(connection) = polled {
            self.meets(connection, Input::Aborted);
        }
        // What was sent before it is an answer that comes too late.
        let quiet = |connection: &ConnectionKey| {
            let session = self.server.connection(*connection).map(|it| it.session());
            session.is_some_and(|it| it.backlog_packets() == 0)
        };
        let session = polled.filter(quiet);
        self.note(33, || format!("{served:?} of {session:?} is dropped"));
        self.server.handle_aborted(self.now, served);
        // Where several things happen at once, the answer may be there and not be seen yet.
        let one_by_one = !self.options.has(Fault::Together) && !self.options.has(Fault::Jump);
        if let Some(connection) = session
            && one_by_one
            && !self.is_excused()
            && !self.stands_still()
        {
            self.ledger.dead.at_once(connection, self.now);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an enum that others may add to"
    )]
    fn client_hears(&mut self, party: Party, event: Event<u64>) {
        let machine = &self.machines[party];
        let at = |socket| machine.sockets.iter().position(|it| *it == socket);
        match event {
            Event::Connected {
                socket,
                id,
                recovered,
            } => {
                let place = (party, at(socket).unwrap_or_default());
                let stay = self.application.stay_by_id(id.as_str());
                self.note(40, || format!("{place:?} is in: stay {stay:?}"));
                self.ledger.recoveries.is_in(stay, recovered);
                self.ledger.lives.inside(place, stay);
                self.ledger.farewells.anew(place);
                if !recovered {
                    self.machines[party].first[place.1] = None;
                }
                for token in std::mem::take(&mut self.machines[party].early[place.1]) {
                    self.client_sees(place, token);
                }
            }
            Event::Disconnected { socket, reason, .. } => {
                let place = (party, at(socket).unwrap_or_default());
                self.note(41, || format!("{place:?} is out: {reason}"));
                self.client_is_out(place, reason);
            }
            Event::Message {
                socket,
                name,
                args,
                ack,
            } => {
                self.events += 1;
                let place = (party, at(socket).unwrap_or_default());
                self.client_is_told(place, &name, &args, ack);
            }
            Event::Acked { token, answer, .. } => {
                let answer = answer
                    .ok()
                    .and_then(|args| args.decode::<(u64, Place)>().ok());
                self.note(42 + token, || {
                    format!("{party}: {token} is answered: {answer:?}")
                });
                self.ledger.acks.ended(token, answer);
            }
            Event::Closed => self.machines[party].closed = true,
            Event::Malformed(fault) => {
                hold!(Prefix, false, "{party} was sent what is none: {fault}");
            }
            Event::Failed { error, .. } => {
                self.note(43, || format!("{party} cannot connect: {error}"));
                self.ledger.blame.lost(self.now, party, &error.to_string());
                self.is_gone(party);
            }
            Event::Waiting { .. } => self.is_gone(party),
            Event::UpgradeFailed(error) => {
                self.note(44, || format!("{party} cannot upgrade: {error}"));
                self.ledger.blame.lost(self.now, party, &error.to_string());
            }
            Event::ConnectError { socket, error, .. } => {
                let place = (party, at(socket).unwrap_or_default());
                self.note(45, || format!("{place:?} is refused: {error}"));
                let machine = &mut self.machines[party];
                machine.refused = true;
                if error == ConnectError::Timeout {
                    machine.unasked.push(socket);
                }
                self.may_be_lonely(party);
            }
            Event::Opened { .. } => self.pings_in_time(party),
            Event::DialWanted { ticket, .. } => self.is_asked(party, Ticket::Dial(ticket)),
            Event::AuthWanted { ticket } => self.is_asked(party, Ticket::Auth(ticket)),
            Event::Entering { ticket, .. } => self.is_asked(party, Ticket::Entry(ticket)),
            Event::GaveUp => self.machines[party].gave_up = true,
            _ => {}
        }
    }

    /// A client of revision 3 that is in pings in time, whatever it was held up by before.
    fn pings_in_time(&self, party: Party) {
        let machine = &self.machines[party];
        let due = machine.deadline();
        hold!(
            Pace,
            due.is_none_or(|due| due.why != Why::Ping || due.at <= self.now + PING_INTERVAL),
            "{party} is in at {:?}, and pings: {due:?}",
            self.now
        );
    }

    fn client_is_out(&mut self, place: Place, reason: DisconnectReason) {
        let (party, at) = place;
        let stay = self.ledger.lives.outside(place);
        self.ledger.farewells.anew(place);
        self.machines[party].early[at].clear();
        let told = reason == DisconnectReason::ServerDisconnect;
        let causes = self.ledger.blame.causes(party);
        let left = reason == DisconnectReason::ClientDisconnect;
        if let Some(stay) = stay
            && self
                .ledger
                .farewells
                .is_out(stay, told || left, &reason.to_string(), causes)
        {
            self.marks.reach(Mark::EndAwaited);
        }
        self.may_be_lonely(party);
        match (reason, stay) {
            (DisconnectReason::ServerDisconnect, Some(stay)) => {
                let late = self.comes_late(place);
                Farewells::server_left(stay, &self.ledger.prefix, late);
            }
            (DisconnectReason::Connection(reason), _) => {
                self.ledger.blame.lost(self.now, party, reason.as_str());
                self.is_gone(party);
            }
            _ => {}
        }
    }

    /// A client's session is over: what the server has of it ends in time.
    pub(crate) fn is_gone(&mut self, party: Party) {
        let connections: Vec<_> = self.ledger.blame.connections().collect();
        for (connection, _) in connections.into_iter().filter(|it| it.1 == party) {
            self.ledger.dead.gone(connection, self.now + GONE);
        }
        self.ledger
            .blame
            .cause(self.now, party, "its client is gone");
    }

    fn client_is_told(&mut self, place: Place, name: &str, args: &Args, ack: Option<AckTicket>) {
        let (party, at) = place;
        let token: Option<u64> = args.get(0).ok();
        let right = |one: &Bytes, two: &Bytes| {
            one == two && Some(&**two) == token.map(u64::to_be_bytes).as_ref().map(|it| &it[..])
        };
        let whole = match args.len() {
            1 => true,
            // One that may be missed has its place in what was said behind it.
            2 => args.get::<String>(1).is_ok(),
            3 => args
                .decode()
                .is_ok_and(|(_, one, two): (u64, Bytes, Bytes)| right(&one, &two)),
            _ => args
                .decode()
                .is_ok_and(|(_, one, two, _): (u64, Bytes, Bytes, String)| right(&one, &two)),
        };
        let placed = name == "told" && self.terms().is_some();
        let whole = whole && (placed || args.len() % 2 == 1);
        hold!(
            Prefix,
            whole && token.is_some(),
            "{name} is not whole: {args:?}"
        );
        let token = token.unwrap_or_default();
        if placed {
            let its = &mut self.machines[party].first[at];
            *its = its.take().or_else(|| args.get(args.len() - 1).ok());
        }
        self.note(46 + token, || format!("{place:?} is told {token}"));
        match self.ledger.lives.stay_of(place) {
            Some(_) => self.client_sees(place, token),
            None => self.machines[party].early[at].push(token),
        }
        if let Some(ack) = ack {
            self.client_answers(place, token, &ack);
        }
    }

    /// Who speaks revision 4 is in the main one before it wants to be.
    fn comes_late(&self, (party, at): Place) -> bool {
        at == 0 && self.machines[party].old
    }

    fn client_sees(&mut self, place: Place, token: u64) {
        if let Some(stay) = self.ledger.lives.stay_of(place) {
            let late = self.comes_late(place);
            self.ledger.prefix.seen(stay, token, late);
        }
    }

    fn client_answers(&mut self, place: Place, token: u64, ack: &AckTicket) {
        let (party, at) = place;
        let times = match self.options.manners.answers {
            true => [1, 0, 2][self.choices.index(3)],
            false => 1,
        };
        for _ in 0..times {
            let packet =
                self.options
                    .codec_of(party)
                    .ack(NAMESPACES[at], ack.id(), &(token, place));
            let packet = packet.expect("it can be written");
            let machine = &mut self.machines[party];
            let now = machine.clock(self.now);
            let _ = machine.client.respond(now, ack, packet);
        }
        self.touch(party);
    }

    /// The bound by which both sides agree, from when nothing goes wrong any more.
    pub(crate) const fn healing() -> Duration {
        // A ping is missed, then a client waits for at most two seconds and a half, and dials.
        PING_INTERVAL
            .saturating_add(PING_TIMEOUT)
            .saturating_add(Duration::from_secs(8))
    }
}
