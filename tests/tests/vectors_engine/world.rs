//! A server and its clients without IO: the acceptor, the sessions, requests and WebSockets as data,
//! and a clock that moves when it is told to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use sio_core::config::Config;
use sio_core::engine::{
    Acceptor, Close, CloseReason, Event, Exchange, Flags, HandshakeError, Message, Opened, Post,
    PostFailure, RequestKind, Route, Sent, Session, TransportKind, WsClosed, WsOut,
};
use sio_core::id::{RequestId, Sid};
use sio_core::message::{Encoded, Part};
use sio_core::time::Instant;

use crate::script::{Answer, Place, Request};

/// Everything there is.
pub(crate) struct World {
    acceptor: Acceptor,
    config: Arc<Config>,
    echo: bool,
    now: Instant,
    /// The sessions that live, by their ids.
    sessions: HashMap<String, Session>,
    latest_sid: Option<String>,
    reason: Option<CloseReason>,
    /// Requests without an answer yet.
    waiting: HashMap<RequestId, (String, String, Exchange)>,
    /// Answers, by the names of their requests.
    answers: HashMap<String, Answer>,
    sockets: HashMap<String, Socket>,
    requests: u64,
}

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A WebSocket as its client sees it.
#[derive(Default)]
struct Socket {
    received: Vec<Message>,
    /// The code it was closed with; 1005 for none.
    closed: Option<u16>,
    /// The session that it is attached to.
    sid: Option<String>,
}

impl World {
    pub(crate) fn new(config: Config, echo: bool) -> Self {
        let config = Arc::new(config);
        Self {
            acceptor: Acceptor::new(config.clone()).unwrap(),
            config,
            echo,
            now: Instant::ORIGIN,
            sessions: HashMap::new(),
            latest_sid: None,
            reason: None,
            waiting: HashMap::new(),
            answers: HashMap::new(),
            sockets: HashMap::new(),
            requests: 0,
        }
    }

    fn session(&mut self, sid: &str) -> &mut Session {
        self.sessions.get_mut(sid).expect("it lives")
    }

    fn open(&mut self, exchange: &Exchange, transport: TransportKind) -> String {
        let mut bytes = [0; 15];
        bytes[..8].copy_from_slice(&(self.sessions.len() as u64 + 1).to_be_bytes());
        let sid = Sid::from_random(bytes);
        let opened = Opened {
            transport,
            revision: exchange.revision(),
            base64: exchange.base64(),
        };
        let text = sid.as_str().to_owned();
        let session = Session::new(self.now, sid, opened, self.config.clone());
        self.sessions.insert(text.clone(), session);
        self.latest_sid = Some(text.clone());
        text
    }

    fn begin(
        &mut self,
        name: &str,
        sid: &str,
        exchange: Exchange,
    ) -> (RequestId, Instant, sio_core::engine::Eio) {
        self.requests += 1;
        let id = RequestId(self.requests);
        let revision = exchange.revision();
        self.waiting.insert(id, (name.into(), sid.into(), exchange));
        (id, self.now, revision)
    }

    fn answered(&mut self, name: &str, http: http::Response<Bytes>) {
        let answer = Answer {
            http,
            compressed: false,
        };
        assert!(
            self.answers.insert(name.into(), answer).is_none(),
            "{name} is answered once"
        );
    }

    /// Carries out what a session wants.
    fn drain(&mut self, sid: &str) {
        let now = self.now;
        loop {
            let session = self.sessions.get_mut(sid).expect("it lives");
            while let Some(event) = session.poll_event() {
                if let Event::Closed { reason, .. } = event {
                    self.reason = Some(reason);
                } else if let Event::Message(data) = event
                    && self.echo
                {
                    let _ = session.send(now, Encoded::from(&data), Flags::default());
                }
            }
            while let Some((id, reply)) = session.poll_http() {
                let (name, _, exchange) = self.waiting.remove(&id).expect("one answer each");
                let response = exchange.respond(reply);
                let answer = Answer {
                    http: response.http,
                    compressed: response.compress.is_some(),
                };
                assert!(self.answers.insert(name, answer).is_none());
            }
            let mut wrote = false;
            while let Some(out) = session.poll_ws() {
                let attached = |socket: &&mut Socket| socket.sid.as_deref() == Some(sid);
                let socket = self
                    .sockets
                    .values_mut()
                    .find(attached)
                    .expect("it is attached");
                match out {
                    WsOut::Frame { head, part, .. } => {
                        wrote = true;
                        socket.received.push(match part {
                            Part::Text(text) => {
                                let text = bytes::Bytes::from([head, &text].concat());
                                Message::Text(text.try_into().unwrap())
                            }
                            Part::Binary(bytes) => Message::Binary([head, &bytes].concat().into()),
                        });
                    }
                    WsOut::Close(code) => {
                        socket.closed = Some(code.unwrap_or(1005));
                        socket.sid = None;
                    }
                }
            }
            if !wrote {
                break;
            }
            session.handle_ws_flushed(now);
        }
        let session = &self.sessions[sid];
        if session.is_closed() {
            assert_eq!(session.poll_timeout(), None);
            let left = self.waiting.values().any(|(_, of, _)| of == sid);
            assert!(!left, "every request of a closed session has its answer");
            self.sessions.remove(sid);
        }
    }
}

