//! What a client is told before it dials.

use std::fmt;
use std::time::Duration;

use super::backoff::Backoff;
use crate::config::PerMessageDeflate;
use crate::packet::{Codec, Limits};
use crate::protocol::Eio;

/// Everything about a client that can be chosen but where it dials, which is its [`Dial`](super::Dial)'s.
///
/// [`Config::v4`] is for servers of 3.x and 4.x, [`Config::v2`] for those of 2.x. Every buffer, table and wait
/// has a limit here. Durations must not be zero, nor longer than a hundred years.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The revision of Engine.IO, and with it that of Socket.IO. 4.
    pub revision: Eio,
    /// How packets are written and read. The server must have the same.
    pub parser: Codec,
    /// Whether the other transports are tried where the first does not open. `true`, in the reference `false`.
    #[doc(alias = "tryAllTransports")]
    pub try_all_transports: bool,
    /// Whether a polling session goes over to WebSocket where that is offered. `true`.
    pub upgrade: bool,
    /// Whether it begins with the WebSocket, once it was on one. `false`.
    #[doc(alias = "rememberUpgrade")]
    pub remember_upgrade: bool,
    /// Whether each polling request has a `t` of its own in its query, so that nobody answers it from a
    /// cache. `true`.
    #[doc(alias = "timestampRequests")]
    pub timestamp_requests: bool,
    /// Compression of WebSocket messages that is offered to the server, if whoever carries the bytes can compress:
    /// the drivers of the bindings can with their feature `deflate`. `None`, in the reference on Node with a threshold
    /// of 1 024 bytes.
    #[doc(alias = "perMessageDeflate")]
    pub per_message_deflate: Option<PerMessageDeflate>,
    /// When it is dialled again. `None`: never.
    pub reconnection: Option<Backoff>,
    /// Whether it asks where to dial before each attempt ([`Event::DialWanted`](super::Event::DialWanted)).
    /// `false`.
    pub ask_before_dial: bool,
    /// Whether cookies that a server sets on its responses are sent to it again, by scheme, host and port. `false`.
    #[doc(alias = "withCredentials")]
    pub cookies: bool,
    /// From dialling to the open packet, and once more from asking for a namespace to the answer. 20 s.
    #[doc(alias = "timeout")]
    pub connect_timeout: Duration,
    /// From dialling a WebSocket beside the polling until it has taken over. 10 s.
    pub upgrade_timeout: Duration,
    /// From closing until what is queued has left, and how long a WebSocket may take to be told that it is closed.
    /// 5 s.
    pub close_timeout: Duration,
    /// How long a server may read nothing while something is to be written. 30 s.
    pub write_timeout: Duration,
    /// How long a POST may go unanswered. `None`, the default: as long as the server may be silent.
    #[doc(alias = "requestTimeout")]
    pub request_timeout: Option<Duration>,
    /// From the head of a packet to the last of its attachments. 60 s.
    pub packet_timeout: Duration,
    /// How long an answer may take, where the emit does not say. 10 s.
    #[doc(alias = "ackTimeout")]
    pub ack_timeout: Duration,
    /// How long a server may say nothing on a WebSocket until it is asked for a sign of life, by a ping of the
    /// WebSocket's own, and given up without one within [`check_timeout`](Self::check_timeout): sooner than its
    /// heartbeat would tell. `None`, the default: it is not asked. Nothing else comes of it while requests are made.
    pub keepalive: Option<Duration>,
    /// How long the pong to a ping of the WebSocket's own may take, where one is asked for
    /// ([`keepalive`](Self::keepalive), [`Connection::check`](super::Connection::check)). 5 s.
    pub check_timeout: Duration,
    /// Bytes of one response, and of one message. 16 MiB.
    pub max_message_bytes: usize,
    /// Packets in the body of one response. 16 384.
    pub max_packets_per_payload: usize,
    /// What one packet may hold.
    pub limits: Limits,
    /// Namespaces, in use or not. 1 024.
    pub max_namespaces: usize,
    /// Bytes of events that came before the server's word that their namespace is entered, each namespace
    /// for itself and each event with 128 beside its content. 1 MiB.
    pub max_waiting_bytes: usize,
    /// Emits of one socket that wait for their acks. 16 384.
    pub max_pending_acks: usize,
    /// Bytes that wait to be sent on a connection. 1 MiB; one packet may always wait, however large it is.
    pub max_backlog_bytes: usize,
    /// Packets that one socket keeps while it is away, and emits that it repeats until they are answered.
    /// 16 384 of each.
    pub max_offline_packets: usize,
    /// Their bytes. 1 MiB of each; one packet may always wait, however large it is.
    pub max_offline_bytes: usize,
    /// What becomes of what is emitted beyond that.
    pub offline: OfflinePolicy,
    /// Cookies that are kept, of 4 KiB at most each. 64.
    pub max_cookies: usize,
}

