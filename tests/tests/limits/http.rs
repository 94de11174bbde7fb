//! Request heads and bodies, and how many sessions there may be.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use sio_tests::{
    served::{serve, serve_with},
    wire::{POLLING, Polling, Response, UPGRADE, WEBSOCKET, WebSocket, Wire, ask, request},
};
use sio_tokio::{Config, Io, RequestHead};
use tokio::sync::Semaphore;

const SHORT: Duration = Duration::from_millis(300);

/// The response to a handshake by polling.
fn knock(address: SocketAddr) -> Response {
    ask(address, "GET", POLLING, "", "").expect("a response")
}

#[test]
fn max_sessions_at_the_limit() {
    let config = Config::default().max_sessions(Some(2));
    serve(config, |server| {
        for _ in 0..3 {
            let mut first = server.member();
            let second = server.polling_member();
            assert!(first.is_alive());
            drop((first, second));
            server.wait_until("both are gone", |io| io.engine_sessions() == 0);
            settle(server.address);
        }
    });
}

/// Waits until there is room for two: a connection is wound up a moment after its session.
fn settle(address: SocketAddr) {
    for _ in 0..1000 {
        let responses = [knock(address), knock(address)];
        let opened = responses.iter().filter(|it| it.status == 200);
        let open: Vec<_> = opened.map(|it| Polling::opened(address, it)).collect();
        let both = open.len() == 2;
        drop(open);
        sleep(Duration::from_millis(20));
        if both {
            return;
        }
    }
    panic!("sessions that are gone are still counted");
}

#[test]
fn max_sessions_past_the_limit_is_503_and_retry_after() {
    let config = Config::default().max_sessions(Some(2));
    serve(config, |server| {
        let mut first = server.member();
        let second = server.polling_member();
        let refused = knock(server.address);
        assert_eq!(refused.status, 503);
        let wait = refused.header("retry-after").map(str::parse::<u32>);
        assert!(matches!(wait, Some(Ok(1..))), "{refused:?}");
        let refused = ask(server.address, "GET", WEBSOCKET, UPGRADE, "").expect("a response");
        assert_eq!(refused.status, 503);
        assert_eq!(server.io.engine_sessions(), 2);
        // Those inside do not notice.
        assert!(first.is_alive());
        second.post(r#"421["echo",1]"#);
        assert_eq!(second.packets(), ["431[1]"]);
        drop((first, second));
        settle(server.address);
    });
}

#[test]
fn max_pending_sessions_at_the_limit() {
    let config = Config::default().max_pending_sessions(2);
    serve(config, |server| {
        let mut first = WebSocket::open(server.address);
        let second = Polling::open(server.address);
        // Who has entered a namespace is not pending any more.
        first.enter();
        second.join("/");
        let (mut third, fourth) = (
            WebSocket::open(server.address),
            Polling::open(server.address),
        );
        third.enter();
        fourth.join("/");
        assert!(first.is_alive() && third.is_alive());
    });
}

#[test]
fn max_pending_sessions_past_the_limit_is_503() {
    let config = Config::default().max_pending_sessions(2);
    serve(config, |server| {
        let mut first = WebSocket::open(server.address);
        let second = Polling::open(server.address);
        assert_eq!(knock(server.address).status, 503);
        let refused = ask(server.address, "GET", WEBSOCKET, UPGRADE, "").expect("a response");
        assert_eq!(refused.status, 503);
        first.enter();
        let third = Polling::opened(server.address, &knock(server.address));
        assert_eq!(knock(server.address).status, 503);
        // One that goes away makes room too.
        second.post("1");
        let fourth = Polling::opened(server.address, &knock(server.address));
        assert!(first.is_alive());
        drop((second, third, fourth));
        server.wait_until("they are gone", |io| io.engine_sessions() == 1);
    });
}

/// A hook that admits after a while.
fn admits_after(wait: Duration) -> impl FnOnce(&Io) {
    move |io: &Io| {
        io.allow_request(move |_| async move {
            tokio::time::sleep(wait).await;
            Ok::<(), String>(())
        });
    }
}

#[test]
fn max_pending_sessions_past_the_limit_counts_handshakes_not_decided_over() {
    let config = Config::default().max_pending_sessions(1);
    let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, open) = (asked.clone(), gate.clone());
    let admits = move |io: &Io| {
        io.allow_request(move |_| {
            let open = open.clone();
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                let _open = open.acquire().await;
                Ok::<(), String>(())
            }
        });
    };
    serve_with(config, admits, |server| {
        let mut waiting = Wire::connect(server.address);
        waiting.write(request("GET", POLLING, "Connection: close\r\n", ""));
        server.wait_until("it is asked about", |_| asked.load(Ordering::Relaxed) == 1);
        assert_eq!(knock(server.address).status, 503);
        gate.add_permits(1);
        let opened = waiting.response().expect("a response");
        let first = Polling::opened(server.address, &opened);
        assert_eq!(knock(server.address).status, 503);
        first.join("/");
        let second = Polling::opened(server.address, &knock(server.address));
        drop((first, second));
        server.wait_until("they are gone", |io| io.engine_sessions() == 0);
    });
}

