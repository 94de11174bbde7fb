//! What is on its way: requests that may overtake each other, WebSockets that keep their order, and ends that
//! hear of a cut each for itself.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use bytestring::ByteString;
use http::header::{CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use sio_core::client::{self, Failure};
use sio_core::engine::{self, Message};
use sio_core::id::RequestId;
use sio_core::packet::Part;
use sio_core::server::ConnectionKey;
use sio_core::time::Instant;

use crate::tickets::Ticket;

/// One who takes part, from 0 on.
pub(crate) type Party = usize;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Something that arrives, or is due.
#[derive(Debug)]
pub(crate) enum Delivery {
    Request {
        from: Party,
        id: RequestId,
        request: Request<Bytes>,
    },
    Response {
        to: Party,
        id: RequestId,
        response: Result<Response<Bytes>, Failure>,
    },
    Upgrade {
        from: Party,
        id: RequestId,
        request: Request<()>,
    },
    /// `None`: it is refused.
    Upgraded {
        to: Party,
        id: RequestId,
        wire: Option<usize>,
    },
    Frame {
        wire: usize,
        to: Side,
        frame: Frame,
    },
    Lost {
        wire: usize,
        to: Side,
    },
    /// A name was looked up in vain, for a request or for a WebSocket.
    NotFound {
        to: Party,
        id: RequestId,
        websocket: bool,
    },
    /// An application answers what its client has asked.
    Answers {
        to: Party,
        ticket: Ticket,
    },
    /// Somebody reads again.
    Reads {
        wire: usize,
        side: Side,
    },
    /// The application does what it has put off.
    Later(u64),
    /// Somebody reads a little.
    Trickles {
        wire: usize,
    },
    /// A client by hand asks for more.
    Polls(Party),
    /// A client by hand has something to do.
    Wakes(Party),
}

/// What passes a WebSocket as one.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Message(Message),
    Ping,
    Pong,
    Close,
}

fn message(head: &[u8], part: Part) -> Frame {
    let text = |bytes| ByteString::try_from(bytes).expect("what is written as text is text");
    Frame::Message(match (head, part) {
        ([], Part::Text(bytes)) => Message::Text(text(bytes)),
        ([], Part::Binary(bytes)) => Message::Binary(bytes),
        (head, Part::Text(bytes)) => Message::Text(text([head, &bytes].concat().into())),
        (head, Part::Binary(bytes)) => Message::Binary([head, &bytes].concat().into()),
    })
}

impl From<client::WsOut> for Frame {
    fn from(out: client::WsOut) -> Self {
        match out {
            client::WsOut::Frame { head, part, .. } => message(head, part),
            client::WsOut::Ping => Self::Ping,
            client::WsOut::Close(_) => Self::Close,
        }
    }
}

impl From<engine::WsOut> for Frame {
    fn from(out: engine::WsOut) -> Self {
        match out {
            engine::WsOut::Frame { head, part, .. } => message(head, part),
            engine::WsOut::Close(_) => Self::Close,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) party: Party,
    pub(crate) id: RequestId,
    pub(crate) connection: ConnectionKey,
    ends: [End; 2],
    pub(crate) open: bool,
    /// The server's end of it has been let go of.
    let_go: bool,
}

#[derive(Debug, Default)]
struct End {
    /// What it has said and nobody has taken.
    out: VecDeque<Frame>,
    /// When the last of what comes to it arrives.
    last: Option<Instant>,
    /// Nothing of what it says is taken, and so many frames have room where it says them.
    stalled: Option<usize>,
    /// Nothing more comes to it.
    cut: bool,
    /// It has said or heard that it is over.
    gone: bool,
}

/// How much of what an end has to say was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Nothing,
    Some,
    All,
}

/// A request at the server.
#[derive(Debug)]
struct Asked {
    party: Party,
    id: RequestId,
    since: Instant,
    get: bool,
    /// Whose session it is for, if it is for one.
    connection: Option<ConnectionKey>,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    on_its_way: BTreeMap<(Instant, u64), Delivery>,
    drawn: u64,
    wires: Vec<Wire>,
    /// Those of which an end is there.
    live: Vec<usize>,
    /// Requests at the server, by the number that it knows them by, with when they came.
    at_server: BTreeMap<RequestId, Asked>,
    /// What clients still wait for.
    wanted: BTreeSet<(Party, RequestId)>,
}

