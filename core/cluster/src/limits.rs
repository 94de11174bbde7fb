//! What a message may hold.

/// What a message of another node may hold. Its bytes are counted before it is read and its levels while it is; the
/// rest is checked before a [`Message`](crate::message::Message) is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. Default: 10 000 000.
    pub message: usize,
    /// Levels of nesting in one message. Default: 64.
    pub depth: usize,
    /// Rooms in one list of them. Default: 10 000.
    pub rooms: usize,
    /// Bytes of a room's name, or of a socket's id. Default: 4 096.
    pub room_name: usize,
    /// Sockets in one answer, or names of rooms. Default: 100 000.
    pub sockets: usize,
    /// Members of one object of a message, what applications send left out. Default: 64.
    pub members: usize,
    /// Bytes of the name of a node or of a question. Default: 256.
    pub id: usize,
    /// Bytes of an event's name. Default: 1 024.
    pub name: usize,
    /// Arguments of one event or answer. Default: 256.
    pub arguments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 10_000_000,
            depth: 64,
            rooms: 10_000,
            room_name: 4096,
            sockets: 100_000,
            members: 64,
            id: 256,
            name: 1024,
            arguments: 256,
        }
    }
}
