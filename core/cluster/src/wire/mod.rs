//! The two notations that messages come in, JSON and msgpack, read and written by the same code.
//!
//! What arrives is a [`Tree`](tree::Tree) over either; what leaves is said once, as [`Out`](out::Out), and
//! written as either.

pub(crate) mod json;
mod odd;
pub(crate) mod out;
pub(crate) mod tree;

pub use odd::{EncodeError, Odd};
