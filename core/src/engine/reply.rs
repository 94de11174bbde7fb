//! What a session says to one request.

use bytes::Bytes;
use http::StatusCode;

use super::{Backlog, Framing, Mismatch, Violation};
use crate::id::Sid;
use crate::protocol::Eio;

/// What a session says to one request. The request's [`Exchange`](super::Exchange) makes an HTTP response
/// of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// What the body is.
    pub content: Content,
    /// The body.
    pub body: Bytes,
    /// How many packets are in it: those that waited for the client, and the one of the protocol itself if it holds just
    /// that.
    pub packets: usize,
    /// What was read of the body that it is the answer to: how many packets, and all its bytes.
    pub taken: Backlog,
    /// Whether the body may be compressed.
    pub compress: bool,
    /// Whether the connection should end with this response: the rest of the request is not wanted.
    pub close: bool,
    /// The session for whose cookie this is the occasion.
    pub cookie: Option<Sid>,
    /// What the client did by this request that ends its session, if the status says that.
    pub violation: Option<Violation>,
    /// What of the session the request does not fit, if it is refused for that.
    pub mismatch: Option<Mismatch>,
}

/// What the body of a [`Reply`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// Nothing.
    Empty,
    /// Packets as text (§5).
    Payload,
    /// Packets as bytes (§5.2).
    Binary,
    /// The word that a POST is answered with.
    Html,
    /// An error's code and message (§9.5).
    Json,
}

/// What a GET that waits is answered with when there is nothing else to say.
#[derive(Clone, Copy, Debug)]
pub(super) enum PollAnswer {
    /// Nothing: poll again, or stop.
    Noop,
    /// The session is over.
    Close,
    /// Both: some clients expect an answer to their poll before the close (§10).
    NoopClose,
}

impl PollAnswer {
    const fn payload(self, revision: Eio) -> &'static [u8] {
        match (self, revision) {
            (Self::Noop, Eio::V3) => b"1:6",
            (Self::Noop, Eio::V4) => b"6",
            (Self::Close, Eio::V3) => b"1:1",
            (Self::Close, Eio::V4) => b"1",
            (Self::NoopClose, Eio::V3) => b"1:61:1",
            (Self::NoopClose, Eio::V4) => b"6\x1e1",
        }
    }
}

impl Reply {
    /// No body.
    pub(super) const fn empty(status: StatusCode) -> Self {
        Self::new(status, Content::Empty, Bytes::new())
    }

    /// The session does not survive this request.
    pub(super) const fn violating(violation: Violation) -> Self {
        let mut reply = Self::empty(violation.status());
        reply.violation = Some(violation);
        reply
    }

    /// Packets.
    pub(super) const fn payload(
        framing: Framing,
        packets: usize,
        body: Bytes,
        compress: bool,
    ) -> Self {
        let content = match framing {
            Framing::Separated | Framing::Counted => Content::Payload,
            Framing::Binary => Content::Binary,
        };
        let mut reply = Self::new(StatusCode::OK, content, body);
        reply.packets = packets;
        reply.compress = compress;
        reply
    }

    /// A few packets of the protocol itself.
    pub(super) const fn answer(revision: Eio, answer: PollAnswer) -> Self {
        let body = Bytes::from_static(answer.payload(revision));
        Self::payload(Framing::of(revision, false), 1, body, false)
    }

    /// The answer to a POST that was taken.
    pub(super) const fn ok() -> Self {
        Self::new(StatusCode::OK, Content::Html, Bytes::from_static(b"ok"))
    }

    /// Bytes of packets in it: what a client is behind until they are written to it.
    pub fn backlog(&self) -> usize {
        match self.content {
            Content::Payload | Content::Binary => self.body.len(),
            Content::Empty | Content::Html | Content::Json => 0,
        }
    }

    /// The request is not one for the session as it is.
    pub(super) const fn mismatching(mismatch: Mismatch) -> Self {
        let error = mismatch.code();
        let body = Bytes::from_static(error.body().as_bytes());
        let mut reply = Self::new(error.status(), Content::Json, body);
        reply.mismatch = Some(mismatch);
        reply
    }

    /// The same, and so much was read by then.
    pub(super) const fn having_taken(mut self, taken: Backlog) -> Self {
        self.taken = taken;
        self
    }

    /// The same, and the connection ends.
    pub(super) const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    const fn new(status: StatusCode, content: Content, body: Bytes) -> Self {
        Self {
            status,
            content,
            body,
            packets: 0,
            taken: Backlog {
                bytes: 0,
                packets: 0,
            },
            compress: false,
            close: false,
            cookie: None,
            violation: None,
            mismatch: None,
        }
    }
}
