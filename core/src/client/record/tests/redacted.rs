//! Logs without what was said.

use super::*;

#[test]
fn what_is_redacted_takes_the_same_way_and_says_nothing() {
    for seed in 0..400 {
        let talk = Talk::new(seed, ROOM).run(120);
        let log = Log::read(talk.client.log()).unwrap();
        let redacted = log
            .redact()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let bytes = redacted.write();
        // Names of members of credentials and of sessions stay.
        let at = memchr::memmem::find(&bytes, b"secret");
        let around = at.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(40)..at + 20]));
        assert_eq!(around, None, "seed {seed}");
        assert_eq!(bytes.len(), log.write().len(), "seed {seed}");
        let mut replay = Replay::new(Log::read(bytes).unwrap()).unwrap();
        assert_eq!(replay.finish(), Ok(()), "seed {seed}");
    }
}

#[test]
fn what_a_server_says_of_a_session_besides_is_redacted() {
    for said in [
        r#""secret":17,"more":[1,-2.5,true,"secret"]"#,
        r#""secret":"17","more":"secret\n\u00e917""#,
    ] {
        let (config, dial) = (Config::v4(), Dial::parse("http://h/").unwrap().0);
        let dial = dial.transports([TransportKind::WebSocket]);
        let now = Instant::from_nanos(5_000);
        let client = Taped::<u64>::recorded(now, Arc::new(config), dial, [7; 16], ROOM);
        let mut client = client.unwrap();
        let socket = client.socket("/", Auth::None).unwrap();
        client.open(now, socket);
        let Some(Work::OpenWebSocket { id, .. }) = client.poll_work() else {
            panic!("it dials")
        };
        client.handle_ws_open(now, id, Ok(()));
        let open = OPEN.replace("\"sid\"", &format!("{said},\"sid\""));
        client.handle_ws(now, id, open.as_str().into());
        let opened = client.poll_event();
        assert!(matches!(opened, Some(Event::Opened { .. })), "{opened:?}");
        let log = Log::read(client.log()).unwrap();
        let redacted = log.redact().unwrap_or_else(|why| panic!("{said}: {why}"));
        let bytes = redacted.write();
        for word in [&b"secret"[..], b"17"] {
            assert_eq!(memchr::memmem::find(&bytes, word), None, "{said}");
        }
    }
}

#[test]
fn what_a_server_says_that_is_no_text_is_redacted() {
    let bodies = [&b"\xffsecret"[..], b"4\"secret\xff", b"40\x1e\xff"];
    for revision in [Eio::V3, Eio::V4] {
        for (body, is_open) in bodies.into_iter().flat_map(|it| [(it, false), (it, true)]) {
            let mut config = Config::v4();
            config.revision = revision;
            let dial = Dial::parse("http://h/").unwrap().0;
            let dial = dial.transports([TransportKind::Polling]);
            let now = Instant::from_nanos(5_000);
            let client = Taped::<u64>::recorded(now, Arc::new(config), dial, [7; 16], ROOM);
            let mut client = client.unwrap();
            let socket = client.socket("/", Auth::None).unwrap();
            client.open(now, socket);
            let open = match revision {
                Eio::V3 => format!("{}:{OPEN}", OPEN.len()),
                Eio::V4 => OPEN.to_owned(),
            };
            let said = [Bytes::from(open), Bytes::from_static(body)];
            for body in said.into_iter().skip(usize::from(!is_open)) {
                while let Some(work) = client.poll_work() {
                    if let Work::Request { id, request } = work
                        && request.method() == http::Method::GET
                    {
                        let response = Ok(Response::new(body.clone()));
                        client.handle_response(now, id, response, None);
                        break;
                    }
                }
            }
            while client.poll_event().is_some() {}
            let log = Log::read(client.log()).unwrap();
            let redacted = log
                .redact()
                .unwrap_or_else(|why| panic!("{revision:?} {body:?}: {why}"));
            assert_eq!(
                memchr::memmem::find(&redacted.write(), b"secret"),
                None,
                "{body:?}"
            );
        }
    }
}
