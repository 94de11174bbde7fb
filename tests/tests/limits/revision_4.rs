//! The limits as clients of revision 4 of Socket.IO meet them, and what only they can do wrong.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use sio_tests::{
    served::{Served, serve, serve_with},
    wire::{POLLING_3, Polling, Said, WEBSOCKET_3, WebSocket, Wire, ask},
};
use sio_tokio::{Config, Eio, Io, Refusal, Socket};

/// What must have happened by then has.
const SHORT: Duration = Duration::from_millis(150);

/// A client in `/`, by WebSocket. It asks for nothing.
fn member(server: &Served) -> WebSocket {
    let mut member = stranger(server);
    assert_eq!(member.text(), "40");
    member
}

/// A client that may not be in `/`.
fn stranger(server: &Served) -> WebSocket {
    let mut socket = WebSocket::over(Wire::connect(server.address), WEBSOCKET_3);
    let open = socket.text();
    assert!(open.starts_with("0{"), "{open}");
    socket
}

#[test]
fn a_name_is_limited_and_the_query_behind_it_is_not() {
    let config = Config::default().max_namespace_bytes(10);
    serve(config, |server| {
        server.io.of("/abcdefghi");
        let mut known = member(server);
        let token = "x".repeat(5000);
        known.send(&format!("40/abcdefghi?token={token},"));
        assert_eq!(known.text(), "40/abcdefghi,");
        assert!(known.is_alive());

        for packet in [
            "40/abcdefghij,",
            "40/abcdefghij?a,",
            // A query stands in a CONNECT alone.
            "42/abcdefghi?a,[\"x\"]",
        ] {
            let mut member = member(server);
            member.send(packet);
            assert_eq!(member.end().0, [""; 0], "{packet}");
            assert_eq!(server.left(), "forced close");
        }
        drop(known);
        server.wait_until("it is empty", |io| io.of("/abcdefghi").is_empty());
    });
}

#[test]
fn of_a_query_a_thousand_parameters_are_read() {
    let (tell, told) = channel();
    let watch = move |io: &Io| {
        io.of("/query").on_connect(move |socket: Socket| {
            let handshake = socket.handshake();
            let auth: BTreeMap<String, sio_tokio::Value> = handshake.auth.decode().unwrap();
            let _ = tell.send((auth.len(), handshake.query.len()));
        });
    };
    serve_with(Config::default(), watch, |server| {
        let mut member = member(server);
        for (count, own) in [(1000, 1000), (1001, 1000), (100_000, 1000)] {
            let query: Vec<String> = (0..count).map(|at| format!("k{at}=1")).collect();
            member.send(&format!("40/query?{},", query.join("&")));
            assert_eq!(member.text(), "40/query,");
            // `EIO` and `transport` are those of the URL.
            assert_eq!(told.recv().unwrap(), (own, own + 2));
            member.send("41/query,");
        }
        assert!(member.is_alive());
        server.wait_until("it is empty", |io| io.of("/query").is_empty());
    });
}

