//! How a client comes to a connection, and to the next one.

use super::*;

#[test]
fn a_lost_connection_is_dialled_again() {
    let (mut world, socket) = World::joined(|_| ());
    world.cut();
    assert_eq!(world.told(), ["transport close true", "waiting 1 1s"]);
    assert_eq!(world.emit(socket, "a"), Sent::Queued);
    let until = world.now + secs(1);
    assert_eq!(world.client.status(), Status::Waiting { attempt: 1, until });
    world.pass(secs(1));
    assert_eq!(world.told(), ["attempt 1"]);
    let id = world.dialled().unwrap();
    world
        .client
        .handle_ws_open(world.now, id, Err(Failure::Tcp));
    assert_eq!(
        world.told(),
        [
            "error websocket: no connection true",
            "waiting 2 2s",
            "failed 1 websocket: no connection"
        ]
    );
    world.pass(secs(2));
    world.accept();
    assert_eq!(world.said(), ["40"]);
    // A server that accepts and drops at once is not dialled for ever as if it were the first time.
    world.cut();
    assert_eq!(world.told(), ["attempt 2", "opened 2", "waiting 3 4s"]);
    world.pass(secs(4));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), ["40", r#"42["a"]"#]);
    assert_eq!(world.told(), ["attempt 3", "opened 3", "connected b"]);
    world.cut();
    assert_eq!(world.told(), ["transport close true", "waiting 1 1s"]);
    world.end();
}

#[test]
fn who_has_failed_often_enough_gives_up() {
    let mut world = World::new(|it| {
        let backoff = it.reconnection.as_mut().unwrap();
        backoff.attempts = Some(1);
    });
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, socket);
    let fail = |world: &mut World| {
        let id = world.dialled().unwrap();
        world
            .client
            .handle_ws_open(world.now, id, Err(Failure::Dns));
        world.told()
    };
    let error = "error websocket: the name is not known true";
    let failed = "failed 0 websocket: the name is not known";
    assert_eq!(fail(&mut world), [error, "waiting 1 1s", failed]);
    world.pass(secs(1));
    world.told();
    let failed = "failed 1 websocket: the name is not known";
    assert_eq!(fail(&mut world), [error, failed, "gave up"]);
    assert_eq!(world.client.status(), Status::GaveUp);
    assert!(world.client.state(socket).unwrap().active);
    assert_eq!(world.client.poll_timeout(), None);
    // Until somebody wants it again.
    world.client.open(world.now, socket);
    world.accept();
    assert_eq!(world.told(), ["opened 0"]);
    world.end();
}

#[test]
fn who_is_lost_and_may_not_dial_again_gives_up() {
    let (mut world, _) = World::joined(|it| {
        let backoff = it.reconnection.as_mut().unwrap();
        backoff.attempts = Some(0);
    });
    world.cut();
    assert_eq!(world.told(), ["transport close true", "gave up"]);
    assert_eq!(world.client.status(), Status::GaveUp);
    world.end();
}

#[test]
fn without_reconnection_nobody_dials_again() {
    let (mut world, socket) = World::joined(|it| it.reconnection = None);
    world.cut();
    assert_eq!(world.told(), ["transport close true"]);
    assert_eq!(world.client.status(), Status::Idle);
    assert!(world.client.state(socket).unwrap().active);
    world.end();
}

#[test]
fn a_server_that_does_not_answer_is_dialled_again() {
    let mut world = World::new(|_| ());
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, socket);
    world.accept();
    world.pass(secs(20) - Duration::from_nanos(1));
    assert_eq!(world.told(), ["opened 0"]);
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.told(), ["error timeout true", "waiting 1 1s"]);
    // But not under those that are in.
    let (mut world, _) = World::joined(|_| ());
    let chat = world.client.socket("/chat", Auth::None).unwrap();
    world.client.open(world.now, chat);
    world.pass(secs(20));
    assert_eq!(world.told(), ["error timeout true"]);
    world.hear(r#"40/chat,{"sid":"b"}"#);
    assert_eq!(world.told(), ["connected b"], "better late than never");
    world.end();
}

