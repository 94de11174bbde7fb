//! socket.io, socket.io-parser and engine.io.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sio_tests::{
    served::{Served, serve, serve_with},
    wire::{POLLING, Polling, UPGRADE, WEBSOCKET, WebSocket, Wire, ask, frame, request},
};
use sio_tokio::{Config, ConnectionStateRecovery, EventName, Io, Namespace, Socket};

/// A member that sends these frames is thrown out, and none of its events is delivered.
fn is_thrown_out(server: &Served, texts: &[&str], attachments: &[&[u8]]) {
    let mut member = server.member();
    for text in texts {
        member.send(text);
    }
    for bytes in attachments {
        member.send_binary(bytes);
    }
    assert_eq!(member.end().0, [""; 0], "{texts:?}");
    assert_eq!(server.left(), "forced close", "{texts:?}");
    assert_eq!(server.events(), [""; 0], "{texts:?}");
}

/// One POST of very many packets took minutes, one of 100 MB all memory.
#[test]
fn adv_cve_2020_36048() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        // As many as a body of a megabyte holds.
        let body = "3\x1e".repeat(499_999) + "3";
        assert_eq!(polling.post(&body).status, 400);
        assert_eq!(server.left(), "parse error");
        assert!(polling.is_gone());

        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        let target = polling.target();
        wire.write(format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n4"
        ));
        assert_eq!(wire.response().map(|it| it.status), Some(413));
        assert_eq!(server.left(), "transport error");
    });
}

