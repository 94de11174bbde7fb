//! Finding the way through JSON that was checked when it arrived.

use std::borrow::Cow;

use bytes::Bytes;

use super::binary::Binary;
use super::error::Mismatch;
use super::scan;
use super::string::unescape;

pub(super) fn broken<T>() -> Result<T, Mismatch> {
    Err(Mismatch("not checked JSON".into()))
}

/// A place in checked JSON.
pub(crate) struct Cursor<'a> {
    /// What is still to be read.
    pub(crate) rest: &'a str,
    /// How long all of it is.
    length: usize,
    pub(super) binary: Option<&'a Binary>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, at: usize, binary: Option<&'a Binary>) -> Self {
        Self {
            rest: text.get(at..).unwrap_or_default(),
            length: text.len(),
            binary,
        }
    }

    /// The next byte that is not blank. What is before it is passed over.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<u8> {
        let next = self.rest.bytes().next()?;
        if next > b' ' {
            return Some(next);
        }
        self.rest = self.rest.trim_start_matches(BLANK);
        self.rest.bytes().next()
    }

    /// Passes over this character, if it is here.
    #[inline]
    pub(crate) fn pass(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over so many bytes, and says what they were.
    #[inline]
    pub(super) fn over(&mut self, length: usize) -> Result<&'a str, Mismatch> {
        let (text, rest) = self.rest.split_at_checked(length).map_or_else(broken, Ok)?;
        self.rest = rest;
        Ok(text)
    }

    /// The text of the next value, which is passed over.
    pub(crate) fn take(&mut self) -> Result<&'a str, Mismatch> {
        self.next();
        let rest = scan::skip(self.rest.as_bytes()).or_else(|_| broken())?;
        self.over(self.rest.len().wrapping_sub(rest.len()))
    }

    /// The text of the number here, which is passed over. What is not part of one ends it: the grammar
    /// was checked.
    pub(super) fn numeral(&mut self) -> Result<&'a str, Mismatch> {
        let length = self
            .rest
            .bytes()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(self.rest.len());
        self.over(length)
    }

    /// Passes over `true`, `false` or `null`.
    pub(super) fn word(&mut self, word: &str) {
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
    }

    /// The string here, which is passed over.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Mismatch> {
        let Some(inner) = self.rest.strip_prefix('"') else {
            return broken();
        };
        let rest = scan::after_plain(inner.as_bytes());
        let length = inner.len().wrapping_sub(rest.len());
        if let Some((text, rest)) = inner.split_at_checked(length)
            && let Some(rest) = rest.strip_prefix('"')
        {
            self.rest = rest;
            return Ok(Cow::Borrowed(text));
        }
        self.escaped()
    }

    /// The string here, in which there are escapes.
    #[cold]
    pub(super) fn escaped(&mut self) -> Result<Cow<'a, str>, Mismatch> {
        let text = self.take()?;
        let inner = text.as_bytes().strip_prefix(b"\"");
        let inner = inner.and_then(|text| text.strip_suffix(b"\""));
        unescape(inner.map_or_else(broken, Ok)?)
            .map(Cow::Owned)
            .ok_or_else(|| Mismatch("half a surrogate pair in a string".into()))
    }

    /// The attachment that the object here stands for, which is passed over.
    pub(super) fn attachment(&mut self) -> Result<Option<&'a Bytes>, Mismatch> {
        let Some(binary) = self.binary else {
            return Ok(None);
        };
        let at = self.length.wrapping_sub(self.rest.len());
        let found = binary
            .placeholders
            .binary_search_by_key(&at, |(at, _)| *at)
            .ok()
            .and_then(|found| binary.placeholders.get(found));
        let Some((_, num)) = found else {
            return Ok(None);
        };
        self.take()?;
        Ok(binary.attachments.get(*num))
    }
}

/// A whole number of few digits, as most are, and how many. `None`: a number of another kind.
#[inline]
pub(super) fn small(text: &[u8]) -> Option<(u64, usize)> {
    let (mut number, mut digits) = (0u64, 0usize);
    while let Some(digit @ b'0'..=b'9') = text.get(digits) {
        // Far below what wraps, or not used.
        number = number
            .wrapping_mul(10)
            .wrapping_add(u64::from(digit.wrapping_sub(b'0')));
        digits = digits.wrapping_add(1);
    }
    let whole = !matches!(text.get(digits), Some(b'.' | b'e' | b'E'));
    ((1..=SMALL).contains(&digits) && whole).then_some((number, digits))
}

/// So many digits fit into 64 bits, whatever they are.
const SMALL: usize = 19;

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
