//! What sockets tell the application, and the tickets they are answered with.

use std::fmt;

use bytestring::ByteString;
use serde::Serialize;

use crate::arena::Key;
use crate::engine::CloseReason;
use crate::packet::{Args, EncodeError, Name, Value};

/// What has happened on the sockets of a connection, in order.
#[derive(Debug, Hash)]
pub enum Event<T> {
    /// A client asks for a namespace. Answer with `accept` or `reject`; `middleware_timeout` refuses
    /// if nobody does.
    Connecting {
        /// To be given to `accept` or `reject`.
        ticket: ConnectTicket,
        /// The namespace's name, which may not exist.
        namespace: ByteString,
        /// The client's credentials: the text of a JSON object, `None` if it sent none. In revision 4
        /// what its query says.
        auth: Option<ByteString>,
        /// What a client of revision 4 wrote behind the name, to be laid over the query of its URL
        /// ([`Query::overlaid`](crate::engine::Query::overlaid)).
        query: Option<ByteString>,
    },
    /// Nobody decided over a namespace within `middleware_timeout`, and the client is refused: whoever
    /// was to decide may stop.
    Undecided {
        /// The socket that [`ConnectTicket::socket`] names.
        socket: SocketKey,
    },
    /// A socket's client has sent an event.
    Message {
        /// The socket.
        socket: SocketKey,
        /// The event's name.
        name: Name,
        /// Its arguments.
        args: Args,
        /// To be given to `respond`, if the client waits for an answer. May be dropped.
        ack: Option<AckTicket>,
    },
    /// A client of revision 4 sent an ERROR packet: it could not write what it wanted to say, for one.
    /// Clients of revision 5 have none, and their connection closes for it (§16).
    Error {
        /// The socket.
        socket: SocketKey,
        /// What the client says, checked JSON; `None` if it says nothing.
        payload: Option<ByteString>,
    },
    /// An emit that asked for an ack has ended: for each one exactly once.
    Acked {
        /// The socket it was sent to.
        socket: SocketKey,
        /// What was passed with the request.
        token: T,
        /// The client's answer, or why there is none.
        answer: Result<Args, AckError>,
    },
    /// A socket is about to leave its namespace: the moment to look at its rooms. Always followed by
    /// [`Event::Disconnected`].
    Disconnecting {
        /// The socket.
        socket: SocketKey,
        /// Why.
        reason: DisconnectReason,
    },
    /// A socket has left its namespace. Nothing more comes from it.
    Disconnected {
        /// The socket.
        socket: SocketKey,
        /// Why.
        reason: DisconnectReason,
    },
}

impl<T: Clone> Event<T> {
    /// The same, of a connection that is a clone: with tickets of its own.
    pub(super) fn for_clone(&self) -> Self {
        match self {
            Self::Connecting {
                ticket,
                namespace,
                auth,
                query,
            } => Self::Connecting {
                ticket: ticket.for_clone(),
                namespace: namespace.clone(),
                auth: auth.clone(),
                query: query.clone(),
            },
            Self::Undecided { socket } => Self::Undecided { socket: *socket },
            Self::Message {
                socket,
                name,
                args,
                ack,
            } => Self::Message {
                socket: *socket,
                name: name.clone(),
                args: args.clone(),
                ack: ack.as_ref().map(AckTicket::for_clone),
            },
            Self::Error { socket, payload } => Self::Error {
                socket: *socket,
                payload: payload.clone(),
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
            Self::Disconnecting { socket, reason } => Self::Disconnecting {
                socket: *socket,
                reason: *reason,
            },
            Self::Disconnected { socket, reason } => Self::Disconnected {
                socket: *socket,
                reason: *reason,
            },
        }
    }
}

/// A socket: one client in one namespace. Names nobody once that socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketKey(pub(crate) Key);

/// A client waits for a namespace. Give this to `accept` or `reject`; if it is dropped, the client is
/// turned away when `middleware_timeout` is over.
#[derive(Debug, Hash)]
#[must_use = "the client waits for an answer"]
pub struct ConnectTicket(pub(super) SocketKey);

impl ConnectTicket {
    /// One that is given out again, for a replay.
    pub(crate) const fn of(socket: SocketKey) -> Self {
        Self(socket)
    }