#[test]
fn admission_timeout_at_the_limit() {
    let config = Config::default().admission_timeout(Duration::from_secs(5));
    serve_with(config, admits_after(SHORT), |server| {
        assert!(WebSocket::join(server.address).is_alive());
        let polling = server.polling_member();
        assert_eq!(polling.post("1").status, 200);
    });
}

#[test]
fn admission_timeout_past_the_limit_is_403() {
    let config = Config::default().admission_timeout(SHORT);
    // Whichever does not answer those who ask for it.
    let never = |io: &Io| {
        async fn wait(hook: &str, head: &RequestHead) {
            if head.query("never").as_deref() == Some(hook) {
                std::future::pending::<()>().await;
            }
        }
        io.check_origin(async |_, head: Arc<RequestHead>| {
            wait("origin", &head).await;
            Ok::<_, String>(true)
        });
        io.allow_request(async |head: Arc<RequestHead>| {
            wait("request", &head).await;
            Ok::<_, String>(())
        });
        let count = AtomicUsize::new(0);
        io.engine().generate_id(move |head: Arc<RequestHead>| {
            let id = count.fetch_add(1, Ordering::Relaxed).to_string();
            async move {
                wait("id", &head).await;
                Ok::<_, String>(id)
            }
        });
    };
    serve_with(config, never, |server| {
        for hook in ["origin", "request", "id"] {
            let target = format!("{POLLING}&never={hook}");
            let refused = ask(server.address, "GET", &target, "", "").expect("a response");
            assert_eq!((refused.status, refused.code()), (403, Some(4)));
            assert!(
                refused.body.contains(r#""message":"timed out""#),
                "{refused:?}"
            );
            let target = format!("{WEBSOCKET}&never={hook}");
            let refused = ask(server.address, "GET", &target, UPGRADE, "").expect("a response");
            assert_eq!((refused.status, &*refused.body), (403, "timed out"));
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// A handshake whose head is `size` bytes long.
fn padded(size: usize) -> String {
    let bare = request("GET", POLLING, "Connection: close\r\nX-Pad: \r\n", "");
    let pad = format!(
        "Connection: close\r\nX-Pad: {}\r\n",
        "x".repeat(size - bare.len())
    );
    request("GET", POLLING, &pad, "")
}

#[test]
fn max_request_head_bytes_at_the_limit() {
    serve(Config::default(), |server| {
        let limit = server.io.config().serving.max_request_head_bytes;
        let mut wire = Wire::connect(server.address);
        let head = padded(limit);
        assert_eq!(head.len(), limit);
        wire.write(head);
        drop(Polling::opened(
            server.address,
            &wire.response().expect("a response"),
        ));
    });
}

#[test]
fn max_request_head_bytes_past_the_limit_is_431() {
    serve(Config::default(), |server| {
        let limit = server.io.config().serving.max_request_head_bytes;
        for size in [limit + 1, 20 * limit] {
            let mut wire = Wire::connect(server.address);
            wire.write(padded(size));
            assert_eq!(wire.response().map(|it| it.status), Some(431), "{size}");
            wire.rest();
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// A handshake with this many headers.
fn crowded(headers: usize) -> String {
    let more: String = (2..headers).map(|at| format!("X-{at}: x\r\n")).collect();
    request("GET", POLLING, &format!("Connection: close\r\n{more}"), "")
}

#[test]
fn max_headers_at_the_limit() {
    serve(Config::default(), |server| {
        let limit = server.io.config().serving.max_headers;
        let mut wire = Wire::connect(server.address);
        let head = crowded(limit);
        assert_eq!(head.matches(": ").count(), limit);
        wire.write(head);
        drop(Polling::opened(
            server.address,
            &wire.response().expect("a response"),
        ));
    });
}

#[test]
fn max_headers_past_the_limit_is_431() {
    serve(Config::default(), |server| {
        let limit = server.io.config().serving.max_headers;
        for headers in [limit + 1, 700] {
            let mut wire = Wire::connect(server.address);
            wire.write(crowded(headers));
            assert_eq!(wire.response().map(|it| it.status), Some(431), "{headers}");
            wire.rest();
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

#[test]
fn request_head_timeout_at_the_limit() {
    let config = Config::default().request_head_timeout(Duration::from_secs(2));
    serve(config, |server| {
        let mut wire = Wire::connect(server.address);
        let head = request("GET", POLLING, "Connection: close\r\n", "");
        for piece in head.as_bytes().chunks(20) {
            assert!(wire.write(piece));
            sleep(Duration::from_millis(20));
        }
        drop(Polling::opened(
            server.address,
            &wire.response().expect("a response"),
        ));
    });
}

#[test]
fn request_head_timeout_past_the_limit_is_408() {
    let config = Config::default()
        .request_head_timeout(SHORT)
        .close_timeout(SHORT);
    serve(config, |server| {
        let mut silent = Wire::connect(server.address);
        silent.write("GET /socket.io/?EIO=4&transport=poll");
        assert_eq!(silent.response().map(|it| it.status), Some(408));
        silent.rest();

        // Something comes all the time, and never the end.
        let mut dripping = Wire::connect(server.address);
        dripping.write("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nX: ");
        while dripping.write("y") {
            sleep(SHORT / 10);
        }
        assert_eq!(server.io.engine_sessions(), 0);
    });
}

/// The head of a POST with a body of ten bytes.
fn head_of_post(polling: &Polling) -> String {
    let target = polling.target();
    format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
}

#[test]
fn request_body_timeout_at_the_limit() {
    let config = Config::default().request_body_timeout(Duration::from_secs(2));
    serve(config, |server| {
        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        wire.write(head_of_post(&polling));
        for piece in [r#"42["#, r#""sl"#, r#"ow""#, "]"] {
            sleep(Duration::from_millis(30));
            wire.write(piece);
        }
        assert_eq!(wire.response().map(|it| it.status), Some(200));
        assert_eq!(server.event().0, "slow");
    });
}

#[test]
fn request_body_timeout_past_the_limit_is_408_and_the_end() {
    let config = Config::default().request_body_timeout(SHORT);
    serve(config, |server| {
        let polling = server.polling_member();
        let mut wire = Wire::connect(server.address);
        wire.write(head_of_post(&polling));
        wire.write(r#"42["slo"#);
        let response = wire.response().expect("a response");
        assert_eq!((response.status, &*response.body), (408, ""));
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
        wire.rest();
        assert_eq!(server.events(), [""; 0]);
    });
}
