//! One session driven by bytes: each few of them are something that its client, the application or the clock does.

use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use sio_core::config::{BacklogPolicy, Config};
use sio_core::engine::{
    Body, Close, Content, Eio, Event, Flags, Message, Opened, Post, PostFailure, Sent, Session,
    TransportKind, WsClosed, WsOut,
};
use sio_core::id::{RequestId, Sid};
use sio_core::packet::{self, Encoded};
use sio_core::time::Instant;

#[path = "../../core/src/engine/session/tests/owed.rs"]
mod owed;

use owed::{BODIES, CAUSES, FAILURES, FRAMES, Owed, WAITS};

/// Requests of one history, at most: what more it asks for is no request.
const REQUESTS: u32 = 64;

/// Packets that its backlog holds.
const BACKLOG: usize = 4;

/// One for each policy: who is told the same by another configuration does something else.
static CONFIGS: LazyLock<[Arc<Config>; 3]> = LazyLock::new(|| {
    [
        BacklogPolicy::Close,
        BacklogPolicy::Refuse,
        BacklogPolicy::DropVolatile,
    ]
    .map(|policy| {
        let mut config = Config::v4();
        config.max_backlog_packets = BACKLOG;
        config.max_packets_per_payload = 2;
        config.backlog_policy = policy;
        Arc::new(config)
    })
});

/// What the application sends: text alone, and with bytes beside it. Both are an event `x`, the newest of which may be
/// all that waits.
static PACKETS: LazyLock<[Encoded; 2]> = LazyLock::new(|| {
    let text = packet::event("/", None, "x", &1);
    let bytes = packet::event("/", None, "x", &Bytes::from_static(b"\x01\x02"));
    [text, bytes].map(|packet| packet.expect("it can be written").named("/", "x"))
});

/// A state of a session as a bit for each thing that can be asked of it, and what it meets there.
pub(crate) type Cell = (u8, u8);

struct World<'a> {
    input: &'a [u8],
    session: Session,
    revision: Eio,
    policy: BacklogPolicy,
    now: Instant,
    owed: Owed,
    paused: bool,
}

/// Plays a history, and says what has met what.
pub(crate) fn run(input: &[u8], mut seen: impl FnMut(Cell)) {
    let Some((&first, rest)) = input.split_first() else {
        return;
    };
    let mut world = World::new(first, rest);
    world.drain();
    while let Some(what) = world.byte() {
        seen((world.cell(), what & 0x0f));
        world.step(what);
        // Outputs may be taken late: several inputs in a row are legal.
        if what & 0x80 == 0 {
            world.drain();
        }
        world.is_sound();
    }
    world.rest();
}

