//! What handlers hold whose client has gone, among those of all clients.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sio_core::time::Instant;

use crate::endpoint::Endpoint;

/// What one client's handlers may hold in any case, as a part of what those of all may: clients that leave much
/// behind take nothing from those that leave little.
const SHARE: usize = 1024;

/// What handlers may still do when their client has gone.
pub(super) struct Departed {
    /// They are dropped then.
    until: Instant,
    /// What they hold, counted with the endpoint's others.
    bytes: usize,
    endpoint: Arc<Endpoint>,
}

impl Departed {
    /// So many bytes are left behind. If that is too much with what others have left, they may be no more than
    /// what comes back.
    pub(super) fn new(
        endpoint: &Arc<Endpoint>,
        bytes: usize,
        now: Instant,
    ) -> (Self, Option<usize>) {
        let before = endpoint.departed.fetch_add(bytes, Ordering::Relaxed);
        let most = endpoint.config.serving.max_departed_bytes;
        let departed = Self {
            until: now + endpoint.config.serving.departed_timeout,
            bytes,
            endpoint: endpoint.clone(),
        };
        let share = most / SHARE;
        let much = before.saturating_add(bytes) > most && bytes > share;
        (departed, much.then_some(share))
    }

    /// When their time is over.
    pub(super) const fn until(&self) -> Instant {
        self.until
    }

    /// Their time is over, and that of what begins only now does so too.
    pub(super) fn renew(&mut self, now: Instant) {
        self.until = now + self.endpoint.config.serving.departed_timeout;
    }

    /// So many bytes are held by now.
    pub(super) fn count(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let departed = &self.endpoint.departed;
        if bytes > before {
            departed.fetch_add(bytes.saturating_sub(before), Ordering::Relaxed);
        } else if bytes < before {
            departed.fetch_sub(before.saturating_sub(bytes), Ordering::Relaxed);
        }
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        self.endpoint
            .departed
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The size from which on handlers are dropped, so that what is left holds no more than `share`.
pub(super) fn too_large(mut sizes: Vec<usize>, share: usize) -> usize {
    sizes.sort_unstable();
    let mut sum: usize = 0;
    let first = sizes.into_iter().find(|size| {
        sum = sum.saturating_add(*size);
        sum > share
    });
    first.unwrap_or(usize::MAX)
}
