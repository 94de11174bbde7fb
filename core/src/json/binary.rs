//! The bytes that belong to a text.

use bytes::Bytes;
use smallvec::SmallVec;

/// What a packet has beside its text.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Binary {
    pub(crate) attachments: SmallVec<[Bytes; 1]>,
    /// Where in the elements an object stands for an attachment, and for which; in order.
    pub(crate) placeholders: Vec<(usize, usize)>,
}
