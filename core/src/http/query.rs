//! The query of a request's URL (§2).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytestring::ByteString;
use smallvec::SmallVec;

/// The parameters of a request's URL, decoded, in the order in which they came.
///
/// The protocol's own keys (`EIO`, `transport`, `sid`, `j`, `b64`, `t`) are there once at most, and what they
/// say was written as it must be. The others are the application's: they may come several times, an escape
/// that is none stays what it is (`100%`), and what is not UTF-8 is replaced, as Node does it.
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
pub enum QueryError {
    /// A `%` without two hexadecimal digits behind it, in the value of a key of the protocol's.
    Escape,
    /// A value of such a key that is not UTF-8 once decoded; or a NUL, wherever it is.
    Text,
    /// A key of the protocol's that comes twice: servers do not agree on which one holds.
    Repeated,
}

/// The keys that the protocol gives a meaning.
const PROTOCOL: [&str; 6] = ["EIO", "transport", "sid", "j", "b64", "t"];

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape => {
                "a percent sign without two hexadecimal digits in a key of the protocol"
            }
            Self::Text => "a key of the protocol is not UTF-8, or the query holds a NUL",
            Self::Repeated => "a key of the protocol comes twice in the query",
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
            let key = lossy(key)?;
            let value = match PROTOCOL.contains(&&*key) {
                true => strict(value)?,
                false => lossy(value)?,
            };
            decoded.push((key, value));
        }
        let pairs = decoded.iter().map(|(key, value)| (&**key, &**value));
        Self::of(pairs).unless_repeated()
    }

    /// Parameters that were read already.
    pub fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
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
        let mut seen = [false; PROTOCOL.len()];
        let bytes = self.text.as_bytes();
        for place in &self.places {
            let Some(key) = bytes.get(place.start..place.middle) else {
                continue;
            };
            let mut named = PROTOCOL.iter().zip(&mut seen);
            if let Some((_, seen)) = named.find(|(name, _)| name.as_bytes() == key)
                && std::mem::replace(seen, true)
            {
                return Err(QueryError::Repeated);
            }
        }
        Ok(self)
    }

    /// The same in the memory of the URL that it was read from, if nothing of it had to be decoded: whoever
    /// keeps both keeps what was sent once.
    #[must_use]
    pub fn kept_in(mut self, url: &ByteString) -> Self {
        if let Some(path) = url.strip_suffix(&*self.text) {
            self.text = url.slice_ref(url.get(path.len()..).unwrap_or_default());
        }
        self
    }

    /// The same with the parameters of the query that a client of revision 4 writes behind a namespace's
    /// name; those hold where both have a key (§16.2).
    ///
    /// Nothing in it is an error ([`pairs`]). A key that comes twice in it is there twice.
    #[must_use]
    pub fn overlaid(&self, text: &str) -> Self {
        let added = pairs(text);
        let over: BTreeSet<&str> = added.iter().map(|(key, _)| &**key).collect();
        let kept = self.iter().filter(|(key, _)| !over.contains(key));
        Self::of(kept.chain(added.iter().map(|(key, value)| (&**key, &**value))))
    }

    /// The value of a key; the first one, if it comes several times.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.get_all(key).next()
    }

    /// All values of a key, in order.
    pub fn get_all(&self, key: &str) -> impl Iterator<Item = &str> {
        let bytes = self.text.as_bytes();
        let at = move |place: &&Place| bytes.get(place.start..place.middle) == Some(key.as_bytes());
        self.places.iter().filter(at).map(|place| self.value(place))
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

impl Hash for Query {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (key, value) in self.iter() {
            (key, value).hash(state);
        }
        self.len().hash(state);
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The parameters of a query that nobody refuses: an escape that is none stays what it is, what is not
/// UTF-8 is replaced, and of very many the first thousand are taken, all as Node does it.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|piece| !piece.is_empty())
        .take(MOST_PAIRS)
        .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
        .map(|(key, value)| (replaced(key), replaced(value)))
        .collect()
}

/// Parameters that are read of a namespace's query; it may be as long as a message.
const MOST_PAIRS: usize = 1000;

/// Whether it says what it means.
fn is_plain(text: &str) -> bool {
    // All of them, many at a time, where stopping at the first one would go byte by byte.
    let found = |found, byte| found | matches!(byte, b'%' | b'+' | 0);
    !text.bytes().fold(false, found)
}

/// What a key of the protocol's says.
fn strict(text: &str) -> Result<Cow<'_, str>, QueryError> {
    if is_plain(text) {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = unescape(text.as_bytes(), Escapes::Strict).ok_or(QueryError::Escape)?;
    let text = String::from_utf8(bytes).map_err(|_| QueryError::Text)?;
    without_nul(Cow::Owned(text))
}

/// A key, and what one of the application's says.
fn lossy(text: &str) -> Result<Cow<'_, str>, QueryError> {
    if is_plain(text) {
        return Ok(Cow::Borrowed(text));
    }
    without_nul(Cow::Owned(replaced(text)))
}

