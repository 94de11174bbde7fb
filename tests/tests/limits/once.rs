//! What is kept of events that are handled once.

use std::time::Duration;

use sio_tests::{
    served::{Served, serve_with},
    wire::WebSocket,
};
use sio_tokio::{Ack, Config, Data, ExactlyOnce, OnceFigures};

fn with(set: impl FnOnce(ExactlyOnce) -> ExactlyOnce, story: impl FnOnce(&Served)) {
    let config = Config::v4().exactly_once(set(ExactlyOnce::default()));
    let handlers = |io: &sio_tokio::Io| {
        let main = io.of("/");
        main.exactly_once("order");
        main.on("order", |Data(what): Data<String>, ack: Ack| {
            ack.send(&what)
        });
    };
    serve_with(config, handlers, story);
}

fn figures(server: &Served) -> OnceFigures {
    server.io.of("/").once_figures().expect("it is on")
}

/// The answer to an order, if there is one. What it says differs each time.
fn order(client: &mut WebSocket, name: &str, what: &str) -> Option<String> {
    client.send(&format!(r#"421["order",{{"once":"{name}"}},"{what}"]"#));
    client.send(r#"422["echo"]"#);
    let first = client.text();
    if first.starts_with("432") {
        return None;
    }
    assert!(client.text().starts_with("432"));
    let answer = first.strip_prefix(r#"431[""#).expect("an ack");
    Some(answer.trim_end_matches("\"]").to_owned())
}

fn leave(server: &Served, mut client: WebSocket) {
    client.send("41");
    assert_eq!(server.left(), "client namespace disconnect");
}

#[test]
fn once_duration_at_the_limit() {
    let ample = Duration::from_secs(30);
    with(
        |it| it.once_duration(ample),
        |server| {
            let mut ann = server.member();
            assert_eq!(order(&mut ann, "a", "1").as_deref(), Some("1"));
            assert_eq!(order(&mut ann, "a", "2").as_deref(), Some("1"));
            leave(server, ann);
        },
    );
}

#[test]
fn once_duration_past_the_limit_forgets_it() {
    let short = Duration::from_millis(100);
    with(
        |it| it.once_duration(short),
        |server| {
            let mut ann = server.member();
            assert_eq!(order(&mut ann, "a", "1").as_deref(), Some("1"));
            server.wait_until("it is forgotten", |_| {
                let figures = figures(server);
                (figures.events, figures.bytes) == (0, 0)
            });
            assert_eq!(order(&mut ann, "a", "2").as_deref(), Some("2"));
            leave(server, ann);
        },
    );
}

#[test]
fn max_once_events_at_the_limit() {
    with(
        |it| it.max_once_events(2),
        |server| {
            let mut clients = [server.member(), server.member()];
            for (client, name) in clients.iter_mut().zip(["a", "b"]) {
                assert_eq!(order(client, name, "1").as_deref(), Some("1"));
            }
            assert_eq!(figures(server).refused, 0);
            clients.into_iter().for_each(|client| leave(server, client));
        },
    );
}

#[test]
fn max_once_events_past_the_limit_are_not_handled() {
    with(
        |it| it.max_once_events(2),
        |server| {
            let mut clients = [server.member(), server.member(), server.member()];
            for (client, name) in clients.iter_mut().zip(["a", "b"]) {
                assert_eq!(order(client, name, "1").as_deref(), Some("1"));
            }
            assert_eq!(order(&mut clients[2], "c", "1"), None);
            // What is known is told all the same.
            assert_eq!(order(&mut clients[2], "a", "2").as_deref(), Some("1"));
            let figures = figures(server);
            assert_eq!((figures.events, figures.refused), (2, 1));
            clients.into_iter().for_each(|client| leave(server, client));
        },
    );
}

#[test]
fn max_once_events_per_socket_at_the_limit() {
    with(
        |it| it.max_once_events_per_socket(2),
        |server| {
            let mut ann = server.member();
            for name in ["a", "b"] {
                assert_eq!(order(&mut ann, name, "1").as_deref(), Some("1"));
            }
            leave(server, ann);
        },
    );
}

#[test]
fn max_once_events_per_socket_past_the_limit_are_not_handled() {
    with(
        |it| it.max_once_events_per_socket(2),
        |server| {
            let mut ann = server.member();
            for name in ["a", "b"] {
                assert_eq!(order(&mut ann, name, "1").as_deref(), Some("1"));
            }
            assert_eq!(order(&mut ann, "c", "1"), None);
            // Others have their own.
            let mut ben = server.member();
            assert_eq!(order(&mut ben, "c", "2").as_deref(), Some("2"));
            leave(server, ann);
            leave(server, ben);
        },
    );
}

/// What the answer to one of these takes.
fn one() -> usize {
    let mut bytes = 0;
    with(
        |it| it,
        |server| {
            let mut ann = server.member();
            order(&mut ann, "a", "1");
            bytes = figures(server).bytes;
            leave(server, ann);
        },
    );
    bytes
}

#[test]
fn max_once_bytes_at_the_limit() {
    with(
        |it| it.max_once_bytes(2 * one()),
        |server| {
            let mut ann = server.member();
            for what in ["1", "2"] {
                for name in ["a", "b"] {
                    assert_eq!(order(&mut ann, name, what).as_deref(), Some("1"));
                }
            }
            leave(server, ann);
        },
    );
}

#[test]
fn max_once_bytes_past_the_limit_lets_the_oldest_answers_go() {
    let most = 2 * one();
    with(
        |it| it.max_once_bytes(most),
        |server| {
            let mut ann = server.member();
            for name in ["a", "b", "c"] {
                assert_eq!(order(&mut ann, name, "1").as_deref(), Some("1"));
            }
            // It is not handled again.
            assert_eq!(order(&mut ann, "a", "2"), None);
            assert_eq!(order(&mut ann, "b", "2").as_deref(), Some("1"));
            let figures = figures(server);
            assert_eq!((figures.events, figures.let_go), (3, 1));
            assert!(figures.bytes <= most);
            leave(server, ann);
        },
    );
}
