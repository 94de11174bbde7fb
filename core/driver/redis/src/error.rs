//! Why there is no Redis.

use std::fmt;

/// Why there is no Redis.
#[derive(Debug)]
pub struct RedisError(redis::RedisError);

impl RedisError {
    /// Whether it lies in what was asked for (the URL, credentials, a feature that was not built) and not in Redis'
    /// being away.
    pub fn is_lasting(&self) -> bool {
        !self.0.is_io_error() && !self.0.is_timeout() && !self.0.is_connection_dropped()
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
