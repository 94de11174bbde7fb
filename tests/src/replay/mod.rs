//! A recorded history, played again to the core's own server.
//!
//! What clients sent to the driver's server in a simulation goes into a [`Server`] at the same times, and its
//! application decides as the recorded one did: what that sent, whom it let in, whom it disconnected stands in
//! what clients got. Everything else (heads, statuses, how packets are framed and put together, when a poll is
//! answered, heartbeats, probes, closes, refusals) the server has to come to by itself, and every client has to
//! get the same, byte for byte.

mod front;
mod handshakes;
mod items;
mod recorded;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytestring::ByteString;
use sio_core::config::Config;
use sio_core::engine::{Close, Eio, Flags, Message};
use sio_core::id::{HashKey, SocketId};
use sio_core::server::{ConnectionKey, Event, Server, Socket};
use sio_core::socket::ConnectTicket;
use sio_core::time::Instant;
use sio_core::websocket::Limits;

use front::Front;
use handshakes::{Opening, says_goodbye};
use items::{Item, Told, Way, bytes_of, namespace, parse};
use recorded::{Asked, Moment, Stream, Unit};
use sio_sim::{Act, Deed, History};

/// How much of a history was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Connections.
    pub connections: usize,
    /// Responses and frames on them.
    pub units: usize,
}

/// What is known of one connection from the start.
#[derive(Debug)]
struct Line {
    asked: Vec<Asked>,
    /// What came behind the request for a WebSocket.
    frames: Stream,
    answers: Vec<Unit>,
    /// The session of each request, by its id.
    sids: Vec<Option<String>>,
}

/// One client's session.
#[derive(Debug, Default)]
struct Session {
    /// What it was told, in order.
    items: Vec<Item>,
    /// So much of that was done.
    done: usize,
    connection: Option<ConnectionKey>,
    sockets: BTreeMap<String, Socket>,
    tickets: BTreeMap<String, ConnectTicket>,
    /// The namespace of the latest packet, whose attachments may follow.
    latest: String,
}

type Ends = BTreeMap<usize, Moment>;

struct Replay {
    front: Front,
    lines: BTreeMap<usize, Line>,
    sessions: BTreeMap<String, Session>,
    whose: BTreeMap<ConnectionKey, String>,
    openings: BTreeMap<usize, Opening>,
    /// Acts at which something was read, by connection.
    reads: BTreeMap<usize, Vec<usize>>,
    /// Namespaces that there are not, as somebody was told.
    missing: BTreeSet<String>,
    /// Connections on which a hook of the application had the word: they are compared until then.
    apart: BTreeSet<usize>,
}

/// Plays a history again, and compares what clients get.
///
/// # Errors
/// What differs, or why this history can not be played.
pub fn compare(history: &History) -> Result<Compared, String> {
    // A connection is one of the server that was the latest when it began.
    let mut servers = BTreeMap::new();
    for (act, it) in history.acts.iter().enumerate() {
        let begun = history
            .servers
            .iter()
            .take_while(|(first, _)| *first <= act);
        servers.entry(it.connection).or_insert(begun.count());
    }
    let mut compared = Compared::default();
    for (number, (_, config)) in history.servers.iter().enumerate() {
        let acts = history.acts.iter();
        let acts = acts.filter(|it| servers.get(&it.connection) == Some(&(number + 1)));
        let acts: Vec<_> = acts.cloned().collect();
        let its = play(config, &acts).map_err(|why| format!("server {number}: {why}"))?;
        compared.connections += its.connections;
        compared.units += its.units;
    }
    Ok(compared)
}

fn play(config: &Config, acts: &[Act]) -> Result<Compared, String> {
    let mut replay = Replay::new(config, acts)?;
    let (mut ends, mut left) = (Ends::new(), Ends::new());
    for (act, it) in acts.iter().enumerate() {
        let moment = Moment { act, at: it.at };
        replay.pass(moment, matches!(it.deed, Deed::Wrote(_)));
        match &it.deed {
            Deed::Read(_) => replay.read(it.connection),
            Deed::Wrote(_) => replay.wrote(it.connection),
            Deed::End => {
                ends.entry(it.connection).or_insert(moment);
                replay.end(it.connection);
            }
            Deed::Left => _ = left.entry(it.connection).or_insert(moment),
        }
        replay.drain();
    }
    let seen = acts.iter().filter(|it| !matches!(it.deed, Deed::Left));
    let last = seen.last().map_or(Duration::ZERO, |it| it.at);
    replay.check(&ends, &left, last)
}

