//! What holds beside the limits: what goes wrong with one client stays with it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sio_tests::{
    served::{narrow, serve, serve_with},
    wire::{POLLING, UPGRADE, WEBSOCKET, WebSocket, Wire, ask},
};
use sio_tokio::{Ack, Config, Data, Failure, Io, Refusal, Socket};

/// Handlers that panic: at once, after waiting, on connect.
fn panicking(io: &Io) {
    let main = io.of("/");
    main.on("panic", |Data(why): Data<String>| -> Result<(), Refusal> {
        panic!("{why}")
    });
    main.on(
        "panic later",
        async |Data(why): Data<String>| -> Result<(), Refusal> {
            tokio::time::sleep(Duration::from_millis(1)).await;
            panic!("{why}")
        },
    );
    io.of("/panics")
        .on_connect(|socket: Socket| -> Result<(), Refusal> {
            panic!("{}", socket.namespace().name())
        });
}

#[test]
fn a_handler_that_panics_ends_its_connection_alone() {
    serve_with(Config::default(), panicking, |server| {
        server.expect_panics();
        let mut other = server.member();
        for text in [
            r#"42["panic","on purpose: now"]"#,
            r#"42["panic later","on purpose: later"]"#,
            "40/panics,",
        ] {
            let mut member = server.member();
            member.send(text);
            member.end();
            assert_eq!(server.left(), "forced close", "{text}");
            let error = server.error();
            assert!(matches!(error.why, Failure::Panicked(_)), "{error}");

            let polling = server.polling_member();
            polling.post(text);
            assert_eq!(server.left(), "forced close", "{text}");
            assert!(polling.is_gone());
            assert!(matches!(server.error().why, Failure::Panicked(_)));
        }
        assert!(other.is_alive());
        assert!(server.io.of("/panics").is_empty());
    });
}

