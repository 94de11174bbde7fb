//! How what a client is told stands in a log.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{Response, StatusCode};

use crate::client::backoff::Backoff;
use crate::client::config::{Config, OfflinePolicy};
use crate::client::connection::{Network, Unavailable};
use crate::client::dial::Dial;
use crate::client::namespaces::Auth;
use crate::client::reason::Failure;
use crate::packet::{Args, Limits, Name, Value};
use crate::protocol::TransportKind;
use crate::record::field::{Field, named, put_bytes};

named! {
    Network { 0 => Offline, 1 => Online, 2 => Changed }
    OfflinePolicy { 0 => Refuse, 1 => DropOldest, 2 => DropNewest, 3 => Off }
}

impl Field for Unavailable {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut Bytes) -> Option<Self> {
        Some(Self)
    }
}

impl Field for Failure {
    fn put(&self, to: &mut Vec<u8>) {
        to.push(match self {
            Self::Dns => 0,
            Self::Tcp => 1,
            Self::Tls => 2,
            Self::Proxy => 3,
            Self::WebSocket => 4,
            Self::Http { .. } => 5,
            Self::Protocol => 6,
            Self::Timeout => 7,
            Self::Closed => 8,
        });
        if let Self::Http {
            status,
            code,
            message,
        } = self
        {
            status.put(to);
            code.put(to);
            message.put(to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(match u8::take(from)? {
            0 => Self::Dns,
            1 => Self::Tcp,
            2 => Self::Tls,
            3 => Self::Proxy,
            4 => Self::WebSocket,
            5 => Self::Http {
                status: Field::take(from)?,
                code: Field::take(from)?,
                message: Field::take(from)?,
            },
            6 => Self::Protocol,
            7 => Self::Timeout,
            8 => Self::Closed,
            _ => return None,
        })
    }
}

impl Field for StatusCode {
    fn put(&self, to: &mut Vec<u8>) {
        self.as_u16().put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Self::from_u16(Field::take(from)?).ok()
    }
}

impl Field for HeaderMap {
    fn put(&self, to: &mut Vec<u8>) {
        self.len().put(to);
        for (name, value) in self {
            put_bytes(name.as_str().as_bytes(), to);
            put_bytes(value.as_bytes(), to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let length = usize::take(from)?;
        let mut all = Self::new();
        for _ in 0..length {
            let name = HeaderName::from_bytes(&Bytes::take(from)?).ok()?;
            let value = HeaderValue::from_maybe_shared(Bytes::take(from)?).ok()?;
            all.try_append(name, value).ok()?;
        }
        Some(all)
    }
}

impl Field for Response<Bytes> {
    fn put(&self, to: &mut Vec<u8>) {
        self.status().put(to);
        self.headers().put(to);
        self.body().put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let (status, headers) = (StatusCode::take(from)?, HeaderMap::take(from)?);
        let mut response = Self::new(Bytes::take(from)?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }
}

impl Field for Name {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.as_str().as_bytes(), to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(String::take(from)?.into())
    }
}

impl Field for Args {
    fn put(&self, to: &mut Vec<u8>) {
        put_bytes(self.elements().as_bytes(), to);
        self.attachments().len().put(to);
        for attachment in self.attachments() {
            attachment.put(to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        let elements = String::take(from)?;
        Self::from_json(&format!("[{elements}]"), Field::take(from)?).ok()
    }
}

/// As the argument of an event.
impl Field for Value {
    fn put(&self, to: &mut Vec<u8>) {
        // What cannot be written cannot be told to a server either.
        Args::from_arguments(self).unwrap_or_default().put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Args::take(from)?.get(0).ok()
    }
}

impl Field for Auth {
    fn put(&self, to: &mut Vec<u8>) {
        match self {
            Self::None => to.push(0),
            Self::Value(value) => {
                to.push(1);
                value.put(to);
            }
            Self::Asked => to.push(2),
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        match u8::take(from)? {
            0 => Some(Self::None),
            1 => Some(Self::Value(Field::take(from)?)),
            2 => Some(Self::Asked),
            _ => None,
        }
    }
}

impl Field for Dial {
    fn put(&self, to: &mut Vec<u8>) {
        let Self {
            scheme,
            authority,
            path,
            query,
            headers,
            transports,
        } = self;
        (*scheme == Scheme::HTTPS).put(to);
        put_bytes(authority.as_str().as_bytes(), to);
        path.put(to);
        query.put(to);
        headers.put(to);
        transports.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self {
            scheme: match bool::take(from)? {
                true => Scheme::HTTPS,
                false => Scheme::HTTP,
            },
            authority: String::take(from)?.parse().ok()?,
            path: Field::take(from)?,
            query: Field::take(from)?,
            headers: Field::take(from)?,
            transports: <Vec<TransportKind> as Field>::take(from)?,
        })
    }
}

impl Field for Backoff {
    fn put(&self, to: &mut Vec<u8>) {
        let Self {
            delay,
            delay_max,
            jitter,
            attempts,
        } = self;
        delay.put(to);
        delay_max.put(to);
        jitter.put(to);
        attempts.put(to);
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self {
            delay: Field::take(from)?,
            delay_max: Field::take(from)?,
            jitter: Field::take(from)?,
            attempts: Field::take(from)?,
        })
    }
}

impl Field for Limits {
    fn put(&self, to: &mut Vec<u8>) {
        let Self {
            attachments,
            binary,
            depth,
            arguments,
            name,
            namespace,
        } = *self;
        for most in [attachments, binary, depth, arguments, name, namespace] {
            most.put(to);
        }
    }

    fn take(from: &mut Bytes) -> Option<Self> {
        Some(Self {
            attachments: Field::take(from)?,
            binary: Field::take(from)?,
            depth: Field::take(from)?,
            arguments: Field::take(from)?,
            name: Field::take(from)?,
            namespace: Field::take(from)?,
        })
    }
}

/// Every option, so that a new one has to be decided over: written, or named among those that make no difference.
macro_rules! options {
    ([$($written:ident),* $(,)?], [$($left:ident),* $(,)?]) => {
        impl Field for Config {
            fn put(&self, to: &mut Vec<u8>) {
                let Self { $($written,)* $($left: _,)* } = self;
                $($written.put(to);)*
            }

            fn take(from: &mut Bytes) -> Option<Self> {
                let mut config = Self::v4();
                $(config.$written = Field::take(from)?;)*
                Some(config)
            }
        }
    };
}

options!(
    [
        revision,
        try_all_transports,
        upgrade,
        remember_upgrade,
        timestamp_requests,
        reconnection,
        ask_before_dial,
        cookies,
        connect_timeout,
        upgrade_timeout,
        close_timeout,
        write_timeout,
        request_timeout,
        packet_timeout,
        ack_timeout,
        check_timeout,
        keepalive,
        max_message_bytes,
        max_packets_per_payload,
        limits,
        max_namespaces,
        max_waiting_bytes,
        max_pending_acks,
        max_backlog_bytes,
        max_offline_packets,
        max_offline_bytes,
        offline,
        max_cookies,
    ],
    // How packets are written stands by itself; compression is for whoever carries the bytes.
    [parser, per_message_deflate]
);
