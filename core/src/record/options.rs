//! Of a server's options those that a connection goes by.

use bytes::Bytes;

use super::field::Field;
use crate::config::{Config, Cookie, SocketIds, Transports};
use crate::packet::Codec;

/// How packets are written on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParserKind {
    /// The protocol's own way.
    Text,
    /// As msgpack.
    Msgpack,
    /// By a parser of the application's, which is not in the log.
    Own,
}

impl ParserKind {
    pub(crate) fn of(codec: &Codec) -> Self {
        if codec.is(&Codec::default()) {
            return Self::Text;
        }
        #[cfg(feature = "msgpack")]
        if codec.is(&Codec::from(crate::packet::parser::Msgpack)) {
            return Self::Msgpack;
        }
        Self::Own
    }

    /// `None`: it is not known here.
    pub(crate) fn codec(self) -> Option<Codec> {
        match self {
            Self::Text => Some(Codec::default()),
            #[cfg(feature = "msgpack")]
            Self::Msgpack => Some(Codec::from(crate::packet::parser::Msgpack)),
            #[cfg(not(feature = "msgpack"))]
            Self::Msgpack => None,
            Self::Own => None,
        }
    }
}

impl Field for ParserKind {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(match self {
            Self::Text => 0,
            Self::Msgpack => 1,
            Self::Own => 2,
        });
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(Self::Text),
            1 => Some(Self::Msgpack),
            2 => Some(Self::Own),
            _ => None,
        }
    }
}

/// Every option, so that a new one has to be decided over: written, or named among those that make no difference.
macro_rules! options {
    ([$($written:ident),* $(,)?], [$($left:ident),* $(,)?]) => {
        pub(super) fn put(config: &Config, to: &mut Vec<u8>) {
            let Config { $($written,)* $($left: _,)* transports, cookie, socket_ids } = config;
            $($written.put(to);)*
            transports.polling.put(to);
            transports.websocket.put(to);
            // It is in the answer that the task makes of a reply.
            cookie.as_ref().map(|it| it.on_every_response).put(to);
            (*socket_ids == SocketIds::FromConnection).put(to);
        }

        pub(super) fn take(from: &mut Bytes) -> Option<Config> {
            let mut config = Config::default();
            $(config.$written = Field::take(from)?;)*
            config.transports = Transports {
                polling: Field::take(from)?,
                websocket: Field::take(from)?,
            };
            config.cookie = <Option<bool> as Field>::take(from)?.map(|every| {
                let mut cookie = Cookie::default();
                cookie.on_every_response = every;
                cookie
            });
            config.socket_ids = match bool::take(from)? {
                true => SocketIds::FromConnection,
                false => SocketIds::PerNamespace,
            };
            Some(config)
        }
    };
}

options!(
    [
        ping_interval,
        ping_timeout,
        max_http_buffer_size,
        max_attachments,
        max_backlog_bytes,
        backlog_policy,
        allow_upgrades,
        invalid_namespace_as_object,
        initial_packet,
        upgrade_timeout,
        connect_timeout,
        middleware_timeout,
        packet_timeout,
        ack_timeout,
        write_timeout,
        pause_timeout,
        close_timeout,
        polling_close_timeout,
        max_packets_per_payload,
        max_binary_packet,
        max_json_depth,
        max_arguments,
        max_event_name_bytes,
        max_namespace_bytes,
        max_namespaces_per_connection,
        max_refused_connects,
        max_pending_acks,
        max_auth_bytes,
        max_backlog_packets,
    ],
    [
        path,
        allow_eio3,
        origins,
        cors,
        cors_delegate,
        http_compression,
        per_message_deflate,
        connection_state_recovery,
        exactly_once,
        allow_missing_eio,
        jsonp,
        trust_forwarded_host,
        serve_client,
        client_files,
        cleanup_empty_child_namespaces,
        forward_middleware_errors,
        parser,
        parsers,
        websocket_protocols,
        max_fragments,
        max_sessions,
        max_pending_sessions,
        max_child_namespaces,
        max_child_namespaces_per_connection,
        max_rooms_per_socket,
        serving,
    ]
);
