mod end;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::*;
use crate::client::event::WsOut;
use crate::engine::WsClosed;
use crate::message::Part;
use crate::socket::SocketKey;

/// A session, and what it wants of its server.
struct Wire {
    session: Session,
    now: Instant,
    gets: Vec<RequestId>,
    posts: Vec<(RequestId, String)>,
    websockets: Vec<RequestId>,
    aborted: Vec<RequestId>,
    urls: Vec<String>,
}

const OPEN: &str = r#"0{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":20}"#;
const BARE: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
const POLLING: TransportKind = TransportKind::Polling;
const WEBSOCKET: TransportKind = TransportKind::WebSocket;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn text(text: &'static str) -> Encoded {
    Encoded::text(text.into(), Vec::new())
}

fn error(transport: TransportKind, failure: Failure) -> TransportError {
    TransportError { transport, failure }
}

impl Wire {
    fn new(transports: &[TransportKind], change: impl FnOnce(&mut Config)) -> Self {
        let (dial, _) = Dial::parse("http://h/").unwrap();
        Self::dialled(dial.transports(transports), change)
    }

    fn dialled(dial: Dial, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::v4();
        config.timestamp_requests = false;
        change(&mut config);
        let (dial, config) = (Arc::new(dial), Arc::new(config));
        let session = Session::new(Instant::ORIGIN, 7, [0; 16], dial, config);
        let mut wire = Self {
            session,
            now: Instant::ORIGIN,
            gets: Vec::new(),
            posts: Vec::new(),
            websockets: Vec::new(),
            aborted: Vec::new(),
            urls: Vec::new(),
        };
        wire.work();
        wire
    }

    /// One that polls, and was opened.
    fn polling(open: &'static str) -> Self {
        let mut wire = Self::new(&[POLLING, WEBSOCKET], |_| ());
        wire.get(open);
        assert_eq!(wire.events(), [SessionEvent::Opened]);
        wire
    }

    /// One by WebSocket, and opened.
    fn websocket() -> (Self, RequestId) {
        Self::websocket_with(|_| ())
    }

    fn websocket_with(change: impl FnOnce(&mut Config)) -> (Self, RequestId) {
        let mut wire = Self::new(&[WEBSOCKET], change);
        let id = wire.websockets.remove(0);
        wire.session.handle_ws_open(wire.now, id, Ok(()));
        wire.session.handle_ws(wire.now, id, BARE.into());
        assert_eq!(wire.events(), [SessionEvent::Opened]);
        (wire, id)
    }

    fn work(&mut self) {
        while let Some(work) = self.session.poll_work() {
            match work {
                Work::Request { id, request } => {
                    self.urls.push(request.uri().to_string());
                    let body = String::from_utf8_lossy(request.body()).into_owned();
                    match *request.method() {
                        Method::POST => self.posts.push((id, body)),
                        _ => self.gets.push(id),
                    }
                }
                Work::OpenWebSocket { id, .. } => self.websockets.push(id),
                Work::Abort(id) => self.aborted.push(id),
            }
        }
    }

    fn respond(&mut self, id: RequestId, status: u16, body: &'static str) {
        let response = Response::builder().status(status);
        let response = response.body(Bytes::from(body)).unwrap();
        self.session.handle_response(self.now, id, Ok(response));
        self.work();
    }

    /// The GET that waits is answered.
    fn get(&mut self, body: &'static str) {
        let id = self.gets.remove(0);
        self.respond(id, 200, body);
    }

    /// The POST that was made is answered; what it said.
    fn post(&mut self) -> String {
        let (id, body) = self.posts.remove(0);
        assert!(self.posts.is_empty(), "one at a time");
        self.respond(id, 200, "ok");
        body
    }

    fn send(&mut self, packet: Encoded) -> Sent {
        self.session.send(self.now, packet, Flags::default())
    }

    /// A packet of the protocol's own.
    fn tell(&mut self, packet: Encoded) -> Sent {
        self.session
            .send_marked(self.now, packet, Flags::default(), Mark::default())
    }

    fn say(&mut self, packet: Encoded) {
        assert_eq!(self.send(packet), Sent::Queued);
    }

