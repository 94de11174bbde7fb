//! What nodes tell each other, whatever the wire.

use sio_core::packet::{Args, Call};

use crate::id::{RequestId, Uid};

/// What one node tells the others of its namespace.
///
/// Not every wire can say all of it: [`EncodeError::Unsaid`](crate::codec::EncodeError::Unsaid).
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Message {
    /// An event for clients.
    Broadcast {
        /// What they are told.
        call: Call,
        /// Which clients.
        to: To,
        /// The acks of those who got it are wanted, under this name.
        ask: Option<RequestId>,
    },
    /// Sockets join rooms.
    Join {
        /// Which sockets.
        of: To,
        /// Which rooms.
        rooms: Vec<String>,
    },
    /// Sockets leave rooms.
    Leave {
        /// Which sockets.
        of: To,
        /// Which rooms.
        rooms: Vec<String>,
    },
    /// Sockets are disconnected.
    Disconnect {
        /// Which sockets.
        of: To,
        /// With the connection below them.
        close: bool,
    },
    /// Each node is to tell what it has.
    Ask {
        /// The name for the answers.
        id: RequestId,
        /// What is asked.
        what: Question,
    },
    /// An event for the servers.
    ServerSide {
        /// What they are told.
        call: Call,
        /// An answer of each is wanted, under this name.
        ask: Option<RequestId>,
        /// The one node that it is for. Others of this implementation leave it alone.
        to: Option<Uid>,
    },
    /// Whoever has this one socket is to do something with it, and to say so.
    One {
        /// The name for the answer.
        id: RequestId,
        /// The socket's id.
        socket: String,
        /// What is to be done.
        act: Act,
    },
    /// An answer to a question.
    Answer {
        /// The name of the question.
        id: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// A node has come, and wants to know who is there.
    Hello,
    /// A node is there.
    Beat,
    /// A node leaves.
    Bye,
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// An event for clients.
    Broadcast,
    /// Sockets join rooms.
    Join,
    /// Sockets leave rooms.
    Leave,
    /// Sockets are disconnected.
    Disconnect,
    /// Each node is to tell what it has.
    Ask,
    /// An event for the servers.
    ServerSide,
    /// One socket is to do something.
    One,
    /// An answer to a question.
    Answer,
    /// A node comes, is there, or leaves.
    Presence,
}

impl MessageKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Broadcast,
        Self::Join,
        Self::Leave,
        Self::Disconnect,
        Self::Ask,
        Self::ServerSide,
        Self::One,
        Self::Answer,
        Self::Presence,
    ];

    /// Its name: `broadcast`, `server side`, ..
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Disconnect => "disconnect",
            Self::Ask => "ask",
            Self::ServerSide => "server side",
            Self::One => "one",
            Self::Answer => "answer",
            Self::Presence => "presence",
        }
    }
}

impl Message {
    /// What kind of message it is.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Broadcast { .. } => MessageKind::Broadcast,
            Self::Join { .. } => MessageKind::Join,
            Self::Leave { .. } => MessageKind::Leave,
            Self::Disconnect { .. } => MessageKind::Disconnect,
            Self::Ask { .. } => MessageKind::Ask,
            Self::ServerSide { .. } => MessageKind::ServerSide,
            Self::One { .. } => MessageKind::One,
            Self::Answer { .. } => MessageKind::Answer,
            Self::Hello | Self::Beat | Self::Bye => MessageKind::Presence,
        }
    }
}

/// Which sockets, and how something is sent to them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct To {
    /// The members of these rooms; all if there is none.
    pub rooms: Vec<String>,
    /// Without the members of these. The id of the sender of `socket.to(..)` comes last.
    pub except: Vec<String>,
    /// How it is sent.
    pub flags: Flags,
}

/// How something is sent. Whatever else travels as flags is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// It may be lost.
    pub volatile: bool,
    /// Whether it may be compressed, if that was said.
    pub compress: Option<bool>,
    /// Milliseconds within which answers are wanted. Receivers need not care.
    pub timeout: Option<u64>,
    /// It was sent to one remote socket. Receivers need not care.
    pub single: bool,
}

/// What all nodes are asked.
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Question {
    /// The sockets, with all that is told of them.
    Fetch(To),
    /// The ids of the sockets in these rooms; of all if there is none.
    Sockets(Vec<String>),
    /// The names of all rooms, ids of sockets included.
    Rooms,
    /// The rooms of the socket of this id.
    RoomsOf(String),
    /// Whatever the application makes of it: none or one value.
    Custom(Args),
}

/// What is to be done with one socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// It joins this room.
    Join(String),
    /// It leaves this room.
    Leave(String),
    /// It is disconnected.
    Disconnect {
        /// With the connection below it.
        close: bool,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Hash)]
#[non_exhaustive]
pub enum Reply {
    /// So many clients were asked for an ack.
    Clients(u64),
    /// One client's ack.
    Ack {
        /// The socket's id. Nodes of the JavaScript packages do not tell.
        from: Option<String>,
        /// What it answered: all of it between nodes of this implementation, else the first argument alone.
        args: Args,
    },
    /// Sockets, and what is told of them.
    Sockets(Vec<Remote>),
    /// Ids of sockets. What answers [`Question::Fetch`] with no socket is the same, and read as this.
    Ids(Vec<String>),
    /// Names of rooms.
    Rooms(Vec<String>),
    /// What a server or its application said: none or one value.
    Value(Args),
    /// It was done.
    Done,
}

/// A socket of another node, as that one tells of it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Remote {
    /// Its id.
    pub id: String,
    /// The rooms it is in, the one of its id included.
    pub rooms: Vec<String>,
    /// The request it began with, as one value: an object with `headers`, `time`, `address`, `xdomain`, `secure`,
    /// `issued`, `url`, `query` and `auth`.
    pub handshake: Args,
    /// What the application has attached to it: none or one value.
    pub data: Args,
}

impl Reply {
    /// What may be read as the answer to another question than it was written for, since the wire does not tell:
    /// no socket at all.
    pub fn is_no_socket(&self) -> bool {
        match self {
            Self::Ids(ids) => ids.is_empty(),
            Self::Sockets(sockets) => sockets.is_empty(),
            Self::Clients(_) | Self::Ack { .. } | Self::Rooms(_) | Self::Value(_) | Self::Done => {
                false
            }
        }
    }
}

/// Names that clients take for no event (§17).
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Names by which servers tell their own application of clients.
const RESERVED_SERVER_SIDE: [&str; 3] = ["connect", "connection", "new_namespace"];

/// Whether no event for clients may have this name.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Whether no event for servers may have this name.
pub fn is_reserved_server_side(name: &str) -> bool {
    RESERVED_SERVER_SIDE.contains(&name)
}
