//! A setter for every option.

use std::time::Duration;

use super::{
    BacklogPolicy, ClientFiles, Config, ConnectionStateRecovery, Cookie, Cors, CorsDelegate,
    ExactlyOnce, HttpCompression, Origins, Parsers, PerMessageDeflate, Serving, SocketIds,
    Transports,
};
use crate::message::Message;
use crate::packet::Codec;

#[cfg(test)]
mod tests;

impl Config {
    /// Sets [`path`](Self::path).
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets [`transports`](Self::transports).
    #[must_use]
    pub const fn transports(mut self, transports: Transports) -> Self {
        self.transports = transports;
        self
    }

    /// Sets [`allow_eio3`](Self::allow_eio3).
    #[doc(alias = "allowEIO3")]
    #[must_use]
    pub const fn allow_eio3(mut self, allow: bool) -> Self {
        self.allow_eio3 = allow;
        self
    }

    /// Sets [`origins`](Self::origins).
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Sets [`cors`](Self::cors).
    #[must_use]
    pub fn cors(mut self, cors: impl Into<Option<Cors>>) -> Self {
        self.cors = cors.into();
        self
    }

    /// Sets [`cors_delegate`](Self::cors_delegate).
    #[must_use]
    pub fn cors_delegate(mut self, delegate: impl Into<Option<CorsDelegate>>) -> Self {
        self.cors_delegate = delegate.into();
        self
    }

    /// Sets [`cookie`](Self::cookie).
    #[must_use]
    pub fn cookie(mut self, cookie: impl Into<Option<Cookie>>) -> Self {
        self.cookie = cookie.into();
        self
    }

