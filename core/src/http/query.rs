//! The query of a request's URL (§2).

use std::collections::BTreeMap;
use std::fmt;

use bytestring::ByteString;

/// The parameters of a request's URL, decoded, in the order in which they came. Every key is there
/// once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Box<[(ByteString, ByteString)]>);

/// Why a query is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// A `%` without two hexadecimal digits behind it.
    Escape,
    /// Not UTF-8 once decoded, or a NUL.
    Text,
    /// A key that comes twice: servers do not agree on which one holds.
    Repeated,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape => "a percent sign without two hexadecimal digits in the query",
            Self::Text => "the query is not UTF-8, or holds a NUL",
            Self::Repeated => "a key comes twice in the query",
        })
    }
}

impl std::error::Error for QueryError {}

impl Query {
    /// Reads what stands behind the `?`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        // Most have nothing to decode. Then all parameters are slices of one copy: every poll and every
        // post brings a query, and an allocation for each word of it was a third of all they made.
        let whole = is_plain(text).then(|| ByteString::from(text));
        let source = whole.as_deref().unwrap_or(text);
        let pieces = || source.split('&').filter(|piece| !piece.is_empty());
        let read = |word: &str| match &whole {
            Some(whole) => Ok(whole.slice_ref(word)),
            None => decode(word),
        };
        let mut pairs = Vec::with_capacity(pieces().count());
        for piece in pieces() {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            pairs.push((read(key)?, read(value)?));
        }
        if is_repeated(&pairs) {
            return Err(QueryError::Repeated);
        }
        Ok(Self(pairs.into()))
    }

    /// The same with the parameters of the query that a client of revision 4 writes behind a namespace's
    /// name; those hold where both have a key (§16.2).
    ///
    /// Nothing in it is an error ([`pairs`]), and of a key that comes twice the last value holds.
    #[must_use]
    pub fn overlaid(&self, text: &str) -> Self {
        let over: BTreeMap<String, String> = pairs(text).into_iter().collect();
        let kept = self
            .0
            .iter()
            .filter(|(key, _)| !over.contains_key(&**key))
            .cloned();
        let added = over
            .iter()
            .map(|(key, value)| (key.as_str().into(), value.as_str().into()));
        Self(kept.chain(added).collect())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// All parameters in order, those of the protocol among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The parameters of a query that nobody refuses: an escape that is none stays what it is, what is not
/// UTF-8 is replaced, and of very many the first thousand are taken, all as Node does it.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let bytes = unescape(text.as_bytes(), Escapes::Lenient).unwrap_or_default();
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    text.split('&')
        .filter(|piece| !piece.is_empty())
        .take(MOST_PAIRS)
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// Parameters that are read of a namespace's query; it may be as long as a message.
const MOST_PAIRS: usize = 1000;

/// Whether a key is there twice. Few are compared with each other, many are sorted first.
fn is_repeated(pairs: &[(ByteString, ByteString)]) -> bool {
    if pairs.len() > FEW {
        let mut keys: Vec<&str> = pairs.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        return keys.windows(2).any(|two| two.first() == two.last());
    }
    let mut rest = pairs;
    while let Some(((key, _), others)) = rest.split_first() {
        if others.iter().any(|(other, _)| other == key) {
            return true;
        }
        rest = others;
    }
    false
}

/// So many keys are few.
const FEW: usize = 8;

/// Whether it says what it means.
fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'%' | b'+' | 0))
}

fn decode(text: &str) -> Result<ByteString, QueryError> {
    if is_plain(text) {
        return Ok(text.into());
    }
    let bytes = unescape(text.as_bytes(), Escapes::Strict).ok_or(QueryError::Escape)?;
    if bytes.contains(&0) {
        return Err(QueryError::Text);
    }
    String::from_utf8(bytes)
        .map(ByteString::from)
        .map_err(|_| QueryError::Text)
}

/// What becomes of a `%` that begins no escape.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// It is an error.
    Strict,
    /// It stays what it is.
    Lenient,
}

/// Undoes `application/x-www-form-urlencoded`: `+` is a blank, `%41` an `A`.
pub(super) fn unescape(text: &[u8], escapes: Escapes) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(nibble(*high) << 4 | nibble(*low));
                rest = after;
            }
            (b'%', _) if escapes == Escapes::Strict => return None,
            (byte, _) => out.push(byte),
        }
    }
    Some(out)
}

/// The value of a hexadecimal digit.
const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        b'a'..=b'f' => digit.wrapping_sub(b'a').wrapping_add(10),
        b'A'..=b'F' => digit.wrapping_sub(b'A').wrapping_add(10),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_keep_their_order_and_are_decoded() {
        let query = Query::parse("token=a%2Fb+c&EIO=4&&flag&empty=").unwrap();
        let all: Vec<_> = query.iter().collect();
        assert_eq!(
            all,
            [
                ("token", "a/b c"),
                ("EIO", "4"),
                ("flag", ""),
                ("empty", "")
            ]
        );
        assert_eq!(query.get("EIO"), Some("4"));
        assert_eq!(query.get("eio"), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "%f=1"] {
            assert_eq!(Query::parse(text), Err(QueryError::Escape), "{text}");
        }
        for text in ["a=%ff", "a=%00", "%c3=1"] {
            assert_eq!(Query::parse(text), Err(QueryError::Text), "{text}");
        }
    }

    #[test]
    fn the_query_of_a_namespace_lies_over_that_of_the_url() {
        let query = Query::parse("EIO=3&token=url").unwrap();
        let over = query.overlaid("token=a%20b%2Cc&x=%zz&x=%ff&y");
        let all: Vec<_> = over.iter().collect();
        assert_eq!(
            all,
            [
                ("EIO", "3"),
                ("token", "a b,c"),
                ("x", "\u{fffd}"),
                ("y", "")
            ]
        );
        assert_eq!(query.overlaid(""), query);
        let many = vec!["a=1"; 5000].join("&");
        assert_eq!(pairs(&many).len(), MOST_PAIRS);
    }

    #[test]
    fn a_key_must_not_come_twice_however_it_is_written() {
        for text in [
            "EIO=4&EIO=3",
            "sid=a&x=1&s%69d=b",
            "a&a",
            "a&b&c&d&e&f&g&h&i&a",
        ] {
            assert_eq!(Query::parse(text), Err(QueryError::Repeated), "{text}");
        }
        assert_eq!(
            Query::parse("a&b&c&d&e&f&g&h&i").map(|query| query.len()),
            Ok(9)
        );
    }
}
