//! The sets of defaults.

use std::time::Duration;

use super::{
    BacklogPolicy, ClientFiles, Config, Cookie, Cors, ExactlyOnce, HttpCompression, Origins,
    Parsers, Serving, SocketIds, Transports,
};
use crate::packet::Codec;

impl Default for Config {
    /// As [`Config::v2`].
    fn default() -> Self {
        Self::v2()
    }
}

impl Config {
    /// As Socket.IO 2.x, as it is documented: any origin, CORS for all with credentials, the cookie `io`,
    /// 60 s for a pong, clients of revision 3 and JSONP. For applications that come from there, with the
    /// clients they have; any site's page can use such a server with its visitor's cookies, unless
    /// [`origins`](Self::origins) says otherwise.
    pub fn v2() -> Self {
        Self {
            path: "/socket.io".into(),
            transports: Transports::default(),
            allow_eio3: true,
            origins: Origins::Any,
            cors: Some(Cors::v2()),
            cors_delegate: None,
            cookie: Some(Cookie::v2()),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(60),
            max_http_buffer_size: 1_000_000,
            max_attachments: 10,
            max_backlog_bytes: 1024 * 1024,
            backlog_policy: BacklogPolicy::Close,
            http_compression: Some(HttpCompression::default()),
            per_message_deflate: None,
            connection_state_recovery: None,
            exactly_once: ExactlyOnce::default(),
            allow_upgrades: true,
            allow_missing_eio: false,
            jsonp: true,
            trust_forwarded_host: false,
            serve_client: true,
            client_files: ClientFiles::default(),
            socket_ids: SocketIds::default(),
            invalid_namespace_as_object: false,
            cleanup_empty_child_namespaces: true,
            forward_middleware_errors: None,
            parser: Codec::BUILT_IN,
            parsers: Parsers::default(),
            websocket_protocols: None,
            initial_packet: None,
            upgrade_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(45),
            middleware_timeout: Duration::from_secs(30),
            packet_timeout: Duration::from_secs(60),
            ack_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            pause_timeout: Duration::from_secs(300),
            close_timeout: Duration::from_secs(5),
            polling_close_timeout: Duration::from_secs(30),
            max_packets_per_payload: 16_384,
            max_fragments: 1024,
            max_sessions: None,
            max_pending_sessions: 10_000,
            max_binary_packet: 10_000_000,
            max_json_depth: 128,
            max_arguments: 256,
            max_event_name_bytes: 1024,
            max_namespace_bytes: 256,
            max_namespaces_per_connection: 64,
            max_child_namespaces: 10_000,
            max_child_namespaces_per_connection: 1000,
            max_refused_connects: 32,
            max_pending_acks: 1024,
            max_auth_bytes: 1_000_000,
            max_backlog_packets: 16_384,
            max_rooms_per_socket: 4096,
            serving: Serving::default(),
        }
    }

    /// As Socket.IO 4.x: no CORS headers, no cookie, 20 s for a pong, no clients of revision 3. To begin with:
    /// what old clients need is switched on where there are such clients.
    pub fn v4() -> Self {
        Self {
            allow_eio3: false,
            invalid_namespace_as_object: true,
            cors: None,
            cookie: None,
            ping_timeout: Duration::from_secs(20),
            ..Self::v2()
        }
    }
}
