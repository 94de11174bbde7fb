//! A client driven by bytes: each few of them are something that a server, the application or the clock does.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response};
use sio_core::client::{
    AckTicket, Auth, AuthTicket, Backoff, Config, Connection, Dial, DialTicket, EntryTicket, Event,
    Failure, Network, OfflinePolicy, Status, Unavailable, Work, WsOut,
};
use sio_core::engine::{Flags, Message, Sent, WsClosed};
use sio_core::id::RequestId;
use sio_core::packet::{self, Args, Value};
use sio_core::protocol::TransportKind;
use sio_core::socket::SocketKey;
use sio_core::time::Instant;

struct World<'a> {
    input: &'a [u8],
    client: Connection<u64>,
    config: Arc<Config>,
    now: Instant,
    sockets: Vec<SocketKey>,
    /// Requests that wait for an answer, WebSockets that wait to be opened, and those that are.
    requests: Vec<RequestId>,
    dialled: Vec<RequestId>,
    websockets: Vec<RequestId>,
    /// All ids there ever were.
    ids: BTreeSet<RequestId>,
    acks: Vec<AckTicket>,
    auths: Vec<AuthTicket>,
    dials: Vec<DialTicket>,
    entries: Vec<EntryTicket>,
    asked: BTreeSet<u64>,
    /// Those who wait for what was emitted to have left.
    waiting: BTreeSet<u64>,
    tokens: u64,
    connected: BTreeSet<SocketKey>,
    closed: bool,
}

const OPEN: &str =
    r#"0{"sid":"s","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":60}"#;

/// What a server may say, lawful or not.
const TEXTS: [&str; 30] = [
    "40",
    r#"40{"sid":"a"}"#,
    r#"40{"sid":"a","pid":"p"}"#,
    r#"40/b,{"sid":"b"}"#,
    "40/b,",
    "41",
    "41/b,",
    r#"42["e",1]"#,
    r#"42["e","offset"]"#,
    r#"427["ask"]"#,
    r#"42/b,8["ask",{"x":1}]"#,
    "430[]",
    "431[1]",
    "43/b,0[]",
    r#"44{"message":"no","data":1}"#,
    r#"44"no""#,
    r#"44/b,{"message":"no"}"#,
    "44/b,[1]",
    r#"451-["e",{"_placeholder":true,"num":0}]"#,
    r#"461-0[{"_placeholder":true,"num":0}]"#,
    "2",
    "3",
    "3probe",
    "6",
    "1",
    "5",
    "bAQI=",
    "b4AQI=",
    "42",
    "4x",
];

pub(crate) fn run(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else {
        return;
    };
    let mut config = match first & 1 {
        0 => Config::v4(),
        _ => Config::v2(),
    };
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(400));
    backoff.attempts = (first & 2 != 0).then_some(3);
    config.reconnection = Some(backoff);
    config.ask_before_dial = first & 4 != 0;
    config.cookies = first & 8 != 0;
    config.offline = match first >> 4 & 3 {
        0 => OfflinePolicy::Refuse,
        1 => OfflinePolicy::DropOldest,
        2 => OfflinePolicy::DropNewest,
        _ => OfflinePolicy::Off,
    };
    config.max_backlog_bytes = 100;
    config.max_offline_bytes = 100;
    config.max_offline_packets = 4;
    config.max_pending_acks = 3;
    config.max_waiting_bytes = 450;
    config.max_namespaces = 3;
    config.max_packets_per_payload = 8;
    config.max_message_bytes = 500;
    let (polling, websocket) = (TransportKind::Polling, TransportKind::WebSocket);
    let transports = match first >> 6 {
        0 => vec![websocket, polling],
        1 => vec![polling, websocket],
        2 => vec![websocket],
        _ => vec![polling],
    };
    let (dial, _) = Dial::parse("http://h/?q=1").expect("it is one");
    let config = Arc::new(config);
    let client = Connection::new(config.clone(), dial.transports(transports), [first; 16]);
    let mut world = World {
        input: rest,
        client: client.expect("it is sound"),
        config,
        now: Instant::ORIGIN,
        sockets: Vec::new(),
        requests: Vec::new(),
        dialled: Vec::new(),
        websockets: Vec::new(),
        ids: BTreeSet::new(),
        acks: Vec::new(),
        auths: Vec::new(),
        dials: Vec::new(),
        entries: Vec::new(),
        asked: BTreeSet::new(),
        waiting: BTreeSet::new(),
        tokens: 0,
        connected: BTreeSet::new(),
        closed: false,
    };
    for (name, auth) in [
        ("/", Auth::None),
        ("/b", Auth::Asked),
        ("/c", Auth::Value(Value::from_iter([("a", 1)]))),
    ] {
        let socket = world.client.socket(name, auth).expect("there is room");
        world.sockets.push(socket);
    }
    assert_eq!(world.client.socket("/d", Auth::None), None, "bounds");
    world.client.open(world.now, world.sockets[0]);
    while let Some(what) = world.byte() {
        world.step(what);
        // Outputs may be drained late: several inputs in a row are legal.
        if what & 0x80 == 0 {
            world.drain();
        }
    }
    world.drain();
    world.end();
}

