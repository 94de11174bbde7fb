//! What a log is written on.

use super::log::put_head;
use crate::time::Instant;

/// A log that grows up to a limit, and then no more.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    log: Vec<u8>,
    most: usize,
    full: bool,
    /// When the last step was.
    last: Instant,
}

impl Tape {
    /// One that begins with this head, if there is room for it.
    pub(crate) fn new(now: Instant, head: Vec<u8>, most: usize) -> Self {
        let full = head.len() > most;
        Self {
            log: if full { Vec::new() } else { head },
            most,
            full,
            last: now,
        }
    }

    pub(crate) fn log(&self) -> &[u8] {
        &self.log
    }

    /// What was written. Nothing is any more.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.full = true;
        std::mem::take(&mut self.log)
    }

    /// Nothing more is written.
    pub(crate) const fn end(&mut self) {
        self.full = true;
    }

    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    #[inline]
    pub(crate) const fn last(&self) -> Instant {
        self.last
    }

    /// Writes a step. What `put` puts is what the machine was given.
    #[inline]
    pub(crate) fn write(
        &mut self,
        now: Instant,
        number: u8,
        sum: Option<u32>,
        put: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.full {
            return;
        }
        let before = self.log.len();
        put_head(&mut self.log, self.last, now, number, sum);
        put(&mut self.log);
        if self.log.len() > self.most {
            self.fill(before);
        }
        self.last = now;
    }

    #[cold]
    fn fill(&mut self, before: usize) {
        // A step is as large as what its peer said.
        self.log.truncate(before);
        self.log.shrink_to_fit();
        self.full = true;
    }
}
