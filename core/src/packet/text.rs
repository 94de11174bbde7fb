//! Parts of JSON text that was checked: elements, members, strings, placeholders.

use std::borrow::Cow;

use super::json;

/// The text of one of several JSON values that are separated by commas.
pub(super) fn element(elements: &str, index: usize) -> Option<&str> {
    let bytes = elements.as_bytes();
    let mut at = 0;
    for _ in 0..index {
        at = json::skip(bytes, at).ok()?;
        while bytes.get(at).copied().is_some_and(json::is_blank) {
            at = at.saturating_add(1);
        }
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at = at.saturating_add(1);
    }
    let end = json::skip(bytes, at).ok()?;
    elements.get(at..end).map(str::trim)
}

/// Whether the object that begins at `at` stands for an attachment. `Some(None)`: it does, but what it
/// names is no index.
pub(super) fn placeholder(text: &[u8], at: usize) -> Option<Option<usize>> {
    let mut marked = false;
    let mut num = None;
    members(text, at, |key, value| match &*key {
        b"_placeholder" => marked = value == b"true",
        b"num" => {
            num = std::str::from_utf8(value)
                .ok()
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok());
        }
        _ => {}
    })?;
    marked.then_some(num)
}

/// Walks over the members of the object that begins at `at`. `None`: there is none.
fn members<'a>(
    text: &'a [u8],
    at: usize,
    mut each: impl FnMut(Cow<'a, [u8]>, &'a [u8]),
) -> Option<()> {
    let blanks = |mut at: usize| {
        while text.get(at).copied().is_some_and(json::is_blank) {
            at = at.saturating_add(1);
        }
        at
    };
    let mut at = blanks(at.checked_add(1)?);
    while *text.get(at)? == b'"' {
        let (end, escaped) = json::string(text, at).ok()?;
        let key = text.get(at.checked_add(1)?..end.checked_sub(1)?)?;
        let key = if escaped {
            Cow::Owned(unescape(key)?.into_bytes())
        } else {
            Cow::Borrowed(key)
        };
        let start = blanks(blanks(end).checked_add(1)?);
        let end = json::skip(text, start).ok()?;
        each(key, text.get(start..end)?);
        at = blanks(end);
        if *text.get(at)? == b',' {
            at = blanks(at.checked_add(1)?);
        }
    }
    Some(())
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
