//! JSON by itself: checked and taken apart, read as serde types, written from them.
//!
//! Text is checked once, by a [`scan`] that builds nothing; what passed is sliced, kept as it is, and
//! read without looking at the grammar again. Bytes stand in it as objects ([`placeholder`]) that
//! name one of the attachments beside it. Nothing here knows of packets.

mod binary;
mod cursor;
mod de;
mod decimal;
mod error;
mod key;
mod mismatch;
mod number;
mod placeholder;
mod raw;
mod scan;
mod ser;
mod string;
mod value;

pub use error::{JsonError, Mismatch};
pub use number::Number;
pub use raw::Raw;
pub use scan::DEEPEST;
pub use value::{Map, Value};

pub(crate) use binary::Binary;
pub(crate) use cursor::Cursor;
pub(crate) use de::read;
pub(crate) use error::{PlaceholderError, Unwritten, not_written};
pub(crate) use placeholder::{PLACEHOLDER, placeholders};
pub(crate) use scan::{Shape, array, check, element, skip};
pub(crate) use ser::Json;
pub(crate) use string::{push_quoted, string, unescape};
