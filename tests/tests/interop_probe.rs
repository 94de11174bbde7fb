//! Clients of both bindings, driven through their standard streams as outside checks do it, against servers as they
//! are: the official ones of 4.8, 4.0, 3.1 and 2.5, python-socketio, and ours.

use serde_json::{Value, json};
use sio_tests::{
    example::Binding,
    probe::Probe,
    reference::{CALM, Kind, Server},
};

fn open(server: &Server, transports: &Value) -> Value {
    let revision = if server.kind == Kind::Old { 3 } else { 4 };
    json!({
        "cmd": "open", "socket": "main", "url": format!("http://{}/", server.address),
        "opts": {
            "transports": transports, "revision": revision,
            "reconnectionDelay": 50, "reconnectionDelayMax": 500,
        },
    })
}

/// Events and answers both ways, with bytes; a server that dies and comes back; the end.
fn story(kind: Kind, binding: Binding) {
    let mut server = Server::start(kind, &CALM);
    for transports in [
        json!(["websocket"]),
        json!(["polling"]),
        json!(["polling", "websocket"]),
    ] {
        let mut probe = Probe::start(binding);
        assert_eq!(probe.say(open(&server, &transports))["manager"], 1);
        let hello = probe.told("main", "connect");
        assert!(hello["id"].is_string(), "{hello}");
        assert_eq!(probe.ask("echo", &json!([7])), json!([7]));
        let args = json!(["€ \u{1f600}", { "$bin": "00ff10" }, [{ "a": { "$bin": "" } }]]);
        assert_eq!(probe.ask("echo", &args), args);
        probe.say(json!({
            "cmd": "answer", "socket": "main", "event": "please_ack", "args": "$echo",
        }));
        let answer = probe.ask("call_me", &json!(["a", 1]));
        assert_eq!(answer, json!([{ "ok": true, "reply": ["a", 1] }]));
        probe.say(json!({
            "cmd": "emit", "socket": "main", "event": "burst", "args": [50, 10], "ack": true, "tag": "burst",
        }));
        for n in 0..50 {
            let event = probe.hear("a burst", |line| line["name"] == "burst");
            assert_eq!(event["args"][0], n);
        }
        let burst = probe.hear("its end", |line| line["tag"] == "burst");
        assert_eq!(burst["args"], json!([50]));
        let last = transports.as_array().and_then(|all| all.last()).cloned();
        if transports.as_array().is_some_and(|all| all.len() > 1) {
            probe.hear("an upgrade", |line| line["name"] == "upgrade");
        }
        let state = probe.say(json!({ "cmd": "state", "socket": "main" }));
        assert_eq!(Some(state["transport"].clone()), last);
        assert_eq!(
            (&state["connected"], &state["id"]),
            (&json!(true), &hello["id"])
        );

        server.kill();
        let left = probe.told("main", "disconnect");
        assert_eq!(left["active"], true, "{left}");
        probe.say(json!({
            "cmd": "emit", "socket": "main", "event": "echo", "args": ["kept"], "ack": true, "tag": "kept",
        }));
        probe.told("main", "connect_error");
        server.run();
        probe.told("main", "connect");
        let kept = probe.hear("the answer", |line| line["tag"] == "kept");
        assert_eq!(kept["args"], json!(["kept"]));
        probe.ends();
    }
}

/// A refusal with its data, and a second try with other credentials; a server that takes a socket out.
fn refusals(kind: Kind, binding: Binding) {
    let server = Server::start(kind, &CALM);
    let mut probe = Probe::start(binding);
    let url = |name: &str| format!("http://{}{name}", server.address);
    probe.say(json!({
        "cmd": "open", "socket": "auth", "url": url("/auth"), "opts": { "auth": { "token": "bad" } },
    }));
    let refused = probe.told("auth", "connect_error");
    assert_eq!(refused["message"], "bad token");
    assert_eq!(refused["data"]["code"], "E_TOKEN");
    assert_eq!(refused["active"], false);
    probe.say(json!({ "cmd": "auth", "socket": "auth", "auth": { "token": "good" } }));
    probe.say(json!({ "cmd": "connect", "socket": "auth" }));
    probe.told("auth", "connect");

    let opened = probe.say(json!({ "cmd": "open", "socket": "custom", "url": url("/custom") }));
    assert_eq!(opened["manager"], 1, "it shares the connection");
    probe.told("custom", "connect");
    probe.say(json!({
        "cmd": "emit", "socket": "custom", "event": "kick", "args": [false],
    }));
    let left = probe.told("custom", "disconnect");
    assert_eq!(left["reason"], "io server disconnect");
    assert_eq!(left["active"], false);
    probe.say(json!({ "cmd": "close_engine", "socket": "auth" }));
    assert_eq!(probe.told("auth", "disconnect")["reason"], "forced close");
    probe.told("auth", "connect");
    probe.ends();
}

macro_rules! against {
    ($($name:ident: $kind:expr;)*) => {
        $(
            mod $name {
                use super::*;

                #[test]
                fn tokio_client() {
                    story($kind, Binding::Tokio);
                }

                #[test]
                fn smol_client() {
                    story($kind, Binding::Smol);
                }
            }
        )*
    };
}

against! {
    official: Kind::Official;
    official_2: Kind::Old;
    python_socketio: Kind::Python;
    ours: Kind::Ours(Binding::Tokio);
}

#[test]
fn official_3_tokio_client() {
    story(Kind::Three, Binding::Tokio);
}

#[test]
fn official_4_smol_client() {
    story(Kind::Four, Binding::Smol);
}

#[test]
fn who_is_refused_may_try_again() {
    for binding in [Binding::Tokio, Binding::Smol] {
        for kind in [Kind::Official, Kind::Ours(binding)] {
            refusals(kind, binding);
        }
    }
}
