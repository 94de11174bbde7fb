//! Handshakes that wait for the application's word.

use super::*;
use crate::engine::HandshakeError;
use crate::id::Sid;
use crate::server::{HandshakeKey, HandshakeTicket};

/// A server whose application decides.
fn asking(config: Config) -> Server<()> {
    let mut server = server(config);
    server.decide_over_handshakes(true);
    server
}

/// Sends a request that opens a session by polling.
fn ask(server: &mut Server<()>, now: Instant, byte: u8) {
    let request = Request::get("/socket.io/?EIO=4&transport=polling&who=me");
    let request = request.body(Bytes::new()).unwrap();
    server.handle_request(now, RequestId(u64::from(byte)), request, [byte; 15]);
}

/// The same by WebSocket.
fn ask_by_websocket(server: &mut Server<()>, now: Instant, byte: u8) -> HandshakeKey {
    let upgraded = server.handle_upgrade(now, &upgrade(), [byte; 15]);
    let Upgraded::Waits(handshake) = upgraded else {
        panic!("{upgraded:?}");
    };
    handshake
}

/// The next handshake that is told.
fn told(server: &mut Server<()>) -> HandshakeTicket {
    match server.poll_event(NOW) {
        Some(Event::Handshake { ticket, .. }) => ticket,
        other => panic!("{other:?}"),
    }
}

fn over(server: &mut Server<()>) -> Option<HandshakeKey> {
    let event = server.poll_event(NOW)?;
    let Event::HandshakeOver { handshake } = event else {
        panic!("{event:?}");
    };
    Some(handshake)
}

/// The next response, by its status and body.
fn answered(server: &mut Server<()>) -> Option<(u64, u16, String)> {
    assert!(
        server.poll_event(NOW).is_none(),
        "something is to be told first"
    );
    let (id, response) = server.poll_http()?;
    let body = String::from_utf8_lossy(response.http.body()).into_owned();
    Some((id.0, response.http.status().as_u16(), body))
}

#[test]
fn a_poll_is_answered_when_it_is_decided() {
    let mut server = asking(Config::v4());
    ask(&mut server, NOW, 1);
    let Some(Event::Handshake {
        ticket,
        request: Some(RequestId(1)),
        head,
    }) = server.poll_event(NOW)
    else {
        panic!("it asks");
    };
    assert_eq!(head.uri.query(), Some("EIO=4&transport=polling&who=me"));
    assert_eq!(answered(&mut server), None);
    assert_eq!(server.connections(), 0);
    let later = NOW + Duration::from_secs(5);
    let connection = server.admit(later, ticket, None).unwrap();
    let (id, status, body) = answered(&mut server).unwrap();
    assert_eq!((id, status), (1, 200));
    assert!(body.contains("AQEBAQEBAQEBAQEBAQEB"), "{body}");
    assert_eq!(
        server.connection_of("AQEBAQEBAQEBAQEBAQEB"),
        Some(connection)
    );
    // Its time begins now.
    let due = server.poll_timeout().unwrap();
    assert_eq!(
        (due.at, due.why),
        (later + Config::v4().ping_interval, Why::Ping)
    );
}

#[test]
fn a_websocket_opens_when_it_is_decided() {
    let mut server = asking(Config::v4());
    let handshake = ask_by_websocket(&mut server, NOW, 1);
    let ticket = told(&mut server);
    assert_eq!(ticket.handshake(), handshake);
    assert!(server.poll_upgraded().is_none());
    let connection = server.admit(NOW, ticket, Sid::made("mine")).unwrap();
    let Some((
        its,
        Upgraded::Attached {
            connection: opened,
            response,
        },
    )) = server.poll_upgraded()
    else {
        panic!("it is let in");
    };
    assert_eq!(
        (its, opened, response.status().as_u16()),
        (handshake, connection, 101)
    );
    assert_eq!(server.connection_of("mine"), Some(connection));
    assert!(server.poll_ws(connection).is_some(), "the open packet");
}

