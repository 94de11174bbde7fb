//! Why a client did not get what it wanted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sio_driver::app::{ArgumentError, EmitError, EncodeError};
use sio_driver::client::{BuildError, ConfigError, ConnectError, UrlError};

/// Why a client of a test did not get what it wanted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// The server says no, or there is none: nothing is tried any more.
    Refused(ConnectError),
    /// What was waited for did not come.
    Late {
        /// Who has waited.
        who: String,
        /// What for.
        what: String,
        /// How long.
        waited: Duration,
        /// What it was told meanwhile, and nobody has taken.
        heard: String,
    },
    /// The client was closed, or its host has crashed.
    Closed,
    /// The event has other arguments.
    Mistyped(ArgumentError),
    /// What was to be sent cannot be written.
    Encode(EncodeError),
    /// More waits to be sent than may.
    Full,
    /// There are as many namespaces as may be.
    TooMany,
    /// The configuration is wrong.
    Config(ConfigError),
    /// There is no such address.
    Url(UrlError),
    /// It cannot be made for another reason.
    Build(Arc<BuildError>),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "not let in: {why}"),
            Self::Late {
                who,
                what,
                waited,
                heard,
            } => write!(f, "{who} waited {waited:?} for {what}, and heard {heard}"),
            Self::Closed => f.write_str("the client is closed"),
            Self::Mistyped(why) => why.fmt(f),
            Self::Encode(why) => why.fmt(f),
            Self::Full => f.write_str("more waits to be sent than may"),
            Self::TooMany => f.write_str("there are as many namespaces as may be"),
            Self::Config(why) => why.fmt(f),
            Self::Url(why) => why.fmt(f),
            Self::Build(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<BuildError> for ClientError {
    fn from(why: BuildError) -> Self {
        match why {
            BuildError::Url(why) => Self::Url(why),
            BuildError::Config(why) => Self::Config(why),
            BuildError::Auth(why) => Self::Encode(why),
            BuildError::AuthValue(why) => Self::Mistyped(why),
            other @ (BuildError::Header(_) | BuildError::Tls(_) | _) => {
                Self::Build(Arc::new(other))
            }
        }
    }
}

impl From<EmitError> for ClientError {
    fn from(why: EmitError) -> Self {
        match why {
            EmitError::Encode(why) => Self::Encode(why),
            EmitError::Full => Self::Full,
            EmitError::Disconnected | _ => Self::Closed,
        }
    }
}
