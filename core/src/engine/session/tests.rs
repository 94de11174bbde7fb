//! A session and its client, told as conversations.

mod anything;
mod backlog;
mod close;
mod digests;
mod heartbeat;
mod histories;
mod lasting;
mod owed;
mod polling;
mod revision_3;
mod sound;
mod upgrade;
mod watch;
mod websocket;

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::config::BacklogPolicy;
use crate::deadline::Why;
use crate::engine::{Body, Close, CloseReason, Content, Post, PostFailure, WsClosed, WsOut};
use crate::message::{Message, Part};

/// One session and its client, with a clock that moves when it is told to.
struct Talk {
    session: Session,
    /// What the client speaks.
    revision: Eio,
    start: Instant,
    now: Instant,
    requests: u64,
}

const POLLING: Opened = Opened {
    transport: TransportKind::Polling,
    revision: Eio::V4,
    base64: false,
};

const WEBSOCKET: Opened = Opened {
    transport: TransportKind::WebSocket,
    revision: Eio::V4,
    base64: false,
};

const POLLING_3: Opened = Opened {
    revision: Eio::V3,
    ..POLLING
};

const WEBSOCKET_3: Opened = Opened {
    revision: Eio::V3,
    ..WEBSOCKET
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn over(reason: CloseReason, violation: Option<Violation>) -> Event {
    Event::Closed { reason, violation }
}

fn text(text: &str) -> Encoded {
    Encoded::from(&Message::from(text))
}

fn frame(text: &str) -> Message {
    Message::Text(text.into())
}

impl Talk {
    fn new(opened: Opened, config: Config) -> Self {
        let now = Instant::ORIGIN;
        config.validate().unwrap();
        let sid = Sid::from_random([7; 15]);
        Self {
            session: Session::new(now, sid, opened, Arc::new(config)),
            revision: opened.revision,
            start: now,
            now,
            requests: 0,
        }
    }

    /// A polling session whose handshake was answered.
    fn polling(config: Config) -> Self {
        let mut talk = Self::new(POLLING, config);
        let id = talk.get();
        assert!(talk.answer(id).starts_with("200 0{"));
        talk
    }

    /// A WebSocket session whose open packet has left.
    fn websocket(config: Config) -> Self {
        let mut talk = Self::new(WEBSOCKET, config);
        assert!(talk.frame().starts_with("0{"));
        talk.flushed();
        talk
    }

    /// A polling session whose client has probed a WebSocket, and polls no more.
    fn probed() -> Self {
        let mut talk = Self::polling(Config::v4());
        assert!(talk.open_ws());
        talk.ws("2probe");
        assert_eq!(talk.frame(), "3probe");
        talk
    }

    fn id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn get(&mut self) -> RequestId {
        let id = self.id();
        self.session.handle_poll(self.now, id, self.revision);
        id
    }

    fn post(&mut self, body: &str) -> RequestId {
        let id = self.id();
        let body = Post::Whole(Ok(Body::text(self.revision, body.into())));
        self.session.handle_post(self.now, id, self.revision, body);
        id
    }

    fn post_begun(&mut self) -> RequestId {
        let id = self.id();
        self.session
            .handle_post(self.now, id, self.revision, Post::Begun);
        id
    }

    fn post_end(&mut self, id: RequestId, end: Result<&str, PostFailure>) {
        let end = Post::End(end.map(|body| Body::text(self.revision, body.into())));
        self.session.handle_post(self.now, id, self.revision, end);
    }

    fn open_ws(&mut self) -> bool {
        self.session.handle_ws_open(self.now, self.revision, false)
    }

    fn ws(&mut self, text: &str) {
        self.session.handle_ws(self.now, frame(text));
    }

    fn send(&mut self, what: &str) -> Sent {
        self.session.send(self.now, text(what), Flags::default())
    }

    fn close(&mut self, how: Close) {
        self.session.close(self.now, how);
    }

    fn flushed(&mut self) {
        self.session.handle_ws_flushed(self.now);
    }

    /// Time passes, and what is due is done when it is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| due.at <= end) {
            self.now = due.at;
            self.session.handle_timeout(self.now);
        }
        self.now = end;
    }

    /// What is due next, and how long after the beginning.
    fn due(&self) -> Option<(Why, Duration)> {
        let due = self.session.poll_timeout()?;
        Some((due.why, due.at - self.start))
    }

    /// Takes what has happened.
    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// The next answer, which must be for this request: its status and body.
    fn answer(&mut self, id: RequestId) -> String {
        let (answered, reply) = self.session.poll_http().expect("an answer");
        assert_eq!(answered, id);
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        format!("{} {body}", reply.status.as_u16())
            .trim_end()
            .to_owned()
    }

    fn no_answer(&mut self) {
        assert_eq!(self.session.poll_http(), None);
    }

    /// The next frame on the WebSocket.
    fn frame(&mut self) -> String {
        match self.session.poll_ws() {
            Some(WsOut::Frame {
                part: Part::Text(text),
                ..
            }) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn no_frame(&mut self) {
        assert_eq!(self.session.poll_ws(), None);
    }

    /// The session has ended, and nothing is left of it.
    fn closed(&mut self, reason: CloseReason) {
        let last = self.events().pop();
        assert_eq!(last, Some(over(reason, self.session.violation())));
        assert!(self.session.is_closed());
        assert_eq!(self.session.poll_timeout(), None);
        assert_eq!(self.session.backlog_packets(), 0);
        assert_eq!(self.send("late"), Sent::Closed);
        while self.session.poll_http().is_some() {}
        let id = self.get();
        assert!(self.answer(id).starts_with("400 {\"code\":1,"));
    }

    /// As [`closed`](Self::closed), its event taken before.
    fn closed_already(&mut self) {
        assert!(self.session.is_closed());
        self.no_answer();
        assert_eq!(self.session.poll_timeout(), None);
    }
}

fn said(text: &str) -> Event {
    Event::Message(Message::from(text))
}

mod shape {
    use super::*;

    const fn sendable<T: Send + Sync + 'static>() {}

    #[test]
    fn a_session_can_move_between_threads() {
        sendable::<Session>();
    }

    #[test]
    fn an_idle_session_is_small() {
        let size = size_of::<Session>();
        assert!(size <= 384, "{size} bytes");
    }
}
