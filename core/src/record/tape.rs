//! What a log is written on.

use super::log::put_head;
use crate::time::Instant;

/// A log that grows up to a limit, and then no more.
///
/// It is written on pages, so that what was written is not moved, as it would be again and again in one piece that
/// grows, until it is put together once, to be given out.
#[derive(Clone, Debug)]
pub(crate) struct Tape {
    /// Those that are full.
    pages: Vec<Vec<u8>>,
    /// Bytes of those.
    before: usize,
    /// The one that is written on.
    page: Vec<u8>,
    /// From how many bytes on it is looked at.
    room: usize,
    most: usize,
    full: bool,
    /// When the last step was.
    last: Instant,
}

/// Bytes of a page, and of how much of it is left free for the last of its steps: most take less.
const PAGE: usize = 4096;

const STEP: usize = 256;

impl Tape {
    /// One that begins with this head, if there is room for it.
    pub(crate) fn new(now: Instant, head: Vec<u8>, most: usize) -> Self {
        let full = head.len() > most;
        Self {
            pages: Vec::new(),
            before: 0,
            page: if full { Vec::new() } else { head },
            room: most.min(PAGE - STEP),
            most,
            full,
            last: now,
        }
    }

    /// What was written so far.
    pub(crate) fn log(&self) -> Vec<u8> {
        let mut log = Vec::with_capacity(self.before.saturating_add(self.page.len()));
        for page in self.pages.iter().chain([&self.page]) {
            log.extend_from_slice(page);
        }
        log
    }

    /// The same, and nothing is written any more.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.full = true;
        let page = std::mem::take(&mut self.page);
        if self.pages.is_empty() {
            return page;
        }
        let mut log = Vec::with_capacity(self.before.saturating_add(page.len()));
        for page in std::mem::take(&mut self.pages).into_iter().chain([page]) {
            log.extend_from_slice(&page);
        }
        self.before = 0;
        log
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
        let start = self.page.len();
        put_head(&mut self.page, self.last, now, number, sum);
        put(&mut self.page);
        self.last = now;
        if self.page.len() > self.room {
            self.turn(start);
        }
    }

    /// Turns the page, if it is full. Past the limit the step that began at `start` is taken back, and the log ends.
    #[cold]
    fn turn(&mut self, start: usize) {
        if self.before.saturating_add(self.page.len()) > self.most {
            // A step is as large as what its peer said.
            self.page.truncate(start);
            self.page.shrink_to_fit();
            self.full = true;
            return;
        }
        let next = Vec::with_capacity(PAGE);
        let mut page = std::mem::replace(&mut self.page, next);
        if page.capacity() > PAGE {
            page.shrink_to_fit();
        }
        self.before = self.before.saturating_add(page.len());
        self.pages.push(page);
        let room = self.most.saturating_sub(self.before);
        self.room = room.min(PAGE - STEP);
    }
}
