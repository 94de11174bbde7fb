//! Who is let in, and what an embedder learns of whom an event is from.

mod handshakes;
mod packets;
mod parsers;
mod recording;
mod recovery;
mod requests;

use std::time::Duration;

use super::bytes::Bytes;
use super::bytestring::ByteString;
use super::http::Request;
use super::http::request::Parts;
use super::{ConnectionKey, Event, Server, Socket, Upgraded};
use crate::config::Config;
use crate::deadline::{Deadline, Why};
use crate::engine::{Close, Message, WsClosed};
use crate::id::{HashKey, RequestId, SocketId};
use crate::time::Instant;
use crate::websocket::Limits;

const NOW: Instant = Instant::ORIGIN;

fn server(config: Config) -> Server<()> {
    let mut server = Server::new(config, HashKey([1, 2])).unwrap();
    server.open_namespace("/");
    server
}

/// What becomes of a client that asks for a WebSocket, under an id made of this byte.
fn knock(server: &mut Server<()>, byte: u8) -> Result<ConnectionKey, u16> {
    match server.handle_upgrade(NOW, &upgrade(), [byte; 15]) {
        Upgraded::Attached { connection, .. } => {
            drain(server);
            Ok(connection)
        }
        Upgraded::Refused(response) | Upgraded::Unwanted { response, .. } => {
            Err(response.status().as_u16())
        }
        Upgraded::Waits(_) => panic!("nobody decides over it"),
    }
}

/// The head of a request for a WebSocket.
fn upgrade() -> Parts {
    let request = Request::get("/socket.io/?EIO=4&transport=websocket")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    request.into_parts().0
}

/// The same for one that polls: the status of the answer.
fn poll(server: &mut Server<()>, byte: u8) -> u16 {
    let request = Request::get("/socket.io/?EIO=4&transport=polling");
    let request = request.body(Bytes::new()).unwrap();
    server.handle_request(NOW, RequestId(u64::from(byte)), request, [byte; 15]);
    drain(server)
}

/// Lets everybody in who asks, and everything out. The status of the latest response, if any.
fn drain(server: &mut Server<()>) -> u16 {
    let mut status = 0;
    while let Some(event) = server.poll_event(NOW) {
        if let Event::Connecting {
            connection, ticket, ..
        } = event
        {
            let id = SocketId::from_random([9; 15]);
            server.accept(NOW, connection, ticket, id);
        }
    }
    while let Some((_, response)) = server.poll_http() {
        status = response.http.status().as_u16();
    }
    while let Some(connection) = server.poll_writable() {
        let wrote = std::iter::from_fn(|| server.poll_ws(connection)).count();
        if wrote > 0 {
            server.handle_ws_flushed(NOW, connection);
        }
    }
    status
}

fn say(server: &mut Server<()>, connection: ConnectionKey, text: &'static str) {
    server.handle_ws(NOW, connection, Message::Text(text.into()));
    drain(server);
}

fn leave(server: &mut Server<()>, connection: ConnectionKey) {
    server.handle_ws_closed(NOW, connection, WsClosed::Closed);
    drain(server);
    server.handle_ws_gone(connection);
}

/// One that is over counts until its stream is let go of, and no longer than that may take.
#[test]
fn a_session_that_is_over_counts_until_its_websocket_is_let_go_of() {
    let config = Config::v4().max_sessions(1);
    let until = NOW + config.close_timeout;
    for is_let_go in [true, false] {
        let mut server = server(config.clone());
        let first = knock(&mut server, 1).unwrap();
        server.close(NOW, first, Close::Discard);
        drain(&mut server);
        assert_eq!((server.connections(), server.sessions()), (0, 1));
        assert_eq!(knock(&mut server, 2), Err(503));
        if is_let_go {
            server.handle_ws_gone(first);
        } else {
            assert_eq!(
                server.poll_timeout(),
                Some(Deadline::new(until, Why::Close))
            );
            server.handle_timeout(until - Duration::from_nanos(1));
            drain(&mut server);
            assert_eq!(server.sessions(), 1);
            server.handle_timeout(until);
        }
        assert_eq!((server.sessions(), server.poll_timeout()), (0, None));
        let second = knock(&mut server, 2).unwrap();
        // Who is gone already says nothing.
        server.handle_ws_gone(first);
        assert_eq!(server.sessions(), 1);
        leave(&mut server, second);
        assert_eq!(server.sessions(), 0);
    }
}

