//! Who waits for what was emitted to have left.

use super::*;

/// Takes in what it has to say, of which nothing has left yet.
fn pull(world: &mut World) -> usize {
    let id = world.websocket.expect("a WebSocket");
    let out = std::iter::from_fn(|| world.client.poll_ws(id));
    out.filter(|it| matches!(it, WsOut::Frame { .. })).count()
}

fn flush(world: &mut World, socket: SocketKey, token: u32) {
    let left = world.client.flush(world.now, socket, token).unwrap();
    assert_eq!(left, None, "something waits");
}

#[test]
fn a_websocket_has_taken_it() {
    let (mut world, socket) = World::joined(|_| ());
    let left = world.client.flush(world.now, socket, 1);
    assert_eq!(left, Ok(Some(1)), "nothing waits");
    let _ = world.emit(socket, "a");
    flush(&mut world, socket, 2);
    assert_eq!(pull(&mut world), 1);
    let _ = world.emit(socket, "b");
    flush(&mut world, socket, 3);
    assert_eq!(world.told(), [""; 0]);
    let id = world.websocket.unwrap();
    world.client.handle_ws_flushed(world.now, id);
    assert_eq!(world.told(), ["2: flushed Ok(())"]);
    assert_eq!(world.said(), [r#"42["b"]"#]);
    assert_eq!(world.told(), ["3: flushed Ok(())"]);
    world.end();
}

#[test]
fn its_post_is_answered() {
    let mut world = World::new(|_| ());
    let (dial, _) = Dial::parse("http://h").unwrap();
    let dial = dial.transports([TransportKind::Polling]);
    world.client = Connection::new(Arc::new(Config::v4()), dial, [3; 16]).unwrap();
    let now = world.now;
    let socket = world.client.socket("/", Auth::None).unwrap();
    world.client.open(now, socket);
    let request = |world: &mut World, method: http::Method| {
        let work = std::iter::from_fn(|| world.client.poll_work()).collect::<Vec<_>>();
        work.into_iter().find_map(|work| match work {
            Work::Request { id, request } if request.method() == method => Some(id),
            Work::Request { .. } | Work::OpenWebSocket { .. } | Work::Abort(_) => None,
        })
    };
    let answer = |world: &mut World, id, body: &str| {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let response = Ok(Response::new(body));
        world.client.handle_response(now, id, response, None);
    };
    let get = request(&mut world, http::Method::GET).unwrap();
    answer(&mut world, get, OPEN);
    let _ = world.emit(socket, "a");
    flush(&mut world, socket, 1);
    let post = request(&mut world, http::Method::POST).unwrap();
    answer(&mut world, post, "ok");
    assert!(!world.told().contains(&"1: flushed Ok(())".to_owned()));
    // It is in, and what it has kept is posted.
    let number = world.client.session.as_ref().unwrap().number();
    let get = RequestId(u64::from(number) << 32 | 2);
    answer(&mut world, get, r#"40{"sid":"a"}"#);
    let post = request(&mut world, http::Method::POST).unwrap();
    assert_eq!(world.told(), ["connected a"]);
    answer(&mut world, post, "ok");
    assert_eq!(world.told(), ["1: flushed Ok(())"]);
}

#[test]
fn what_is_kept_is_waited_for() {
    let (mut world, socket) = World::joined(|_| ());
    world.cut();
    let _ = world.emit(socket, "a");
    flush(&mut world, socket, 1);
    let _ = world.emit(socket, "b");
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert!(!world.told().contains(&"1: flushed Ok(())".to_owned()));
    assert_eq!(world.said().len(), 3);
    assert_eq!(world.told(), ["1: flushed Ok(())"]);
    // What is taken out is not waited for.
    world.cut();
    world.ask(socket, 2, 1).unwrap();
    flush(&mut world, socket, 3);
    let _ = world.emit(socket, "c");
    flush(&mut world, socket, 4);
    world.told();
    world.pass(secs(1));
    let told = world.told();
    assert_eq!(told[..2], ["2: Timeout", "3: flushed Ok(())"], "{told:?}");
    world.client.clear_offline(socket);
    assert_eq!(world.told(), ["4: flushed Err(NotSent)"]);
    world.end();
}

#[test]
fn what_is_dropped_for_others_is_not_waited_for() {
    let mut world = World::new(|it| {
        it.max_offline_packets = 2;
        it.offline = OfflinePolicy::DropOldest;
    });
    let socket = world.client.socket("/", Auth::None).unwrap();
    let _ = world.emit(socket, "a");
    flush(&mut world, socket, 1);
    let _ = world.emit(socket, "b");
    flush(&mut world, socket, 2);
    assert_eq!(world.told(), [""; 0]);
    let _ = world.emit(socket, "c");
    assert_eq!(world.told(), ["1: flushed Ok(())"]);
    world.client.open(world.now, socket);
    world.accept();
    world.hear(r#"40{"sid":"a"}"#);
    assert_eq!(world.said().len(), 3);
    assert!(world.told().contains(&"2: flushed Ok(())".to_owned()));
    world.end();
}

#[test]
fn who_cannot_know_hears_so() {
    let (mut world, socket) = World::joined(|_| ());
    let _ = world.emit(socket, "a");
    flush(&mut world, socket, 1);
    assert_eq!(pull(&mut world), 1);
    let _ = world.emit(socket, "b");
    flush(&mut world, socket, 2);
    world.cut();
    let told = world.told();
    for token in [1, 2] {
        let lost = format!("{token}: flushed Err(Disconnected)");
        assert!(told.contains(&lost), "{told:?}");
    }
    // What no transport was given is kept, and who waits for it goes on.
    world.pass(secs(1));
    world.accept();
    world.hear(r#"40{"sid":"b"}"#);
    assert_eq!(world.said(), ["40", r#"42["b"]"#]);
    world.told();
    let _ = world.emit(socket, "c");
    flush(&mut world, socket, 3);
    let _ = world.emit(socket, "d");
    world.cut();
    flush(&mut world, socket, 4);
    world.pass(secs(1));
    assert!(
        !world.told().iter().any(|it| it.contains("flushed")),
        "they wait"
    );
    world.accept();
    world.hear(r#"40{"sid":"c"}"#);
    assert_eq!(world.said(), ["40", r#"42["c"]"#, r#"42["d"]"#]);
    let told = world.told();
    for token in [3, 4] {
        assert!(
            told.contains(&format!("{token}: flushed Ok(())")),
            "{told:?}"
        );
    }
    let _ = world.emit(socket, "e");
    world.cut();
    flush(&mut world, socket, 5);
    world.client.close(world.now);
    assert!(
        world
            .told()
            .contains(&"5: flushed Err(Disconnected)".to_owned())
    );
    let late = world.client.flush(world.now, socket, 6);
    assert_eq!(late, Err((AckError::Disconnected, 6)));
}

#[test]
fn those_who_wait_are_bounded() {
    let (mut world, socket) = World::joined(|it| it.max_pending_acks = 2);
    let _ = world.emit(socket, "a");
    for token in [1, 2] {
        flush(&mut world, socket, token);
    }
    let one_more = world.client.flush(world.now, socket, 3);
    assert_eq!(one_more, Err((AckError::TooMany, 3)));
    assert_eq!(world.client.take_forsaken(|token| *token == 1), [1]);
    flush(&mut world, socket, 3);
    assert_eq!(world.said().len(), 1);
    assert_eq!(world.told(), ["2: flushed Ok(())", "3: flushed Ok(())"]);
    let left = world.client.flush(world.now, socket, 4);
    assert_eq!(left, Ok(Some(4)));
    world.end();
}
