//! When Redis is taken for gone, and what may wait for it.

use std::time::Duration;

/// What [`Redis`](crate::Redis) lets choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) connect_timeout: Duration,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) max_unsent_bytes: usize,
    pub(crate) max_unread_bytes: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(3),
            ping_interval: Duration::from_secs(1),
            ping_timeout: Duration::from_secs(3),
            max_unsent_bytes: 8 << 20,
            max_unread_bytes: 8 << 20,
        }
    }
}
