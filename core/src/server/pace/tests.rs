use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::config::Config;
use crate::deadline::{Deadline, Why};
use crate::engine::{Flags, Message, WsClosed};
use crate::id::{HashKey, RequestId, SocketId};
use crate::packet;
use crate::rooms::Target;
use crate::server::{ConnectionKey, Event, Server, Upgraded};
use crate::time::Instant;

const NOW: Instant = Instant::ORIGIN;

fn server(config: Config) -> Server<()> {
    let mut server = Server::new(config, HashKey([1, 2])).unwrap();
    server.open_namespace("/");
    server
}

/// The names of the events that there are.
fn heard(server: &mut Server<()>, now: Instant) -> Vec<String> {
    let mut names = Vec::new();
    while let Some(event) = server.poll_event(now) {
        match event {
            Event::Connecting {
                connection, ticket, ..
            } => {
                let id = SocketId::from_random([9; 15]);
                server.accept(now, connection, ticket, id);
            }
            Event::Message { name, .. } => names.push(name.to_string()),
            Event::Closed { reason, .. } => names.push(reason.to_string()),
            Event::Handshake { .. }
            | Event::HandshakeOver { .. }
            | Event::Naming { .. }
            | Event::Undecided { .. }
            | Event::Error { .. }
            | Event::Acked { .. }
            | Event::Disconnecting { .. }
            | Event::Disconnected { .. }
            | Event::Expired { .. }
            | Event::Upgraded { .. } => {}
        }
    }
    names
}

/// One that polls and is in `/`.
fn polls(server: &mut Server<()>) -> ConnectionKey {
    let request = Request::get("/socket.io/?EIO=4&transport=polling");
    let request = request.body(Bytes::new()).unwrap();
    server.handle_request(NOW, RequestId(0), request, [7; 15]);
    post(server, 1, "40");
    assert_eq!(heard(server, NOW), [""; 0]);
    while server.poll_http().is_some() {}
    server.connection_of("BwcHBwcHBwcHBwcHBwcH").unwrap()
}

fn post(server: &mut Server<()>, id: u64, body: &'static str) {
    let target = "/socket.io/?EIO=4&transport=polling&sid=BwcHBwcHBwcHBwcHBwcH";
    let request = Request::post(target).body(body.into()).unwrap();
    server.handle_request(NOW, RequestId(id), request, [0; 15]);
}

/// The statuses of what is answered.
fn answered(server: &mut Server<()>) -> Vec<(u64, u16)> {
    let all = std::iter::from_fn(|| server.poll_http());
    all.map(|(id, it)| (id.0, it.http.status().as_u16()))
        .collect()
}

#[test]
fn a_post_is_read_at_the_limit_and_waits_past_it() {
    let mut server = server(Config::v4());
    let most = Config::v4().max_backlog_bytes;
    let client = polls(&mut server);
    server.handle_waiting(NOW, client, most);
    post(&mut server, 2, r#"42["a"]"#);
    assert!(server.is_read(client));
    assert_eq!(heard(&mut server, NOW), ["a"]);
    assert_eq!(answered(&mut server), [(2, 200)]);

    server.handle_waiting(NOW, client, most + 1);
    post(&mut server, 3, "42[\"b\"]\u{1e}42[\"c\"]");
    assert!(!server.is_read(client));
    assert_eq!(heard(&mut server, NOW), [""; 0]);
    assert_eq!(answered(&mut server), []);
    // What it is told reaches it.
    server.handle_waiting(NOW, client, most);
    assert_eq!(heard(&mut server, NOW), ["b", "c"]);
    assert_eq!(answered(&mut server), [(3, 200)]);
}

#[test]
fn who_is_left_unread_for_too_long_is_closed() {
    let config = Config::v4().pause_timeout(Duration::from_secs(1));
    let until = NOW + config.pause_timeout;
    let mut server = server(config.clone());
    let client = polls(&mut server);
    server.handle_waiting(NOW, client, config.max_backlog_bytes + 1);
    post(&mut server, 2, r#"42["a"]"#);
    assert_eq!(
        server.poll_timeout(),
        Some(Deadline::new(until, Why::Pause))
    );
    server.handle_timeout(until - Duration::from_nanos(1));
    assert_eq!(heard(&mut server, until), [""; 0]);
    server.handle_timeout(until);
    // It waits for us, as one that is silent does: that is how the reference would end it.
    assert_eq!(heard(&mut server, until), ["ping timeout"]);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_websocket_is_not_read_past_half_of_what_may_wait_for_it() {
    let config = Config::v4().max_backlog_packets(4);
    let mut server = server(config);
    let head = Request::get("/socket.io/?EIO=4&transport=websocket")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap();
    let (head, ()) = head.into_parts();
    let Upgraded::Attached { connection, .. } = server.handle_upgrade(NOW, &head, [7; 15]) else {
        panic!("it is let in")
    };
    server.handle_ws(NOW, connection, Message::Text("40".into()));
    assert_eq!(heard(&mut server, NOW), [""; 0]);
    while server.poll_ws(connection).is_some() {}
    server.handle_ws_flushed(NOW, connection);
    let socket = server.select("/", &Target::default())[0];
    let emit = |server: &mut Server<()>| {
        let packet = packet::event("/", None, "e", &()).unwrap();
        let _ = server.deliver(NOW, socket, packet, Flags::default());
        assert_eq!(heard(server, NOW), [""; 0]);
        server.is_read(connection)
    };
    let read: Vec<bool> = (0..3).map(|_| emit(&mut server)).collect();
    assert_eq!(read, [true, true, false]);
    assert!(server.poll_ws(connection).is_some());
    assert_eq!(heard(&mut server, NOW), [""; 0]);
    assert!(server.is_read(connection));
    server.handle_ws_closed(NOW, connection, WsClosed::Closed);
    assert_eq!(heard(&mut server, NOW), ["transport close"]);
    assert!(server.is_read(connection));
}
