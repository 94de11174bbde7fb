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
    let mut scanner = Scanner::new(text, depth);
    scanner.value()?;
    scanner.end()
}

/// Checks that `text` is one JSON array and nothing else, its elements at most `depth` levels deep.
pub(crate) fn array(text: &[u8], depth: usize) -> Result<Array, JsonError> {
    let mut scanner = Scanner::new(text, depth);
    scanner.blanks();
    scanner.expect(b'[')?;
    scanner.blanks();
    let mut found = Array {
        first: None,
        rest: scanner.at..scanner.at,
        count: 0,
    };
    if scanner.take(b']') {
        scanner.end()?;
        return Ok(found);
    }
    loop {
        scanner.blanks();
        let start = scanner.at;
        scanner.value()?;
        match found.count {
            0 => {
                found.first = Some(start..scanner.at);
                found.rest = scanner.at..scanner.at;
            }
            1 => found.rest = start..scanner.at,
            _ => found.rest.end = scanner.at,
        }
        found.count = found.count.saturating_add(1);
        scanner.blanks();
        if scanner.take(b']') {
            scanner.end()?;
            return Ok(found);
        }
        scanner.expect(b',')?;
    }
}

/// Walks over one value of text that was checked before, and says where it ends.
pub(crate) fn skip(text: &[u8], at: usize) -> Result<usize, JsonError> {
    let mut scanner = Scanner::new(text, DEEPEST);
    scanner.at = at;
    scanner.value()?;
    Ok(scanner.at)
}

/// Where the string that begins at `at` (its opening quote) ends, its closing quote included, and
/// whether there is an escape in it.
pub(crate) fn string(text: &[u8], at: usize) -> Result<(usize, bool), JsonError> {
    let mut scanner = Scanner::new(text, DEEPEST);
    scanner.at = at;
    let escaped = scanner.string()?;
    Ok((scanner.at, escaped))
}

/// Whether JSON allows this byte between its tokens.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    limit: usize,
    /// One bit a level: whether the container open there is an object.
    objects: [u64; DEEPEST / 64],
}

impl<'a> Scanner<'a> {
    fn new(text: &'a [u8], limit: usize) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            limit: limit.min(DEEPEST),
            objects: [0; DEEPEST / 64],
        }
    }

    /// One value, however deep, without recursion.
    fn value(&mut self) -> Result<(), JsonError> {
        let base = self.depth;
        loop {
            self.blanks();
            let opened = match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    false
                }
                Some(b'{') => self.open(true)?,
                Some(b'[') => self.open(false)?,
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    false
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return self.fail(),
            };
            if opened {
                continue;
            }
            // A value has ended: so may the containers around it.
            loop {
                if self.depth == base {
                    return Ok(());
                }
                self.blanks();
                let object = self.inside_object();
                match self.peek() {
                    Some(b',') => {
                        self.step();
                        if object {
                            self.blanks();
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => self.close(),
                    Some(b']') if !object => self.close(),
                    _ => return self.fail(),
                }
            }
        }
    }

    /// Opens a container. `true` if it holds something, with the cursor at its first value.
    fn open(&mut self, object: bool) -> Result<bool, JsonError> {
        if self.depth >= self.limit {
            return Err(JsonError::TooDeep);
        }
        self.step();
        let (word, bit) = (self.depth / 64, 1u64 << (self.depth % 64));
        if let Some(word) = self.objects.get_mut(word) {
            if object {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
        self.depth = self.depth.saturating_add(1);
        self.blanks();
        let empty = self.peek() == Some(if object { b'}' } else { b']' });
        if empty {
            self.close();
        } else if object {
            self.key()?;
        }
        Ok(!empty)
    }

    fn close(&mut self) {
        self.step();
        self.depth = self.depth.saturating_sub(1);
    }

    fn inside_object(&self) -> bool {
        let level = self.depth.saturating_sub(1);
        self.objects
            .get(level / 64)
            .is_some_and(|word| word & (1u64 << (level % 64)) != 0)
    }

    fn key(&mut self) -> Result<(), JsonError> {
        self.string()?;
        self.blanks();
        self.expect(b':')
    }

    /// A string, its quotes included. Says whether there is an escape in it.
    fn string(&mut self) -> Result<bool, JsonError> {
        self.expect(b'"')?;
        let mut escaped = false;
        let mut rest = self.text.get(self.at..).unwrap_or_default();
        let position = |rest: &[u8]| self.text.len().saturating_sub(rest.len());
        loop {
            while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
                let hit = special(u64::from_le_bytes(*chunk));
                if hit == 0 {
                    rest = tail;
                    continue;
                }
                rest = rest
                    .get((hit.trailing_zeros() / 8) as usize..)
                    .unwrap_or_default();
                break;
            }
            match rest {
                [b'"', ..] => {
                    self.at = position(rest).saturating_add(1);
                    return Ok(escaped);
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    tail @ ..,
                ] => {
                    escaped = true;
                    rest = tail;
                }
                [b'\\', b'u', a, b, c, d, tail @ ..]
                    if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
                {
                    escaped = true;
                    rest = tail;
                }
                [0x20..=0xff, tail @ ..] if rest.first() != Some(&b'\\') => rest = tail,
                _ => {
                    self.at = position(rest);
                    return Err(JsonError::Syntax(self.at));
                }
            }
        }
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return self.fail();
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.fail();
        }
        if self.take(b'e') || self.take(b'E') {
            let _signed = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return self.fail();
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at = self.at.saturating_add(count);
        count
    }

    fn literal(&mut self, word: &[u8]) -> Result<bool, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return self.fail();
        }
        self.at = self.at.saturating_add(word.len());
        Ok(false)
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.blanks();
        if self.at == self.text.len() {
            Ok(())
        } else {
            self.fail()
        }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.step();
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { self.fail() }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.step();
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn fail<T>(&self) -> Result<T, JsonError> {
        Err(JsonError::Syntax(self.at))
    }
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