/// What becomes of an emit while its socket is away and as much waits as may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OfflinePolicy {
    /// It is refused: [`Sent::Full`](crate::engine::Sent::Full).
    #[default]
    Refuse,
    /// The oldest that waits is dropped for it.
    DropOldest,
    /// It is dropped itself, as a volatile one.
    DropNewest,
    /// Whoever is away is refused. What was taken before, and no transport has been given, is kept all the same.
    Off,
}

impl Default for Config {
    fn default() -> Self {
        Self::v4()
    }
}

impl Config {
    /// For servers of Socket.IO 3.x and 4.x.
    pub fn v4() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            revision: Eio::V4,
            parser: Codec::BUILT_IN,
            try_all_transports: true,
            upgrade: true,
            remember_upgrade: false,
            timestamp_requests: true,
            per_message_deflate: None,
            reconnection: Some(Backoff::default()),
            ask_before_dial: false,
            cookies: false,
            connect_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            request_timeout: None,
            packet_timeout: Duration::from_secs(60),
            ack_timeout: Duration::from_secs(10),
            keepalive: None,
            check_timeout: Duration::from_secs(5),
            max_message_bytes: 16 * MIB,
            max_packets_per_payload: 16_384,
            limits: Limits {
                binary: 16 * MIB,
                ..Limits::default()
            },
            max_namespaces: 1024,
            max_waiting_bytes: MIB,
            max_pending_acks: 16_384,
            max_backlog_bytes: MIB,
            max_offline_packets: 16_384,
            max_offline_bytes: MIB,
            offline: OfflinePolicy::Refuse,
            max_cookies: 64,
        }
    }

    /// For servers of Socket.IO 2.x.
    pub fn v2() -> Self {
        Self {
            revision: Eio::V3,
            ..Self::v4()
        }
    }

    /// Says what is wrong with it.
    ///
    /// # Errors
    /// The first option that is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let backoff = self.reconnection.unwrap_or_default();
        let durations = [
            ("delay", backoff.delay),
            ("delay_max", backoff.delay_max),
            ("connect_timeout", self.connect_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("close_timeout", self.close_timeout),
            ("write_timeout", self.write_timeout),
            (
                "request_timeout",
                self.request_timeout.unwrap_or(self.write_timeout),
            ),
            ("packet_timeout", self.packet_timeout),
            ("ack_timeout", self.ack_timeout),
            ("keepalive", self.keepalive.unwrap_or(self.check_timeout)),
            ("check_timeout", self.check_timeout),
        ];
        if let Some((name, _)) = durations.iter().find(|(_, wait)| wait.is_zero()) {
            return Err(ConfigError::ZeroDuration(name));
        }
        if let Some((name, _)) = durations.iter().find(|(_, wait)| *wait > LONGEST) {
            return Err(ConfigError::EndlessDuration(name));
        }
        if self.per_message_deflate.is_some_and(|it| !it.is_sound()) {
            return Err(ConfigError::Deflate);
        }
        if backoff.jitter > 100 {
            return Err(ConfigError::Jitter(backoff.jitter));
        }
        let limits = [
            ("max_message_bytes", self.max_message_bytes),
            ("max_packets_per_payload", self.max_packets_per_payload),
            ("max_namespaces", self.max_namespaces),
            ("max_pending_acks", self.max_pending_acks),
            ("max_backlog_bytes", self.max_backlog_bytes),
            ("max_offline_packets", self.max_offline_packets),
            ("max_offline_bytes", self.max_offline_bytes),
            ("max_cookies", self.max_cookies),
        ];
        match limits.iter().find(|(_, most)| *most == 0) {
            Some((name, _)) => Err(ConfigError::ZeroLimit(name)),
            None => Ok(()),
        }
    }
}

