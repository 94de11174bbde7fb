//! Connections that are told anything, recorded and played again.

mod given;
mod head;
mod redacted;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::input::Told;
use super::*;
use crate::config::{BacklogPolicy, Config, Cookie, SocketIds};
use crate::connection::Event;
use crate::digest;
use crate::engine::{Body, Close, Eio, Flags, Opened, Post, PostFailure, TransportKind, WsClosed};
use crate::id::{RequestId, Sid, SocketId};
use crate::message::Message;
use crate::packet::{self, Codec};
use crate::recovery::Pid;
use crate::socket::{self, AckTicket, Refusal, SocketKey};
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

const SAID: &[&str] = &[
    "40",
    "40{\"token\":\"secret\",\"n\":1.5e3}",
    "40/admin,{\"a\":[1,2,{\"b\":null}]}",
    "40/admin?who=secret,",
    "41",
    "42[\"say\",\"secret\",17,true,{\"secret\":\"\\u00e9\\n\"}]",
    "427[\"ask\",\"gr\u{fc}\u{df} \u{2026} \u{1d11e}\"]",
    "42/admin,8[\"ask\"]",
    "429[\"ask\",\"secret\"]",
    "431[\"secret\"]",
    "4312[1,\"secret\"]",
    "451-[\"file\",{\"_placeholder\":true,\"num\":0}]",
    "452-[\"files\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]",
    "42[\"disconnect\"]",
    "42[\"broken\",\"secret",
    "42{\"secret\":1}",
    "2",
    "3",
    "1",
    "5",
    "6",
    "2probe",
    "4secret",
    "44\"secret\"",
    "bAAEC",
    "b4AAEC",
    "secret",
    "",
];

/// A connection that was told `steps` things, and the sockets that it has.
struct Talk {
    connection: Recorded<u64>,
    draws: Draws,
    now: Instant,
    revision: Eio,
    asked: Vec<socket::ConnectTicket>,
    acks: Vec<AckTicket>,
    sockets: Vec<SocketKey>,
}

impl Talk {
    fn new(seed: u64, most: usize) -> Self {
        let mut draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..4 {
            draws.below(2);
        }
        let revision = draws.of(&[Eio::V3, Eio::V4]);
        let opened = Opened {
            transport: draws.of(&[TransportKind::Polling, TransportKind::WebSocket]),
            revision,
            base64: draws.below(4) == 0,
        };
        let mut config = Config::v4();
        config.allow_eio3 = true;
        config.max_backlog_packets = draws.of(&[3, 16_384]);
        config.max_pending_acks = draws.of(&[2, 1_024]);
        config.ping_interval = Duration::from_secs(draws.of(&[1, 25]));
        let binary = Message::Binary(Bytes::from_static(b"secret"));
        config.initial_packet = draws.of(&[None, Some(Message::from("secret")), Some(binary)]);
        config.cookie = draws.of(&[None, Some(Cookie::default())]);
        config.socket_ids = draws.of(&[SocketIds::PerNamespace, SocketIds::FromConnection]);
        let (sid, now) = (Sid::from_random([7; 15]), Instant::from_nanos(5_000));
        let codec = Codec::default();
        Self {
            connection: Recorded::open(now, sid, opened, Arc::new(config), &codec, most),
            draws,
            now,
            revision,
            asked: Vec::new(),
            acks: Vec::new(),
            sockets: Vec::new(),
        }
    }

    fn run(mut self, steps: usize) -> Self {
        for _ in 0..steps {
            let wait = self.draws.of(&[0, 0, 1, 1_000_000, 700_000_000]);
            self.now += Duration::from_nanos(wait);
            if self.draws.below(16) == 0 {
                // A clock that is told late.
                self.now -= Duration::from_nanos(1);
            }
            self.tell();
            if self.draws.below(3) > 0 {
                self.drain();
            }
        }
        self.drain();
        // What was told before is written with it.
        self.connection.reached();
        self
    }

