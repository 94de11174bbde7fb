//! Handlers whose client has gone: what they hold, and for how long.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use sio_core::time::Instant;

use super::account::Part;
use super::running::Job;
use super::{Phase, Task};
use crate::endpoint::Endpoint;
use crate::error::Failure;
use crate::runtime::Runtime;

/// What one client's handlers may hold in any case, as a part of what those of all may: clients that leave much
/// behind take nothing from those that leave little.
const SHARE: usize = 1024;

/// What handlers may still do when their client has gone.
pub(super) struct Departed {
    /// They are dropped then.
    pub(super) until: Instant,
    /// What they hold, counted with the host's others.
    bytes: usize,
    host: Arc<Endpoint>,
}

impl Departed {
    /// So many bytes are held by now.
    fn count(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let departed = &self.host.departed;
        if bytes > before {
            departed.fetch_add(bytes.saturating_sub(before), Ordering::Relaxed);
        } else if bytes < before {
            departed.fetch_sub(before.saturating_sub(bytes), Ordering::Relaxed);
        }
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        self.host.departed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<R: Runtime> Task<R> {
    /// The client has gone. Handlers that wait may go on for a while, as far as all that have been left
    /// behind hold no more than they may together.
    pub(super) fn depart(&mut self, cx: &mut Context<'_>) {
        let waiting = self.account().bytes(Part::Waiting);
        let (host, now) = (self.link.endpoint().clone(), self.now);
        let Some(running) = &mut self.running else {
            return;
        };
        let bytes = running.bytes.saturating_add(waiting);
        let before = host.departed.fetch_add(bytes, Ordering::Relaxed);
        let most = host.config.max_departed_bytes;
        let until = now + host.config.departed_timeout;
        running.departed = Some(Departed { until, bytes, host });
        let share = most / SHARE;
        if before.saturating_add(bytes) > most && bytes > share {
            let large = too_large(running.jobs.iter().map(Job::bytes).collect(), share);
            self.forsake(cx, "max_departed_bytes", |job| job.bytes() >= large);
        }
    }

    /// Counts what they have let go of meanwhile.
    pub(super) fn count_departed(&mut self) {
        if self.departed_until().is_none() {
            return;
        }
        let account = self.account();
        let bytes = account
            .bytes(Part::Running)
            .saturating_add(account.bytes(Part::Waiting));
        if let Some(Some(departed)) = self.running.as_mut().map(|it| &mut it.departed) {
            departed.count(bytes);
        }
    }

    /// The time of those that were left behind may be over. Those that then begin, since they waited for
    /// these, have as much.
    pub(super) fn dismiss_departed(&mut self, cx: &mut Context<'_>) {
        self.count_departed();
        let now = self.now;
        let departed = self.running.as_mut().map(|running| &mut running.departed);
        let Some(Some(departed)) = departed else {
            return;
        };
        if self.phase == Phase::Closed && departed.until <= now {
            departed.until = now + departed.host.config.departed_timeout;
            self.forsake(cx, "departed_timeout", |_| true);
        }
    }

    /// When that is over.
    pub(super) fn departed_until(&self) -> Option<Instant> {
        let departed = self.running.as_ref()?.departed.as_ref()?;
        Some(departed.until)
    }

    /// Drops handlers, and what waited for them, but that the end of their socket is told. The application hears
    /// of each that it was `why`.
    fn forsake(&mut self, cx: &mut Context<'_>, why: &'static str, which: impl Fn(&Job) -> bool) {
        let Some(running) = &mut self.running else {
            return;
        };
        // Out of reach of what ends meanwhile.
        let departed = running.departed.take();
        let (dropped, left): (Vec<_>, Vec<_>) = running.jobs.iter().partition(|job| which(job));
        let plain = dropped.iter().any(|job| matches!(job, Job::Plain(_)));
        let mut told: Vec<_> = dropped.into_iter().filter_map(Job::event).collect();
        let busy: Vec<_> = left.into_iter().filter_map(Job::seat).collect();
        if let Some(sockets) = self.sockets() {
            told.extend(sockets.forsake(&busy));
        }
        self.drop_jobs(cx, which);
        self.advance(cx);
        for (socket, name) in told {
            self.report(&socket, &name, Failure::Dropped(why), true);
        }
        if plain {
            self.plain_failed(&Failure::Dropped(why));
        }
        if let (Some(running), Some(departed)) = (&mut self.running, departed) {
            running.departed = Some(departed);
        }
        self.count_departed();
    }
}

/// The size from which on handlers are dropped, so that what is left holds no more than `share`.
fn too_large(mut sizes: Vec<usize>, share: usize) -> usize {
    sizes.sort_unstable();
    let mut sum: usize = 0;
    let first = sizes.into_iter().find(|size| {
        sum = sum.saturating_add(*size);
        sum > share
    });
    first.unwrap_or(usize::MAX)
}
