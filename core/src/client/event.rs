//! What a client tells its embedder, and what it wants done.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use http::Request;

use super::reason::{ConnectError, DisconnectReason, TransportError};
use crate::id::{RequestId, SocketId};
use crate::message::Part;
use crate::packet::{Args, Fault, Name};
use crate::socket::{AckError, SocketKey};

/// What has happened, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T> {
    /// It is about to dial, and asks where to ([`Config::ask_before_dial`](super::Config::ask_before_dial)).
    DialWanted {
        /// For [`Connection::answer_dial`](super::Connection::answer_dial).
        ticket: DialTicket,
        /// Which attempt to dial again this is; 0 for the first dial.
        attempt: u32,
    },
    /// It is about to ask for a namespace, and asks for the credentials ([`Auth::Asked`](super::Auth::Asked)).
    AuthWanted {
        /// For [`Connection::answer_auth`](super::Connection::answer_auth).
        ticket: AuthTicket,
    },
    /// A connection is there; its namespaces are asked for.
    Opened {
        /// Which attempt to dial again this was; 0 for the first dial.
        attempt: u32,
    },
    /// A socket is about to be told that it is in its namespace, and has a first word
    /// ([`Connection::ask_first`](super::Connection::ask_first)): what it has kept waits for it.
    Entering {
        /// For [`Connection::emit_first`](super::Connection::emit_first) and its like, and in the end
        /// [`Connection::entered`](super::Connection::entered).
        ticket: EntryTicket,
        /// Its id.
        id: SocketId,
        /// Whether it is the socket that it was before, which has missed nothing (§21).
        recovered: bool,
    },
    /// A socket is in its namespace.
    Connected {
        /// Which.
        socket: SocketKey,
        /// Its id.
        id: SocketId,
        /// Whether it is the socket that it was before, which has missed nothing (§21).
        recovered: bool,
    },
    /// A socket's server has sent an event. Those that were sent before its CONNECT was answered come before
    /// [`Event::Connected`].
    Message {
        /// The socket.
        socket: SocketKey,
        /// The event's name.
        name: Name,
        /// Its arguments.
        args: Args,
        /// For [`Connection::respond`](super::Connection::respond), if the server waits for an answer. May be
        /// dropped.
        ack: Option<AckTicket>,
    },
    /// An emit that asked for an ack has ended: for each one exactly once.
    Acked {
        /// The socket that it was of.
        socket: SocketKey,
        /// What was passed with the request.
        token: T,
        /// The server's answer, or why there is none.
        answer: Result<Args, AckError>,
    },
    /// A socket is not in its namespace.
    ConnectError {
        /// Which.
        socket: SocketKey,
        /// Why not.
        error: ConnectError,
        /// Whether it takes part in the next connection.
        active: bool,
    },
    /// In revision 4: the server says that something which a socket sent was refused.
    Error {
        /// The socket.
        socket: SocketKey,
        /// What the server says, checked JSON; `None` if it says nothing.
        payload: Option<ByteString>,
    },
    /// What a socket had emitted until it was asked for has left, or the word that this will not be known
    /// ([`Connection::flush`](super::Connection::flush)): once for each time.
    Flushed {
        /// The socket.
        socket: SocketKey,
        /// What was passed with it.
        token: T,
        /// [`AckError::NotSent`]: it was forgotten. [`AckError::Disconnected`]: the connection was lost first.
        outcome: Result<(), AckError>,
    },
    /// A socket has left its namespace.
    Disconnected {
        /// Which.
        socket: SocketKey,
        /// Why.
        reason: DisconnectReason,
        /// Whether it takes part in the next connection.
        active: bool,
    },
    /// The connection is lost or could not be made, and is dialled again after a while.
    Waiting {
        /// Which attempt it will be, from 1.
        attempt: u32,
        /// How long that is.
        wait: Duration,
    },
    /// It is dialled again.
    Attempt {
        /// Which attempt it is, from 1.
        attempt: u32,
    },
    /// An attempt to dial has failed.
    Failed {
        /// Which attempt to dial again it was; 0 for the first dial.
        attempt: u32,
        /// Why.
        error: TransportError,
    },
    /// As many attempts have failed as may. Nothing happens any more until a socket is asked to connect.
    GaveUp,
    /// The connection has moved from polling to a WebSocket.
    Upgraded,
    /// It could not, and stays with polling.
    UpgradeFailed(TransportError),
    /// The server has pinged, and is answered.
    Pinged,
    /// There is room again for what was refused as [`Sent::Full`](crate::engine::Sent::Full).
    Writable,
    /// The server sent something that is no Socket.IO packet; the connection ends for it.
    Malformed(Fault),
    /// The client is closed: the last event. Whatever is open still is to be given up.
    Closed,
}

