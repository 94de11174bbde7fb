//! What a log is written on.

use super::field::{Field, length};
use super::log::{SUM, given_bits, time};
use crate::message::Encoded;
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
    /// The one that is written on. It has as much room as it may be written.
    page: Vec<u8>,
    most: usize,
    full: bool,
    /// When the last step was.
    last: Instant,
    given: Given,
    /// Where a step is put together that is like no other.
    draft: Vec<u8>,
}

/// Where the frame of the last packet stands that had one and no name.
#[derive(Clone, Copy, Debug)]
struct Given {
    /// How many pages are before its own.
    page: usize,
    start: usize,
    length: usize,
    is_text: bool,
}

impl Given {
    /// There was none: nothing is as long.
    const NONE: Self = Self {
        page: 0,
        start: 0,
        length: usize::MAX,
        is_text: false,
    };
}

/// The part of a step that is always as long, as far as it is still to be written.
#[derive(Debug)]
pub(crate) struct Lead<'a>(&'a mut [u8]);

impl Lead<'_> {
    #[inline(always)]
    pub(crate) fn put<const LENGTH: usize>(&mut self, bytes: [u8; LENGTH]) {
        if let Some((place, rest)) = std::mem::take(&mut self.0).split_first_chunk_mut() {
            *place = bytes;
            self.0 = rest;
        }
    }

    /// A message before its bytes, in five bytes.
    #[inline(always)]
    pub(crate) fn put_message(&mut self, is_text: bool, bytes: &[u8]) {
        self.put([u8::from(!is_text)]);
        self.put(length(bytes));
    }

    /// A packet of one frame, and without a name, before that frame's bytes, in seven bytes.
    #[inline(always)]
    pub(crate) fn put_packet(&mut self, is_text: bool, bytes: &[u8]) {
        self.put([0, 1]);
        self.put_message(is_text, bytes);
    }
}

/// Bytes of a page.
const PAGE: usize = 4000;

/// How many may be left free on one that is full.
const FREE: usize = 256;

impl Tape {
    /// One that begins with this head, if there is room for it.
    pub(crate) fn new(now: Instant, head: Vec<u8>, most: usize) -> Self {
        let full = head.len() > most;
        let mut page = if full { Vec::new() } else { head };
        page.shrink_to_fit();
        Self {
            pages: Vec::new(),
            before: 0,
            page,
            most,
            full,
            last: now,
            given: Given::NONE,
            draft: Vec::new(),
        }
    }

    /// What was written so far.
    pub(crate) fn log(&self) -> Vec<u8> {
        let mut log = Vec::with_capacity(self.before.saturating_add(self.page.len()));
        for page in &self.pages {
            log.extend_from_slice(page);
        }
        log.extend_from_slice(&self.page);
        log
    }

