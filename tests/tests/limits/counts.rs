//! Numbers of things that one client may have.

use std::sync::{Arc, Mutex};

use sio_tests::{
    served::{serve, serve_with},
    wire::{Polling, WebSocket, fragments},
};
use sio_tokio::core::rooms::RoomError;
use sio_tokio::{Ack, AckError, Config, Data, Socket};

#[test]
fn max_packets_per_payload_at_the_limit() {
    let config = Config::default().max_packets_per_payload(3);
    serve(config, |server| {
        let polling = server.polling_member();
        let body = r#"42["a"]"#.to_owned() + "\x1e3\x1e" + r#"421["echo",1]"#;
        assert_eq!(polling.post(&body).status, 200);
        assert_eq!(polling.packets(), ["431[1]"]);
        assert_eq!(server.events(), ["a", "echo"]);
    });
}

#[test]
fn max_packets_per_payload_past_the_limit_is_a_parse_error() {
    let config = Config::default().max_packets_per_payload(3);
    serve(config, |server| {
        let polling = server.polling_member();
        let body = r#"42["a"]"#.to_owned() + "\x1e3\x1e3\x1e" + r#"42["b"]"#;
        assert_eq!(polling.post(&body).status, 400);
        assert_eq!(server.left(), "parse error");
        assert!(polling.is_gone());
        assert_eq!(server.events(), ["a"], "what stands before is delivered");
    });
}