    fn events(&mut self) -> Vec<SessionEvent> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn frames(&mut self, id: RequestId) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(out) = self.session.poll_ws(id) {
            all.push(match out {
                WsOut::Frame { head, part, .. } => match part {
                    Part::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                    Part::Binary(bytes) => format!("{head:?}{bytes:?}"),
                },
                WsOut::Ping => "ping".to_owned(),
                WsOut::Close(code) => format!("close {code:?}"),
            });
        }
        self.work();
        all
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.work();
        let due = self.session.poll_timeout();
        assert!(due.is_none_or(|due| due.at > self.now), "{due:?}");
    }

    fn closed(&mut self) -> (CloseReason, Option<TransportError>) {
        match self.events().pop() {
            Some(SessionEvent::Closed { reason, error }) => (reason, error),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_poll_is_always_there_and_posts_take_turns() {
    let mut wire = Wire::polling(BARE);
    assert_eq!(wire.gets.len(), 1, "the next one");
    assert_eq!(wire.send(text("4a")), Sent::Queued);
    assert_eq!(wire.send(text("4b")), Sent::Queued);
    wire.work();
    wire.say(text("4c"));
    wire.work();
    assert_eq!(wire.post(), "4a\u{1e}4b");
    assert_eq!(wire.post(), "4c");
    wire.get("4x\u{1e}4y\u{1e}6");
    let message = |text: &str| SessionEvent::Message(text.into());
    assert_eq!(wire.events(), [message("x"), message("y")]);
    assert_eq!(wire.gets.len(), 1);
    assert_eq!(
        wire.urls[..3],
        [
            "http://h/socket.io/?EIO=4&transport=polling",
            "http://h/socket.io/?EIO=4&transport=polling&sid=s",
            "http://h/socket.io/?EIO=4&transport=polling&sid=s",
        ]
    );
}

#[test]
fn a_post_is_cut_to_what_the_server_takes() {
    let mut wire = Wire::polling(OPEN);
    let binary = Encoded::text("451-[\"x\"]".into(), vec![Bytes::from_static(&[0; 6])]);
    for packet in [
        text("4aaaaaaaaa"),
        text("4bbbbbbbb"),
        text("4c"),
        binary,
        text("4ddddddddddddddddddddddddddddd"),
        text("4e"),
    ] {
        wire.say(packet);
    }
    wire.work();
    assert_eq!(
        wire.post(),
        "4aaaaaaaaa\u{1e}4bbbbbbbb",
        "20 bytes to the byte"
    );
    assert_eq!(wire.post(), "4c\u{1e}451-[\"x\"]");
    assert_eq!(wire.post(), "bAAAAAAAA");
    assert_eq!(
        wire.post(),
        "4ddddddddddddddddddddddddddddd",
        "one always goes"
    );
    assert_eq!(wire.post(), "4e");
}

#[test]
fn an_upgrade_waits_for_the_requests() {
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.say(text("4a"));
    wire.work();
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    assert_eq!(wire.frames(id), ["2probe"]);
    wire.session.handle_ws(wire.now, id, "3probe".into());
    wire.say(text("4b"));
    wire.work();
    assert!(wire.session.transport() == POLLING && wire.frames(id).is_empty());
    assert_eq!(wire.post(), "4a");
    assert!(wire.posts.is_empty(), "nothing more is posted");
    assert_eq!(wire.frames(id), [""; 0], "the poll is still there");
    wire.get("4x");
    assert_eq!(
        wire.events(),
        [SessionEvent::Message("x".into()), SessionEvent::Upgraded]
    );
    assert!(wire.gets.is_empty());
    assert_eq!(wire.frames(id), ["5", "4b"]);
    assert_eq!(wire.session.transport(), WEBSOCKET);
}

#[test]
fn polling_survives_its_upgrade() {
    let failed = |failure| SessionEvent::UpgradeFailed(error(WEBSOCKET, failure));
    // It cannot be opened.
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Err(Failure::Tcp));
    assert_eq!(wire.events(), [failed(Failure::Tcp)]);
    assert_eq!(wire.session.poll_ws(id), None);
    // It says something else.
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    assert_eq!(wire.frames(id), ["2probe"]);
    wire.session.handle_ws(wire.now, id, "4x".into());
    assert_eq!(wire.events(), [failed(Failure::Protocol)]);
    assert_eq!(wire.frames(id), ["close None"]);
    // It is lost while the requests come back; then polling goes on.
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    wire.frames(id);
    wire.session.handle_ws(wire.now, id, "3probe".into());
    wire.say(text("4a"));
    wire.session.handle_ws_closed(wire.now, id, WsClosed::Lost);
    wire.work();
    assert_eq!(wire.events(), [failed(Failure::Closed)]);
    assert_eq!(wire.post(), "4a");
    // Nobody answers the probe.
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    wire.frames(id);
    wire.pass(secs(10) - Duration::from_nanos(1));
    assert_eq!(wire.events(), []);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.events(), [failed(Failure::Timeout)]);
    assert_eq!(wire.frames(id), ["close None"]);
    assert!(wire.websockets.is_empty(), "no second try");
}

