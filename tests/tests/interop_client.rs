//! The client's machine, by a plain driver, against servers as they are: the official ones of 4.8, 4.0, 3.1 and 2.5,
//! python-socketio, and ours on both bindings, some of them behind nginx and HAProxy.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "one event is waited for, whatever the others are"
)]

use std::{net::SocketAddr, thread, time::Instant};

use sio_core::{
    client::{Auth, ConnectError, Event},
    packet::Value,
    protocol::TransportKind::{self, Polling, WebSocket},
};
use sio_tests::{
    conversation::{client, client_by_way_of, converse, enter, reason, start},
    example::Binding,
    proxied::{ReverseProxy, Software},
    reference::{Kind, Server},
    wire::PATIENCE,
};

/// The conversation by polling, by WebSocket and with an upgrade, at the same time.
fn by_each_transport(server: &Server, address: SocketAddr) {
    thread::scope(|scope| {
        for transports in [&[Polling][..], &[WebSocket], &[Polling, WebSocket]] {
            let client = client_by_way_of(address, server, transports);
            scope.spawn(move || converse(client, transports));
        }
    });
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
                fn conversations() {
                    let server = start($kind, &[]);
                    by_each_transport(&server, server.address);
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
    official_3: Kind::Three;
    official_4: Kind::Four;
    python_socketio: Kind::Python;
    on_tokio: Kind::Ours(Binding::Tokio);
    on_smol: Kind::Ours(Binding::Smol);
}

/// Nobody notices who stands between.
fn proxied(software: Software, kind: Kind) {
    let server = start(kind, &[]);
    let proxy = ReverseProxy::start(software, &[server.address]);
    by_each_transport(&server, proxy.address);
}

#[test]
fn through_nginx() {
    for kind in [Kind::Official, Kind::Old, Kind::Ours(Binding::Tokio)] {
        proxied(Software::Nginx, kind);
    }
}

#[test]
fn through_haproxy() {
    for kind in [Kind::Official, Kind::Old, Kind::Ours(Binding::Smol)] {
        proxied(Software::HaProxy, kind);
    }
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
