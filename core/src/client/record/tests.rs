//! Clients that are told anything, recorded and played again.

mod parser;
mod redacted;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::*;
use crate::client::{
    AckTicket, Auth, Backoff, Config, Dial, DialTicket, EntryTicket, Event, Failure, Network,
    Unavailable, Work,
};
use crate::digest;
use crate::engine::{Eio, Flags, TransportKind, WsClosed};
use crate::id::RequestId;
use crate::message::Message;
use crate::packet::{self, Args, Codec};
use crate::record::input::Told;
use crate::socket::SocketKey;
use crate::time::Instant;

/// Numbers that follow from a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64) as usize;
        all[at].clone()
    }
}

const FAILURES: &[Failure] = &[
    Failure::Dns,
    Failure::Tcp,
    Failure::Tls,
    Failure::Proxy,
    Failure::WebSocket,
    Failure::Protocol,
    Failure::Timeout,
    Failure::Closed,
];

const OPEN: &str = "0{\"sid\":\"secret-1\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\
                    \"pingTimeout\":20000,\"maxPayload\":1000}";

const SAID: &[&str] = &[
    "40{\"sid\":\"secret\",\"pid\":\"secretsecret1\"}",
    "40{\"sid\":\"secret\",\"pid\":\"secretsecret2\"}",
    "40/admin,{\"sid\":\"secret\"}",
    "40",
    "40/admin",
    "41",
    "41/admin,",
    "42[\"say\",\"secret\",17,true,{\"secret\":\"\\u00e9\\n\"},\"secret-offset\"]",
    "427[\"ask\",\"gr\u{fc}\u{df} \u{2026} \u{1d11e}\"]",
    "42/admin,8[\"ask\"]",
    "430[\"secret\"]",
    "431[1,\"secret\"]",
    "451-[\"file\",{\"_placeholder\":true,\"num\":0}]",
    "44{\"message\":\"secret\",\"data\":{\"secret\":17}}",
    "44/admin,{\"message\":\"secret\"}",
    "44\"secret\"",
    "42[\"broken\",\"secret",
    "2",
    "3",
    "3probe",
    "1",
    "6",
    "b4AAEC",
    "secret",
    OPEN,
];

/// A client that was told things, and what it waits for.
struct Talk {
    client: Taped<u64>,
    draws: Draws,
    now: Instant,
    revision: Eio,
    sockets: Vec<SocketKey>,
    requests: Vec<RequestId>,
    dialled: Vec<RequestId>,
    wires: Vec<RequestId>,
    dials: Vec<DialTicket>,
    auths: Vec<crate::client::AuthTicket>,
    entries: Vec<EntryTicket>,
    acks: Vec<AckTicket>,
}

impl Talk {
    fn new(seed: u64, most: usize) -> Self {
        let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..4 {
            draws.below(2);
        }
        let mut config = match draws.below(3) {
            0 => Config::v2(),
            _ => Config::v4(),
        };
        config.cookies = true;
        config.ask_before_dial = draws.below(4) == 0;
        config.max_pending_acks = draws.of(&[2, 1_024]);
        config.max_offline_packets = draws.of(&[2, 1_024]);
        config.reconnection = Some(Backoff::new(
            Duration::from_millis(200),
            Duration::from_secs(1),
        ));
        let (polling, websocket) = (TransportKind::Polling, TransportKind::WebSocket);
        let ways = draws.of(&[
            vec![polling, websocket],
            vec![websocket, polling],
            vec![polling],
        ]);
        let (mut dial, _) = Dial::parse("https://secret.example:81/?token=secret%20x").unwrap();
        dial.transports = ways;
        let header = HeaderValue::from_static("Bearer secret");
        dial.headers.insert(header::AUTHORIZATION, header);
        let (revision, now) = (config.revision, Instant::from_nanos(5_000));
        let mut client = Taped::recorded(now, Arc::new(config), dial, [7; 16], most).unwrap();
        let auth: packet::Value = Args::from_json("[{\"token\":\"secret\",\"n\":1.5}]", Vec::new())
            .unwrap()
            .get(0)
            .unwrap();
        let auths = draws.of(&[Auth::Asked, Auth::Value(auth), Auth::None]);
        let sockets = ["/", "/admin"].map(|name| client.socket(name, auths.clone()).unwrap());
        for socket in sockets {
            client.ask_first(socket, draws.below(3) == 0);
            client.open(now, socket);
        }
        Self {
            client,
            draws,
            now,
            revision,
            sockets: sockets.to_vec(),
            requests: Vec::new(),
            dialled: Vec::new(),
            wires: Vec::new(),
            dials: Vec::new(),
            auths: Vec::new(),
            entries: Vec::new(),
            acks: Vec::new(),
        }
    }

