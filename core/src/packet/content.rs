//! What a packet says, and how much it may say.

use bytestring::ByteString;

use super::{Args, DEEPEST, Name};

/// What a packet may hold. All of it is checked before anything is stored or built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub attachments: usize,
    /// Bytes of the attachments of one packet together.
    pub binary: usize,
    /// Levels of nesting in one argument; never more than [`DEEPEST`](super::DEEPEST).
    pub depth: usize,
    /// Arguments of one event or ack.
    pub arguments: usize,
    /// Bytes of an event's name.
    pub name: usize,
    /// Bytes of a namespace's name; the query that revision 4 writes behind it in a CONNECT is not
    /// counted.
    pub namespace: usize,
}

impl Limits {
    /// Those of what was written here.
    pub(super) const NONE: Self = Self {
        attachments: usize::MAX,
        binary: usize::MAX,
        depth: DEEPEST,
        arguments: usize::MAX,
        name: usize::MAX,
        namespace: usize::MAX,
    };
}

impl Default for Limits {
    /// 10 attachments, 10 MB, 128 levels, 256 arguments, 1 024 and 256 bytes.
    fn default() -> Self {
        Self {
            attachments: 10,
            binary: 10_000_000,
            depth: 128,
            arguments: 256,
            name: 1024,
            namespace: 256,
        }
    }
}

/// A packet as it arrived.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Packet {
    /// Its namespace, `/` if the packet names none.
    pub namespace: ByteString,
    /// What it says.
    pub content: Content,
}

impl Packet {
    /// The same packet without its hold on what it was read from, for one that waits for attachments.
    pub(super) fn detached(self) -> Self {
        let copy = |text: ByteString| ByteString::from(&*text);
        let content = match self.content {
            Content::Event { id, call } => Content::Event {
                id,
                call: call.map(|Call { name, args }| Call {
                    name,
                    args: args.detached(),
                }),
            },
            Content::Ack { id, args } => Content::Ack {
                id,
                args: args.detached(),
            },
            other @ (Content::Connect { .. }
            | Content::Disconnect
            | Content::ConnectError { .. }) => other,
        };
        Self {
            namespace: copy(self.namespace),
            content,
        }
    }
}

/// What a packet says, by its type.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Content {
    /// A client asks for the namespace. In revision 5 perhaps with credentials: the text of a JSON
    /// object. In revision 4 they stand behind a `?` in the namespace's name (§16.2).
    Connect {
        /// The payload, checked JSON; `None` if there was none. In revision 4 it means nothing.
        payload: Option<ByteString>,
    },
    /// Either side leaves the namespace.
    Disconnect,
    /// An event, whole, its attachments included.
    Event {
        /// The id under which the sender waits for an answer.
        id: Option<u64>,
        /// Name and arguments. `None`: the packet had no payload, and there is nothing to dispatch.
        call: Option<Call>,
    },
    /// An answer, whole, its attachments included.
    Ack {
        /// The id that it answers. `None`: nobody can be waiting for it.
        id: Option<u64>,
        /// What it answers with.
        args: Args,
    },
    /// The server refuses the namespace; in revision 4 an error of either side.
    ConnectError {
        /// The payload, checked JSON (an object or a string; in revision 4 also an array or `null`);
        /// `None` if there was none.
        payload: Option<ByteString>,
    },
}

/// An event's name and arguments.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Call {
    /// The name; a number is given by its digits.
    pub name: Name,
    /// The arguments behind the name.
    pub args: Args,
}