impl Session {
    /// Does what the application did to have this packet sent.
    fn packet(
        &mut self,
        server: &mut Server<()>,
        now: Instant,
        connection: ConnectionKey,
        text: &ByteString,
    ) -> bool {
        let (name, rest) = namespace(text);
        let kind = text.as_bytes().first();
        let socket = self.sockets.get(name).copied();
        match (kind, self.tickets.remove(name)) {
            (Some(b'0'), Some(ticket)) => {
                let id = parse(rest, "sid").and_then(|id| bytes_of(&id));
                let id = SocketId::from_random(id.unwrap_or([0; 15]));
                let socket = server.accept(now, connection, ticket, id);
                self.sockets
                    .extend(socket.map(|its| (name.to_owned(), its)));
                true
            }
            (Some(b'4'), Some(ticket)) => {
                server.reject(now, connection, ticket, &items::refusal(rest));
                true
            }
            (Some(b'0'), None) => false,
            // Of a namespace that there is not the server speaks by itself.
            (Some(b'4'), None) if socket.is_none() => true,
            (_, ticket) => {
                self.tickets
                    .extend(ticket.map(|ticket| (name.to_owned(), ticket)));
                let Some(socket) = socket else { return false };
                name.clone_into(&mut self.latest);
                if kind == Some(&b'1') {
                    server.disconnect(now, socket, false);
                } else {
                    let packet = (&Message::Text(text.clone())).into();
                    let _ = server.deliver(now, socket, packet, Flags::default());
                }
                true
            }
        }
    }
}

impl Replay {
    fn new(config: &Config, acts: &[Act]) -> Result<Self, String> {
        let most = config.max_http_buffer_size;
        let mut streams: BTreeMap<usize, (Stream, Stream)> = BTreeMap::new();
        let mut reads: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (act, it) in acts.iter().enumerate() {
            let moment = Moment { act, at: it.at };
            let (read, wrote) = streams.entry(it.connection).or_default();
            match &it.deed {
                Deed::Read(bytes) => {
                    reads.entry(it.connection).or_default().push(act);
                    read.push(moment, bytes);
                }
                Deed::Wrote(bytes) => wrote.push(moment, bytes),
                Deed::End | Deed::Left => {}
            }
        }
        let mut lines = BTreeMap::new();
        for (number, (read, wrote)) in &streams {
            let answers = recorded::said(wrote).map_err(|why| format!("#{number}: {why}"))?;
            let (asked, frames) =
                recorded::asked(read, &answers, most).map_err(|why| format!("#{number}: {why}"))?;
            let sids = items::sids(&asked, &answers);
            let line = Line {
                asked,
                frames,
                answers,
                sids,
            };
            lines.insert(*number, line);
        }
        let mut sessions: BTreeMap<String, Session> = BTreeMap::new();
        for (number, line) in &lines {
            for (sid, item) in items::of(*number, &line.asked, &line.answers, &line.sids) {
                sessions.entry(sid).or_default().items.push(item);
            }
        }
        let mut server =
            Server::new(config.clone(), HashKey([1, 2])).map_err(|it| it.to_string())?;
        server.decide_over_handshakes(true);
        server.open_namespace("/");
        let (mut there, mut missing) = (BTreeSet::new(), BTreeSet::new());
        for session in sessions.values_mut() {
            session.items.sort_by_key(|item| (item.written, item.place));
            for name in session.items.iter().filter_map(items::opens) {
                server.open_namespace(&name);
                there.insert(name);
            }
            missing.extend(session.items.iter().filter_map(items::misses));
        }
        Ok(Self {
            front: Front::new(server, Limits::of(config)),
            lines,
            sessions,
            whose: BTreeMap::new(),
            openings: BTreeMap::new(),
            reads,
            missing: &missing - &there,
            apart: BTreeSet::new(),
        })
    }