    fn run(mut self, steps: usize) -> Self {
        for _ in 0..steps {
            let wait = self.draws.of(&[0, 0, 1, 1_000_000, 700_000_000]);
            self.now += Duration::from_nanos(wait);
            self.tell();
            if self.draws.below(3) > 0 {
                self.drain();
            }
        }
        self.drain();
        self
    }

    fn tell(&mut self) {
        match self.draws.below(16) {
            0..=4 => self.answer(),
            5..=7 => self.hear(),
            8 => self.decide(),
            9 => {
                self.now += Duration::from_millis(300);
                self.client.handle_timeout(self.now);
            }
            10 => self.disturb(),
            _ => self.say(),
        }
    }

    /// What a server sends, as a body of a response.
    fn body(&mut self) -> Bytes {
        let text = match self.draws.below(3) {
            0 => OPEN,
            _ => self.draws.of(SAID),
        };
        match (self.revision, self.draws.below(2)) {
            (Eio::V4, _) => format!("{text}\u{1e}42[\"also\",\"secret\"]").into(),
            (Eio::V3, 0) => {
                let units: usize = text.chars().map(char::len_utf16).sum();
                format!("{units}:{text}1:2").into()
            }
            (Eio::V3, _) => {
                let mut body = vec![0, 9, 0xff];
                body.extend_from_slice(b"42[\"say\"]");
                body.extend_from_slice(&[1, 4, 0xff, 4, 1, 2, 3]);
                body.into()
            }
        }
    }

    fn answer(&mut self) {
        let now = self.now;
        if let Some(id) = self.dialled.pop() {
            let opened = match self.draws.below(5) {
                0 => Err(self.draws.of(FAILURES)),
                1 => Err(Failure::refused(
                    StatusCode::BAD_REQUEST,
                    b"{\"code\":1,\"message\":\"secret\"}",
                )),
                _ => Ok(()),
            };
            if opened.is_ok() {
                self.wires.push(id);
            }
            return self.client.handle_ws_open(now, id, opened);
        }
        let Some(id) = self.requests.pop() else {
            return;
        };
        let mut response = Response::new(self.body());
        let headers = response.headers_mut();
        let said = HeaderValue::from_bytes(b"secret\xff").unwrap();
        headers.insert(header::WARNING, said);
        let cookie = HeaderValue::from_static("name=secret; Max-Age=1; Path=/secret");
        headers.insert(header::SET_COOKIE, cookie);
        if response.body().first() == Some(&0) {
            let binary = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(header::CONTENT_TYPE, binary);
        }
        let response = match self.draws.below(9) {
            0 => Err(Failure::Closed),
            1 => {
                *response.status_mut() = StatusCode::BAD_REQUEST;
                *response.body_mut() = Bytes::from_static(b"{\"code\":1,\"message\":\"secret\"}");
                Ok(response)
            }
            _ => Ok(response),
        };
        let wall = Some(Duration::from_secs(1_795_946_400));
        self.client.handle_response(now, id, response, wall);
    }

