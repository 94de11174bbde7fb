//! The same histories, played to a server of the core.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sio_core::config::Config;
use sio_core::engine::{Flags, WsClosed, WsOut};
use sio_core::id::{HashKey, RequestId, SocketId};
use sio_core::message::{Message, Part};
use sio_core::packet::{self, Args};
use sio_core::rooms::Target;
use sio_core::server::{ConnectionKey, Event, Server, Socket, Upgraded};
use sio_core::socket::Refusal;
use sio_core::time::Instant;

use super::history::Step;

/// What a step has led to, by who has seen it: in order for each.
pub(crate) type Notes = BTreeMap<String, Vec<String>>;

struct Client {
    eio: u64,
    /// Whether it answers pings.
    pongs: bool,
    sid: String,
    /// Whether it sends a GET whenever it has none.
    polls: bool,
    parked: Option<RequestId>,
    /// Pings to answer: whether they came by WebSocket.
    pings: Vec<bool>,
    connection: Option<ConnectionKey>,
    /// Whether its latest WebSocket is open.
    open: bool,
}

enum Asked {
    Get(usize),
    Post(usize),
    /// Nobody hears the answer.
    Dropped,
}

struct World {
    server: Server<usize>,
    numbers: Numbers,
    now: Instant,
    clients: Vec<Client>,
    sockets: Vec<Socket>,
    requests: BTreeMap<RequestId, Asked>,
    drawn: u32,
    sids: usize,
    ids: usize,
    /// What is drawn here, and how Node's side calls it.
    labels: Vec<(String, String)>,
    /// Ack ids of each namespace, or of each socket.
    acks: BTreeMap<String, u64>,
    /// What many are told: beside the driver which step it is, beside Node always the same.
    said: usize,
    /// How often each socket gave no answer.
    unanswered: BTreeMap<usize, usize>,
    notes: Notes,
}

/// By which ids sockets ask: as the reference counts them, or each by odd ones of its own, as the driver does.
#[allow(dead_code, reason = "each of two suites has one")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbers {
    Namespaces,
    Sockets,
}

/// What each step of a history leads to, and at last how many emits had no answer.
#[allow(dead_code, reason = "not where the driver is played, too")]
pub(crate) fn play(history: &[Step]) -> Vec<Notes> {
    play_by(history, Numbers::Namespaces, |_| true)
}

/// The same, where sockets ask by such ids. `looks`: whether it is looked at what comes of a step before the next.
pub(crate) fn play_by(history: &[Step], ids: Numbers, looks: impl Fn(usize) -> bool) -> Vec<Notes> {
    let (mut world, mut all) = (World::new(ids), Vec::new());
    for (at, step) in history.iter().enumerate() {
        world.said = if let Numbers::Sockets = ids { at } else { 1 };
        world.step(step);
        if looks(at) {
            world.rest();
        }
        all.push(std::mem::take(&mut world.notes));
    }
    let mut unanswered = Notes::new();
    for (at, count) in world.unanswered {
        let its = unanswered.entry(format!("socket {at}")).or_default();
        its.push(format!("{count} without answer"));
    }
    all.push(unanswered);
    all
}

impl World {
    fn new(numbers: Numbers) -> Self {
        let config = Config::v4().allow_eio3(true);
        let mut server = Server::new(config, HashKey([5, 6])).expect("a valid configuration");
        for name in ["/", "/a", "/no"] {
            server.open_namespace(name);
        }
        Self {
            server,
            numbers,
            now: Instant::ORIGIN,
            clients: Vec::new(),
            sockets: Vec::new(),
            requests: BTreeMap::new(),
            drawn: 0,
            sids: 0,
            ids: 0,
            labels: Vec::new(),
            acks: BTreeMap::new(),
            said: 1,
            unanswered: BTreeMap::new(),
            notes: Notes::new(),
        }
    }

    fn note(&mut self, channel: String, mut text: String) {
        for (drawn, label) in &self.labels {
            if text.contains(drawn.as_str()) {
                text = text.replace(drawn.as_str(), label);
            }
        }
        self.notes.entry(channel).or_default().push(text);
    }

    fn says(&mut self, client: usize, channel: &str, text: String) {
        self.note(format!("{client} {channel}"), text);
    }

    /// Random bytes, and the id that they become.
    fn random(&mut self) -> ([u8; 15], String) {
        self.drawn += 1;
        let mut random = [7; 15];
        random[..4].copy_from_slice(&self.drawn.to_be_bytes());
        (random, SocketId::from_random(random).as_str().to_owned())
    }

    /// A request has opened a session, if there are more of them than there were.
    fn opened(&mut self, before: usize, id: String) {
        if self.server.connections() > before {
            self.labels.push((id, format!("e{}", self.sids)));
            self.sids += 1;
        }
    }

