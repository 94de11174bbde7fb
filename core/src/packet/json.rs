//! One pass over JSON text: is it JSON, how deep is it, where do its parts lie.
//!
//! Nothing is built and nothing recurses. What passed here may be sliced and handed on as it is, and
//! [`de`](super::de) reads it without checking the grammar again. Cost: each byte is looked at once;
//! inside strings eight at a time.

use std::ops::Range;

/// How deep arguments may nest at the most, whatever the configuration says.
///
/// Deserialising a nested value recurses once a level, and so does dropping it: this bounds the stack.
pub const DEEPEST: usize = 512;

/// Why a text is not acceptable JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON at this byte offset.
    Syntax(usize),
    /// Nested deeper than allowed.
    TooDeep,
}

/// What a scan of an array found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Array {
    /// The first element, if there is one.
    pub(crate) first: Option<Range<usize>>,
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
    let at = value(text, blanks(text, 0), depth)?;
    Ok(end(text, at)?)
}

/// Checks that `text` is one JSON array and nothing else, its elements at most `depth` levels deep.
pub(crate) fn array(text: &[u8], depth: usize) -> Result<Array, JsonError> {
    let mut at = blanks(text, 0);
    if text.get(at) != Some(&b'[') {
        return Err(JsonError::Syntax(at));
    }
    at = blanks(text, after(at));
    let mut found = Array {
        first: None,
        rest: at..at,
        count: 0,
    };
    if text.get(at) == Some(&b']') {
        end(text, after(at))?;
        return Ok(found);
    }
    loop {
        let start = at;
        at = value(text, start, depth)?;
        match found.count {
            0 => {
                found.first = Some(start..at);
                found.rest = at..at;
            }
            1 => found.rest = start..at,
            _ => found.rest.end = at,
        }
        found.count = found.count.saturating_add(1);
        at = blanks(text, at);
        match text.get(at) {
            Some(b',') => at = blanks(text, after(at)),
            Some(b']') => {
                end(text, after(at))?;
                return Ok(found);
            }
            _ => return Err(JsonError::Syntax(at)),
        }
    }
}

/// Walks over one value of text that was checked before, and says where it ends.
pub(crate) fn skip(text: &[u8], at: usize) -> Result<usize, JsonError> {
    Ok(value(text, blanks(text, at), DEEPEST)?)
}

/// Where the string that begins at `at` (its opening quote) ends, its closing quote included, and
/// whether there is an escape in it.
pub(crate) fn string(text: &[u8], at: usize) -> Result<(usize, bool), JsonError> {
    let end = quoted(text, at)?;
    let escaped = text
        .get(at..end)
        .is_some_and(|string| memchr::memchr(b'\\', string).is_some());
    Ok((end, escaped))
}

/// Where scanning stopped: a [`JsonError`] in one word, so that a `Result` of it and a position fits
/// into two registers. Handing it through memory was a third of the cost of a short value.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stop(usize);

impl Stop {
    const TOO_DEEP: Self = Self(usize::MAX);
}

impl From<Stop> for JsonError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::TOO_DEEP => Self::TooDeep,
            Stop(at) => Self::Syntax(at),
        }
    }
}

/// Where the string that begins at `at` ends, its closing quote included.
fn quoted(text: &[u8], at: usize) -> Result<usize, Stop> {
    if text.get(at) != Some(&b'"') {
        return Err(Stop(at));
    }
    let mut at = after(at);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if let Some(chunk) = rest.first_chunk::<8>() {
            let hit = special(u64::from_le_bytes(*chunk));
            if hit == 0 {
                at = at.wrapping_add(8);
                continue;
            }
            at = at.wrapping_add((hit.trailing_zeros() / 8) as usize);
        }
        match text.get(at) {
            Some(b'"') => return Ok(after(at)),
            Some(b'\\') => at = escape(text, at)?,
            Some(0x20..) => at = after(at),
            Some(_) | None => return Err(Stop(at)),
        }
    }
}

/// Whether JSON allows this byte between its tokens.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// One value, however deep, without recursion. Says where it ends.
///
/// The position is a local that is passed on and returned, so that it stays in a register: this loop
/// sees every byte that arrives.
fn value(text: &[u8], mut at: usize, limit: usize) -> Result<usize, Stop> {
    let mut open = Open {
        depth: 0,
        limit: limit.min(DEEPEST),
        objects: [0; DEEPEST / 64],
    };
    loop {
        at = match text.get(at) {
            Some(b'"') => quoted(text, at)?,
            Some(b'-' | b'0'..=b'9') => number(text, at)?,
            Some(byte @ (b'{' | b'[')) => {
                let object = *byte == b'{';
                open.push(object)?;
                at = blanks(text, after(at));
                let close = if object { b'}' } else { b']' };
                if text.get(at) == Some(&close) {
                    open.pop();
                    after(at)
                } else {
                    if object {
                        at = key(text, at)?;
                    }
                    continue;
                }
            }
            Some(b't') => literal(text, at, b"true")?,
            Some(b'f') => literal(text, at, b"false")?,
            Some(b'n') => literal(text, at, b"null")?,
            _ => return Err(Stop(at)),
        };
        // A value has ended: so may the containers around it.
        while open.depth > 0 {
            at = blanks(text, at);
            let object = open.inside_object();
            match text.get(at) {
                Some(b',') => {
                    at = blanks(text, after(at));
                    if object {
                        at = key(text, at)?;
                    }
                    break;
                }
                Some(b'}') if object => open.pop(),
                Some(b']') if !object => open.pop(),
                _ => return Err(Stop(at)),
            }
            at = after(at);
            if open.depth == 0 {
                return Ok(at);
            }
        }
        if open.depth == 0 {
            return Ok(at);
        }
    }
}

