//! python-socketio, python-engineio and rust_socketio.

use sio_tests::{
    served::{Served, serve, serve_with},
    wire::{Wire, frame},
};
use sio_tokio::{Ack, Args, Config, Io, Socket};

/// Each pong started a thread (also GHSA-cgwc-pv48-fhj5).
#[test]
fn adv_cve_2026_48802() {
    serve(Config::default(), |server| {
        let mut member = server.member();
        let pongs = frame(0x81, b"3").repeat(50_000);
        member.wire().write(pongs);
        assert!(member.is_alive());
        let polling = server.polling_member();
        let body = "3\x1e".repeat(9_999) + "3";
        assert_eq!(polling.post(&body).status, 200);
        assert!(threads() < 500, "{} threads", threads());
        assert!(server.nobody_left());
    });
}

/// Threads of this process: those of the tests that run beside this one, too.
fn threads() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Threads:"));
    line.and_then(|it| it.trim().parse().ok())
        .expect("a number")
}

/// An event without a name was an error that nobody caught.
#[test]
fn adv_python_socketio_5_11_4() {
    serve(Config::default(), |server| {
        for text in ["42[]", "421[]", "42[[]]"] {
            let mut member = server.member();
            member.send(text);
            assert_eq!(member.end().0, [""; 0]);
            assert_eq!(server.left(), "forced close", "{text}");
            let polling = server.polling_member();
            polling.post(text);
            assert_eq!(server.left(), "forced server close", "{text}");
        }
        assert_eq!(server.events(), [""; 0]);
    });
}

/// The opposite mistake: 16 packets in a body were the most, which real clients exceed.
#[test]
fn adv_python_engineio_max_decode_packets() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        for count in [17, 16_384] {
            let events: Vec<_> = (0..count).map(|_| r#"42["x"]"#).collect();
            assert_eq!(polling.post(&events.join("\x1e")).status, 200);
            for _ in 0..count {
                assert_eq!(server.event().0, "x");
            }
        }
    });
}

/// Of a body in chunks nothing was read, and it was said to be well.
#[test]
fn adv_python_engineio_chunked() {
    serve(Config::default(), |server| {
        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        let target = polling.target();
        wire.write(format!(
            "POST {target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        ));
        for piece in [r#"42["ch"#, r#"unked""#, "]"] {
            wire.write(format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        wire.write("0\r\n\r\n");
        let response = wire.response().expect("a response");
        assert_eq!((response.status, &*response.body), (200, "ok"));
        assert_eq!(server.event().0, "chunked");
    });
}

/// A POST of a packet that no client should send made the session answer 500 for ever.
#[test]
fn adv_python_engineio_unusable() {
    let echoes = |server: &Served, body: &str| {
        let polling = server.polling_member();
        let status = polling.post(body).status;
        if polling.post(r#"421["echo",1]"#).status != 200 {
            assert!(polling.is_gone(), "closed cleanly: {body}");
            server.left();
            return (status, false);
        }
        assert_eq!(polling.packets(), ["431[1]"]);
        (status, true)
    };
    serve(Config::default(), |server| {
        // What is ignored, as the measured table has it, and what closes.
        assert_eq!(echoes(server, "0"), (200, true));
        assert_eq!(echoes(server, "0{}"), (200, true));
        assert_eq!(echoes(server, "6"), (200, true));
        assert!(!echoes(server, "2").1);
        let long = format!(r#"42["x","{}"]"#, "y".repeat(1_200_000));
        assert_eq!(echoes(server, &long), (413, false));
        assert_eq!(server.events().iter().filter(|it| *it == "x").count(), 0);
    });
}

/// An emit that asks for an ack, made while an ack is handled, waited for itself.
#[test]
fn adv_rust_socketio_d5f40d9() {
    let asking = |io: &Io| {
        io.of("/").on("begin", async |socket: Socket, ack: Ack| {
            let mut sum = 0;
            for _ in 0..3 {
                let one = socket.emit_with_ack::<u32>("one", &());
                let more = socket.emit_with_ack::<u32>("more", &());
                sum += one.await.unwrap_or(100) + more.await.unwrap_or(100);
            }
            ack.send(&sum)
        });
    };
    serve_with(Config::default(), asking, |server| {
        let mut member = server.member();
        member.send(r#"427["begin"]"#);
        for _ in 0..3 {
            for _ in 0..2 {
                let asked = member.text();
                let end = asked.find('[').expect("an event");
                member.send(&format!("43{}[2]", &asked[2..end]));
            }
        }
        assert_eq!(member.text(), "437[12]");
    });
}

/// Acks with several arguments, or none, got lost.
#[test]
fn adv_rust_socketio_461() {
    let asking = |io: &Io| {
        io.of("/").on("begin", async |socket: Socket, ack: Ack| {
            match socket.emit_with_ack::<Args>("question", &(1, "two")).await {
                Ok(answer) => ack.send(&answer),
                Err(error) => ack.send(&error.to_string()),
            }
        });
    };
    serve_with(Config::default(), asking, |server| {
        let mut member = server.member();
        for answer in [
            r#"["x"]"#,
            "[]",
            r#"[1,"two",[3],{"four":4},null]"#,
            "[18446744073709551615]",
        ] {
            member.send(r#"425["begin"]"#);
            let asked = member.text();
            let end = asked.find('[').expect("an event");
            assert_eq!(&asked[end..], r#"["question",1,"two"]"#);
            member.send(&format!("43{}{answer}", &asked[2..end]));
            assert_eq!(member.text(), format!("435{answer}"));
        }
        assert!(member.is_alive());
    });
}