    fn hear(&mut self) {
        let Some(id) = self.wires.last().copied() else {
            return self.answer();
        };
        let now = self.now;
        match self.draws.below(24) {
            0 => self.client.handle_ws_pong(now, id),
            1 => self.client.handle_ws_progress(now, id),
            2..=5 => self.client.handle_ws_flushed(now, id),
            6 => {
                self.wires.pop();
                self.client.handle_ws_closed(now, id, WsClosed::Lost);
            }
            7 => {
                let bytes = Message::Binary(Bytes::from_static(b"\x04secret"));
                self.client.handle_ws(now, id, bytes);
            }
            8..=12 => self.client.handle_ws(now, id, OPEN.into()),
            // Who is in, is asked, and is told of an error.
            13..=17 => {
                let said: &[&str] = match self.revision {
                    Eio::V3 => &["40", "427[\"ask\"]", "44\"secret\"", "44{\"secret\":1}"],
                    Eio::V4 => &["40{\"sid\":\"secret\"}", "427[\"ask\"]"],
                };
                let text = self.draws.of(said);
                self.client.handle_ws(now, id, text.into());
            }
            _ => {
                let text = self.draws.of(SAID);
                self.client.handle_ws(now, id, text.into());
            }
        }
    }

    fn decide(&mut self) {
        let now = self.now;
        if let Some(ticket) = self.dials.pop() {
            let dial = Dial::parse("http://other.secret/?token=secret").unwrap().0;
            let dial = Some(dial).filter(|_| self.draws.below(8) > 0);
            self.client.answer_dial(now, ticket, dial);
        }
        if let Some(ticket) = self.auths.pop() {
            let auth = match self.draws.below(5) {
                0 => Err(Unavailable),
                1 => Ok(None),
                // No object.
                2 => Ok(Some("secret".into())),
                _ => Args::from_json("[{\"token\":\"secret\"}]", Vec::new())
                    .unwrap()
                    .get(0)
                    .map(Some)
                    .map_err(|_| Unavailable),
            };
            self.client.answer_auth(now, ticket, auth);
        }
        if let Some(ticket) = self.entries.pop() {
            let socket = ticket.socket();
            let flags = Flags::default();
            if self.draws.below(2) == 0 {
                let packet = packet::event("/", None, "first", &"secret").unwrap();
                let _ = self.client.emit_first(now, &ticket, packet, flags);
            } else if let Some(id) = self.client.draw_ack_id(socket) {
                let packet = packet::event("/", Some(id), "first", &"secret").unwrap();
                let _ = (self.client).request_first(now, &ticket, id, packet, flags, id, None);
            }
            self.client.entered(now, ticket);
        }
        if let Some(ticket) = self.acks.pop() {
            let packet = packet::ack("/", ticket.id(), &"secret").unwrap();
            let _ = self.client.respond(now, &ticket, packet);
        }
    }

    fn disturb(&mut self) {
        let (now, socket) = (self.now, self.sockets[0]);
        match self.draws.below(16) {
            0 => self.client.handle_suspended(now, Duration::from_millis(70)),
            1 => self.client.suspend(now),
            2 | 3 => self.client.resume(now),
            4 => self.client.reconnect_now(now),
            5 => {
                let all = [Network::Offline, Network::Online, Network::Changed];
                self.client.handle_network(now, self.draws.of(&all));
            }
            6 => self.client.end_session(now),
            7 => self.client.check(now),
            8 => self.client.clear_offline(socket),
            9 => self.client.clear_retries(socket),
            10 => self.client.set_auth(socket, Auth::None),
            11 => drop(self.client.take_forsaken(|token| token % 2 == 0)),
            12 if self.draws.below(4) == 0 => self.client.close(now),
            13 => self.client.leave(now, socket),
            14 => self.client.shrink(),
            _ => self
                .sockets
                .iter()
                .for_each(|it| self.client.open(now, *it)),
        }
    }