#[test]
fn it_asks_where_to_dial() {
    let mut world = World::new(|it| it.ask_before_dial = true);
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, socket);
    let Some(Event::DialWanted { ticket, attempt: 0 }) = world.client.poll_event() else {
        panic!("it asks")
    };
    assert_eq!(world.dialled(), None);
    let (there, _) = Dial::parse("https://there/").unwrap();
    let there = there.transports([TransportKind::WebSocket]);
    world.client.answer_dial(world.now, ticket, Some(there));
    let Some(Work::OpenWebSocket { request, id }) = world.client.poll_work() else {
        panic!("it dials")
    };
    assert_eq!(request.uri().host(), Some("there"));
    world
        .client
        .handle_ws_open(world.now, id, Err(Failure::Proxy));
    world.pass(secs(1));
    // Nobody says where.
    world.pass(secs(20));
    let failed = "failed 1 websocket: timeout".to_owned();
    assert!(world.told().contains(&failed));
    world.pass(secs(2));
    let ticket = world.events().into_iter().find_map(|event| {
        let Event::DialWanted { ticket, attempt: 2 } = event else {
            return None;
        };
        Some(ticket)
    });
    world.client.answer_dial(world.now, ticket.unwrap(), None);
    assert_eq!(world.told(), ["error stopped true", "gave up"]);
    world.end();
}

#[test]
fn a_machine_that_slept_knows_it() {
    let (mut world, _) = World::joined(|_| ());
    world.client.handle_suspended(world.now, secs(3600));
    assert_eq!(world.told(), ["ping timeout true", "waiting 1 1s"]);
    assert_eq!(
        world.client.poll_timeout().unwrap().at,
        world.now + secs(1),
        "by the clock that stood still"
    );
    world.pass(secs(1));
    assert_eq!(world.told(), ["attempt 1"]);
    world.end();
}

