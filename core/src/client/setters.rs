//! A setter for every option of a client.

use std::time::Duration;

use super::backoff::Backoff;
use super::config::{Config, OfflinePolicy};
use crate::config::PerMessageDeflate;
use crate::packet::{Codec, Limits};
use crate::protocol::Eio;

impl Config {
    /// Sets [`revision`](Self::revision).
    #[must_use]
    pub const fn revision(mut self, revision: Eio) -> Self {
        self.revision = revision;
        self
    }

    /// Sets [`parser`](Self::parser).
    #[must_use]
    pub fn parser(mut self, parser: Codec) -> Self {
        self.parser = parser;
        self
    }

    /// Sets [`try_all_transports`](Self::try_all_transports).
    #[doc(alias = "tryAllTransports")]
    #[must_use]
    pub const fn try_all_transports(mut self, yes: bool) -> Self {
        self.try_all_transports = yes;
        self
    }

    /// Sets [`upgrade`](Self::upgrade).
    #[must_use]
    pub const fn upgrade(mut self, yes: bool) -> Self {
        self.upgrade = yes;
        self
    }

    /// Sets [`remember_upgrade`](Self::remember_upgrade).
    #[doc(alias = "rememberUpgrade")]
    #[must_use]
    pub const fn remember_upgrade(mut self, yes: bool) -> Self {
        self.remember_upgrade = yes;
        self
    }

    /// Sets [`timestamp_requests`](Self::timestamp_requests).
    #[doc(alias = "timestampRequests")]
    #[must_use]
    pub const fn timestamp_requests(mut self, yes: bool) -> Self {
        self.timestamp_requests = yes;
        self
    }

    /// Sets [`per_message_deflate`](Self::per_message_deflate).
    #[doc(alias = "perMessageDeflate")]
    #[must_use]
    pub fn per_message_deflate(mut self, deflate: impl Into<Option<PerMessageDeflate>>) -> Self {
        self.per_message_deflate = deflate.into();
        self
    }

    /// Sets [`reconnection`](Self::reconnection).
    #[must_use]
    pub fn reconnection(mut self, reconnection: impl Into<Option<Backoff>>) -> Self {
        self.reconnection = reconnection.into();
        self
    }

    /// Sets [`ask_before_dial`](Self::ask_before_dial).
    #[must_use]
    pub const fn ask_before_dial(mut self, yes: bool) -> Self {
        self.ask_before_dial = yes;
        self
    }

    /// Sets [`cookies`](Self::cookies).
    #[doc(alias = "withCredentials")]
    #[must_use]
    pub const fn cookies(mut self, yes: bool) -> Self {
        self.cookies = yes;
        self
    }

    /// Sets [`connect_timeout`](Self::connect_timeout).
    #[doc(alias = "timeout")]
    #[must_use]
    pub const fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// Sets [`upgrade_timeout`](Self::upgrade_timeout).
    #[must_use]
    pub const fn upgrade_timeout(mut self, time: Duration) -> Self {
        self.upgrade_timeout = time;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    #[must_use]
    pub const fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// Sets [`write_timeout`](Self::write_timeout).
    #[must_use]
    pub const fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// Sets [`request_timeout`](Self::request_timeout).
    #[doc(alias = "requestTimeout")]
    #[must_use]
    pub fn request_timeout(mut self, request_timeout: impl Into<Option<Duration>>) -> Self {
        self.request_timeout = request_timeout.into();
        self
    }

    /// Sets [`packet_timeout`](Self::packet_timeout).
    #[must_use]
    pub const fn packet_timeout(mut self, time: Duration) -> Self {
        self.packet_timeout = time;
        self
    }

    /// Sets [`ack_timeout`](Self::ack_timeout).
    #[doc(alias = "ackTimeout")]
    #[must_use]
    pub const fn ack_timeout(mut self, time: Duration) -> Self {
        self.ack_timeout = time;
        self
    }

    /// Sets [`keepalive`](Self::keepalive).
    #[must_use]
    pub fn keepalive(mut self, quiet: impl Into<Option<Duration>>) -> Self {
        self.keepalive = quiet.into();
        self
    }

    /// Sets [`check_timeout`](Self::check_timeout).
    #[must_use]
    pub const fn check_timeout(mut self, time: Duration) -> Self {
        self.check_timeout = time;
        self
    }

    /// Sets [`max_message_bytes`](Self::max_message_bytes).
    #[must_use]
    pub const fn max_message_bytes(mut self, most: usize) -> Self {
        self.max_message_bytes = most;
        self
    }

    /// Sets [`max_packets_per_payload`](Self::max_packets_per_payload).
    #[must_use]
    pub const fn max_packets_per_payload(mut self, most: usize) -> Self {
        self.max_packets_per_payload = most;
        self
    }

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`max_namespaces`](Self::max_namespaces).
    #[must_use]
    pub const fn max_namespaces(mut self, most: usize) -> Self {
        self.max_namespaces = most;
        self
    }

