//! What a client was told, written down, and played again.
//!
//! The same for a whole [client](super::Connection), with all its connections one after the other, as
//! [`record`](crate::record) is for one connection of a server: a [`Taped`] client writes what it is told to a log, and
//! a [`Replay`] plays that to the same bytes. Where it begins is all that chance decides: the seed is in the log.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sio_core::client::record::{Log, Output, Replay, Taped};
//! use sio_core::client::{Auth, Config, Dial, Work};
//! use sio_core::engine::Message;
//! use sio_core::time::Instant;
//!
//! let (now, config) = (Instant::ORIGIN, Arc::new(Config::v4()));
//! let (dial, namespace) = Dial::parse("ws://example.com/chat?token=secret").unwrap();
//! let mut client = Taped::<()>::recorded(now, config, dial, [7; 16], 1 << 20).unwrap();
//! let socket = client.socket(&namespace, Auth::None).unwrap();
//! client.open(now, socket);
//! let Some(Work::OpenWebSocket { id, .. }) = client.poll_work() else { panic!("it dials") };
//! client.handle_ws_open(now, id, Ok(()));
//! let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
//! client.handle_ws(now, id, Message::Text(open.into()));
//! while client.poll_ws(id).is_some() {}
//!
//! let log = Log::read(client.take_log())?.redact()?;
//! let mut replay = Replay::new(log)?;
//! let mut requests = Vec::new();
//! while let Some(played) = replay.forward() {
//!     assert!(played.same);
//!     if let Output::Work(Work::OpenWebSocket { request, .. }) = played.output {
//!         requests.push(request.uri().to_string());
//!     }
//! }
//! assert_eq!(requests, ["http://xxxxxxx.xxx/socket.io/?token=xxxxxx&EIO=4&transport=websocket"]);
//! assert!(replay.back());
//! # Ok::<(), sio_core::record::LogError>(())
//! ```

mod field;
mod input;
mod log;
mod paper;
mod redact;
mod replay;
mod sum;
mod taped;
#[cfg(test)]
mod tests;

pub use input::Input;
pub use log::Log;
pub use replay::{Output, Played, Replay};
pub use taped::Taped;

#[doc(no_inline)]
pub use crate::record::{LogError, ParserKind, Step};