impl<'a> World<'a> {
    fn new(first: u8, input: &'a [u8]) -> Self {
        let opened = Opened {
            transport: match first & 1 {
                0 => TransportKind::Polling,
                _ => TransportKind::WebSocket,
            },
            revision: if first & 2 == 0 { Eio::V4 } else { Eio::V3 },
            base64: first & 4 != 0,
        };
        let config = &CONFIGS[usize::from(first >> 3) % CONFIGS.len()];
        let (now, sid) = (Instant::ORIGIN, Sid::from_random([7; 15]));
        Self {
            input,
            session: Session::new(now, sid, opened, config.clone()),
            revision: opened.revision,
            policy: config.backlog_policy,
            now,
            owed: Owed::new(opened.transport == TransportKind::WebSocket),
            paused: false,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.input.split_first()?;
        self.input = rest;
        Some(*first)
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte().unwrap_or_default()) % all.len()]
    }

    /// A new one, as long as there are numbers for it.
    fn request(&mut self) -> Option<RequestId> {
        (self.owed.requests < REQUESTS).then(|| self.owed.request())
    }

    /// The latest but so many.
    fn latest(&self, back: u8) -> Option<RequestId> {
        self.owed.latest(back & 3)
    }

    fn step(&mut self, what: u8) {
        let (now, back) = (self.now, what >> 4);
        // Sometimes a request of the other revision.
        let revision = match (what & 0x70, self.revision) {
            (0x70, Eio::V3) => Eio::V4,
            (0x70, Eio::V4) => Eio::V3,
            (_, its) => its,
        };
        match what & 0x0f {
            0 | 1 => {
                if let Some(id) = self.request() {
                    self.session.handle_poll(now, id, revision);
                }
            }
            2 => {
                if let Some(id) = self.request() {
                    self.session.handle_post(now, id, revision, Post::Begun);
                }
            }
            3 => {
                let body = self.body(what & 0x40 != 0);
                if let Some(id) = self.latest(back) {
                    self.session.handle_post(now, id, revision, Post::End(body));
                }
            }
            4 => {
                let body = self.body(false);
                if let Some(id) = self.request() {
                    self.session
                        .handle_post(now, id, revision, Post::Whole(body));
                }
            }
            5 => {
                if let Some(id) = self.latest(back) {
                    self.session.handle_aborted(now, id);
                }
            }
            6 => {
                let base64 = what & 0x10 != 0;
                self.owed.open |= self.session.handle_ws_open(now, revision, base64);
            }
            7 | 8 => {
                let frame = match what & 0x70 {
                    0x30 => Message::Binary(Bytes::from_static(b"\x041")),
                    _ => Message::Text(ByteString::from_static(self.pick(&FRAMES))),
                };
                self.session.handle_ws(now, frame);
            }
            9 if what & 0x10 == 0 => self.session.handle_ws_flushed(now),
            9 => self.session.handle_ws_progress(now),
            10 => {
                let cause = self.pick(&CAUSES);
                self.session.handle_ws_closed(now, cause);
                self.owed.open = false;
            }
            11 => {
                let wait = self.pick(&WAITS);
                self.time(self.now + Duration::from_millis(wait), what);
            }
            12 => {
                if let Some(due) = self.session.poll_timeout() {
                    self.time(due.at, what);
                }
            }
            13 => self.send(what),
            14 => {
                self.paused = !self.paused;
                self.session.pause(now, self.paused);
            }
            _ => match what & 0x70 {
                0x00 => self.session.close(now, Close::Flush),
                0x10 => self.session.close(now, Close::Discard),
                0x20 => self.session.shut_down(now),
                0x30 => self.session.handle_answer_lost(now),
                0x40 => self.session.handle_unwritten(now, 20),
                0x50 => self.session.handle_unwritten(now, 0),
                _ => self.same(),
            },
        }
    }

    fn body(&mut self, fails: bool) -> Result<Body, PostFailure> {
        if fails {
            return Err(self.pick(&FAILURES));
        }
        let text = ByteString::from_static(self.pick(&BODIES));
        Ok(Body::text(self.revision, text))
    }

    fn time(&mut self, now: Instant, what: u8) {
        self.now = now;
        if what & 0x10 != 0 {
            self.session.handle_late(now);
        }
        self.session.handle_timeout(now);
    }

    fn send(&mut self, what: u8) {
        let flags = Flags {
            volatile: what & 0x10 != 0,
            latest: what & 0x20 != 0,
            ..Flags::default()
        };
        let packet = PACKETS[usize::from(what & 0x40 != 0)].clone();
        let sent = self.session.send(self.now, packet, flags);
        assert!(
            sent != Sent::Full || self.policy == BacklogPolicy::Refuse,
            "bounds"
        );
    }

    /// A copy does what the session does.
    fn same(&mut self) {
        let mut copy = self.session.clone();
        copy.handle_timeout(self.now);
        self.session.handle_timeout(self.now);
        assert_eq!(digest(&copy), digest(&self.session), "same");
    }

    /// Takes all that is to be done.
    fn drain(&mut self) {
        self.owed.take(&mut self.session);
        if self.session.is_closed() && !self.session.is_reading() {
            self.owed.is_nothing();
        }
    }

    fn is_sound(&self) {
        // Not counted against the application: the ping and what the handshake brings; in revision 3 pongs, which
        // have as much room again.
        let most = match self.revision {
            Eio::V3 => 2 * BACKLOG,
            Eio::V4 => BACKLOG + 1,
        };
        assert!(self.session.backlog_packets() <= most, "bounds");
        let due = self.session.poll_timeout();
        assert!(due.is_none_or(|due| due.at > self.now), "pace: {due:?}");
        assert!(!self.session.is_closed() || due.is_none(), "pace: {due:?}");
    }

    /// Nobody acts any more: it ends by itself, whatever it was in the middle of.
    fn rest(mut self) {
        if std::mem::take(&mut self.paused) {
            self.session.pause(self.now, false);
        }
        self.drain();
        for _ in 0..20 {
            let Some(due) = self.session.poll_timeout() else {
                break;
            };
            self.now = due.at;
            self.session.handle_timeout(due.at);
            self.drain();
            self.is_sound();
        }
        // A body may be behind a session that is open: its sender has until the heartbeat ends.
        assert!(self.owed.ended && self.session.is_closed(), "dead");
        self.drain();
    }

    fn cell(&self) -> u8 {
        let it = &self.session;
        let bits = [
            it.transport() == TransportKind::WebSocket,
            it.is_open(),
            it.is_closed(),
            it.is_writable(),
            it.is_reading(),
            it.backlog_packets() > 0,
            self.owed.open,
            self.paused,
        ];
        let bits = bits.into_iter().enumerate();
        bits.fold(0, |cell, (at, bit)| cell | u8::from(bit) << at)
    }
}

fn digest(session: &Session) -> u64 {
    let mut state = DefaultHasher::new();
    session.digest(&mut state);
    state.finish()
}
