//! What a connection and its sockets are, fed to a hasher; and clones, which go on as what they were made of.

use bytes::Bytes;

use super::*;
use crate::digest;
use crate::engine::{Body, Opened};
use crate::packet::parser::{Decoder, Limits, Packet, Parser};
use crate::packet::{self, EncodeError, Fault};
use crate::protocol::TransportKind;
use crate::socket;

/// A connection, and an application that keeps what it is to answer.
struct World {
    connection: Connection<u8>,
    now: Instant,
    asked: Vec<ConnectTicket>,
    waiting: Vec<AckTicket>,
    sockets: Vec<SocketKey>,
}

impl Clone for World {
    fn clone(&self) -> Self {
        Self {
            connection: self.connection.clone(),
            now: self.now,
            asked: self.asked.iter().map(ConnectTicket::for_clone).collect(),
            waiting: self.waiting.iter().map(AckTicket::for_clone).collect(),
            sockets: self.sockets.clone(),
        }
    }
}

type Step = fn(&mut World);

impl World {
    fn new(transport: TransportKind, revision: Eio, config: Config) -> Self {
        let (now, config) = (Instant::ORIGIN, Arc::new(config));
        let opened = Opened {
            transport,
            revision,
            base64: false,
        };
        let session = Session::new(now, Sid::from_random([7; 15]), opened, config.clone());
        Self {
            connection: Connection::new(now, session, config),
            now,
            asked: Vec::new(),
            waiting: Vec::new(),
            sockets: Vec::new(),
        }
    }

    fn hear(&mut self, frame: impl Into<Message>) {
        self.connection.handle_ws(self.now, frame.into());
    }

    fn post(&mut self, id: u64, body: &str) {
        let revision = self.connection.session().revision();
        let body = Body::text(revision, body.into());
        let post = Post::Whole(Ok(body));
        self.connection
            .handle_post(self.now, RequestId(id), revision, post);
    }

    fn poll(&mut self, id: u64) {
        let revision = self.connection.session().revision();
        self.connection
            .handle_poll(self.now, RequestId(id), revision);
    }

    fn event(&mut self) -> Option<String> {
        let event = self.connection.poll_event(self.now)?;
        let text = format!("{event:?}");
        match event {
            Event::Socket(socket::Event::Connecting { ticket, .. }) => self.asked.push(ticket),
            Event::Socket(socket::Event::Message { ack, .. }) => self.waiting.extend(ack),
            Event::Socket(
                socket::Event::Undecided { .. }
                | socket::Event::Error { .. }
                | socket::Event::Acked { .. }
                | socket::Event::Disconnecting { .. }
                | socket::Event::Disconnected { .. },
            )
            | Event::Upgraded
            | Event::Closed { .. } => {}
        }
        Some(text)
    }

    fn accept(&mut self) {
        let ticket = self.asked.remove(0);
        let id = SocketId::from_random([1; 15]);
        let socket = self.connection.accept(self.now, ticket, &id);
        self.sockets.extend(socket);
    }

    fn reject(&mut self) {
        let ticket = self.asked.remove(0);
        self.connection
            .reject(self.now, ticket, &Refusal::new("no"));
    }

    fn ask(&mut self, at: usize, id: u64, seconds: u64) {
        let packet = packet::event("/", Some(id), "ask", &()).unwrap();
        let timeout = Some(Duration::from_secs(seconds));
        let token = u8::try_from(id).unwrap();
        let (now, socket, flags) = (self.now, self.sockets[at], Flags::default());
        let asked = self
            .connection
            .request(now, socket, id, packet, flags, token, timeout);
        assert_eq!(asked, Ok(()));
    }

    fn respond(&mut self) {
        let ticket = self.waiting.remove(0);
        let packet = packet::ack("/", ticket.id(), &true).unwrap();
        let sent = self.connection.respond(self.now, ticket, packet);
        assert_eq!(sent, Sent::Queued);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_timeout(self.now);
    }