    fn say(&mut self) {
        let (now, socket) = (self.now, self.draws.of(&self.sockets));
        let flags = Flags {
            volatile: self.draws.below(4) == 0,
            ..Flags::default()
        };
        match self.draws.below(8) {
            0 | 1 => {
                let Some(id) = self.client.draw_ack_id(socket) else {
                    return;
                };
                let packet = packet::event("/", Some(id), "ask", &"secret").unwrap();
                let wait = self.draws.of(&[None, Some(Duration::from_millis(500))]);
                let _ = (self.client).request(now, socket, id, packet, flags, id, wait);
            }
            2 => {
                let mut args = Args::from_json("[\"secret\",17,{\"secret\":null}]", Vec::new());
                if self.draws.below(2) == 0 {
                    let file = vec![Bytes::from_static(b"secret")];
                    args = Args::from_json("[{\"_placeholder\":true,\"num\":0}]", file);
                }
                let name = "again".to_owned().into();
                let token = self.steps();
                let _ = (self.client).retry(now, socket, name, &args.unwrap(), 1, token);
            }
            3 => {
                let token = self.steps();
                let _ = self.client.flush(now, socket, token);
            }
            4 => {
                let file = Bytes::from_static(b"secret");
                let packet = packet::event("/", None, "file", &("secret", file)).unwrap();
                let _ = self.client.emit(now, socket, packet, flags);
            }
            _ => {
                let packet = packet::event("/", None, "say", &("secret", 17)).unwrap();
                let _ = self.client.emit(now, socket, packet, flags);
            }
        }
    }

    /// How many were written: the number of the next.
    fn steps(&self) -> u64 {
        Log::read(self.client.log()).map_or(0, |log| log.steps.len() as u64)
    }

    fn drain(&mut self) {
        while let Some(event) = self.client.poll_event() {
            if let Event::DialWanted { ticket, .. } = event {
                self.dials.push(ticket);
            } else if let Event::AuthWanted { ticket } = event {
                self.auths.push(ticket);
            } else if let Event::Entering { ticket, .. } = event {
                self.entries.push(ticket);
            } else if let Event::Message { ack, .. } = event {
                self.acks.extend(ack);
            }
        }
        while let Some(work) = self.client.poll_work() {
            match work {
                Work::Request { id, .. } => self.requests.push(id),
                Work::OpenWebSocket { id, .. } => self.dialled.push(id),
                Work::Abort(gone) => {
                    self.requests.retain(|id| *id != gone);
                    self.dialled.retain(|id| *id != gone);
                    self.wires.retain(|id| *id != gone);
                }
            }
        }
        for id in self.wires.clone() {
            for _ in 0..self.draws.of(&[0, 2, 100]) {
                if self.client.poll_ws(id).is_none() {
                    break;
                }
            }
        }
    }
}

const ROOM: usize = 1 << 20;

fn of(client: &crate::client::Connection<u64>) -> u64 {
    digest::of(|state| client.digest(state))
}