/// One that the session did not want is one that is to be closed, all the same.
#[test]
fn a_websocket_that_is_not_wanted_counts_among_those_of_its_session() {
    let mut server = server(Config::v4().max_sessions(1));
    let first = knock(&mut server, 1).unwrap();
    let mut head = upgrade();
    let sid = server.connection(first).unwrap().sid().as_str();
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    head.uri = target.parse().unwrap();
    let upgraded = server.handle_upgrade(NOW, &head, [0; 15]);
    let Upgraded::Unwanted { connection, .. } = upgraded else {
        panic!("{upgraded:?}");
    };
    assert_eq!(connection, first);
    leave(&mut server, first);
    assert_eq!(server.sessions(), 1);
    server.handle_ws_gone(first);
    assert_eq!(server.sessions(), 0);
}

#[test]
fn max_sessions_are_let_in_and_one_more_is_not() {
    let mut server = server(Config::v4().max_sessions(2));
    let first = knock(&mut server, 1).unwrap();
    assert_eq!(poll(&mut server, 2), 200);
    say(&mut server, first, "40");
    assert_eq!(knock(&mut server, 3), Err(503));
    assert_eq!(poll(&mut server, 3), 503);
    assert_eq!(server.connections(), 2);
    leave(&mut server, first);
    knock(&mut server, 3).unwrap();
    assert_eq!(poll(&mut server, 4), 503);
}

#[test]
fn max_pending_sessions_are_let_in_and_one_more_is_not() {
    let mut server = server(Config::v4().max_pending_sessions(2));
    let first = knock(&mut server, 1).unwrap();
    assert_eq!(poll(&mut server, 2), 200);
    assert_eq!(knock(&mut server, 3), Err(503));
    assert_eq!(poll(&mut server, 3), 503);
    say(&mut server, first, "40");
    let third = knock(&mut server, 3).unwrap();
    assert_eq!(knock(&mut server, 4), Err(503));
    // One that goes away makes room, too.
    leave(&mut server, third);
    knock(&mut server, 4).unwrap();
    assert_eq!(knock(&mut server, 5), Err(503));
}

#[test]
fn who_has_left_all_namespaces_is_not_pending_again() {
    let mut server = server(Config::v4().max_pending_sessions(1));
    for byte in 1..5 {
        let client = knock(&mut server, byte).unwrap();
        assert_eq!(knock(&mut server, 9), Err(503));
        say(&mut server, client, "40");
        say(&mut server, client, "41");
    }
    assert_eq!(server.connections(), 4);
}

#[test]
fn nobody_is_let_in_once_it_closes() {
    let mut server = server(Config::v4());
    let inside = knock(&mut server, 1).unwrap();
    server.shut_down(NOW);
    drain(&mut server);
    assert_eq!(server.connections(), 0);
    assert_eq!(poll(&mut server, 2), 503);
    assert_eq!(knock(&mut server, 2), Err(503));
    leave(&mut server, inside);
    assert_eq!(server.sessions(), 0);
}

#[test]
fn a_request_for_one_transport_is_not_taken_as_one_for_the_other() {
    let mut server = server(Config::v4());
    let head = || upgrade().headers;
    let polling = "/socket.io/?EIO=4&transport=polling";
    let websocket = "/socket.io/?EIO=4&transport=websocket";
    for with_session in [false, true] {
        let behind = match with_session {
            false => String::new(),
            true => {
                assert_eq!(poll(&mut server, 1), 200);
                "&sid=AQEBAQEBAQEBAQEBAQEB".to_owned()
            }
        };
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = format!("{websocket}{behind}").parse().unwrap();
        *request.headers_mut() = head();
        server.handle_request(NOW, RequestId(9), request, [9; 15]);
        assert_eq!(drain(&mut server), 400);
        let mut request = Request::new(());
        *request.uri_mut() = format!("{polling}{behind}").parse().unwrap();
        *request.headers_mut() = head();
        let head = request.into_parts().0;
        let upgraded = server.handle_upgrade(NOW, &head, [9; 15]);
        let Upgraded::Refused(response) = upgraded else {
            panic!("{upgraded:?}");
        };
        assert_eq!(response.status(), 400);
        assert_eq!(server.connections(), usize::from(with_session));
    }
}