impl Network {
    pub(crate) fn push(&mut self, at: Instant, delivery: Delivery) {
        self.drawn += 1;
        self.on_its_way.insert((at, self.drawn), delivery);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.on_its_way.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether the next thing has arrived by `now`, and is such a one.
    pub(crate) fn next_is(&self, now: Instant, such: impl Fn(&Delivery) -> bool) -> bool {
        let next = self.on_its_way.first_key_value();
        next.is_some_and(|((at, _), delivery)| *at <= now && such(delivery))
    }

    pub(crate) fn arrived(&mut self, now: Instant) -> Option<Delivery> {
        let first = self.on_its_way.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// A client waits for what has not left.
    pub(crate) fn wants(&mut self, party: Party, id: RequestId) {
        self.wanted.insert((party, id));
    }

    pub(crate) fn request(
        &mut self,
        at: Instant,
        from: Party,
        id: RequestId,
        request: Request<Bytes>,
    ) {
        self.wanted.insert((from, id));
        self.push(at, Delivery::Request { from, id, request });
    }

    pub(crate) fn upgrade(
        &mut self,
        at: Instant,
        from: Party,
        id: RequestId,
        request: Request<()>,
    ) {
        self.wanted.insert((from, id));
        self.push(at, Delivery::Upgrade { from, id, request });
    }

    /// The number by which the server knows a request.
    pub(crate) fn served(
        &mut self,
        since: Instant,
        party: Party,
        id: RequestId,
        get: bool,
        connection: Option<ConnectionKey>,
    ) -> RequestId {
        self.drawn += 1;
        let served = RequestId(self.drawn);
        let asked = Asked {
            party,
            id,
            since,
            get,
            connection,
        };
        self.at_server.insert(served, asked);
        served
    }

    /// A request has opened a session, and waits for that.
    pub(crate) fn is_for(&mut self, served: RequestId, opened: Option<ConnectionKey>) {
        if let Some(asked) = self.at_server.get_mut(&served) {
            asked.connection = asked.connection.or(opened);
        }
    }

    /// The server has answered: whom. `None`: nobody has asked.
    pub(crate) fn answered(&mut self, served: RequestId) -> Option<(Party, RequestId)> {
        let asked = self.at_server.remove(&served)?;
        Some((asked.party, asked.id))
    }

    /// Since when the request is at the server that is there for the longest.
    pub(crate) fn oldest(&self) -> Option<(Party, Instant)> {
        let (_, asked) = self.at_server.first_key_value()?;
        Some((asked.party, asked.since))
    }

    /// Since when a GET of a session waits at the server.
    pub(crate) fn polls_since(&self, connection: ConnectionKey) -> Option<Instant> {
        let mut all = self.at_server.values();
        let poll = all.find(|it| it.get && it.connection == Some(connection));
        poll.map(|it| it.since)
    }

    /// The session that waits for an answer to this request, if it is a GET of one.
    pub(crate) fn polled_by(&self, served: RequestId) -> Option<ConnectionKey> {
        self.at_server.get(&served).filter(|it| it.get)?.connection
    }

    /// The requests of a client that are at the server.
    pub(crate) fn all_of(&self, party: Party) -> Vec<RequestId> {
        let all = self.at_server.iter().filter(|(_, it)| it.party == party);
        all.map(|(served, _)| *served).collect()
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.at_server.len()
    }

    pub(crate) fn is_wanted(&self, party: Party, id: RequestId) -> bool {
        self.wanted.contains(&(party, id))
    }

    /// A client waits for this no more, or has it. Whether it did.
    pub(crate) fn unwanted(&mut self, party: Party, id: RequestId) -> bool {
        self.wanted.remove(&(party, id))
    }

    pub(crate) fn wire_by_id(&self, party: Party, id: RequestId) -> Option<usize> {
        let mut live = self.live.iter().copied();
        live.find(|wire| (self.wires[*wire].party, self.wires[*wire].id) == (party, id))
    }

    /// The requests at the server that a client has dropped.
    pub(crate) fn aborted(&mut self, party: Party, id: RequestId) -> Vec<RequestId> {
        let all = self.at_server.iter();
        let its = all.filter(|(_, it)| (it.party, it.id) == (party, id));
        its.map(|(served, _)| *served).collect()
    }

    /// A WebSocket was granted, which the client hears at `at`, before anything that is said on it.
    pub(crate) fn open(
        &mut self,
        at: Instant,
        party: Party,
        id: RequestId,
        connection: ConnectionKey,
    ) -> usize {
        let client = End {
            last: Some(at),
            ..End::default()
        };
        self.wires.push(Wire {
            party,
            id,
            connection,
            ends: [client, End::default()],
            open: false,
            let_go: false,
        });
        self.live.push(self.wires.len() - 1);
        self.wires.len() - 1
    }

    /// The server's end is let go of: whose it was, the first time.
    pub(crate) fn let_go(&mut self, wire: usize) -> Option<ConnectionKey> {
        let wire = &mut self.wires[wire];
        let first = !std::mem::replace(&mut wire.let_go, true);
        first.then_some(wire.connection)
    }

    pub(crate) fn is_open(&mut self, wire: usize) {
        self.wires[wire].open = true;
    }

    pub(crate) fn wire(&self, wire: usize) -> &Wire {
        &self.wires[wire]
    }

    /// WebSockets of which an end is there.
    pub(crate) fn live(&mut self) -> &[usize] {
        let wires = &self.wires;
        self.live
            .retain(|wire| wires[*wire].ends.iter().any(|end| !end.gone));
        &self.live
    }

    /// The live WebSockets of a client.
    pub(crate) fn of(&self, party: Party) -> Vec<usize> {
        let live = self.live.iter().copied();
        live.filter(|wire| self.wires[*wire].party == party && !self.end(*wire, Side::Client).gone)
            .collect()
    }

    /// The last WebSocket of a connection: one that was sent away may say goodbye when another is there.
    pub(crate) fn wire_of(&self, connection: ConnectionKey) -> Option<usize> {
        let mut live = self.live.iter().rev().copied();
        live.find(|wire| {
            self.wires[*wire].connection == connection && !self.end(*wire, Side::Server).gone
        })
    }

    /// WebSockets that the server has neither closed nor lost.
    pub(crate) fn held_by_server(&self) -> usize {
        let held = |wire: &&Wire| !wire.ends[1].gone;
        self.wires.iter().filter(held).count()
    }

    fn end(&self, wire: usize, side: Side) -> &End {
        &self.wires[wire].ends[usize::from(side == Side::Server)]
    }

    fn end_mut(&mut self, wire: usize, side: Side) -> &mut End {
        &mut self.wires[wire].ends[usize::from(side == Side::Server)]
    }

    pub(crate) fn is_gone(&self, wire: usize, side: Side) -> bool {
        self.end(wire, side).gone
    }

    /// Whether an end hears nothing of what the other says from here on.
    pub(crate) fn is_cut(&self, wire: usize, side: Side) -> bool {
        let end = self.end(wire, side);
        end.cut || end.gone
    }

    pub(crate) fn is_stalled(&self, wire: usize, side: Side) -> bool {
        self.end(wire, side).stalled.is_some()
    }

    /// Whether an end has no room for anything more to say.
    pub(crate) fn is_full(&self, wire: usize, side: Side) -> bool {
        let end = self.end(wire, side);
        end.stalled
            .is_some_and(|room| !self.is_flushed(wire, side) && end.out.len() >= room)
    }

    /// Whether an end has said or heard that it is over.
    pub(crate) fn is_ending(&self, wire: usize, side: Side) -> bool {
        let end = self.end(wire, side);
        end.gone || end.out.iter().any(|it| matches!(it, Frame::Close))
    }

    /// The WebSockets of a connection that its server has neither closed nor lost.
    pub(crate) fn held_of(&self, connection: ConnectionKey) -> usize {
        let its = self.live.iter().copied();
        its.filter(|wire| self.wires[*wire].connection == connection)
            .filter(|wire| !self.is_ending(*wire, Side::Server))
            .count()
    }

    /// Whether all that a machine has said at an end was taken. Pongs are the WebSocket's own, and answers to
    /// probes are no packets of a session.
    pub(crate) fn is_flushed(&self, wire: usize, side: Side) -> bool {
        let mut out = self.end(wire, side).out.iter();
        out.all(|frame| match frame {
            Frame::Pong => true,
            Frame::Message(Message::Text(text)) => &**text == "3probe",
            Frame::Message(Message::Binary(_)) | Frame::Ping | Frame::Close => false,
        })
    }

    pub(crate) fn is_idle(&self, wire: usize, side: Side) -> bool {
        self.end(wire, side).out.is_empty()
    }

    pub(crate) fn say(&mut self, wire: usize, side: Side, frame: Frame) {
        self.end_mut(wire, side).out.push_back(frame);
    }

    /// Nothing that an end says is taken any more, of which it keeps as much as it has `room` for. `None`: all is.
    pub(crate) fn stall(&mut self, wire: usize, side: Side, room: Option<usize>) {
        self.end_mut(wire, side).stalled = room;
    }

    /// One frame of what an end has to say is taken although it is stalled.
    pub(crate) fn trickle(&mut self, at: Instant, wire: usize, side: Side) -> Taken {
        let room = self.end_mut(wire, side).stalled.take();
        let taken = self.take(at, wire, side, 1);
        self.stall(wire, side, room);
        taken
    }

    /// Takes `most` of what an end has to say, to arrive at the other.
    pub(crate) fn take(&mut self, at: Instant, wire: usize, side: Side, most: usize) -> Taken {
        let end = self.end_mut(wire, side);
        if end.stalled.is_some() || end.out.is_empty() {
            return Taken::Nothing;
        }
        let lost = end.cut || end.gone;
        let most = most.min(end.out.len());
        let frames: Vec<_> = end.out.drain(..most).collect();
        let all = end.out.is_empty();
        // Its own last word is taken all the same.
        let says_goodbye = frames.iter().any(|frame| matches!(frame, Frame::Close));
        let to = self.end_mut(wire, side.other());
        if !lost && !to.cut && !to.gone {
            let at = to.last.map_or(at, |last| last.max(at));
            to.last = Some(at);
            let to = side.other();
            for frame in frames {
                self.push(at, Delivery::Frame { wire, to, frame });
            }
        }
        if says_goodbye {
            self.end_mut(wire, side).gone = true;
        }
        match all {
            true => Taken::All,
            false => Taken::Some,
        }
    }

    /// An end has heard that it is over, or is to hear nothing more.
    pub(crate) fn is_over(&mut self, wire: usize, side: Side) {
        let end = self.end_mut(wire, side);
        end.gone = true;
        end.out.clear();
    }

    /// An end hears no more of the other than is on its way, and of that no more than `left` frames; then, at
    /// `at` or later, that the rest is lost.
    pub(crate) fn cut(&mut self, at: Instant, wire: usize, side: Side, mut left: usize) {
        let end = self.end_mut(wire, side);
        if end.cut || end.gone {
            return;
        }
        end.cut = true;
        let at = end.last.map_or(at, |last| last.max(at));
        end.last = Some(at);
        self.on_its_way.retain(|_, delivery| {
            if let Delivery::Frame { wire: its, to, .. } = delivery
                && (*its, *to) == (wire, side)
            {
                let stays = left > 0;
                left = left.saturating_sub(1);
                return stays;
            }
            true
        });
        self.push(at, Delivery::Lost { wire, to: side });
    }

    /// Loses the `at`th response that is on its way. Whose it was.
    pub(crate) fn lose_response(&mut self, at: usize) -> Option<Party> {
        let all = self.on_its_way.values_mut();
        let mut responses = all.filter_map(|delivery| {
            if let Delivery::Response { to, response, .. } = delivery
                && response.is_ok()
            {
                return Some((*to, response));
            }
            None
        });
        let (party, response) = responses.nth(at)?;
        *response = Err(Failure::Tcp);
        Some(party)
    }

    /// The server is gone with all that it knew, and every client hears of it.
    pub(crate) fn server_died(&mut self, at: Instant) {
        for Asked { party: to, id, .. } in std::mem::take(&mut self.at_server).into_values() {
            let response = Err(Failure::Tcp);
            self.push(at, Delivery::Response { to, id, response });
        }
        for wire in self.live().to_vec() {
            self.is_over(wire, Side::Server);
            self.cut(at, wire, Side::Client, usize::MAX);
        }
    }
}

/// A request as it arrives: its path alone, and the host beside it.
pub(crate) fn local(mut head: Parts) -> Parts {
    if let Some(path) = head.uri.path_and_query().cloned() {
        head.uri = path.into();
    }
    head.headers
        .insert(HOST, HeaderValue::from_static("server"));
    head
}

/// The same, asking for a WebSocket.
pub(crate) fn asking(mut head: Parts) -> Parts {
    for (name, value) in [
        (CONNECTION, "Upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_VERSION, "13"),
        (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    head
}
