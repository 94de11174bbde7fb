//! ws and tungstenite.

use std::{
    io::Write,
    process::Command,
    sync::{Arc, Mutex},
    thread::{sleep, spawn},
    time::{Duration, Instant},
};

use sio_tests::{
    install::workspace,
    served::{narrow, serve, serve_with},
    wire::{
        CLOSE, PATIENCE, PING, Said, TEXT, UNFINISHED, UPGRADE, WEBSOCKET, WebSocket, Wire, ask,
        fragments, header, request,
    },
};
use sio_tokio::{Config, Socket};

/// A length was believed, and memory reserved for it.
#[test]
fn adv_cve_2016_10542() {
    serve(Config::default(), |server| {
        for (length, codes) in [
            // RFC 6455 wants the highest bit to be zero.
            (1 << 63, &[1002, 1009][..]),
            (u64::MAX, &[1002, 1009]),
            (1 << 62, &[1009]),
            (1_000_001, &[1009]),
        ] {
            let mut member = server.member();
            // The header and the mask: nothing of the message itself is there.
            let head = [&header(TEXT, length)[..], &[0; 4]].concat();
            member.wire().write(head);
            let (said, code) = member.end();
            assert_eq!(said, [""; 0]);
            let code = code.flatten().expect("a code");
            assert!(codes.contains(&code), "{length}: {code}");
            assert_eq!(server.left(), "transport error");
        }
    });
}

/// The data of a ping came back as whatever was in memory (also CVE-2026-45736, for close frames).
#[test]
fn adv_cve_2016_10518() {
    serve(Config::default(), |server| {
        let mut member = server.member();
        let long: Vec<u8> = (0..125).collect();
        for data in [&b""[..], b"x", &long] {
            member.frame(PING, data);
            assert_eq!(member.hear(), Said::Pong(data.to_vec()));
        }
        // A close frame with a code and a reason gets the code back, and nothing that was not sent.
        member.frame(CLOSE, b"\x03\xe8bye");
        assert_eq!(member.hear(), Said::Close(Some(1000)));
        assert_eq!(server.left(), "transport close");
    });
}

/// Names of extensions were looked up where every object keeps its own.
#[test]
fn adv_ws_3_3_1() {
    serve(Config::default(), |server| {
        for names in [
            "constructor",
            "__proto__; toString",
            "permessage-deflate; x=\"",
        ] {
            let headers = format!("{UPGRADE}Sec-WebSocket-Extensions: {names}\r\n");
            let response = ask(server.address, "GET", WEBSOCKET, &headers, "");
            let response = response.expect("a response");
            assert_eq!(response.status, 101, "{names}");
            assert_eq!(response.header("sec-websocket-extensions"), None);
        }
    });
}

/// Spaces in a header took the square of their number in time.
#[test]
fn adv_cve_2021_32640() {
    serve(Config::default(), |server| {
        for (spaces, status) in [(8_000, 400), (32_000, 431)] {
            let value = format!("b{}x", " ".repeat(spaces));
            let headers = format!("{UPGRADE}Sec-WebSocket-Protocol: {value}\r\n");
            let response = ask(server.address, "GET", WEBSOCKET, &headers, "");
            assert_eq!(response.map(|it| it.status), Some(status), "{spaces}");
        }
    });
}

