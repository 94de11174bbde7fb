//! socketioxide and engineioxide: sessions, paths, upgrades.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sio_tests::{
    served::{serve, serve_with},
    wire::{POLLING, Polling, UPGRADE, WEBSOCKET, WebSocket, Wire, ask, request},
};
use sio_tokio::{Config, Io, Socket};

/// A malformed id opened a new session.
#[test]
fn adv_socketioxide_815() {
    serve(Config::default(), |server| {
        let valid = Polling::open(server.address);
        let mut other = valid.sid.clone();
        let last = if other.pop() == Some('A') { 'B' } else { 'A' };
        other.push(last);
        let mut bodies = Vec::new();
        for sid in [
            "",
            "x",
            "AAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAA",
            "..%2f..%2f",
            "%E2%82%AC",
            "a%0d%0aSet-Cookie:%20x=1",
            &other,
        ] {
            for target in [POLLING, WEBSOCKET] {
                let target = format!("{target}&sid={sid}");
                let headers = if target.contains("websocket") {
                    UPGRADE
                } else {
                    ""
                };
                let response = ask(server.address, "GET", &target, headers, "");
                let response = response.expect("a response");
                assert_eq!(response.status, 400, "{sid}");
                assert_eq!(response.header("set-cookie"), None);
                if headers.is_empty() {
                    bodies.push(response.body);
                }
            }
        }
        bodies.dedup();
        assert_eq!(bodies, [r#"{"code":1,"message":"Session ID unknown"}"#]);
        assert_eq!(server.io.engine_sessions(), 1);
        assert!(!valid.is_gone());
    });
}

/// A path that only begins like ours was taken.
#[test]
fn adv_socketioxide_816() {
    serve(Config::default(), |server| {
        for path in [
            "/socket.io-admin",
            "/socket.io-admin/",
            "/socket.ioX/",
            "/socket.i",
            "/",
            "/x/socket.io/",
        ] {
            let target = format!("{path}?EIO=4&transport=polling");
            let response = ask(server.address, "GET", &target, "", "").expect("a response");
            assert_eq!(response.status, 404, "passed on: {path}");
        }
        for path in ["/socket.io", "/socket.io/"] {
            let target = format!("{path}?EIO=4&transport=polling");
            let response = ask(server.address, "GET", &target, "", "").expect("a response");
            drop(Polling::opened(server.address, &response));
        }
    });
}

/// Two pongs ended the heartbeat.
#[test]
fn adv_socketioxide_817() {
    let config = Config::default()
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(500));
    serve(config, |server| {
        let polling = server.polling_member();
        assert_eq!(polling.post("3\x1e3").status, 200);
        let mut pings = 0;
        while pings < 4 {
            // Pongs that are late answer a ping before it is fetched: the next one is there beside it.
            let packets = polling.packets();
            assert!(
                packets.iter().all(|it| it == "2"),
                "pings go on: {packets:?}"
            );
            pings += packets.len();
            assert_eq!(polling.post("3\x1e3").status, 200);
        }
        assert!(server.nobody_left());
    });
}

/// What was sent while a poll waited met the lock that the poll held.
#[test]
fn adv_socketioxide_809() {
    let kept = Arc::new(Mutex::new(Vec::<Socket>::new()));
    let keep = kept.clone();
    let keeping = move |io: &Io| {
        io.on_connect(move |socket: Socket| keep.lock().expect("not poisoned").push(socket));
    };
    serve_with(Config::default(), keeping, |server| {
        let polling = server.polling_member();
        let socket = kept.lock().expect("not poisoned").remove(0);
        let sending = thread::spawn(move || {
            for at in 0..500 {
                socket.emit("news", &at).expect("connected");
                if at % 50 == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
            }
        });
        let mut seen = Vec::new();
        while seen.len() < 500 {
            let poll = polling.park();
            assert_eq!(polling.post("3").status, 200, "while a poll waits");
            let mut poll = poll;
            let response = poll.response().expect("a response");
            seen.extend(response.body.split('\x1e').map(str::to_owned));
        }
        sending.join().expect("no panic");
        let expected: Vec<_> = (0..500).map(|at| format!(r#"42["news",{at}]"#)).collect();
        assert_eq!(seen, expected);
    });
}

/// The headers of upgrades were not looked at.
#[test]
fn adv_socketioxide_upgrade_headers() {
    serve(Config::default(), |server| {
        let without = |name: &str| -> String {
            let lines = UPGRADE.split_inclusive("\r\n");
            lines.filter(|line| !line.starts_with(name)).collect()
        };
        for (headers, statuses) in [
            (without("Upgrade"), &[400][..]),
            (without("Connection"), &[400]),
            (without("Sec-WebSocket-Key"), &[400]),
            (without("Sec-WebSocket-Version"), &[400, 426]),
            (UPGRADE.replace("Version: 13", "Version: 8"), &[426]),
            (UPGRADE.replace("AAAAAAAAAAAAAAAAAAAAAA==", "abc"), &[400]),
        ] {
            let mut wire = Wire::connect(server.address);
            wire.write(request("GET", WEBSOCKET, &headers, ""));
            let response = wire.response().expect("a response");
            assert!(
                statuses.contains(&response.status),
                "{headers}: {response:?}"
            );
            if response.status == 426 {
                assert_eq!(response.header("sec-websocket-version"), Some("13"));
            }
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// The public id of a socket was the secret one of its session.
#[test]
fn adv_socketioxide_id() {
    serve(Config::default(), |server| {
        let victim = Polling::open(server.address);
        let answer = victim.join("/");
        let answer: serde_json::Value = serde_json::from_str(&answer[2..]).expect("JSON");
        let public = answer["sid"].as_str().expect("an id");
        assert_ne!(public, victim.sid);
        let target = format!("{POLLING}&sid={public}");
        let response = ask(server.address, "POST", &target, "", "1").expect("a response");
        assert_eq!((response.status, response.code()), (400, Some(1)));
        assert!(!victim.is_gone());
    });
}

/// A probe that failed closed the session.
#[test]
fn adv_socketioxide_failed_probe() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        for first in [&["2foo"][..], &["2probe", "4x"], &["x"], &["2"], &[""], &[]] {
            let mut candidate = WebSocket::beside(server.address, &polling.sid);
            for text in first {
                candidate.send(text);
            }
            if !first.is_empty() {
                candidate.end();
            }
            drop(candidate);
            polling.post(r#"421["echo",1]"#);
            let packets = polling.packets();
            assert_eq!(packets.last().map(|it| &**it), Some("431[1]"), "{first:?}");
        }
        // The way is free for one that does it right.
        let upgraded = (0..100).any(|_| {
            let mut candidate = WebSocket::beside(server.address, &polling.sid);
            candidate.send("2probe");
            let answered = candidate.hear() == sio_tests::wire::Said::Text("3probe".into());
            answered && candidate.send("5") && candidate.is_alive()
        });
        assert!(upgraded);
    });
}

/// The time-out of a second WebSocket closed the session that had gone over to the first.
#[test]
fn adv_socketioxide_second_candidate() {
    let config = Config::default().upgrade_timeout(Duration::from_millis(1500));
    serve(config, |server| {
        let polling = server.polling_member();
        let mut one = WebSocket::beside(server.address, &polling.sid);
        one.send("2probe");
        assert_eq!(one.text(), "3probe");
        let mut two = WebSocket::beside(server.address, &polling.sid);
        let (said, code) = two.end();
        assert_eq!((said, code.is_some()), (vec![], true), "closed at once");
        one.send("5");
        assert!(one.is_alive());
        let mut three = WebSocket::beside(server.address, &polling.sid);
        assert_eq!(three.end().0, [""; 0]);
        thread::sleep(Duration::from_millis(1700));
        assert!(one.is_alive(), "after the time-out of the others");
        assert!(server.nobody_left());
    });
}

/// The limit of bodies did not hold for WebSocket messages.
#[test]
fn adv_socketioxide_max_payload() {
    serve(Config::default(), |server| {
        let mut member = server.member();
        member.send(&format!(r#"42["x","{}"]"#, "y".repeat(1_200_000)));
        assert_eq!(member.end(), (vec![], Some(Some(1009))));
        assert_eq!(server.left(), "transport error");
        assert_eq!(server.events(), [""; 0]);
    });
}