impl Place for World {
    /// Time passes; what falls due on the way happens when it is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = self
                .sessions
                .values()
                .filter_map(Session::poll_timeout)
                .min();
            let Some(due) = due.filter(|due| due.at <= end) else {
                break;
            };
            self.now = self.now.max(due.at);
            let sids: Vec<String> = self.sessions.keys().cloned().collect();
            for sid in sids {
                let session = self.sessions.get_mut(&sid).unwrap();
                session.handle_timeout(self.now);
                assert!(session.poll_timeout().is_none_or(|next| next.at > self.now));
                self.drain(&sid);
            }
        }
        self.now = end;
    }

    fn request(&mut self, name: &str, request: Request) {
        match self.acceptor.route(&request.head) {
            Route::NotOurs => panic!("{name}: not ours"),
            Route::Answered(http) => self.answered(name, http),
            Route::Open(exchange) => {
                let sid = self.open(&exchange, TransportKind::Polling);
                let id = self.begin(name, &sid, exchange);
                self.session(&sid).handle_poll(id.1, id.0, id.2);
                self.drain(&sid);
            }
            Route::Session {
                sid,
                exchange,
                over,
            } => {
                let sid = sid.as_str().to_owned();
                if !self.sessions.contains_key(&sid) {
                    let http = exchange.refuse(&HandshakeError::UnknownSid);
                    return self.answered(name, http);
                }
                let poll = exchange.kind() == RequestKind::Poll;
                let post = if over {
                    Post::Whole(Err(PostFailure::TooLarge))
                } else if request.partial {
                    Post::Begun
                } else {
                    exchange.post(request.body)
                };
                let (id, now, revision) = self.begin(name, &sid, exchange);
                if poll {
                    self.session(&sid).handle_poll(now, id, revision);
                } else {
                    self.session(&sid).handle_post(now, id, revision, post);
                }
                self.drain(&sid);
            }
        }
    }

    fn repeat(&mut self, _name: &str) -> bool {
        false
    }

    fn abort(&mut self, name: &str) {
        let found = self.waiting.iter().find(|(_, (it, ..))| it == name);
        let (&id, (_, sid, _)) = found.expect("it waits");
        let (sid, now) = (sid.clone(), self.now);
        self.session(&sid).handle_aborted(now, id);
        self.drain(&sid);
        self.answers.remove(name);
    }

    fn open_socket(&mut self, name: &str, head: &Parts) -> u16 {
        let mut socket = Socket::default();
        let mut status = 101;
        match self.acceptor.route(head) {
            Route::NotOurs => panic!("{name}: not ours"),
            Route::Answered(http) => status = http.status().as_u16(),
            Route::Open(exchange) => {
                let sid = self.open(&exchange, TransportKind::WebSocket);
                assert_eq!(exchange.switch().status(), 101);
                socket.sid = Some(sid.clone());
                self.sockets.insert(name.into(), socket);
                self.drain(&sid);
                return 101;
            }
            Route::Session { sid, exchange, .. } => {
                let (now, sid) = (self.now, sid.as_str().to_owned());
                if let Some(session) = self.sessions.get_mut(&sid) {
                    let (revision, base64) = (exchange.revision(), exchange.base64());
                    let taken = session.handle_ws_open(now, revision, base64);
                    assert_eq!(exchange.switch().status(), 101);
                    socket.closed = (!taken).then_some(1005);
                    socket.sid = taken.then_some(sid);
                } else {
                    status = exchange
                        .refuse(&HandshakeError::UnknownSid)
                        .status()
                        .as_u16();
                }
            }
        }
        self.sockets.insert(name.into(), socket);
        status
    }

    fn send_socket(&mut self, name: &str, frame: Message) {
        if let Some(sid) = self.sockets[name].sid.clone() {
            let now = self.now;
            self.session(&sid).handle_ws(now, frame);
            self.drain(&sid);
        }
    }

    fn cut_socket(&mut self, name: &str) {
        if let Some(sid) = self.sockets.get_mut(name).unwrap().sid.take() {
            let now = self.now;
            self.session(&sid).handle_ws_closed(now, WsClosed::Lost);
            self.drain(&sid);
        }
    }

    fn send(&mut self, data: Message) {
        let (now, sid) = (self.now, self.latest_sid.clone().unwrap());
        let sent = self
            .session(&sid)
            .send(now, Encoded::from(&data), Flags::default());
        assert_eq!(sent, Sent::Queued);
        self.drain(&sid);
    }

    fn close(&mut self) {
        let (now, sid) = (self.now, self.latest_sid.clone().unwrap());
        self.session(&sid).close(now, Close::Flush);
        self.drain(&sid);
    }

    fn is_waiting(&mut self, name: &str) -> bool {
        self.waiting.values().any(|(it, ..)| it == name)
    }

    fn answer(&mut self, name: &str) -> Option<Answer> {
        // Some come when something falls due.
        let end = self.now + PATIENCE;
        while self.now < end && self.is_waiting(name) {
            self.pass(Duration::from_millis(10));
        }
        self.answers.remove(name)
    }

    fn received(&mut self, name: &str, _expected: usize) -> Vec<Message> {
        std::mem::take(&mut self.sockets.get_mut(name).unwrap().received)
    }

    fn closed(&mut self, name: &str, _expected: bool) -> Option<u16> {
        self.sockets[name].closed
    }

    fn sid(&mut self) -> Option<String> {
        self.latest_sid.clone()
    }

    fn reason(&mut self, _expected: bool) -> Option<CloseReason> {
        self.reason
    }
}
