//! One pass over JSON text: is it JSON, how deep is it, where do its parts lie.
//!
//! Nothing is built, and nothing recurses but once for 64 levels. What passed here may be sliced and
//! handed on as it is, and [`de`](super::de) reads it without checking the grammar again. Cost: each
//! byte is looked at once; inside strings eight at a time.

use std::ops::Range;

use super::error::JsonError;

/// How deep arguments may nest at the most, whatever the configuration says.
///
/// Deserialising a nested value recurses once a level, and so does dropping it: this bounds the stack.
pub const DEEPEST: usize = 512;

/// What a scan of an array found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    /// The first element, if there is one.
    pub(crate) first: Option<Range<usize>>,
    /// Whether the first element is a string with an escape in it.
    pub(crate) escaped: bool,
    /// From the start of the second element to the end of the last one; empty if there is none.
    pub(crate) rest: Range<usize>,
    /// How many elements there are.
    pub(crate) count: usize,
}

/// What kind of value begins with this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Literal,
    Number,
    Object,
    String,
}

impl Shape {
    /// The kind of the value that `text` holds, by its first byte that is not blank.
    pub(crate) fn of(text: &[u8]) -> Option<Self> {
        match text.iter().find(|byte| !is_blank(**byte))? {
            b'[' => Some(Self::Array),
            b'{' => Some(Self::Object),
            b'"' => Some(Self::String),
            b't' | b'f' | b'n' => Some(Self::Literal),
            b'-' | b'0'..=b'9' => Some(Self::Number),
            _ => None,
        }
    }
}

/// Checks that `text` is one JSON value and nothing else, at most `depth` levels deep.
pub(crate) fn check(text: &[u8], depth: usize) -> Result<(), JsonError> {
    value(text, depth.min(DEEPEST))
        .and_then(end)
        .map_err(|stop| stop.error(text))
}

/// Checks that `text` is one JSON array and nothing else, its elements at most `depth` levels deep.
pub(crate) fn array(text: &[u8], depth: usize) -> Result<Array, JsonError> {
    elements(text, depth.min(DEEPEST)).map_err(|stop| stop.error(text))
}

fn elements(text: &[u8], depth: usize) -> Result<Array, Stop> {
    let at = |rest: &[u8]| text.len().wrapping_sub(rest.len());
    let rest = blanks(text);
    let Some((b'[', rest)) = rest.split_first() else {
        return Err(Stop::at(rest));
    };
    let mut rest = blanks(rest);
    let mut found = Array {
        first: None,
        escaped: false,
        rest: at(rest)..at(rest),
        count: 0,
    };
    if let Some((b']', rest)) = rest.split_first() {
        end(rest)?;
        return Ok(found);
    }
    loop {
        let start = at(rest);
        if let Some((b'"', inner)) = rest.split_first() {
            let escaped;
            (rest, escaped) = inside(inner)?;
            found.escaped |= escaped & (found.count == 0);
        } else {
            rest = value(rest, depth)?;
        }
        match found.count {
            0 => {
                found.first = Some(start..at(rest));
                found.rest = at(rest)..at(rest);
            }
            1 => found.rest = start..at(rest),
            _ => found.rest.end = at(rest),
        }
        found.count = found.count.wrapping_add(1);
        match token(rest) {
            Some((b',', tail)) => rest = blanks(tail),
            Some((b']', tail)) => {
                end(tail)?;
                return Ok(found);
            }
            _ => return Err(Stop::at(blanks(rest))),
        }
    }
}

/// Walks over one value of text that was checked before, and says what follows it.
pub(crate) fn skip(text: &[u8]) -> Result<&[u8], JsonError> {
    value(text, DEEPEST).map_err(|stop| stop.error(text))
}

/// Where one of several JSON values lies that are separated by commas.
pub(crate) fn element(elements: &str, index: usize) -> Option<Range<usize>> {
    let mut rest = blanks(elements.as_bytes());
    for _ in 0..index {
        rest = blanks(skip(rest).ok()?);
        rest = blanks(rest.strip_prefix(b",")?);
    }
    let at = |rest: &[u8]| elements.len().saturating_sub(rest.len());
    Some(at(rest)..at(skip(rest).ok()?))
}

/// What follows the string that `text` begins with (its opening quote), and whether there is an escape
/// in it.
#[inline]
pub(crate) fn string(text: &[u8]) -> Option<(&[u8], bool)> {
    match text.split_first() {
        Some((b'"', inner)) => inside(inner).ok(),
        _ => None,
    }
}