    fn step(&mut self, step: &Step) {
        let number = |at: usize| usize::try_from(step[at].as_u64().unwrap_or_default()).unwrap();
        let text = |at: usize| step[at].as_str();
        let at = number(1);
        let socket = self.sockets.get(at).copied();
        match text(0).expect("a name") {
            "open" => self.open(
                number(1) as u64,
                text(2) == Some("polling"),
                step[3] == true,
            ),
            "post" => {
                let texts = step[2].as_array().expect("a list").iter();
                let texts: Vec<_> = texts.map(|it| it.as_str().expect("a text")).collect();
                self.post(at, &texts);
            }
            "get" => self.get(at),
            "polls" => self.clients[at].polls = step[2] == true,
            "upgrade" => self.attach(at),
            "frame" => self.frame(at, text(2).expect("a text").into()),
            "bytes" => self.frame(at, Message::Binary(bytes(text(2).expect("a text")))),
            "gone" => self.gone(at),
            "abort" => {
                self.clients[at].polls = false;
                if let Some(id) = self.clients[at].parked.take() {
                    self.requests.insert(id, Asked::Dropped);
                    self.server.handle_aborted(self.now, id);
                }
            }
            "emit" => self.emit(at, text(2).expect("a text")),
            "tell" => {
                let mut target = Target::default();
                if let Some(room) = text(2) {
                    target.add(room);
                }
                target.except.extend(text(3).map(Into::into));
                let namespace = text(1).expect("a name");
                let packet = packet::event(namespace, None, "all", &self.said).expect("a number");
                self.server
                    .broadcast(self.now, namespace, &target, &packet, Flags::default());
            }
            "join" => {
                let room = text(2).expect("a name");
                let _ = socket.map(|it| self.server.join(it, room));
            }
            "leave" => {
                let room = text(2).expect("a name");
                let _ = socket.map(|it| self.server.leave(it, room));
            }
            "out" => {
                // Of who is gone the reference does not even close the connection.
                if let Some(socket) = socket.filter(|it| self.server.namespace(*it).is_some()) {
                    self.server.disconnect(self.now, socket, step[2] == true);
                }
            }
            "wait" => self.wait(Duration::from_millis(at as u64)),
            other => panic!("{other}?"),
        }
    }

    fn open(&mut self, eio: u64, polls: bool, pongs: bool) {
        let client = self.clients.len();
        self.clients.push(Client {
            eio,
            pongs,
            sid: String::new(),
            polls,
            parked: None,
            pings: Vec::new(),
            connection: None,
            open: false,
        });
        if !polls {
            self.attach(client);
        }
    }

    fn wait(&mut self, wait: Duration) {
        let until = self.now + wait;
        while let Some(due) = self.server.poll_timeout().filter(|due| due.at <= until) {
            self.now = due.at;
            self.server.handle_timeout(due.at);
            self.rest();
        }
        self.now = until;
    }

    /// Until nobody has anything to do.
    fn rest(&mut self) {
        loop {
            self.drain();
            let mut idle = true;
            for client in 0..self.clients.len() {
                idle &= !self.works(client);
            }
            if idle {
                return;
            }
        }
    }

    /// Does what a client does by itself; whether there was anything.
    fn works(&mut self, client: usize) -> bool {
        let its = &mut self.clients[client];
        if !its.pings.is_empty() {
            match its.pings.remove(0) {
                true => self.frame(client, "3".into()),
                false => self.post(client, &["3"]),
            }
        } else if its.polls && its.parked.is_none() {
            self.get(client);
        } else {
            return false;
        }
        true
    }

    fn uri(&self, client: usize, transport: &str) -> String {
        let Client { eio, sid, .. } = &self.clients[client];
        let base64 = if *eio == 3 { "&b64=1" } else { "" };
        let session = if sid.is_empty() { "" } else { "&sid=" };
        format!("/socket.io/?EIO={eio}&transport={transport}{base64}{session}{sid}")
    }

    fn request(&mut self, client: usize, method: &str, body: String, asked: Asked) -> RequestId {
        let request = http::Request::builder()
            .method(method)
            .uri(self.uri(client, "polling"))
            .body(body.into())
            .expect("a request");
        let (before, (random, drawn)) = (self.server.connections(), self.random());
        let id = RequestId(u64::from(self.drawn));
        self.requests.insert(id, asked);
        self.server.handle_request(self.now, id, request, random);
        self.opened(before, drawn);
        id
    }

    fn get(&mut self, client: usize) {
        let id = self.request(client, "GET", String::new(), Asked::Get(client));
        self.clients[client].parked.get_or_insert(id);
    }

    fn post(&mut self, client: usize, texts: &[&str]) {
        let body = match self.clients[client].eio {
            4 => texts.join("\u{1e}"),
            _ => texts
                .iter()
                .map(|it| format!("{}:{it}", it.len()))
                .collect(),
        };
        self.request(client, "POST", body, Asked::Post(client));
    }

