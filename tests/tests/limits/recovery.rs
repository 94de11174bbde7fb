//! What is kept for clients that were cut off.

use std::{thread::sleep, time::Duration};

use sio_tests::{
    served::{Served, serve},
    wire::WebSocket,
};
use sio_tokio::{Config, ConnectionStateRecovery, RecoveryFigures};

/// A client that has read one event, and what it presents when it comes again.
struct Member {
    socket: WebSocket,
    pid: String,
    offset: String,
}

fn with(
    set: impl FnOnce(ConnectionStateRecovery) -> ConnectionStateRecovery,
    story: impl FnOnce(&Served),
) {
    let recovery = set(ConnectionStateRecovery::default());
    serve(Config::v4().connection_state_recovery(recovery), story);
}

/// What stands between the quotes of a text.
fn words(text: &str) -> Vec<&str> {
    text.split('"').collect()
}

fn figures(server: &Served) -> RecoveryFigures {
    server.io.of("/").recovery().expect("it is on")
}

fn emit(server: &Served, count: usize) {
    (0..count).for_each(|_| server.io.emit("e", &()).expect("an event"));
}

impl Member {
    fn new(server: &Served) -> Self {
        let mut socket = WebSocket::open(server.address);
        assert!(socket.text().starts_with('0'));
        socket.send("40");
        let pid = words(&socket.text())[7].to_owned();
        emit(server, 1);
        let offset = words(&socket.text())[3].to_owned();
        Self {
            socket,
            pid,
            offset,
        }
    }

    /// It is cut off, and the server has noticed.
    fn cut(self, server: &Served) -> (String, String) {
        drop(self.socket);
        assert_eq!(server.left(), "transport close");
        (self.pid, self.offset)
    }
}

/// How much it is told, if it comes back as who it was.
fn back(server: &Served, (pid, offset): &(String, String)) -> Option<usize> {
    let mut socket = WebSocket::open(server.address);
    assert!(socket.text().starts_with('0'));
    socket.send(&format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#));
    let mut missed = 0;
    loop {
        let text = socket.text();
        if text.starts_with("40") {
            let same = words(&text)[7] == pid;
            assert!(same || missed == 0, "{text}");
            socket.send("41");
            assert_eq!(server.left(), "client namespace disconnect");
            return same.then_some(missed);
        }
        missed += 1;
    }
}

#[test]
fn max_disconnection_duration_at_the_limit() {
    let ample = Duration::from_secs(5);
    with(
        |it| it.max_disconnection_duration(ample),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 1);
            sleep(Duration::from_millis(300));
            assert_eq!(back(server, &known), Some(1));
        },
    );
}

#[test]
fn max_disconnection_duration_past_the_limit_makes_a_new_client() {
    let short = Duration::from_millis(200);
    with(
        |it| it.max_disconnection_duration(short),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 1);
            server.wait_until("it has expired", |io| {
                let figures = io.of("/").recovery().expect("it is on");
                (figures.away, figures.packets, figures.expired) == (0, 0, 1)
            });
            assert_eq!(back(server, &known), None);
        },
    );
}

#[test]
fn max_kept_sessions_at_the_limit() {
    with(
        |it| it.max_kept_sessions(2),
        |server| {
            let known = [(); 2].map(|()| Member::new(server));
            // The first has read both; nobody minds.
            let known = known.map(|member| member.cut(server));
            assert_eq!(figures(server).away, 2);
            assert!(known.iter().all(|known| back(server, known).is_some()));
        },
    );
}

#[test]
fn max_kept_sessions_past_the_limit_forgets_the_oldest() {
    with(
        |it| it.max_kept_sessions(2),
        |server| {
            let known = [(); 3].map(|()| Member::new(server));
            let known = known.map(|member| member.cut(server));
            let figures = figures(server);
            assert_eq!((figures.away, figures.expired), (2, 1));
            assert_eq!(back(server, &known[0]), None);
            assert!(known[1..].iter().all(|known| back(server, known).is_some()));
        },
    );
}

#[test]
fn max_kept_packets_at_the_limit() {
    with(
        |it| it.max_kept_packets(3),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 3);
            assert_eq!(back(server, &known), Some(3));
        },
    );
}

#[test]
fn max_kept_packets_past_the_limit_makes_new_clients() {
    with(
        |it| it.max_kept_packets(3),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 4);
            assert_eq!(figures(server).packets, 3);
            assert_eq!(back(server, &known), None);
            let figures = figures(server);
            assert_eq!((figures.lost, figures.packets), (1, 0));
        },
    );
}

/// What an event of these takes.
fn one() -> usize {
    let mut bytes = 0;
    with(
        |it| it,
        |server| {
            let member = Member::new(server);
            bytes = figures(server).bytes;
            member.cut(server);
        },
    );
    bytes
}

#[test]
fn max_kept_bytes_at_the_limit() {
    with(
        |it| it.max_kept_bytes(2 * one()),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 2);
            assert_eq!(back(server, &known), Some(2));
        },
    );
}

#[test]
fn max_kept_bytes_past_the_limit_makes_new_clients() {
    let most = 2 * one();
    with(
        |it| it.max_kept_bytes(most),
        |server| {
            let known = Member::new(server).cut(server);
            emit(server, 3);
            assert!(figures(server).bytes <= most);
            assert_eq!(back(server, &known), None);
        },
    );
}
