//! The switch of an application that has its connections recorded, and whom it records.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::inner::Io;
use super::recording::Recording;
use crate::endpoint::handshake::Handshake;

impl Io {
    /// Records connections, those that come from now on: what each of them is told, with the times, the random bytes
    /// and what the application decides. The log of one is all that it takes to play it again, elsewhere, to the same
    /// bytes, step by step: [`core::record`](sio_core::record), and the example `replay` of `sio-sim` as a page.
    ///
    /// In it is **all that was said**, credentials too, and ids that were secrets: [`Log::redact`] takes them out
    /// before it is sent to anybody. While this is off, it costs each connection that comes a look at a switch. While it is on, some
    /// hundred instructions with each message (`benches/README.md` has figures), until the log of a connection is full,
    /// and as much memory as is let for each connection; the log is copied once as it is given out. What an application speaks over an engine of its own,
    /// before it hands the connection over, is not recorded.
    ///
    /// ```
    /// # use sio_driver::app::{Config, Io, Recording};
    /// # let io = Io::new(Config::v4());
    /// io.record(
    ///     Recording::new(|log| {
    ///         let log = sio_core::record::Log::read(log).and_then(|log| log.redact());
    ///         if let Ok(log) = log {
    ///             let _ = std::fs::write("last.siolog", log.write());
    ///         }
    ///     })
    ///     .only(|handshake| handshake.query.get("record").is_some())
    ///     .max_log_bytes(64 * 1024),
    /// );
    /// # io.stop_recording();
    /// ```
    ///
    /// [`Log::redact`]: sio_core::record::Log::redact
    pub fn record(&self, recording: Recording) {
        self.inner.recording.set(Arc::new(recording));
        self.inner.records.store(true, Ordering::Release);
    }

    /// Records no more connections. Those that are recorded already are so to their end.
    pub fn stop_recording(&self) {
        self.inner.records.store(false, Ordering::Release);
        drop(self.inner.recording.take());
    }

    /// Where a new connection is recorded, if it is to be.
    #[inline]
    pub(crate) fn recording_of(&self, handshake: &Handshake) -> Option<Arc<Recording>> {
        match self.inner.records.load(Ordering::Acquire) {
            true => self.wanted(handshake),
            false => None,
        }
    }

    #[cold]
    fn wanted(&self, handshake: &Handshake) -> Option<Arc<Recording>> {
        let recording = self.inner.recording.get()?;
        recording.wants(handshake).then_some(recording)
    }
}