#[test]
fn a_network_comes_and_goes() {
    let (mut world, socket) = World::joined(|_| ());
    world.client.handle_network(world.now, Network::Offline);
    assert_eq!(world.told(), ["transport close true", "waiting 1 1s"]);
    world.client.handle_network(world.now, Network::Online);
    assert_eq!(world.told(), ["attempt 1"]);
    world.said();
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    world.client.handle_network(world.now, Network::Changed);
    let id = world.websocket.unwrap();
    let mut pinged = false;
    while let Some(out) = world.client.poll_ws(id) {
        pinged |= out == WsOut::Ping;
    }
    assert!(pinged);
    world.told();
    world.pass(secs(5));
    assert_eq!(world.told()[0], "ping timeout true");
    world.client.suspend(world.now);
    assert_eq!(world.client.status(), Status::Suspended);
    assert_eq!(world.said(), ["close"]);
    assert_eq!(world.client.poll_timeout(), None);
    let _ = world.emit(socket, "kept");
    world.client.resume(world.now);
    world.accept();
    world.hear(r#"40{"sid":"c"}"#);
    assert_eq!(world.said(), ["40", r#"42["kept"]"#]);
    world.end();
}

#[test]
fn who_comes_and_goes_leaves_nothing() {
    let (mut world, socket) = World::joined(|_| ());
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(world.websocket);
        world.client.leave(world.now, socket);
        world.client.open(world.now, socket);
        assert!(
            world.client.leaving.len() <= 6,
            "{:?}",
            world.client.leaving
        );
        world.accept();
        world.hear(r#"40{"sid":"a"}"#);
    }
    for id in all {
        while world.client.poll_ws(id).is_some() {
            world.client.handle_ws_pong(world.now, id);
        }
    }
    assert_eq!(world.client.leaving.len(), 0);
    world.end();
}

#[test]
fn websockets_that_take_no_goodbye_do_not_pile_up() {
    let (mut world, _) = World::joined(|_| ());
    let mut stalled = Vec::new();
    for _ in 0..20 {
        stalled.extend(world.websocket);
        world.client.handle_network(world.now, Network::Offline);
        world.client.handle_network(world.now, Network::Online);
        assert!(world.client.leaving.len() <= 5);
        world.accept();
        world.hear(r#"40{"sid":"a"}"#);
    }
    world.pass(secs(5));
    assert_eq!(world.dialled(), None);
    assert_eq!(world.client.leaving.len(), 0);
    assert_eq!(world.client.poll_ws(stalled[19]), None, "it was given up");
    world.end();
}

#[test]
fn the_first_choice_is_remembered() {
    for (remembers, first) in [(true, "websocket"), (false, "polling")] {
        let mut world = World::new(|it| it.remember_upgrade = remembers);
        let both = [TransportKind::Polling, TransportKind::WebSocket];
        let dial = (**world.client.dial).clone().transports(both);
        world.client.dial = Apart(Arc::new(dial));
        world.client.upgraded = true;
        let socket = world.client.socket("/", Auth::None).unwrap();
        world.client.open(world.now, socket);
        let uri = match world.client.poll_work().unwrap() {
            Work::Request { request, .. } => request.uri().clone(),
            Work::OpenWebSocket { request, .. } => request.uri().clone(),
            Work::Abort(_) => panic!("nothing to give up"),
        };
        assert!(uri.query().unwrap().contains(first), "{uri}");
    }
}

#[test]
fn cookies_go_back() {
    for keeps in [true, false] {
        let mut world = World::new(|it| it.cookies = keeps);
        let dial = (**world.client.dial).clone();
        let dial = dial.transports([TransportKind::Polling]);
        world.client.dial = Apart(Arc::new(dial));
        let socket = world.client.socket("/", Auth::None).unwrap();
        world.client.open(world.now, socket);
        let Some(Work::Request { id, .. }) = world.client.poll_work() else {
            panic!("it polls")
        };
        let mut response = Response::new(Bytes::from(OPEN));
        let cookie = http::HeaderValue::from_static("node=7; Path=/");
        response
            .headers_mut()
            .insert(http::header::SET_COOKIE, cookie);
        world
            .client
            .handle_response(world.now, id, Ok(response), None);
        let Some(Work::Request { request, .. }) = world.client.poll_work() else {
            panic!("it goes on")
        };
        let sent = request.headers().get(http::header::COOKIE);
        assert_eq!(sent.is_some_and(|it| it == "node=7"), keeps);
        // Not to another server.
        let (there, _) = Dial::parse("http://there/").unwrap();
        let there = there.transports([TransportKind::WebSocket]);
        world.client.dial = Apart(Arc::new(there));
        world.client.handle_network(world.now, Network::Offline);
        world.client.handle_network(world.now, Network::Online);
        let dialled = std::iter::from_fn(|| world.client.poll_work());
        let requests: Vec<_> = dialled
            .filter_map(|work| match work {
                Work::OpenWebSocket { request, .. } => Some(request),
                Work::Request { .. } | Work::Abort(_) => None,
            })
            .collect();
        assert_eq!(requests.len(), 1);
        assert!(!requests[0].headers().contains_key(http::header::COOKIE));
    }
}

/// Even that it gives up is not asked for.
#[test]
fn a_client_is_closed_in_its_time_whatever_nobody_takes() {
    let mut world = World::new(|it| it.close_timeout = secs(5));
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.open(world.now, socket);
    assert!(world.dialled().is_some());
    world.client.close(world.now);
    world.pass(secs(5) - Duration::from_nanos(1));
    assert_eq!(world.told(), [""; 0]);
    world.pass(Duration::from_nanos(1));
    assert_eq!(world.told(), ["closed"]);
    assert_eq!(world.client.status(), Status::Closed);
    assert_eq!(world.client.poll_timeout(), None);
}