/// Of too many headers some were dropped, among them one that was relied on.
#[test]
fn adv_cve_2024_37890() {
    serve(Config::default(), |server| {
        for count in [70, 2_100] {
            let many: String = (0..count).map(|at| format!("a{at}: b\r\n")).collect();
            let mut wire = Wire::connect(server.address);
            wire.write(request("GET", WEBSOCKET, &format!("{many}{UPGRADE}"), ""));
            assert_eq!(wire.response().map(|it| it.status), Some(431), "{count}");
            wire.rest();
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// A message in very small fragments cost an object for each.
#[test]
fn adv_cve_2026_48779() {
    let config = Config::default()
        // How long what follows a violation is thrown away, if it does not end.
        .close_timeout(Duration::from_millis(200));
    serve(config, |server| {
        for part in [&b"x"[..], b""] {
            let mut member = server.member();
            let message = fragments(std::iter::repeat_n(part, 20_000));
            member.wire().write(message);
            assert_eq!(member.end(), (vec![], Some(Some(1008))));
            assert_eq!(server.left(), "transport error");

            // Nor is the limit got round by never ending the message.
            let mut member = server.member();
            let first = member.frame(TEXT & !UNFINISHED, part);
            assert!(first);
            while member.frame(0, part) {}
            assert_eq!(server.left(), "transport error");
        }
        let mut member = server.member();
        let parts = r#"421["echo",1]"#.bytes().map(|byte| [byte]);
        let parts: Vec<_> = parts.collect();
        member
            .wire()
            .write(fragments(parts.iter().map(|it| &it[..])));
        assert_eq!(member.text(), "431[1]");
    });
}

/// A head that came byte by byte was read from its beginning each time, for ever.
#[test]
fn adv_cve_2023_43669() {
    // faults: T5
    let long = "y".repeat(64);
    for (what, pause, status, patience) in [
        ("y", 5, 408, Duration::from_millis(400)),
        (&long, 0, 431, PATIENCE),
    ] {
        let config = Config::default()
            .request_head_timeout(patience)
            .close_timeout(Duration::from_millis(200));
        serve(config, |server| {
            let mut wire = Wire::connect(server.address);
            wire.write(format!("GET {WEBSOCKET} HTTP/1.1\r\nX: "));
            let mut writer = wire.stream().try_clone().expect("a descriptor");
            let what = what.to_owned();
            // However much fits into the sockets' buffers: it goes on until it is cut off.
            let writing = spawn(move || {
                while writer.write_all(what.as_bytes()).is_ok() {
                    sleep(Duration::from_millis(pause));
                }
            });
            assert_eq!(wire.response().map(|it| it.status), Some(status));
            wire.rest();
            writing.join().expect("it ends with its connection");
            assert_eq!(server.io.engine_sessions(), 0);
        });
    }
}

/// Versions before 0.26.1 were unsound with readers that lie.
#[test]
fn adv_tungstenite_0_26_1() {
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).expect("a lock file");
    let versions: Vec<(u32, u32)> = lock
        .split("[[package]]")
        .filter(|package| package.contains("\nname = \"tungstenite\"\n"))
        .filter_map(|package| {
            let version = package.split("version = \"").nth(1)?.split('"').next()?;
            let mut parts = version.split('.').map(str::parse);
            Some((parts.next()?.ok()?, parts.next()?.ok()?))
        })
        .collect();
    assert!(
        !versions.is_empty(),
        "tungstenite is what our frames are compared with"
    );
    assert!(versions.iter().all(|it| *it > (0, 26)), "{versions:?}");
}

/// Any key was accepted.
#[test]
fn adv_tungstenite_0_30() {
    serve(Config::default(), |server| {
        for key in [
            "abc",
            "AAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAA!==",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "",
        ] {
            let headers = UPGRADE.replace("AAAAAAAAAAAAAAAAAAAAAA==", key);
            let response = ask(server.address, "GET", WEBSOCKET, &headers, "");
            assert_eq!(response.map(|it| it.status), Some(400), "{key:?}");
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// Each connection had a read buffer of 128 KiB from the beginning.
///
/// Run in a process of its own: memory is counted for all of it.
#[test]
fn adv_tungstenite_480() {
    const ALONE: &str = "SIO_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        let name = "websocket::adv_tungstenite_480";
        let child = child.args(["--exact", name]).env(ALONE, "1");
        let output = child.output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    const MANY: usize = 200;
    serve(Config::default(), |server| {
        let warm: Vec<_> = (0..50).map(|_| server.member()).collect();
        let before = private_memory();
        let idle: Vec<_> = (0..MANY).map(|_| server.member()).collect();
        let each = private_memory().saturating_sub(before) / MANY;
        assert!(each < 48 * 1024, "{each} bytes for each, both sides of it");
        drop((warm, idle));
    });
}

/// Bytes that this process has reserved for itself, whether it has touched them or not.
fn private_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number
        .and_then(|it| it.parse::<usize>().ok())
        .expect("a number")
        * 1024
}

/// What waits to be written to a client was not bounded, and messages by 64 MiB only.
#[test]
fn adv_tungstenite_defaults() {
    const MOST: usize = 200_000;
    let config = Config::default().max_backlog_bytes(MOST);
    let kept = Arc::new(Mutex::new(Vec::<Socket>::new()));
    let keep = kept.clone();
    let keeping = move |io: &sio_tokio::Io| {
        io.on_connect(move |socket: Socket| keep.lock().expect("not poisoned").push(socket));
    };
    serve_with(config, keeping, |server| {
        let mut reader = WebSocket::over(Wire::over(narrow(server.address)), WEBSOCKET);
        reader.enter();
        let socket = kept.lock().expect("not poisoned").remove(0);
        let text = "x".repeat(50_000);
        // What the task has just taken, and what its session holds: each the limit and a message more.
        let most = 2 * (MOST + r#"42["news",""]"#.len() + text.len());
        let begun = Instant::now();
        while socket.connected() {
            let _ = socket.emit("news", &text);
            let waits = socket.conn().backlog();
            assert!(waits <= most, "{waits} bytes wait");
            assert!(begun.elapsed() < PATIENCE, "it takes more and more");
        }
        assert_eq!(server.left(), "transport error");
        drop(reader);

        let mut writer = server.member();
        writer.send(&format!(r#"42["x","{}"]"#, "y".repeat(1_000_000)));
        assert_eq!(writer.end().1, Some(Some(1009)));
        assert_eq!(server.left(), "transport error");
    });
}
