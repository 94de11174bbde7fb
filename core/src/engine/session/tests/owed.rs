//! What a session is told by those that tell it anything, and what it owes them. The fuzz target `session` reads this
//! file, too: a list only grows at its end, or inputs that are kept say something else.

use super::{Content, Event, PostFailure, RequestId, Session, WsClosed, WsOut};

/// Bodies of POSTs, of both revisions, lawful or not.
pub(super) const BODIES: [&str; 16] = [
    "4a",
    "4a\u{1e}4b",
    "3",
    "6",
    "1",
    "2",
    "",
    "x",
    "b!",
    "4a\u{1e}1\u{1e}4b",
    "2:4a",
    "2:4a2:4b",
    "1:2",
    "1:21:21:2",
    "2:4a9:4b",
    "6:b4AQ==",
];

/// What comes on its WebSocket.
pub(super) const FRAMES: [&str; 8] = ["4a", "3", "2probe", "5", "1", "2", "", "x"];

pub(super) const FAILURES: [PostFailure; 5] = [
    PostFailure::TooLarge,
    PostFailure::NotUtf8,
    PostFailure::Binary,
    PostFailure::Timeout,
    PostFailure::Lost,
];

pub(super) const CAUSES: [WsClosed; 4] = [
    WsClosed::Closed,
    WsClosed::Lost,
    WsClosed::TooLarge,
    WsClosed::Violation,
];

/// Milliseconds that pass.
pub(super) const WAITS: [u64; 8] = [0, 1, 60, 100, 150, 900, 25_000, 90_000];

/// What a session has been asked, and has not done.
#[derive(Clone)]
pub(super) struct Owed {
    /// Requests so far: each is numbered by those before it.
    pub(super) requests: u32,
    /// Requests that wait for their answer: a bit each.
    waiting: u64,
    /// Whether a WebSocket is there.
    pub(super) open: bool,
    /// Whether the end was told.
    pub(super) ended: bool,
}

impl Owed {
    pub(super) const fn new(open: bool) -> Self {
        Self {
            requests: 0,
            waiting: 0,
            open,
            ended: false,
        }
    }

    /// A new one.
    pub(super) fn request(&mut self) -> RequestId {
        let id = self.requests;
        self.requests += 1;
        self.waiting |= 1 << id;
        RequestId(u64::from(id))
    }

    /// The latest but so many.
    pub(super) fn latest(&self, back: u8) -> Option<RequestId> {
        let id = self.requests.checked_sub(1 + u32::from(back))?;
        Some(RequestId(u64::from(id)))
    }

    /// Takes all that is to be done: each request has one answer, and nothing comes behind the end.
    pub(super) fn take(&mut self, session: &mut Session) {
        while let Some(event) = session.poll_event() {
            assert!(!self.ended, "life: {event:?} behind the end");
            self.ended = matches!(event, Event::Closed { .. });
        }
        while let Some((id, reply)) = session.poll_http() {
            let bit = 1 << id.0;
            assert!(self.waiting & bit != 0, "answer: {id:?} has two");
            self.waiting &= !bit;
            assert!(reply.content != Content::Payload || !reply.body.is_empty());
        }
        while let Some(out) = session.poll_ws() {
            assert!(self.open, "{out:?} without a WebSocket");
            self.open = !matches!(out, WsOut::Close(_));
        }
    }

    /// Of one that is over.
    pub(super) fn is_nothing(&self) {
        assert!(self.ended, "life: the end is told");
        assert_eq!(self.waiting, 0, "answer: who waited has one");
        assert!(!self.open, "rest: its WebSocket is let go");
    }
}
