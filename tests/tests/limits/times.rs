//! Waits. Short ones here, and what must happen before their end happens at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use sio_tests::{
    served::{serve, serve_with},
    wire::{Polling, Said, WebSocket},
};
use sio_tokio::{AckError, Config, Io, Refusal, Socket};

/// A wait that ends.
const SHORT: Duration = Duration::from_millis(300);

/// A wait that what is under way ends before, also on a machine that is busy.
const AMPLE: Duration = Duration::from_secs(3);

/// Longer than it.
const LONGER: Duration = Duration::from_millis(3300);

fn placeholder() -> &'static str {
    r#"451-["bytes",{"_placeholder":true,"num":0}]"#
}

#[test]
fn packet_timeout_at_the_limit() {
    let config = Config::default().packet_timeout(AMPLE);
    serve(config, |server| {
        let mut member = server.member();
        member.send(placeholder());
        member.send_binary(b"x");
        assert_eq!(server.event().0, "bytes");
        sleep(LONGER);
        assert!(member.is_alive());
    });
}

#[test]
fn packet_timeout_past_the_limit_closes() {
    let config = Config::default().packet_timeout(SHORT);
    serve(config, |server| {
        let mut member = server.member();
        member.send(placeholder());
        assert_eq!(member.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");

        // It is for the packet, not for each attachment.
        let mut dripping = server.member();
        dripping.send(r#"4510-["bytes"]"#);
        for _ in 0..9 {
            dripping.send_binary(b"x");
            sleep(SHORT / 4);
        }
        assert_eq!(dripping.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");
        assert_eq!(server.events(), [""; 0]);
    });
}

/// Keeps the sockets for the test.
fn keeping(sockets: &Arc<Mutex<Vec<Socket>>>) -> impl FnOnce(&Io) + use<> {
    let sockets = sockets.clone();
    move |io| {
        io.on_connect(move |socket: Socket| {
            sockets.lock().expect("not poisoned").push(socket);
        });
    }
}

#[test]
fn ack_timeout_at_the_limit() {
    let config = Config::default().ack_timeout(AMPLE);
    let sockets = Arc::default();
    serve_with(config, keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = sockets.lock().expect("not poisoned").remove(0);
        let answer = socket.emit_with_ack::<String>("question", &());
        let asked = member.text();
        let id = asked
            .trim_start_matches("42")
            .replace(r#"["question"]"#, "");
        member.send(&format!(r#"43{id}["yes"]"#));
        assert_eq!(server.block_on(answer).as_deref(), Ok("yes"));
        sleep(LONGER);
        assert!(member.is_alive());
    });
}

#[test]
fn ack_timeout_past_the_limit_is_an_error_and_the_entry_goes() {
    let config = Config::default().ack_timeout(SHORT).max_pending_acks(1);
    let sockets = Arc::default();
    serve_with(config, keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = sockets.lock().expect("not poisoned").remove(0);
        for _ in 0..2 {
            // Were the entry of the first still there, the second would be one too many.
            let answer = server.block_on(socket.emit_with_ack::<String>("question", &()));
            assert_eq!(answer, Err(AckError::Timeout));
            let asked = member.text();
            let id = asked
                .trim_start_matches("42")
                .replace(r#"["question"]"#, "");
            member.send(&format!(r#"43{id}["too late"]"#));
        }
        assert!(member.is_alive(), "a late answer is ignored");
    });
}

#[test]
fn connect_timeout_at_the_limit() {
    let config = Config::default().connect_timeout(AMPLE);
    serve(config, |server| {
        let mut member = server.member();
        sleep(LONGER);
        assert!(member.is_alive());
        // To leave again is no offence.
        member.send("41");
        assert_eq!(server.left(), "client namespace disconnect");
        sleep(LONGER);
        member.send("40");
        assert!(member.text().starts_with("40{"));
        assert!(member.is_alive());
    });
}

#[test]
fn connect_timeout_past_the_limit_closes() {
    let config = Config::default().connect_timeout(SHORT);
    serve(config, |server| {
        let begun = Instant::now();
        let mut silent = WebSocket::open(server.address);
        let polling = Polling::open(server.address);
        // On a machine that has much to do the time may be over by now.
        let sessions = server.io.engine_sessions();
        assert!(sessions == 2 || begun.elapsed() >= SHORT, "{sessions}");
        let (said, code) = silent.end();
        assert_eq!(said.len(), 1, "the open packet: {said:?}");
        assert!(code.is_some(), "a close frame");
        assert_eq!(polling.packets().last().map(String::as_str), Some("1"));
        assert!(polling.is_gone());
        server.wait_until("both are gone", |io| io.engine_sessions() == 0);
    });
}

/// `/slow` lets in who waits for as many milliseconds as it says.
fn slow(io: &Io) {
    io.of("/slow")
        .use_(async |socket: Socket| -> Result<(), Refusal> {
            let auth: HashMap<String, u64> = socket.handshake().auth.decode().unwrap_or_default();
            sleep_for(Duration::from_millis(auth["wait"])).await;
            Ok(())
        });
}

async fn sleep_for(time: Duration) {
    use sio_driver::binding::Runtime as _;
    let runtime = sio_tokio::Tokio;
    runtime.sleep_until(runtime.now() + time).await;
}

#[test]
fn middleware_timeout_at_the_limit() {
    let config = Config::default().middleware_timeout(AMPLE);
    serve_with(config, slow, |server| {
        let mut member = server.member();
        member.send(r#"40/slow,{"wait":50}"#);
        assert!(member.text().starts_with(r#"40/slow,{"sid""#));
        sleep(LONGER);
        assert!(member.is_alive());
        drop(member);
        server.wait_until("/slow is empty", |io| io.of("/slow").is_empty());
    });
}

#[test]
fn middleware_timeout_past_the_limit_refuses() {
    let config = Config::default().middleware_timeout(SHORT);
    serve_with(config, slow, |server| {
        let mut member = server.member();
        member.send(r#"40/slow,{"wait":800}"#);
        assert_eq!(member.text(), r#"44/slow,{"message":"timed out"}"#);
        assert!(member.is_alive());
        sleep(Duration::from_millis(800));
        assert!(
            server.io.of("/slow").is_empty(),
            "the late decision counts for nothing"
        );
        assert!(member.is_alive());
    });
}

fn upgrading(upgrade_timeout: Duration) -> Config {
    Config::default().upgrade_timeout(upgrade_timeout)
}

#[test]
fn upgrade_timeout_at_the_limit() {
    serve(upgrading(AMPLE), |server| {
        let polling = server.polling_member();
        let mut candidate = WebSocket::beside(server.address, &polling.sid);
        candidate.send("2probe");
        assert_eq!(candidate.text(), "3probe");
        candidate.send("5");
        assert!(candidate.is_alive());
        sleep(LONGER);
        assert!(candidate.is_alive());
        assert!(server.nobody_left());
    });
}

#[test]
fn upgrade_timeout_past_the_limit_closes_the_candidate_alone() {
    serve(upgrading(Duration::from_secs(1)), |server| {
        let polling = server.polling_member();
        for probed in [false, true] {
            let mut candidate = WebSocket::beside(server.address, &polling.sid);
            if probed {
                candidate.send("2probe");
                assert_eq!(candidate.text(), "3probe");
            }
            let (said, code) = candidate.end();
            assert_eq!((said, code.is_some()), (vec![], true));
            polling.post(r#"421["echo",1]"#);
            assert_eq!(polling.packets(), ["431[1]"]);
        }
        // A later attempt may succeed.
        let mut candidate = WebSocket::beside(server.address, &polling.sid);
        candidate.send("2probe");
        assert_eq!(candidate.text(), "3probe");
        candidate.send("5");
        assert!(candidate.is_alive());
        assert!(server.nobody_left());
    });
}

const INTERVAL: Duration = Duration::from_millis(100);

fn heartbeat(ping_timeout: Duration) -> Config {
    Config::default()
        .ping_interval(INTERVAL)
        .ping_timeout(ping_timeout)
}

#[test]
fn ping_interval_at_the_limit() {
    serve(heartbeat(AMPLE), |server| {
        let mut member = server.member();
        assert_eq!(member.hear(), Said::Text("2".into()));
        for _ in 0..3 {
            let pong = Instant::now();
            member.send("3");
            assert_eq!(member.hear(), Said::Text("2".into()));
            assert!(pong.elapsed() >= INTERVAL, "pinged before it was due");
        }
    });
}

#[test]
fn ping_interval_past_the_limit_is_a_ping_whatever_else_is_said() {
    serve(heartbeat(AMPLE), |server| {
        let mut member = server.member();
        let mut pinged = false;
        while !pinged {
            member.send(r#"421["echo",1]"#);
            while !pinged && member.hear() != Said::Text("431[1]".into()) {
                pinged = true;
            }
            sleep(INTERVAL / 10);
        }
    });
}

#[test]
fn ping_timeout_at_the_limit() {
    serve(heartbeat(AMPLE), |server| {
        let mut member = server.member();
        let polling = server.polling_member();
        for _ in 0..4 {
            // Late, but not too late.
            assert_eq!(member.hear(), Said::Text("2".into()));
            sleep(AMPLE / 30);
            member.send("3");
            assert_eq!(polling.packets(), ["2"]);
            polling.post("3");
        }
        assert!(member.is_alive());
        assert!(!polling.is_gone());
    });
}

#[test]
fn ping_timeout_past_the_limit_closes() {
    serve(heartbeat(SHORT), |server| {
        let mut member = server.member();
        assert_eq!(member.end().0, [""; 0]);
        assert_eq!(server.left(), "ping timeout");
        // A client that has lost interest does not poll at all.
        let polling = server.polling_member();
        assert_eq!(server.left(), "ping timeout");
        assert!(polling.is_gone());
    });
}

/// `bye` throws the client out.
fn bouncer(io: &Io) {
    io.of("/")
        .on("bye", |socket: Socket| socket.disconnect(true));
}

#[test]
fn close_timeout_at_the_limit() {
    let config = Config::default().close_timeout(Duration::from_secs(600));
    serve_with(config, bouncer, |server| {
        let mut member = server.member();
        member.send(r#"42["bye"]"#);
        // The end answers the close frame, and the connection ends.
        let (said, code) = member.end();
        assert_eq!((said, code.is_some()), (vec!["41".to_owned()], true));
        assert_eq!(server.left(), "server namespace disconnect");
    });
}

#[test]
fn close_timeout_past_the_limit_drops_the_connection() {
    let config = Config::default().close_timeout(SHORT);
    serve_with(config, bouncer, |server| {
        let mut member = server.member();
        member.send(r#"42["bye"]"#);
        assert_eq!(member.text(), "41");
        assert!(matches!(member.hear(), Said::Close(_)));
        // The close frame is not answered.
        assert_eq!(member.hear(), Said::End);
    });
}

#[test]
fn polling_close_timeout_at_the_limit() {
    let config = Config::default().polling_close_timeout(Duration::from_secs(600));
    serve_with(config, bouncer, |server| {
        let polling = server.polling_member();
        polling.post(r#"42["bye"]"#);
        assert_eq!(server.left(), "server namespace disconnect");
        assert_eq!(polling.packets(), ["41"]);
        assert_eq!(polling.packets(), ["6", "1"]);
        assert!(polling.is_gone());
    });
}

#[test]
fn polling_close_timeout_past_the_limit_drops_the_session() {
    let config = Config::default().polling_close_timeout(SHORT);
    serve_with(config, bouncer, |server| {
        let polling = server.polling_member();
        polling.post(r#"42["bye"]"#);
        assert_eq!(server.left(), "server namespace disconnect");
        server.wait_until("it is dropped", |io| io.engine_sessions() == 0);
        assert!(polling.is_gone());
    });
}