/// The containers that are open.
struct Open {
    depth: usize,
    limit: usize,
    /// One bit a level: whether the container there is an object.
    objects: [u64; DEEPEST / 64],
}

impl Open {
    fn push(&mut self, object: bool) -> Result<(), Stop> {
        if self.depth >= self.limit {
            return Err(Stop::TOO_DEEP);
        }
        if let Some(word) = self.objects.get_mut(self.depth / 64) {
            let bit = 1u64 << (self.depth % 64);
            *word = if object { *word | bit } else { *word & !bit };
        }
        self.depth = self.depth.wrapping_add(1);
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn inside_object(&self) -> bool {
        let level = self.depth.wrapping_sub(1);
        self.objects
            .get(level / 64)
            .is_some_and(|word| word & (1u64 << (level % 64)) != 0)
    }
}

/// A member's name and its colon. Says where its value begins.
fn key(text: &[u8], at: usize) -> Result<usize, Stop> {
    let at = blanks(text, quoted(text, at)?);
    if text.get(at) == Some(&b':') {
        Ok(blanks(text, after(at)))
    } else {
        Err(Stop(at))
    }
}

/// An escape inside a string.
#[cold]
fn escape(text: &[u8], at: usize) -> Result<usize, Stop> {
    let digits = at.saturating_add(2)..at.saturating_add(6);
    match text.get(after(at)) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(digits.start),
        Some(b'u')
            if text
                .get(digits.clone())
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) =>
        {
            Ok(digits.end)
        }
        _ => Err(Stop(at)),
    }
}

fn number(text: &[u8], start: usize) -> Result<usize, Stop> {
    let digits = |mut at: usize| {
        let from = at;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at = after(at);
        }
        if at == from { Err(Stop(at)) } else { Ok(at) }
    };
    let mut at = start;
    if text.get(at) == Some(&b'-') {
        at = after(at);
    }
    at = if text.get(at) == Some(&b'0') {
        after(at)
    } else {
        digits(at)?
    };
    if text.get(at) == Some(&b'.') {
        at = digits(after(at))?;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        at = after(at);
        if let Some(b'+' | b'-') = text.get(at) {
            at = after(at);
        }
        at = digits(at)?;
    }
    Ok(at)
}

fn literal(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Stop> {
    let end = at.saturating_add(word.len());
    if text.get(at..end) == Some(word) {
        Ok(end)
    } else {
        Err(Stop(at))
    }
}

fn end(text: &[u8], at: usize) -> Result<(), Stop> {
    let at = blanks(text, at);
    if at == text.len() {
        Ok(())
    } else {
        Err(Stop(at))
    }
}

fn blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).copied().is_some_and(is_blank) {
        at = after(at);
    }
    at
}

/// The next position. It was looked at before, so it lies inside a slice, and below `usize::MAX`.
const fn after(at: usize) -> usize {
    at.wrapping_add(1)
}

/// The high bit of each byte that may end a run of plain characters: a quote, a backslash, a control
/// character. The lowest bit set is exact; higher ones may be false, and are looked at again.
const fn special(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ ONES.wrapping_mul(b'"' as u64);
    let backslash = word ^ ONES.wrapping_mul(b'\\' as u64);
    let control = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted_by_serde(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    #[test]
    fn says_what_serde_json_says() {
        for text in [
            "",
            " ",
            "1",
            "-1",
            "01",
            "-",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e5",
            "1E+5",
            "1e-",
            "-0",
            "true",
            "tru",
            "null",
            "nul",
            "\"\"",
            "\"a",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "[]",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\":1,\"b\":[{}]}",
            "{a:1}",
            "{\"a\":1]",
            "[1}",
            "[1] x",
            " [ 1 , 2 ] ",
            "\"tab\t\"",
            "\"12345678\n\"",
            "\"1234567\\\\\"",
            "{\"a\":{\"b\":{}}, \"c\" : [[],[[]]]}",
        ] {
            assert_eq!(
                check(text.as_bytes(), 128).is_ok(),
                accepted_by_serde(text),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_is_counted_and_limited() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check(nested(128).as_bytes(), 128), Ok(()));
        assert_eq!(check(nested(129).as_bytes(), 128), Err(JsonError::TooDeep));
        assert_eq!(
            check(nested(100_000).as_bytes(), usize::MAX),
            Err(JsonError::TooDeep)
        );
        // The array that holds the arguments is not one of their levels.
        assert!(array(format!("[{}]", nested(128)).as_bytes(), 128).is_ok());
    }

    #[test]
    fn an_array_is_taken_apart() {
        let text = br#" [ "a" , 1, {"b":[2]} ] "#;
        let found = array(text, 128).unwrap();
        assert_eq!(&text[found.first.unwrap()], br#""a""#);
        assert_eq!(&text[found.rest], br#"1, {"b":[2]}"#);
        assert_eq!(found.count, 3);
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_anything(text in r#"[\[\]{}:,"\\0-9eE+\-. a-fu\n]{0,24}"#) {
            prop_assert_eq!(check(text.as_bytes(), 128).is_ok(), accepted_by_serde(&text));
        }

        #[test]
        fn finds_the_end_of_any_string(plain in "\\PC{0,40}") {
            let text = serde_json::to_string(&plain).unwrap();
            let (end, escaped) = string(text.as_bytes(), 0).unwrap();
            prop_assert_eq!(end, text.len());
            prop_assert_eq!(escaped, text.contains('\\'));
        }
    }
}
