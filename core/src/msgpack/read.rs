//! Values of any kind, read.

use bytes::Bytes;

use super::reader::{Reader, Token, Unreadable, Visit};
use crate::json::Value;

/// One value of at most so many levels, and nothing behind it. Bytes in it are slices of these.
///
/// A value may be many times as large as what it is read from: a list takes 40 bytes for each `null` in it, which
/// takes one there, and up to twice that for what it may grow by; an object more for each member with its name.
///
/// # Errors
/// They are no value. Nothing is built of them then.
pub fn read(bytes: &Bytes, levels: usize) -> Result<Value, Unreadable> {
    let mut look = Reader::new(bytes);
    look.walk(levels, &mut Nothing)?;
    if !look.is_empty() {
        return Err(Unreadable::Syntax);
    }
    let mut building = Building {
        bytes,
        open: Vec::new(),
        whole: None,
    };
    Reader::new(bytes).walk(levels, &mut building)?;
    building.whole.ok_or(Unreadable::Syntax)
}

/// Makes nothing of it.
struct Nothing;

impl Visit<'_> for Nothing {
    fn value(&mut self, _: Option<Token<'_>>, _: Token<'_>) {}
}

struct Building<'a> {
    bytes: &'a Bytes,
    /// What is not whole, from the outside inwards, with the names that members have in what they are in.
    open: Vec<(Option<String>, Open)>,
    whole: Option<Value>,
}

enum Open {
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl<'a> Visit<'a> for Building<'a> {
    fn value(&mut self, name: Option<Token<'a>>, value: Token<'a>) {
        let name = name.and_then(Token::name).map(String::from);
        let value = match value {
            Token::Array(_) => return self.open.push((name, Open::Array(Vec::new()))),
            Token::Map(_) => return self.open.push((name, Open::Object(Vec::new()))),
            // A member that is undefined is none, and by itself it is no value.
            Token::Undefined if name.is_some() || self.open.is_empty() => return,
            Token::Undefined | Token::Nil => Value::Null,
            Token::Bool(value) => value.into(),
            Token::Unsigned(number) => number.into(),
            Token::Signed(number) => number.into(),
            Token::Double(number) => number.into(),
            Token::Text(_) | Token::Date(_) => value.text().map(String::from).into(),
            Token::Binary(bytes) => Value::Binary(self.bytes.slice_ref(bytes)),
        };
        self.place(name, value);
    }

    fn end(&mut self) {
        if let Some((name, open)) = self.open.pop() {
            let value = match open {
                Open::Array(elements) => Value::Array(elements),
                Open::Object(members) => members.into_iter().collect(),
            };
            self.place(name, value);
        }
    }
}

impl Building<'_> {
    fn place(&mut self, name: Option<String>, value: Value) {
        match self.open.last_mut() {
            None => self.whole = Some(value),
            Some((_, Open::Array(elements))) => elements.push(value),
            Some((_, Open::Object(members))) => {
                members.extend(name.map(|name| (name, value)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::value as write;
    use super::super::values::values;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, Unreadable> {
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
        assert_eq!(read(&[0xd4, 0, 0]), Err(Unreadable::Syntax));
        for other in [&[0xd4, 7, 0][..], &[0xc7, 1, 9, 1], &[0xd5, 0xff, 1, 1]] {
            assert_eq!(read(other), Ok(Value::Null));
        }
    }

    #[test]
    fn a_number_that_is_a_name_is_written_as_by_javascript() {
        for (number, name) in [
            (0.0, "0"),
            (-0.0, "0"),
            (7.0, "7"),
            (-7.5, "-7.5"),
            (1200.0, "1200"),
            (0.1, "0.1"),
            (123.456, "123.456"),
            (0.000_001_25, "0.00000125"),
            (0.000_000_1, "1e-7"),
            (-0.000_000_125, "-1.25e-7"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let bytes = [&[0x81, 0xcb][..], &number.to_be_bytes(), &[0xc3]].concat();
            let value = read(&bytes).unwrap();
            assert_eq!(value.get(name), Some(&Value::Bool(true)), "{value}");
        }
    }

    #[test]
    fn a_value_takes_40_bytes() {
        assert_eq!(size_of::<Value>(), 40);
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
            assert_eq!(read(bytes), Err(Unreadable::Syntax), "{bytes:?}");
        }
        assert_eq!(
            read(&[&[0x91; 65][..], &[0xc0]].concat()),
            Err(Unreadable::TooDeep)
        );
        assert!(read(&[&[0x91; 64][..], &[0xc0]].concat()).is_ok());
    }

    #[test]
    fn numbers_are_written_as_whole_ones_where_they_are() {
        let number = |text: &str| {
            let args = crate::packet::Args::from_json(&format!("[{text}]"), vec![]).unwrap();
            written(&args.get::<Value>(0).unwrap())
        };
        assert_eq!(number("1.0"), [1]);
        assert_eq!(number("1e2"), [100]);
        assert_eq!(number("-33"), [0xd0, 0xdf]);
        assert_eq!(number("9007199254740991")[0], 0xcf);
        assert_eq!(number("-9007199254740991")[0], 0xd3);
        // Beyond 2⁵³ JavaScript reads the nearest double, whichever way it is written; others read all digits.
        let largest = [&[0xcf][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(number("18446744073709551615"), largest);
        let smallest = [&[0xd3][..], &i64::MIN.to_be_bytes()].concat();
        assert_eq!(number("-9223372036854775808"), smallest);
        for double in [
            "18446744073709551616",
            "-9223372036854775809",
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
