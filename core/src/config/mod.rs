//! What a server is told before it starts.

mod backlog;
mod client_files;
mod compression;
mod cookie;
mod cors;
mod defaults;
mod deflate;
mod error;
mod once;
mod origins;
mod parsers;
mod recovery;
mod serving;
mod setters;
mod socket_ids;
mod sound;
mod transports;

pub use backlog::BacklogPolicy;
pub(crate) use client_files::ClientFile;
pub use client_files::ClientFiles;
pub use compression::HttpCompression;
pub use cookie::{Cookie, SameSite};
pub use cors::{Cors, CorsDelegate, CorsOrigin};
pub(crate) use cors::{CorsAnswer, CorsPolicy};
pub use deflate::PerMessageDeflate;
pub(crate) use deflate::{NARROWEST, WIDEST};
pub use error::ConfigError;
pub use once::ExactlyOnce;
pub(crate) use origins::{AllowedOrigins, Site, default_port, split_port};
pub use origins::{OriginCheck, Origins};
pub use parsers::Parsers;
pub use recovery::ConnectionStateRecovery;
pub use serving::Serving;
pub use socket_ids::SocketIds;
pub use transports::Transports;

use std::time::Duration;

use crate::message::Message;
use crate::packet::Codec;

/// Everything about a server that can be chosen: paths, times, limits, what HTTP answers carry.
///
/// [`Config::v2`] has the habits of Socket.IO 2.x and is the default, [`Config::v4`] has those of 4.x. New
/// servers begin with the latter, unless browsers that only have a client of 2.x are to be served; both have
/// the same limits. Every buffer, table and wait has one here. Durations must not be zero, nor longer than a
/// hundred years; each limit has a most of its own, beyond which [`validate`](Self::validate) does not let it
/// go.
///
/// Those that are met first:
///
/// | to | option |
/// |---|---|
/// | serve under another path | [`path`](Self::path) |
/// | let the pages of another site in | [`cors`](Self::cors), and [`origins`](Self::origins) to keep others out |
/// | let clients of 2.x in | [`allow_eio3`](Self::allow_eio3), or [`v2`](Self::v2) |
/// | take larger messages | [`max_http_buffer_size`](Self::max_http_buffer_size), [`max_attachments`](Self::max_attachments) |
/// | bear with slow readers | [`max_backlog_bytes`](Self::max_backlog_bytes), [`backlog_policy`](Self::backlog_policy), [`max_ready_waits`](Serving::max_ready_waits) |
/// | miss a client sooner | [`ping_interval`](Self::ping_interval), [`ping_timeout`](Self::ping_timeout) |
/// | do without polling, or without WebSockets | [`transports`](Self::transports) |
/// | bound what handlers that wait hold | [`max_running_handlers`](Serving::max_running_handlers), [`max_running_bytes`](Serving::max_running_bytes), [`departed_timeout`](Serving::departed_timeout) |
/// | stand behind a proxy or a balancer | [`trust_forwarded_host`](Self::trust_forwarded_host), [`keep_alive_timeout`](Serving::keep_alive_timeout), [`cookie`](Self::cookie) to find one's node |
/// | take many clients at once | [`listen_backlog`](Serving::listen_backlog), [`max_pending_sessions`](Self::max_pending_sessions) |
/// | serve devices and old clients | [`allow_missing_eio`](Self::allow_missing_eio), [`websocket_protocols`](Self::websocket_protocols), [`invalid_namespace_as_object`](Self::invalid_namespace_as_object), [`open_packet_apart`](Serving::open_packet_apart) |
/// | be reached in a private network | [`Cors::private_network`] |
/// | handle an event once that clients send until it is answered | [`exactly_once`](Self::exactly_once), and `Namespace::exactly_once` of `sio-driver` |
/// | give clients back what they missed while they were cut off | [`connection_state_recovery`](Self::connection_state_recovery) |
/// | bound namespaces that clients name | [`max_child_namespaces`](Self::max_child_namespaces), [`cleanup_empty_child_namespaces`](Self::cleanup_empty_child_namespaces) |
/// | serve clients that have another parser beside those that have none | [`parsers`](Self::parsers) |
/// | compress | [`http_compression`](Self::http_compression), [`per_message_deflate`](Self::per_message_deflate) |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where the server is mounted, by whole segments of the path: `/socket.io`.
    pub path: String,
    /// The transports that clients may use.
    pub transports: Transports,
    /// Whether clients of revision 3 are let in, besides those of revision 4; else they are refused with
    /// error 5 (§1). `true`, in 4.x `false`.
    ///
    /// Their sockets have ids that are computed from the session's secret one: see
    /// [`SocketId`](crate::id::SocketId) before such ids are told to other clients.
    #[doc(alias = "allowEIO3")]
    pub allow_eio3: bool,
    /// The sites whose pages may connect.
    pub origins: Origins,
    /// CORS headers on every answer, if any.
    pub cors: Option<Cors>,
    /// What chooses them for each request, in place of [`cors`](Self::cors). `None`.
    pub cors_delegate: Option<CorsDelegate>,
    /// A cookie for sticky load balancers, if any.
    pub cookie: Option<Cookie>,
    /// From one pong to the next ping: 25 s (§11).
    #[doc(alias = "pingInterval")]
    pub ping_interval: Duration,
    /// How long a ping may stay unanswered: 60 s, in 4.x 20 s. Past it the session closes with
    /// `ping timeout`.
    #[doc(alias = "pingTimeout")]
    pub ping_timeout: Duration,
    /// Bytes of a polling body, and of a WebSocket message: 1 000 000, 1 GiB at most. Past it 413 or close code
    /// 1009, and the session closes with `transport error`. Clients are told it as `maxPayload`.
    #[doc(alias = "maxHttpBufferSize")]
    pub max_http_buffer_size: usize,
    /// Attachments of one packet: 10, 2²⁰ at most. Past it the connection is closed. With a
    /// [`parser`](Self::parser) of the application's own: messages of one packet after its first.
    pub max_attachments: usize,
    /// Bytes that wait to be written to one client: 1 MiB, 1 GiB at most, and one message more. What its polls
    /// were answered with is among them until it is written, once a second answer is made before that; one
    /// alone may be as large as it is. Past it [`backlog_policy`](Self::backlog_policy) holds. Past half of it,
    /// or of the next, nothing more is read from a client on a WebSocket for a while: who asks for much in one
    /// go gets it as fast as it reads.
    ///
    /// As much may wait for its handlers, too; past it nothing is read either, and a client's acks stand behind
    /// its events: a handler that waits for the ack of a client that has sent so much before it may get
    /// [`ack_timeout`](Self::ack_timeout) instead.
    pub max_backlog_bytes: usize,
    /// What happens to a client that does not read as fast as it is written to.
    pub backlog_policy: BacklogPolicy,
    /// Compression of what polls are answered with, if any.
    #[doc(alias = "httpCompression")]
    pub http_compression: Option<HttpCompression>,
    /// Compression of WebSocket messages, for clients that offer it; none by default. Servers of `sio-driver` that
    /// are built without the feature `deflate` refuse it ([`ConfigError::FeatureOff`]).
    #[doc(alias = "perMessageDeflate")]
    pub per_message_deflate: Option<PerMessageDeflate>,
    /// Whether clients that were cut off come back as who they were, with what they have missed; none by default.
    #[doc(alias = "connectionStateRecovery")]
    pub connection_state_recovery: Option<ConnectionStateRecovery>,
    /// What is kept of events that are handled once ([`Once`](crate::once::Once)), for those namespaces that have any.
    pub exactly_once: ExactlyOnce,

    /// Whether a polling session may go over to WebSocket.
    #[doc(alias = "allowUpgrades")]
    pub allow_upgrades: bool,
    /// Whether a request without any `EIO` in its query counts as one of revision 3, as the reference has it.
    /// `false`: it is refused with error 5, since a missing key is mostly a mistake. For firmware that names no
    /// revision; where clients of revision 3 are not [let in](Self::allow_eio3), it changes nothing.
    pub allow_missing_eio: bool,
    /// Whether requests with `j` in their query are answered with JSONP, in both revisions (§6). The index
    /// keeps its digits alone, and what is sent is JavaScript to every browser and nothing else; but like
    /// any script it can be loaded by the pages of other sites, with their visitors' cookies: switch it off
    /// if none of your clients is that old.
    pub jsonp: bool,
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` say which host and scheme a client has asked for, which
    /// [`Origins::SameOrigin`] compares with its origin; where they are missing, `Host` does. `false`.
    ///
    /// For servers behind a proxy that rewrites `Host` and **always sets these headers itself**, and that can
    /// be reached through it alone: whoever else can send them says of any page that it is the server's own.
    pub trust_forwarded_host: bool,
    /// Whether requests for the client's files under [`path`](Self::path) (`socket.io.js` and its like, §24)
    /// are answered: from [`client_files`](Self::client_files), else with 404. `true`. If not, they are
    /// taken for requests of the engine, and get error 0.
    #[doc(alias = "serveClient")]
    pub serve_client: bool,
    /// The client's files. None: the packages of the client are not part of this crate.
    pub client_files: ClientFiles,
    /// Whose ids the sockets of revision 5 clients have. Those of revision 4 clients compute theirs from
    /// the session's, whatever this says (§16.2).
    pub socket_ids: SocketIds,
    /// Whether a client of revision 4 that asks for a namespace which is not there is told so as by the server
    /// of 4.x, `{"message":"Invalid namespace"}`; else as by that of 2.x, `"Invalid namespace"`, the only form
    /// that Java's client of 1.x understands. `false`, in 4.x `true` (§16.2).
    pub invalid_namespace_as_object: bool,
    /// Whether a child namespace that a client has brought into being is gone when nobody is in it any more, or may
    /// come back to it. `true`: what clients name does not stay. In Node `false`, where a client that asks for names
    /// enough fills the server for good. What the application has opened itself stays.
    #[doc(alias = "cleanupEmptyChildNamespaces")]
    pub cleanup_empty_child_namespaces: bool,
    /// The event by which a client of revision 5 hears of a packet that a packet middleware refused, with
    /// the message and the data. None: it does not hear of it. Clients of revision 4 get an ERROR packet.
    pub forward_middleware_errors: Option<String>,
    /// How packets are written and read, if not the protocol's own way: a
    /// [`Parser`](crate::packet::parser::Parser) of the application's. Clients must be given the same
    /// (`io(url, { parser })`).
    pub parser: Codec,
    /// Others beside it, which single clients have: whose handshake names one in its query (`?parser=msgpack`), by
    /// `io(url, { query: { parser: "msgpack" }, parser: require("socket.io-msgpack-parser") })`. Who names none has the
    /// usual one, who names one that is not here is refused with error 3. All of them share namespaces and rooms.
    /// None, and then the application may give `parser` in a query a meaning of its own; 8 at most.
    ///
    /// What is for many is written once for each parser that one of them has; twice, where two threads need it at the
    /// same moment, since neither waits for the other. An event that one does not write its clients alone go without.
    ///
    /// A parser is a connection's, not a namespace's: packets are read before it is known which they are for.
    pub parsers: Parsers,
    /// The subprotocols that WebSockets may speak. None: whatever a client offers first, as servers in Node
    /// have it. Else the first that it offers and that is among these; if there is no such, the answer names
    /// none, and browsers give up.
    pub websocket_protocols: Option<Vec<String>>,
    /// A message that follows the open packet, if any (§3).
    #[doc(alias = "initialPacket")]
    pub initial_packet: Option<Message>,

    /// From the opening of a WebSocket beside the polling to the end of the upgrade: 10 s. Past it that
    /// WebSocket is closed, and the session goes on polling.
    #[doc(alias = "upgradeTimeout")]
    pub upgrade_timeout: Duration,
    /// How long a connection may stay without any namespace: 45 s. Past it it is closed. Clients of revision
    /// 3 of the engine are in `/` from the start, unless they are refused there: it ends those that have asked
    /// for a session by polling and not come back.
    #[doc(alias = "connectTimeout")]
    pub connect_timeout: Duration,
    /// How long the application may take to let a client into a namespace: 30 s. Past it the client is
    /// refused.
    pub middleware_timeout: Duration,
    /// From a binary packet's header to its last attachment, or from the first message to the last of one
    /// that a [`parser`](Self::parser) of the application's own puts together: 60 s. Past it the connection
    /// is closed.
    pub packet_timeout: Duration,
    /// How long an emit with ack waits that says nothing else: 10 s. Past it the emit ends with an error.
    pub ack_timeout: Duration,
    /// How long bytes may wait for a WebSocket that takes none: 30 s. Past it the session closes with
    /// `transport error`. Of a response, 32 KiB at least must be taken in that time, or all that is left; past it
    /// the connection is closed, and the session whose packets were in it.
    pub write_timeout: Duration,
    /// How long nothing may be read from a client because its handlers do not end, and it has sent more than
    /// may wait for them: 5 min. Past it the session closes with `ping timeout`: whether the client is still
    /// there, nobody can tell.
    pub pause_timeout: Duration,
    /// How long a closing WebSocket may take to drain, and its client to answer the close frame: 5 s. Past
    /// it the connection is dropped.
    pub close_timeout: Duration,
    /// How long a closing session waits for its polling client to fetch what is left: 30 s. Past it it is
    /// dropped.
    pub polling_close_timeout: Duration,

    /// Packets in one polling body: 16 384, 2²⁰ at most. Past it the session closes with `parse error`.
    pub max_packets_per_payload: usize,
    /// Fragments of one WebSocket message, empty ones too: 1 024, 2²⁰ at most. Past it close code 1008.
    pub max_fragments: usize,
    /// Sessions until they are wound up ([`Admission`](crate::admission::Admission)), if bounded; 2³⁰ at most.
    /// Past it 503, without asking the application's hooks.
    pub max_sessions: Option<usize>,
    /// Sessions that joined no namespace yet, those of revision 3 of the engine that have polled once and not
    /// come back, and handshakes that the application's hooks have not decided over: 10 000, 2³⁰ at most. Past
    /// it 503. Who has joined one and left it does not count again.
    pub max_pending_sessions: usize,
    /// Bytes of all those attachments, or messages: 10 000 000, 1 GiB at most. Past it the connection is closed.
    pub max_binary_packet: usize,
    /// Nesting of a packet's JSON: 128, and 512 at most. Past it the connection is closed.
    pub max_json_depth: usize,
    /// Arguments of one event: 256, 2²⁰ at most. Past it the connection is closed.
    pub max_arguments: usize,
    /// Bytes of an event's name: 1 024, 1 MiB at most. Past it the connection is closed.
    pub max_event_name_bytes: usize,
    /// Bytes of a namespace's name: 256, 1 MiB at most. Past it the connection is closed.
    pub max_namespace_bytes: usize,
    /// Namespaces that one connection has joined or waits for: 64, 1 024 at most. Past it the client is refused.
    pub max_namespaces_per_connection: usize,
    /// Child namespaces ([`Namespaces`](crate::namespaces::Namespaces)) that clients have brought into being, and
    /// that are there: 10 000, 2²⁰ at most. Past it a client that asks for one more is told that there is no such
    /// namespace.
    pub max_child_namespaces: usize,
    /// How many of those one connection has brought into being: 1 000, 2²⁰ at most. Past it the same. One that
    /// is gone counts no more, and neither does one that the application has opened since.
    pub max_child_namespaces_per_connection: usize,
    /// Refused namespaces of one connection: 32, 2²⁰ at most. Past it the connection is closed.
    pub max_refused_connects: usize,
    /// Emits of one socket that wait for their ack: 1 024, 2²⁰ at most. Past it the emit fails.
    pub max_pending_acks: usize,
    /// Bytes of the credentials of one connection, in all of its namespaces: 1 000 000, 1 GiB at most. Past it
    /// the client is refused.
    pub max_auth_bytes: usize,
    /// Packets that wait to be written to one client: 16 384, 2²⁰ at most. Past it
    /// [`backlog_policy`](Self::backlog_policy) holds.
    pub max_backlog_packets: usize,
    /// Rooms of one socket: 4 096, 2²⁰ at most. Past it a join fails.
    pub max_rooms_per_socket: usize,

    /// What only the server that runs this reads, and no rule of the protocol: how it listens, reads requests and
    /// runs handlers. Each of its options has a setter here, too.
    pub serving: Serving,
}
