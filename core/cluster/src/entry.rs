//! Places in a stream: the ids of its entries.

pub use sio_core::recovery::{NoPlace as NoEntryId, Place as EntryId};
