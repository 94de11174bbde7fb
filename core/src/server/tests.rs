//! What an embedder learns of whom an event is from.

use super::bytes::Bytes;
use super::bytestring::ByteString;
use super::http::Request;
use super::{Event, Server, Socket, Upgraded};
use crate::config::Config;
use crate::engine::Message;
use crate::id::{HashKey, SocketId};
use crate::time::Instant;
use crate::websocket::Limits;

#[test]
fn a_message_says_which_namespace_it_is_for() {
    // faults: A8
    let now = Instant::ORIGIN;
    let mut server: Server<()> = Server::new(Config::v4(), HashKey([1, 2])).unwrap();
    let request = Request::get("/socket.io/?EIO=4&transport=websocket")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Bytes::new())
        .unwrap();
    let upgraded = server.handle_upgrade(now, &request.into_parts().0, [1; 15]);
    let Upgraded::Attached { connection, .. } = upgraded else {
        panic!("{upgraded:?}");
    };
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