    fn tell(&mut self) {
        let now = self.now;
        let text = self.draws.of(SAID);
        match self.draws.below(20) {
            0 | 1 => {
                let id = RequestId(self.draws.below(5));
                self.connection.handle_poll(now, id, self.revision);
            }
            2 | 3 => {
                let post = self.post(text);
                let id = RequestId(self.draws.below(5));
                self.connection.handle_post(now, id, self.revision, post);
            }
            4..=7 => {
                let frame = match self.draws.below(4) {
                    0 => Message::Binary(Bytes::from_static(b"\x04secret")),
                    _ => Message::from(text),
                };
                self.connection.handle_ws(now, frame);
            }
            8 => {
                let base64 = self.draws.below(4) == 0;
                self.connection.handle_ws_open(now, self.revision, base64);
            }
            9 => self.connection.handle_ws_flushed(now),
            10 => self.connection.handle_ws_progress(now),
            11 => {
                self.connection.handle_late(now);
                self.connection.handle_timeout(now);
            }
            12 => {
                let (unwritten, paused) = (self.draws.below(3), self.draws.below(2) == 0);
                self.connection.handle_unwritten(now, unwritten as usize);
                self.connection.pause(now, paused);
            }
            13 if self.draws.below(8) == 0 => self.end(),
            14 => self.watch(),
            _ => self.say(),
        }
    }

    fn watch(&mut self) {
        match self.draws.below(8) {
            0 => self.connection.observe(),
            1 | 2 => drop(self.connection.poll_seen()),
            3..=5 => {
                let _ = self.connection.follow();
            }
            _ => {
                let _ = self.connection.reached();
            }
        }
    }

    fn end(&mut self) {
        let now = self.now;
        match self.draws.below(7) {
            0 => self.connection.handle_aborted(now, RequestId(1)),
            1 => self.connection.handle_ws_closed(now, WsClosed::Lost),
            2 => self.connection.close(now, Close::Flush),
            3 => self.connection.shut_down(now),
            4 => self.connection.disconnect_all(now),
            5 => self.connection.handle_answer_lost(now),
            _ => self
                .connection
                .fail(now, crate::engine::CloseReason::TransportError),
        }
    }

    fn post(&mut self, text: &str) -> Post {
        let body = match (self.revision, self.draws.below(2)) {
            (Eio::V4, _) => Body::Separated(format!("{text}\u{1e}42[\"also\",\"secret\"]").into()),
            (Eio::V3, 0) => {
                let units: usize = text.chars().map(char::len_utf16).sum();
                Body::Counted(format!("{units}:{text}1:2").into())
            }
            (Eio::V3, _) => {
                let mut body = vec![0, 9, 0xff];
                body.extend_from_slice(b"42[\"say\"]");
                body.extend_from_slice(&[1, 4, 0xff, 4, 1, 2, 3]);
                Body::Binary(body.into())
            }
        };
        match self.draws.below(6) {
            0 => Post::Begun,
            1 => Post::End(Ok(body)),
            2 => Post::Whole(Err(PostFailure::NotUtf8)),
            _ => Post::Whole(Ok(body)),
        }
    }

