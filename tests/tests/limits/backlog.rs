//! Clients that do not read, and handlers that do not end.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use futures_util::FutureExt;
use sio_tests::{
    served::{Served, narrow, serve_with},
    wire::{Said, WEBSOCKET, WebSocket, Wire, request},
};
use sio_tokio::{Ack, BacklogPolicy, Config, Data, EmitError, Io, Socket};
use tokio::sync::Semaphore;

/// The sockets that have connected.
type Sockets = Arc<Mutex<Vec<Socket>>>;

fn keeping(sockets: &Sockets) -> impl FnOnce(&Io) + use<> {
    let sockets = sockets.clone();
    move |io| {
        io.on_connect(move |socket: Socket| {
            sockets.lock().expect("not poisoned").push(socket);
        });
    }
}

fn first(sockets: &Sockets) -> Socket {
    sockets.lock().expect("not poisoned").remove(0)
}

/// What a client has read may count for a moment more: until the server hears that it was written.
fn until_all_is_written(server: &Served, socket: &Socket) {
    server.wait_until("all is written", |_| socket.conn().backlog() == 0);
}

const KILOBYTE: usize = 1000;

fn ten_kilobytes(backlog_policy: BacklogPolicy) -> Config {
    Config::default()
        .max_backlog_bytes(10 * KILOBYTE)
        .backlog_policy(backlog_policy)
}

/// What `news` must carry for its packet to be a kilobyte.
fn text() -> String {
    "x".repeat(KILOBYTE - r#"42["news",""]"#.len())
}

#[test]
fn max_backlog_bytes_at_the_limit() {
    let sockets = Sockets::default();
    let config = ten_kilobytes(BacklogPolicy::Close);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        until_all_is_written(server, &socket);
        for _ in 0..10 {
            assert_eq!(socket.emit("news", &text()), Ok(()));
        }
        let packets = polling.packets();
        assert_eq!(packets.len(), 10);
        assert!(
            packets
                .iter()
                .all(|packet| packet.starts_with(r#"42["news","xxx"#))
        );
        assert!(server.nobody_left());
    });
}

#[test]
fn max_backlog_bytes_past_the_limit_closes() {
    let sockets = Sockets::default();
    let config = ten_kilobytes(BacklogPolicy::Close);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let mut member = server.member();
        let socket = first(&sockets);
        for _ in 0..11 {
            // Which of them is the one too many is known only when it is taken up.
            let _ = socket.emit("news", &text());
        }
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
        assert!(member.is_alive(), "others are not concerned");
        assert_eq!(socket.emit("news", &()), Err(EmitError::Disconnected));
    });
}

#[test]
fn max_backlog_bytes_past_the_limit_refuses_where_that_is_wanted() {
    let sockets = Sockets::default();
    let config = ten_kilobytes(BacklogPolicy::Refuse);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        for _ in 0..20 {
            until_all_is_written(server, &socket);
            let sent: Vec<_> = (0..100).map(|_| socket.emit("news", &text())).collect();
            let taken = sent.iter().filter(|it| it.is_ok()).count();
            let full = |it: &&Result<(), EmitError>| **it == Err(EmitError::Full);
            assert_eq!(taken + sent.iter().filter(full).count(), 100);
            assert!((10..100).contains(&taken), "{taken}");
            let mut come = 0;
            while come < taken {
                come += polling.packets().len();
            }
            assert_eq!(come, taken, "what was taken arrives");
        }
        // Now there is room again.
        until_all_is_written(server, &socket);
        assert_eq!(socket.emit("more", &()), Ok(()));
        assert_eq!(polling.packets(), [r#"42["more"]"#]);
        assert!(server.nobody_left());
    });
}

fn five_packets(backlog_policy: BacklogPolicy) -> Config {
    Config::default()
        .max_backlog_packets(5)
        .backlog_policy(backlog_policy)
}

#[test]
fn max_backlog_packets_at_the_limit() {
    let sockets = Sockets::default();
    let config = five_packets(BacklogPolicy::Close);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        until_all_is_written(server, &socket);
        for at in 0..5 {
            assert_eq!(socket.emit("news", &at), Ok(()));
        }
        let expected: Vec<_> = (0..5).map(|at| format!(r#"42["news",{at}]"#)).collect();
        let mut packets = polling.packets();
        while packets.len() < 5 {
            packets.extend(polling.packets());
        }
        assert_eq!(packets, expected);
        assert!(server.nobody_left());
    });
}

