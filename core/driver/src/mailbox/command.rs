//! What a connection's task is told by others.

use std::sync::Arc;
use std::time::Duration;

use sio_core::engine::{Close, Eio, Flags, Message, Post};
use sio_core::id::RequestId;
use sio_core::packet::Encoded;
use sio_core::socket::{AckTicket, SocketKey};

use crate::mailbox::Perishable;
use crate::mailbox::batch::Batch;
use crate::mailbox::reply::{Said, Token};
use crate::mailbox::weight::Weight;
use crate::sync::one_shot::{Answer, Waiting};
use crate::websocket::Transport;

/// What a connection's task is told by others. Four words: a broadcast writes them into every mailbox, so
/// what is large and rare is boxed.
pub(crate) enum Command {
    /// A GET waits for packets.
    Poll {
        id: RequestId,
        revision: Eio,
        answer: Answer<Said>,
    },
    /// A POST began, arrived or failed. The answer comes with the first of these.
    Post {
        id: RequestId,
        revision: Eio,
        posted: Box<Posted>,
    },
    /// The client dropped that request.
    Aborted(RequestId),
    /// The client took too little of an answer with packets in it.
    AnswerLost,
    /// Somebody opened a WebSocket for this session.
    WebSocket {
        revision: Eio,
        base64: bool,
        transport: Box<dyn Transport>,
    },
    Deliver {
        socket: SocketKey,
        packet: Encoded,
        flags: Flags,
    },
    /// Packets that many get.
    Cast {
        socket: SocketKey,
        batch: Arc<Batch>,
        flags: Flags,
    },
    Request(Box<Request>),
    Respond {
        ticket: AckTicket,
        packet: Encoded,
    },
    Disconnect {
        socket: SocketKey,
        close: bool,
    },
    /// The namespace of this socket is there no more.
    Expel(SocketKey),
    /// The socket's client has come back by another connection.
    Supersede(SocketKey),
    /// A message of plain Engine.IO.
    Send {
        data: Box<Message>,
        flags: Flags,
    },
    Close(Close),
    Become(Change),
    /// No handler is started any more until this has ended.
    Hold(Waiting<()>),
    /// Somebody waits until there is room for more.
    Wait(Box<Wait>),
    /// Somebody waits until what was sent has left.
    Follow(Answer<()>),
    /// A packet stood here that has given way to a later one.
    Evicted,
}

/// Somebody who waits until there is room for more.
pub(crate) struct Wait {
    /// Whose client it is for: nobody waits any more when that has left.
    pub(crate) socket: Option<SocketKey>,
    /// For how much.
    pub(crate) weight: Weight,
    pub(crate) answer: Answer<()>,
}

/// What becomes of a POST.
pub(crate) struct Posted {
    pub(crate) post: Post,
    pub(crate) answer: Option<Answer<Said>>,
}

/// What is to become of a connection.
pub(crate) enum Change {
    /// One of a server that closes.
    ShutDown,
    /// One whose packets are told of.
    Observe,
    /// One that speaks Socket.IO, after plain messages: the handle of it says to which server.
    Adopt,
}

/// An emit that asks for an answer.
pub(crate) struct Request {
    pub(crate) socket: SocketKey,
    pub(crate) id: u64,
    pub(crate) packet: Encoded,
    pub(crate) flags: Flags,
    pub(crate) token: Token,
    pub(crate) timeout: Option<Duration>,
}

impl Command {
    /// Whether it is a request of the client's, on another connection than the WebSocket that there may be.
    pub(crate) const fn is_request(&self) -> bool {
        matches!(
            self,
            Self::Poll { .. } | Self::Post { .. } | Self::WebSocket { .. }
        )
    }

    /// The packet of which the newest of its name alone waits, and for whom.
    fn latest(&self) -> Option<(SocketKey, &Encoded)> {
        if let Self::Deliver {
            socket,
            packet,
            flags,
        } = self
        {
            return flags.latest.then_some((*socket, packet));
        }
        if let Self::Cast {
            socket,
            batch,
            flags,
        } = self
        {
            let packet = flags.latest.then(|| batch.run().packets().first())??;
            return Some((*socket, packet));
        }
        None
    }

    /// Whether handlers have to hear of it before what was told next is carried out.
    pub(crate) const fn brings_events(&self) -> bool {
        match self {
            Self::Post { .. }
            | Self::Disconnect { .. }
            | Self::Expel(_)
            | Self::Supersede(_)
            | Self::Close(_)
            | Self::Become(_) => true,
            Self::Poll { .. }
            | Self::Aborted(_)
            | Self::AnswerLost
            | Self::WebSocket { .. }
            | Self::Deliver { .. }
            | Self::Cast { .. }
            | Self::Request(_)
            | Self::Respond { .. }
            | Self::Send { .. }
            | Self::Hold(_)
            | Self::Wait(_)
            | Self::Follow(_)
            | Self::Evicted => false,
        }
    }
}

impl Perishable for Command {
    fn weight(&self) -> Option<Weight> {
        if let Self::Deliver { packet, flags, .. } = self {
            return flags.volatile.then(|| Weight::of(packet));
        }
        if let Self::Cast { batch, flags, .. } = self {
            return flags.volatile.then(|| batch.run().weight());
        }
        if let Self::Send { data, flags } = self {
            return flags.volatile.then(|| Weight::of_data(data));
        }
        None
    }

    fn hole() -> Self {
        Self::Evicted
    }

    fn is_hole(&self) -> bool {
        matches!(self, Self::Evicted)
    }

    fn is_namesake(&self, other: &Self) -> bool {
        let (Some((socket, packet)), Some((its, theirs))) = (self.latest(), other.latest()) else {
            return false;
        };
        socket == its && packet.is_namesake(theirs)
    }

    fn seal(&self) -> Weight {
        if let Self::Cast { batch, .. } = self {
            return batch.run().growth();
        }
        Weight::default()
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Poll { .. } => "Poll",
            Self::Post { .. } => "Post",
            Self::Aborted(_) => "Aborted",
            Self::AnswerLost => "AnswerLost",
            Self::WebSocket { .. } => "WebSocket",
            Self::Deliver { .. } => "Deliver",
            Self::Cast { .. } => "Cast",
            Self::Request(_) => "Request",
            Self::Respond { .. } => "Respond",
            Self::Disconnect { .. } => "Disconnect",
            Self::Expel(_) => "Expel",
            Self::Supersede(_) => "Supersede",
            Self::Send { .. } => "Send",
            Self::Close(_) => "Close",
            Self::Become(Change::ShutDown) => "ShutDown",
            Self::Become(Change::Adopt) => "Adopt",
            Self::Become(Change::Observe) => "Observe",
            Self::Hold(_) => "Hold",
            Self::Wait(_) => "Wait",
            Self::Follow(_) => "Follow",
            Self::Evicted => "Evicted",
        })
    }
}

#[cfg(test)]
mod shape {
    use super::*;

    #[test]
    fn a_command_is_four_words() {
        assert!(size_of::<Command>() <= 32, "{}", size_of::<Command>());
    }
}
