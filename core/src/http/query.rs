//! The query of a request's URL (§2).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytestring::ByteString;
use smallvec::SmallVec;

/// The parameters of a request's URL, decoded, in the order in which they came. Every key is there
/// once.
#[derive(Clone, Default)]
pub struct Query {
    /// Keys and values, decoded. If nothing had to be decoded, the text itself: every poll and every post
    /// brings a query, and with a word each they were five allocations of its seventeen.
    text: ByteString,
    places: SmallVec<[Place; 4]>,
}

/// Where a parameter stands in the text: the key up to the middle, the value behind the sign there. Without
/// a sign the middle is the end.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    middle: usize,
    end: usize,
}

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
        if !is_plain(text) {
            return Self::decoded(text);
        }
        let (mut places, mut start) = (SmallVec::new(), 0_usize);
        for piece in text.as_bytes().split(|byte| *byte == b'&') {
            let end = start.saturating_add(piece.len());
            if !piece.is_empty() {
                let middle = piece.iter().position(|byte| *byte == b'=');
                places.push(Place {
                    start,
                    middle: middle.map_or(end, |middle| start.saturating_add(middle)),
                    end,
                });
            }
            start = end.saturating_add(1);
        }
        let text = text.into();
        Self { text, places }.unless_repeated()
    }

    /// The query of a text in which there is something to decode.
    fn decoded(text: &str) -> Result<Self, QueryError> {
        let pieces = text.split('&').filter(|piece| !piece.is_empty());
        let mut decoded = Vec::new();
        for piece in pieces {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            decoded.push((decode(key)?, decode(value)?));
        }
        let pairs = decoded.iter().map(|(key, value)| (&**key, &**value));
        Self::of(pairs).unless_repeated()
    }

    fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut text, mut places) = (String::new(), SmallVec::new());
        for (key, value) in pairs {
            let start = text.len();
            text.push_str(key);
            let middle = text.len();
            text.push('=');
            text.push_str(value);
            places.push(Place {
                start,
                middle,
                end: text.len(),
            });
        }
        // As large as it is: it may stay as long as its connection.
        let text = text.into_boxed_str().into();
        Self { text, places }
    }

    fn unless_repeated(self) -> Result<Self, QueryError> {
        if is_repeated(&self) {
            return Err(QueryError::Repeated);
        }
        Ok(self)
    }

    /// The same with the parameters of the query that a client of revision 4 writes behind a namespace's
    /// name; those hold where both have a key (§16.2).
    ///
    /// Nothing in it is an error ([`pairs`]), and of a key that comes twice the last value holds.
    #[must_use]
    pub fn overlaid(&self, text: &str) -> Self {
        let over: BTreeMap<String, String> = pairs(text).into_iter().collect();
        let kept = self.iter().filter(|(key, _)| !over.contains_key(*key));
        let added = over
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        Self::of(kept.chain(added))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let bytes = self.text.as_bytes();
        let at = |place: &&Place| bytes.get(place.start..place.middle) == Some(key.as_bytes());
        self.places.iter().find(at).map(|place| self.value(place))
    }

    /// All parameters in order, those of the protocol among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.iter().map(|place| {
            let key = self.text.get(place.start..place.middle);
            (key.unwrap_or_default(), self.value(place))
        })
    }

    fn value(&self, place: &Place) -> &str {
        let value = self.text.get(place.middle.saturating_add(1)..place.end);
        value.unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Query {}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
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
fn is_repeated(query: &Query) -> bool {
    let bytes = query.text.as_bytes();
    let keys = || {
        let places = query.places.iter();
        places.filter_map(|place| bytes.get(place.start..place.middle))
    };
    if query.len() > FEW {
        let mut keys: Vec<&[u8]> = keys().collect();
        keys.sort_unstable();
        return keys.windows(2).any(|two| two.first() == two.last());
    }
    let mut rest = keys();
    while let Some(key) = rest.next() {
        if rest.clone().any(|other| other == key) {
            return true;
        }
    }
    false
}

/// So many keys are few.
const FEW: usize = 8;

/// Whether it says what it means.
fn is_plain(text: &str) -> bool {
    // All of them, many at a time, where stopping at the first one would go byte by byte.
    let found = |found, byte| found | matches!(byte, b'%' | b'+' | 0);
    !text.bytes().fold(false, found)
}

fn decode(text: &str) -> Result<Cow<'_, str>, QueryError> {
    if is_plain(text) {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = unescape(text.as_bytes(), Escapes::Strict).ok_or(QueryError::Escape)?;
    if bytes.contains(&0) {
        return Err(QueryError::Text);
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
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
    fn a_text_is_read_as_it_is_as_it_is_decoded() {
        for text in [
            "",
            "&",
            "=",
            "==",
            "=b",
            "a",
            "a=",
            "a=b=c",
            "&&a=b&&c&",
            "EIO=4&transport=polling&t=é&sid=abc",
            "a&b&c&d&e&f&g&h&i&j=k",
            "a=1&a=2",
            "=1&=2",
        ] {
            let (read, decoded) = (Query::parse(text), Query::decoded(text));
            assert_eq!(read, decoded, "{text}");
            assert_eq!(format!("{read:?}"), format!("{decoded:?}"));
        }
        let query = Query::parse("&&a=b=c&&d&=").unwrap();
        let all: Vec<_> = query.iter().collect();
        assert_eq!(all, [("a", "b=c"), ("d", ""), ("", "")]);
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