#[test]
fn namespaces_past_the_limit_are_refused_with_a_bare_value() {
    let config = Config::default().max_namespaces_per_connection(2);
    serve(config, |server| {
        for name in ["/a", "/b"] {
            server.io.of(name);
        }
        let mut member = member(server);
        member.send("40/a,");
        assert_eq!(member.text(), "40/a,");
        // `/`, which nobody asked for, is one of them.
        member.send("40/b,");
        assert_eq!(member.text(), r#"44/b,"too many namespaces""#);
        member.send("41/a,");
        member.send("40/b,");
        assert_eq!(member.text(), "40/b,");
        assert!(member.is_alive());
        drop(member);
        server.wait_until("it is empty", |io| io.of("/b").is_empty());
    });
}

#[test]
fn refusals_past_the_limit_close_after_the_last_answer() {
    let config = Config::default().max_refused_connects(3);
    serve(config, |server| {
        let mut member = member(server);
        for at in 0..2 {
            member.send(&format!("40/nowhere{at}?a=1,"));
            let answer = format!(r#"44/nowhere{at},"Invalid namespace""#);
            assert_eq!(member.text(), answer);
        }
        assert!(member.is_alive());
        for at in 2..10 {
            member.send(&format!("40/nowhere{at},"));
        }
        assert_eq!(member.end().0.len(), 1);
        let reason = server.left();
        assert!(reason.starts_with("forced"), "{reason}");
    });
}

/// `/` is closed to them.
fn closed(io: &Io) {
    io.of("/").use_(|socket: Socket| {
        if socket.handshake().revision == Eio::V3 {
            return Err("not today");
        }
        Ok(())
    });
    io.of("/open");
}

#[test]
fn whoever_is_in_no_namespace_stays_for_the_connect_timeout() {
    let config = Config::default().connect_timeout(SHORT);
    serve_with(config, closed, |server| {
        let mut refused = stranger(server);
        assert_eq!(refused.text(), r#"44"not today""#);
        // It has as long for that, and on a machine that has much to do may come too late.
        let mut elsewhere = loop {
            let mut elsewhere = stranger(server);
            assert_eq!(elsewhere.text(), r#"44"not today""#);
            elsewhere.send("40/open,");
            match elsewhere.hear() {
                Said::Text(text) => {
                    assert_eq!(text, "40/open,");
                    break elsewhere;
                }
                Said::Close(_) | Said::End => {}
                other @ (Said::Binary(_) | Said::Pong(_)) => panic!("{other:?}"),
            }
        };

        let (said, code) = refused.end();
        assert_eq!((said.len(), code.is_some()), (0, true));
        let polling = loop {
            let polling = Polling::open_3(server.address);
            let answer = polling.get();
            if answer.body == r#"13:44"not today""# {
                break polling;
            }
            assert!(
                answer.status == 400 || answer.body.ends_with("1:1"),
                "{answer:?}"
            );
        };
        thread::sleep(2 * SHORT);
        // Whether it waits for its end or comes behind it.
        let end = polling.get().body;
        assert!(["1:1", "1:61:1"].contains(&&*end), "{end}");
        assert!(polling.is_gone());
        elsewhere.send("41/open,");
        server.wait_until("it has left", |io| io.of("/open").is_empty());
        assert_eq!(server.io.engine_sessions(), 1, "it was in a namespace once");
    });
}

#[test]
fn the_connect_timeout_is_nothing_to_those_in_the_main_namespace() {
    let config = Config::default().connect_timeout(SHORT);
    serve(config, |server| {
        let mut silent = member(server);
        // One that does not come back in this time, on a machine that has much to do, is forgotten.
        let polling = loop {
            let polling = Polling::open_3(server.address);
            let answer = polling.get();
            if answer.status == 200 && answer.body == "2:40" {
                break polling;
            }
            assert_eq!(server.left(), "forced close");
        };
        thread::sleep(2 * SHORT);
        assert!(silent.is_alive());
        silent.send("41");
        assert_eq!(server.left(), "client namespace disconnect");
        thread::sleep(2 * SHORT);
        assert_eq!(server.io.engine_sessions(), 2);
        polling.post("1:1");
    });
}

/// They are in `/` by asking for a session, and may have forgotten it at once.
#[test]
fn connect_timeout_ends_those_that_polled_once() {
    let config = Config::default().connect_timeout(SHORT);
    serve(config, |server| {
        let forgotten = Polling::open_3(server.address);
        // So it was in.
        assert_eq!(server.left(), "forced close");
        server.wait_until("it is gone", |io| io.engine_sessions() == 0);
        assert!(forgotten.is_gone());
    });
}

#[test]
fn max_pending_sessions_counts_those_that_polled_once() {
    let config = Config::default().max_pending_sessions(2);
    serve(config, |server| {
        let knock = || ask(server.address, "GET", POLLING_3, "", "").expect("a response");
        // Who holds a connection does not count.
        let members = [(); 3].map(|()| member(server));
        let polling = [(); 2].map(|()| Polling::open_3(server.address));
        server.wait_until("all are in", |io| io.of("/").len() == 5);
        assert_eq!(knock().status, 503);
        // Each has come back in its way.
        assert_eq!(polling[0].get().body, "2:40");
        let third = Polling::opened(server.address, &knock());
        assert_eq!(knock().status, 503);
        assert_eq!(polling[1].post("1:2").status, 200);
        let fourth = Polling::opened(server.address, &knock());
        assert_eq!(knock().status, 503);
        let target = format!("{WEBSOCKET_3}&sid={}", third.sid);
        let mut candidate = WebSocket::over(Wire::connect(server.address), &target);
        candidate.send("2probe");
        assert_eq!(candidate.text(), "3probe");
        let fifth = Polling::opened(server.address, &knock());
        drop((members, candidate, polling, third, fourth, fifth));
    });
}

#[test]
fn a_decision_that_is_not_taken_is_a_refusal() {
    let config = Config::default().middleware_timeout(SHORT);
    let slow = |io: &Io| {
        io.of("/slow").use_(async |_: Socket| {
            std::future::pending::<()>().await;
            Ok::<(), Refusal>(())
        });
    };
    serve_with(config, slow, |server| {
        let mut member = member(server);
        member.send("40/slow,");
        // Asked for twice is asked for once, and events come too early.
        member.send("40/slow?again=1,");
        member.send(r#"42/slow,["early"]"#);
        assert_eq!(member.text(), r#"44/slow,"timed out""#);
        assert!(member.is_alive());
    });
}

#[test]
fn what_is_not_for_a_namespace_it_is_in_is_ignored() {
    serve(Config::default(), |server| {
        server.io.of("/a");
        let mut member = member(server);
        for packet in [
            "40",
            "40/?a=1,",
            r#"42/a,["x"]"#,
            r#"42/nowhere,1["x"]"#,
            "41/a,",
            "43/a,1[]",
            r#"44/a,"x""#,
        ] {
            member.send(packet);
            assert!(member.is_alive(), "{packet}");
        }
        // Attachments are waited for all the same.
        member.send(r#"451-/a,["x",{"_placeholder":true,"num":0}]"#);
        member.send_binary(&[4, 1]);
        assert!(member.is_alive());
        assert_eq!(server.io.of("/").len(), 1);
        assert_eq!(server.events(), ["echo"; 8]);
    });
}

#[test]
fn garbage_closes() {
    serve(Config::default(), |server| {
        for packet in [
            "4",
            "4abc",
            "47",
            "42{}",
            r#"42["connect"]"#,
            r#"42["disconnect"]"#,
            r#"41{"x":1}"#,
            "4511-[\"x\"]",
            "450-[\"x\"]",
            r#"40/a,"x""#,
            r#"44true"#,
            "429007199254740992[\"x\"]",
        ] {
            let mut member = member(server);
            member.send(packet);
            assert_eq!(member.end().0, [""; 0], "{packet}");
            assert_eq!(server.left(), "forced close", "{packet}");
        }
    });
}

/// What sockets in `/` hear of errors.
fn errors() -> (impl FnOnce(&Io), Receiver<String>) {
    let (tell, told) = channel();
    let watch = |io: &Io| {
        io.of("/").on_connect(move |socket: Socket| {
            let tell = tell.clone();
            socket.on_error(move |refusal: Refusal| {
                let _ = tell.send(refusal.message);
            });
        });
    };
    (watch, told)
}

#[test]
fn what_clients_cannot_write_they_say_and_go_on() {
    let (watch, told) = errors();
    serve_with(Config::default(), watch, |server| {
        let mut member = member(server);
        for (packet, heard) in [
            (r#"44"encode error""#, "encode error"),
            (r#"44{"a":1}"#, r#"{"a":1}"#),
            ("44[1]", "[1]"),
            ("44null", "null"),
            ("44", ""),
            // Digits are an ack id.
            ("445", ""),
        ] {
            member.send(packet);
            assert_eq!(told.recv().unwrap(), heard, "{packet}");
        }
        assert!(member.is_alive());
    });
}