/// A server that was held up itself gives back what it has lost.
#[test]
fn what_is_found_over_late_is_looked_at_once_more() {
    // faults: H6
    let config = Config::v4();
    let (ping, pong) = (config.ping_interval, config.ping_timeout);
    let lost = Duration::from_secs(3);
    for held_up in [false, true] {
        let mut server = server(config.clone());
        let connection = knock(&mut server, 1).unwrap();
        say(&mut server, connection, "40");
        server.handle_timeout(NOW + ping);
        drain(&mut server);
        let now = NOW + ping + pong + lost;
        if held_up {
            server.handle_late(now);
        }
        server.handle_timeout(now);
        drain(&mut server);
        assert_eq!(server.connections(), usize::from(held_up));
        // Once.
        server.handle_late(now + lost);
        server.handle_timeout(now + lost);
        drain(&mut server);
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn an_id_that_is_taken_opens_no_second_session() {
    let mut server = server(Config::v4().max_pending_sessions(2));
    let first = knock(&mut server, 1).unwrap();
    assert_eq!(knock(&mut server, 1), Err(400));
    assert_eq!(poll(&mut server, 1), 400);
    // It does not count either.
    knock(&mut server, 2).unwrap();
    leave(&mut server, first);
    knock(&mut server, 1).unwrap();
}

#[test]
fn a_message_says_which_namespace_it_is_for() {
    // faults: A8
    let now = NOW;
    let mut server = server(Config::v4());
    let connection = knock(&mut server, 1).unwrap();
    let mut sockets: Vec<Socket> = Vec::new();
    for (byte, name) in (1..).zip(["/", "/chat", "/news"]) {
        server.open_namespace(name);
        server.handle_ws(now, connection, Message::Text(format!("40{name},").into()));
        let Some(Event::Connecting { ticket, .. }) = server.poll_event(now) else {
            panic!("it asks for {name}");
        };
        let id = SocketId::from_random([byte; 15]);
        sockets.extend(server.accept(now, connection, ticket, id));
    }
    for (socket, name) in sockets.iter().zip(["/", "/chat", "/news"]) {
        let text: ByteString = format!(r#"42{name},["x"]"#).into();
        server.handle_ws(now, connection, Message::Text(text));
        let Some(Event::Message {
            socket: its,
            namespace,
            ..
        }) = server.poll_event(now)
        else {
            panic!("it says something in {name}");
        };
        assert_eq!((its, &*namespace), (*socket, name));
        assert_eq!(server.namespace(its), Some(name));
        let connection = server.connection(its.connection).unwrap();
        assert_eq!(connection.namespace(its.key), Some(name));
    }
    server.disconnect(now, sockets[1], false);
    while let Some(event) = server.poll_event(now) {
        if let Event::Disconnecting { socket, .. } = event {
            assert_eq!(server.namespace(socket), Some("/chat"));
        }
    }
    assert_eq!(server.namespace(sockets[1]), None);
    assert_eq!(server.namespace(sockets[2]), Some("/news"));
}

#[test]
fn the_limits_of_a_websocket_are_those_of_the_configuration() {
    // faults: A8
    let mut config = Config::v2();
    (config.max_http_buffer_size, config.max_fragments) = (16_000, 7);
    let limits = Limits::of(&config);
    assert_eq!((limits.message, limits.fragments), (16_000, 7));
    assert_eq!(limits.deflate(false), limits);
    let compressed = limits.deflate(true);
    assert_eq!((compressed.message, compressed.deflate), (17_064, true));
    assert_eq!(compressed.deflate(true), compressed);
}