/// Where scanning stopped, by how much was left: a [`JsonError`] in one word, so that a `Result` of it
/// is no larger than what is left to scan.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stop(usize);

impl Stop {
    const TOO_DEEP: Self = Self(usize::MAX);

    const fn at(rest: &[u8]) -> Self {
        Self(rest.len())
    }

    /// At the byte before `rest`.
    const fn before(rest: &[u8]) -> Self {
        Self(rest.len().wrapping_add(1))
    }

    fn error(self, text: &[u8]) -> JsonError {
        match self {
            Self::TOO_DEEP => JsonError::TooDeep,
            Self(left) => JsonError::Syntax(text.len().saturating_sub(left)),
        }
    }
}

/// What follows a string, its opening quote taken, and whether there is an escape in it.
#[inline]
fn inside(rest: &[u8]) -> Result<(&[u8], bool), Stop> {
    let rest = after_plain(rest);
    match rest.split_first() {
        Some((b'"', tail)) => Ok((tail, false)),
        // What ended the run is an escape, or nothing that may stand there.
        _ => Ok((escaped(rest)?, true)),
    }
}

/// What follows a string, its opening quote taken.
#[inline(always)]
fn quoted(rest: &[u8]) -> Result<&[u8], Stop> {
    let rest = after_plain(rest);
    match rest.split_first() {
        Some((b'"', tail)) => Ok(tail),
        _ => escaped(rest),
    }
}

/// What follows a string in which there are escapes, from the first one on.
#[cold]
fn escaped(mut rest: &[u8]) -> Result<&[u8], Stop> {
    loop {
        match rest.split_first() {
            Some((b'"', tail)) => return Ok(tail),
            Some((b'\\', tail)) => rest = after_plain(escape(tail)?),
            _ => return Err(Stop::at(rest)),
        }
    }
}

/// What follows the run of plain characters that `rest` begins with: a quote, a backslash, a control
/// character, or nothing.
#[inline(always)]
pub(crate) fn after_plain(mut rest: &[u8]) -> &[u8] {
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        let hit = special(u64::from_le_bytes(*chunk));
        if hit != 0 {
            let length = (hit.trailing_zeros() / 8) as usize;
            return rest.get(length..).unwrap_or_default();
        }
        rest = tail;
    }
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'"' || *byte < b' ' || *byte == b'\\' {
            break;
        }
        rest = tail;
    }
    rest
}

/// Whether JSON allows this byte between its tokens.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// One value, however deep, and blanks before it. Says what follows it.
///
/// What is left to scan is a local that is passed on and returned, so that it stays in registers, and
/// so do the containers that are open here: this loop sees every byte that arrives. What lies below
/// the levels of one word is a value of its own.
fn value(mut rest: &[u8], limit: usize) -> Result<&[u8], Stop> {
    // One bit a level, the innermost lowest: whether the container there is an object.
    let mut objects = 0u64;
    let mut depth = 0usize;
    loop {
        if objects & 1 != 0 {
            rest = key(rest)?;
        }
        let Some((&byte, tail)) = token(rest) else {
            return Err(Stop(0));
        };
        rest = match byte {
            b'"' => quoted(tail)?,
            b'-' => unsigned(tail)?,
            b'0' => fraction(tail)?,
            b'1'..=b'9' => fraction(digits(tail))?,
            b'{' | b'[' => {
                if depth >= limit {
                    return Err(Stop::TOO_DEEP);
                }
                let object = byte == b'{';
                match token(tail) {
                    Some((b'}', tail)) if object => tail,
                    Some((b']', tail)) if !object => tail,
                    _ if depth == LEVELS => value(rest, limit.wrapping_sub(LEVELS))?,
                    _ => {
                        depth = depth.wrapping_add(1);
                        objects = objects << 1 | u64::from(object);
                        rest = tail;
                        continue;
                    }
                }
            }
            b't' => literal(tail, b"rue")?,
            b'f' => literal(tail, b"alse")?,
            b'n' => literal(tail, b"ull")?,
            _ => return Err(Stop::before(tail)),
        };
        // A value has ended: so may the containers around it.
        loop {
            if depth == 0 {
                return Ok(rest);
            }
            let object = objects & 1 != 0;
            match token(rest) {
                Some((b',', tail)) => {
                    rest = tail;
                    break;
                }
                Some((b'}', tail)) if object => rest = tail,
                Some((b']', tail)) if !object => rest = tail,
                _ => return Err(Stop::at(blanks(rest))),
            }
            depth = depth.wrapping_sub(1);
            objects >>= 1;
        }
    }
}

