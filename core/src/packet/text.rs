//! Parts of JSON text that was checked: elements, members, strings, placeholders.

use std::borrow::Cow;
use std::ops::Range;

use super::decode::Fault;
use super::json;

/// Where one of several JSON values lies that are separated by commas.
pub(super) fn element(elements: &str, index: usize) -> Option<Range<usize>> {
    let mut rest = json::blanks(elements.as_bytes());
    for _ in 0..index {
        rest = json::blanks(json::skip(rest).ok()?);
        rest = json::blanks(rest.strip_prefix(b",")?);
    }
    let at = |rest: &[u8]| elements.len().saturating_sub(rest.len());
    Some(at(rest)..at(json::skip(rest).ok()?))
}

/// The objects in checked JSON that stand for attachments: where each begins, and which of `count`
/// attachments it names; in the order of the text. One pass, however deep they lie.
///
/// # Errors
/// One that names none of them.
pub(super) fn placeholders(text: &[u8], count: usize) -> Result<Vec<(usize, usize)>, Fault> {
    // The word, or an escape by which a name may spell it.
    if memchr::memmem::find(text, b"_placeholder").is_none()
        && memchr::memchr(b'\\', text).is_none()
    {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut open: Vec<Object> = Vec::new();
    let mut at = 0;
    while let Some(step) = text.get(at..).and_then(|rest| {
        rest.iter()
            .position(|byte| matches!(byte, b'{' | b'}' | b'"'))
    }) {
        at = at.saturating_add(step);
        match text.get(at) {
            Some(b'{') => {
                open.push(Object {
                    start: at,
                    marked: false,
                    num: None,
                });
                at = at.saturating_add(1);
            }
            Some(b'}') => {
                if let Some(object) = open.pop().filter(|object| object.marked) {
                    let num = object.num.filter(|num| *num < count);
                    found.push((object.start, num.ok_or(Fault::Placeholder)?));
                }
                at = at.saturating_add(1);
            }
            _ => {
                let start = at.saturating_add(1);
                let string = text.get(at..).unwrap_or_default();
                let (rest, escaped) = json::string(string).ok_or(Fault::Payload)?;
                let end = text.len().saturating_sub(rest.len());
                at = end;
                // In checked JSON a colon follows a member's name and nothing else.
                if let Some((b':', value)) = json::token(rest)
                    && let Some(object) = open.last_mut()
                    && let Some(name) = text.get(start..end.saturating_sub(1))
                {
                    let value = json::blanks(value);
                    at = text.len().saturating_sub(value.len());
                    object.member(name, escaped, value);
                }
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// An object that is open while looking for placeholders.
struct Object {
    start: usize,
    marked: bool,
    num: Option<usize>,
}

impl Object {
    /// A member's name, and the text that begins with its value. The last one of a name counts.
    fn member(&mut self, name: &[u8], escaped: bool, value: &[u8]) {
        let name = if escaped {
            unescape(name).map(|name| Cow::Owned(name.into_bytes()))
        } else {
            Some(Cow::Borrowed(name))
        };
        match name.as_deref() {
            Some(b"_placeholder") => self.marked = value.starts_with(b"true"),
            Some(b"num") => {
                let count = value
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let (digits, rest) = value.split_at_checked(count).unwrap_or_default();
                // A fraction or an exponent is no index.
                let whole = !matches!(rest.first(), Some(b'.' | b'e' | b'E'));
                self.num = std::str::from_utf8(digits)
                    .ok()
                    .filter(|_| whole)
                    .and_then(|digits| digits.parse().ok());
            }
            Some(_) | None => {}
        }
    }
}

/// The inside of a JSON string as text. `None`: it holds half of a surrogate pair.
pub(super) fn unescape(inner: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, tail) = rest.split_at_checked(at)?;
        out.extend_from_slice(plain);
        let (&escape, mut tail) = tail.strip_prefix(b"\\")?.split_first()?;
        match escape {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let mut unit = || {
                    let (digits, after) = tail.split_first_chunk::<4>()?;
                    tail = after;
                    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
                };
                let first = unit()?;
                let character = if (0xd800..0xe000).contains(&first) {
                    tail = tail.strip_prefix(b"\\u")?;
                    let (digits, after) = tail.split_first_chunk::<4>()?;
                    tail = after;
                    let second = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
                    char::decode_utf16([first, second]).next()?.ok()?
                } else {
                    char::from_u32(u32::from(first))?
                };
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            plain => out.push(plain),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).ok()
}
