//! Values as msgpack: the shortest whole numbers, doubles, and nothing that some decoder of the packages does not
//! know.

use std::fmt;

use crate::json::{Number, Value};

/// Text, bytes, a list or an object with more in it than msgpack has lengths for, which end at 2³²−1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("longer than msgpack has lengths for")
    }
}

impl std::error::Error for TooLong {}

/// What is still to be written: the inside of a list or an object stands behind it.
enum Left<'a> {
    Value(&'a Value),
    Name(&'a str),
}

/// Any value.
///
/// # Errors
/// Something in it is too long; what came before it is written.
pub fn value(out: &mut Vec<u8>, value: &Value) -> Result<(), TooLong> {
    let mut left = vec![Left::Value(value)];
    while let Some(next) = left.pop() {
        let value = match next {
            Left::Value(value) => value,
            Left::Name(name) => {
                text(out, name)?;
                continue;
            }
        };
        match value {
            Value::Null => out.push(0xc0),
            Value::Bool(false) => out.push(0xc2),
            Value::Bool(true) => out.push(0xc3),
            Value::Number(number) => any_number(out, number),
            Value::String(string) => text(out, string)?,
            Value::Binary(bytes) => {
                head(out, bytes.len(), None, [Some(0xc4), Some(0xc5), Some(0xc6)])?;
                out.extend_from_slice(bytes);
            }
            Value::Array(elements) => {
                list(out, elements.len())?;
                left.extend(elements.iter().rev().map(Left::Value));
            }
            Value::Object(members) => {
                map(out, members.len())?;
                let begin = left.len();
                for (name, value) in members.iter() {
                    left.extend([Left::Name(name), Left::Value(value)]);
                }
                if let Some(members) = left.get_mut(begin..) {
                    members.reverse();
                }
            }
        }
    }
    Ok(())
}

/// The head of a list of so many elements.
///
/// # Errors
/// They are too many.
pub fn list(out: &mut Vec<u8>, length: usize) -> Result<(), TooLong> {
    head(
        out,
        length,
        Some((0x90, 16)),
        [None, Some(0xdc), Some(0xdd)],
    )
}

/// The head of a map of so many members.
///
/// # Errors
/// They are too many.
pub fn map(out: &mut Vec<u8>, length: usize) -> Result<(), TooLong> {
    head(
        out,
        length,
        Some((0x80, 16)),
        [None, Some(0xde), Some(0xdf)],
    )
}

/// Text.
///
/// # Errors
/// It is too long.
pub fn text(out: &mut Vec<u8>, text: &str) -> Result<(), TooLong> {
    let long = [Some(0xd9), Some(0xda), Some(0xdb)];
    head(out, text.len(), Some((0xa0, 32)), long)?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// A length in its shortest form: in the type's own byte below so many, else behind it in 1, 2 or 4 bytes.
fn head(
    out: &mut Vec<u8>,
    length: usize,
    short: Option<(u8, usize)>,
    [one, two, four]: [Option<u8>; 3],
) -> Result<(), TooLong> {
    if let Some((mark, below)) = short
        && length < below
        && let Ok(length) = u8::try_from(length)
    {
        out.push(mark | length);
    } else if let (Some(mark), Ok(length)) = (one, u8::try_from(length)) {
        out.extend([mark, length]);
    } else if let (Some(mark), Ok(length)) = (two, u16::try_from(length)) {
        out.push(mark);
        out.extend(length.to_be_bytes());
    } else if let (Some(mark), Ok(length)) = (four, u32::try_from(length)) {
        out.push(mark);
        out.extend(length.to_be_bytes());
    } else {
        return Err(TooLong);
    }
    Ok(())
}

/// A whole number of 64 bits as such however it is written, others as doubles, and what no double holds as
/// nothing, as JavaScript writes it.
fn any_number(out: &mut Vec<u8>, any: &Number) {
    if let Some(whole) = any.as_u64() {
        match (whole == 0).then(|| any.as_f64()).flatten() {
            Some(zero) if zero.is_sign_negative() => double(out, zero),
            Some(_) | None => number(out, whole),
        }
    } else if let Some(below_zero) = any.as_i64() {
        negative(out, below_zero);
    } else if let Some(broken) = any.as_f64() {
        double(out, broken);
    } else {
        out.push(0xc0);
    }
}

fn double(out: &mut Vec<u8>, double: f64) {
    out.push(0xcb);
    out.extend(double.to_be_bytes());
}

/// A count of something.
pub fn number(out: &mut Vec<u8>, number: u64) {
    if let Ok(number) = u8::try_from(number) {
        if number >= 0x80 {
            out.push(0xcc);
        }
        out.push(number);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend(number.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(number.to_be_bytes());
    }
}

fn negative(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = i8::try_from(number) {
        if number < -0x20 {
            out.push(0xd0);
        }
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xd1);
        out.extend(number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xd2);
        out.extend(number.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend(number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::read;
    use super::*;

    #[test]
    fn a_length_is_written_in_as_few_bytes_as_it_needs() {
        for (length, head) in [
            (0, &[0xa0][..]),
            (31, &[0xbf]),
            (32, &[0xd9, 32]),
            (255, &[0xd9, 255]),
            (256, &[0xda, 1, 0]),
            (65_535, &[0xda, 255, 255]),
            (65_536, &[0xdb, 0, 1, 0, 0]),
        ] {
            let long = Value::from("x".repeat(length));
            let mut out = Vec::new();
            value(&mut out, &long).unwrap();
            assert!(out.starts_with(head), "{length}");
            assert_eq!(out.len(), head.len() + length);
            assert_eq!(read(&Bytes::from(out), 1), Ok(long));
        }
    }

    #[test]
    fn a_length_that_msgpack_does_not_have_is_refused() {
        for write in [list, map] {
            let mut out = Vec::new();
            assert_eq!(write(&mut out, usize::MAX), Err(TooLong));
            assert!(out.is_empty());
        }
        assert_eq!(TooLong.to_string(), "longer than msgpack has lengths for");
    }
}
