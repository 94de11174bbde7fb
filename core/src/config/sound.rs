//! Which configurations are sound: what each option may be.

use std::time::Duration;

use super::{
    AllowedOrigins, Config, ConfigError, ConnectionStateRecovery, CorsPolicy, ExactlyOnce,
};
use crate::packet::DEEPEST;

impl Config {
    /// Checks that the parts are sound.
    ///
    /// # Errors
    /// The first option that is not.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let path_byte = |b: u8| matches!(b, 0x21..=0x7e) && !matches!(b, b'?' | b'#');
        if !self.path.starts_with('/') || !self.path.bytes().all(path_byte) {
            return Err(ConfigError::Path(self.path.clone()));
        }
        if !self.transports.polling && !self.transports.websocket {
            return Err(ConfigError::NoTransport);
        }
        let recovery = self.connection_state_recovery.unwrap_or_default();
        let once = &self.exactly_once;
        let durations = self.durations().into_iter().chain(recovery.durations());
        for (name, duration) in durations.chain(once.durations()) {
            if duration.is_zero() {
                return Err(ConfigError::ZeroDuration(name));
            }
            if duration > CENTURY {
                return Err(ConfigError::EndlessDuration(name));
            }
        }
        let limits = self.limits().into_iter().chain(recovery.limits());
        for (option, value, range) in limits.chain(once.limits()) {
            if value < *range.start() {
                return Err(ConfigError::ZeroLimit(option));
            }
            let most = *range.end();
            if value > most {
                return Err(ConfigError::OverLimit {
                    option,
                    value,
                    most,
                });
            }
        }
        if self.per_message_deflate.is_some_and(|it| !it.is_sound()) {
            return Err(ConfigError::PerMessageDeflate);
        }
        if let Some(cookie) = &self.cookie {
            cookie.validate()?;
        }
        if let Some(cors) = &self.cors {
            CorsPolicy::new(cors)?;
        }
        AllowedOrigins::new(&self.origins)?;
        self.parsers.validate()?;
        Ok(())
    }

    /// Every duration, by its name.
    const fn durations(&self) -> [(&'static str, Duration); 16] {
        [
            ("ping_interval", self.ping_interval),
            ("ping_timeout", self.ping_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("connect_timeout", self.connect_timeout),
            ("middleware_timeout", self.middleware_timeout),
            ("packet_timeout", self.packet_timeout),
            ("ack_timeout", self.ack_timeout),
            ("write_timeout", self.write_timeout),
            ("pause_timeout", self.pause_timeout),
            ("close_timeout", self.close_timeout),
            ("polling_close_timeout", self.polling_close_timeout),
            ("request_head_timeout", self.serving.request_head_timeout),
            ("request_body_timeout", self.serving.request_body_timeout),
            ("keep_alive_timeout", self.serving.keep_alive_timeout),
            ("admission_timeout", self.serving.admission_timeout),
            ("departed_timeout", self.serving.departed_timeout),
        ]
    }

    /// Every limit that is a number, by its name, and between what it may be. The most is far beyond what
    /// serves a purpose, and short of what this machine pays for whether or not a peer goes that far.
    #[rustfmt::skip]
    fn limits(&self) -> [(&'static str, usize, Range); 27] {
        [
            ("max_http_buffer_size", self.max_http_buffer_size, 1..=GIB),
            ("max_attachments", self.max_attachments, 0..=MANY),
            ("max_backlog_bytes", self.max_backlog_bytes, 1..=GIB),
            ("max_packets_per_payload", self.max_packets_per_payload, 1..=MANY),
            ("max_fragments", self.max_fragments, 1..=MANY),
            ("max_sessions", self.max_sessions.unwrap_or_default(), 0..=VAST),
            ("max_pending_sessions", self.max_pending_sessions, 0..=VAST),
            ("max_binary_packet", self.max_binary_packet, 0..=GIB),
            // May ever be recursed into.
            ("max_json_depth", self.max_json_depth, 0..=DEEPEST),
            ("max_arguments", self.max_arguments, 0..=MANY),
            ("max_event_name_bytes", self.max_event_name_bytes, 0..=MIB),
            ("max_namespace_bytes", self.max_namespace_bytes, 0..=MIB),
            // They are looked through for each packet.
            ("max_namespaces_per_connection", self.max_namespaces_per_connection, 1..=1024),
            ("max_child_namespaces", self.max_child_namespaces, 0..=MANY),
            ("max_child_namespaces_per_connection", self.max_child_namespaces_per_connection, 0..=MANY),
            ("max_refused_connects", self.max_refused_connects, 1..=MANY),
            ("max_pending_acks", self.max_pending_acks, 0..=MANY),
            ("max_auth_bytes", self.max_auth_bytes, 0..=GIB),
            ("max_backlog_packets", self.max_backlog_packets, 1..=MANY),
            ("max_rooms_per_socket", self.max_rooms_per_socket, 0..=MANY),
            ("listen_backlog", self.serving.listen_backlog, 1..=MANY),
            ("max_request_head_bytes", self.serving.max_request_head_bytes, 1..=MIB),
            // Room for so many is made ready for each request.
            ("max_headers", self.serving.max_headers, 1..=4096),
            ("max_running_handlers", self.serving.max_running_handlers, 1..=MANY),
            ("max_running_bytes", self.serving.max_running_bytes, 1..=GIB),
            ("max_ready_waits", self.serving.max_ready_waits, 1..=65_535),
            ("max_departed_bytes", self.serving.max_departed_bytes, 0..=GIB),
        ]
    }
}

impl ConnectionStateRecovery {
    /// Its own durations.
    const fn durations(&self) -> [(&'static str, Duration); 1] {
        [(
            "max_disconnection_duration",
            self.max_disconnection_duration,
        )]
    }

    /// Its own limits.
    const fn limits(&self) -> [(&'static str, usize, Range); 3] {
        [
            ("max_kept_sessions", self.max_kept_sessions, 0..=MANY),
            ("max_kept_packets", self.max_kept_packets, 0..=MANY),
            ("max_kept_bytes", self.max_kept_bytes, 0..=GIB),
        ]
    }
}

impl ExactlyOnce {
    /// Its own durations.
    const fn durations(&self) -> [(&'static str, Duration); 1] {
        [("once_duration", self.once_duration)]
    }

    /// Its own limits.
    #[rustfmt::skip]
    const fn limits(&self) -> [(&'static str, usize, Range); 3] {
        [
            ("max_once_events", self.max_once_events, 0..=MANY),
            ("max_once_events_per_socket", self.max_once_events_per_socket, 0..=MANY),
            ("max_once_bytes", self.max_once_bytes, 0..=GIB),
        ]
    }
}

type Range = std::ops::RangeInclusive<usize>;

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
const MANY: usize = 1 << 20;
const VAST: usize = 1 << 30;

/// Longer than any wait that is meant, and short enough to be added to any clock.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origins;
    use crate::config::PerMessageDeflate;
    use crate::config::Transports;

    #[test]
    fn both_sets_of_defaults_are_sound() {
        assert_eq!(Config::v2().validate(), Ok(()));
        assert_eq!(Config::v4().validate(), Ok(()));
        assert_eq!(
            format!("{:?}", Config::default()),
            format!("{:?}", Config::v2())
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().unwrap_err()
        };
        assert_eq!(
            error(|c| c.path = "chat".into()),
            ConfigError::Path("chat".into())
        );
        assert_eq!(
            error(|c| c.path = "/a?b".into()),
            ConfigError::Path("/a?b".into())
        );
        assert_eq!(
            error(|c| c.transports = Transports {
                polling: false,
                websocket: false
            }),
            ConfigError::NoTransport
        );
        assert_eq!(
            error(|c| c.ping_timeout = Duration::ZERO),
            ConfigError::ZeroDuration("ping_timeout")
        );
        assert_eq!(
            error(|c| c.ack_timeout = Duration::MAX),
            ConfigError::EndlessDuration("ack_timeout")
        );
        assert_eq!(
            error(|c| c.connection_state_recovery = Some(
                ConnectionStateRecovery::default().max_disconnection_duration(Duration::ZERO)
            )),
            ConfigError::ZeroDuration("max_disconnection_duration")
        );
        assert_eq!(
            error(|c| c.exactly_once.once_duration = Duration::ZERO),
            ConfigError::ZeroDuration("once_duration")
        );
        assert_eq!(
            error(|c| c.max_http_buffer_size = 0),
            ConfigError::ZeroLimit("max_http_buffer_size")
        );
        let deflate = PerMessageDeflate::default();
        for (window, level, is_sound) in [(8, 9, false), (9, 9, true), (15, 10, false)] {
            let config = Config::default().per_message_deflate(PerMessageDeflate {
                server_max_window_bits: window,
                level,
                ..deflate
            });
            let error = Err(ConfigError::PerMessageDeflate);
            assert_eq!(config.validate(), if is_sound { Ok(()) } else { error });
        }
        assert_eq!(
            error(|c| c.origins = Origins::list(["a.example"])),
            ConfigError::Origin("a.example".into())
        );
    }

    #[test]
    fn every_limit_has_a_most() {
        // faults: H19
        let config = Config::default();
        let text = format!("{config:#?}");
        // Its own options, and those of its part behind them.
        let (own, serving) = text.split_once("    serving: Serving {\n").unwrap();
        let serving = serving.lines().filter_map(|it| it.strip_prefix("    "));
        let options = own.lines().chain(serving).filter_map(|line| {
            let line = line
                .strip_prefix("    ")
                .filter(|it| !it.starts_with(' '))?;
            line.strip_suffix(',')?.split_once(": ")
        });
        let (mut numbers, mut durations) = (Vec::new(), Vec::new());
        for (name, value) in options {
            let is_number = value.parse::<usize>().is_ok() || name == "max_sessions";
            numbers.extend(is_number.then_some(name));
            let is_duration =
                value.ends_with('s') && value.starts_with(|it: char| it.is_ascii_digit());
            durations.extend(is_duration.then_some(name));
        }
        assert!(numbers.contains(&"max_headers") && durations.contains(&"keep_alive_timeout"));
        assert_eq!(numbers, config.limits().map(|(name, ..)| name));
        assert_eq!(durations, config.durations().map(|(name, _)| name));

        for (option, most, change) in [
            (
                "max_headers",
                4096,
                (|c, n| c.serving.max_headers = n) as fn(&mut Config, usize),
            ),
            ("max_json_depth", DEEPEST, |c, n| c.max_json_depth = n),
            ("max_http_buffer_size", GIB, |c, n| {
                c.max_http_buffer_size = n
            }),
            ("max_sessions", VAST, |c, n| c.max_sessions = Some(n)),
            ("max_kept_sessions", MANY, |c, n| {
                c.connection_state_recovery =
                    Some(ConnectionStateRecovery::default().max_kept_sessions(n));
            }),
            ("max_kept_packets", MANY, |c, n| {
                c.connection_state_recovery =
                    Some(ConnectionStateRecovery::default().max_kept_packets(n));
            }),
            ("max_kept_bytes", GIB, |c, n| {
                c.connection_state_recovery =
                    Some(ConnectionStateRecovery::default().max_kept_bytes(n));
            }),
            ("max_once_events", MANY, |c, n| {
                c.exactly_once.max_once_events = n;
            }),
            ("max_once_events_per_socket", MANY, |c, n| {
                c.exactly_once.max_once_events_per_socket = n;
            }),
            ("max_once_bytes", GIB, |c, n| {
                c.exactly_once.max_once_bytes = n;
            }),
            ("max_backlog_packets", MANY, |c, n| {
                c.max_backlog_packets = n
            }),
        ] {
            let mut config = Config::default();
            change(&mut config, most);
            assert_eq!(config.validate(), Ok(()), "{option}");
            for value in [most + 1, usize::MAX] {
                change(&mut config, value);
                let error = ConfigError::OverLimit {
                    option,
                    value,
                    most,
                };
                assert_eq!(config.validate(), Err(error.clone()));
                assert_eq!(
                    error.to_string(),
                    format!("{option} is {value}, {most} is the most")
                );
            }
        }
    }
}
