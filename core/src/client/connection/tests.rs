mod dialling;
mod emits;
mod first;
mod flush;
mod namespaces;

use std::time::Duration;

use super::*;
use crate::client::backoff::Backoff;
use crate::client::config::OfflinePolicy;
use crate::client::event::AckTicket;
use crate::client::reason::{ConnectError, DisconnectReason, TransportError};
use crate::engine::{CloseReason, Flags, Sent};
use crate::message::{Encoded, Part};
use crate::packet::{self, Args, Value};
use crate::protocol::Eio;
use crate::socket::{AckError, Refusal};

/// A client by WebSocket, and what it said to a server that does what it is told.
struct World {
    client: Connection<u32>,
    now: Instant,
    websocket: Option<RequestId>,
}

const OPEN: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
const ORIGIN: Instant = Instant::ORIGIN;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl World {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::v4();
        config.reconnection = Some(Backoff {
            jitter: 0,
            ..Backoff::default()
        });
        change(&mut config);
        let (dial, _) = Dial::parse("http://h/?token=a%20b").unwrap();
        let dial = dial.transports([TransportKind::WebSocket]);
        Self {
            client: Connection::new(Arc::new(config), dial, [3; 16]).unwrap(),
            now: ORIGIN,
            websocket: None,
        }
    }

    /// With one socket, which is in `/` by the id `a`.
    fn joined(change: impl FnOnce(&mut Config)) -> (Self, SocketKey) {
        let mut world = Self::new(change);
        let socket = world.client.socket("/", Auth::None).unwrap();
        world.client.open(world.now, socket);
        world.accept();
        assert_eq!(world.said(), ["40"]);
        world.hear(r#"40{"sid":"a"}"#);
        assert_eq!(world.told(), ["opened 0", "connected a"]);
        (world, socket)
    }

    /// The server lets the WebSocket in that the client asks for.
    fn accept(&mut self) {
        let id = self.dialled().expect("it dials");
        self.client.handle_ws_open(self.now, id, Ok(()));
        self.websocket = Some(id);
        self.hear(OPEN);
    }

    fn dialled(&mut self) -> Option<RequestId> {
        let mut dialled = None;
        while let Some(work) = self.client.poll_work() {
            match work {
                Work::OpenWebSocket { id, .. } => dialled = Some(id),
                Work::Abort(id) => dialled = dialled.filter(|it| *it != id),
                Work::Request { .. } => panic!("by WebSocket alone"),
            }
        }
        dialled
    }

    fn hear(&mut self, text: &str) {
        let id = self.websocket.expect("a WebSocket");
        let message = Message::Text(text.into());
        self.client.handle_ws(self.now, id, message);
    }

    /// What the client has said since, pongs of the WebSocket's own being answered at once.
    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        let Some(id) = self.websocket else {
            return said;
        };
        while let Some(out) = self.client.poll_ws(id) {
            match out {
                WsOut::Frame { part, .. } => said.push(match part {
                    Part::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                    Part::Binary(bytes) => format!("{bytes:?}"),
                }),
                WsOut::Ping => self.client.handle_ws_pong(self.now, id),
                WsOut::Close(_) => {
                    said.push("close".to_owned());
                    self.websocket = None;
                }
            }
            self.client.handle_ws_flushed(self.now, id);
        }
        said
    }

    fn cut(&mut self) {
        let id = self.websocket.take().expect("a WebSocket");
        self.client.handle_ws_closed(self.now, id, WsClosed::Lost);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        let due = self.client.poll_timeout();
        assert!(due.is_none_or(|due| due.at > self.now), "{due:?}");
    }

    fn events(&mut self) -> Vec<Event<u32>> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// What the server has asked.
    fn asked(&mut self) -> Vec<AckTicket> {
        let acks = self.events().into_iter().filter_map(|event| {
            let Event::Message { ack, .. } = event else {
                return None;
            };
            ack
        });
        acks.collect()
    }

    /// What was told, a word each.
    fn told(&mut self) -> Vec<String> {
        self.events().iter().map(word).collect()
    }

    fn emit(&mut self, socket: SocketKey, name: &str) -> Sent {
        self.client
            .emit(self.now, socket, event(name), Flags::default())
    }

    fn ask(&mut self, socket: SocketKey, token: u32, wait: u64) -> Result<(), (AckError, u32)> {
        let id = self.client.draw_ack_id(socket).unwrap();
        let packet = packet::event("/", Some(id), "q", &()).unwrap();
        let (flags, wait) = (Flags::default(), Some(secs(wait)));
        self.client
            .request(self.now, socket, id, packet, flags, token, wait)
    }

    /// It is over, and nothing is left.
    fn end(mut self) {
        self.client.close(self.now);
        let said = self.said();
        assert!(
            said.is_empty() || said.last().unwrap() == "close",
            "{said:?}"
        );
        let told = self.told();
        assert_eq!(told.last().unwrap(), "closed", "{told:?}");
        assert_eq!(self.client.acks.len(), 0);
        assert_eq!(self.client.poll_timeout(), None);
        assert!(self.client.leaving.is_empty() && self.client.session.is_none());
        assert_eq!(self.client.status(), Status::Closed);
    }
}

