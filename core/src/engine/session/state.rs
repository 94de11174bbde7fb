//! What a session is in the middle of. What belongs to one way of reaching its client alone is in it.

use bytes::Bytes;

use crate::engine::{Backlog, Payload, Violation, WsOut};
use crate::id::RequestId;
use crate::message::Part;
use crate::protocol::TransportKind;
use crate::time::Instant;

/// How a session's client is reached.
#[derive(Clone, Debug, Hash)]
pub(super) enum State {
    Polling(Polling),
    WebSocket(WebSocket),
    Closed(Closed),
}

/// What a session by requests is in the middle of.
#[derive(Clone, Debug, Hash)]
pub(super) struct Polling {
    /// The GET that waits for packets.
    pub(super) parked: Option<RequestId>,
    pub(super) post: Incoming,
    pub(super) beside: Beside,
    /// Whether the client takes no bytes.
    pub(super) base64: bool,
    /// Whether no request was answered yet.
    pub(super) fresh: bool,
}

/// The POST that is there: one at most.
#[derive(Clone, Debug, Default, Hash)]
pub(super) enum Incoming {
    #[default]
    Nothing,
    /// Its body is on its way.
    Body(RequestId),
    /// Its packets are being read.
    Packets(Box<Reading>),
}

/// A POST's body, read packet by packet.
#[derive(Clone, Debug, Hash)]
pub(super) struct Reading {
    pub(super) id: RequestId,
    pub(super) packets: Payload,
    /// How many of them were read.
    pub(super) read: usize,
    /// Nobody waits for its answer any more.
    pub(super) abandoned: bool,
}

impl Reading {
    /// What was read by now.
    pub(super) fn taken(&self) -> Backlog {
        Backlog {
            bytes: self.packets.size(),
            packets: self.read,
        }
    }
}

impl Polling {
    pub(super) const fn new(base64: bool) -> Self {
        Self {
            parked: None,
            post: Incoming::Nothing,
            beside: Beside::Nothing,
            base64,
            fresh: true,
        }
    }
}

impl Incoming {
    pub(super) fn is_body_of(&self, id: RequestId) -> bool {
        match self {
            Self::Body(body) => *body == id,
            Self::Nothing | Self::Packets(_) => false,
        }
    }
}

/// What there is beside the polling.
#[derive(Clone, Debug, Default, Hash)]
pub(super) enum Beside {
    #[default]
    Nothing,
    /// A WebSocket that wants to take over. Its end never touches the session.
    Candidate(Box<Candidate>),
    /// One that may not, and is to be closed with this code.
    Dismissed(Option<u16>),
}

/// The WebSocket that wants to take over.
#[derive(Clone, Debug, Hash)]
pub(super) struct Candidate {
    /// It must have taken over by then.
    pub(super) until: Instant,
    /// Whether it takes no binary messages.
    pub(super) base64: bool,
    /// Since the probe: when a poll that waits is freed next, so that the client can stop polling.
    pub(super) noop_at: Option<Instant>,
    /// Answers that are owed to its probes.
    pub(super) probes: u32,
}

impl Candidate {
    /// One that has until now, as long as nobody says more.
    pub(super) fn new(now: Instant, base64: bool) -> Box<Self> {
        Box::new(Self {
            until: now,
            base64,
            noop_at: None,
            probes: 0,
        })
    }
}

impl Beside {
    pub(super) fn candidate(&self) -> Option<&Candidate> {
        match self {
            Self::Candidate(candidate) => Some(candidate),
            Self::Nothing | Self::Dismissed(_) => None,
        }
    }

    /// Sends the WebSocket away, if there is one that was not.
    pub(super) fn dismiss(&mut self, code: Option<u16>) {
        match self {
            Self::Candidate(_) => *self = Self::Dismissed(code),
            Self::Nothing | Self::Dismissed(_) => {}
        }
    }

    /// The code with which a WebSocket is still to be closed.
    pub(super) const fn farewell(&self) -> Option<Option<u16>> {
        match self {
            Self::Dismissed(code) => Some(*code),
            Self::Nothing | Self::Candidate(_) => None,
        }
    }

    /// What to do next on the WebSocket.
    pub(super) fn poll_ws(&mut self) -> Option<WsOut> {
        match self {
            Self::Nothing => None,
            Self::Candidate(candidate) => answer_probe(&mut candidate.probes),
            Self::Dismissed(code) => {
                let code = *code;
                *self = Self::Nothing;
                Some(WsOut::Close(code))
            }
        }
    }
}

/// The next answer to a probe, if one is owed.
pub(super) fn answer_probe(probes: &mut u32) -> Option<WsOut> {
    *probes = probes.checked_sub(1)?;
    Some(WsOut::Frame {
        head: &[],
        part: Part::Text(Bytes::from_static(b"3probe")),
        compress: false,
    })
}

/// What a session by WebSocket is in the middle of.
#[derive(Clone, Debug, Hash)]
pub(super) struct WebSocket {
    /// Whether it was given something that has not left yet.
    pub(super) busy: bool,
    /// Whether the client takes no bytes.
    pub(super) base64: bool,
    /// Answers that are owed to probes from before it took over.
    pub(super) probes: u32,
    /// When it is given up if nothing more leaves.
    pub(super) stalled_at: Option<Instant>,
}

impl WebSocket {
    pub(super) const fn new(base64: bool, probes: u32) -> Self {
        Self {
            busy: false,
            base64,
            probes,
            stalled_at: None,
        }
    }
}

/// What is left of a session that is over.
#[derive(Clone, Debug, Hash)]
pub(super) struct Closed {
    /// The last transport.
    pub(super) on: TransportKind,
    /// A WebSocket is to be closed, with this code.
    pub(super) farewell: Option<Option<u16>>,
    /// What the client did wrong.
    pub(super) violation: Option<Violation>,
    /// Whether the request was answered so by which it was done.
    pub(super) answered: bool,
}