#[test]
fn what_was_recorded_plays_to_the_same_bytes_and_the_same_state() {
    let mut reached = [false; 38];
    for seed in 0..400 {
        let talk = Talk::new(seed, ROOM).run(120);
        let log = Log::read(talk.client.log()).unwrap();
        assert_eq!(log.write(), talk.client.log(), "seed {seed}");
        for step in &log.steps {
            reached[usize::from(step.input.number())] = true;
        }
        let mut replay = Replay::new(log).unwrap();
        assert_eq!(replay.finish(), Ok(()), "seed {seed}");
        assert_eq!(of(replay.client()), of(&talk.client), "seed {seed}");
    }
    let missing: Vec<_> = (0..).zip(reached).filter(|(_, it)| !it).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_replay_goes_backwards() {
    let talk = Talk::new(5, ROOM).run(200);
    let mut replay = Replay::new(Log::read(talk.client.log()).unwrap()).unwrap();
    let mut states = vec![of(replay.client())];
    while replay.forward().is_some() {
        states.push(of(replay.client()));
    }
    assert!(states.len() > 130, "{}", states.len());
    while replay.back() {
        assert_eq!(of(replay.client()), states[replay.position()]);
    }
    for position in [1, 129, 64, 63, states.len() - 1, 0] {
        replay.go_to(position);
        assert_eq!(of(replay.client()), states[position]);
    }
    replay.go_to(usize::MAX);
    assert_eq!(replay.position(), states.len() - 1);
}

#[test]
fn a_log_ends_where_there_is_no_more_room() {
    let whole = Talk::new(5, ROOM).run(60).client.log();
    for most in [whole.len() - 1, whole.len() / 2] {
        let mut cut = Talk::new(5, most).run(60);
        assert!(cut.client.is_full());
        let log = cut.client.take_log();
        assert!(log.len() <= most && whole.starts_with(&log));
        let mut replay = Replay::new(Log::read(log).unwrap()).unwrap();
        assert_eq!(replay.finish(), Ok(()));
    }
    let none = Talk::new(5, 3).run(60);
    assert!(none.client.is_full() && none.client.log().is_empty());
}

#[test]
fn one_that_is_not_recorded_does_the_same_and_writes_nothing() {
    let (config, dial) = (Config::v4(), Dial::parse("http://h/").unwrap().0);
    let client = crate::client::Connection::new(Arc::new(config), dial, [7; 16]).unwrap();
    let mut client: Taped<u64> = client.into();
    let socket = client.socket("/", Auth::None).unwrap();
    client.open(Instant::ORIGIN, socket);
    assert!(matches!(
        client.poll_work(),
        Some(Work::OpenWebSocket { .. })
    ));
    assert!(client.log().is_empty() && client.take_log().is_empty() && !client.is_full());
}

#[test]
fn a_log_that_was_tampered_with_is_an_error_or_another_client() {
    let log = Talk::new(5, ROOM).run(40).client.log();
    for at in 0..log.len() {
        let _ = Log::read(log[..at].to_vec());
        let mut other = log.clone();
        other[at] ^= 0x11;
        if let Ok(other) = Log::read(other)
            && let Ok(mut replay) = Replay::new(other)
        {
            let _ = replay.finish();
        }
    }
    let server = crate::record::Log::read(log.clone()).unwrap_err();
    assert_eq!(server, LogError::NotALog);
    let mut newer = log;
    newer[15] = 9;
    assert_eq!(Log::read(newer).unwrap_err(), LogError::Version(9));
}

#[test]
fn what_a_parser_of_the_application_wrote_needs_that_parser() {
    let log = Talk::new(5, ROOM).run(60).client.log();
    let mut log = Log::read(log).unwrap();
    log.head.parser = ParserKind::Own;
    let log = Log::read(log.write()).unwrap();
    let needs = LogError::Parser(ParserKind::Own);
    assert_eq!(Replay::new(log.clone()).unwrap_err(), needs);
    let opaque = LogError::Opaque(ParserKind::Own);
    assert_eq!(log.redact().unwrap_err(), opaque);
    let mut replay = Replay::with_codec(log, &Codec::default()).unwrap();
    assert_eq!(replay.finish(), Ok(()));
}

/// What waits to be told is told by both.
#[test]
fn a_copy_of_a_client_tells_the_same() {
    let mut told = 0;
    for seed in 0..200 {
        let mut talk = Talk::new(seed, ROOM).run(60);
        for _ in 0..6 {
            talk.now += Duration::from_millis(400);
            talk.tell();
        }
        let mut copy = talk.client.clone();
        while let Some(event) = talk.client.poll_event() {
            told += 1;
            assert_eq!(
                format!("{:?}", copy.poll_event()),
                format!("{:?}", Some(event))
            );
        }
        assert!(copy.poll_event().is_none(), "seed {seed}");
        assert_eq!(of(&copy), of(&talk.client), "seed {seed}");
    }
    assert!(told > 100, "{told}");
}

#[test]
fn a_log_says_how_its_client_began() {
    let talk = Talk::new(5, ROOM).run(60);
    let log = Log::read(talk.client.log()).unwrap();
    assert_eq!(log.began(), Instant::from_nanos(5_000));
    assert_eq!(
        (log.dial().host(), log.dial().port()),
        ("secret.example", 81)
    );
    assert_eq!(log.parser(), ParserKind::Text);
    assert_eq!(log.config().revision, talk.revision);
    let replay = Replay::new(log.clone()).unwrap();
    assert_eq!(replay.log().write(), log.write());
}
