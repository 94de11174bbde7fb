//! What is said to a client, and what comes of it.

use super::*;
use crate::engine::{Flags, Sent, WsOut};
use crate::message::Part;
use crate::packet;
use crate::rooms::Target;
use crate::socket::AckError;

/// A client that is in `/`, and has been told so.
fn inside(server: &mut Server<()>) -> Socket {
    let connection = knock(server, 1).unwrap();
    server.handle_ws(NOW, connection, Message::Text("40".into()));
    let Some(Event::Connecting { ticket, .. }) = server.poll_event(NOW) else {
        panic!("it asks");
    };
    let id = SocketId::from_random([9; 15]);
    let socket = server.accept(NOW, connection, ticket, id).unwrap();
    drain(server);
    socket
}

/// The next frame for a client.
fn frame(server: &mut Server<()>, to: Socket) -> String {
    match server.poll_ws(to.connection) {
        Some(WsOut::Frame {
            part: Part::Text(text),
            ..
        }) => String::from_utf8(text.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_client_of_revision_4_writes_behind_a_name_is_its_query() {
    let mut server = server(Config::v2());
    server.open_parent(None);
    let mut head = upgrade();
    head.uri = "/socket.io/?EIO=3&transport=websocket".parse().unwrap();
    let Upgraded::Attached { connection, .. } = server.handle_upgrade(NOW, &head, [1; 15]) else {
        panic!("it is let in");
    };
    for (text, query, auth) in [
        ("40/a?token=1", Some("token=1"), Some(r#"{"token":"1"}"#)),
        ("40/b", None, None),
    ] {
        server.handle_ws(NOW, connection, Message::Text(text.into()));
        let events = std::iter::from_fn(|| server.poll_event(NOW));
        let mut named = events.filter_map(|event| {
            if let Event::Naming { ticket, .. } = event {
                return Some(ticket);
            }
            assert!(matches!(event, Event::Connecting { .. }), "{event:?}");
            None
        });
        let ticket = named.next().unwrap();
        assert_eq!((ticket.query(), ticket.auth()), (query, auth));
    }
}

#[test]
fn who_takes_some_of_it_has_as_long_again() {
    let mut config = Config::v4();
    config.write_timeout = Duration::from_secs(10);
    let mut server = server(config);
    let socket = inside(&mut server);
    let packet = packet::event("/", None, "x", &()).unwrap();
    assert_eq!(
        server.deliver(NOW, socket, packet, Flags::default()),
        Sent::Queued
    );
    frame(&mut server, socket);
    let due = |after| Some(Deadline::new(NOW + Duration::from_secs(after), Why::Write));
    assert_eq!(server.poll_timeout(), due(10));
    server.handle_ws_progress(NOW + Duration::from_secs(5), socket.connection);
    assert_eq!(server.poll_timeout(), due(15));
}

#[test]
fn a_broadcast_leaves_its_sender_out() {
    let mut server = server(Config::v4());
    let socket = inside(&mut server);
    assert_eq!(server.join(socket, "x"), Ok(true));
    let mut target = Target::from(["x"]);
    assert_eq!(server.select("/", &target), [socket]);
    target.skip = server.member(socket);
    assert_eq!(server.select("/", &target), []);
    assert!(server.leave(socket, "x") && !server.leave(socket, "x"));
    leave(&mut server, socket.connection);
    assert!(server.member(socket).is_none() && !server.leave(socket, "x"));
}

#[test]
fn each_question_to_many_has_an_even_number_of_its_own() {
    let mut server = server(Config::v4());
    server.open_namespace("/a");
    let ids = ["/", "/", "/a", "/", "/b"].map(|name| server.next_ack(name));
    assert_eq!(ids, [Some(0), Some(2), Some(0), Some(4), None]);
}

#[test]
fn what_is_asked_is_answered_or_says_why_not() {
    let mut server = server(Config::v4());
    let socket = inside(&mut server);
    let packet = packet::event("/", Some(1), "ask", &()).unwrap();
    let asked = server.request(NOW, socket, 1, packet.clone(), (), None);
    assert_eq!(asked, Ok(()));
    assert_eq!(frame(&mut server, socket), r#"421["ask"]"#);
    say_only(&mut server, socket, r#"431["yes"]"#);
    let Some(Event::Acked {
        socket: its,
        token: (),
        answer: Ok(answer),
    }) = server.poll_event(NOW)
    else {
        panic!("it has answered");
    };
    assert_eq!(
        (its, answer.decode::<String>().unwrap()),
        (socket, "yes".into())
    );
    leave(&mut server, socket.connection);
    let asked = server.request(NOW, socket, 3, packet, (), None);
    assert_eq!(asked, Err((AckError::Disconnected, ())));
}

fn say_only(server: &mut Server<()>, socket: Socket, text: &'static str) {
    server.handle_ws(NOW, socket.connection, Message::Text(text.into()));
}