    /// Time passes until this moment: what is due before it, and what is due at it if it is `inclusive`.
    fn pass(&mut self, moment: Moment, inclusive: bool) {
        let now = Instant::ORIGIN + moment.at;
        while let Some(due) = self.front.server.poll_timeout().map(|due| due.at) {
            if due > now || due == now && !inclusive {
                break;
            }
            self.front.now = self.front.now.max(due);
            self.front.moment = Moment {
                act: moment.act,
                at: self.front.now.saturating_duration_since(Instant::ORIGIN),
            };
            // As the driver does.
            self.front.server.handle_late(self.front.now);
            self.front.server.handle_timeout(self.front.now);
            self.drain();
        }
        self.front.now = now;
        self.front.moment = moment;
    }

    /// Something has come from a client.
    fn read(&mut self, number: usize) {
        let moment = self.front.moment;
        let Some(line) = self.lines.get(&number) else {
            return;
        };
        let come = line.asked.iter().filter(|it| it.moment.act == moment.act);
        let come: Vec<Asked> = come.cloned().collect();
        self.front.line(number).waiting.extend(come);
        if let Some(behind) = line.frames.at(moment.act) {
            self.front.bytes(number, behind);
        }
        self.requests(number);
        self.messages(number);
    }

    fn end(&mut self, number: usize) {
        self.front.end(number);
        self.messages(number);
        self.front.let_go(number);
    }

    fn requests(&mut self, number: usize) {
        while !self.apart.contains(&number)
            && let Some(asked) = self.front.next_request(number)
        {
            let Some(line) = self.lines.get(&number) else {
                return;
            };
            let at = line.asked.iter().position(|it| it.moment == asked.moment);
            let at = at.unwrap_or_default();
            let sid = line.sids.get(at).cloned().flatten();
            let answer = line.answers.get(at).cloned();
            let opens = asked
                .head
                .uri
                .query()
                .is_none_or(|query| !query.contains("sid="));
            let polls = asked.head.method == http::Method::GET && !opens;
            match (&sid, answer.as_ref().map(|it| (it.moment, &it.said))) {
                // What was there to be sent when it came.
                (Some(sid), Some((written, _)))
                    if polls
                        && written.at == self.front.moment.at
                        && !self.is_told_meanwhile(sid, number, written) =>
                {
                    // An end that nothing stands before came to a request that waited.
                    let waited = |item: &Item| item.closes() && item.place.1 == 0;
                    self.act(sid, true, |item| {
                        item.written.act <= written.act && !waited(item)
                    });
                }
                _ if answer
                    .as_ref()
                    .is_some_and(|it| it.moment.at == self.front.moment.at && says_goodbye(it)) =>
                {
                    self.shut_down();
                }
                (_, Some((_, said))) if said.is_anothers() => {
                    self.apart.insert(number);
                    return;
                }
                _ => {}
            }
            self.open(items::asks_by_post(&asked));
            if opens {
                self.opens(number, sid.clone(), answer);
            }
            let attached = self.front.request(number, asked, [0; 15]);
            if let (Some(sid), Some(connection)) = (sid, attached) {
                self.is_of(connection, sid);
            }
            self.drain();
        }
    }

    /// Whether the session is told something by another connection before this is written, and what is sent may be the
    /// answer to that.
    fn is_told_meanwhile(&self, sid: &str, number: usize, written: Moment) -> bool {
        let now = self.front.moment;
        let others = self.lines.iter().filter(|(its, _)| **its != number);
        others
            .flat_map(|(_, line)| line.asked.iter().zip(&line.sids))
            .filter(|(_, its)| its.as_deref() == Some(sid))
            .any(|(asked, _)| (now.act..written.act).contains(&asked.moment.act))
    }

