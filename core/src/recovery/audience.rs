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

impl Audience {
    /// What it takes.
    pub(super) fn size(&self) -> usize {
        let names = self.rooms.iter().flatten().chain(&self.except);
        names.fold(size_of::<Self>(), |sum, name| {
            let text = if name.is_heap_allocated() {
                name.len()
            } else {
                0
            };
            sum.saturating_add(size_of::<CompactString>())
                .saturating_add(text)
        })
    }
}