#[test]
fn the_next_transport_is_tried() {
    let mut wire = Wire::new(&[WEBSOCKET, POLLING], |_| ());
    let id = wire.websockets.remove(0);
    wire.session
        .handle_ws_open(wire.now, id, Err(Failure::WebSocket));
    wire.work();
    wire.get(OPEN);
    assert_eq!(wire.events(), [SessionEvent::Opened]);
    assert_eq!(wire.websockets.len(), 1, "and an upgrade, too");
    // Not if it is not wanted.
    let mut wire = Wire::new(&[WEBSOCKET, POLLING], |it| it.try_all_transports = false);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Err(Failure::Tls));
    assert_eq!(
        wire.closed(),
        (
            CloseReason::TransportError,
            Some(error(WEBSOCKET, Failure::Tls))
        )
    );
    // Nor if none is left.
    let mut wire = Wire::new(&[POLLING], |_| ());
    wire.respond(wire.gets[0], 403, r#"{"code":4,"message":"no"}"#);
    let failure = Failure::Http {
        status: http::StatusCode::FORBIDDEN,
        code: Some(4),
        message: Some("no".to_owned()),
    };
    assert_eq!(
        wire.closed(),
        (CloseReason::TransportError, Some(error(POLLING, failure)))
    );
    assert!(Wire::new(&[], |_| ()).session.is_closed());
}

#[test]
fn what_opens_a_session_comes_first_and_in_time() {
    for body in ["", "4x", "2", "0{}", "0", "1", "x", "6"] {
        let mut wire = Wire::new(&[POLLING], |_| ());
        wire.get(body);
        assert_eq!(
            wire.closed().1,
            Some(error(POLLING, Failure::Protocol)),
            "{body}"
        );
    }
    let mut wire = Wire::new(&[POLLING, WEBSOCKET], |_| ());
    wire.pass(secs(20) - Duration::from_nanos(1));
    assert_eq!(wire.events(), []);
    wire.pass(Duration::from_nanos(1));
    assert_eq!(wire.closed().1, Some(error(POLLING, Failure::Timeout)));
    assert_eq!(wire.aborted, wire.gets);
    // A second one breaks the session.
    let (mut wire, id) = Wire::websocket();
    wire.session.handle_ws(wire.now, id, BARE.into());
    assert_eq!(wire.closed().0, CloseReason::TransportError);
    assert_eq!(wire.frames(id), ["close None"]);
}

#[test]
fn what_waits_is_bounded() {
    let mut wire = Wire::new(&[WEBSOCKET], |it| it.max_backlog_bytes = 10);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    wire.session.handle_ws(wire.now, id, BARE.into());
    let owner = Some(Owner {
        socket: SocketKey(crate::arena::Key::new(0, 0)),
        id: None,
    });
    let mark = Mark {
        owner,
        ..Mark::default()
    };
    let mut send = |packet| {
        wire.session
            .send_marked(Instant::ORIGIN, packet, Flags::default(), mark)
    };
    assert_eq!(send(text("4aaaa")), Sent::Queued);
    assert_eq!(send(text("4bbbb")), Sent::Queued);
    assert_eq!(send(text("4")), Sent::Full);
    assert_eq!(wire.send(text("4")), Sent::Full);
    // The protocol's own has as much room again.
    assert_eq!(wire.tell(text("4cccc")), Sent::Queued);
    assert_eq!(wire.tell(text("4dddd")), Sent::Queued);
    assert_eq!(wire.tell(text("4")), Sent::Closed);
    assert_eq!(wire.closed().0, CloseReason::TransportError);
}

