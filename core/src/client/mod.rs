//! The other end: a client of Engine.IO and Socket.IO, without IO (§13, §21, §23).
//!
//! A [`Connection`] is a whole client. It dials by polling with an upgrade, or by WebSocket alone; dials again
//! when the connection is lost; carries any number of namespaces; keeps what is emitted meanwhile, asks for
//! answers and answers, and recovers what it missed. Below it a [`Session`] is one connection of Engine.IO,
//! usable by itself. Requests and WebSockets are data: what is to be done comes out as [`Work`] and [`WsOut`],
//! and what came of it goes in.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sio_core::client::{Auth, Config, Connection, Dial, Event, Work, WsOut};
//! use sio_core::engine::{Flags, Message};
//! use sio_core::packet::{self, Part};
//! use sio_core::time::Instant;
//!
//! let now = Instant::ORIGIN;
//! let (dial, namespace) = Dial::parse("ws://localhost:3000/chat").unwrap();
//! let config = Arc::new(Config::v4());
//! let mut client: Connection<&str> = Connection::new(config, dial, [7; 16]).unwrap();
//! let socket = client.socket(&namespace, Auth::None).unwrap();
//! client.open(now, socket);
//!
//! // It wants a WebSocket, by this request.
//! let Some(Work::OpenWebSocket { id, request }) = client.poll_work() else { panic!("it dials") };
//! assert_eq!(request.uri(), "http://localhost:3000/socket.io/?EIO=4&transport=websocket");
//! client.handle_ws_open(now, id, Ok(()));
//! let mut sent = |client: &mut Connection<&str>| match client.poll_ws(id) {
//!     Some(WsOut::Frame { part: Part::Text(text), .. }) => String::from_utf8(text.to_vec()).unwrap(),
//!     other => format!("{other:?}"),
//! };
//!
//! // The server opens the session, the client asks for its namespace. What it says before it is in is kept.
//! let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
//! client.handle_ws(now, id, Message::Text(open.into()));
//! assert_eq!(sent(&mut client), "40/chat,");
//! let ack = client.draw_ack_id(socket).unwrap();
//! let packet = packet::event("/chat", Some(ack), "say", "hi").unwrap();
//! client.request(now, socket, ack, packet, Flags::default(), "said", None).unwrap();
//! assert_eq!(client.poll_ws(id), None);
//! client.handle_ws(now, id, Message::Text(r#"40/chat,{"sid":"b"}"#.into()));
//! assert_eq!(sent(&mut client), r#"42/chat,0["say","hi"]"#);
//!
//! // It is answered.
//! client.handle_ws(now, id, Message::Text("43/chat,0[true]".into()));
//! let Some(Event::Opened { .. }) = client.poll_event() else { panic!("a connection") };
//! let Some(Event::Connected { .. }) = client.poll_event() else { panic!("it is in") };
//! let Some(Event::Acked { token, answer, .. }) = client.poll_event() else { panic!("an answer") };
//! assert_eq!((token, answer.unwrap().decode::<bool>().unwrap()), ("said", true));
//!
//! // The server pings, and is answered. If it does not, that is the end of the connection.
//! client.handle_ws(now, id, Message::Text("2".into()));
//! assert_eq!(sent(&mut client), "3");
//! client.handle_ws_flushed(now, id);
//! let due = client.poll_timeout().unwrap();
//! client.handle_timeout(due.at);
//! let Some(Event::Pinged) = client.poll_event() else { panic!("a ping") };
//! let Some(Event::Disconnected { reason, active: true, .. }) = client.poll_event() else {
//!     panic!("it is lost")
//! };
//! assert_eq!(reason.as_str(), "ping timeout");
//! let Some(Event::Waiting { attempt: 1, .. }) = client.poll_event() else { panic!("it will dial") };
//! ```
//!
//! # What is kept for a server
//!
//! | what | bounded by | ends with |
//! |---|---|---|
//! | the first dial, or one after another | | `connect_timeout`, for each |
//! | a namespace that was asked for | `max_namespaces` | `connect_timeout`, the connection |
//! | events from before a namespace is entered | `max_waiting_bytes` | entering, the connection |
//! | packets that wait to be sent | `max_backlog_bytes`; as much again for answers | `write_timeout`, `request_timeout`, the connection |
//! | packets while a socket is away | `max_offline_packets`, `max_offline_bytes` | entering, `clear_offline`, their acks' timeouts |
//! | emits that are repeated | `max_offline_packets`, `max_offline_bytes` | their answers, their tries, `clear_retries` |
//! | a socket's first word | one a socket | being said, `connect_timeout` |
//! | acks that wait | `max_pending_acks` a socket | the answer, its timeout, the connection |
//! | those who wait for what was emitted to have left | `max_pending_acks` | its having left, [`Connection::take_forsaken`], the connection |
//! | a packet that waits for attachments | `limits` | `packet_timeout`, the connection |
//! | a WebSocket that is to take over | one | `upgrade_timeout` |
//! | connections that are being closed | 4 | `close_timeout` |
//! | cookies | `max_cookies` | their own times |
//! | the connection itself | | the heartbeat |

mod backoff;
mod config;
mod connection;
mod cookies;
mod dial;
mod draws;
mod event;
mod flushes;
mod handshake;
mod namespaces;
mod offline;
mod proxies;
mod proxy;
mod pulse;
mod reason;
pub mod record;
mod retries;
mod said;
mod session;
mod setters;

pub use backoff::Backoff;
pub use config::{Config, ConfigError, OfflinePolicy};
pub use connection::{Connection, Network, SocketState, Status, Unavailable};
pub use dial::{Dial, UrlError};
pub use event::{AckTicket, AuthTicket, DialTicket, EntryTicket, Event, Work, WsOut};
pub use namespaces::Auth;
pub use proxies::{Proxies, ProxyVariableError};
pub use proxy::{Proxy, ProxyRefused, Target, Tunnel};
pub use reason::{ConnectError, DisconnectReason, Failure, TransportError};
pub use session::{Session, SessionEvent};
