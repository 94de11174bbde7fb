//! Why there is no Redis.

use std::fmt;

use sio_driver::cluster::codec::EncodeError;

/// Why there is no Redis.
#[derive(Debug)]
pub struct RedisError(redis::RedisError);

impl RedisError {
    /// Whether it lies in what was asked for (the URL, credentials, a feature that was not built) and not in Redis'
    /// being away.
    pub fn is_lasting(&self) -> bool {
        let away = self.0.is_io_error() || self.0.is_timeout() || self.0.is_connection_dropped();
        !away && self.0.kind() != redis::ErrorKind::ClusterConnectionNotFound
    }

    pub(crate) const fn inner(&self) -> &redis::RedisError {
        &self.0
    }
}

impl From<redis::RedisError> for RedisError {
    fn from(why: redis::RedisError) -> Self {
        Self(why)
    }
}

impl fmt::Display for RedisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis: {}", self.0)
    }
}

impl std::error::Error for RedisError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Why something was not said, or may not have been.
#[derive(Debug)]
#[non_exhaustive]
pub enum EmitterError {
    /// It cannot be: the event's name is reserved, the arguments cannot be written, or the dialect has no words for it.
    Unsaid(EncodeError),
    /// Redis is not there, and nothing was sent.
    Unreachable(RedisError),
    /// Redis does not take it.
    Refused(RedisError),
    /// It was sent, and the connection was lost before Redis had answered: whether it has arrived nobody knows.
    Unsure(RedisError),
}

impl fmt::Display for EmitterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaid(why) => write!(f, "cannot be said: {why}"),
            Self::Unreachable(why) => write!(f, "not sent: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Unsure(why) => write!(f, "sent, and not answered: {why}"),
        }
    }
}

impl std::error::Error for EmitterError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unsaid(why) => Some(why),
            Self::Unreachable(why) | Self::Refused(why) | Self::Unsure(why) => Some(why),
        }
    }
}

impl From<EncodeError> for EmitterError {
    fn from(why: EncodeError) -> Self {
        Self::Unsaid(why)
    }
}