    /// Namespaces are there that clients ask for, unless somebody was told otherwise.
    fn open(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.missing.contains(&name) {
                self.front.server.open_namespace(&name);
            }
        }
    }

    fn messages(&mut self, number: usize) {
        while let Some((connection, message)) = self.front.message(number) {
            let now = self.front.now;
            match message {
                Some(message) => {
                    let it = self.front.server.connection(connection);
                    let revision = it.map_or(Eio::V4, |it| it.session().revision());
                    self.open(items::asks(revision, &message));
                    self.front.server.handle_ws(now, connection, message);
                }
                None => {
                    // It was told before the WebSocket broke.
                    if let Some(sid) = self.whose.get(&connection).cloned() {
                        self.act(&sid, false, |it| it.line == number && !it.closes());
                    }
                    self.drain();
                    self.front.lost(number);
                }
            }
            self.drain();
            self.act_at_once(connection);
        }
        self.drain();
    }

    /// The recorded server wrote to a connection: what it was told about by its application has happened.
    fn wrote(&mut self, number: usize) {
        let act = self.front.moment.act;
        self.decide(number);
        self.drain();
        self.messages(number);
        let sids: BTreeSet<String> = self
            .sessions
            .iter()
            .filter(|(_, session)| {
                let next = session.items.get(session.done..).unwrap_or_default();
                next.iter()
                    .any(|it| it.written.act == act && it.line == number)
            })
            .map(|(sid, _)| sid.clone())
            .collect();
        for sid in sids {
            self.act(&sid, true, |item| item.written.act <= act);
        }
    }

    /// The application answers what has just come, as far as it can.
    fn act_at_once(&mut self, connection: ConnectionKey) {
        let Some(sid) = self.whose.get(&connection).cloned() else {
            return;
        };
        let moment = self.front.moment;
        let reads = self.reads.clone();
        self.act(&sid, false, |item| {
            let reads = reads.get(&item.line).map(Vec::as_slice).unwrap_or_default();
            let next = reads.iter().find(|act| **act > moment.act);
            item.written.at == moment.at
                && !item.closes()
                && (item.way != Way::Frame || next.is_none_or(|next| item.written.act < *next))
        });
    }

    /// Does what the application did, up to where it no more `holds`; or, unless it `must`, could not.
    fn act(&mut self, sid: &str, must: bool, holds: impl Fn(&Item) -> bool) {
        loop {
            let Some(session) = self.sessions.get_mut(sid) else {
                return;
            };
            let Some(item) = session.items.get(session.done).filter(|item| holds(item)) else {
                return;
            };
            let item = item.clone();
            if !self.tell(sid, &item) && !must {
                return;
            }
            if let Some(session) = self.sessions.get_mut(sid) {
                session.done += 1;
            }
            self.events();
        }
    }

    /// The server closes. What its application said, it said before.
    fn shut_down(&mut self) {
        let sids: Vec<_> = self.sessions.keys().cloned().collect();
        for sid in sids {
            self.act(&sid, false, |item| !item.closes());
        }
        self.front.server.shut_down(self.front.now);
    }

    /// Does one thing that the application did. `false`: it can not be done, not yet perhaps.
    fn tell(&mut self, sid: &str, item: &Item) -> bool {
        let now = self.front.now;
        let attached = self.front.is_attached(item.line);
        let Some(session) = self.sessions.get_mut(sid) else {
            return false;
        };
        let Some(connection) = session.connection else {
            return false;
        };
        let server = &mut self.front.server;
        match &item.told {
            Told::Machine => true,
            // Of one that the session did not want.
            Told::Close(_) if item.way == Way::Frame && !attached => true,
            Told::Close(code) => {
                let open = server
                    .connection(connection)
                    .is_some_and(|it| it.session().is_open());
                if open && *code == Some(1001) {
                    self.shut_down();
                } else if open {
                    server.close(now, connection, Close::Flush);
                }
                true
            }
            Told::Bytes(bytes) => {
                let socket = session.sockets.get(&session.latest);
                let packet = (&Message::Binary(bytes.clone())).into();
                let sent = socket.map(|its| server.deliver(now, *its, packet, Flags::default()));
                sent.is_some()
            }
            Told::Packet(text) => session.packet(server, now, connection, text),
        }
    }

    /// Hears of what has happened.
    fn events(&mut self) {
        while let Some(event) = self.front.server.poll_event(self.front.now) {
            match event {
                Event::Handshake {
                    ticket, request, ..
                } => {
                    if let Some(number) = self.front.asks(request, ticket.handshake()) {
                        self.asked(number, ticket);
                    }
                }
                Event::Connecting {
                    connection,
                    ticket,
                    namespace,
                    ..
                } => self.connecting(connection, ticket, &namespace),
                Event::Disconnected { socket, .. } => {
                    if let Some(sid) = self.whose.get(&socket.connection)
                        && let Some(session) = self.sessions.get_mut(sid)
                    {
                        session.sockets.retain(|_, its| *its != socket);
                    }
                }
                Event::Message { socket, .. } => self.act_at_once(socket.connection),
                Event::Naming { .. }
                | Event::HandshakeOver { .. }
                | Event::Undecided { .. }
                | Event::Error { .. }
                | Event::Acked { .. }
                | Event::Disconnecting { .. }
                | Event::Expired { .. }
                | Event::Upgraded { .. }
                | Event::Closed { .. } => {}
            }
        }
    }

    /// A client asks for a namespace. It is decided over at once if the recorded application did so, or if
    /// nobody could see otherwise: the client polls, and came for the answer later.
    fn connecting(&mut self, connection: ConnectionKey, ticket: ConnectTicket, name: &str) {
        let moment = self.front.moment;
        // The one that polls is not known by its connection yet, when its own handshake asks.
        let sid = self.whose.get(&connection).cloned().or_else(|| {
            let sid = self.front.server.connection(connection)?.sid();
            Some(sid.as_str().to_owned())
        });
        let Some(sid) = sid else { return };
        self.whose.insert(connection, sid.clone());
        let session = self.sessions.entry(sid.clone()).or_default();
        session.connection = Some(connection);
        session.tickets.insert(name.to_owned(), ticket);
        let next = session.items.get(session.done..).unwrap_or_default();
        let decided = next.iter().find(|item| item.decides(name)).cloned();
        let Some(item) = decided else { return };
        let soon = match item.way {
            Way::Frame => item.written.at == moment.at,
            Way::Poll { at_once, asked } => {
                item.written.at == moment.at || at_once && asked > moment.act
            }
        };
        if soon {
            self.act(&sid, true, |it| {
                (it.written, it.place) <= (item.written, item.place)
            });
        }
    }

    fn drain(&mut self) {
        loop {
            self.events();
            if !self.front.answer() {
                break;
            }
            let numbers: Vec<_> = self.front.lines.keys().copied().collect();
            for number in numbers {
                self.requests(number);
            }
        }
    }

    /// Whether clients got the same.
    /// `ends`: when servers saw connections end; `left`: when their clients had dropped them.
    fn check(&self, ends: &Ends, left: &Ends, last: Duration) -> Result<Compared, String> {
        let mut compared = Compared::default();
        for (number, line) in &self.lines {
            let wrote = self.front.lines.get(number).map(|line| &line.wrote);
            let ours = match wrote {
                Some(wrote) => recorded::said(wrote).map_err(|why| format!("#{number}: {why}"))?,
                None => Vec::new(),
            };
            let (end, left) = (ends.get(number), left.get(number));
            let until = end.map_or(last, |end| end.at);
            let until = left.map_or(until, |left| left.at.min(until));
            let common = line.answers.iter().zip(&ours);
            let same = common.take_while(|(a, b)| a.said == b.said).count();
            let (theirs, ours) = (line.answers.get(same), ours.get(same));
            // What was said when nobody listened any more may have been written or not.
            let unheard = ours.is_some_and(|it| it.moment.at >= until);
            let over = end.into_iter().chain(left).min();
            if over.is_some_and(|over| theirs.is_some_and(|it| it.moment > *over)) {
                continue;
            }
            let another = theirs.is_some_and(|it| it.said.is_anothers());
            if (another || self.apart.contains(number)) && ours.is_none() {
                continue;
            }
            if theirs.is_some() || ours.is_some() && !unheard {
                let asked = line.asked.iter().map(|it| it.head.uri.to_string());
                let asked: Vec<_> = asked.collect();
                return Err(format!(
                    "#{number} {asked:?}: unit {same} is\n{theirs:?}\nof the driver, and\n{ours:?}\nof Server"
                ));
            }
            compared.connections += 1;
            compared.units += same;
        }
        Ok(compared)
    }
}
