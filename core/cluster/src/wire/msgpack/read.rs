//! msgpack read: nothing recurses, and nothing is made room for that has not come.
//!
//! Of ext types, `notepack.io` 2 has type 0 for bytes, `undefined` and dates; type −1 is a date. Others mean
//! nothing to clients.

use bytes::Bytes;
use sio_core::packet::Value;

use super::super::date::iso;
use super::super::odd::Odd;

/// One value of at most so many levels, and nothing behind it.
pub(crate) fn read(bytes: &Bytes, levels: usize) -> Result<Value, Odd> {
    let mut input = Input { bytes, at: 0 };
    let mut open: Vec<Open> = Vec::new();
    loop {
        // The name of a member comes before its value.
        if let Some(Open::Object(1.., _, name @ None)) = open.last_mut() {
            *name = Some(match input.next()? {
                Begun::Value(Value::String(text)) => text,
                Begun::Value(Value::Number(number)) => number.to_string(),
                Begun::Value(_) | Begun::Nothing | Begun::Array(_) | Begun::Object(_) => {
                    return Err(Odd::Syntax);
                }
            });
        }
        let mut done = match input.next()? {
            Begun::Value(value) => Some(value),
            Begun::Nothing => None,
            inner @ (Begun::Array(_) | Begun::Object(_)) => {
                if open.len() >= levels {
                    return Err(Odd::TooDeep);
                }
                open.push(match inner {
                    Begun::Array(count) => Open::Array(count, Vec::new()),
                    Begun::Object(count) => Open::Object(count, Vec::new(), None),
                    Begun::Value(_) | Begun::Nothing => return Err(Odd::Syntax),
                });
                match open.last() {
                    Some(Open::Array(0, _) | Open::Object(0, ..)) => open.pop().map(Open::finish),
                    _ => continue,
                }
            }
        };
        // A value is whole, and perhaps with it what it is in.
        loop {
            match open.last_mut() {
                None if input.at == bytes.len() => return done.ok_or(Odd::Syntax),
                None => return Err(Odd::Syntax),
                Some(Open::Array(left, elements)) => {
                    *left = left.saturating_sub(1);
                    elements.push(done.unwrap_or_default());
                    if *left > 0 {
                        break;
                    }
                }
                Some(Open::Object(left, members, name)) => {
                    *left = left.saturating_sub(1);
                    // A member that is undefined is none.
                    members.extend(name.take().zip(done));
                    if *left > 0 {
                        break;
                    }
                }
            }
            done = open.pop().map(Open::finish);
        }
    }
}

/// A list or an object that is being read: how many elements or members are still to come, and what came.
enum Open {
    Array(usize, Vec<Value>),
    /// And the name of the member whose value comes next.
    Object(usize, Vec<(String, Value)>, Option<String>),
}

impl Open {
    fn finish(self) -> Value {
        match self {
            Self::Array(_, elements) => Value::Array(elements),
            Self::Object(_, members, _) => members.into_iter().collect(),
        }
    }
}

/// What one type byte begins.
enum Begun {
    Value(Value),
    /// JavaScript's `undefined`.
    Nothing,
    Array(usize),
    Object(usize),
}