fn event(name: &str) -> Encoded {
    packet::event("/", None, name, &()).unwrap()
}

const VOLATILE: Flags = Flags {
    volatile: true,
    compress: true,
    latest: false,
    policy: None,
};

fn word(event: &Event<u32>) -> String {
    match event {
        Event::DialWanted { attempt, .. } => format!("dial? {attempt}"),
        Event::AuthWanted { .. } => "auth?".to_owned(),
        Event::Opened { attempt } => format!("opened {attempt}"),
        Event::Entering { recovered, .. } => format!("entering {recovered}"),
        Event::Flushed { token, outcome, .. } => format!("{token}: flushed {outcome:?}"),
        Event::Connected { id, recovered, .. } => match recovered {
            true => format!("recovered {id}"),
            false => format!("connected {id}"),
        },
        Event::Message { name, args, .. } => format!("{name}({})", args.elements()),
        Event::Acked { token, answer, .. } => match answer {
            Ok(args) => format!("{token}: {}", args.elements()),
            Err(why) => format!("{token}: {why:?}"),
        },
        Event::ConnectError { error, active, .. } => format!("error {error} {active}"),
        Event::Error { payload, .. } => format!("error {payload:?}"),
        Event::Disconnected { reason, active, .. } => format!("{reason} {active}"),
        Event::Waiting { attempt, wait } => format!("waiting {attempt} {wait:?}"),
        Event::Attempt { attempt } => format!("attempt {attempt}"),
        Event::Failed { attempt, error } => format!("failed {attempt} {error}"),
        Event::GaveUp => "gave up".to_owned(),
        Event::Upgraded => "upgraded".to_owned(),
        Event::UpgradeFailed(error) => format!("not upgraded {error}"),
        Event::Pinged => "pinged".to_owned(),
        Event::Writable => "writable".to_owned(),
        Event::Malformed(fault) => format!("malformed {fault:?}"),
        Event::Closed => "closed".to_owned(),
    }
}

#[test]
fn a_copy_does_the_same() {
    let (mut world, socket) = World::joined(|_| ());
    world.hear(r#"427["ask",1]"#);
    world.ask(socket, 1, 10).unwrap();
    let _ = world.emit(socket, "a");
    let digest = |it: &Connection<u32>| crate::digest::of(|state| it.digest(state));
    let mut copy = World {
        client: world.client.clone(),
        now: world.now,
        websocket: world.websocket,
    };
    for step in 0..6 {
        // What it gives back makes no difference.
        copy.client.shrink();
        assert_eq!(digest(&world.client), digest(&copy.client), "{step}");
        let both = [&mut world, &mut copy].map(|it| {
            match step {
                0 => it.hear("430[2]"),
                1 => it.cut(),
                2 => it.pass(secs(1)),
                3 => it.accept(),
                4 => it.hear(r#"40{"sid":"b"}"#),
                _ => it.hear("4x"),
            }
            (it.told(), it.said())
        });
        assert_eq!(both[0], both[1]);
    }
    let (other, _) = World::joined(|_| ());
    assert_ne!(digest(&world.client), digest(&other.client));
}

mod shape {
    use super::*;

    const fn sendable<T: Send + Sync + 'static>() {}

    #[test]
    fn a_client_can_move_between_threads() {
        sendable::<Connection<u64>>();
    }

    #[test]
    fn an_idle_client_is_small() {
        assert!(
            size_of::<Connection<u64>>() <= 1024,
            "{}",
            size_of::<Connection<u64>>()
        );
    }

    #[test]
    fn reasons_are_those_of_the_reference() {
        let reasons = [
            DisconnectReason::ServerDisconnect,
            DisconnectReason::ClientDisconnect,
            DisconnectReason::Connection(CloseReason::ForcedClose),
        ];
        assert_eq!(
            reasons.map(DisconnectReason::as_str),
            [
                "io server disconnect",
                "io client disconnect",
                "forced close"
            ]
        );
        let error = TransportError {
            transport: TransportKind::Polling,
            failure: Failure::Closed,
        };
        assert!(ConnectError::Transport(error).is_retryable());
        assert!(!ConnectError::Refused(Refusal::new("no")).is_retryable());
    }
}
