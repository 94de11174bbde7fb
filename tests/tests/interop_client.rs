//! The client's machine, by a plain driver, against servers as they are: the official ones of 4.8 and 2.5,
//! python-socketio, and ours on both bindings.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "one event is waited for, whatever the others are"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use sio_core::{
    client::{Auth, Backoff, Config, ConnectError, Dial, Event, Status},
    engine::{Flags, Sent},
    packet::{self, FromArgs, IntoArgs, Value},
    protocol::TransportKind::{self, Polling, WebSocket},
    socket::SocketKey,
};
use sio_tests::{
    client::Client,
    example::Binding,
    reference::{Kind, Server},
    wire::PATIENCE,
};

/// How soon it is seen that an end is gone.
const HEARTBEAT: [(&str, &str); 2] = [("PING_INTERVAL", "1000"), ("PING_TIMEOUT", "2000")];

fn start(kind: Kind, env: &[(&'static str, &'static str)]) -> Server {
    Server::start(kind, &[&HEARTBEAT, env].concat())
}

fn client(server: &Server, transports: &[TransportKind]) -> Client {
    let mut config = match server.kind {
        Kind::Old => Config::v2(),
        Kind::Ours(_) | Kind::Official | Kind::Python => Config::v4(),
    };
    config.reconnection = Some(Backoff::new(
        Duration::from_millis(50),
        Duration::from_millis(500),
    ));
    // A server that is started again may take as long as it takes.
    config.ack_timeout = PATIENCE * 3;
    let (dial, _) = Dial::parse(&format!("http://{}", server.address)).expect("a URL");
    Client::new(server.address, config, dial.transports(transports))
}

/// One socket of a client, in a namespace.
struct Socket<'a> {
    client: &'a mut Client,
    name: &'static str,
    key: SocketKey,
}

impl Socket<'_> {
    fn emit(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) {
        let packet = packet::event(self.name, None, event, args).expect("it can be written");
        let now = self.client.now();
        let flags = Flags::default();
        let sent = self.client.machine.emit(now, self.key, packet, flags);
        assert_eq!(sent, Sent::Queued);
    }

    /// Asks, and says under which number the answer comes.
    fn begin(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) -> u64 {
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

    fn answer<T: FromArgs>(&mut self, id: u64) -> T {
        let answer = self.client.hear("answer", |it| match it {
            Event::Acked { token, answer, .. } if *token == id => Some(answer.clone()),
            _ => None,
        });
        T::from_args(&answer.expect("an answer")).expect("as it was asked for")
    }

    fn ask<T: FromArgs>(&mut self, event: &str, args: &(impl IntoArgs + ?Sized)) -> T {
        let id = self.begin(event, args);
        self.answer(id)
    }
}

