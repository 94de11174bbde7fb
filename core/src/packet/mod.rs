//! Socket.IO packets: how they are written, read, and taken apart into arguments (§14, §15).

mod encoded;

pub use encoded::{Encoded, Part};
