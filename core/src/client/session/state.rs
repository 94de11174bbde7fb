//! What a client's session is in the middle of.

use bytes::Bytes;

use crate::id::RequestId;
use crate::protocol::TransportKind;
use crate::socket::SocketKey;
use crate::time::Instant;

/// How the server is reached, or tried to be.
#[derive(Clone, Debug, Hash)]
pub(super) enum State {
    Polling(Polling),
    WebSocket(WebSocket),
    /// By nothing, after this.
    Nothing(TransportKind),
}

/// By requests.
#[derive(Clone, Debug, Hash)]
pub(super) struct Polling {
    /// The GET that is not answered.
    pub(super) get: Option<RequestId>,
    /// The POST that is not.
    pub(super) post: Option<Posted>,
    /// The WebSocket that is to take over.
    pub(super) candidate: Option<Box<Candidate>>,
    /// Whether goodbye was said.
    pub(super) farewell: bool,
}

#[derive(Clone, Debug, Hash)]
pub(super) struct Posted {
    pub(super) id: RequestId,
    /// It must be answered by then.
    pub(super) by: Instant,
    /// How many packets have left once it is.
    pub(super) carries: u64,
}

impl Polling {
    /// A GET has been made that is to open the session.
    pub(super) const fn new(get: RequestId) -> Self {
        Self {
            get: Some(get),
            post: None,
            candidate: None,
            farewell: false,
        }
    }

    /// Whether nothing more may be asked for by requests.
    pub(super) fn is_pausing(&self) -> bool {
        let stage = self.candidate.as_ref().map(|it| it.stage);
        stage == Some(Stage::Pausing)
    }
}

/// A WebSocket that is to take over.
#[derive(Clone, Debug, Hash)]
pub(super) struct Candidate {
    pub(super) id: RequestId,
    pub(super) stage: Stage,
    /// It must have taken over by then.
    pub(super) until: Instant,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Dialled,
    /// Open, with the probe to be sent.
    Open,
    /// The probe is to be answered.
    Probed,
    /// It was, and the requests are to come back.
    Pausing,
}

/// By a WebSocket.
#[derive(Clone, Debug, Hash)]
pub(super) struct WebSocket {
    pub(super) id: RequestId,
    /// Whether it is there.
    pub(super) open: bool,
    /// Whether the server is still to be told that it takes over.
    pub(super) takes_over: bool,
    /// Packets of the heartbeat to be sent, pings in revision 3 and pongs in revision 4. They wait for no other packet:
    /// a peer that reads slowly must not take what is said before for silence.
    pub(super) beats: u32,
    /// Whether it was given something that has not left yet.
    pub(super) busy: bool,
    /// When it is given up if nothing more leaves.
    pub(super) stalled_at: Option<Instant>,
    /// When something came by it last, or it was asked for.
    pub(super) heard: Instant,
}

impl WebSocket {
    /// One that is to open the session.
    pub(super) const fn dialled(id: RequestId, now: Instant) -> Self {
        Self {
            id,
            open: false,
            takes_over: false,
            beats: 0,
            busy: false,
            stalled_at: None,
            heard: now,
        }
    }

    /// One that takes over.
    pub(super) const fn upgraded(id: RequestId, now: Instant, stalled_at: Instant) -> Self {
        Self {
            id,
            open: true,
            takes_over: true,
            beats: 0,
            busy: false,
            stalled_at: Some(stalled_at),
            heard: now,
        }
    }
}

/// Something to be done about HTTP.
#[derive(Clone, Debug, Hash)]
pub(super) enum Pending {
    Get(RequestId),
    /// Whether of bytes, and the body.
    Post(RequestId, bool, Bytes),
    WebSocket(RequestId),
    Abort(RequestId),
}

/// A WebSocket that is to be closed.
#[derive(Clone, Debug, Hash)]
pub(super) struct Farewell {
    pub(super) id: RequestId,
    /// It is given up if it has not taken its goodbye by then.
    pub(super) by: Instant,
}

/// What belongs to a packet that waits, for those who send it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::client) struct Mark {
    /// Whose event it is, if it is one that may be sent another time.
    pub(in crate::client) owner: Option<Owner>,
    /// Whether it must not be read in one go with what was sent before (§16.3).
    pub(in crate::client) apart: bool,
    /// Whether it is said on this connection or not at all.
    pub(in crate::client) once: bool,
}

/// An emit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::client) struct Owner {
    pub(in crate::client) socket: SocketKey,
    /// The id of its ack, if it waits for one.
    pub(in crate::client) id: Option<u64>,
}

/// The ping of the WebSocket's own that is under way: one at most.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Ping {
    /// Whether it is still to be sent.
    pub(super) due: bool,
    /// Its pong must have come by then.
    pub(super) until: Option<Instant>,
    /// Whether the server is given up without it; else it is only waited for.
    pub(super) vital: bool,
    /// Whether something was sent since a ping, or an answer, that the server may not have read yet.
    pub(super) unread: bool,
}