fn enter<'a>(client: &'a mut Client, name: &'static str) -> Socket<'a> {
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

fn reason(it: &Event<u64>) -> Option<(String, bool)> {
    match it {
        Event::Disconnected { reason, active, .. } => Some((reason.to_string(), *active)),
        _ => None,
    }
}

/// Text, numbers, bytes, both ways; the server asks; many events in order; two namespaces; the end by either.
fn conversation(kind: Kind, transports: &[TransportKind]) {
    let server = start(kind, &[]);
    let mut client = client(&server, transports);
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

/// The server dies and comes back on its port: what was said meanwhile arrives.
fn restart(kind: Kind, transports: &[TransportKind]) {
    let mut server = start(kind, &[]);
    let mut client = client(&server, transports);
    let mut main = enter(&mut client, "/");
    assert_eq!(main.ask::<u64>("echo", &1), 1);
    server.kill();
    let (why, active) = main.client.hear("disconnect", reason);
    assert!(
        active && matches!(&*why, "transport close" | "transport error"),
        "{why}"
    );
    let kept = main.begin("echo", &"kept");
    main.client.hear("attempt", |it| {
        matches!(it, Event::ConnectError { active: true, .. }).then_some(())
    });
    server.run();
    let attempt = main.client.hear("connection", |it| match it {
        Event::Opened { attempt } => Some(*attempt),
        _ => None,
    });
    assert!(attempt > 0);
    main.client.hear("connect", |it| {
        matches!(
            it,
            Event::Connected {
                recovered: false,
                ..
            }
        )
        .then_some(())
    });
    assert_eq!(main.answer::<String>(kept), "kept");
    assert_eq!(main.ask::<u64>("echo", &2), 2);
}

/// What was missed while the connection was cut comes before the word that it is there again.
fn recovery(transports: &[TransportKind]) {
    let server = start(Kind::Official, &[("RECOVERY_MS", "20000")]);
    let mut other = client(&server, &[WebSocket]);
    let mut other = enter(&mut other, "/");
    let mut client = client(&server, transports);
    let mut main = enter(&mut client, "/");
    let shouted = |it: &Event<u64>| match it {
        Event::Message { name, args, .. } if &**name == "shouted" => args.get::<u64>(0).ok(),
        _ => None,
    };
    main.emit("shout", &1);
    assert_eq!(main.client.hear("shout", shouted), 1);
    assert_eq!(other.client.hear("shout", shouted), 1);
    client.cut();
    other.emit("shout", &2);
    assert_eq!(other.client.hear("shout", shouted), 2);
    let what = client.hear("what was missed", |it| match it {
        Event::Connected { .. } => Some(None),
        other => shouted(other).map(Some),
    });
    assert_eq!(what, Some(2));
    client.hear("recovery", |it| {
        matches!(
            it,
            Event::Connected {
                recovered: true,
                ..
            }
        )
        .then_some(())
    });
}

/// A refusal with its data, and a second try with other credentials.
fn refusal(kind: Kind) {
    let server = start(kind, &[]);
    let mut client = client(&server, &[WebSocket]);
    let auth = Auth::Value(Value::from_iter([("token", "bad")]));
    let key = client.machine.socket("/auth", auth).expect("room");
    let now = client.now();
    client.machine.open(now, key);
    let refused = client.hear("refusal", |it| match it {
        Event::ConnectError {
            error: ConnectError::Refused(refusal),
            active: false,
            ..
        } => Some(refusal.clone()),
        _ => None,
    });
    assert_eq!(refused.message, "bad token");
    assert_eq!(
        refused.data.expect("data")["code"].as_str(),
        Some("E_TOKEN")
    );
    let auth = Auth::Value(Value::from_iter([("token", "good")]));
    client.machine.set_auth(key, auth);
    enter(&mut client, "/auth");
}

/// What was said right before a namespace is left is heard (§16.3).
fn last_words(kind: Kind, transports: &[TransportKind]) {
    let server = start(kind, &[]);
    let mut listener = client(&server, &[WebSocket]);
    let listener = enter(&mut listener, "/");
    for round in 0..10 {
        let mut client = client(&server, transports);
        let mut main = enter(&mut client, "/");
        main.emit("shout", &round);
        let key = main.key;
        let now = client.now();
        client.machine.leave(now, key);
        let heard = {
            let end = Instant::now() + PATIENCE;
            while !client.is_at_rest() && Instant::now() < end {
                client.turn();
            }
            listener.client.hear("last word", |it| match it {
                Event::Message { name, args, .. } if &**name == "shouted" => {
                    args.get::<u64>(0).ok()
                }
                _ => None,
            })
        };
        assert_eq!(heard, round);
    }
}

macro_rules! against {
    ($($module:ident: $kind:expr;)*) => {
        $(
            mod $module {
                use super::*;

                #[test]
                fn polling() {
                    conversation($kind, &[Polling]);
                }

                #[test]
                fn websocket() {
                    conversation($kind, &[WebSocket]);
                }

                #[test]
                fn upgrade() {
                    conversation($kind, &[Polling, WebSocket]);
                }

                #[test]
                fn restart_by_polling() {
                    restart($kind, &[Polling]);
                }

                #[test]
                fn restart_by_websocket() {
                    restart($kind, &[WebSocket, Polling]);
                }
            }
        )*
    };
}

against! {
    official: Kind::Official;
    official_2: Kind::Old;
    python_socketio: Kind::Python;
    on_tokio: Kind::Ours(Binding::Tokio);
    on_smol: Kind::Ours(Binding::Smol);
}

#[test]
fn recovery_by_websocket() {
    recovery(&[WebSocket]);
}

#[test]
fn recovery_after_an_upgrade() {
    recovery(&[Polling, WebSocket]);
}

#[test]
fn refusals() {
    for kind in [Kind::Official, Kind::Ours(Binding::Tokio)] {
        refusal(kind);
    }
}

#[test]
fn what_is_said_last_is_heard() {
    for kind in [Kind::Official, Kind::Ours(Binding::Tokio)] {
        for transports in [&[WebSocket][..], &[Polling]] {
            last_words(kind, transports);
        }
    }
}