    /// Sets [`ping_interval`](Self::ping_interval).
    #[doc(alias = "pingInterval")]
    #[must_use]
    pub const fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets [`ping_timeout`](Self::ping_timeout).
    #[doc(alias = "pingTimeout")]
    #[must_use]
    pub const fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.ping_timeout = timeout;
        self
    }

    /// Sets [`max_http_buffer_size`](Self::max_http_buffer_size).
    #[doc(alias = "maxHttpBufferSize")]
    #[must_use]
    pub const fn max_http_buffer_size(mut self, bytes: usize) -> Self {
        self.max_http_buffer_size = bytes;
        self
    }

    /// Sets [`max_attachments`](Self::max_attachments).
    #[must_use]
    pub const fn max_attachments(mut self, most: usize) -> Self {
        self.max_attachments = most;
        self
    }

    /// Sets [`max_backlog_bytes`](Self::max_backlog_bytes).
    #[must_use]
    pub const fn max_backlog_bytes(mut self, bytes: usize) -> Self {
        self.max_backlog_bytes = bytes;
        self
    }

    /// Sets [`backlog_policy`](Self::backlog_policy).
    #[must_use]
    pub const fn backlog_policy(mut self, policy: BacklogPolicy) -> Self {
        self.backlog_policy = policy;
        self
    }

    /// Sets [`http_compression`](Self::http_compression).
    #[doc(alias = "httpCompression")]
    #[must_use]
    pub fn http_compression(mut self, compression: impl Into<Option<HttpCompression>>) -> Self {
        self.http_compression = compression.into();
        self
    }

    /// Sets [`per_message_deflate`](Self::per_message_deflate).
    #[doc(alias = "perMessageDeflate")]
    #[must_use]
    pub fn per_message_deflate(mut self, deflate: impl Into<Option<PerMessageDeflate>>) -> Self {
        self.per_message_deflate = deflate.into();
        self
    }

    /// Sets [`connection_state_recovery`](Self::connection_state_recovery).
    #[doc(alias = "connectionStateRecovery")]
    #[must_use]
    pub fn connection_state_recovery(
        mut self,
        recovery: impl Into<Option<ConnectionStateRecovery>>,
    ) -> Self {
        self.connection_state_recovery = recovery.into();
        self
    }

    /// Sets [`exactly_once`](Self::exactly_once).
    #[must_use]
    pub const fn exactly_once(mut self, bounds: ExactlyOnce) -> Self {
        self.exactly_once = bounds;
        self
    }

    /// Sets [`allow_upgrades`](Self::allow_upgrades).
    #[doc(alias = "allowUpgrades")]
    #[must_use]
    pub const fn allow_upgrades(mut self, allow: bool) -> Self {
        self.allow_upgrades = allow;
        self
    }

    /// Sets [`allow_missing_eio`](Self::allow_missing_eio).
    #[must_use]
    pub const fn allow_missing_eio(mut self, allow: bool) -> Self {
        self.allow_missing_eio = allow;
        self
    }

    /// Sets [`jsonp`](Self::jsonp).
    #[must_use]
    pub const fn jsonp(mut self, jsonp: bool) -> Self {
        self.jsonp = jsonp;
        self
    }

    /// Sets [`trust_forwarded_host`](Self::trust_forwarded_host).
    #[must_use]
    pub const fn trust_forwarded_host(mut self, trust: bool) -> Self {
        self.trust_forwarded_host = trust;
        self
    }

    /// Sets [`serve_client`](Self::serve_client).
    #[doc(alias = "serveClient")]
    #[must_use]
    pub const fn serve_client(mut self, serve: bool) -> Self {
        self.serve_client = serve;
        self
    }

    /// Sets [`client_files`](Self::client_files).
    #[must_use]
    pub fn client_files(mut self, files: ClientFiles) -> Self {
        self.client_files = files;
        self
    }

    /// Sets [`socket_ids`](Self::socket_ids).
    #[must_use]
    pub const fn socket_ids(mut self, ids: SocketIds) -> Self {
        self.socket_ids = ids;
        self
    }

    /// Sets [`invalid_namespace_as_object`](Self::invalid_namespace_as_object).
    #[must_use]
    pub const fn invalid_namespace_as_object(mut self, object: bool) -> Self {
        self.invalid_namespace_as_object = object;
        self
    }

    /// Sets [`forward_middleware_errors`](Self::forward_middleware_errors).
    #[must_use]
    pub fn forward_middleware_errors(mut self, event: impl Into<Option<String>>) -> Self {
        self.forward_middleware_errors = event.into();
        self
    }

    /// Sets [`parser`](Self::parser).
    ///
    /// ```
    /// # use sio_core::config::Config;
    /// # use sio_core::packet::Codec;
    /// # use sio_core::packet::parser::{Decoder, EncodeError, Fault, Limits, Message, Packet, Parser};
    /// struct Mine;
    ///
    /// impl Parser for Mine {
    ///     // As the example of `Parser` has it.
    /// #     fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
    /// #         let text = serde_json::to_string(packet).map_err(EncodeError::refused)?;
    /// #         Ok(vec![text.into()])
    /// #     }
    /// #     fn decoder(&self) -> Box<dyn Decoder> {
    /// #         Box::new(|_: Message, _: &Limits| Err(Fault::Payload))
    /// #     }
    /// }
    ///
    /// let config = Config::default().parser(Mine);
    /// assert!(!config.parser.is_built_in());
    /// // Several servers may share one.
    /// let other = Config::v4().parser(config.parser.clone());
    /// assert!(other.parser.is(&config.parser));
    /// ```
    #[must_use]
    pub fn parser(mut self, parser: impl Into<Codec>) -> Self {
        self.parser = parser.into();
        self
    }

    /// Sets [`parsers`](Self::parsers).
    ///
    /// ```
    /// # #[cfg(feature = "msgpack")] {
    /// use sio_core::config::Config;
    /// use sio_core::packet::parser::Msgpack;
    ///
    /// let config = Config::v4().parsers([("msgpack", Msgpack)]);
    /// assert!(config.parser_of(None).unwrap().is_built_in());
    /// assert!(config.parser_of(Some("msgpack")).unwrap().is(&Msgpack.into()));
    /// assert!(config.parser_of(Some("cbor")).is_none());
    /// # }
    /// ```
    #[must_use]
    pub fn parsers(mut self, parsers: impl Into<Parsers>) -> Self {
        self.parsers = parsers.into();
        self
    }

    /// Sets [`websocket_protocols`](Self::websocket_protocols).
    #[must_use]
    pub fn websocket_protocols(mut self, protocols: impl Into<Option<Vec<String>>>) -> Self {
        self.websocket_protocols = protocols.into();
        self
    }

    /// Sets [`initial_packet`](Self::initial_packet).
    #[doc(alias = "initialPacket")]
    #[must_use]
    pub fn initial_packet(mut self, packet: impl Into<Option<Message>>) -> Self {
        self.initial_packet = packet.into();
        self
    }

    /// Sets [`upgrade_timeout`](Self::upgrade_timeout).
    #[doc(alias = "upgradeTimeout")]
    #[must_use]
    pub const fn upgrade_timeout(mut self, timeout: Duration) -> Self {
        self.upgrade_timeout = timeout;
        self
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    #[doc(alias = "connectTimeout")]
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets [`middleware_timeout`](Self::middleware_timeout).
    #[must_use]
    pub const fn middleware_timeout(mut self, timeout: Duration) -> Self {
        self.middleware_timeout = timeout;
        self
    }

    /// Sets [`packet_timeout`](Self::packet_timeout).
    #[must_use]
    pub const fn packet_timeout(mut self, timeout: Duration) -> Self {
        self.packet_timeout = timeout;
        self
    }

    /// Sets [`ack_timeout`](Self::ack_timeout).
    #[must_use]
    pub const fn ack_timeout(mut self, timeout: Duration) -> Self {
        self.ack_timeout = timeout;
        self
    }

    /// Sets [`write_timeout`](Self::write_timeout).
    #[must_use]
    pub const fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// Sets [`pause_timeout`](Self::pause_timeout).
    #[must_use]
    pub const fn pause_timeout(mut self, timeout: Duration) -> Self {
        self.pause_timeout = timeout;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    #[must_use]
    pub const fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets [`polling_close_timeout`](Self::polling_close_timeout).
    #[must_use]
    pub const fn polling_close_timeout(mut self, timeout: Duration) -> Self {
        self.polling_close_timeout = timeout;
        self
    }

    /// Sets [`max_packets_per_payload`](Self::max_packets_per_payload).
    #[must_use]
    pub const fn max_packets_per_payload(mut self, most: usize) -> Self {
        self.max_packets_per_payload = most;
        self
    }

    /// Sets [`max_fragments`](Self::max_fragments).
    #[must_use]
    pub const fn max_fragments(mut self, most: usize) -> Self {
        self.max_fragments = most;
        self
    }

    /// Sets [`max_sessions`](Self::max_sessions).
    #[must_use]
    pub fn max_sessions(mut self, most: impl Into<Option<usize>>) -> Self {
        self.max_sessions = most.into();
        self
    }

    /// Sets [`max_pending_sessions`](Self::max_pending_sessions).
    #[must_use]
    pub const fn max_pending_sessions(mut self, most: usize) -> Self {
        self.max_pending_sessions = most;
        self
    }

    /// Sets [`max_binary_packet`](Self::max_binary_packet).
    #[must_use]
    pub const fn max_binary_packet(mut self, most: usize) -> Self {
        self.max_binary_packet = most;
        self
    }

    /// Sets [`max_json_depth`](Self::max_json_depth).
    #[must_use]
    pub const fn max_json_depth(mut self, most: usize) -> Self {
        self.max_json_depth = most;
        self
    }

    /// Sets [`max_arguments`](Self::max_arguments).
    #[must_use]
    pub const fn max_arguments(mut self, most: usize) -> Self {
        self.max_arguments = most;
        self
    }

    /// Sets [`max_event_name_bytes`](Self::max_event_name_bytes).
    #[must_use]
    pub const fn max_event_name_bytes(mut self, bytes: usize) -> Self {
        self.max_event_name_bytes = bytes;
        self
    }

    /// Sets [`max_namespace_bytes`](Self::max_namespace_bytes).
    #[must_use]
    pub const fn max_namespace_bytes(mut self, bytes: usize) -> Self {
        self.max_namespace_bytes = bytes;
        self
    }

    /// Sets [`max_namespaces_per_connection`](Self::max_namespaces_per_connection).
    #[must_use]
    pub const fn max_namespaces_per_connection(mut self, most: usize) -> Self {
        self.max_namespaces_per_connection = most;
        self
    }

    /// Sets [`max_child_namespaces`](Self::max_child_namespaces).
    #[must_use]
    pub const fn max_child_namespaces(mut self, most: usize) -> Self {
        self.max_child_namespaces = most;
        self
    }

    /// Sets [`max_child_namespaces_per_connection`](Self::max_child_namespaces_per_connection).
    #[must_use]
    pub const fn max_child_namespaces_per_connection(mut self, most: usize) -> Self {
        self.max_child_namespaces_per_connection = most;
        self
    }

    /// Sets [`cleanup_empty_child_namespaces`](Self::cleanup_empty_child_namespaces).
    #[doc(alias = "cleanupEmptyChildNamespaces")]
    #[must_use]
    pub const fn cleanup_empty_child_namespaces(mut self, cleans_up: bool) -> Self {
        self.cleanup_empty_child_namespaces = cleans_up;
        self
    }

    /// Sets [`max_refused_connects`](Self::max_refused_connects).
    #[must_use]
    pub const fn max_refused_connects(mut self, most: usize) -> Self {
        self.max_refused_connects = most;
        self
    }

    /// Sets [`max_pending_acks`](Self::max_pending_acks).
    #[must_use]
    pub const fn max_pending_acks(mut self, most: usize) -> Self {
        self.max_pending_acks = most;
        self
    }

    /// Sets [`max_auth_bytes`](Self::max_auth_bytes).
    #[must_use]
    pub const fn max_auth_bytes(mut self, bytes: usize) -> Self {
        self.max_auth_bytes = bytes;
        self
    }

    /// Sets [`max_backlog_packets`](Self::max_backlog_packets).
    #[must_use]
    pub const fn max_backlog_packets(mut self, most: usize) -> Self {
        self.max_backlog_packets = most;
        self
    }

    /// Sets [`max_rooms_per_socket`](Self::max_rooms_per_socket).
    #[must_use]
    pub const fn max_rooms_per_socket(mut self, most: usize) -> Self {
        self.max_rooms_per_socket = most;
        self
    }

    /// Sets [`serving`](Self::serving), all of it.
    #[must_use]
    pub const fn serving(mut self, serving: Serving) -> Self {
        self.serving = serving;
        self
    }

    /// Sets [`listen_backlog`](Serving::listen_backlog).
    #[must_use]
    pub const fn listen_backlog(mut self, most: usize) -> Self {
        self.serving.listen_backlog = most;
        self
    }

    /// Sets [`request_head_timeout`](Serving::request_head_timeout).
    #[must_use]
    pub const fn request_head_timeout(mut self, timeout: Duration) -> Self {
        self.serving.request_head_timeout = timeout;
        self
    }

    /// Sets [`request_body_timeout`](Serving::request_body_timeout).
    #[must_use]
    pub const fn request_body_timeout(mut self, timeout: Duration) -> Self {
        self.serving.request_body_timeout = timeout;
        self
    }

    /// Sets [`keep_alive_timeout`](Serving::keep_alive_timeout).
    #[must_use]
    pub const fn keep_alive_timeout(mut self, timeout: Duration) -> Self {
        self.serving.keep_alive_timeout = timeout;
        self
    }

    /// Sets [`max_request_head_bytes`](Serving::max_request_head_bytes).
    #[must_use]
    pub const fn max_request_head_bytes(mut self, bytes: usize) -> Self {
        self.serving.max_request_head_bytes = bytes;
        self
    }

    /// Sets [`max_headers`](Serving::max_headers).
    #[must_use]
    pub const fn max_headers(mut self, most: usize) -> Self {
        self.serving.max_headers = most;
        self
    }

    /// Sets [`admission_timeout`](Serving::admission_timeout).
    #[must_use]
    pub const fn admission_timeout(mut self, timeout: Duration) -> Self {
        self.serving.admission_timeout = timeout;
        self
    }

    /// Sets [`open_packet_apart`](Serving::open_packet_apart).
    #[must_use]
    pub const fn open_packet_apart(mut self, apart: bool) -> Self {
        self.serving.open_packet_apart = apart;
        self
    }

    /// Sets [`max_running_handlers`](Serving::max_running_handlers).
    #[must_use]
    pub const fn max_running_handlers(mut self, most: usize) -> Self {
        self.serving.max_running_handlers = most;
        self
    }

    /// Sets [`max_running_bytes`](Serving::max_running_bytes).
    #[must_use]
    pub const fn max_running_bytes(mut self, bytes: usize) -> Self {
        self.serving.max_running_bytes = bytes;
        self
    }

    /// Sets [`max_ready_waits`](Serving::max_ready_waits).
    #[must_use]
    pub const fn max_ready_waits(mut self, most: usize) -> Self {
        self.serving.max_ready_waits = most;
        self
    }

    /// Sets [`departed_timeout`](Serving::departed_timeout).
    #[must_use]
    pub const fn departed_timeout(mut self, timeout: Duration) -> Self {
        self.serving.departed_timeout = timeout;
        self
    }

    /// Sets [`max_departed_bytes`](Serving::max_departed_bytes).
    #[must_use]
    pub const fn max_departed_bytes(mut self, bytes: usize) -> Self {
        self.serving.max_departed_bytes = bytes;
        self
    }
}
