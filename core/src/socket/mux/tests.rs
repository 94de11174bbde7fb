//! The sockets of one connection, over a session that does nothing of its own.

mod acks;
mod binary;
mod deadlines;
mod limits;
mod middleware;
mod packets;

use bytes::Bytes;

use super::*;
use crate::engine::{Opened, WsOut};
use crate::id::Sid;
use crate::message::Part;
use crate::packet::{self, Value};
use crate::protocol::{Eio, TransportKind};

/// A client by WebSocket.
struct Talk {
    mux: Mux<u8>,
    session: Session,
    now: Instant,
}

/// The options of 4.x, in which no heartbeat comes between.
fn quiet() -> Config {
    Config {
        ping_interval: Duration::from_secs(36_000),
        ping_timeout: Duration::from_secs(36_000),
        ..Config::v4()
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

impl Talk {
    /// In no namespace.
    fn new(protocol: Protocol, config: Config) -> Self {
        Self::opened(protocol, TransportKind::WebSocket, config)
    }

    fn opened(protocol: Protocol, transport: TransportKind, config: Config) -> Self {
        let (now, config) = (Instant::ORIGIN, Arc::new(config));
        let opened = Opened {
            transport,
            revision: match protocol {
                Protocol::V4 => Eio::V3,
                Protocol::V5 => Eio::V4,
            },
            base64: false,
        };
        let mut session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        let codec = config.parser.clone();
        let mux = Mux::new(now, config, &codec, protocol, &mut session);
        let mut talk = Self { mux, session, now };
        talk.sent();
        talk
    }

    /// In `/`, of which it has been told.
    fn joined(protocol: Protocol, config: Config) -> Self {
        let mut talk = Self::new(protocol, config);
        match protocol {
            // It has asked by coming.
            Protocol::V4 => {}
            Protocol::V5 => talk.hear("0"),
        }
        let ticket = talk.asked();
        talk.accept(ticket);
        assert_eq!(talk.sent().len(), 1);
        talk
    }

    fn hear(&mut self, message: impl Into<Message>) {
        self.mux.handle(self.now, message.into(), &mut self.session);
    }

    /// What the application is told of a message.
    fn told(&mut self, message: impl Into<Message>) -> Vec<String> {
        self.hear(message);
        self.events()
    }

    fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.mux.poll_event())
            .map(|event| brief(&event))
            .collect()
    }

    fn asked(&mut self) -> ConnectTicket {
        match self.mux.poll_event() {
            Some(Event::Connecting { ticket, .. }) => ticket,
            other => panic!("nobody asks: {other:?}"),
        }
    }

    fn accept(&mut self, ticket: ConnectTicket) -> Option<SocketKey> {
        let id = SocketId::from_random([1; 15]);
        self.mux.accept(self.now, &ticket, &id, &mut self.session)
    }

    fn reject(&mut self, ticket: ConnectTicket, refusal: impl Into<Refusal>) {
        let refusal = refusal.into();
        self.mux
            .reject(self.now, &ticket, &refusal, &mut self.session);
    }

    /// Enters a namespace.
    fn enter(&mut self, namespace: &str) -> SocketKey {
        self.hear(format!("0{namespace},"));
        let ticket = self.asked();
        let socket = self.accept(ticket).unwrap();
        self.sent();
        socket
    }

    /// Asks a socket's client something.
    fn ask(&mut self, socket: SocketKey, id: u64) -> Result<(), AckError> {
        let packet = packet::event("/", Some(id), "ask", &()).unwrap();
        let token = u8::try_from(id).unwrap();
        let flags = Flags::default();
        let (now, session) = (self.now, &mut self.session);
        self.mux
            .request(now, socket, id, packet, flags, token, None, session)
            .map_err(|(why, its)| {
                assert_eq!(its, token);
                why
            })
    }

    /// Time passes at once; what is due by then is done.
    fn pass(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.mux.handle_timeout(self.now, &mut self.session);
        self.events()
    }

    /// The texts of what leaves.
    fn sent(&mut self) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(out) = self.session.poll_ws() {
            match out {
                WsOut::Frame {
                    part: Part::Text(text) | Part::Binary(text),
                    ..
                } => texts.push(String::from_utf8_lossy(&text).into_owned()),
                WsOut::Close(_) => break,
            }
        }
        self.session.handle_ws_flushed(self.now);
        texts
    }

    fn due(&self) -> Option<(Duration, Why)> {
        let due = self.mux.deadline(&self.session)?;
        Some((due.at.saturating_duration_since(Instant::ORIGIN), due.why))
    }

    fn details(&self) -> Option<Details> {
        self.mux.details().cloned()
    }
}

/// An event in a line.

#[test]
fn whose_id_a_client_computes_is_the_configurations_choice_in_revision_5() {
    for (protocol, ids, root, other) in [
        (Protocol::V5, SocketIds::PerNamespace, None, None),
        (
            Protocol::V5,
            SocketIds::FromConnection,
            Some("BwcHBwcHBwcHBwcHBwcH"),
            Some("/a#BwcHBwcHBwcHBwcHBwcH"),
        ),
        (
            Protocol::V4,
            SocketIds::PerNamespace,
            Some("BwcHBwcHBwcHBwcHBwcH"),
            Some("/a#BwcHBwcHBwcHBwcHBwcH"),
        ),
    ] {
        let talk = Talk::new(protocol, quiet().socket_ids(ids));
        let computed = ["/", "/a"].map(|name| talk.mux.computed_id(name, &talk.session));
        let computed = computed
            .each_ref()
            .map(|id| id.as_ref().map(SocketId::as_str));
        assert_eq!(computed, [root, other]);
    }
}

fn brief(event: &Event<u8>) -> String {
    match event {
        Event::Connecting {
            namespace,
            auth,
            query,
            ..
        } => {
            let part = |text: &Option<ByteString>| {
                let text = text.as_ref();
                text.map(|text| format!(" {text}")).unwrap_or_default()
            };
            format!("connecting {namespace}{}{}", part(auth), part(query))
        }
        Event::Undecided { .. } => "undecided".into(),
        Event::Message {
            name, args, ack, ..
        } => {
            let id = ack.as_ref().map(AckTicket::id);
            let id = id.map(|id| format!(" {id}")).unwrap_or_default();
            format!("{name}{id} {args:?}")
        }
        Event::Error { payload, .. } => {
            format!("error {}", payload.as_deref().unwrap_or_default())
        }
        Event::Acked { token, answer, .. } => match answer {
            Ok(args) => format!("acked {token} {args:?}"),
            Err(why) => format!("acked {token} {why:?}"),
        },
        Event::Disconnecting { reason, .. } => format!("disconnecting {reason}"),
        Event::Disconnected { reason, .. } => format!("disconnected {reason}"),
    }
}