    fn say(&mut self) {
        let now = self.now;
        let Some(socket) = self.sockets.last().copied() else {
            return;
        };
        let args = ("secret", 17, Bytes::from_static(b"secret"));
        let packet = match self.draws.below(3) {
            0 => packet::event("/", None, "said", &"secret").unwrap(),
            1 => {
                let times = self.draws.of(&[17, 30, 900, 3_000]);
                packet::event("/", None, "said", &"secret".repeat(times)).unwrap()
            }
            _ => packet::event("/", None, "said", &args)
                .unwrap()
                .named("/", "said"),
        };
        let flags = Flags {
            volatile: self.draws.below(2) == 0,
            latest: self.draws.below(2) == 0,
            policy: self.draws.of(&[
                None,
                Some(BacklogPolicy::Close),
                Some(BacklogPolicy::Refuse),
                Some(BacklogPolicy::DropVolatile),
            ]),
            ..Flags::default()
        };
        match self.draws.below(8) {
            0 => {
                let id = self.draws.below(4) * 2 + 1;
                let packet = packet::event("/", Some(id), "ask", &"secret").unwrap();
                let timeout = Some(Duration::from_millis(5));
                let _ = self
                    .connection
                    .request(now, socket, id, packet, flags, id, timeout);
            }
            1 => {
                if let Some(ticket) = self.acks.pop() {
                    let packet = packet::ack("/", ticket.id(), &"secret").unwrap();
                    let _ = self.connection.respond(now, ticket, packet);
                }
            }
            2 => {
                let data = self.draws.of(&[
                    Message::from("secret"),
                    Message::Binary(Bytes::from_static(b"secret")),
                ]);
                let _ = self.connection.send(now, &data, flags);
            }
            3 if self.draws.below(4) == 0 => self.connection.disconnect(now, socket),
            4 if self.draws.below(4) == 0 => self.connection.expel(now, socket),
            5 if self.draws.below(8) == 0 => self.connection.supersede(now, socket),
            6 if self.connection.is_clear(socket) => {
                self.connection.passed(now, &[packet.clone(), packet]);
            }
            _ => {
                let _ = self.connection.deliver(now, socket, packet, flags);
            }
        }
    }

    fn decide(&mut self, ticket: socket::ConnectTicket) {
        let computed = SocketId::computed("/admin", self.connection.sid());
        let id = self.draws.of(&[SocketId::from_random([3; 15]), computed]);
        let now = self.now;
        let accepted = match self.draws.below(5) {
            4 => {
                let refusal = Refusal::invalid_namespace();
                self.connection.reject(now, ticket, &refusal);
                None
            }
            0 => {
                let refusal = Refusal::new("secret").data(serde_json::json!({"secret": 17}));
                self.connection.reject(now, ticket, &refusal);
                None
            }
            1 => {
                let pid = Pid::from_random([9; 15]);
                let missed = vec![packet::event("/", None, "missed", &"secret").unwrap()];
                self.connection
                    .accept_recoverable(now, ticket, &id, &pid, missed)
            }
            _ => self.connection.accept(now, ticket, &id),
        };
        self.sockets.extend(accepted);
    }

    fn drain(&mut self) {
        while let Some(event) = self.connection.poll_event(self.now) {
            if let Event::Socket(event) = event {
                match event {
                    socket::Event::Connecting { ticket, .. } => self.asked.push(ticket),
                    socket::Event::Message { ack, .. } => self.acks.extend(ack),
                    socket::Event::Undecided { .. }
                    | socket::Event::Error { .. }
                    | socket::Event::Acked { .. }
                    | socket::Event::Disconnecting { .. }
                    | socket::Event::Disconnected { .. } => {}
                }
            }
            while self.draws.below(3) > 0
                && let Some(ticket) = self.asked.pop()
            {
                self.decide(ticket);
            }
        }
        while self.connection.poll_http().is_some() {}
        let room = self.draws.of(&[0, 2, 100]);
        for _ in 0..room {
            if self.connection.poll_ws().is_none() {
                break;
            }
        }
    }
}

const ROOM: usize = 1 << 20;

fn of(connection: &crate::connection::Connection<u64>) -> u64 {
    digest::of(|state| connection.digest(state))
}

#[test]
fn what_was_recorded_plays_to_the_same_bytes_and_the_same_state() {
    let mut reached = [false; 35];
    for seed in 0..400 {
        let talk = Talk::new(seed, ROOM).run(60);
        let log = Log::read(talk.connection.log()).unwrap();
        assert_eq!(log.write(), talk.connection.log(), "seed {seed}");
        for step in &log.steps {
            reached[usize::from(step.input.number())] = true;
        }
        let mut replay = Replay::new(log).unwrap();
        assert_eq!(replay.finish(), Ok(()), "seed {seed}");
        assert_eq!(of(replay.connection()), of(&talk.connection), "seed {seed}");
    }
    assert!(reached.iter().all(|it| *it), "{reached:?}");
}

