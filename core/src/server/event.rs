//! What a server tells its embedder, and the names it uses for it.

use bytes::Bytes;
use bytestring::ByteString;

use crate::arena::Key;
use crate::details::Details;
use crate::engine::CloseReason;
use crate::id::SocketId;
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

/// What becomes of a request for a WebSocket.
#[derive(Debug)]
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
    Unwanted(http::Response<Bytes>),
    /// Send this response; there is no WebSocket.
    Refused(http::Response<Bytes>),
}

/// What has happened, in order for each connection.
#[derive(Debug)]
pub enum Event<T> {
    /// A client asks for a namespace that exists. Others are refused without asking.
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