impl World<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*first)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % end.max(1)
    }

    fn socket(&mut self) -> SocketKey {
        let at = self.below(self.sockets.len());
        self.sockets[at]
    }

    fn step(&mut self, what: u8) {
        match what & 0x1f {
            0..=3 => self.server_speaks(),
            4..=6 => self.server_answers(),
            7 => self.websocket_opens(),
            8 => self.websocket_ends(),
            9..=11 => self.time_passes(),
            12..=14 => self.emit(),
            15..=17 => self.ask(),
            18 => {
                let socket = self.socket();
                self.client.open(self.now, socket);
            }
            19 => {
                let socket = self.socket();
                self.client.leave(self.now, socket);
            }
            20 => self.retry(),
            21 => self.answer(),
            22 => match self.below(4) {
                0 => self.client.handle_network(self.now, Network::Offline),
                1 => self.client.handle_network(self.now, Network::Online),
                2 => self.client.handle_network(self.now, Network::Changed),
                _ => self.client.check(self.now),
            },
            23 => match self.below(3) {
                0 => self.client.suspend(self.now),
                1 => self.client.resume(self.now),
                _ => self.client.reconnect_now(self.now),
            },
            24 => {
                let gap = Duration::from_millis(self.below(256) as u64 * 4);
                self.client.handle_suspended(self.now, gap);
            }
            25 => self.writing(),
            26 => self.same(),
            27 => {
                let socket = self.socket();
                match self.below(2) {
                    0 => self.client.clear_offline(socket),
                    _ => self.client.clear_retries(socket),
                }
            }
            28 if self.below(16) == 0 => self.client.close(self.now),
            29 => self.flush(),
            30 => self.first_word(),
            _ => self.server_speaks(),
        }
    }

    /// Some text, one of the usual ones or what stands in the input.
    fn text(&mut self) -> String {
        match self.below(40) {
            at if at < TEXTS.len() => TEXTS[at].to_owned(),
            at if at < TEXTS.len() + 4 => OPEN.to_owned(),
            _ => {
                let length = self.below(24).min(self.input.len());
                let (text, rest) = self.input.split_at(length);
                self.input = rest;
                String::from_utf8_lossy(text).into_owned()
            }
        }
    }

    fn server_speaks(&mut self) {
        let Some(id) = pick(&self.websockets, self.input) else {
            return self.server_answers();
        };
        let frame = match self.below(8) {
            0 => Message::Binary(Bytes::from_static(&[4, 1, 2])),
            _ => Message::Text(self.text().into()),
        };
        self.client.handle_ws(self.now, id, frame);
    }

    fn server_answers(&mut self) {
        let Some(id) = pick(&self.requests, self.input) else {
            return self.websocket_opens();
        };
        self.requests.retain(|it| *it != id);
        if self.below(16) == 0 {
            let failed = Err(Failure::Tcp);
            return self.client.handle_response(self.now, id, failed, None);
        }
        let count = 1 + self.below(3);
        let texts: Vec<_> = (0..count).map(|_| self.text()).collect();
        let body = match self.config.revision.number() {
            4 => texts.join("\u{1e}"),
            _ => texts
                .iter()
                .map(|text| format!("{}:{text}", text.encode_utf16().count()))
                .collect(),
        };
        let mut response = Response::new(Bytes::from(body));
        if self.below(16) == 0 {
            *response.status_mut() = http::StatusCode::BAD_REQUEST;
        }
        let cookie = HeaderValue::from_static("a=1; Max-Age=1");
        response.headers_mut().insert("set-cookie", cookie);
        self.client
            .handle_response(self.now, id, Ok(response), None);
    }

    fn websocket_opens(&mut self) {
        let Some(id) = pick(&self.dialled, self.input) else {
            return;
        };
        self.dialled.retain(|it| *it != id);
        if self.below(4) == 0 {
            let failed = Err(Failure::WebSocket);
            return self.client.handle_ws_open(self.now, id, failed);
        }
        self.websockets.push(id);
        self.client.handle_ws_open(self.now, id, Ok(()));
        if self.below(4) != 0 {
            self.client.handle_ws(self.now, id, OPEN.into());
        }
    }

    fn websocket_ends(&mut self) {
        if let Some(id) = pick(&self.websockets, self.input) {
            self.websockets.retain(|it| *it != id);
            let cause = match self.below(3) {
                0 => WsClosed::Closed,
                1 => WsClosed::Lost,
                _ => WsClosed::Violation,
            };
            self.client.handle_ws_closed(self.now, id, cause);
        }
    }

    fn time_passes(&mut self) {
        self.now = match self.below(4) {
            0 => self.now + Duration::from_millis(self.below(256) as u64 * 10),
            _ => match self.client.poll_timeout() {
                Some(due) => self.now.max(due.at),
                None => self.now,
            },
        };
        self.client.handle_timeout(self.now);
        let due = self.client.poll_timeout();
        assert!(due.is_none_or(|due| due.at > self.now), "pace: {due:?}");
    }

    fn emit(&mut self) {
        let socket = self.socket();
        let name = self.client.namespace(socket).expect("it is there").clone();
        let packet = match self.below(3) {
            0 => packet::event(&name, None, "e", &(Bytes::from_static(&[1; 20]),)),
            _ => packet::event(&name, None, "e", "12345678"),
        };
        let flags = Flags {
            volatile: self.below(3) == 0,
            ..Flags::default()
        };
        let packet = packet.expect("it can be written");
        let sent = self.client.emit(self.now, socket, packet, flags);
        assert!(!self.closed || sent == Sent::Closed);
    }

    fn flush(&mut self) {
        let socket = self.socket();
        self.tokens += 1;
        let token = self.tokens;
        if let Ok(None) = self.client.flush(self.now, socket, token) {
            self.waiting.insert(token);
        }
    }

    /// A socket has one from now on, or not; or it is said, by a ticket that may be an old one; or not waited for.
    fn first_word(&mut self) {
        match self.below(4) {
            0 => {
                let (socket, yes) = (self.socket(), self.below(4) != 0);
                return self.client.ask_first(socket, yes);
            }
            1 => {
                if let Some(ticket) = self.entries.pop() {
                    self.client.entered(self.now, ticket);
                }
                return;
            }
            _ => {}
        }
        let Some(ticket) = self.entries.last() else {
            return;
        };
        let socket = ticket.socket();
        let name = self.client.namespace(socket).expect("it is there").clone();
        let Some(id) = self.client.draw_ack_id(socket) else {
            return;
        };
        let packet = packet::event(&name, Some(id), "first", "1").expect("it can be written");
        let flags = Flags::default();
        self.tokens += 1;
        let token = self.tokens;
        let asked = self
            .client
            .request_first(self.now, ticket, id, packet, flags, token, None);
        if asked.is_ok() {
            self.asked.insert(token);
        }
    }

    fn ask(&mut self) {
        let socket = self.socket();
        let name = self.client.namespace(socket).expect("it is there").clone();
        let id = self.client.draw_ack_id(socket).expect("it is there");
        let packet = packet::event(&name, Some(id), "q", &()).expect("it can be written");
        self.tokens += 1;
        let token = self.tokens;
        let wait = Some(Duration::from_millis(self.below(100) as u64 * 10));
        let flags = Flags::default();
        match self
            .client
            .request(self.now, socket, id, packet, flags, token, wait)
        {
            Ok(()) => assert!(self.asked.insert(token)),
            Err((_, back)) => assert_eq!(back, token),
        }
    }

    fn retry(&mut self) {
        let socket = self.socket();
        self.tokens += 1;
        let (token, retries) = (self.tokens, self.below(3) as u32);
        let args = Args::from_json("[1]", Vec::new()).expect("JSON");
        match self
            .client
            .retry(self.now, socket, "r".into(), &args, retries, token)
        {
            Ok(()) => assert!(self.asked.insert(token)),
            Err((_, back)) => assert_eq!(back, token),
        }
    }

    /// Something that waits for an answer of the application gets it.
    fn answer(&mut self) {
        if let Some(ticket) = self.dials.pop() {
            let (there, _) = Dial::parse("https://there/").expect("it is one");
            let dial = (self.below(8) != 0).then_some(there);
            self.client.answer_dial(self.now, ticket, dial);
        } else if let Some(ticket) = self.auths.pop() {
            let auth = match self.below(4) {
                0 => Err(Unavailable),
                1 => Ok(Some("no object".into())),
                _ => Ok(Some(Value::from_iter([("t", 1)]))),
            };
            self.client.answer_auth(self.now, ticket, auth);
        } else if let Some(ticket) = self.acks.pop() {
            let packet = packet::ack("/", ticket.id(), &true).expect("it can be written");
            let _ = self.client.respond(self.now, &ticket, packet);
        }
    }

    fn writing(&mut self) {
        if let Some(id) = pick(&self.websockets, self.input) {
            match self.below(3) {
                0 => self.client.handle_ws_progress(self.now, id),
                1 => self.client.handle_ws_flushed(self.now, id),
                _ => self.client.handle_ws_pong(self.now, id),
            }
        }
    }

    /// A copy does what the client does.
    fn same(&mut self) {
        let mut copy = self.client.clone();
        let digest = |client: &Connection<u64>| {
            let mut state = DefaultHasher::new();
            client.digest(&mut state);
            state.finish()
        };
        copy.handle_timeout(self.now);
        self.client.handle_timeout(self.now);
        assert_eq!(digest(&copy), digest(&self.client), "same");
    }

    fn drain(&mut self) {
        let mut turns = 0;
        loop {
            turns += 1;
            assert!(turns < 1000, "pace: it never comes to rest");
            let mut idle = true;
            while let Some(event) = self.client.poll_event() {
                idle = false;
                self.hear(event);
            }
            while let Some(work) = self.client.poll_work() {
                idle = false;
                match work {
                    Work::Request { id, request } => {
                        assert!(self.ids.insert(id), "answer: ids are drawn once");
                        assert!(request.body().len() <= 500, "bounds");
                        self.requests.push(id);
                    }
                    Work::OpenWebSocket { id, .. } => {
                        assert!(self.ids.insert(id), "answer: ids are drawn once");
                        self.dialled.push(id);
                    }
                    Work::Abort(id) => {
                        for all in [&mut self.requests, &mut self.dialled, &mut self.websockets] {
                            all.retain(|it| *it != id);
                        }
                    }
                    _ => {}
                }
            }
            assert!(self.requests.len() <= 2 * 6, "bounds: {:?}", self.requests);
            for id in self.websockets.clone() {
                while let Some(out) = self.client.poll_ws(id) {
                    idle = false;
                    if let WsOut::Close(_) = out {
                        self.websockets.retain(|it| *it != id);
                    }
                }
            }
            if idle {
                break;
            }
        }
        for socket in &self.sockets {
            let state = self.client.state(*socket).expect("it is there");
            assert!(state.acks <= 3 + 1, "bounds: {state:?}");
            // What was not given to a transport had its place before.
            assert!(state.offline.1 <= 2 * 100 + 60, "bounds: {state:?}");
            assert_eq!(state.connected, self.connected.contains(socket), "life");
        }
    }

    fn hear(&mut self, event: Event<u64>) {
        assert!(!self.closed, "life: nothing comes behind the last");
        match event {
            Event::DialWanted { ticket, .. } => self.dials.push(ticket),
            Event::AuthWanted { ticket } => self.auths.push(ticket),
            Event::Connected { socket, .. } => assert!(self.connected.insert(socket), "life"),
            Event::Disconnected { socket, .. } => assert!(self.connected.remove(&socket), "life"),
            Event::Message { ack, .. } => self.acks.extend(ack),
            Event::Acked { token, .. } => assert!(self.asked.remove(&token), "ack: once"),
            Event::Flushed { token, .. } => assert!(self.waiting.remove(&token), "flush: once"),
            Event::Entering { ticket, .. } => self.entries.push(ticket),
            Event::Closed => self.closed = true,
            _ => {}
        }
    }

    /// However it stands: it can be closed, and nothing is left.
    fn end(&mut self) {
        self.client.close(self.now);
        self.drain();
        self.now += self.config.close_timeout;
        self.client.handle_timeout(self.now);
        self.drain();
        self.now += Duration::from_secs(10);
        self.client.handle_timeout(self.now);
        self.drain();
        assert!(
            self.closed && self.client.status() == Status::Closed,
            "rest"
        );
        assert_eq!(self.client.poll_timeout(), None, "rest");
        assert!(self.asked.is_empty(), "ack: {:?}", self.asked);
        assert!(self.waiting.is_empty(), "flush: {:?}", self.waiting);
        assert!(self.connected.is_empty(), "life");
    }
}

/// One of them, by what comes next in the input, which is not used up.
fn pick(all: &[RequestId], input: &[u8]) -> Option<RequestId> {
    let at = usize::from(input.first().copied().unwrap_or(0));
    all.get(at % all.len().max(1)).copied()
}