    /// Sets [`max_waiting_bytes`](Self::max_waiting_bytes).
    #[must_use]
    pub const fn max_waiting_bytes(mut self, most: usize) -> Self {
        self.max_waiting_bytes = most;
        self
    }

    /// Sets [`max_pending_acks`](Self::max_pending_acks).
    #[must_use]
    pub const fn max_pending_acks(mut self, most: usize) -> Self {
        self.max_pending_acks = most;
        self
    }

    /// Sets [`max_backlog_bytes`](Self::max_backlog_bytes).
    #[must_use]
    pub const fn max_backlog_bytes(mut self, most: usize) -> Self {
        self.max_backlog_bytes = most;
        self
    }

    /// Sets [`max_offline_packets`](Self::max_offline_packets).
    #[must_use]
    pub const fn max_offline_packets(mut self, most: usize) -> Self {
        self.max_offline_packets = most;
        self
    }

    /// Sets [`max_offline_bytes`](Self::max_offline_bytes).
    #[must_use]
    pub const fn max_offline_bytes(mut self, most: usize) -> Self {
        self.max_offline_bytes = most;
        self
    }

    /// Sets [`offline`](Self::offline).
    #[must_use]
    pub const fn offline(mut self, offline: OfflinePolicy) -> Self {
        self.offline = offline;
        self
    }

    /// Sets [`max_cookies`](Self::max_cookies).
    #[must_use]
    pub const fn max_cookies(mut self, most: usize) -> Self {
        self.max_cookies = most;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_is_set_is_there() {
        let config = Config::v4()
            .reconnection(None)
            .upgrade(false)
            .request_timeout(Duration::from_secs(1))
            .max_offline_packets(7)
            .offline(OfflinePolicy::DropOldest);
        assert_eq!(config.reconnection, None);
        assert!(!config.upgrade);
        assert_eq!(config.request_timeout, Some(Duration::from_secs(1)));
        assert_eq!(config.max_offline_packets, 7);
        assert_eq!(config.offline, OfflinePolicy::DropOldest);
    }

    /// Each sets its own option, and no other.
    #[test]
    fn each_sets_what_it_is_called_by() {
        const TIME: Duration = Duration::from_millis(12_345);
        const MOST: usize = 12_345;
        let mut seen = BTreeSet::from([format!("{:?}", Config::v4())]);
        macro_rules! sets {
            ($($name:ident: $value:expr,)*) => {$(
                let mut expected = Config::v4();
                expected.$name = $value.into();
                let set = format!("{:?}", Config::v4().$name($value));
                assert_eq!(set, format!("{expected:?}"), stringify!($name));
                assert!(seen.insert(set), "it changes something of its own");
            )*};
        }
        let flips = Config::v4();
        sets! {
            revision: Eio::V3,
            try_all_transports: !flips.try_all_transports,
            upgrade: !flips.upgrade,
            remember_upgrade: !flips.remember_upgrade,
            timestamp_requests: !flips.timestamp_requests,
            ask_before_dial: !flips.ask_before_dial,
            cookies: !flips.cookies,
            reconnection: None,
            connect_timeout: TIME,
            upgrade_timeout: TIME,
            close_timeout: TIME,
            write_timeout: TIME,
            request_timeout: Some(TIME),
            packet_timeout: TIME,
            ack_timeout: TIME,
            keepalive: Some(TIME),
            check_timeout: TIME,
            max_message_bytes: MOST,
            max_packets_per_payload: MOST,
            limits: Limits { depth: 3, ..Limits::default() },
            max_namespaces: MOST,
            max_waiting_bytes: MOST,
            max_pending_acks: MOST,
            max_backlog_bytes: MOST,
            max_offline_packets: MOST,
            max_offline_bytes: MOST,
            max_cookies: MOST,
            per_message_deflate: PerMessageDeflate::default(),
        }
    }

    #[test]
    fn a_parser_is_the_one_that_was_set() {
        use crate::packet::parser::{Decoder, EncodeError, Fault, Message, Packet, Parser};

        struct Silent;

        impl Parser for Silent {
            fn encode(&self, _: &Packet) -> Result<Vec<Message>, EncodeError> {
                Ok(Vec::new())
            }

            fn decoder(&self) -> Box<dyn Decoder> {
                Box::new(|_: Message, _: &Limits| Err(Fault::Payload))
            }
        }

        let codec = Codec::new(Silent);
        assert!(Config::v4().parser(codec.clone()).parser.is(&codec));
        assert!(Config::v4().parser.is_built_in());
    }
}