/// A client waits to be told where to dial. If it is dropped, the attempt fails when `connect_timeout` is over.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct DialTicket {
    pub(super) number: u32,
}

/// A client waits for a namespace's credentials. If it is dropped, the socket hears of a timeout when
/// `connect_timeout` is over.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct AuthTicket {
    pub(super) socket: SocketKey,
    /// How many times any were asked for until then.
    pub(super) number: u32,
}

impl AuthTicket {
    /// The socket for which they are.
    pub const fn socket(&self) -> SocketKey {
        self.socket
    }
}

/// A socket is in its namespace, and its first word is awaited. If it is dropped, what waits leaves when
/// `connect_timeout` is over.
#[derive(Debug)]
#[must_use = "what the socket has kept waits for it"]
pub struct EntryTicket {
    pub(super) socket: SocketKey,
    /// Which of the socket's stays in its namespace it is of.
    pub(super) stay: u32,
}

impl EntryTicket {
    /// The socket that is in.
    pub const fn socket(&self) -> SocketKey {
        self.socket
    }
}

/// The server waits for the answer to an event. May be dropped: then it gets none. It is good until the socket
/// leaves its namespace, and not for the next time that it is in.
#[derive(Debug)]
pub struct AckTicket {
    pub(super) socket: SocketKey,
    pub(super) id: u64,
    /// Which of the socket's stays in its namespace it is of.
    pub(super) stay: u32,
}

impl AckTicket {
    /// The id to encode the answer with ([`packet::ack`](crate::packet::ack)).
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The socket by which the answer goes.
    pub const fn socket(&self) -> SocketKey {
        self.socket
    }
}

/// Something that is to be done about HTTP, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Work {
    /// Make this request, and hand its response in by `handle_response`.
    Request {
        /// To recognise the response by.
        id: RequestId,
        /// The request, with the whole of its URL.
        request: Request<Bytes>,
    },
    /// Open a WebSocket by this request, to which the headers of the handshake are to be added, and say how
    /// that went by `handle_ws_open`.
    OpenWebSocket {
        /// To name the WebSocket by.
        id: RequestId,
        /// The request, with the whole of its URL.
        request: Request<()>,
    },
    /// Give up a request that was not answered, or a WebSocket, opened or not: nobody listens to it any more.
    Abort(RequestId),
}

/// What to do next on a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WsOut {
    /// Send this message.
    Frame {
        /// What goes before the content, in the same message: nothing, or the type byte of revision 3.
        head: &'static [u8],
        /// Its content.
        part: Part,
        /// Whether it may be compressed.
        compress: bool,
    },
    /// Send a ping of the WebSocket's own, and tell of the next pong by `handle_ws_pong`.
    Ping,
    /// Close it, after what was given before, with this code if any. Nothing more comes for it, and nothing
    /// more is expected from it.
    Close(Option<u16>),
}

/// Events that wait to be taken. They can be copied by those who copy the whole machine; tickets cannot, since
/// each is to be used once.
#[derive(Debug)]
pub(super) struct Told<T>(pub(super) VecDeque<Event<T>>);

