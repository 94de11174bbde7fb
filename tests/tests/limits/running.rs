//! What handlers that wait may hold, how long, and what is left of them when their client has gone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use sio_tests::{served::serve_with, wire::WebSocket};
use sio_tokio::{Config, Data, Failure, Io};
use tokio::sync::Semaphore;

const SHORT: Duration = Duration::from_millis(300);

/// How many handlers of `hold` have begun, have ended, and are gone without having ended.
#[derive(Clone, Default)]
struct Counts {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    gone: Arc<AtomicUsize>,
}

/// One handler's share in them.
struct Share {
    counts: Counts,
    ended: bool,
}

impl Drop for Share {
    fn drop(&mut self) {
        let count = match self.ended {
            true => &self.counts.ended,
            false => &self.counts.gone,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// `hold` takes a text and ends when the semaphore lets it.
fn holding(gate: &Arc<Semaphore>, counts: &Counts) -> impl FnOnce(&Io) + use<> {
    let (gate, counts) = (gate.clone(), counts.clone());
    move |io| {
        io.of("/").on("hold", move |Data(text): Data<String>| {
            counts.begun.fetch_add(1, Ordering::SeqCst);
            let (gate, counts) = (gate.clone(), counts.clone());
            let share = Share {
                counts,
                ended: false,
            };
            async move {
                let mut share = share;
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                share.ended = true;
                drop(text);
            }
        });
    }
}

fn seen(count: &Arc<AtomicUsize>) -> usize {
    count.load(Ordering::SeqCst)
}

/// Four kilobytes for a handler.
fn hold(member: &mut WebSocket, times: usize) {
    for _ in 0..times {
        member.send(&format!(r#"42["hold","{}"]"#, "x".repeat(4_000)));
    }
}

fn ten_kilobytes() -> Config {
    Config::default().max_running_bytes(10_000)
}

#[test]
fn max_running_bytes_at_the_limit() {
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Counts::default());
    serve_with(ten_kilobytes(), holding(&gate, &counts), |server| {
        let mut member = server.member();
        // Two leave room for another.
        hold(&mut member, 3);
        server.wait_until("three have begun", |_| seen(&counts.begun) == 3);
        gate.add_permits(3);
        assert!(member.is_alive());
    });
}

#[test]
fn max_running_bytes_past_the_limit_waits_for_one_to_end() {
    // faults: H1
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Counts::default());
    serve_with(ten_kilobytes(), holding(&gate, &counts), |server| {
        let mut member = server.member();
        hold(&mut member, 5);
        server.wait_until("three have begun", |_| seen(&counts.begun) == 3);
        sleep(Duration::from_millis(50));
        assert_eq!(seen(&counts.begun), 3);
        gate.add_permits(1);
        server.wait_until("a fourth begins", |_| seen(&counts.begun) == 4);
        sleep(Duration::from_millis(50));
        assert_eq!(seen(&counts.begun), 4);
        gate.add_permits(4);
        server.wait_until("all have ended", |_| seen(&counts.ended) == 5);
        assert!(member.is_alive());
    });
}

/// A client lets so many handlers begin, and leaves.
fn left_behind(config: Config, handlers: usize, rest: impl FnOnce(&Arc<Semaphore>, &Counts, &Io)) {
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Counts::default());
    serve_with(config, holding(&gate, &counts), |server| {
        let mut member = server.member();
        hold(&mut member, handlers);
        server.wait_until("all have begun", |_| seen(&counts.begun) == handlers);
        drop(member);
        server.wait_until("it has gone", |io| io.engine_sessions() == 0);
        rest(&gate, &counts, &server.io);
        server.wait_until("all are over", |_| {
            seen(&counts.ended) + seen(&counts.gone) == handlers
        });
        for _ in 0..seen(&counts.gone) {
            let error = server.error();
            assert!(matches!(error.why, Failure::Dropped(_)), "{error:?}");
        }
    });
}

fn departing(max_departed_bytes: usize) -> Config {
    Config::default().max_departed_bytes(max_departed_bytes)
}

#[test]
fn max_departed_bytes_at_the_limit() {
    left_behind(departing(10_000), 2, |gate, counts, _| {
        sleep(Duration::from_millis(50));
        assert_eq!(seen(&counts.gone), 0);
        gate.add_permits(2);
    });
}

#[test]
fn max_departed_bytes_past_the_limit_drops_the_handlers() {
    // faults: H1
    left_behind(departing(10_000), 3, |_, _, _| ());
}

#[test]
fn departed_timeout_at_the_limit() {
    let config = Config::default().departed_timeout(Duration::from_secs(3600));
    left_behind(config, 2, |gate, counts, _| {
        sleep(SHORT);
        assert_eq!(seen(&counts.gone), 0);
        gate.add_permits(2);
    });
}

#[test]
fn departed_timeout_past_the_limit_drops_the_handlers() {
    // faults: H1
    let config = Config::default().departed_timeout(SHORT);
    left_behind(config, 2, |_, _, _| ());
}

#[test]
fn max_auth_bytes_at_the_limit() {
    let auth = r#"{"token":"0123456789"}"#;
    let config = Config::default().max_auth_bytes(2 * auth.len());
    let rooms = |io: &Io| {
        io.of("/a");
        io.of("/b");
    };
    serve_with(config, rooms, |server| {
        let mut member = server.member();
        for name in ["/a", "/b"] {
            member.send(&format!("40{name},{auth}"));
            assert!(member.text().starts_with(&format!(r#"40{name},{{"sid""#)));
        }
    });
}

#[test]
fn max_auth_bytes_past_the_limit_refuses() {
    let auth = r#"{"token":"0123456789"}"#;
    let config = Config::default().max_auth_bytes(2 * auth.len() - 1);
    let rooms = |io: &Io| {
        io.of("/a");
        io.of("/b");
    };
    serve_with(config, rooms, |server| {
        let mut member = server.member();
        member.send(&format!("40/a,{auth}"));
        assert!(member.text().starts_with(r#"40/a,{"sid""#));
        member.send(&format!("40/b,{auth}"));
        assert_eq!(member.text(), r#"44/b,{"message":"too many credentials"}"#);
        // Without any it is welcome, and with them when the others are gone.
        member.send("40/b");
        assert!(member.text().starts_with(r#"40/b,{"sid""#));
        member.send("41/a,");
        member.send("41/b,");
        member.send(&format!("40/b,{auth}"));
        assert!(member.text().starts_with(r#"40/b,{"sid""#));
    });
}

/// One handler, and room for nothing behind it.
fn pausing(pause_timeout: Duration) -> Config {
    Config::default()
        .max_running_handlers(1)
        .max_backlog_bytes(1_000)
        .pause_timeout(pause_timeout)
}

#[test]
fn pause_timeout_at_the_limit() {
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Counts::default());
    let config = pausing(Duration::from_secs(3600));
    serve_with(config, holding(&gate, &counts), |server| {
        let mut member = server.member();
        hold(&mut member, 3);
        server.wait_until("one has begun", |_| seen(&counts.begun) == 1);
        sleep(SHORT);
        assert!(server.nobody_left());
        gate.add_permits(3);
        assert!(member.is_alive());
    });
}

#[test]
fn pause_timeout_past_the_limit_closes() {
    // faults: H3
    let (gate, counts) = (Arc::new(Semaphore::new(0)), Counts::default());
    serve_with(pausing(SHORT), holding(&gate, &counts), |server| {
        let mut member = server.member();
        hold(&mut member, 3);
        assert_eq!(server.left(), "ping timeout");
        server.wait_until("it has gone", |io| io.engine_sessions() == 0);
        gate.add_permits(3);
        drop(member);
    });
}
