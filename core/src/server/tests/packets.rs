//! What is said to a client, and what comes of it.

use super::*;
use crate::engine::{Flags, Sent, WsOut};
use crate::message::Part;
use crate::packet;
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
