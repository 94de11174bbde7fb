//! What a server tells its embedder, and the names it uses for it.

use std::hash::{Hash, Hasher};

use bytes::Bytes;
use bytestring::ByteString;
use http::request::Parts;

use crate::arena::Key;
use crate::details::Details;
use crate::digest;
use crate::engine::CloseReason;
use crate::id::{RequestId, SocketId};
use crate::namespaces::ParentKey;
use crate::packet::{Args, Name};
use crate::recovery::Expiry;
use crate::socket::{AckError, AckTicket, ConnectTicket, DisconnectReason, SocketKey};

/// One client. Names nobody once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionKey(pub(super) Key);

/// One client in one namespace. Names nobody once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Socket {
    /// Its connection.
    pub connection: ConnectionKey,
    /// Which of the sockets there it is, for [`Connection`](crate::connection::Connection)'s own methods.
    pub key: SocketKey,
}

/// A client that has come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its socket, which is a new one by the same id, in the same rooms.
    pub socket: Socket,
    /// The id.
    pub id: SocketId,
}

/// One handshake that waits for a decision. Names nobody once that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandshakeKey(pub(super) Key);

/// A client waits to be let in. Give this to [`Server::admit`](super::Server::admit) or
/// [`Server::refuse`](super::Server::refuse); if you drop it, the client is refused when `admission_timeout` is over.
#[derive(Debug, Hash)]
#[must_use = "the client waits for an answer"]
pub struct HandshakeTicket(pub(super) HandshakeKey);

impl HandshakeTicket {
    /// The handshake that it decides over.
    pub const fn handshake(&self) -> HandshakeKey {
        self.0
    }

    /// The same for a clone of the server that has given it out.
    pub const fn for_clone(&self) -> Self {
        Self(self.0)
    }
}

/// What becomes of a request for a WebSocket.
#[derive(Clone, Debug)]
#[must_use = "the client waits for an answer"]
pub enum Upgraded {
    /// Send this response; what comes on the WebSocket goes to [`Server::handle_ws`](super::Server::handle_ws).
    Attached {
        /// The client.
        connection: ConnectionKey,
        /// The response: 101.
        response: http::Response<Bytes>,
    },
    /// Send this response, then close the WebSocket: the session has one already (§12).
    Unwanted {
        /// The client.
        connection: ConnectionKey,
        /// The response: 101.
        response: http::Response<Bytes>,
    },
    /// Send this response; there is no WebSocket.
    Refused(http::Response<Bytes>),
    /// The application decides over it. What becomes of it then, which is not this again,
    /// [`Server::poll_upgraded`](super::Server::poll_upgraded) says.
    Waits(HandshakeKey),
}

impl Hash for Upgraded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        let response = match self {
            Self::Attached {
                connection,
                response,
            }
            | Self::Unwanted {
                connection,
                response,
            } => {
                connection.hash(state);
                response
            }
            Self::Refused(response) => response,
            Self::Waits(handshake) => return handshake.hash(state),
        };
        (response.status(), response.body()).hash(state);
        digest::headers(response.headers(), state);
    }
}