    /// The socket that `accept` will make.
    pub const fn socket(&self) -> SocketKey {
        self.0
    }

    /// The same for a clone of the connection that has given it out: each of them takes one. A second one comes
    /// too late.
    pub const fn for_clone(&self) -> Self {
        Self(self.0)
    }
}

/// A client waits for the answer to an event. May be dropped: then it gets none.
#[derive(Debug, Hash)]
pub struct AckTicket {
    pub(super) socket: SocketKey,
    pub(super) id: u64,
}

impl AckTicket {
    /// One that is given out again, for a replay.
    pub(crate) const fn of(socket: SocketKey, id: u64) -> Self {
        Self { socket, id }
    }

    /// The id to encode the answer with ([`packet::ack`](crate::packet::ack)).
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The socket whose client waits.
    pub const fn socket(&self) -> SocketKey {
        self.socket
    }

    /// The same for a clone of the connection that has given it out.
    pub const fn for_clone(&self) -> Self {
        Self {
            socket: self.socket,
            id: self.id,
        }
    }
}

/// Why a client may not enter a namespace. This, and nothing else, reaches the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The message of the client's `connect_error`.
    pub message: String,
    /// Its `data`, if there is any. Bytes cannot travel in it.
    pub data: Option<Value>,
}

impl Refusal {
    /// Whether its data is this text: how servers tell refusals apart that a client can do something about.
    pub fn data_is(&self, text: &str) -> bool {
        self.data.as_ref().and_then(Value::as_str) == Some(text)
    }

    /// A refusal with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }

    /// The same with data for the client: anything that can be written as JSON.
    ///
    /// ```
    /// # use sio_core::socket::Refusal;
    /// let refusal = Refusal::new("too many").data("E_TOO_MANY");
    /// let refusal = Refusal::new("too many").data(serde_json::json!({ "most": 3 }));
    /// ```
    ///
    /// What cannot be (a map whose keys are lists, say) is left out; [`try_data`](Self::try_data) says so.
    #[must_use]
    pub fn data(self, data: impl Serialize) -> Self {
        let without = self.clone();
        self.try_data(data).unwrap_or(without)
    }

    /// The same, where the data may be something that cannot be written.
    ///
    /// # Errors
    /// What its serialisation refuses.
    pub fn try_data(mut self, data: impl Serialize) -> Result<Self, EncodeError> {
        self.data = Some(Value::from_serialize(&data)?);
        Ok(self)
    }

    /// The answer to a namespace that does not exist (§16.1).
    pub fn invalid_namespace() -> Self {
        Self::new("Invalid namespace")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<&str> for Refusal {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

/// Why an emit that asked for an ack got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckError {
    /// The client did not answer in time.
    Timeout,
    /// The client went away first, or was not there.
    Disconnected,
    /// It was not sent: it was volatile and could not leave at once, or the backlog is full.
    NotSent,
    /// As many acks of this socket are open as may be (`max_pending_acks`).
    TooMany,
    /// An emit with the same id is waiting already.
    Duplicate,
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "operation has timed out",
            Self::Disconnected => "socket has been disconnected",
            Self::NotSent => "not sent: the client is not ready for it",
            Self::TooMany => "too many acks are waiting (max_pending_acks)",
            Self::Duplicate => "an emit with this id is waiting already",
        })
    }
}

impl std::error::Error for AckError {}

/// Why a socket left its namespace (§18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DisconnectReason {
    /// The client left this namespace.
    ClientNamespaceDisconnect,
    /// The server took the socket out, or closed its connection by `disconnect(true)`.
    ServerNamespaceDisconnect,
    /// The namespace is there no more.
    NamespaceRemoved,
    /// The server is closing.
    ServerShuttingDown,
    /// The client broke a rule, and closing its connection has to wait until it fetches what is
    /// queued. Where it has not, the reason is [`CloseReason::ForcedClose`].
    ForcedServerClose,
    /// The client has come back on another connection as this very socket, while this one hung (§21).
    RecoveredElsewhere,
    /// The connection ended, for the reason given.
    Connection(CloseReason),
}