#[test]
fn a_replay_goes_backwards() {
    let talk = Talk::new(5, ROOM).run(200);
    let log = Log::read(talk.connection.log()).unwrap();
    let mut replay = Replay::new(log).unwrap();
    let mut states = vec![of(replay.connection())];
    while replay.forward().is_some() {
        states.push(of(replay.connection()));
    }
    assert!(
        states.len() > 130,
        "over more than two states that are kept"
    );
    while replay.back() {
        assert_eq!(of(replay.connection()), states[replay.position()]);
    }
    for position in [1, 129, 64, 63, states.len() - 1, 0] {
        replay.go_to(position);
        assert_eq!(of(replay.connection()), states[position]);
    }
    replay.go_to(usize::MAX);
    assert_eq!(replay.position(), states.len() - 1);
}

#[test]
fn what_is_redacted_takes_the_same_way_and_says_nothing() {
    for seed in 0..400 {
        let talk = Talk::new(seed, ROOM).run(60);
        let log = Log::read(talk.connection.log()).unwrap();
        let redacted = log
            .redact()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert_eq!(redacted.steps.len(), log.steps.len());
        let bytes = redacted.write();
        for secret in [&b"secret"[..], log.sid().as_str().as_bytes()] {
            let at = memchr::memmem::find(&bytes, secret);
            assert_eq!(
                at,
                None,
                "seed {seed}: {:?}",
                String::from_utf8_lossy(&bytes)
            );
        }
        assert_eq!(bytes.len(), log.write().len(), "seed {seed}");
        let mut replay = Replay::new(Log::read(bytes).unwrap()).unwrap();
        assert_eq!(replay.finish(), Ok(()), "seed {seed}");
    }
}

#[test]
fn a_log_ends_where_there_is_no_more_room() {
    let whole = Talk::new(5, ROOM).run(60);
    let whole = whole.connection.log();
    let fits = Talk::new(5, whole.len()).run(60);
    assert!(!fits.connection.is_full());
    assert_eq!(fits.connection.log(), whole);
    for most in [whole.len() - 1, whole.len() / 2] {
        let mut cut = Talk::new(5, most).run(60);
        assert!(cut.connection.is_full());
        let log = cut.connection.take_log();
        assert!(log.len() <= most && whole.starts_with(&log));
        assert!(log.capacity() <= most, "{} of {most}", log.capacity());
        let mut replay = Replay::new(Log::read(log).unwrap()).unwrap();
        assert_eq!(replay.finish(), Ok(()));
    }
    let none = Talk::new(5, 3).run(60);
    assert!(none.connection.is_full() && none.connection.log().is_empty());
}

/// Over pages that are full, and steps that are longer than one.
#[test]
fn a_long_log_ends_before_the_step_for_which_there_is_no_room() {
    let whole = talks(usize::MAX).log();
    let steps = Log::read(whole.clone()).unwrap().steps;
    let mut log = Log::read(whole.clone()).unwrap();
    let mut ends = Vec::new();
    for end in 0..=steps.len() {
        log.steps = steps[..end].to_vec();
        ends.push(log.write().len());
    }
    assert!(
        whole.len() > 40_000 && ends.windows(2).any(|it| it[1] - it[0] > 8_000),
        "{ends:?}"
    );
    for (number, end) in ends.iter().enumerate().step_by(7) {
        for most in [*end, end + 1, end - 1] {
            let fits = ends.iter().rfind(|it| **it <= most).copied().unwrap_or(0);
            let mut cut = talks(most);
            assert_eq!(cut.is_full(), most < whole.len(), "{number}");
            let log = cut.log();
            assert_eq!(log, whole[..fits], "{number}: {most}");
            assert_eq!(cut.take_log(), log);
            assert!(cut.is_full() && cut.take_log().is_empty() && cut.log().is_empty());
        }
    }
}

