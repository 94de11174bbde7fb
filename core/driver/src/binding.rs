//! What the author of a binding sees, beside [what applications do](crate::app).
//!
//! [`guide::binding`](crate::guide::binding) says what both sides promise.

pub use crate::app::{Remote, Server, respond};
pub use crate::look::is_looking;
pub use crate::runtime::{Runtime, Sleep, Stream};
pub use crate::serve::{accept, establish, serve_stream};

pub use bytes::Bytes;
pub use http;
pub use sio_core::time::Instant;

/// The clock of the system in the core's terms, for bindings whose runtime tells the time by it.
pub mod system_clock {
    pub use crate::system_clock::{from_std, to_std};
}
