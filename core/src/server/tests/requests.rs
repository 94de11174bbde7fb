//! Requests that are nobody's, and sockets that are asked for what they do not have.

use std::hash::Hash;

use super::*;
use crate::engine::WsOut;
use crate::id::Sid;
use crate::packet::{self, Part};
use crate::rooms::RoomError;
use crate::socket::AckError;

/// The status that a request without a body is answered with, and the body.
fn ask(server: &mut Server<()>, head: Parts) -> (u16, String) {
    let request = Request::from_parts(head, Bytes::new());
    server.handle_request(NOW, RequestId(9), request, [9; 15]);
    while server.poll_event(NOW).is_some() {}
    let (id, response) = server.poll_http().unwrap();
    assert_eq!(id, RequestId(9));
    let body = String::from_utf8(response.http.body().to_vec()).unwrap();
    (response.http.status().as_u16(), body)
}

/// The same for one that should become a WebSocket.
fn refused(server: &mut Server<()>, head: &Parts) -> (u16, String) {
    let upgraded = server.handle_upgrade(NOW, head, [9; 15]);
    let Upgraded::Refused(response) = upgraded else {
        panic!("{upgraded:?}")
    };
    let body = String::from_utf8(response.body().to_vec()).unwrap();
    (response.status().as_u16(), body)
}

fn to(mut head: Parts, uri: &str) -> Parts {
    head.uri = uri.parse().unwrap();
    head
}

fn get(uri: &str) -> Parts {
    Request::get(uri).body(()).unwrap().into_parts().0
}

#[test]
fn requests_that_are_not_for_it_are_told_so() {
    let mut server = server(Config::v4());
    let nothing = (404, String::new());
    assert_eq!(ask(&mut server, get("/elsewhere")), nothing);
    let elsewhere = to(upgrade(), "/elsewhere");
    assert_eq!(refused(&mut server, &elsewhere), nothing);
    // By the way that the other kind takes.
    let bad = r#"{"code":3,"message":"Bad request"}"#;
    assert_eq!(ask(&mut server, upgrade()), (400, "Bad request".to_owned()));
    let poll = get("/socket.io/?EIO=4&transport=polling");
    assert_eq!(refused(&mut server, &poll), (400, bad.to_owned()));
    // Of a session that there is, too.
    let connection = knock(&mut server, 1).unwrap();
    let sid = server
        .connection(connection)
        .unwrap()
        .sid()
        .as_str()
        .to_owned();
    let uri = |transport: &str| format!("/socket.io/?EIO=4&transport={transport}&sid={sid}");
    let websocket = to(upgrade(), &uri("websocket"));
    assert_eq!(ask(&mut server, websocket), (400, "Bad request".to_owned()));
    let poll = get(&uri("polling"));
    assert_eq!(refused(&mut server, &poll), (400, bad.to_owned()));
    // And of one that there is not.
    let unknown = "/socket.io/?EIO=4&transport=websocket&sid=unknown";
    let unknown = refused(&mut server, &to(upgrade(), unknown));
    assert_eq!(unknown, (400, "Session ID unknown".to_owned()));
    assert_eq!((server.connections(), server.sessions()), (1, 1));
}

#[test]
fn a_session_by_polling_takes_a_websocket() {
    let mut server = server(Config::v4());
    assert_eq!(poll(&mut server, 1), 200);
    let sid = Sid::from_random([1; 15]);
    let uri = format!("/socket.io/?EIO=4&transport=websocket&sid={}", sid.as_str());
    let upgraded = server.handle_upgrade(NOW, &to(upgrade(), &uri), [2; 15]);
    let Upgraded::Attached {
        connection,
        response,
    } = upgraded
    else {
        panic!("{upgraded:?}")
    };
    assert_eq!(response.status(), 101);
    server.handle_ws(NOW, connection, Message::from("2probe"));
    let Some(WsOut::Frame {
        part: Part::Text(probe),
        ..
    }) = server.poll_ws(connection)
    else {
        panic!("it is answered")
    };
    assert_eq!(probe, "3probe");
    server.handle_ws(NOW, connection, Message::from("5"));
    let event = server.poll_event(NOW);
    assert!(
        matches!(event, Some(Event::Upgraded { connection: its }) if its == connection),
        "{event:?}"
    );
}

#[test]
fn what_becomes_of_a_request_is_fed_with_whom_it_is_for() {
    let mut server = server(Config::v4());
    let [one, other] = [1, 2].map(|byte| knock(&mut server, byte).unwrap());
    let response = |status: u16| {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    };
    let mut asking = Server::<()>::new(Config::v4(), HashKey([1, 2])).unwrap();
    asking.decide_over_handshakes(true);
    let waits = asking.handle_upgrade(NOW, &upgrade(), [3; 15]);
    let response_101 = response(101);
    let all = [
        Upgraded::Attached {
            connection: one,
            response: response_101.clone(),
        },
        Upgraded::Attached {
            connection: other,
            response: response_101.clone(),
        },
        Upgraded::Unwanted {
            connection: one,
            response: response_101.clone(),
        },
        Upgraded::Refused(response_101),
        Upgraded::Refused(response(404)),
        waits,
    ];
    let sum = |it: &Upgraded| crate::digest::of(|state| it.hash(state));
    let sums: std::collections::BTreeSet<_> = all.iter().map(sum).collect();
    assert_eq!(sums.len(), all.len());
    for upgraded in &all {
        assert_eq!(sum(&upgraded.clone()), sum(upgraded));
    }
}

