//! A server and its clients without IO: the acceptor, the sessions, requests and WebSockets as data,
//! and a clock that moves when it is told to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sio_core::config::Config;
use sio_core::engine::{
    Acceptor, Close, CloseReason, Data, Event, Exchange, Flags, Frame, Kind, Opened, Post,
    PostFailure, Refusal, Route, Sent, Session, TransportKind, WsClosed, WsOut,
};
use sio_core::id::{RequestId, Sid};
use sio_core::packet::{self, Part};

/// Everything there is.
pub(crate) struct World {
    acceptor: Acceptor,
    config: Arc<Config>,
    echo: bool,
    pub(crate) now: Instant,
    /// The sessions that live, by their ids.
    sessions: HashMap<String, Session>,
    pub(crate) latest_sid: Option<String>,
    pub(crate) reason: Option<CloseReason>,
    /// Requests without an answer yet.
    waiting: HashMap<RequestId, (String, String, Exchange)>,
    /// Answers, by the names of their requests.
    pub(crate) answers: HashMap<String, Answer>,
    pub(crate) sockets: HashMap<String, Socket>,
    requests: u64,
}

/// A response, and whether the driver would compress it.
pub(crate) struct Answer {
    pub(crate) http: http::Response<Bytes>,
    pub(crate) compressed: bool,
}

/// A WebSocket as its client sees it.
#[derive(Default)]
pub(crate) struct Socket {
    pub(crate) status: u16,
    pub(crate) received: Vec<Frame>,
    /// The code it was closed with; 1005 for none.
    pub(crate) closed: Option<u16>,
    /// The session that it is attached to.
    sid: Option<String>,
}

/// What a client says of a request.
pub(crate) struct Request {
    pub(crate) head: http::request::Parts,
    pub(crate) body: Bytes,
    /// Whether the body is not complete.
    pub(crate) partial: bool,
}

impl World {
    pub(crate) fn new(config: Config, echo: bool) -> Self {
        let config = Arc::new(config);
        Self {
            acceptor: Acceptor::new(config.clone()).unwrap(),
            config,
            echo,
            now: Instant::now(),
            sessions: HashMap::new(),
            latest_sid: None,
            reason: None,
            waiting: HashMap::new(),
            answers: HashMap::new(),
            sockets: HashMap::new(),
            requests: 0,
        }
    }

    /// Time passes; what falls due on the way happens when it is due.
    pub(crate) fn pass(&mut self, time: Duration) {
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

    /// Begins an HTTP exchange under a name.
    pub(crate) fn request(&mut self, name: &str, request: Request) {
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
                    let http = exchange.refuse(&Refusal::UnknownSid);
                    return self.answered(name, http);
                }
                let poll = exchange.kind() == Kind::Poll;
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

    /// The client drops a request.
    pub(crate) fn abort(&mut self, name: &str) {
        let found = self.waiting.iter().find(|(_, (it, ..))| it == name);
        let (&id, (_, sid, _)) = found.expect("it waits");
        let (sid, now) = (sid.clone(), self.now);
        self.session(&sid).handle_aborted(now, id);
        self.drain(&sid);
    }

    /// Opens a WebSocket under a name.
    pub(crate) fn open_socket(&mut self, name: &str, head: &http::request::Parts) {
        let mut socket = Socket::default();
        match self.acceptor.route(head) {
            Route::NotOurs => panic!("{name}: not ours"),
            Route::Answered(http) => socket.status = http.status().as_u16(),
            Route::Open(exchange) => {
                let sid = self.open(&exchange, TransportKind::WebSocket);
                socket.status = exchange.switch().status().as_u16();
                socket.sid = Some(sid.clone());
                self.sockets.insert(name.into(), socket);
                return self.drain(&sid);
            }
            Route::Session { sid, exchange, .. } => {
                let (now, sid) = (self.now, sid.as_str().to_owned());
                if let Some(session) = self.sessions.get_mut(&sid) {
                    let (revision, base64) = (exchange.revision(), exchange.base64());
                    let taken = session.handle_ws_open(now, revision, base64);
                    socket.status = exchange.switch().status().as_u16();
                    socket.closed = (!taken).then_some(1005);
                    socket.sid = taken.then_some(sid);
                } else {
                    socket.status = exchange.refuse(&Refusal::UnknownSid).status().as_u16();
                }
            }
        }
        self.sockets.insert(name.into(), socket);
    }

    /// The client sends on a WebSocket. Once it is closed, nobody listens.
    pub(crate) fn send_socket(&mut self, name: &str, frame: Frame) {
        if let Some(sid) = self.sockets[name].sid.clone() {
            let now = self.now;
            self.session(&sid).handle_ws(now, frame);
            self.drain(&sid);
        }
    }

    /// The client's end of a WebSocket goes away without a word.
    pub(crate) fn cut_socket(&mut self, name: &str) {
        if let Some(sid) = self.sockets.get_mut(name).unwrap().sid.take() {
            let now = self.now;
            self.session(&sid).handle_ws_closed(now, WsClosed::Lost);
            self.drain(&sid);
        }
    }

    /// The application sends on the latest session.
    pub(crate) fn send(&mut self, data: &Data) {
        let (now, sid) = (self.now, self.latest_sid.clone().unwrap());
        let sent = self
            .session(&sid)
            .send(now, packet::message(data), Flags::default());
        assert_eq!(sent, Sent::Queued);
        self.drain(&sid);
    }

    /// The application closes the latest session.
    pub(crate) fn close(&mut self) {
        let (now, sid) = (self.now, self.latest_sid.clone().unwrap());
        self.session(&sid).close(now, Close::Flush);
        self.drain(&sid);
    }

    pub(crate) fn is_waiting(&self, name: &str) -> bool {
        self.waiting.values().any(|(it, ..)| it == name)
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
    ) -> (RequestId, Instant, sio_core::engine::Revision) {
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
                if let Event::Closed(reason) = event {
                    self.reason = Some(reason);
                } else if let Event::Message(data) = event
                    && self.echo
                {
                    let _ = session.send(now, packet::message(&data), Flags::default());
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
                    WsOut::Frame { part, .. } => {
                        wrote = true;
                        socket.received.push(match part {
                            Part::Text(text) => Frame::Text(text.try_into().unwrap()),
                            Part::Binary(bytes) => Frame::Binary(bytes),
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