/// The longest wait: a hundred years.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is wrong with a [`Config`]. The caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The named duration is zero.
    ZeroDuration(&'static str),
    /// The named duration is over a hundred years.
    EndlessDuration(&'static str),
    /// The named limit is zero.
    ZeroLimit(&'static str),
    /// A window or level of compression is none that there is.
    Deflate,
    /// The jitter is over 100 per cent.
    Jitter(u8),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroDuration(name) => write!(f, "{name} is zero"),
            Self::EndlessDuration(name) => write!(f, "{name} is longer than a hundred years"),
            Self::ZeroLimit(name) => write!(f, "{name} is zero"),
            Self::Deflate => {
                f.write_str("per_message_deflate has windows of 9 to 15, and levels to 9")
            }
            Self::Jitter(jitter) => write!(f, "jitter is {jitter}, 100 is the most"),
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Config)) -> Result<(), ConfigError> {
        let mut config = Config::v4();
        change(&mut config);
        config.validate()
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(Config::v2().validate(), Ok(()));
        assert_eq!(
            check(|it| it.ack_timeout = Duration::ZERO),
            Err(ConfigError::ZeroDuration("ack_timeout"))
        );
        assert_eq!(
            check(|it| it.keepalive = Some(Duration::ZERO)),
            Err(ConfigError::ZeroDuration("keepalive"))
        );
        assert_eq!(check(|it| it.close_timeout = LONGEST), Ok(()));
        assert_eq!(
            check(|it| it.close_timeout = LONGEST + Duration::from_nanos(1)),
            Err(ConfigError::EndlessDuration("close_timeout"))
        );
        assert_eq!(
            check(|it| it.max_offline_bytes = 0),
            Err(ConfigError::ZeroLimit("max_offline_bytes"))
        );
        let window = |bits| {
            check(|it| {
                it.per_message_deflate = Some(PerMessageDeflate {
                    client_max_window_bits: bits,
                    ..PerMessageDeflate::default()
                });
            })
        };
        assert_eq!(window(9), Ok(()));
        assert_eq!(window(8), Err(ConfigError::Deflate));
        let jitter = |jitter| {
            check(|it| {
                it.reconnection = Some(Backoff {
                    jitter,
                    ..Backoff::default()
                });
            })
        };
        assert_eq!(jitter(100), Ok(()));
        assert_eq!(jitter(101), Err(ConfigError::Jitter(101)));
    }

    #[test]
    fn what_is_wrong_is_told_in_words() {
        for (error, words) in [
            (
                ConfigError::ZeroDuration("ack_timeout"),
                "ack_timeout is zero",
            ),
            (
                ConfigError::EndlessDuration("ack_timeout"),
                "ack_timeout is longer than a hundred years",
            ),
            (
                ConfigError::ZeroLimit("max_namespaces"),
                "max_namespaces is zero",
            ),
            (
                ConfigError::Deflate,
                "per_message_deflate has windows of 9 to 15, and levels to 9",
            ),
            (ConfigError::Jitter(101), "jitter is 101, 100 is the most"),
        ] {
            assert_eq!(error.to_string(), words);
        }
        let shown = format!("{:?}", Config::default());
        assert_eq!(shown, format!("{:?}", Config::v4()));
    }
}