#[test]
fn who_is_refused_hears_why() {
    let mut server = asking(Config::v4());
    ask(&mut server, NOW, 1);
    let handshake = ask_by_websocket(&mut server, NOW, 2);
    for _ in 0..2 {
        let ticket = told(&mut server);
        let why = HandshakeError::Forbidden(Some("not you".to_owned()));
        server.refuse(NOW, ticket, why);
    }
    let (id, status, body) = answered(&mut server).unwrap();
    assert_eq!((id, status), (1, 403));
    assert_eq!(body, r#"{"code":4,"message":"not you"}"#);
    let Some((its, Upgraded::Refused(response))) = server.poll_upgraded() else {
        panic!("it is refused");
    };
    assert_eq!((its, response.status().as_u16()), (handshake, 403));
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(server.connections(), 0);
}

#[test]
fn who_is_not_decided_over_in_time_is_refused() {
    let config = Why::only(&[Why::Admission]);
    let until = NOW + config.serving.admission_timeout;
    let mut server = asking(config);
    ask(&mut server, NOW, 1);
    let handshake = ask_by_websocket(&mut server, NOW, 2);
    let tickets = [told(&mut server), told(&mut server)];
    let due = server.poll_timeout().unwrap();
    assert_eq!((due.at, due.why), (until, Why::Admission));
    server.handle_timeout(until - Duration::from_nanos(1));
    assert_eq!(answered(&mut server), None);
    server.handle_timeout(until);
    let over = [over(&mut server), over(&mut server)];
    assert_eq!(over, tickets.each_ref().map(|it| Some(it.handshake())));
    let (id, status, body) = answered(&mut server).unwrap();
    assert_eq!((id, status), (1, 403));
    assert_eq!(body, r#"{"code":4,"message":"timed out"}"#);
    let Some((its, Upgraded::Refused(_))) = server.poll_upgraded() else {
        panic!("it is refused");
    };
    assert_eq!(its, handshake);
    // What is said now comes too late.
    for ticket in tickets {
        assert_eq!(server.admit(until, ticket, None), None);
    }
    assert_eq!(answered(&mut server), None);
    assert!(server.poll_upgraded().is_none());
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn no_more_wait_than_may_be_pending() {
    let mut server = asking(Config::v4().max_pending_sessions(2));
    ask(&mut server, NOW, 1);
    let second = ask_by_websocket(&mut server, NOW, 2);
    ask(&mut server, NOW, 3);
    assert!(matches!(
        server.handle_upgrade(NOW, &upgrade(), [4; 15]),
        Upgraded::Refused(response) if response.status() == 503
    ));
    let (first, _second) = (told(&mut server), told(&mut server));
    let (id, status, _) = answered(&mut server).unwrap();
    assert_eq!((id, status), (3, 503));
    // One that is let in is pending all the same; one that has left makes room.
    assert!(server.admit(NOW, first, None).is_some());
    ask(&mut server, NOW, 5);
    assert_eq!(answered(&mut server).map(|it| it.1), Some(503));
    server.handle_upgrade_aborted(NOW, second);
    assert_eq!(over(&mut server), Some(second));
    ask(&mut server, NOW, 6);
    let _sixth = told(&mut server);
}

#[test]
fn who_is_let_in_last_finds_the_place_taken() {
    let mut server = asking(Config::v4().max_sessions(1));
    ask(&mut server, NOW, 1);
    ask(&mut server, NOW, 2);
    let tickets = [told(&mut server), told(&mut server)];
    let admitted = tickets.map(|ticket| server.admit(NOW, ticket, None).is_some());
    assert_eq!(admitted, [true, false]);
    let mut statuses: Vec<_> = std::iter::from_fn(|| answered(&mut server)).collect();
    statuses.sort_unstable_by_key(|(id, ..)| *id);
    assert_eq!(
        statuses.iter().map(|it| it.1).collect::<Vec<_>>(),
        [200, 503]
    );
}

#[test]
fn an_id_of_the_applications_that_is_taken_opens_nothing() {
    let mut server = asking(Config::v4().max_pending_sessions(2));
    ask(&mut server, NOW, 1);
    ask(&mut server, NOW, 2);
    let tickets = [told(&mut server), told(&mut server)];
    let admitted = tickets.map(|ticket| server.admit(NOW, ticket, Sid::made("mine")).is_some());
    assert_eq!(admitted, [true, false]);
    let mut answers: Vec<_> = std::iter::from_fn(|| answered(&mut server)).collect();
    answers.sort_unstable_by_key(|(id, ..)| *id);
    assert_eq!(
        answers.iter().map(|it| it.1).collect::<Vec<_>>(),
        [200, 400]
    );
    // It does not count.
    ask(&mut server, NOW, 3);
    let _third = told(&mut server);
}

#[test]
fn who_drops_its_request_is_given_up() {
    let mut server = asking(Config::v4());
    ask(&mut server, NOW, 1);
    server.handle_aborted(NOW, RequestId(1));
    // It was not told, and is not told of now. Nobody reads the answer.
    assert_eq!(answered(&mut server).map(|it| it.0), Some(1));
    ask(&mut server, NOW, 2);
    let ticket = told(&mut server);
    server.handle_aborted(NOW, RequestId(2));
    assert_eq!(over(&mut server), Some(ticket.handshake()));
    assert_eq!(server.admit(NOW, ticket, None), None);
    assert_eq!(answered(&mut server).map(|it| it.0), Some(2));
    assert_eq!((server.connections(), server.poll_timeout()), (0, None));
}

#[test]
fn nobody_waits_for_a_server_that_closes() {
    let mut server = asking(Config::v4());
    ask(&mut server, NOW, 1);
    let handshake = ask_by_websocket(&mut server, NOW, 2);
    let tickets = [told(&mut server), told(&mut server)];
    server.shut_down(NOW);
    assert!(over(&mut server).is_some() && over(&mut server).is_some());
    let (id, status, body) = answered(&mut server).unwrap();
    assert_eq!((id, status, &*body), (1, 503, "Shutting down"));
    assert!(matches!(
        server.poll_upgraded(),
        Some((its, Upgraded::Refused(response))) if its == handshake && response.status() == 503
    ));
    for ticket in tickets {
        assert_eq!(server.admit(NOW, ticket, None), None);
    }
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn nobody_is_asked_about_who_is_there() {
    let mut server = server(Config::v4());
    let client = knock(&mut server, 1).unwrap();
    server.decide_over_handshakes(true);
    ask(&mut server, NOW, 2);
    let _waits = told(&mut server);
    server.decide_over_handshakes(false);
    // Those that wait go on waiting.
    assert_eq!(answered(&mut server), None);
    assert_eq!(poll(&mut server, 3), 200);
    say(&mut server, client, "40");
    assert_eq!(server.connections(), 2);
}
