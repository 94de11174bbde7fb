//! Engine.IO and Socket.IO as pure, deterministic state machines.
//!
//! Nothing here does IO, reads a clock or a source of randomness, locks, wakes, spawns or logs. What
//! happened goes in, together with the time; what has to be done about it comes out. The same inputs
//! give the same outputs, bit for bit, so that a server can be fuzzed, replayed and simulated with the
//! very code that runs in production.
//!
//! `sio-tokio` is a server made of this. Use the core by itself to bring Socket.IO to a runtime of your
//! own, to an event loop, or into a test.
//!
//! # The pieces
//!
//! | | |
//! |---|---|
//! | [`engine::Acceptor`] | reads the head of a request and says where it goes: configuration only, shared by all |
//! | [`engine::Exchange`] | a request that was let in, and is answered exactly once |
//! | [`engine::Session`] | one Engine.IO client: transports, queue, heartbeat, upgrade, close |
//! | [`connection::Connection`] | a session and the sockets on it: namespaces, packets, attachments, acks |
//! | [`admission::Admission`] | how many sessions, pending ones and handshakes there are, and who is let in |
//! | [`namespaces::Namespaces`] | which namespaces can be asked for, by name or as children of parents, and how many |
//! | [`rooms::Rooms`] | who is in which room of a namespace, and whom a broadcast is for |
//! | [`recovery::Recovery`] | what sockets that were cut off have missed, and who comes back as which |
//! | [`once::Once`] | which events were handled already that clients send until they are answered |
//! | [`websocket`] | frames of WebSockets read and written |
//! | [`packet`] | packets written and read, by a parser of the application's own if it likes ([`packet::parser`]); [`packet::Args`] are arguments, [`packet::Encoded`] is what goes out |
//! | [`client::Connection`] | the other end: it dials, upgrades, dials again, and keeps what is to be said meanwhile |
//! | [`record`] | what a connection was told, written to a log, and played again to the same bytes |
//! | [`server::Server`] | all of it wired up for a single thread: begin with its example |
//!
//! A machine is a value with four kinds of methods: `handle_*` tells it what happened, verbs ask it for
//! something, `poll_*` takes what it wants done, the rest only looks. All are legal in every state and
//! at any time. A peer's misbehaviour is never an `Err`: it becomes the protocol's own answer, and the
//! reason of a close. What must be answered once is a ticket that can be used once, and if it is never
//! used a deadline answers. (Not for an [`AckTicket`](socket::AckTicket): that an event's ack may stay
//! unanswered is the protocol's own way, and its sender's timeout.)
//!
//! # Embedding it in a runtime
//!
//! For one client, in a loop:
//!
//! 1. read what there is (requests, WebSocket messages) and hand it in with the time;
//! 2. call `handle_timeout` if the time of `poll_timeout` has come;
//! 3. drain `poll_event`, running whatever the application wants to do about each;
//! 4. drain `poll_http`, and `poll_ws` while the WebSocket takes more; write, flush once,
//!    `handle_ws_flushed`; back to 3 if something came out;
//! 5. sleep until there is something to read, a command from elsewhere, or `poll_timeout`.
//!
//! Time never goes backwards inside: a machine keeps the latest it was told. Ids are made of bytes that
//! you pass in; take them from a cryptographic source.
//!
//! # What is kept for a peer
//!
//! | what | bounded by | ends with |
//! |---|---|---|
//! | packets that wait to be written, and answers until they are ([`handle_unwritten`](engine::Session::handle_unwritten)) | `max_backlog_bytes`, `max_backlog_packets` | `write_timeout`, the session |
//! | a request that waits | one GET, one POST | its answer, the session |
//! | a POST that is not read on, while handlers have enough to do ([`pause`](engine::Session::pause)) | one, of `max_http_buffer_size` | `pause_timeout`, the session |
//! | a packet that waits for attachments, or for more messages of a parser of the application's own (which are kept beside what its decoder makes of them) | `max_attachments`, `max_binary_packet` | `packet_timeout`, the connection |
//! | namespaces, joined or asked for | `max_namespaces_per_connection` | `middleware_timeout`, leaving, the connection |
//! | children among namespaces, that clients have named | `max_child_namespaces`, `max_child_namespaces_per_connection` | their last socket |
//! | credentials, as counted here and kept by the caller | `max_auth_bytes` | leaving, the connection |
//! | names of namespaces that were left | `max_namespaces_per_connection` | the connection |
//! | acks that wait | `max_pending_acks` a socket | the answer, its timeout, the socket |
//! | rooms | `max_rooms_per_socket` | leaving, the socket |
//! | a WebSocket that wants to take over | one | `upgrade_timeout`, the session |
//! | a session that was cut off | `max_kept_sessions` | coming back, `max_disconnection_duration` |
//! | packets that it may have missed | `max_kept_packets`, `max_kept_bytes` | `max_disconnection_duration`, nobody who could need them |
//! | an event that is handled once | `max_once_events`, `max_once_events_per_socket` | `once_duration` |
//! | its answer | `max_once_bytes` | `once_duration` |
//! | packets that are [looked at](engine::Session::observe) | `max_backlog_packets` | [`poll_seen`](engine::Session::poll_seen), the session |
//! | its log, if it is [recorded](record) | what the caller lets it take | the connection; of [`Server`](server::Server) [`poll_log`](server::Server::poll_log), or 64 others |
//! | the session itself | `max_sessions`, `max_pending_sessions` | the heartbeat, `connect_timeout`, `close_timeout` |
//!
//! [`config::Config`] has all of them, with units and defaults. The sections that the documentation
//! cites (§) are those of `PROTOCOL.md` beside this crate's manifest.

#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, reason = "tests may panic")
)]

pub mod admission;
mod arena;
pub mod client;
pub mod config;
pub mod connection;
pub mod deadline;
pub mod details;
mod digest;
pub mod engine;
pub mod http;
pub mod id;
mod json;
pub mod message;
#[cfg(feature = "msgpack")]
pub mod msgpack;
pub mod namespaces;
pub mod once;
pub mod packet;
pub mod protocol;
pub mod record;
pub mod recovery;
pub mod rooms;
pub mod server;
pub mod socket;
pub mod time;
pub mod waves;
pub mod websocket;
