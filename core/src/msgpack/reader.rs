//! One value after the other, and what they are in.

use std::borrow::Cow;
use std::fmt;

use super::iso;
use super::number::text_of;
use crate::json::Number;

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unreadable {
    /// They are not msgpack, or not whole, or something stands behind them.
    Syntax,
    /// It nests deeper than allowed.
    TooDeep,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not msgpack",
            Self::TooDeep => "nested too deeply",
        })
    }
}

impl std::error::Error for Unreadable {}

/// What one type byte begins, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Nil,
    /// JavaScript's `undefined`.
    Undefined,
    Bool(bool),
    Unsigned(u64),
    /// Below zero, or not.
    Signed(i64),
    Double(f64),
    /// Not all that JavaScript takes for text is text.
    Text(&'a [u8]),
    Binary(&'a [u8]),
    /// Milliseconds since 1970.
    Date(i64),
    /// So many values follow.
    Array(usize),
    /// So many names follow, each with its value.
    Map(usize),
}

impl<'a> Token<'a> {
    /// What it is as text: half a surrogate pair is read as JavaScript would show it, and a moment as JSON
    /// has it.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(bytes) => Some(String::from_utf8_lossy(bytes)),
            Self::Date(millis) => iso(millis).map(Cow::Owned),
            Self::Nil
            | Self::Undefined
            | Self::Bool(_)
            | Self::Unsigned(_)
            | Self::Signed(_)
            | Self::Double(_)
            | Self::Binary(_)
            | Self::Array(_)
            | Self::Map(_) => None,
        }
    }

    /// The whole number that it is, however it is written.
    pub(crate) fn unsigned(self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(number),
            Self::Signed(number) => u64::try_from(number).ok(),
            Self::Double(number) => Number::from_f64(number)?.as_u64(),
            Self::Nil
            | Self::Undefined
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Binary(_)
            | Self::Date(_)
            | Self::Array(_)
            | Self::Map(_) => None,
        }
    }

    /// The name of a member that it is.
    pub(crate) fn name(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(_) => self.text(),
            Self::Unsigned(number) => Some(number.to_string().into()),
            Self::Signed(number) => Some(number.to_string().into()),
            Self::Double(number) => Some(text_of(number).into()),
            Self::Nil
            | Self::Undefined
            | Self::Bool(_)
            | Self::Binary(_)
            | Self::Date(_)
            | Self::Array(_)
            | Self::Map(_) => None,
        }
    }
}

/// Is told the parts of a value in their order.
pub(crate) trait Visit<'a> {
    /// A value begins: of a list or an object, what is in it comes next, and then its [`end`](Self::end). A
    /// member has its name.
    fn value(&mut self, name: Option<Token<'a>>, value: Token<'a>);

    /// The innermost list or object is whole.
    fn end(&mut self) {}
}

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

/// How many values, or members, of a list or an object are still to come.
struct Left {
    count: usize,
    is_map: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    /// Reads one value of at most so many levels.
    pub(crate) fn walk(
        &mut self,
        levels: usize,
        visit: &mut impl Visit<'a>,
    ) -> Result<(), Unreadable> {
        let mut open: Vec<Left> = Vec::new();
        loop {
            let name = match open.last() {
                Some(Left { is_map: true, .. }) => Some(self.name()?),
                Some(Left { is_map: false, .. }) | None => None,
            };
            let value = self.next()?;
            visit.value(name, value);
            if let Token::Array(count) | Token::Map(count) = value {
                if open.len() >= levels {
                    return Err(Unreadable::TooDeep);
                }
                let is_map = matches!(value, Token::Map(_));
                open.push(Left { count, is_map });
            }
            // What it is in may be whole with it.
            loop {
                let Some(left) = open.last_mut() else {
                    return Ok(());
                };
                if let Some(count) = left.count.checked_sub(1) {
                    left.count = count;
                    break;
                }
                visit.end();
                open.pop();
            }
        }
    }