/// A connection that says much, at many times.
fn talks(most: usize) -> Recorded<u64> {
    let mut talk = Talk::new(5, most);
    let socket = SocketKey(crate::arena::Key::new(0, 0));
    for number in 0..300_u32 {
        talk.now += Duration::from_millis(u64::from(number % 3));
        let text = "secret".repeat(match number % 60 {
            59 => 2_000,
            _ => number as usize % 40,
        });
        let packet = packet::event("/", None, "said", &text).unwrap();
        let flags = Flags::default();
        let _ = talk.connection.deliver(talk.now, socket, packet, flags);
        talk.connection.handle_ws_flushed(talk.now);
    }
    talk.connection
}

#[test]
fn a_log_that_was_tampered_with_is_an_error_or_another_session() {
    let talk = Talk::new(5, ROOM).run(40);
    let log = talk.connection.log();
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
    assert_eq!(Log::read(&b"something"[..]).unwrap_err(), LogError::NotALog);
    let mut newer = log.clone();
    newer[8] = 9;
    assert_eq!(Log::read(newer).unwrap_err(), LogError::Version(9));
    let broken = Log::read(log[..20].to_vec()).unwrap_err();
    assert!(matches!(broken, LogError::Broken(_)), "{broken}");
}

#[test]
fn a_step_that_goes_another_way_is_named() {
    let talk = Talk::new(5, ROOM).run(60);
    let mut log = Log::read(talk.connection.log()).unwrap();
    let asked = log
        .steps
        .iter()
        .position(|step| step.sum.is_some())
        .unwrap();
    log.steps[asked].sum = Some(1);
    let why = Replay::new(log.clone()).unwrap().finish();
    assert_eq!(why, Err(LogError::Differs(asked)));
    assert_eq!(log.redact().unwrap_err(), LogError::Differs(asked));
}

#[test]
fn what_a_parser_of_the_application_wrote_needs_that_parser() {
    let talk = Talk::new(5, ROOM).run(60);
    let mut log = Log::read(talk.connection.log()).unwrap();
    log.head.parser = ParserKind::Own;
    let log = Log::read(log.write()).unwrap();
    let needs = LogError::Parser(ParserKind::Own);
    assert_eq!(Replay::new(log.clone()).unwrap_err(), needs);
    let opaque = LogError::Opaque(ParserKind::Own);
    assert_eq!(log.redact().unwrap_err(), opaque);
    assert_eq!(Replay::with_codec(log, &Codec::default()).finish(), Ok(()));
}

#[test]
fn each_error_says_what_is_wrong() {
    let all = [
        (LogError::NotALog, "not a log of its kind"),
        (LogError::Version(9), "a log of version 9"),
        (LogError::Broken(17), "the log is broken at byte 17"),
        (
            LogError::Parser(ParserKind::Own),
            "there is no parser here for Own",
        ),
        (
            LogError::Opaque(ParserKind::Msgpack),
            "packets by Msgpack cannot be redacted",
        ),
        (
            LogError::Differs(3),
            "step 3 went another way when it was recorded",
        ),
    ];
    for (error, words) in all {
        assert_eq!(error.to_string(), words);
    }
}

/// What waits to be told is told by both.
#[test]
fn a_copy_of_a_connection_tells_the_same() {
    let mut told = 0;
    for seed in 0..400 {
        // One that has said much is over.
        let mut talk = Talk::new(seed, ROOM).run(seed as usize % 20);
        for _ in 0..6 {
            talk.now += Duration::from_millis(1);
            talk.tell();
        }
        let mut copy = talk.connection.clone();
        while let Some(event) = talk.connection.poll_event(talk.now) {
            told += 1;
            let other = copy.poll_event(talk.now);
            assert_eq!(format!("{other:?}"), format!("{:?}", Some(event)));
        }
        assert!(copy.poll_event(talk.now).is_none(), "seed {seed}");
        assert_eq!(of(&copy), of(&talk.connection), "seed {seed}");
    }
    assert!(told > 100, "{told}");
}
