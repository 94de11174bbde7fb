//! The async half of `sio`, written once: handlers, handles, connection tasks, HTTP and WebSocket.
//!
//! It has two faces. [`app`] is what applications see: a binding (`sio-tokio`, `sio-smol`) re-exports it, and it
//! is there that they find it. [`binding`] is what the author of a binding sees. This page is for the latter, and
//! for whoever wants to know how the pieces fit.
//!
//! # How the pieces fit
//!
//! A binding accepts a stream and gives it to [`serve_stream`], or has a request from another HTTP
//! server and gives it to [`respond`]. A request that opens a session makes its task:
//!
//! ```text
//!  stream ──► HTTP (hyper) ──101──► the same task, from now on: WebSocket frames
//!                │                           │
//!                └── GET, POST ──► mailbox ──► task of one connection ◄── mailbox ◄── everybody's emits
//!                                            │
//!                      sio_core::Connection (the protocol), its timer, its handlers in flight
//! ```
//!
//! * One task owns everything of one connection. A message costs no spawn, no channel and no timer. The
//!   locks on its way are held for a few instructions, and never while code of the application's runs: that of
//!   each mailbox it is put into, and for a broadcast the namespace's, for reading, as long as it goes from
//!   member to member.
//! * A turn of the task: act on what is due; take what came by mailbox; read, and start the handlers of
//!   each event up to their first await; poll the handlers that waited; answer requests; write, and
//!   flush once.
//! * Handles ([`Io`], [`Namespace`], [`Socket`], [`To`]) hold no task: they look up who is meant and
//!   push packets, encoded once, into mailboxes. Wakers are woken when no lock is held.
//! * What the protocol demands is decided in `sio-core`, by the clock that [`Runtime::now`] tells.
//!
//! # A binding
//!
//! implements [`Runtime`] (clock, timer, spawn, random bytes), turns its streams into those of
//! `futures-io`, and calls [`accept`]. [`guide::binding`] says what both must promise, and shows one
//! that is complete.
//!
//! # From Node
//!
//! [`guide::node`] has every method of Socket.IO's server for Node on one side and ours on the other, and the
//! differences that bite.
//!
//! # Compression of WebSocket messages
//!
//! With the feature `deflate`, and `Config::per_message_deflate` set: `permessage-deflate` (RFC 7692), for
//! clients that offer it. `Socket::compress(false)` leaves a message out.
//!
//! Of the crates that have this extension, none runs on both runtimes without taking the rest of the
//! transport with it: `soketto` brings buffers of its own, `ratchet_rs` is tokio's, `yawc` always depends on
//! tokio and is under MPL; tungstenite and `fastwebsockets` have none. So the negotiation and the frames are
//! [`sio_core`]'s, and the deflate is flate2's with zlib-rs. Autobahn's sections 12 and 13 are played against both bindings.
//!
//! What it costs: nothing without the feature; with it and not agreed on, a pointer for each connection
//! and a branch for each frame. Agreed on without context takeover (the default), a message is
//! compressed by state that the connections of a thread share (a compressor holds 380 kB), a broadcast once for
//! all of them on a thread that agreed on the same, and a connection holds nothing between messages. A
//! client can make a server inflate a thousand times what it sends, up to `max_http_buffer_size` a
//! message: that limit should be no larger than it must be.
//!
//! # Metrics
//!
//! With the feature `metrics`, for whatever recorder of the [`metrics`](https://docs.rs/metrics) crate is installed before the
//! first client comes; nothing without it. What is marked with ° is said by [`Io::record_metrics`](app::Io::record_metrics), the
//! rest is counted as it happens, of all servers of the process together.
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `sio_connections` ° | gauge | `transport` (`polling`, `websocket`) | connections |
//! | `sio_sockets` °, `sio_rooms` ° | gauge | `namespace`; `(children)` for all that clients have brought into being | sockets, and rooms that somebody has joined |
//! | `sio_packets_received_total`, `sio_packets_sent_total` | counter | `transport` | packets; of what a polling client posts, what came of them: events, answers, sockets that enter and leave |
//! | `sio_bytes_received_total`, `sio_bytes_sent_total` | counter | `transport` | their bytes, before compression; of what is posted, those of the arguments |
//! | `sio_acks_outstanding` | gauge | | emits that wait for a client's answer |
//! | `sio_acks_timed_out_total` | counter | | those that had none in time |
//! | `sio_ack_seconds` | histogram | | to the answer, from when the connection's task takes up the emit |
//! | `sio_backlog_bytes` °, `sio_backlog_most_bytes` ° | gauge | | what waits to be written: of all, of the slowest client |
//! | `sio_ready_waits` ° | gauge | | those that wait for room, or until something has left |
//! | `sio_refused_total` | counter | `reason`: the words of the refusal, or of its status, or `namespace` | requests, and clients that a namespace did not let in |
//! | `sio_recoveries_total` ° | counter | `result` (`recovered`, `refused`, `lost`, `expired`) | sessions that were kept, in the namespaces that there are |
//! | `sio_heartbeat_seconds` | histogram | | from a ping to its pong (clients of revision 4) |
//! | `sio_turn_seconds` | histogram | | how long a connection's task runs before others may |
//!
//! Of a cluster (the feature `cluster`), where the recorder is there before the server joins; each has the label `dialect`:
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `sio_cluster_up` | gauge | | servers that reach their broker |
//! | `sio_cluster_connections_total` | counter | | how often one was reached |
//! | `sio_cluster_outage_seconds` | histogram | | how long it was away |
//! | `sio_cluster_round_trip_seconds` | histogram | | to its answer, where a broker asks by itself |
//! | `sio_cluster_messages_received_total`, `sio_cluster_messages_sent_total` | counter | `type`: [`MessageKind`](cluster::message::MessageKind) | messages of other nodes, and for them |
//! | `sio_cluster_bytes_received_total`, `sio_cluster_bytes_sent_total` | counter | | bytes of all that was read, whoever it was for, and of what was published |
//! | `sio_cluster_ignored_total` | counter | `reason`: `own`, `room` (nobody is in it here), `namespace` (it is another's), `foreign`, `late`, or what is wrong with it | messages that were not acted on |
//! | `sio_cluster_questions` | gauge | | questions that wait for answers |
//! | `sio_cluster_questions_total` | counter | `result` (`complete`, `partial`, `timeout`, `unreachable`) | those that are over |
//! | `sio_cluster_question_seconds` | histogram | | to their end |
//! | `sio_cluster_silent_nodes_total` | counter | | nodes that have not answered them |
//! | `sio_cluster_subscriptions` | gauge | | channels that are listened to |
//! | `sio_cluster_buffered_bytes` | gauge | | what waits for the broker |
//! | `sio_cluster_dropped_total` | counter | | messages for others that had to go |
//! | `sio_cluster_limits_total` | counter | `limit` | how often a limit was met |
//! | `sio_cluster_gaps_total` | counter | | gaps in streams |
//! | `sio_cluster_lag_seconds` | histogram | | how old an entry of a stream is when it is read, by the clocks of the broker and of this machine |
//!
//! # Spans and events
//!
//! With the feature `tracing`; nothing without it.
//!
//! | level | name | fields |
//! |---|---|---|
//! | span, info | `connection` | `sid` (four characters of it), `transport`, `remote` |
//! | error | `handler panicked`, `hook panicked`, `parser panicked`, `adapter panicked`, `data panicked` (what was given to `set_data`), `connection panicked` (a fault of this crate's), `client panicked` and `cluster link panicked` (that, or of a stream or a broker of the application's), `cannot accept` | `socket`, `namespace`, `event`, `why` |
//! | warn | `not written` (by a parser of the application's own: a broadcast from another node, and, once, the answer to a CONNECT); a request from another origin with cookies while `origins` is any, once | |
//! | warn | of a cluster: `broker lost`, `another cluster dialect` (once), `cluster stream cut`, `cluster limit met`, `not told to other nodes`, `not asked` | `namespace`, `why`, .. |
//! | debug | of a cluster: `broker reached`, `odd cluster message`, `not answered` | `namespace`, `why` |
//! | debug | `handshake failed`, `handshake took too long`, `session opened`, `upgraded`, `session closed`, `websocket closed`, `websocket broken`, `socket connected`, `socket disconnected`, `namespace refused`, `packet refused`, `not written` (the refusal of a packet), `event refused`, `handler failed`, `no handler`, `request refused`, `not admitted in time`, `not let on in time`, `no session id`, `backlog full`, `handler dropped` | what a client did |
//! | trace | `received`, `sent`, `event` | the packets |
//! | trace | `left behind` | `account`: what a connection held when its session closed, part by part, with the limit of each |
//!
//! What a client can cause is never above `debug`, and no content of packets above `trace`. Ids of sockets that
//! are computed from a session's secret one, as clients of revision 4 do, are cut after four characters of that.
//!
//! Where nobody hears these events (the feature is off, there is no subscriber, or one that leaves `debug` out)
//! and there is no [`Io::on_error`] either, handlers must not fail in silence: the first failure of its kind in
//! an event, and of each kind in 16 events at most, is told on stderr. A client can cause no more lines than
//! these, and none of what it sent is in them but names of events, cut, and what an application's own errors
//! repeat. [`guide::not_called`] has the rest.

pub mod adapter;
mod alarm;
pub mod app;
pub mod binding;
pub mod client;
#[cfg(feature = "cluster")]
pub mod cluster;
pub mod contract;
#[doc(hidden)]
pub mod deadlines;
mod endpoint;
mod error;
mod event;
pub mod guide;
mod handle;
mod handler;
mod listeners;
mod log;
mod look;
mod mailbox;
mod metrics;
mod runtime;
mod scratch;
mod serve;
mod sync;
mod system_clock;
mod task;
mod websocket;

#[cfg(doc)]
use app::{Io, Namespace, Socket, To};
#[cfg(doc)]
use binding::{Runtime, accept, respond, serve_stream};