/// An event with this many attachments announced, and as many placeholders.
fn announced(count: usize) -> String {
    let places: Vec<_> = (0..count)
        .map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#))
        .collect();
    format!(r#"45{count}-["bytes",{}]"#, places.join(","))
}

#[test]
fn max_attachments_at_the_limit() {
    let config = Config::default().max_attachments(3);
    serve(config, |server| {
        let mut member = server.member();
        member.send(&announced(3));
        for byte in 1..=3 {
            member.send_binary(&[byte]);
        }
        let (name, args) = server.event();
        assert_eq!((&*name, args.attachments().len()), ("bytes", 3));
        let polling = server.polling_member();
        polling.post(&[&*announced(3), "bAQ==", "bAg==", "bAw=="].join("\x1e"));
        assert_eq!(server.event().1.attachments().len(), 3);
        assert!(member.is_alive());
    });
}

#[test]
fn max_attachments_past_the_limit_closes_at_the_header() {
    let config = Config::default().max_attachments(3);
    serve(config, |server| {
        for header in [announced(4), "45999999999999-[\"bytes\"]".to_owned()] {
            let mut member = server.member();
            // No attachment is sent: the announcement is enough.
            member.send(&header);
            assert_eq!(member.end().0, [""; 0]);
            assert_eq!(server.left(), "forced close");
        }
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_fragments_at_the_limit() {
    let config = Config::default().max_fragments(6);
    serve(config, |server| {
        let mut member = server.member();
        for _ in 0..3 {
            let parts: [&[u8]; 6] = [b"", b"421[\"ec", b"", b"ho\",", b"1]", b""];
            member.wire().write(fragments(parts));
            assert_eq!(member.text(), "431[1]");
        }
        assert!(server.nobody_left());
    });
}

#[test]
fn max_fragments_past_the_limit_is_1008() {
    let config = Config::default().max_fragments(6);
    serve(config, |server| {
        let full: [&[u8]; 7] = [b"421[", b"\"ec", b"h", b"o\",", b"1", b"]", b" "];
        for parts in [full, [b"".as_slice(); 7]] {
            let mut member = server.member();
            member.wire().write(fragments(parts));
            assert_eq!(member.end(), (vec![], Some(Some(1008))));
            assert_eq!(server.left(), "transport error");
        }
        assert_eq!(server.events(), [""; 0]);
    });
}

#[test]
fn max_arguments_at_the_limit() {
    let config = Config::default().max_arguments(3);
    serve(config, |server| {
        let mut member = server.member();
        member.send(r#"421["echo",1,[2,2,2,2],{"a":3}]"#);
        assert_eq!(member.text(), r#"431[1,[2,2,2,2],{"a":3}]"#);
        assert!(server.nobody_left());
    });
}

#[test]
fn max_arguments_past_the_limit_closes() {
    let config = Config::default().max_arguments(3);
    serve(config, |server| {
        let mut member = server.member();
        member.send(r#"421["echo",1,2,3,4]"#);
        assert_eq!(member.end().0, [""; 0]);
        assert_eq!(server.left(), "forced close");
        assert_eq!(server.events(), [""; 0]);
    });
}

fn three_namespaces() -> Config {
    Config::default().max_namespaces_per_connection(3)
}

#[test]
fn max_namespaces_per_connection_at_the_limit() {
    serve(three_namespaces(), |server| {
        for name in ["/a", "/b", "/c"] {
            server.io.of(name);
        }
        let mut member = server.member();
        for name in ["/a", "/b"] {
            member.send(&format!("40{name},"));
            assert!(member.text().starts_with(&format!(r#"40{name},{{"sid""#)));
        }
        // One that was left makes room for another.
        member.send("41/b,");
        member.send("40/c,");
        assert!(member.text().starts_with(r#"40/c,{"sid""#));
        server.wait_until("/b is left", |io| io.of("/b").is_empty());
        assert!(member.is_alive());
    });
}

#[test]
fn max_namespaces_per_connection_past_the_limit_is_refused() {
    serve(three_namespaces(), |server| {
        for name in ["/a", "/b", "/c"] {
            server.io.of(name);
        }
        let mut member = server.member();
        for name in ["/a", "/b"] {
            member.send(&format!("40{name},"));
            member.text();
        }
        member.send("40/c,");
        let answer = member.text();
        assert!(answer.starts_with(r#"44/c,{"message":""#), "{answer}");
        assert!(member.is_alive(), "a refusal is not the end");
        assert!(server.io.of("/c").is_empty());
        drop(member);
        for name in ["/a", "/b"] {
            server.wait_until("the namespaces are empty", |io| io.of(name).is_empty());
        }
    });
}

/// What a client that asks for a namespace which is not there is told.
fn asks_in_vain(member: &mut WebSocket, name: &str) {
    member.send(&format!("40{name},"));
    let refusal = format!(r#"44{name},{{"message":"Invalid namespace"}}"#);
    assert_eq!(member.text(), refusal);
}

fn enters(member: &mut WebSocket, name: &str) {
    member.send(&format!("40{name},"));
    let answer = member.text();
    assert!(answer.starts_with(&format!("40{name},{{")), "{answer}");
}

#[test]
fn max_child_namespaces_at_the_limit() {
    let config = Config::default().max_child_namespaces(2);
    serve(config, |server| {
        let rooms = server.io.of_pattern("/room/{id}").unwrap();
        let (mut a, mut b) = (server.member(), server.member());
        enters(&mut a, "/room/1");
        enters(&mut b, "/room/2");
        // What is there does not count again, and neither does what the application opens.
        enters(&mut a, "/room/2");
        server.io.of("/room/3");
        enters(&mut b, "/room/3");
        assert_eq!(rooms.len(), 3);
        // One that is left makes room for another.
        a.send("41/room/1,");
        server.wait_until("/room/1 is gone", |io| io.namespace("/room/1").is_none());
        enters(&mut b, "/room/4");
    });
}

#[test]
fn max_child_namespaces_past_the_limit_is_no_such_namespace() {
    let config = Config::default().max_child_namespaces(2);
    serve(config, |server| {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let told = asked.clone();
        let rooms = server.io.of_pattern("/room/{id}").unwrap();
        server.io.of_where(move |name, _| {
            told.lock().unwrap().push(name);
            std::future::ready(true)
        });
        let (mut a, mut b) = (server.member(), server.member());
        enters(&mut a, "/room/1");
        enters(&mut b, "/asked");
        for name in ["/room/3", "/other"] {
            asks_in_vain(&mut a, name);
            asks_in_vain(&mut b, name);
        }
        assert_eq!(
            *asked.lock().unwrap(),
            ["/asked"],
            "nobody is asked in vain"
        );
        assert_eq!((rooms.len(), server.io.namespaces().len()), (1, 3));
        assert!(a.is_alive() && b.is_alive());
    });
}

#[test]
fn max_child_namespaces_per_connection_at_the_limit() {
    let config = Config::default().max_child_namespaces_per_connection(2);
    serve(config, |server| {
        server.io.of_pattern("/room/{id}").unwrap();
        let (mut a, mut b) = (server.member(), server.member());
        // What others have brought into being does not count.
        enters(&mut b, "/room/3");
        for name in ["/room/1", "/room/2", "/room/3"] {
            enters(&mut a, name);
        }
        a.send("41/room/1,");
        server.wait_until("/room/1 is gone", |io| io.namespace("/room/1").is_none());
        enters(&mut a, "/room/4");
        // Neither does what the application wants.
        server.io.of("/room/4");
        enters(&mut a, "/room/5");
    });
}

#[test]
fn max_child_namespaces_per_connection_past_the_limit_is_no_such_namespace() {
    let config = Config::default().max_child_namespaces_per_connection(2);
    serve(config, |server| {
        server.io.of_pattern("/room/{id}").unwrap();
        let (mut a, mut b) = (server.member(), server.member());
        enters(&mut a, "/room/1");
        enters(&mut a, "/room/2");
        asks_in_vain(&mut a, "/room/3");
        enters(&mut b, "/room/1");
        // It is there still, if for another, and counts for who has brought it.
        a.send("41/room/1,");
        asks_in_vain(&mut a, "/room/3");
        enters(&mut b, "/room/3");
        assert!(a.is_alive());
    });
}

fn three_refusals() -> Config {
    Config::default().max_refused_connects(3)
}

#[test]
fn max_refused_connects_at_the_limit() {
    serve(three_refusals(), |server| {
        let mut member = server.member();
        for at in 0..2 {
            member.send(&format!("40/nowhere{at},"));
            assert!(member.text().contains("Invalid namespace"));
        }
        assert!(member.is_alive());
    });
}

#[test]
fn max_refused_connects_past_the_limit_closes_after_the_last_answer() {
    serve(three_refusals(), |server| {
        let mut member = server.member();
        for at in 0..10 {
            member.send(&format!("40/nowhere{at},"));
        }
        let (said, _) = member.end();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(
            said.iter()
                .all(|answer| answer.contains("Invalid namespace"))
        );
        let reason = server.left();
        assert!(reason.starts_with("forced"), "{reason}");

        let polling = Polling::open(server.address);
        let body: Vec<_> = (0..10).map(|at| format!("40/nowhere{at},")).collect();
        polling.post(&body.join("\x1e"));
        let packets = polling.packets();
        assert_eq!(packets.len(), 3, "{packets:?}");
        assert_eq!(polling.packets(), ["6", "1"]);
        assert!(polling.is_gone());
    });
}

/// The sockets that have connected, for the test to call them from outside.
type Sockets = Arc<Mutex<Vec<Socket>>>;

fn keeping(sockets: &Sockets) -> impl FnOnce(&sio_tokio::Io) + use<> {
    let sockets = sockets.clone();
    move |io| {
        io.on_connect(move |socket: Socket| {
            sockets.lock().expect("not poisoned").push(socket);
        });
    }
}

fn two_acks() -> Config {
    Config::default().max_pending_acks(2)
}

/// The id in an event that asks for an answer.
fn ack_id(event: &str) -> &str {
    let end = event.find('[').expect("an event");
    &event[2..end]
}

#[test]
fn max_pending_acks_at_the_limit() {
    let sockets = Sockets::default();
    serve_with(two_acks(), keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = sockets.lock().expect("not poisoned").remove(0);
        for round in 0..3 {
            let first = socket.emit_with_ack::<u32>("first", &());
            let second = socket.emit_with_ack::<u32>("second", &());
            let asked = [member.text(), member.text()];
            for (answer, event) in asked.iter().enumerate().rev() {
                member.send(&format!("43{}[{}]", ack_id(event), answer + round));
            }
            let answers = server.block_on(async { (first.await, second.await) });
            let round = u32::try_from(round).expect("small");
            assert_eq!(answers, (Ok(round), Ok(round + 1)));
        }
    });
}

#[test]
fn max_pending_acks_past_the_limit_fails_the_emit() {
    let sockets = Sockets::default();
    serve_with(two_acks(), keeping(&sockets), |server| {
        let mut member = server.member();
        let socket = sockets.lock().expect("not poisoned").remove(0);
        let first = socket.emit_with_ack::<u32>("first", &());
        let second = socket.emit_with_ack::<u32>("second", &());
        let third = server.block_on(socket.emit_with_ack::<u32>("third", &()));
        assert_eq!(third, Err(AckError::TooMany));
        let asked = member.text();
        assert!(asked.contains("first"));
        member.send(&format!("43{}[1]", ack_id(&asked)));
        assert_eq!(server.block_on(first), Ok(1));
        // An answer makes room.
        let fourth = socket.emit_with_ack::<u32>("fourth", &());
        assert!(member.text().contains("second"));
        let asked = member.text();
        assert!(asked.contains("fourth"), "the third was not sent: {asked}");
        member.send(&format!("43{}[4]", ack_id(&asked)));
        assert_eq!(server.block_on(fourth), Ok(4));
        drop(member);
        assert_eq!(server.block_on(second), Err(AckError::Disconnected));
    });
}

fn joining(io: &sio_tokio::Io) {
    io.of("/").on(
        "join",
        |socket: Socket, Data(room): Data<String>, ack: Ack| match socket.join(room) {
            Ok(()) => ack.send("joined"),
            Err(RoomError::TooMany(most)) => ack.send(&format!("only {most}")),
            Err(error) => ack.send(&error.to_string()),
        },
    );
    io.of("/").on(
        "leave",
        |socket: Socket, Data(room): Data<String>, ack: Ack| {
            socket.leave(room);
            ack.send(&socket.rooms().len())
        },
    );
}

fn three_rooms() -> Config {
    Config::default().max_rooms_per_socket(3)
}

#[test]
fn max_rooms_per_socket_at_the_limit() {
    serve_with(three_rooms(), joining, |server| {
        let mut member = server.member();
        // To be somewhere already costs nothing.
        for room in ["a", "b", "c", "a", "c"] {
            member.send(&format!(r#"421["join","{room}"]"#));
            assert_eq!(member.text(), r#"431["joined"]"#);
        }
        assert_eq!(server.io.of("/").to("c").sockets().len(), 1);
    });
}

#[test]
fn max_rooms_per_socket_past_the_limit_fails_the_join() {
    serve_with(three_rooms(), joining, |server| {
        let mut member = server.member();
        for room in ["a", "b", "c"] {
            member.send(&format!(r#"42["join","{room}"]"#));
        }
        member.send(r#"421["join","d"]"#);
        assert_eq!(member.text(), r#"431["only 3"]"#);
        assert_eq!(server.io.of("/").to("d").sockets().len(), 0);
        member.send(r#"422["leave","a"]"#);
        // Its own room is not one that it joined.
        assert_eq!(member.text(), "432[3]");
        member.send(r#"423["join","d"]"#);
        assert_eq!(member.text(), r#"433["joined"]"#);
        drop(member);
        server.wait_until("rooms end with their last member", |io| {
            io.of("/").to(["b", "c", "d"]).sockets().is_empty()
        });
    });
}