/// Lets a client into `/`.
fn enter(server: &mut Server<()>, byte: u8) -> Socket {
    let connection = knock(server, byte).unwrap();
    server.handle_ws(NOW, connection, Message::from("40"));
    let Some(Event::Connecting { ticket, .. }) = server.poll_event(NOW) else {
        panic!("it asks")
    };
    let id = SocketId::from_random([byte; 15]);
    let socket = server.accept(NOW, connection, ticket, id).unwrap();
    drain(server);
    socket
}

#[test]
fn acks_of_broadcasts_have_even_ids_in_each_namespace() {
    let mut server = server(Config::v4());
    server.open_namespace("/chat");
    let ids = [(); 3].map(|()| server.next_ack("/"));
    assert_eq!(ids, [Some(0), Some(2), Some(4)]);
    assert_eq!(server.next_ack("/chat"), Some(0));
    assert_eq!(server.next_ack("/elsewhere"), None);
}

#[test]
fn a_socket_that_is_gone_has_nothing() {
    let mut server = server(Config::v4());
    let [gone, here] = [1, 2].map(|byte| enter(&mut server, byte));
    assert_eq!(server.join(gone, "x"), Ok(true));
    assert!(server.member(gone).is_some());
    leave(&mut server, gone.connection);
    assert_eq!(server.join(gone, "x"), Err(RoomError::Gone));
    assert!(!server.leave(gone, "x") && server.rooms_of(gone).is_empty());
    assert_eq!((server.member(gone), server.namespace(gone)), (None, None));
    let packet = packet::event("/", Some(1), "q", &()).unwrap();
    let asked = server.request(NOW, gone, 1, packet.clone(), (), None);
    assert_eq!(asked, Err((AckError::Disconnected, ())));
    assert_eq!(server.request(NOW, here, 1, packet, (), None), Ok(()));
    assert!(!server.leave(here, "x"));
    assert!(server.join(here, "x").unwrap() && server.leave(here, "x"));
}

#[test]
fn a_connection_goes_with_all_its_sockets() {
    let mut server = server(Config::v4());
    let socket = enter(&mut server, 1);
    server.disconnect(NOW, socket, true);
    let told: Vec<_> = std::iter::from_fn(|| server.poll_event(NOW)).collect();
    let [
        Event::Disconnecting { .. },
        Event::Disconnected { reason, .. },
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(reason.as_str(), "server namespace disconnect");
    assert!(server.rooms_of(socket).is_empty());
}

/// Which only a client of revision 4 can say.
#[test]
fn an_error_of_a_client_is_told_with_its_socket() {
    let mut server = server(Config::v4().allow_eio3(true));
    let head = to(upgrade(), "/socket.io/?EIO=3&transport=websocket");
    let Upgraded::Attached { connection, .. } = server.handle_upgrade(NOW, &head, [1; 15]) else {
        panic!("it is let in")
    };
    let Some(Event::Connecting { ticket, .. }) = server.poll_event(NOW) else {
        panic!("it has asked by coming")
    };
    let id = SocketId::from_random([1; 15]);
    let socket = server.accept(NOW, connection, ticket, id).unwrap();
    server.handle_ws(NOW, connection, Message::from(r#"44{"a":1}"#));
    let event = server.poll_event(NOW);
    let Some(Event::Error {
        socket: its,
        payload,
    }) = event
    else {
        panic!("{event:?}")
    };
    assert_eq!((its, payload.as_deref()), (socket, Some(r#"{"a":1}"#)));
}

/// Whatever is asked for first.
#[test]
fn a_poll_that_waits_is_answered_though_its_connection_is_over() {
    for websocket_first in [false, true] {
        let mut server = server(Config::v4());
        assert_eq!(poll(&mut server, 1), 200);
        let sid = Sid::from_random([1; 15]);
        let connection = server.connection_of(sid.as_str()).unwrap();
        let uri = format!("/socket.io/?EIO=4&transport=polling&sid={}", sid.as_str());
        let request = Request::from_parts(get(&uri), Bytes::new());
        server.handle_request(NOW, RequestId(7), request, [2; 15]);
        assert!(server.poll_http().is_none());
        server.close(NOW, connection, Close::Discard);
        while server.poll_event(NOW).is_some() {}
        if websocket_first {
            assert_eq!(server.poll_ws(connection), None);
        }
        let (id, _) = server.poll_http().expect("it is answered");
        assert_eq!(id, RequestId(7));
        assert!(server.poll_http().is_none());
        assert_eq!(server.poll_ws(connection), None);
        assert_eq!((server.connections(), server.sessions()), (0, 0));
        assert!(server.connection(connection).is_none());
    }
}

#[test]
fn nobody_comes_back_where_nobody_is_waited_for() {
    let mut server = server(Config::v4());
    let connection = knock(&mut server, 1).unwrap();
    server.handle_ws(NOW, connection, Message::from("40"));
    let Some(Event::Connecting { ticket, .. }) = server.poll_event(NOW) else {
        panic!("it asks")
    };
    let pid = crate::recovery::Pid::from_random([2; 15]);
    let claim = crate::recovery::Claim::new(&pid, None);
    let (why, ticket) = server.recover(NOW, connection, ticket, &claim).unwrap_err();
    assert_eq!(why, crate::recovery::Unrestored::Unknown);
    // As a new one it comes in.
    let id = SocketId::from_random([1; 15]);
    assert!(server.accept(NOW, connection, ticket, id).is_some());
}
