//! msgpack, with the uses that `notepack.io` and `@msgpack/msgpack` have for its ext types.

mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::{list, map, number, text, value};