    fn attach(&mut self, client: usize) {
        let head = http::Request::get(self.uri(client, "websocket"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .expect("a head");
        let (before, (random, drawn)) = (self.server.connections(), self.random());
        let head = head.into_parts().0;
        match self.server.handle_upgrade(self.now, &head, random) {
            Upgraded::Attached { connection, .. } => {
                self.clients[client].connection = Some(connection);
                self.clients[client].open = true;
            }
            Upgraded::Unwanted { connection, .. } => {
                self.clients[client].open = false;
                self.says(client, "ws", "closed".to_owned());
                self.server.handle_ws_gone(connection);
            }
            Upgraded::Refused(response) => {
                self.says(client, "ws", response.status().as_u16().to_string());
            }
            Upgraded::Waits(_) => panic!("nobody decides"),
        }
        self.opened(before, drawn);
    }

    fn frame(&mut self, client: usize, frame: Message) {
        let its = &self.clients[client];
        if let Some(connection) = its.connection.filter(|_| its.open) {
            self.server.handle_ws(self.now, connection, frame);
        }
    }

    fn gone(&mut self, client: usize) {
        let its = &mut self.clients[client];
        if let Some(connection) = its.connection.filter(|_| its.open) {
            its.open = false;
            self.server
                .handle_ws_closed(self.now, connection, WsClosed::Closed);
            self.server.handle_ws_gone(connection);
        }
    }

    fn emit(&mut self, at: usize, how: &str) {
        let Some(socket) = self.sockets.get(at).copied() else {
            return;
        };
        let Some(name) = self.server.namespace(socket).map(str::to_owned) else {
            return;
        };
        let flags = Flags {
            volatile: how == "volatile",
            ..Flags::default()
        };
        let packet = match how {
            "text" => packet::event(&name, None, "e", "x"),
            "bytes" => packet::event(&name, None, "e", &Bytes::from_static(&[1, 2])),
            "volatile" => packet::event(&name, None, "e", "v"),
            _ => return self.ask(at, socket, &name),
        };
        let packet = packet.expect("it can be written");
        let _ = self.server.deliver(self.now, socket, packet, flags);
    }

    fn ask(&mut self, at: usize, socket: Socket, name: &str) {
        let (of, first, step) = match self.numbers {
            Numbers::Namespaces => (name.to_owned(), 0, 1),
            Numbers::Sockets => (at.to_string(), 1, 2),
        };
        let next = self.acks.entry(of).or_insert(first);
        let id = *next;
        *next += step;
        let packet = packet::event(name, Some(id), "q", &()).expect("it can be written");
        let wait = Some(Duration::from_secs(15));
        let asked = self.server.request(self.now, socket, id, packet, at, wait);
        if asked.is_err() {
            *self.unanswered.entry(at).or_default() += 1;
        }
    }

    fn drain(&mut self) {
        loop {
            let mut idle = true;
            while let Some(event) = self.server.poll_event(self.now) {
                idle = false;
                self.event(event);
            }
            while let Some((id, response)) = self.server.poll_http() {
                idle = false;
                self.answered(id, &response.http);
            }
            while let Some(connection) = self.server.poll_writable() {
                let mut wrote = false;
                while let Some(out) = self.server.poll_ws(connection) {
                    (idle, wrote) = (false, true);
                    self.writes(connection, out);
                }
                if wrote {
                    self.server.handle_ws_flushed(self.now, connection);
                }
            }
            if idle {
                return;
            }
        }
    }

    fn writes(&mut self, connection: ConnectionKey, out: WsOut) {
        let mut all = self.clients.iter();
        let Some(client) = all.position(|it| it.connection == Some(connection)) else {
            return;
        };
        match out {
            WsOut::Frame { head, part, .. } => match part {
                Part::Text(text) => {
                    let text = [head, &text].concat();
                    let text = String::from_utf8(text).expect("it is text");
                    self.hears(client, true, &text);
                }
                Part::Binary(bytes) => {
                    let bytes = [head, &bytes].concat();
                    self.hears(client, true, &format!("bytes {}", hex(&bytes)));
                }
            },
            WsOut::Close(_) => {
                self.clients[client].open = false;
                self.says(client, "ws", "closed".to_owned());
                self.server.handle_ws_gone(connection);
            }
        }
    }

    fn answered(&mut self, id: RequestId, response: &http::Response<Bytes>) {
        let body = String::from_utf8_lossy(response.body()).into_owned();
        let status = response.status().as_u16();
        let client = match self.requests.remove(&id) {
            Some(Asked::Post(client)) => {
                return self.says(client, "post", format!("{status} {body}"));
            }
            Some(Asked::Get(client)) => client,
            Some(Asked::Dropped) => return,
            None => panic!("{id:?} is answered twice"),
        };
        let its = &mut self.clients[client];
        its.parked.take_if(|it| *it == id);
        if status == 200 {
            for packet in packets(its.eio, &body) {
                self.hears(client, false, packet);
            }
        } else {
            self.clients[client].polls = false;
            self.says(client, "get", format!("{status} {body}"));
        }
    }

    /// A packet has come to a client.
    fn hears(&mut self, client: usize, by_websocket: bool, packet: &str) {
        // Which polls are freed, and when, is nobody's business but the transport's.
        if packet == "6" && !by_websocket {
            return;
        }
        let way = if by_websocket { 'w' } else { 'p' };
        let its = &mut self.clients[client];
        if let Some(open) = packet.strip_prefix('0') {
            let open: Value = serde_json::from_str(open).expect("JSON");
            its.sid = open["sid"].as_str().expect("an id").to_owned();
        }
        if packet == "2" && its.pongs {
            its.pings.push(by_websocket);
        }
        if packet == "1" && !by_websocket {
            its.polls = false;
        }
        self.says(client, "hears", format!("{way} {packet}"));
    }

    fn event(&mut self, event: Event<usize>) {
        let now = self.now;
        match event {
            Event::Connecting {
                connection,
                ticket,
                namespace,
                ..
            } => {
                let (random, drawn) = self.random();
                let it = self.server.connection(connection).expect("it is there");
                if it.computed_id(&namespace).is_none() {
                    self.labels.push((drawn, format!("s{}", self.ids)));
                    self.ids += 1;
                }
                if namespace == "/no" {
                    let refusal = Refusal::new("no");
                    return self.server.reject(now, connection, ticket, &refusal);
                }
                let id = SocketId::from_random(random);
                if let Some(socket) = self.server.accept(now, connection, ticket, id) {
                    let channel = format!("socket {}", self.sockets.len());
                    self.sockets.push(socket);
                    let id = self.server.rooms_of(socket)[0].to_owned();
                    self.note(channel, format!("connected {namespace} {id}"));
                }
            }
            Event::Message {
                socket,
                namespace,
                name,
                args,
                ack,
            } => {
                let asked = if ack.is_some() { " asked" } else { "" };
                self.tells(socket, format!("{name} {}{asked}", told(&args)));
                if let Some(ack) = ack {
                    let packet = packet::ack(&namespace, ack.id(), &args).expect("it is copied");
                    let _ = self.server.respond(now, socket, ack, packet);
                }
            }
            Event::Acked {
                socket,
                token,
                answer,
            } => match answer {
                Ok(args) => self.tells(socket, format!("answer {}", told(&args))),
                Err(_) => *self.unanswered.entry(token).or_default() += 1,
            },
            Event::Disconnecting { socket, reason } => {
                let rooms = self.server.rooms_of(socket);
                let mut rooms: Vec<_> = rooms.into_iter().map(str::to_owned).collect();
                for room in &mut rooms {
                    if let Some((_, label)) = self.labels.iter().find(|it| it.0 == *room) {
                        room.clone_from(label);
                    }
                }
                rooms.sort();
                self.tells(
                    socket,
                    format!("disconnecting {} {}", reason.as_str(), rooms.join(",")),
                );
            }
            Event::Disconnected { socket, reason } => {
                self.tells(socket, format!("disconnected {}", reason.as_str()));
            }
            Event::Error { .. }
            | Event::Upgraded { .. }
            | Event::Closed { .. }
            | Event::Handshake { .. }
            | Event::HandshakeOver { .. }
            | Event::Naming { .. }
            | Event::Undecided { .. }
            | Event::Expired { .. } => {}
        }
    }

    fn tells(&mut self, socket: Socket, text: String) {
        let at = self.sockets.iter().position(|it| *it == socket);
        self.note(format!("socket {}", at.expect("it has connected")), text);
    }
}

/// The packets of a body. All texts are ASCII.
pub(crate) fn packets(eio: u64, body: &str) -> Vec<&str> {
    if eio == 4 {
        return body.split('\u{1e}').collect();
    }
    let (mut all, mut rest) = (Vec::new(), body);
    while let Some((length, packets)) = rest.split_once(':') {
        let (packet, after) = packets.split_at(length.parse().expect("a length"));
        all.push(packet);
        rest = after;
    }
    all
}

/// Arguments as JSON, and bytes in them as digits.
pub(crate) fn told(args: &Args) -> String {
    let mut text = format!("[{}]", args.elements());
    for (at, bytes) in args.attachments().iter().enumerate() {
        let place = format!(r#"{{"_placeholder":true,"num":{at}}}"#);
        text = text.replace(&place, &format!("\"{}\"", hex(bytes)));
    }
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn bytes(hex: &str) -> Bytes {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}
