//! Objects that stand for bytes, in JSON text that was checked (§15).

use std::borrow::Cow;

use super::error::PlaceholderError;
use super::scan;
use super::string::unescape;

/// What stands for bytes, up to their number (§15).
pub(crate) const PLACEHOLDER: &[u8] = b"{\"_placeholder\":true,\"num\":";

/// The objects in checked JSON that stand for attachments: where each begins, and which of `count`
/// attachments it names; in the order of the text. One pass, however deep they lie.
///
/// # Errors
/// One that names none of them.
pub(crate) fn placeholders(
    text: &[u8],
    count: usize,
) -> Result<Vec<(usize, usize)>, PlaceholderError> {
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
                    found.push((object.start, num.ok_or(PlaceholderError::Missing)?));
                }
                at = at.saturating_add(1);
            }
            _ => {
                let start = at.saturating_add(1);
                let string = text.get(at..).unwrap_or_default();
                let (rest, escaped) = scan::string(string).ok_or(PlaceholderError::Syntax)?;
                let end = text.len().saturating_sub(rest.len());
                at = end;
                // In checked JSON a colon follows a member's name and nothing else.
                if let Some((b':', value)) = scan::token(rest)
                    && let Some(object) = open.last_mut()
                    && let Some(name) = text.get(start..end.saturating_sub(1))
                {
                    let value = scan::blanks(value);
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