    /// The same, and nothing is written any more.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let log = match self.pages.is_empty() {
            true => {
                let mut page = std::mem::take(&mut self.page);
                page.shrink_to_fit();
                page
            }
            false => self.log(),
        };
        self.end();
        (self.pages, self.page, self.draft) = (Vec::new(), Vec::new(), Vec::new());
        self.before = 0;
        log
    }

    /// Nothing more is written.
    pub(crate) fn end(&mut self) {
        self.full = true;
        // Nothing has room.
        self.page.shrink_to_fit();
    }

    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.full
    }

    #[inline]
    pub(crate) const fn last(&self) -> Instant {
        self.last
    }

    /// Writes a step: how it begins, in so many bytes, and what is behind that. `false`: the log is full.
    #[inline(always)]
    pub(crate) fn step<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) -> bool {
        self.on_page::<LEAD>(now, now != self.last, &lead, bytes)
            .is_some()
            || self.behind_page::<LEAD>(now, now != self.last, lead, bytes)
    }

    /// The same of one that is as a rule later than the step before: when it is stands before how it begins, and `LEAD`
    /// counts that in.
    #[inline(always)]
    pub(crate) fn step_timed<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) -> bool {
        let lead = |to: &mut Lead<'_>| {
            to.put(time(now));
            lead(to);
        };
        self.on_page::<LEAD>(now, false, lead, bytes).is_some()
            || self.behind_page::<LEAD>(now, false, lead, bytes)
    }

    #[inline(always)]
    fn behind_page<const LEAD: usize>(
        &mut self,
        now: Instant,
        moved: bool,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) -> bool {
        let mut begin = [0; LEAD];
        lead(&mut Lead(&mut begin));
        self.turn(now, moved, &begin, bytes)
    }

    /// The same, if there is room on the page: nothing is looked at but that. `moved`: when it is comes first.
    #[inline(always)]
    fn on_page<const LEAD: usize>(
        &mut self,
        now: Instant,
        moved: bool,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) -> Option<()> {
        let free = self.page.capacity().wrapping_sub(self.page.len());
        // By itself either way: so much of what is looked at is looked at once.
        if moved {
            let time = time(now);
            if free.checked_sub(LEAD.saturating_add(time.len()))? < bytes.len() {
                return None;
            }
            self.page.extend_from_slice(&time);
            self.last = now;
            self.lay::<LEAD>(lead, bytes);
        } else {
            if free.checked_sub(LEAD)? < bytes.len() {
                return None;
            }
            self.last = now;
            self.lay::<LEAD>(lead, bytes);
        }
        Some(())
    }

    #[inline(always)]
    fn lay<const LEAD: usize>(&mut self, lead: impl Fn(&mut Lead<'_>), bytes: &[u8]) {
        let mut begin = [0; LEAD];
        lead(&mut Lead(&mut begin));
        self.page.extend_from_slice(&begin);
        if !bytes.is_empty() {
            self.page.extend_from_slice(bytes);
        }
    }

    /// Writes a step for which its page has no room: where it can grow, or on the next. Past the limit it is not written,
    /// and the log ends; so it does before a step whose lengths could not be written. `false`: it was not written.
    #[cold]
    fn turn(&mut self, now: Instant, moved: bool, lead: &[u8], bytes: &[u8]) -> bool {
        if self.full {
            return false;
        }
        let moved = moved.then(|| time(now));
        let moved = moved.as_ref().map_or(&[][..], |it| it);
        let size = (moved.len().saturating_add(lead.len())).saturating_add(bytes.len());
        let written = self.before.saturating_add(self.page.len());
        let left = self.most.saturating_sub(written);
        if size > left || u32::try_from(size).is_err() {
            self.end();
            self.draft = Vec::new();
            return false;
        }
        let used = self.page.len();
        let end = used.saturating_add(size);
        if end <= PAGE {
            let length = used.saturating_mul(2).min(used.saturating_add(left));
            let length = length.min(PAGE).max(end);
            self.page.reserve_exact(length.saturating_sub(used));
        } else {
            let next = Vec::with_capacity(size.max(left.min(PAGE)));
            let mut page = std::mem::replace(&mut self.page, next);
            if page.capacity().saturating_sub(used) > FREE {
                page.shrink_to_fit();
            }
            self.before = written;
            self.pages.push(page);
        }
        for part in [moved, lead, bytes] {
            self.page.extend_from_slice(part);
        }
        self.last = now;
        true
    }

    /// The same of a step that gives a packet with one frame, which these bytes are, and without a name.
    #[inline]
    pub(crate) fn step_giving<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        (is_text, bytes): (bool, &[u8]),
    ) -> bool {
        let written = self.step::<LEAD>(now, lead, bytes);
        self.given(is_text, bytes);
        written
    }

    /// The same, and whoever writes knows that frame again by itself.
    #[inline]
    pub(crate) fn step_giving_known<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        bytes: &[u8],
    ) -> bool {
        self.given.length = Given::NONE.length;
        self.step::<LEAD>(now, lead, bytes)
    }

    /// The same of any packet, behind what `put` puts.
    pub(crate) fn step_giving_any<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        put: impl FnOnce(&mut Vec<u8>),
        packet: &Encoded,
    ) {
        self.step_drafted::<LEAD>(now, lead, |draft| {
            put(draft);
            packet.put(draft);
        });
        if let Some((is_text, bytes)) = packet.single() {
            self.given(is_text, bytes);
        }
    }

    /// Writes a step that is like no other. What `put` puts is what the machine was given.
    pub(crate) fn write(&mut self, now: Instant, number: u8, put: impl FnOnce(&mut Vec<u8>)) {
        self.step_drafted::<1>(now, |lead| lead.put([number]), put);
    }

    fn step_drafted<const LEAD: usize>(
        &mut self,
        now: Instant,
        lead: impl Fn(&mut Lead<'_>),
        put: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut draft = std::mem::take(&mut self.draft);
        put(&mut draft);
        let _ = self.step::<LEAD>(now, lead, &draft);
        if !self.full && draft.capacity() <= PAGE {
            draft.clear();
            self.draft = draft;
        }
    }

    /// Something came out that has this sum, and what is behind that.
    #[inline]
    pub(crate) fn came_out<const BEHIND: usize>(
        &mut self,
        now: Instant,
        number: u8,
        sum: u32,
        behind: [u8; BEHIND],
    ) -> bool {
        let lead = |lead: &mut Lead<'_>| {
            lead.put([number | SUM]);
            lead.put(sum.to_le_bytes());
        };
        self.step::<5>(now, lead, &behind)
    }

    /// The frame came out that was given last.
    #[inline]
    pub(crate) fn came_out_as_given<const BEHIND: usize>(
        &mut self,
        now: Instant,
        number: u8,
        compress: bool,
        behind: [u8; BEHIND],
    ) -> bool {
        let first = number | given_bits(compress);
        self.step::<1>(now, |lead| lead.put([first]), &behind)
    }

    /// Whether that is the frame of the packet that was given last.
    #[inline]
    pub(crate) fn is_given(&self, is_text: bool, bytes: &[u8]) -> bool {
        let given = &self.given;
        given.length == bytes.len() && given.is_text == is_text && {
            let page = self.pages.get(given.page).unwrap_or(&self.page);
            let frame = page.get(given.start..).and_then(|it| it.get(..bytes.len()));
            frame == Some(bytes)
        }
    }

    /// These are the bytes that were written last.
    #[inline]
    fn given(&mut self, is_text: bool, bytes: &[u8]) {
        self.given = Given {
            page: self.pages.len(),
            start: self.page.len().wrapping_sub(bytes.len()),
            length: bytes.len(),
            is_text,
        };
    }
}