impl DisconnectReason {
    /// Whether the client may come back from this as who it was (§21).
    pub const fn is_recoverable(self) -> bool {
        match self {
            Self::ServerShuttingDown | Self::ForcedServerClose => true,
            Self::ClientNamespaceDisconnect
            | Self::ServerNamespaceDisconnect
            | Self::NamespaceRemoved
            | Self::RecoveredElsewhere => false,
            Self::Connection(reason) => !matches!(reason, CloseReason::ParseError),
        }
    }

    /// The reference's words; of what it does not have, ours.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NamespaceRemoved => "namespace removed",
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ServerShuttingDown => "server shutting down",
            Self::ForcedServerClose => "forced server close",
            Self::RecoveredElsewhere => "recovered elsewhere",
            Self::Connection(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Pool;

    #[test]
    fn a_clone_is_told_the_same() {
        let mut arena = Pool::new();
        arena.insert(());
        let socket = SocketKey(arena.insert(()));
        let reason = DisconnectReason::NamespaceRemoved;
        let text = || Some(ByteString::from("{}"));
        let args = Args::from_json("[1]", Vec::new()).unwrap();
        for event in [
            Event::Connecting {
                ticket: ConnectTicket(socket),
                namespace: "/room".into(),
                auth: text(),
                query: Some("a=b".into()),
            },
            Event::Undecided { socket },
            Event::Message {
                socket,
                name: "say".into(),
                args: args.clone(),
                ack: Some(AckTicket { socket, id: 7 }),
            },
            Event::Error {
                socket,
                payload: text(),
            },
            Event::Acked {
                socket,
                token: 8,
                answer: Ok(args),
            },
            Event::Acked {
                socket,
                token: 9,
                answer: Err(AckError::Timeout),
            },
            Event::Disconnecting { socket, reason },
            Event::Disconnected { socket, reason },
        ] {
            assert_eq!(format!("{:?}", event.for_clone()), format!("{event:?}"));
        }
    }

    #[test]
    fn a_refusal_is_a_message_and_perhaps_data() {
        let refusal = Refusal::from("no".to_owned()).data("E_TOO_MANY");
        assert_eq!(refusal.to_string(), "no");
        assert!(refusal.data_is("E_TOO_MANY") && !refusal.data_is("E_OTHER"));
        assert!(!Refusal::from("no").data_is("") && !Refusal::from("no").data(7).data_is("7"));
        let map = std::collections::BTreeMap::from([(vec![1], 2)]);
        assert!(refusal.clone().try_data(&map).is_err());
        assert_eq!(refusal.clone().data(&map), refusal);
    }

    #[test]
    fn what_went_wrong_is_told_in_words() {
        for (why, words) in [
            (AckError::Timeout, "operation has timed out"),
            (AckError::Disconnected, "socket has been disconnected"),
            (
                AckError::NotSent,
                "not sent: the client is not ready for it",
            ),
            (
                AckError::TooMany,
                "too many acks are waiting (max_pending_acks)",
            ),
            (
                AckError::Duplicate,
                "an emit with this id is waiting already",
            ),
        ] {
            assert_eq!(why.to_string(), words);
        }
        let connection = DisconnectReason::Connection;
        for (reason, words, comes_back) in [
            (
                DisconnectReason::ClientNamespaceDisconnect,
                "client namespace disconnect",
                false,
            ),
            (
                DisconnectReason::ServerNamespaceDisconnect,
                "server namespace disconnect",
                false,
            ),
            (
                DisconnectReason::NamespaceRemoved,
                "namespace removed",
                false,
            ),
            (
                DisconnectReason::ServerShuttingDown,
                "server shutting down",
                true,
            ),
            (
                DisconnectReason::ForcedServerClose,
                "forced server close",
                true,
            ),
            (
                DisconnectReason::RecoveredElsewhere,
                "recovered elsewhere",
                false,
            ),
            (connection(CloseReason::ParseError), "parse error", false),
            (connection(CloseReason::PingTimeout), "ping timeout", true),
            (connection(CloseReason::ForcedClose), "forced close", true),
        ] {
            assert_eq!(reason.to_string(), words);
            assert_eq!(reason.is_recoverable(), comes_back, "{reason}");
        }
    }
}