#[test]
fn messages_are_bounded() {
    for (most, fits) in [(6, true), (5, false)] {
        let mut wire = Wire::polling(BARE);
        let mut config = (**wire.session.config).clone();
        config.max_message_bytes = most;
        wire.session.config = Apart(Arc::new(config));
        wire.get("4xxxxx");
        assert_eq!(wire.session.is_open(), fits);
    }
    for (most, fits) in [(2, true), (1, false)] {
        let mut wire = Wire::polling(BARE);
        let mut config = (**wire.session.config).clone();
        config.max_packets_per_payload = most;
        wire.session.config = Apart(Arc::new(config));
        wire.get("4x\u{1e}4y");
        assert_eq!(wire.session.is_open(), fits);
    }
}

#[test]
fn revision_3_pings_and_posts_bytes() {
    let mut wire = Wire::new(&[POLLING], |it| it.revision = Eio::V3);
    let get = wire.gets.remove(0);
    let body = format!("{}:{BARE}2:40", BARE.len());
    let response = Response::new(Bytes::from(body));
    wire.session.handle_response(wire.now, get, Ok(response));
    wire.work();
    assert_eq!(
        wire.events(),
        [SessionEvent::Opened, SessionEvent::Message("0".into())]
    );
    wire.say(Encoded::text(
        "451-[]".into(),
        vec![Bytes::from_static(&[7])],
    ));
    wire.work();
    assert_eq!(
        wire.post(),
        "\0\u{6}\u{fffd}451-[]\u{1}\u{2}\u{fffd}\u{4}\u{7}"
    );
    wire.pass(secs(25));
    assert_eq!(wire.post(), "1:2");
    wire.get("1:3");
    assert_eq!(
        wire.session.poll_timeout().unwrap(),
        Deadline::new(wire.now + secs(25), Why::Ping)
    );
    let get = wire.gets.remove(0);
    let mut response = Response::new(Bytes::from_static(&[1, 3, 0xff, 4, 1, 2]));
    let kind = http::HeaderValue::from_static("application/octet-stream");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    wire.session.handle_response(wire.now, get, Ok(response));
    let message = Message::Binary(Bytes::from_static(&[1, 2]));
    assert_eq!(wire.events(), [SessionEvent::Message(message)]);
}

#[test]
fn what_comes_on_a_websocket_before_it_takes_over_is_nobodys() {
    let mut wire = Wire::polling(OPEN);
    let id = wire.websockets.remove(0);
    wire.session.handle_ws_open(wire.now, id, Ok(()));
    // That it is open is said once.
    wire.session.handle_ws_open(wire.now, id, Err(Failure::Tcp));
    assert_eq!(wire.frames(id), ["2probe"]);
    wire.session.handle_ws(wire.now, id, "3probe".into());
    wire.session.handle_ws(wire.now, id, "4early".into());
    wire.session.handle_ws(wire.now, id, "3probe".into());
    assert_eq!(wire.events(), []);
    wire.get("4x");
    assert_eq!(
        wire.events(),
        [SessionEvent::Message("x".into()), SessionEvent::Upgraded]
    );
    assert_eq!(wire.frames(id), ["5"]);
    wire.session.handle_ws(wire.now, id, "4y".into());
    assert_eq!(wire.events(), [SessionEvent::Message("y".into())]);
}

#[test]
fn what_no_request_can_say_ends_a_session() {
    for transports in [[POLLING, WEBSOCKET], [WEBSOCKET, POLLING]] {
        let (mut dial, _) = Dial::parse("http://h/").unwrap();
        dial.path = "/a b".to_owned();
        let dial = Arc::new(dial.transports(transports));
        let config = Arc::new(Config::v4());
        let mut session = Session::new(Instant::ORIGIN, 7, [0; 16], dial, config);
        assert!(session.poll_work().is_none());
        let event = session.poll_event();
        let Some(SessionEvent::Closed { error: why, .. }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(why, Some(error(POLLING, Failure::Protocol)));
        assert!(session.is_done());
    }
    // With its id the URL is longer than one may be.
    let (dial, _) = Dial::parse("http://h/").unwrap();
    let dial = dial.query("q", &"q".repeat(65_400)).transports([POLLING]);
    let mut wire = Wire::dialled(dial, |_| ());
    wire.get(
        BARE.replace("\"s\"", &format!("\"{}\"", "s".repeat(200)))
            .leak(),
    );
    let why = error(POLLING, Failure::Protocol);
    let reason = CloseReason::TransportError;
    let closed = SessionEvent::Closed {
        reason,
        error: Some(why),
    };
    assert_eq!(wire.events(), [SessionEvent::Opened, closed]);
    assert_eq!(wire.aborted, [], "it was not asked for");
    assert!(wire.session.is_done());
}
