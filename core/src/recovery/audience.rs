//! Whom something was said to.

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::id::SocketId;

/// Whom a packet is for that many may get.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Audience {
    /// Rooms whose members are meant. `None`: everybody in the namespace.
    pub(super) rooms: Option<SmallVec<[CompactString; 1]>>,
    /// Rooms whose members are left out.
    pub(super) except: SmallVec<[CompactString; 1]>,
    /// Who says it, and is not to hear it.
    pub(super) sender: Option<SocketId>,
}