    fn frames(&mut self) -> Vec<String> {
        let outs = std::iter::from_fn(|| self.connection.poll_ws());
        let outs = outs.map(|out| format!("{out:?}")).collect();
        self.connection.handle_ws_flushed(self.now);
        outs
    }

    /// All that can be seen of it.
    fn outputs(&mut self) -> Vec<String> {
        let mut seen: Vec<_> = std::iter::from_fn(|| self.event()).collect();
        while let Some(reply) = self.connection.poll_http() {
            seen.push(format!("{reply:?}"));
        }
        seen.extend(self.frames());
        seen.push(format!(
            "{:?} {:?} {} {}",
            self.connection.poll_timeout(),
            self.connection.details(),
            self.connection.sockets(),
            self.connection.pending_acks(),
        ));
        seen
    }

    fn digest(&self) -> u64 {
        digest::of(|state| self.connection.digest(state))
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Plays a history, and from each of its moments on a clone beside it.
fn play(world: &World, history: &[Step]) {
    let mut seen = Vec::new();
    for moment in 0..=history.len() {
        let (before, behind) = history.split_at(moment);
        let mut one = world.clone();
        for step in before {
            step(&mut one);
            seen.push(one.digest());
        }
        let mut other = one.clone();
        assert_eq!(one.digest(), other.digest(), "cloned after {moment}");
        for (step, at) in behind.iter().zip(moment..) {
            step(&mut one);
            step(&mut other);
            let is = format!("cloned after {moment}, step {at}");
            assert_eq!(one.digest(), other.digest(), "{is}");
            // Each to the end, on clones once more: what is queued stays where the next moment finds it.
            let mut ends = [one.clone(), other.clone()].map(|mut it| it.outputs());
            let [one, other] = &mut ends;
            assert_eq!(one, other, "{is}");
        }
        assert_eq!(one.outputs(), other.outputs(), "cloned after {moment}");
        assert_eq!(
            one.digest(),
            other.digest(),
            "drained, cloned after {moment}"
        );
    }
    seen.sort_unstable();
    seen.dedup();
    // Each step makes a difference.
    assert!(
        seen.len() >= history.len() - 2,
        "{} of {}",
        seen.len(),
        history.len()
    );
}

/// One that moves to a WebSocket, with all that sockets can wait for.
const SOCKETS: [Step; 35] = [
    |world| world.poll(1),
    |world| assert!(world.connection.poll_http().is_some()),
    |world| world.post(2, "40\u{1e}40/a,{\"x\":1}\u{1e}40/b,"),
    |world| assert!(world.event().is_some()),
    |world| assert!(world.event().is_some()),
    |world| assert!(world.event().is_some()),
    |world| world.accept(),
    |world| world.accept(),
    |world| world.reject(),
    |world| assert!(world.event().is_none()),
    |world| assert!(world.connection.poll_http().is_some()),
    |world| world.poll(3),
    |world| assert!(world.connection.poll_http().is_some()),
    |world| assert!(world.connection.handle_ws_open(world.now, Eio::V4, false)),
    |world| world.hear("2probe"),
    |world| assert_eq!(world.frames().len(), 1),
    |world| world.hear("5"),
    |world| assert!(world.event().is_some()),
    |world| world.ask(0, 1, 5),
    |world| world.ask(0, 3, 1),
    |world| world.ask(1, 1, 9),
    |world| assert_eq!(world.frames().len(), 3),
    |world| world.hear(r#"42["x"]"#),
    |world| world.hear(r#"427["x"]"#),
    |world| assert!(world.event().is_some()),
    |world| assert!(world.event().is_some()),
    |world| world.respond(),
    |world| world.hear("431[2]"),
    |world| assert!(world.event().is_some()),
    |world| world.hear(r#"452-["x",{"_placeholder":true,"num":0}]"#),
    |world| world.hear(Bytes::from_static(b"one")),
    |world| assert!(world.event().is_none()),
    |world| world.hear("40/b,"),
    |world| world.pass(MINUTE),
    |world| world.connection.shut_down(world.now),
];

#[test]
fn a_clone_of_any_moment_goes_on_as_what_it_was_made_of() {
    let config = Config {
        ping_interval: MINUTE * 2,
        ..Config::v4()
    };
    let world = World::new(TransportKind::Polling, Eio::V4, config);
    play(&world, &SOCKETS);
}

#[test]
fn so_it_does_in_revision_4() {
    const HISTORY: [Step; 13] = [
        |world| assert_eq!(world.frames().len(), 1),
        |world| assert!(world.event().is_some()),
        |world| world.accept(),
        |world| world.hear("40/a?x=1,"),
        |world| world.hear(r#"44"wrong""#),
        |world| assert!(world.event().is_some()),
        |world| assert!(world.event().is_some()),
        |world| world.accept(),
        |world| world.ask(1, 1, 5),
        |world| world.connection.disconnect(world.now, world.sockets[1]),
        |world| assert_eq!(world.frames().len(), 4),
        |world| world.hear("nonsense"),
        |world| assert!(world.event().is_some()),
    ];
    let world = World::new(TransportKind::WebSocket, Eio::V3, Config::v2());
    play(&world, &HISTORY);
}

/// Each packet of clients as its JSON and the word `end`, in two messages.
struct InTwo;

impl Parser for InTwo {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
        Ok(vec![text.into()])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        let mut first = None;
        Box::new(move |message: Message, _: &Limits| {
            let Message::Text(text) = message else {
                return Err(Fault::UnexpectedBinary);
            };
            match (first.take(), &*text) {
                (Some(whole), "end") => Ok(Some(whole)),
                (None, text) => {
                    first = serde_json::from_str(text).map_err(|_| Fault::Payload)?;
                    Ok(None)
                }
                (Some(_), _) => Err(Fault::UnexpectedText),
            }
        })
    }
}

#[test]
fn so_it_does_with_a_parser_of_the_application_s_own() {
    const HISTORY: [Step; 12] = [
        |world| assert_eq!(world.frames().len(), 1),
        |world| world.hear(r#"4{"type":0,"nsp":"/"}"#),
        |world| assert!(world.event().is_none()),
        |world| world.hear("4end"),
        |world| assert!(world.event().is_some()),
        |world| world.accept(),
        |world| world.hear(r#"4{"type":2,"nsp":"/","data":["x",1]}"#),
        |world| assert!(world.event().is_none()),
        |world| world.hear("4end"),
        |world| assert!(world.event().is_some_and(|event| event.contains("Message"))),
        |world| world.hear(r#"4{"type":2,"nsp":"/","data":["x",1]}"#),
        |world| world.pass(MINUTE),
    ];
    let config = Config::v4().parser(InTwo);
    let world = World::new(TransportKind::WebSocket, Eio::V4, config);
    play(&world, &HISTORY);
}

#[test]
fn another_input_makes_another_connection() {
    let mut world = World::new(TransportKind::WebSocket, Eio::V4, Config::v4());
    world.hear("40");
    world.outputs();
    world.accept();
    world.outputs();
    let steps: [Step; 9] = [
        |_| {},
        |world| world.ask(0, 1, 5),
        |world| world.ask(0, 1, 6),
        |world| world.ask(0, 3, 5),
        |world| world.hear("40/a,"),
        |world| world.hear("40/b,"),
        |world| world.hear("41"),
        |world| world.hear(r#"451-["x",{"_placeholder":true,"num":0}]"#),
        |world| world.hear("nonsense"),
    ];
    let mut seen: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let mut world = world.clone();
            step(&mut world);
            // What it has said is not looked at: what it is by then.
            world.outputs();
            world.digest()
        })
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), steps.len());
}
