//! msgpack by itself, with the uses that the packages of JavaScript have for its ext types; with the feature
//! `msgpack`.
//!
//! `notepack.io` and `@msgpack/msgpack` write what JavaScript has and msgpack has not: `undefined`, which is no
//! member of an object and `null` elsewhere, and moments, which are read as the text that JSON has for them.
//! Other ext types mean nothing to clients and are read as `null`. Numbers are names of members as JavaScript
//! writes them.
//!
//! Nothing recurses. What arrives is looked through to its end before anything is made of it: how deep it nests
//! is known then, and what is missing or stands behind it.

mod date;
mod number;
mod read;
mod reader;
#[cfg(test)]
pub(crate) mod values;
mod write;

pub use read::read;
pub use reader::Unreadable;
pub use write::{TooLong, list, map, number, text, value};

pub(crate) use date::iso;
pub(crate) use reader::{Reader, Token, Visit};