/// How many levels the bits of one word stand for.
const LEVELS: usize = u64::BITS as usize;

/// A member's name and its colon, and blanks before them.
#[inline(always)]
fn key(rest: &[u8]) -> Result<&[u8], Stop> {
    let Some((b'"', inner)) = token(rest) else {
        return Err(Stop::at(blanks(rest)));
    };
    let rest = quoted(inner)?;
    match token(rest) {
        Some((b':', tail)) => Ok(tail),
        _ => Err(Stop::at(blanks(rest))),
    }
}

/// An escape inside a string, its backslash taken.
fn escape(rest: &[u8]) -> Result<&[u8], Stop> {
    match rest.split_first() {
        Some((b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', tail)) => Ok(tail),
        Some((b'u', tail)) => match tail.split_first_chunk::<4>() {
            Some((digits, tail)) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(tail),
            _ => Err(Stop::at(rest)),
        },
        _ => Err(Stop::at(rest)),
    }
}

/// A number without a sign.
fn unsigned(rest: &[u8]) -> Result<&[u8], Stop> {
    match rest.split_first() {
        Some((b'0', tail)) => fraction(tail),
        Some((b'1'..=b'9', tail)) => fraction(digits(tail)),
        _ => Err(Stop::at(rest)),
    }
}

/// What may follow the digits of a whole number.
#[inline]
fn fraction(mut rest: &[u8]) -> Result<&[u8], Stop> {
    if let Some((b'.', tail)) = rest.split_first() {
        rest = some_digits(tail)?;
    }
    if let Some((b'e' | b'E', tail)) = rest.split_first() {
        rest = match tail.split_first() {
            Some((b'+' | b'-', tail)) => some_digits(tail)?,
            _ => some_digits(tail)?,
        };
    }
    Ok(rest)
}

fn some_digits(rest: &[u8]) -> Result<&[u8], Stop> {
    match rest.split_first() {
        Some((b'0'..=b'9', tail)) => Ok(digits(tail)),
        _ => Err(Stop::at(rest)),
    }
}

/// What follows the digits that `rest` begins with.
#[inline]
fn digits(mut rest: &[u8]) -> &[u8] {
    while let Some((b'0'..=b'9', tail)) = rest.split_first() {
        rest = tail;
    }
    rest
}

#[inline]
fn literal<'a, const N: usize>(rest: &'a [u8], word: &[u8; N]) -> Result<&'a [u8], Stop> {
    match rest.split_first_chunk::<N>() {
        Some((found, tail)) if found == word => Ok(tail),
        _ => Err(Stop::before(rest)),
    }
}

fn end(rest: &[u8]) -> Result<(), Stop> {
    let rest = blanks(rest);
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Stop::at(rest))
    }
}

/// The next byte that is not blank, and what follows it.
#[inline(always)]
pub(crate) fn token(mut rest: &[u8]) -> Option<(&u8, &[u8])> {
    loop {
        match rest.split_first() {
            Some((byte, tail)) if *byte <= b' ' && is_blank(*byte) => rest = tail,
            found => return found,
        }
    }
}

/// What follows the blanks that `rest` begins with.
#[inline(always)]
pub(crate) fn blanks(rest: &[u8]) -> &[u8] {
    match rest.first() {
        Some(..=b' ') => some_blanks(rest),
        _ => rest,
    }
}

#[cold]
fn some_blanks(mut rest: &[u8]) -> &[u8] {
    while let Some((byte, tail)) = rest.split_first()
        && is_blank(*byte)
    {
        rest = tail;
    }
    rest
}

/// The high bit of each byte that may end a run of plain characters: a quote, a backslash, a control
/// character. The lowest bit set is exact; higher ones may be false.
pub(super) const fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // With the bit of 2 turned over, the quote follows the control characters: one range, up to 0x20.
    let low = (word ^ ONES.wrapping_mul(2)).wrapping_sub(ONES.wrapping_mul(0x21));
    let backslash = (word ^ ONES.wrapping_mul(b'\\' as u64)).wrapping_sub(ONES);
    (low | backslash) & !word & HIGH
}

#[cfg(test)]
mod tests;
