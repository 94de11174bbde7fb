//! What a connection was told, written down, and played again.
//!
//! A [`Connection`](crate::connection::Connection) is a function of what it is told: its inputs with their times, the
//! random bytes of its ids, and what the application has decided. A [`Recorded`] one writes all of that to a log, and a
//! [`Replay`] plays it to the same bytes, step by step, forwards and backwards. So what has gone wrong in production
//! once is one file, that says everything of it. [`Log::redact`] takes out what was said, and leaves how long it was.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sio_core::config::Config;
//! use sio_core::engine::{Eio, Message, Opened, TransportKind};
//! use sio_core::id::Sid;
//! use sio_core::record::{Log, Output, Recorded, Replay};
//! use sio_core::time::Instant;
//!
//! let opened = Opened { transport: TransportKind::WebSocket, revision: Eio::V4, base64: false };
//! let (now, sid, config) = (Instant::ORIGIN, Sid::from_random([7; 15]), Arc::new(Config::v4()));
//! let codec = config.parser.clone();
//! let mut connection = Recorded::<()>::open(now, sid, opened, config, &codec, 1 << 20);
//! while connection.poll_ws().is_some() {}
//! connection.handle_ws(now, Message::Text("40{\"token\":\"secret\"}".into()));
//! while connection.poll_event(now).is_some() {}
//!
//! let file = connection.take_log();
//! let log = Log::read(file)?.redact()?;
//! let mut replay = Replay::new(log)?;
//! let mut events = 0;
//! while let Some(played) = replay.forward() {
//!     assert!(played.same);
//!     events += usize::from(matches!(played.output, Output::Event(_)));
//! }
//! assert_eq!(events, 1);
//! assert!(replay.back());
//! # Ok::<(), sio_core::record::LogError>(())
//! ```

pub(crate) mod field;
pub(crate) mod input;
mod log;
mod options;
mod paper;
mod recorded;
mod redact;
mod replay;
mod sum;
mod tape;
#[cfg(test)]
mod tests;
mod track;
pub(crate) mod words;

pub use input::Input;
pub use log::{Log, LogError, Step};
pub(crate) use log::{read, write};
pub use options::ParserKind;
pub use recorded::Recorded;
pub(crate) use redact::{redact_packet, zeros};
pub use replay::{Output, Played, Replay};
pub(crate) use sum::{Sum, of_frame};
pub(crate) use tape::{Lead, Tape};
pub(crate) use track::{Plays, Track};
