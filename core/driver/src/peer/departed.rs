//! Handlers whose client has gone: what they hold, and for how long.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::time::Instant;

use super::account::Part;
use super::running::Job;
use super::{Peer, Phase};
use crate::host::Host;
use crate::log::debug;
use crate::runtime::Runtime;

/// What handlers may still do when their client has gone.
pub(super) struct Departed {
    /// They are dropped then.
    pub(super) until: Instant,
    /// What they hold, counted with the host's others.
    bytes: usize,
    host: Arc<Host>,
}

impl Departed {
    /// No more than so many bytes are held any longer.
    fn lower(&mut self, bytes: usize) {
        let less = self.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(less);
        self.host.departed.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        self.host.departed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl<R: Runtime> Peer<R> {
    /// The client has gone. Handlers that wait may go on for a while, as far as all that have been left
    /// behind hold no more than they may together.
    pub(super) fn depart(&mut self, cx: &mut Context<'_>) {
        let waiting = self.account().bytes(Part::Waiting);
        let (host, now) = (self.link.host().clone(), self.now);
        let Some(running) = &mut self.running else {
            return;
        };
        let bytes = running.bytes.saturating_add(waiting);
        let before = host.departed.fetch_add(bytes, Ordering::Relaxed);
        let full = before.saturating_add(bytes) > host.config.max_departed_bytes;
        let until = now + host.config.departed_timeout;
        running.departed = Some(Departed { until, bytes, host });
        if full && bytes > 0 {
            debug!("handlers dropped (max_departed_bytes)");
            self.forsake(cx, |job| job.bytes() > 0);
        }
    }

    /// The time of those that were left behind may be over. Those that then begin, since they waited for
    /// these, have as much.
    pub(super) fn dismiss_departed(&mut self, cx: &mut Context<'_>) {
        let now = self.now;
        let departed = self.running.as_mut().map(|running| &mut running.departed);
        let Some(Some(departed)) = departed else {
            return;
        };
        if self.phase == Phase::Closed && departed.until <= now {
            departed.until = now + departed.host.config.departed_timeout;
            debug!("handlers dropped (departed_timeout)");
            self.forsake(cx, |_| true);
        }
    }

    /// When that is over.
    pub(super) fn departed_until(&self) -> Option<Instant> {
        let departed = self.running.as_ref()?.departed.as_ref()?;
        Some(departed.until)
    }

    /// Drops handlers, and what waited for them, but that the end of their socket is told.
    fn forsake(&mut self, cx: &mut Context<'_>, which: impl Fn(&Job) -> bool) {
        if let Some(sockets) = self.sockets() {
            sockets.forsake();
        }
        let departed = self
            .running
            .as_mut()
            .and_then(|running| running.departed.take());
        self.drop_jobs(cx, which);
        self.advance(cx);
        if let (Some(running), Some(mut departed)) = (&mut self.running, departed) {
            departed.lower(running.bytes);
            running.departed = Some(departed);
        }
    }
}