    fn name(&mut self) -> Result<Token<'a>, Unreadable> {
        match self.next()? {
            name @ (Token::Text(_) | Token::Unsigned(_) | Token::Signed(_) | Token::Double(_)) => {
                Ok(name)
            }
            Token::Nil
            | Token::Undefined
            | Token::Bool(_)
            | Token::Binary(_)
            | Token::Date(_)
            | Token::Array(_)
            | Token::Map(_) => Err(Unreadable::Syntax),
        }
    }

    pub(crate) fn next(&mut self) -> Result<Token<'a>, Unreadable> {
        let [mark] = self.array()?;
        let low = |bits: u8| usize::from(mark & bits);
        Ok(match mark {
            0x00..=0x7f => Token::Unsigned(u64::from(mark)),
            0x80..=0x8f => return self.begun(low(0x0f), 2, Token::Map),
            0x90..=0x9f => return self.begun(low(0x0f), 1, Token::Array),
            0xa0..=0xbf => Token::Text(self.take(low(0x1f))?),
            0xc0 => Token::Nil,
            0xc1 => return Err(Unreadable::Syntax),
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4 => Token::Binary(self.counted::<1>()?),
            0xc5 => Token::Binary(self.counted::<2>()?),
            0xc6 => Token::Binary(self.counted::<4>()?),
            0xc7 => {
                let length = self.length::<1>()?;
                return self.ext(length);
            }
            0xc8 => {
                let length = self.length::<2>()?;
                return self.ext(length);
            }
            0xc9 => {
                let length = self.length::<4>()?;
                return self.ext(length);
            }
            0xca => Token::Double(f64::from(f32::from_be_bytes(self.array()?))),
            0xcb => Token::Double(f64::from_be_bytes(self.array()?)),
            0xcc => Token::Unsigned(u64::from(u8::from_be_bytes(self.array()?))),
            0xcd => Token::Unsigned(u64::from(u16::from_be_bytes(self.array()?))),
            0xce => Token::Unsigned(u64::from(u32::from_be_bytes(self.array()?))),
            0xcf => Token::Unsigned(u64::from_be_bytes(self.array()?)),
            0xd0 => Token::Signed(i64::from(i8::from_be_bytes(self.array()?))),
            0xd1 => Token::Signed(i64::from(i16::from_be_bytes(self.array()?))),
            0xd2 => Token::Signed(i64::from(i32::from_be_bytes(self.array()?))),
            0xd3 => Token::Signed(i64::from_be_bytes(self.array()?)),
            0xd4 => return self.fixed(1),
            0xd5 => return self.fixed(2),
            0xd6 => return self.fixed(4),
            0xd7 => return self.fixed(8),
            0xd8 => return self.fixed(16),
            0xd9 => Token::Text(self.counted::<1>()?),
            0xda => Token::Text(self.counted::<2>()?),
            0xdb => Token::Text(self.counted::<4>()?),
            0xdc => {
                let count = self.length::<2>()?;
                return self.begun(count, 1, Token::Array);
            }
            0xdd => {
                let count = self.length::<4>()?;
                return self.begun(count, 1, Token::Array);
            }
            0xde => {
                let count = self.length::<2>()?;
                return self.begun(count, 2, Token::Map);
            }
            0xdf => {
                let count = self.length::<4>()?;
                return self.begun(count, 2, Token::Map);
            }
            0xe0..=0xff => Token::Signed(i64::from(i8::from_be_bytes([mark]))),
        })
    }

    /// Each takes so many bytes at least: no more can come than there are.
    fn begun(
        &self,
        count: usize,
        bytes: usize,
        what: impl FnOnce(usize) -> Token<'a>,
    ) -> Result<Token<'a>, Unreadable> {
        if count.saturating_mul(bytes) > self.rest.len() {
            return Err(Unreadable::Syntax);
        }
        Ok(what(count))
    }

    /// What an ext type of one byte for its type and a length before it says.
    fn ext(&mut self, length: usize) -> Result<Token<'a>, Unreadable> {
        let [kind] = self.array()?;
        let bytes = self.take(length)?;
        Ok(match kind {
            0 => Token::Binary(bytes),
            DATE => date(bytes),
            _ => Token::Nil,
        })
    }

    /// What an ext type of a fixed length says.
    fn fixed(&mut self, length: usize) -> Result<Token<'a>, Unreadable> {
        let [kind] = self.array()?;
        let bytes = self.take(length)?;
        Ok(match (kind, <[u8; 8]>::try_from(bytes)) {
            (0, _) if length == 1 => Token::Undefined,
            (0, Ok(millis)) => moment(i64::from_be_bytes(millis)),
            (DATE, _) => date(bytes),
            (_, _) => Token::Nil,
        })
    }

    fn counted<const N: usize>(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.length::<N>()?;
        self.take(length)
    }

    /// A length in so many bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Unreadable> {
        let digits: [u8; N] = self.array()?;
        let length = digits
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(length).map_err(|_| Unreadable::Syntax)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Unreadable::Syntax)?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Unreadable> {
        let split = self.rest.split_at_checked(count);
        let (taken, rest) = split.ok_or(Unreadable::Syntax)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// −1, as a byte.
const DATE: u8 = 0xff;

/// A moment in 4, 8 or 12 bytes: seconds; nanoseconds in 30 bits and seconds in 34; nanoseconds and seconds.
fn date<'a>(bytes: &[u8]) -> Token<'a> {
    let (seconds, nanos) = match (bytes.len(), bytes.split_first_chunk::<4>()) {
        (4, Some((seconds, _))) => (i64::from(u32::from_be_bytes(*seconds)), 0),
        (8, Some(_)) => {
            let both = u64::from_be_bytes(<[u8; 8]>::try_from(bytes).unwrap_or_default());
            let seconds = i64::try_from(both & 0x3_ffff_ffff).unwrap_or_default();
            (seconds, u32::try_from(both >> 34).unwrap_or_default())
        }
        (12, Some((nanos, seconds))) => {
            let seconds = <[u8; 8]>::try_from(seconds).unwrap_or_default();
            (i64::from_be_bytes(seconds), u32::from_be_bytes(*nanos))
        }
        _ => return Token::Nil,
    };
    let millis = seconds
        .checked_mul(1000)
        .and_then(|millis| millis.checked_add(i64::from(nanos / 1_000_000)));
    millis.map_or(Token::Nil, moment)
}

/// `null`, as JSON has a moment that JavaScript has no date for.
fn moment<'a>(millis: i64) -> Token<'a> {
    match iso(millis) {
        Some(_) => Token::Date(millis),
        None => Token::Nil,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8]) -> Token<'_> {
        let mut reader = Reader::new(bytes);
        let token = reader.next().unwrap();
        assert!(reader.is_empty());
        token
    }

    #[test]
    fn a_token_is_what_it_is_asked_for_or_nothing() {
        let date = [&[0xd7, 0][..], &1_700_000_000_123_i64.to_be_bytes()].concat();
        let double = [&[0xcb][..], &1200.0_f64.to_be_bytes()].concat();
        let broken = [&[0xcb][..], &0.5_f64.to_be_bytes()].concat();
        // As text, as a whole number, and as the name of a member.
        for (bytes, text, number, name) in [
            (&[0xc0][..], None, None, None),
            (&[0xd4, 0, 0], None, None, None),
            (&[0xc3], None, None, None),
            (&[0x07], None, Some(7), Some("7")),
            (&[0xcc, 200], None, Some(200), Some("200")),
            (&[0xff], None, None, Some("-1")),
            (&[0xd0, 7], None, Some(7), Some("7")),
            (&double, None, Some(1200), Some("1200")),
            (&broken, None, None, Some("0.5")),
            (b"\xa1a", Some("a"), None, Some("a")),
            (b"\xa1\xff", Some("\u{fffd}"), None, Some("\u{fffd}")),
            (&[0xc4, 1, 7], None, None, None),
            (&date, Some("2023-11-14T22:13:20.123Z"), None, None),
            (&[0x90], None, None, None),
            (&[0x80], None, None, None),
        ] {
            let token = token(bytes);
            assert_eq!(token.text().as_deref(), text, "{token:?}");
            assert_eq!(token.unsigned(), number, "{token:?}");
            assert_eq!(token.name().as_deref(), name, "{token:?}");
        }
    }

    #[test]
    fn what_nobody_means_anything_by_is_nothing() {
        let long = [&[0xd8, 0][..], &[0; 16]].concat();
        assert_eq!(token(&long), Token::Nil);
        // A moment for which JavaScript has no date.
        let late = [&[0xc7, 12, 0xff, 0, 0, 0, 0][..], &i64::MAX.to_be_bytes()].concat();
        let later = [&[0xd7, 0][..], &i64::MAX.to_be_bytes()].concat();
        assert_eq!((token(&late), token(&later)), (Token::Nil, Token::Nil));
    }

    #[test]
    fn what_cannot_be_read_is_told_in_words() {
        let words = [Unreadable::Syntax, Unreadable::TooDeep].map(|why| why.to_string());
        assert_eq!(words, ["not msgpack", "nested too deeply"]);
    }
}
