//! What every server has to do with a client of ours, and what the tests of that say to it.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "one event is waited for, whatever the others are"
)]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sio_core::{
    client::{Auth, Backoff, Config, Dial, Event, Status},
    engine::{Flags, Sent},
    packet::{self, FromArgs, IntoArgs, Value},
    protocol::TransportKind::{self, WebSocket},
    socket::SocketKey,
};

use crate::{
    client::Client,
    reference::{Kind, Server},
    wire::PATIENCE,
};

/// How soon it is seen that an end is gone.
const HEARTBEAT: [(&str, &str); 2] = [("PING_INTERVAL", "1000"), ("PING_TIMEOUT", "2000")];

/// A server whose heartbeat is quick.
pub fn start(kind: Kind, env: &[(&'static str, &'static str)]) -> Server {
    Server::start(kind, &[&HEARTBEAT, env].concat())
}

/// A client of a server, which dials again soon.
pub fn client(server: &Server, transports: &[TransportKind]) -> Client {
    client_by_way_of(server.address, server, transports)
}

/// The same through somebody at this address.
pub fn client_by_way_of(
    address: SocketAddr,
    server: &Server,
    transports: &[TransportKind],
) -> Client {
    let mut config = match server.kind {
        Kind::Old => Config::v2(),
        Kind::Ours(_)
        | Kind::Official
        | Kind::Four
        | Kind::Three
        | Kind::Python
        | Kind::Program(_) => Config::v4(),
    };
    config.reconnection = Some(Backoff::new(
        Duration::from_millis(50),
        Duration::from_millis(500),
    ));
    // A server that is started again may take as long as it takes.
    config.ack_timeout = PATIENCE * 3;
    let (dial, _) = Dial::parse(&format!("http://{address}")).expect("a URL");
    Client::new(address, config, dial.transports(transports))
}

/// One socket of a client, in a namespace.
#[derive(Debug)]
pub struct Socket<'a> {
    /// Whose it is.
    pub client: &'a mut Client,
    /// Of which namespace.
    pub name: &'static str,
    /// How the machine calls it.
    pub key: SocketKey,
}

impl Socket<'_> {
    /// Says something.
    pub fn emit(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) {
        let packet = packet::event(self.name, None, event, args).expect("it can be written");
        let now = self.client.now();
        let flags = Flags::default();
        let sent = self.client.machine.emit(now, self.key, packet, flags);
        assert_eq!(sent, Sent::Queued);
    }

    /// Asks, and says under which number the answer comes.
    pub fn begin(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) -> u64 {
        let now = self.client.now();
        let machine = &mut self.client.machine;
        let id = machine.draw_ack_id(self.key).expect("it is there");
        let packet = packet::event(self.name, Some(id), event, args).expect("it can be written");
        let flags = Flags::default();
        machine
            .request(now, self.key, id, packet, flags, id, None)
            .expect("it is sent");
        id
    }

    /// Waits for the answer.
    pub fn answer<T: FromArgs>(&mut self, id: u64) -> T {
        let answer = self.client.hear("answer", |it| match it {
            Event::Acked { token, answer, .. } if *token == id => Some(answer.clone()),
            _ => None,
        });
        T::from_args(&answer.expect("an answer")).expect("as it was asked for")
    }

    /// Asks, and waits for the answer.
    pub fn ask<T: FromArgs>(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) -> T {
        let id = self.begin(event, args);
        self.answer(id)
    }
}

/// Enters a namespace.
pub fn enter<'a>(client: &'a mut Client, name: &'static str) -> Socket<'a> {
    let key = client.machine.socket(name, Auth::None).expect("room");
    let now = client.now();
    client.machine.open(now, key);
    let id = client.hear("connect", |it| match it {
        Event::Connected { socket, id, .. } if *socket == key => Some(id.clone()),
        _ => None,
    });
    assert!(!id.as_str().is_empty());
    Socket { client, name, key }
}

/// Why a socket has left, and whether it wants to be back.
pub fn reason(it: &Event<u64>) -> Option<(String, bool)> {
    match it {
        Event::Disconnected { reason, active, .. } => Some((reason.to_string(), *active)),
        _ => None,
    }
}

/// Text, numbers, bytes, both ways; the server asks; many events in order; two namespaces; the end by either. The
/// client has done nothing yet.
pub fn converse(mut client: Client, transports: &[TransportKind]) {
    let mut main = enter(&mut client, "/");
    assert_eq!(main.ask::<u64>("echo", &7), 7);
    let text: String = main.ask("echo", "€ äöü \u{1f600} \u{1e}");
    assert_eq!(text, "€ äöü \u{1f600} \u{1e}");
    let bytes = Bytes::from((0..=255).collect::<Vec<u8>>());
    for round in 0..3 {
        let (data, number): (Bytes, u64) = main.ask("echo", &(&bytes, round));
        assert_eq!((data, number), (bytes.clone(), round));
    }
    let burst = main.begin("burst", &(50, 10));
    for expected in 0..50 {
        let number = main.client.hear("burst", |it| match it {
            Event::Message { name, args, .. } if &**name == "burst" => args.get::<u64>(0).ok(),
            _ => None,
        });
        assert_eq!(number, expected);
    }
    assert_eq!(main.answer::<u64>(burst), 50);
    asked_back(&mut main);
    let custom = enter(main.client, "/custom");
    let key = custom.key;
    let mut custom = Socket { key, ..custom };
    assert_eq!(custom.ask::<String>("echo", "here"), "here");
    // The server takes it out, and it comes back when it wants to.
    custom.emit("kick", &false);
    let left = client.hear("disconnect", reason);
    assert_eq!(left, ("io server disconnect".to_owned(), false));
    let mut again = enter(&mut client, "/custom");
    assert_eq!(again.ask::<u64>("echo", &1), 1);
    // A ping or two must have been answered by now.
    let end = Instant::now() + Duration::from_millis(3500);
    while Instant::now() < end {
        client.turn();
    }
    let now = client.now();
    let transport = match transports {
        [only] => *only,
        _ => WebSocket,
    };
    assert_eq!(client.machine.status(), Status::Connected { transport });
    client.machine.close(now);
    let left = client.hear("disconnect", reason);
    assert_eq!(left, ("io client disconnect".to_owned(), false));
    client.hear("end", |it| matches!(it, Event::Closed).then_some(()));
}

/// The server asks something, and is answered.
fn asked_back(main: &mut Socket<'_>) {
    let id = main.begin("call_me", &("a", 1));
    let asked = main.client.take(
        "question",
        |it| matches!(it, Event::Message { name, ack: Some(_), .. } if &**name == "please_ack"),
    );
    let Event::Message {
        args,
        ack: Some(ack),
        ..
    } = asked
    else {
        panic!("it was looked for")
    };
    assert_eq!(args.decode::<(String, u64)>().ok(), Some(("a".into(), 1)));
    let packet = packet::ack("/", ack.id(), &args).expect("it can be written");
    let now = main.client.now();
    assert_eq!(main.client.machine.respond(now, &ack, packet), Sent::Queued);
    let answer: Value = main.answer(id);
    assert_eq!(answer.to_string(), r#"{"ok":true,"reply":["a",1]}"#);
}
