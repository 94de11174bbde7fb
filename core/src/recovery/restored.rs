//! What a claim gives back, or why it does not.

use compact_str::CompactString;

use crate::id::SocketId;
use crate::message::Encoded;

use super::offset::Pid;
use super::session::Holder;

/// A session that has come back.
#[derive(Clone, Debug)]
pub struct Restored<D> {
    /// Who has it now.
    pub holder: Holder,
    /// The id of its socket, as before.
    pub id: SocketId,
    /// Its private id, as before.
    pub pid: Pid,
    /// The rooms that it is in, its own among them.
    pub rooms: Vec<CompactString>,
    /// What its client has missed, in order: to be sent before anything else.
    pub missed: Vec<Encoded>,
    /// What was kept with it. `None`: another socket has it still, and is to give way.
    pub data: Option<D>,
}

/// Why a session is not restored. Its client comes as a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unrestored {
    /// There is none of this private id, or the offset is none that it was told.
    Unknown,
    /// It was restored from there, or from further on, already.
    Used,
    /// What its client has missed is not there any more, or more than may wait for it.
    Lost,
}
