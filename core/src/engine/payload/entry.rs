//! What both framings of revision 3 have: places that may be empty, and lengths.

use crate::engine::{Packet, PacketError};

/// What stands at one place of a body; `None`: there is a place, and nothing in it. Whoever reads it says
/// where the next begins, if there is one.
pub(super) type Entry = Result<Option<Packet>, PacketError>;

/// No length has more digits: it would be over every limit of a body.
pub(super) const MAX_DIGITS: usize = 9;