impl<T> Deref for Told<T> {
    type Target = VecDeque<Event<T>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Told<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T: Clone> Clone for Told<T> {
    fn clone(&self) -> Self {
        Self(self.0.iter().map(Event::again).collect())
    }
}

impl<T: Clone> Event<T> {
    fn again(&self) -> Self {
        match self {
            Self::DialWanted { ticket, attempt } => Self::DialWanted {
                ticket: ticket.again(),
                attempt: *attempt,
            },
            Self::AuthWanted { ticket } => Self::AuthWanted {
                ticket: ticket.again(),
            },
            Self::Opened { attempt } => Self::Opened { attempt: *attempt },
            Self::Entering {
                ticket,
                id,
                recovered,
            } => Self::Entering {
                ticket: ticket.again(),
                id: id.clone(),
                recovered: *recovered,
            },
            Self::Flushed {
                socket,
                token,
                outcome,
            } => Self::Flushed {
                socket: *socket,
                token: token.clone(),
                outcome: *outcome,
            },
            Self::Connected {
                socket,
                id,
                recovered,
            } => Self::Connected {
                socket: *socket,
                id: id.clone(),
                recovered: *recovered,
            },
            Self::Message {
                socket,
                name,
                args,
                ack,
            } => Self::Message {
                socket: *socket,
                name: name.clone(),
                args: args.clone(),
                ack: ack.as_ref().map(AckTicket::again),
            },
            Self::Acked {
                socket,
                token,
                answer,
            } => Self::Acked {
                socket: *socket,
                token: token.clone(),
                answer: answer.clone(),
            },
            Self::ConnectError {
                socket,
                error,
                active,
            } => Self::ConnectError {
                socket: *socket,
                error: error.clone(),
                active: *active,
            },
            Self::Error { socket, payload } => Self::Error {
                socket: *socket,
                payload: payload.clone(),
            },
            Self::Disconnected {
                socket,
                reason,
                active,
            } => Self::Disconnected {
                socket: *socket,
                reason: *reason,
                active: *active,
            },
            Self::Waiting { attempt, wait } => Self::Waiting {
                attempt: *attempt,
                wait: *wait,
            },
            Self::Attempt { attempt } => Self::Attempt { attempt: *attempt },
            Self::Failed { attempt, error } => Self::Failed {
                attempt: *attempt,
                error: error.clone(),
            },
            Self::GaveUp => Self::GaveUp,
            Self::Upgraded => Self::Upgraded,
            Self::UpgradeFailed(error) => Self::UpgradeFailed(error.clone()),
            Self::Pinged => Self::Pinged,
            Self::Writable => Self::Writable,
            Self::Malformed(fault) => Self::Malformed(*fault),
            Self::Closed => Self::Closed,
        }
    }
}

/// Tickets of events that are copied with the whole machine.
macro_rules! again {
    ($($ticket:ident { $($field:ident),* })*) => {$(
        impl $ticket {
            const fn again(&self) -> Self {
                Self { $($field: self.$field),* }
            }
        }
    )*};
}

again! {
    DialTicket { number }
    AuthTicket { socket, number }
    EntryTicket { socket, stay }
    AckTicket { socket, id, stay }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Pool;
    use crate::client::reason::Failure;
    use crate::protocol::TransportKind;
    use crate::socket::Refusal;

    #[test]
    fn a_copy_of_the_machine_is_told_the_same() {
        let mut arena = Pool::new();
        arena.insert(());
        let socket = SocketKey(arena.insert(()));
        let id = SocketId::from_random([7; 15]);
        let args = Args::from_json("[1]", Vec::new()).unwrap();
        let error = TransportError {
            transport: TransportKind::Polling,
            failure: Failure::Timeout,
        };
        let events = [
            Event::DialWanted {
                ticket: DialTicket { number: 3 },
                attempt: 4,
            },
            Event::AuthWanted {
                ticket: AuthTicket { socket, number: 5 },
            },
            Event::Opened { attempt: 6 },
            Event::Entering {
                ticket: EntryTicket { socket, stay: 7 },
                id: id.clone(),
                recovered: true,
            },
            Event::Flushed {
                socket,
                token: 8,
                outcome: Err(AckError::NotSent),
            },
            Event::Connected {
                socket,
                id,
                recovered: true,
            },
            Event::Message {
                socket,
                name: "say".into(),
                args: args.clone(),
                ack: Some(AckTicket {
                    socket,
                    id: 9,
                    stay: 10,
                }),
            },
            Event::Acked {
                socket,
                token: 11,
                answer: Ok(args),
            },
            Event::ConnectError {
                socket,
                error: ConnectError::Refused(Refusal::new("no")),
                active: true,
            },
            Event::Error {
                socket,
                payload: Some("{}".into()),
            },
            Event::Disconnected {
                socket,
                reason: DisconnectReason::ServerDisconnect,
                active: true,
            },
            Event::Waiting {
                attempt: 12,
                wait: Duration::from_secs(13),
            },
            Event::Attempt { attempt: 14 },
            Event::Failed {
                attempt: 15,
                error: error.clone(),
            },
            Event::GaveUp,
            Event::Upgraded,
            Event::UpgradeFailed(error),
            Event::Pinged,
            Event::Writable,
            Event::Malformed(Fault::Depth),
            Event::Closed,
        ];
        let shown = format!("{events:?}");
        let told = Told(events.into());
        assert_eq!(format!("{:?}", told.clone().0), shown);
    }
}