fn without_nul(text: Cow<'_, str>) -> Result<Cow<'_, str>, QueryError> {
    match memchr::memchr(0, text.as_bytes()) {
        Some(_) => Err(QueryError::Text),
        None => Ok(text),
    }
}

/// A text, decoded as far as that can be done.
fn replaced(text: &str) -> String {
    let bytes = unescape(text.as_bytes(), Escapes::Lenient).unwrap_or_default();
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
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
    fn what_the_protocol_cannot_read_is_refused() {
        for text in ["EIO=%", "sid=%4", "transport=%zz", "%6a=%f"] {
            assert_eq!(Query::parse(text), Err(QueryError::Escape), "{text}");
        }
        for text in ["sid=%ff", "t=%00", "b64=%c3", "a=%00", "%00=1"] {
            assert_eq!(Query::parse(text), Err(QueryError::Text), "{text}");
        }
        for text in ["EIO=4&EIO=3", "sid=a&x=1&s%69d=b", "t&t", "j=1&j"] {
            assert_eq!(Query::parse(text), Err(QueryError::Repeated), "{text}");
        }
        let many = format!("b64&{}&b64", vec!["a"; 1000].join("&"));
        assert_eq!(Query::parse(&many), Err(QueryError::Repeated));
    }

    #[test]
    fn the_keys_of_the_application_are_kept_as_they_are() {
        // faults: F7
        let query = Query::parse("EIO=4&room=a&name=100%&room=b%2Fc&x=%FC%zz&%f=1&eio=%").unwrap();
        let all: Vec<_> = query.iter().collect();
        assert_eq!(
            all,
            [
                ("EIO", "4"),
                ("room", "a"),
                ("name", "100%"),
                ("room", "b/c"),
                ("x", "\u{fffd}%zz"),
                ("%f", "1"),
                ("eio", "%"),
            ]
        );
        assert_eq!(query.get("room"), Some("a"));
        assert_eq!(query.get_all("room").collect::<Vec<_>>(), ["a", "b/c"]);
        assert_eq!(query.get_all("EIO").collect::<Vec<_>>(), ["4"]);
        assert_eq!(query.get_all("absent").count(), 0);
    }

    #[test]
    fn the_query_of_a_namespace_lies_over_that_of_the_url() {
        let query = Query::parse("EIO=3&token=url").unwrap();
        let over = query.overlaid("token=a%20b%2Cc&x=%zz&y&x=%ff");
        let all: Vec<_> = over.iter().collect();
        assert_eq!(
            all,
            [
                ("EIO", "3"),
                ("token", "a b,c"),
                ("x", "%zz"),
                ("y", ""),
                ("x", "\u{fffd}"),
            ]
        );
        assert_eq!(query.overlaid(""), query);
        let many = vec!["a=1"; 5000].join("&");
        assert_eq!(pairs(&many).len(), MOST_PAIRS);
    }

    #[test]
    fn what_is_wrong_with_a_query_is_told_in_words() {
        for (text, why, words) in [
            (
                "sid=%zz",
                QueryError::Escape,
                "a percent sign without two hexadecimal digits in a key of the protocol",
            ),
            (
                "sid=%ff",
                QueryError::Text,
                "a key of the protocol is not UTF-8, or the query holds a NUL",
            ),
            (
                "sid=a&sid=b",
                QueryError::Repeated,
                "a key of the protocol comes twice in the query",
            ),
        ] {
            let error = Query::parse(text).unwrap_err();
            assert_eq!((error, &*error.to_string()), (why, words));
        }
    }

    #[test]
    fn a_query_lies_in_its_url_if_it_stands_there_as_it_is_read() {
        let url = ByteString::from("/socket.io/?EIO=4&room=a");
        let query = Query::parse("EIO=4&room=a").unwrap();
        let kept = query.clone().kept_in(&url);
        assert_eq!(kept, query);
        let at = |query: &Query| query.get("room").unwrap().as_ptr();
        let within = url.as_bytes().as_ptr_range();
        assert!(within.contains(&at(&kept)) && !within.contains(&at(&query)));
        // What had to be decoded stands nowhere else.
        let url = ByteString::from("/socket.io/?EIO=4&room=%61");
        let kept = Query::parse("EIO=4&room=%61").unwrap().kept_in(&url);
        assert_eq!(kept, query);
        assert!(!url.as_bytes().as_ptr_range().contains(&at(&kept)));
        assert!(!kept.is_empty() && Query::default().is_empty());
    }
}