/// The parser took long names and numbers apart character by character.
#[test]
fn adv_cve_2020_36049() {
    serve(Config::default(), |server| {
        let long = "a".repeat(990_000);
        let digits = "7".repeat(990_000);
        is_thrown_out(server, &[&format!(r#"42/{long},["x"]"#)], &[]);
        is_thrown_out(server, &[&format!("40/{long}")], &[]);
        is_thrown_out(server, &[&format!(r#"42{digits}["x"]"#)], &[]);
        is_thrown_out(server, &[&format!(r#"45{digits}-["x"]"#)], &[]);
        is_thrown_out(server, &[&format!("42{digits}")], &[]);
    });
}

/// An error of the WebSocket that nobody listened for ended the process.
#[test]
fn adv_cve_2022_21676() {
    serve(Config::default(), |server| {
        for reserved in [0x10, 0x20, 0x40, 0x70] {
            let mut fresh = WebSocket::open(server.address);
            fresh.wire().write(frame(0x81 | reserved, b"4x"));
            let (said, code) = fresh.end();
            // The open packet may have left before.
            assert!(said.len() <= 1, "{said:?}");
            assert_eq!(code, Some(Some(1002)), "{reserved:#x}");

            let mut member = server.member();
            member.wire().write(frame(0x81 | reserved, b"4x"));
            assert_eq!(member.end(), (vec![], Some(Some(1002))), "{reserved:#x}");
            assert_eq!(server.left(), "transport error");
        }
    });
}

/// A client that is refused resets the connection while the refusal is written.
#[test]
fn adv_cve_2022_41940() {
    serve(Config::default(), |server| {
        for _ in 0..50 {
            let mut wire = Wire::connect(server.address);
            wire.write(request(
                "GET",
                "/socket.io/?EIO=4&transport=bad",
                UPGRADE,
                "",
            ));
            // Closed without lingering: the kernel sends a reset.
            let linger = Some(Duration::ZERO);
            rustix::net::sockopt::set_socket_linger(wire.stream(), linger).expect("a socket");
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// The code 0 was taken for no error.
#[test]
fn adv_cve_2023_31125() {
    serve(Config::default(), |server| {
        for name in ["__proto__", "constructor", "toString", ""] {
            let target = format!("/socket.io/?EIO=4&transport={name}");
            let response = ask(server.address, "GET", &target, "", "").expect("a response");
            assert_eq!(response.status, 400);
            assert_eq!(response.body, r#"{"code":0,"message":"Transport unknown"}"#);
            let response = ask(server.address, "GET", &target, UPGRADE, "").expect("a response");
            assert_eq!(response.status, 400);
            assert_eq!(response.body, "Transport unknown");
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// A placeholder's index was used unchecked.
#[test]
fn adv_cve_2022_2421() {
    serve(Config::default(), |server| {
        for num in [
            r#""splice""#,
            "1",
            "-1",
            "0.5",
            "1e99",
            "18446744073709551616",
            "null",
            "true",
            "[0]",
            r#""0""#,
        ] {
            let text = format!(r#"451-["x",{{"_placeholder":true,"num":{num}}}]"#);
            is_thrown_out(server, &[&text], &[b"y"]);
        }
        let missing = r#"451-["x",{"_placeholder":true}]"#;
        is_thrown_out(server, &[missing], &[b"y"]);

        let twice = r#"451-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#;
        let mut member = server.member();
        member.send(twice);
        member.send_binary(b"same");
        let (_, args) = server.event();
        let both: (sio_tokio::Bytes, sio_tokio::Bytes) = args.decode().expect("two byte strings");
        assert_eq!((&*both.0, &*both.1), (&b"same"[..], &b"same"[..]));
        assert!(member.is_alive());
    });
}

/// An event's name that is no string became a call.
#[test]
fn adv_cve_2023_32695() {
    serve(Config::default(), |server| {
        for name in [
            r#"{"toString":"foo"}"#,
            r#"true,"foo""#,
            r#"null,"bar""#,
            r#"["foo"]"#,
        ] {
            is_thrown_out(server, &[&format!("42[{name}]")], &[]);
        }
        let mut member = server.member();
        member.send("42[1]");
        assert_eq!(server.event().0, "1");
        assert!(member.is_alive());
    });
}

/// An event of this name was thrown as an error.
#[test]
fn adv_cve_2024_38355() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tell = seen.clone();
    let listening = move |io: &Io| {
        io.of("/").on_connect(move |socket: Socket| {
            let tell = tell.clone();
            socket.on_error(move |name: EventName| {
                tell.lock().expect("not poisoned").push(name.to_string());
            });
        });
    };
    serve_with(Config::default(), listening, |server| {
        let mut member = server.member();
        member.send(r#"42["error","x"]"#);
        let (name, args) = server.event();
        assert_eq!((&*name, args.raw(0)), ("error", Some(r#""x""#)));
        assert!(member.is_alive());
    });
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(*seen, [""; 0], "a client's event is not a local error");
}

/// Any number of attachments was announced and kept.
#[test]
fn adv_cve_2026_33151() {
    serve(Config::default(), |server| {
        let attachments = [&b"x"[..]; 20];
        is_thrown_out(server, &[r#"451000000000-["x"]"#], &attachments);
        is_thrown_out(server, &[r#"4511-["x"]"#], &attachments);
        is_thrown_out(server, &[r#"4599999999999999999999-["x"]"#], &attachments);
        is_thrown_out(server, &[r#"461000000000-1["x"]"#], &attachments);
        let polling = server.polling_member();
        polling.post(&format!("{}\x1ebAQ==", r#"451000000000-["x"]"#));
        assert_eq!(server.left(), "forced server close");
        assert_eq!(server.events(), [""; 0]);
    });
}

/// A body of the wrong kind was never answered.
#[test]
fn adv_engineio_6_6_7_content_type() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        let headers = "Content-Type: application/octet-stream\r\n";
        let response = ask(server.address, "POST", &polling.target(), headers, "4x");
        let response = response.expect("an answer that is complete");
        assert_eq!((response.status, &*response.body), (400, ""));
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
    });
}

/// One transport went round what others had to pass.
#[test]
fn adv_engineio_6_6_8_admission() {
    let guarded = |io: &Io| {
        io.allow_request(async |head: Arc<sio_tokio::RequestHead>| {
            match head.query("key").as_deref() {
                Some("wrong") => Err("wrong key"),
                _ => Ok(()),
            }
        });
    };
    serve_with(Config::default(), guarded, |server| {
        let response = ask(
            server.address,
            "GET",
            &format!("{POLLING}&key=wrong"),
            "",
            "",
        );
        let response = response.expect("a response");
        assert_eq!(
            (response.status, &*response.body),
            (403, r#"{"code":4,"message":"wrong key"}"#)
        );
        let target = format!("{WEBSOCKET}&key=wrong");
        let response = ask(server.address, "GET", &target, UPGRADE, "").expect("a response");
        assert!(matches!(response.status, 400 | 403), "{response:?}");
        assert_eq!(response.body, "wrong key");
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// The time-outs of a broadcast's acks left an entry for each socket (also #3494).
#[test]
fn adv_socketio_4984() {
    let config = Config::default().max_pending_acks(1);
    serve(config, |server| {
        let mut members: Vec<_> = (0..5).map(|_| server.member()).collect();
        for _ in 0..3 {
            // With an entry left, the next round would find it in its way.
            let replies = server.block_on(
                server
                    .io
                    .timeout(Duration::from_millis(50))
                    .emit_with_ack::<u32>("question", &()),
            );
            let replies = replies.expect("no arguments to go wrong");
            assert_eq!(replies.answers.len(), 5);
            assert!(replies.timed_out());
            let timed_out = |it: &Result<u32, _>| *it == Err(sio_tokio::AckError::Timeout);
            assert!(replies.answers.iter().all(|(_, answer)| timed_out(answer)));
        }
        for member in &mut members {
            for _ in 0..3 {
                let asked = member.text();
                let id = asked
                    .trim_start_matches("42")
                    .replace(r#"["question"]"#, "");
                member.send(&format!("43{id}[1]"));
            }
            assert!(member.is_alive(), "answers that come too late are ignored");
        }
    });
}

/// A packet that announces no attachments left the decoder waiting for some.
#[test]
fn adv_socketio_parser_4_2_7() {
    serve(Config::default(), |server| {
        is_thrown_out(server, &[r#"450-["echo"]"#], &[]);
        is_thrown_out(server, &[r#"460-1["echo"]"#], &[]);
    });
}

/// Nested arguments were walked by a function that calls itself, and the stack ended.
#[test]
fn adv_nested_arguments_echoed() {
    let repeating = |io: &Io| {
        let main = io.of("/");
        main.on("all", |namespace: Namespace, args: sio_tokio::Args| {
            namespace.emit("all", &args)
        });
    };
    serve_with(Config::default(), repeating, |server| {
        for depth in [129, 1000, 5000, 30_000] {
            for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
                let (open, close) = (open.repeat(depth), close.repeat(depth));
                is_thrown_out(server, &[&format!(r#"42["all",{open}1{close}]"#)], &[]);
                is_thrown_out(server, &[&format!(r#"42["all",{open}"#)], &[]);
            }
        }
        let mut member = server.member();
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        member.send(&format!(r#"42["all",{deep}]"#));
        assert_eq!(member.text(), format!(r#"42["all",{deep}]"#));
        // As a body of one POST, too.
        let polling: Polling = server.polling_member();
        let body = format!(r#"42["all",{}"#, "[".repeat(900_000));
        polling.post(&body);
        assert_eq!(server.left(), "forced server close");
    });
}

/// Recovery worked only once the server had noticed the loss, and once.
#[test]
fn adv_socketio_4880() {
    let recovery = ConnectionStateRecovery::default();
    let config = Config::v4().connection_state_recovery(recovery);
    serve(config, |server| {
        let words = |text: &str| text.split('"').map(str::to_owned).collect::<Vec<_>>();
        let mut member = WebSocket::open(server.address);
        member.text();
        member.send("40");
        let welcome = words(&member.text());
        // The old ones are there still when the next one comes, each time.
        for round in 0..3 {
            server.io.emit("read", &round).expect("an event");
            let read = words(&member.text());
            server.io.emit("unread", &round).expect("an event");
            let (pid, offset) = (&welcome[7], &read[3]);
            let mut next = WebSocket::open(server.address);
            next.text();
            next.send(&format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#));
            assert_eq!(words(&next.text())[1], "unread");
            assert_eq!(words(&next.text()), welcome);
            assert_eq!(server.left(), "recovered elsewhere");
            member = next;
        }
        assert!(member.is_alive());
    });
}