#[test]
fn a_handler_that_never_returns_keeps_nobody_waiting() {
    let stuck = |io: &Io| {
        io.of("/").on("stick", std::future::pending::<()>);
        io.of("/one-by-one").sequential();
        io.of("/one-by-one").on("stick", std::future::pending::<()>);
        io.of("/one-by-one").on("echo", |ack: Ack| ack.send(&()));
    };
    serve_with(Config::default(), stuck, |server| {
        let mut member = server.member();
        let mut other = server.member();
        member.send(r#"42["stick"]"#);
        assert!(member.is_alive() && other.is_alive());
        // Where one waits for the other, its own events do.
        member.send("40/one-by-one,");
        assert!(member.text().starts_with("40/one-by-one,"));
        member.send(r#"42/one-by-one,["stick"]"#);
        member.send(r#"42/one-by-one,1["echo"]"#);
        assert!(member.is_alive() && other.is_alive());
        drop(member);
        assert_eq!(server.left(), "transport close");
        server.wait_until("it is gone", |io| {
            io.engine_sessions() == 1 && io.of("/one-by-one").is_empty()
        });
    });
}

#[test]
fn a_room_does_not_wait_for_a_member_that_does_not_read() {
    let config = Config::default().max_backlog_bytes(300_000);
    serve(config, |server| {
        let mut deaf = WebSocket::over(Wire::over(narrow(server.address)), WEBSOCKET);
        deaf.enter();
        let mut members = [server.member(), server.member()];
        let text = "x".repeat(10_000);
        for _ in 0..100 {
            server.io.emit("news", &text).expect("text");
            for member in &mut members {
                assert!(member.text().starts_with(r#"42["news","xxx"#));
            }
        }
        assert_eq!(server.left(), "transport error", "it alone");
        assert!(server.nobody_left());
    });
}

#[test]
fn jsonp_carries_no_script() {
    serve(Config::default(), |server| {
        let j = "0;alert(1)//</script>";
        let target = format!("{POLLING}&j={}", j.replace('/', "%2f").replace('<', "%3c"));
        let target = target.replace('>', "%3e");
        let response = ask(server.address, "GET", &target, "", "").expect("a response");
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert!(response.body.starts_with("___eio["), "{response:?}");
        let index = response.body["___eio[".len()..].split(']').next();
        let digits = index.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(digits && !response.body.contains("alert"), "{response:?}");

        let sid = response.body.split(r#"\"sid\":\""#).nth(1);
        let sid = sid.and_then(|it| it.split('\\').next()).expect("an id");
        let target = format!("{POLLING}&j=0&sid={sid}");
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let said = "40\x1e421[\"echo\",\"</script>\u{2028}\u{2029}\"]";
        let encoded: String = said.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let body = format!("d={encoded}");
        let posted = ask(server.address, "POST", &target, form, &body).expect("a response");
        assert_eq!(posted.status, 200, "{posted:?}");
        let mut seen = String::new();
        while !seen.contains("431[") {
            let response = ask(server.address, "GET", &target, "", "").expect("a response");
            assert_eq!(response.status, 200, "{response:?}");
            seen.push_str(&response.body);
        }
        for raw in ['\u{2028}', '\u{2029}'] {
            assert!(!seen.contains(raw), "{seen:?} ends a line of script");
        }
        assert!(!seen.contains("</script"), "{seen}");
        ask(server.address, "POST", &target, form, "d=1");
    });
}

#[test]
fn a_session_that_went_over_to_websocket_is_deaf_to_polling() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        let mut socket = WebSocket::beside(server.address, &polling.sid);
        socket.send("2probe");
        assert_eq!(socket.text(), "3probe");
        socket.send("5");
        assert!(socket.is_alive());
        for (method, body) in [("GET", ""), ("POST", r#"42["smuggled"]"#)] {
            let response = ask(server.address, method, &polling.target(), "", body);
            let response = response.expect("a response");
            assert_eq!((response.status, response.code()), (400, Some(3)));
        }
        let revision = polling.target().replace("EIO=4", "EIO=3");
        let response = ask(server.address, "GET", &revision, "", "").expect("a response");
        assert_eq!(response.status, 400);
        assert!(socket.is_alive(), "no session is disturbed");
        assert_eq!(server.events(), ["echo", "echo"]);
    });
}

#[test]
fn an_answer_counts_once_and_in_its_own_namespace() {
    let kept = Arc::new(Mutex::new(Vec::<Socket>::new()));
    let keep = kept.clone();
    let keeping = move |io: &Io| {
        io.of("/other");
        io.on_connect(move |socket: Socket| keep.lock().expect("not poisoned").push(socket));
    };
    serve_with(Config::default(), keeping, |server| {
        let mut member = server.member();
        member.send("40/other,");
        member.text();
        let socket = kept.lock().expect("not poisoned").remove(0);
        let answer = socket.emit_with_ack::<String>("question", &());
        let asked = member.text();
        let id = &asked[2..asked.find('[').expect("an event")];
        member.send(&format!(r#"43/other,{id}["elsewhere"]"#));
        member.send(&format!(r#"43{id}["here"]"#));
        member.send(&format!(r#"43{id}["again"]"#));
        assert_eq!(server.block_on(answer).as_deref(), Ok("here"));
        assert!(member.is_alive());
    });
}

#[test]
fn text_that_is_no_unicode_is_the_handlers_to_refuse() {
    let typed = |io: &Io| {
        io.of("/")
            .on("typed", |Data(text): Data<String>, ack: Ack| {
                ack.send(&text)
            });
    };
    serve_with(Config::default(), typed, |server| {
        let mut member = server.member();
        member.send(r#"421["echo","\ud800"]"#);
        assert_eq!(member.text(), r#"431["\ud800"]"#, "passed on as it came");
        member.send(r#"422["typed","\ud800"]"#);
        let error = server.error();
        assert_eq!(error.event, "typed");
        assert!(matches!(error.why, Failure::Mistyped(_)), "{error}");
        assert!(member.is_alive());
    });
}

#[test]
fn a_request_for_an_upgrade_of_a_session_that_is_not_there_is_refused_as_one() {
    serve(Config::default(), |server| {
        let target = format!("{WEBSOCKET}&sid=AAAAAAAAAAAAAAAAAAAA");
        let response = ask(server.address, "GET", &target, UPGRADE, "").expect("a response");
        assert_eq!(response.status, 400);
        assert_eq!(response.body, "Session ID unknown");
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

#[test]
fn a_flood_of_handshakes_ends_by_itself() {
    let config = Config::default()
        .connect_timeout(Duration::from_millis(300))
        .polling_close_timeout(Duration::from_millis(100));
    serve(config, |server| {
        for _ in 0..300 {
            let response = ask(server.address, "GET", POLLING, "", "").expect("a response");
            assert_eq!(response.status, 200);
        }
        let open: Vec<_> = (0..50).map(|_| WebSocket::open(server.address)).collect();
        server.wait_until("all are gone", |io| io.engine_sessions() == 0);
        drop(open);
    });
}