/// What has happened, in order for each connection.
#[derive(Debug)]
pub enum Event<T> {
    /// A client wants to open a session. Only where the application
    /// [decides over handshakes](super::Server::decide_over_handshakes).
    Handshake {
        /// For [`Server::admit`](super::Server::admit) or [`Server::refuse`](super::Server::refuse).
        ticket: HandshakeTicket,
        /// The request that waits. `None`: one for a WebSocket, which has [its own name](Upgraded::Waits).
        request: Option<RequestId>,
        /// What it says.
        head: Box<Parts>,
    },
    /// Nobody decided over a handshake within `admission_timeout`, its client has dropped it, or the server
    /// closes: whoever was to decide may stop.
    HandshakeOver {
        /// Which.
        handshake: HandshakeKey,
    },
    /// A client asks for a namespace that is not there, and this parent knows whether it is to be. For
    /// [`Server::allow`](super::Server::allow) or [`Server::deny`](super::Server::deny).
    Naming {
        /// What is to be given to one of them. Has the name, and what the client says beside it.
        ticket: NamingTicket,
        /// The parent that is asked.
        parent: ParentKey,
    },
    /// A client asks for a namespace that exists, or that has come into being for it. Others are refused without
    /// asking.
    Connecting {
        /// The client.
        connection: ConnectionKey,
        /// For [`Server::accept`](super::Server::accept) or [`Server::reject`](super::Server::reject).
        ticket: ConnectTicket,
        /// The namespace.
        namespace: ByteString,
        /// The client's credentials: the text of a JSON object.
        auth: Option<ByteString>,
        /// What a client of revision 4 wrote behind the namespace's name.
        query: Option<ByteString>,
        /// Whether it was not there before.
        is_new: bool,
    },
    /// Nobody decided over a namespace within `middleware_timeout`, and the client is refused: whoever was
    /// to decide may stop.
    Undecided {
        /// The socket that the ticket would have made.
        socket: Socket,
    },
    /// A client has sent an event.
    Message {
        /// Who.
        socket: Socket,
        /// The namespace that it is in.
        namespace: ByteString,
        /// The event's name.
        name: Name,
        /// Its arguments.
        args: Args,
        /// For [`Server::respond`](super::Server::respond), if the client waits for an answer.
        ack: Option<AckTicket>,
    },
    /// A client of revision 4 sent an ERROR packet.
    Error {
        /// Who.
        socket: Socket,
        /// What it says, as JSON.
        payload: Option<ByteString>,
    },
    /// A [`Server::request`](super::Server::request) has ended.
    Acked {
        /// Who was asked.
        socket: Socket,
        /// What was passed with the request.
        token: T,
        /// The answer, or why there is none.
        answer: Result<Args, AckError>,
    },
    /// A socket is about to leave; it is still in its rooms.
    Disconnecting {
        /// Who.
        socket: Socket,
        /// Why.
        reason: DisconnectReason,
    },
    /// A socket has left its rooms and its namespace.
    Disconnected {
        /// Who.
        socket: Socket,
        /// Why.
        reason: DisconnectReason,
    },
    /// A socket that was cut off will not come back.
    Expired {
        /// The namespace that it was in.
        namespace: ByteString,
        /// Its id.
        id: SocketId,
        /// Why.
        why: Expiry,
    },
    /// A connection has moved from polling to a WebSocket.
    Upgraded {
        /// Which.
        connection: ConnectionKey,
    },
    /// A connection is over.
    Closed {
        /// Which.
        connection: ConnectionKey,
        /// Why.
        reason: CloseReason,
        /// What lies behind that, if it was not anybody's wish.
        details: Option<Details>,
    },
}

/// A client waits for a namespace that is not there. Give this to [`Server::allow`](super::Server::allow) or
/// [`Server::deny`](super::Server::deny); if you drop it, the client is turned away when `middleware_timeout` is over.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct NamingTicket {
    pub(super) connection: ConnectionKey,
    pub(super) ticket: ConnectTicket,
    pub(super) namespace: ByteString,
    pub(super) auth: Option<ByteString>,
    pub(super) query: Option<ByteString>,
    /// Who is asked. None: nobody yet.
    pub(super) parent: Option<ParentKey>,
}

impl NamingTicket {
    /// The client.
    pub const fn connection(&self) -> ConnectionKey {
        self.connection
    }

    /// The name that it asks for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its credentials: the text of a JSON object.
    pub fn auth(&self) -> Option<&str> {
        self.auth.as_deref()
    }

    /// What a client of revision 4 wrote behind the namespace's name.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The same for a clone of the server that has given it out.
    pub fn for_clone(&self) -> Self {
        Self {
            connection: self.connection,
            ticket: self.ticket.for_clone(),
            namespace: self.namespace.clone(),
            auth: self.auth.clone(),
            query: self.query.clone(),
            parent: self.parent,
        }
    }
}