struct Input<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Input<'_> {
    fn next(&mut self) -> Result<Begun, Odd> {
        let [mark] = self.array()?;
        let low = |bits: u8| usize::from(mark & bits);
        Ok(Begun::Value(match mark {
            0x00..=0x7f => Value::from(mark),
            0x80..=0x8f => return self.begun(low(0x0f), Begun::Object),
            0x90..=0x9f => return self.begun(low(0x0f), Begun::Array),
            0xa0..=0xbf => self.text(low(0x1f))?,
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4 => Value::Binary(self.counted::<1>()?),
            0xc5 => Value::Binary(self.counted::<2>()?),
            0xc6 => Value::Binary(self.counted::<4>()?),
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
            0xca => Value::from(f64::from(f32::from_be_bytes(self.array()?))),
            0xcb => Value::from(f64::from_be_bytes(self.array()?)),
            0xcc => Value::from(u8::from_be_bytes(self.array()?)),
            0xcd => Value::from(u16::from_be_bytes(self.array()?)),
            0xce => Value::from(u32::from_be_bytes(self.array()?)),
            0xcf => Value::from(u64::from_be_bytes(self.array()?)),
            0xd0 => Value::from(i32::from(i8::from_be_bytes(self.array()?))),
            0xd1 => Value::from(i32::from(i16::from_be_bytes(self.array()?))),
            0xd2 => Value::from(i32::from_be_bytes(self.array()?)),
            0xd3 => Value::from(i64::from_be_bytes(self.array()?)),
            0xd4 => return self.fixed(1),
            0xd5 => return self.fixed(2),
            0xd6 => return self.fixed(4),
            0xd7 => return self.fixed(8),
            0xd8 => return self.fixed(16),
            0xd9 => {
                let length = self.length::<1>()?;
                self.text(length)?
            }
            0xda => {
                let length = self.length::<2>()?;
                self.text(length)?
            }
            0xdb => {
                let length = self.length::<4>()?;
                self.text(length)?
            }
            0xdc => {
                let count = self.length::<2>()?;
                return self.begun(count, Begun::Array);
            }
            0xdd => {
                let count = self.length::<4>()?;
                return self.begun(count, Begun::Array);
            }
            0xde => {
                let count = self.length::<2>()?;
                return self.begun(count, Begun::Object);
            }
            0xdf => {
                let count = self.length::<4>()?;
                return self.begun(count, Begun::Object);
            }
            0xe0..=0xff => Value::from(i32::from(i8::from_be_bytes([mark]))),
            0xc1 => return Err(Odd::Syntax),
        }))
    }

    /// Each element takes a byte at least: no more can come than there are.
    fn begun(&self, count: usize, what: impl FnOnce(usize) -> Begun) -> Result<Begun, Odd> {
        if count > self.bytes.len().saturating_sub(self.at) {
            return Err(Odd::Syntax);
        }
        Ok(what(count))
    }

    /// What an ext type of one byte for its type and a length before it says.
    fn ext(&mut self, length: usize) -> Result<Begun, Odd> {
        let [kind] = self.array()?;
        let bytes = self.take(length)?;
        Ok(Begun::Value(match kind {
            0 => Value::Binary(bytes),
            DATE => date(&bytes),
            _ => Value::Null,
        }))
    }

    /// What an ext type of a fixed length says.
    fn fixed(&mut self, length: usize) -> Result<Begun, Odd> {
        let [kind] = self.array()?;
        let bytes = self.take(length)?;
        Ok(match (kind, <[u8; 8]>::try_from(&*bytes)) {
            (0, _) if length == 1 => Begun::Nothing,
            (0, Ok(millis)) => Begun::Value(iso(i64::from_be_bytes(millis)).into()),
            (DATE, _) => Begun::Value(date(&bytes)),
            (_, _) => Begun::Value(Value::Null),
        })
    }

    /// Not all that JavaScript takes for text is: half a surrogate pair is read as it would show it.
    fn text(&mut self, length: usize) -> Result<Value, Odd> {
        let bytes = self.take(length)?;
        Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn counted<const N: usize>(&mut self) -> Result<Bytes, Odd> {
        let length = self.length::<N>()?;
        self.take(length)
    }

    /// A length in so many bytes.
    fn length<const N: usize>(&mut self) -> Result<usize, Odd> {
        let digits: [u8; N] = self.array()?;
        let length = digits
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(length).map_err(|_| Odd::Syntax)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Odd> {
        let rest = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let array = *rest.ok_or(Odd::Syntax)?;
        self.at = self.at.saturating_add(N);
        Ok(array)
    }

    /// The next so many bytes, shared.
    fn take(&mut self, count: usize) -> Result<Bytes, Odd> {
        let end = self.at.checked_add(count).ok_or(Odd::Syntax)?;
        if end > self.bytes.len() {
            return Err(Odd::Syntax);
        }
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }
}

/// −1, as a byte.
const DATE: u8 = 0xff;

/// A moment in 4, 8 or 12 bytes: seconds; nanoseconds in 30 bits and seconds in 34; nanoseconds and seconds.
fn date(bytes: &[u8]) -> Value {
    let big = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let (seconds, nanos) = match (bytes.len(), bytes.split_first_chunk::<4>()) {
        (4, Some((seconds, _))) => (i64::from(u32::from_be_bytes(*seconds)), 0),
        (8, Some(_)) => {
            let both = big(bytes);
            let seconds = i64::try_from(both & 0x3_ffff_ffff).unwrap_or_default();
            (seconds, u32::try_from(both >> 34).unwrap_or_default())
        }
        (12, Some((nanos, seconds))) => {
            let seconds = <[u8; 8]>::try_from(seconds).unwrap_or_default();
            (i64::from_be_bytes(seconds), u32::from_be_bytes(*nanos))
        }
        _ => return Value::Null,
    };
    let millis = seconds
        .checked_mul(1000)
        .and_then(|millis| millis.checked_add(i64::from(nanos / 1_000_000)));
    millis.and_then(iso).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::value as write;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, Odd> {
        super::read(&Bytes::copy_from_slice(bytes), 64)
    }

    fn written(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, value).unwrap();
        out
    }

    #[test]
    fn ext_types_are_what_the_packages_mean_by_them() {
        let text = |text: &str| Ok(Value::from(text));
        let seconds = 1_700_000_000_u32.to_be_bytes();
        assert_eq!(
            read(&[&[0xd6, 0xff][..], &seconds].concat()),
            text("2023-11-14T22:13:20.000Z")
        );
        let both = (123_000_000_u64 << 34 | 1_700_000_000).to_be_bytes();
        assert_eq!(
            read(&[&[0xd7, 0xff][..], &both].concat()),
            text("2023-11-14T22:13:20.123Z")
        );
        let long = [&[0xc7, 12, 0xff, 0, 0, 0, 0][..], &(-1_i64).to_be_bytes()].concat();
        assert_eq!(read(&long), text("1969-12-31T23:59:59.000Z"));
        let millis = 1_700_000_000_123_i64.to_be_bytes();
        assert_eq!(
            read(&[&[0xd7, 0][..], &millis].concat()),
            text("2023-11-14T22:13:20.123Z")
        );
        assert_eq!(
            read(&[0xc7, 2, 0, 5, 6]),
            Ok(Value::Binary(vec![5, 6].into()))
        );
        // Undefined: nothing in an object, `null` in a list, and no message by itself.
        let list = Value::Array(vec![Value::Null]);
        assert_eq!(read(&[0x91, 0xd4, 0, 0]), Ok(list));
        assert_eq!(
            read(&[0x81, 0xa1, b'a', 0xd4, 0, 0]).unwrap().to_string(),
            "{}"
        );
        assert_eq!(read(&[0xd4, 0, 0]), Err(Odd::Syntax));
        for other in [&[0xd4, 7, 0][..], &[0xc7, 1, 9, 1], &[0xd5, 0xff, 1, 1]] {
            assert_eq!(read(other), Ok(Value::Null));
        }
    }

    #[test]
    fn nothing_may_stand_behind_a_value_or_be_missing() {
        for bytes in [
            &[][..],
            &[0xc1],
            &[0xc0, 0xc0],
            &[0x91],
            &[0xa2, b'a'],
            &[0xdd, 255, 255, 255, 255],
        ] {
            assert_eq!(read(bytes), Err(Odd::Syntax), "{bytes:?}");
        }
        assert_eq!(
            read(&[&[0x91; 65][..], &[0xc0]].concat()),
            Err(Odd::TooDeep)
        );
        assert!(read(&[&[0x91; 64][..], &[0xc0]].concat()).is_ok());
    }

    #[test]
    fn numbers_are_written_as_javascript_holds_them() {
        let number = |text: &str| {
            let args = sio_core::packet::Args::from_json(&format!("[{text}]"), vec![]).unwrap();
            written(&args.get::<Value>(0).unwrap())
        };
        assert_eq!(number("1.0"), [1]);
        assert_eq!(number("1e2"), [100]);
        assert_eq!(number("-33"), [0xd0, 0xdf]);
        assert_eq!(number("9007199254740991")[0], 0xcf);
        assert_eq!(number("-9007199254740991")[0], 0xd3);
        for double in [
            "9007199254740992",
            "-9007199254740992",
            "1e300",
            "1.5",
            "-0.0",
        ] {
            let expected: f64 = double.parse().unwrap();
            let expected = [&[0xcb][..], &expected.to_be_bytes()].concat();
            assert_eq!(number(double), expected, "{double}");
        }
        assert_eq!(number("1e400"), [0xc0]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(|number| Value::from((number >> 11) >> (number % 53))),
            any::<i64>().prop_map(|number| Value::from((number >> 11) >> (number & 31))),
            any::<f64>().prop_map(|number| Value::from(number + 0.5)
                .as_f64()
                .filter(|it| it.fract() != 0.0)
                .into()),
            ".{0,40}".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|it| Value::Binary(it.into())),
        ];
        leaf.prop_recursive(5, 64, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::Array),
                prop::collection::vec(("[a-z_]{0,3}", inner), 0..20)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in values()) {
            let bytes = written(&value);
            prop_assert_eq!(read(&bytes), Ok(value));
            for end in 0..bytes.len().min(100) {
                prop_assert!(read(&bytes[..end]).is_err());
            }
        }

        #[test]
        fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(value) = read(&bytes) {
                // Numbers of other lengths are not written as they came, and a double may be whole.
                let again = read(&written(&value)).unwrap();
                prop_assert_eq!(written(&again), written(&value));
            }
        }
    }
}