#[test]
fn max_backlog_packets_past_the_limit_closes() {
    let sockets = Sockets::default();
    let config = five_packets(BacklogPolicy::Close);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        for at in 0..6 {
            let _ = socket.emit("news", &at);
        }
        assert_eq!(server.left(), "transport error");
        assert!(polling.is_gone());
    });
}

#[test]
fn max_backlog_packets_past_the_limit_drops_volatile_ones_first() {
    let config = five_packets(BacklogPolicy::DropVolatile);
    let flood = |io: &Io| {
        io.of("/").on("flood", |socket: Socket| {
            let _ = socket.volatile().emit("lossy", &());
            for at in 0..5 {
                let _ = socket.emit("news", &at);
            }
        });
    };
    serve_with(config, flood, |server| {
        let mut member = server.member();
        member.send(r#"42["flood"]"#);
        for at in 0..5 {
            assert_eq!(member.text(), format!(r#"42["news",{at}]"#));
        }
        assert!(member.is_alive() && server.nobody_left());
    });
}

#[test]
fn max_backlog_bytes_past_the_limit_drops_volatile_ones_first() {
    let config = ten_kilobytes(BacklogPolicy::DropVolatile);
    let flood = |io: &Io| {
        io.of("/").on("flood", |socket: Socket| {
            let _ = socket.volatile().emit("lossy", &text());
            for _ in 0..10 {
                let _ = socket.emit("news", &text());
            }
        });
    };
    serve_with(config, flood, |server| {
        let mut member = server.member();
        member.send(r#"42["flood"]"#);
        for _ in 0..10 {
            assert!(member.text().starts_with(r#"42["news","xxx"#));
        }
        assert!(member.is_alive() && server.nobody_left());
    });
}

/// A flood of as many kilobytes as the client asks for.
fn flood(io: &Io) {
    io.of("/")
        .on("flood", |socket: Socket, Data(count): Data<usize>| {
            for _ in 0..count {
                let _ = socket.emit("news", &"x".repeat(KILOBYTE));
            }
        });
}

fn writing(write_timeout: Duration) -> Config {
    Config::default()
        .write_timeout(write_timeout)
        .max_backlog_bytes(100 * 1000 * KILOBYTE)
}

#[test]
fn write_timeout_at_the_limit() {
    serve_with(writing(Duration::from_millis(1500)), flood, |server| {
        let wire = Wire::over(narrow(server.address));
        let mut member = WebSocket::over(wire, WEBSOCKET);
        member.enter();
        member.send(r#"42["flood",1000]"#);
        // Slowly: all of it takes longer than the timeout, no pause does.
        for at in 0..1000 {
            assert!(member.text().starts_with(r#"42["news","xxx"#));
            if at % 50 == 0 {
                sleep(Duration::from_millis(100));
            }
        }
        assert!(member.is_alive() && server.nobody_left());
    });
}

#[test]
fn write_timeout_past_the_limit_closes() {
    serve_with(writing(Duration::from_millis(400)), flood, |server| {
        let wire = Wire::over(narrow(server.address));
        let mut member = WebSocket::over(wire, WEBSOCKET);
        member.enter();
        member.send(r#"42["flood",1000]"#);
        assert_eq!(server.left(), "transport error");
        server.wait_until("it is gone", |io| io.engine_sessions() == 0);
        let mut heard = 0;
        while !matches!(member.hear(), Said::Close(_) | Said::End) {
            heard += 1;
        }
        assert!(heard < 1000, "the rest was thrown away");
    });
}

/// `wait` ends when the semaphore lets it.
fn waiting(gate: &Arc<Semaphore>) -> impl FnOnce(&Io) + use<> {
    let gate = gate.clone();
    move |io| {
        let main = io.of("/");
        main.on("wait", move |Data(number): Data<u32>, ack: Ack| {
            let gate = gate.clone();
            async move {
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                ack.send(&number)
            }
        });
        main.on("ask", |socket: Socket| async move {
            let answer = socket.emit_with_ack::<String>("question", &()).await;
            let _ = socket.emit("told", &answer.unwrap_or_default());
        });
    }
}

/// `hold` counts itself, then waits as `wait` does.
fn holding(gate: &Arc<Semaphore>, begun: &Arc<AtomicUsize>) -> impl FnOnce(&Io) + use<> {
    let (gate, begun) = (gate.clone(), begun.clone());
    move |io| {
        io.of("/").on("hold", move |ack: Ack| {
            let gate = gate.clone();
            begun.fetch_add(1, Ordering::SeqCst);
            async move {
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                ack.send("held")
            }
        });
    }
}

fn three_handlers() -> Config {
    Config::default().max_running_handlers(3)
}

#[test]
fn max_running_handlers_at_the_limit() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::default());
    serve_with(three_handlers(), holding(&gate, &begun), |server| {
        let mut member = server.member();
        let mut other = server.member();
        for at in 0..3 {
            member.send(&format!(r#"42{at}["hold"]"#));
        }
        server.wait_until("three have begun", |_| begun.load(Ordering::SeqCst) == 3);
        assert!(other.is_alive(), "the limit is for each connection");
        gate.add_permits(3);
        let mut answers: Vec<_> = (0..3).map(|_| member.text()).collect();
        answers.sort();
        assert_eq!(answers, (0..3).map(held).collect::<Vec<_>>());
        assert!(member.is_alive());
    });
}

fn held(at: usize) -> String {
    format!(r#"43{at}["held"]"#)
}

#[test]
fn max_running_handlers_past_the_limit_waits_for_one_to_end() {
    let (gate, begun) = (Arc::new(Semaphore::new(0)), Arc::default());
    serve_with(three_handlers(), holding(&gate, &begun), |server| {
        let mut member = server.member();
        for at in 0..5 {
            member.send(&format!(r#"42{at}["hold"]"#));
        }
        server.wait_until("three have begun", |_| begun.load(Ordering::SeqCst) == 3);
        sleep(Duration::from_millis(50));
        assert_eq!(begun.load(Ordering::SeqCst), 3);
        gate.add_permits(1);
        server.wait_until("a fourth begins", |_| begun.load(Ordering::SeqCst) == 4);
        sleep(Duration::from_millis(50));
        assert_eq!(begun.load(Ordering::SeqCst), 4);
        gate.add_permits(4);
        let mut answers: Vec<_> = (0..5).map(|_| member.text()).collect();
        answers.sort();
        assert_eq!(answers, (0..5).map(held).collect::<Vec<_>>());
    });
}

#[test]
fn max_running_handlers_past_the_limit_waits_and_heartbeats_and_acks_pass() {
    let gate = Arc::new(Semaphore::new(0));
    let config = Config::default()
        .max_running_handlers(3)
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(400));
    serve_with(config, waiting(&gate), |server| {
        let mut member = server.member();
        member.send(r#"42["ask"]"#);
        let question = member.text();
        for at in 0..2 {
            member.send(&format!(r#"42{at}["wait",{at}]"#));
        }
        for at in 0..5 {
            member.send(&format!(r#"429{at}["echo",{at}]"#));
        }
        // Longer than the ping timeout: pongs are read although no event is begun.
        for _ in 0..8 {
            assert_eq!(member.hear(), Said::Text("2".into()));
            member.send("3");
        }
        // So is the answer that a handler waits for; its end makes room for the others, in their order.
        let id = question
            .trim_start_matches("42")
            .replace(r#"["question"]"#, "");
        member.send(&format!(r#"43{id}["an answer"]"#));
        assert_eq!(member.text(), r#"42["told","an answer"]"#);
        for at in 0..5 {
            assert_eq!(member.text(), format!("439{at}[{at}]"));
        }
        gate.add_permits(2);
        let mut answers = [member.text(), member.text()];
        answers.sort();
        assert_eq!(answers, ["430[0]", "431[1]"]);
        assert!(server.nobody_left());
    });
}

#[test]
fn max_running_handlers_past_the_limit_pauses_reading_when_much_waits() {
    let gate = Arc::new(Semaphore::new(0));
    let config = Config::default()
        .max_running_handlers(1)
        .max_backlog_bytes(10 * KILOBYTE);
    serve_with(config, waiting(&gate), |server| {
        let mut member = server.member();
        member.send(r#"42["wait",0]"#);
        let stream = member.wire().stream().try_clone().expect("a socket");
        let writing = std::thread::spawn(move || {
            use std::io::Write as _;
            let event = format!(r#"42["wait",1,"{}"]"#, "x".repeat(KILOBYTE));
            let frame = sio_tests::wire::frame(sio_tests::wire::TEXT, event.as_bytes());
            let mut stream = stream;
            stream
                .set_write_timeout(Some(Duration::from_millis(500)))
                .expect("not zero");
            // What the kernel takes on both sides is some megabytes.
            (0..100_000)
                .take_while(|_| stream.write_all(&frame).is_ok())
                .count()
        });
        let written = writing.join().expect("no panic");
        assert!(written < 100_000, "the server read on and on");
        drop(member);
        // A frame was cut in its middle; the session ends with its connection all the same.
        gate.add_permits(1_000_000);
        server.wait_until("all is handled", |io| io.engine_sessions() == 0);
    });
}

#[test]
fn max_running_handlers_past_the_limit_answers_a_post_when_it_is_taken() {
    let gate = Arc::new(Semaphore::new(0));
    let config = Config::default()
        .max_running_handlers(1)
        .max_backlog_bytes(2 * KILOBYTE)
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(1500));
    serve_with(config, waiting(&gate), |server| {
        let polling = server.polling_member();
        assert_eq!(polling.post(r#"42["wait",0]"#).status, 200);
        let event = format!(r#"42["x","{}"]"#, "x".repeat(KILOBYTE));
        let body = [&*event; 5].join("\x1e");
        let mut wire = Wire::connect(server.address);
        wire.write(request("POST", &polling.target(), "", &body));
        // Longer than the heartbeat takes to give up: a client that is made to wait is not blamed.
        for _ in 0..5 {
            sleep(Duration::from_millis(350));
            let stream = wire.stream();
            stream.set_nonblocking(true).expect("a socket");
            let seen = stream.peek(&mut [0]);
            stream.set_nonblocking(false).expect("a socket");
            assert!(seen.is_err(), "not answered yet");
        }
        gate.add_permits(1);
        assert_eq!(wire.response().map(|it| it.status), Some(200));
        assert_eq!(server.event().0, "wait");
        for _ in 0..5 {
            assert_eq!(server.event().0, "x");
        }
        assert_eq!(polling.packets(), ["2"]);
        assert_eq!(polling.post("3").status, 200);
    });
}

#[test]
fn max_running_handlers_past_the_limit_misses_no_pong_that_is_not_read() {
    let gate = Arc::new(Semaphore::new(0));
    let config = Config::default()
        .max_running_handlers(1)
        .max_backlog_bytes(2 * KILOBYTE)
        .ping_interval(Duration::from_millis(100))
        .ping_timeout(Duration::from_millis(1500));
    serve_with(config, waiting(&gate), |server| {
        let mut member = server.member();
        member.send(r#"42["wait",0]"#);
        for _ in 0..5 {
            member.send(&format!(r#"42["x","{}"]"#, "x".repeat(KILOBYTE)));
        }
        assert_eq!(member.hear(), Said::Text("2".into()));
        member.send("3");
        sleep(Duration::from_secs(2));
        assert!(server.nobody_left());
        gate.add_permits(1);
        assert!(member.is_alive());
        // From now on it is minded again.
        assert_eq!(server.left(), "ping timeout");
    });
}

/// Those that wait for room, of one client that does not read: what has become of each so far.
fn waits(server: &Served, socket: &Socket, count: usize) -> Vec<Option<Result<(), EmitError>>> {
    until_all_is_written(server, socket);
    for at in 0..5 {
        assert_eq!(socket.emit("news", &at), Ok(()));
    }
    let waits: Vec<_> = (0..count).map(|_| socket.ready()).collect();
    let expected = count.min(server.io.config().serving.max_ready_waits);
    assert_eq!(server.io.backlogs().waits, expected);
    let states = waits.into_iter().map(|wait| wait.now_or_never()).collect();
    assert_eq!(server.io.backlogs().waits, 0, "nobody waits any more");
    states
}

#[test]
fn max_ready_waits_at_the_limit() {
    let sockets = Sockets::default();
    let config = five_packets(BacklogPolicy::Close).max_ready_waits(3);
    serve_with(config, keeping(&sockets), |server| {
        let polling = server.polling_member();
        let socket = first(&sockets);
        assert_eq!(waits(server, &socket, 3), [None, None, None]);
        let mut come = 0;
        while come < 5 {
            come += polling.packets().len();
        }
        assert_eq!(socket.emit("news", &()), Ok(()));
        assert_eq!(polling.packets(), [r#"42["news"]"#]);
    });
}

#[test]
fn max_ready_waits_past_the_limit_refuses() {
    let sockets = Sockets::default();
    let config = five_packets(BacklogPolicy::Close).max_ready_waits(3);
    serve_with(config, keeping(&sockets), |server| {
        let _polling = server.polling_member();
        let socket = first(&sockets);
        let full = Some(Err(EmitError::Full));
        assert_eq!(
            waits(server, &socket, 5),
            [None, None, None, full.clone(), full]
        );
    });
}
