//! What can go wrong for a client's application.

use std::fmt;
use std::io;

use sio_core::client::{self, ConfigError, ProxyVariableError, TransportError, UrlError};
use sio_core::packet::{ArgumentError, EncodeError};
use sio_core::socket::Refusal;

/// Why a socket is not in its namespace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server says no.
    Refused(Refusal),
    /// The server does not answer in time.
    Timeout,
    /// There is no connection.
    Transport(TransportError),
    /// The server speaks revision 4 and was asked in revision 5.
    OldServer,
    /// The credentials cannot be written.
    Auth(EncodeError),
    /// What was asked for credentials, or for where to dial, says that there are none.
    Stopped,
    /// The client has dialled often enough, or is not to dial again, and failed with this at last. `None`: its last
    /// connection was lost before its server has said whether the socket is let in.
    GaveUp(Option<Box<Self>>),
    /// The client is closed, or the socket was told to leave.
    Closed,
}

impl ConnectError {
    /// Whether another attempt may end otherwise by itself.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Timeout | Self::Transport(_) => true,
            Self::Refused(_)
            | Self::OldServer
            | Self::Auth(_)
            | Self::Stopped
            | Self::GaveUp(_)
            | Self::Closed => false,
        }
    }
}

impl From<client::ConnectError> for ConnectError {
    fn from(error: client::ConnectError) -> Self {
        match error {
            client::ConnectError::Refused(refusal) => Self::Refused(refusal),
            client::ConnectError::Timeout => Self::Timeout,
            client::ConnectError::Transport(error) => Self::Transport(error),
            client::ConnectError::OldServer => Self::OldServer,
            client::ConnectError::Auth(why) => Self::Auth(why),
            client::ConnectError::Stopped | _ => Self::Stopped,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Timeout => f.write_str("timeout"),
            Self::Transport(error) => error.fmt(f),
            Self::OldServer => f.write_str("the server speaks an older revision"),
            Self::Auth(why) => why.fmt(f),
            Self::Stopped => f.write_str("stopped by the application"),
            Self::GaveUp(Some(error)) => write!(f, "gave up: {error}"),
            Self::GaveUp(None) => f.write_str("gave up"),
            Self::Closed => f.write_str("closed"),
        }
    }
}

impl std::error::Error for ConnectError {}

/// Why a client cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL is none to dial.
    Url(UrlError),
    /// The name or the value of this header is none.
    Header(String),
    /// The credentials cannot be written.
    Auth(EncodeError),
    /// The credentials cannot be read back.
    AuthValue(ArgumentError),
    /// An option is wrong.
    Config(ConfigError),
    /// A variable of the environment names no proxy.
    ProxyVariable(ProxyVariableError),
    /// There is no TLS: its feature is off, or nobody is trusted.
    Tls(io::Error),
    /// There is no thread for it, or nothing that it could be run by: of a client that has one for itself.
    Thread(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => why.fmt(f),
            Self::Header(name) => write!(f, "not a header: {name}"),
            Self::Auth(why) => write!(f, "the credentials: {why}"),
            Self::AuthValue(why) => write!(f, "the credentials: {why}"),
            Self::Config(why) => why.fmt(f),
            Self::ProxyVariable(why) => why.fmt(f),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::Thread(why) => write!(f, "a thread: {why}"),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<UrlError> for BuildError {
    fn from(why: UrlError) -> Self {
        Self::Url(why)
    }
}

impl From<ProxyVariableError> for BuildError {
    fn from(why: ProxyVariableError) -> Self {
        Self::ProxyVariable(why)
    }
}

impl From<ConfigError> for BuildError {
    fn from(why: ConfigError) -> Self {
        Self::Config(why)
    }
}
