//! A parser of the application's own, whole: packets as msgpack (§28.1), as `socket.io-msgpack-parser` 2.2
//! and 3.0 have them.
//!
//! Each packet is one binary message. Clients of the 2.x line write a CONNECT, DISCONNECT or ERROR as JSON
//! text, and read either.
//!
//! `notepack.io`, on which that package stands, has uses of its own for ext types: `undefined` is fixext 1,
//! a date is fixext 8, and an `ArrayBuffer` is ext 8, 16 or 32, each of type 0.

use crate::sio::parser::{
    Decoder, EncodeError, Fault, Limits, Message, Packet, PacketType, Parser,
};
use crate::sio::{Bytes, Value};

pub(crate) struct Msgpack;

impl Parser for Msgpack {
    fn encode(&self, packet: &Packet) -> Result<Vec<Message>, EncodeError> {
        let mut members = vec![
            ("type", Value::from(packet.kind.number())),
            ("nsp", Value::from(&*packet.namespace)),
        ];
        members.extend(packet.id.map(|id| ("id", Value::from(id))));
        members.extend(packet.data.clone().map(|data| ("data", data)));
        let bytes = write(&members.into_iter().collect())?;
        Ok(vec![Message::Binary(bytes.into())])
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(|message: Message, limits: &Limits| {
            match message {
                Message::Binary(bytes) => packet(read(&bytes, limits.depth.saturating_add(2))?),
                Message::Text(text) => serde_json::from_str(&text).map_err(|_| Fault::Payload),
            }
            .map(Some)
        })
    }
}

/// The packet that an object is. Other members than these four are ignored.
fn packet(value: Value) -> Result<Packet, Fault> {
    let member = |name: &str| value.get(name);
    let kind = member("type").and_then(Value::as_u64);
    let kind = kind.and_then(|number| PacketType::from_number(u8::try_from(number).ok()?));
    let namespace = member("nsp").and_then(Value::as_str);
    Ok(Packet {
        kind: kind.ok_or(Fault::Kind)?,
        namespace: namespace.ok_or(Fault::Namespace)?.to_owned(),
        id: match member("id") {
            None => None,
            Some(id) => Some(id.as_u64().ok_or(Fault::AckId)?),
        },
        data: member("data").cloned(),
    })
}

/// What is still to be written: the inside of a list or an object stands behind it.
enum Left<'a> {
    Value(&'a Value),
    Name(&'a str),
}

fn write(value: &Value) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    let mut left = vec![Left::Value(value)];
    while let Some(next) = left.pop() {
        let value = match next {
            Left::Value(value) => value,
            Left::Name(name) => {
                write_text(&mut out, name)?;
                continue;
            }
        };
        match value {
            Value::Null => out.push(0xc0),
            Value::Bool(false) => out.push(0xc2),
            Value::Bool(true) => out.push(0xc3),
            Value::Number(_) => write_number(&mut out, value)?,
            Value::String(text) => write_text(&mut out, text)?,
            Value::Binary(bytes) => {
                write_head(
                    &mut out,
                    bytes.len(),
                    None,
                    [Some(0xc4), Some(0xc5), Some(0xc6)],
                )?;
                out.extend_from_slice(bytes);
            }
            Value::Array(elements) => {
                let short = Some((0x90, 16));
                write_head(
                    &mut out,
                    elements.len(),
                    short,
                    [None, Some(0xdc), Some(0xdd)],
                )?;
                left.extend(elements.iter().rev().map(Left::Value));
            }
            Value::Object(members) => {
                let short = Some((0x80, 16));
                write_head(
                    &mut out,
                    members.len(),
                    short,
                    [None, Some(0xde), Some(0xdf)],
                )?;
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
    Ok(out)
}

fn write_text(out: &mut Vec<u8>, text: &str) -> Result<(), EncodeError> {
    let short = Some((0xa0, 32));
    write_head(out, text.len(), short, [Some(0xd9), Some(0xda), Some(0xdb)])?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// A length in its shortest form: in the type's own byte below so many, else behind it in 1, 2 or 4 bytes.
fn write_head(
    out: &mut Vec<u8>,
    length: usize,
    short: Option<(u8, usize)>,
    [one, two, four]: [Option<u8>; 3],
) -> Result<(), EncodeError> {
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
        return Err(EncodeError::refused("longer than msgpack has lengths for"));
    }
    Ok(())
}

fn write_number(out: &mut Vec<u8>, number: &Value) -> Result<(), EncodeError> {
    // What is written with a point stays a double, whole or not.
    let double = number.to_string().contains(['.', 'e']);
    if let Some(number) = number.as_u64().filter(|_| !double) {
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
    } else if let Some(number) = number.as_i64().filter(|_| !double) {
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
    } else if let Some(number) = number.as_f64() {
        out.push(0xcb);
        out.extend(number.to_be_bytes());
    } else {
        return Err(EncodeError::refused("a number that no double holds"));
    }
    Ok(())
}

/// A list or an object that is being read: how many elements or members are still to come, and what came.
enum Open {
    Array(usize, Vec<Value>),
    /// And the name of the member whose value comes next.
    Object(usize, Vec<(String, Value)>, Option<String>),
}

/// What one type byte begins.
enum Begun {
    Value(Value),
    /// JavaScript's `undefined`.
    Nothing,
    Array(usize),
    Object(usize),
}

/// One value of at most so many levels, and nothing behind it. Nothing recurses, and nothing is made room
/// for that has not come.
fn read(bytes: &Bytes, levels: usize) -> Result<Value, Fault> {
    let mut input = Input { bytes, at: 0 };
    let mut open: Vec<Open> = Vec::new();
    loop {
        // The name of a member comes before its value.
        if let Some(Open::Object(1.., _, name @ None)) = open.last_mut() {
            match input.next()? {
                Begun::Value(Value::String(text)) => *name = Some(text),
                Begun::Value(_) | Begun::Nothing | Begun::Array(_) | Begun::Object(_) => {
                    return Err(Fault::Payload);
                }
            }
        }
        let mut done = match input.next()? {
            Begun::Value(value) => Some(value),
            Begun::Nothing => None,
            inner @ (Begun::Array(_) | Begun::Object(_)) => {
                if open.len() >= levels {
                    return Err(Fault::Depth);
                }
                open.push(match inner {
                    Begun::Array(count) => Open::Array(count, Vec::new()),
                    Begun::Object(count) => Open::Object(count, Vec::new(), None),
                    Begun::Value(_) | Begun::Nothing => return Err(Fault::Payload),
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
                None if input.at == bytes.len() => return done.ok_or(Fault::Payload),
                None => return Err(Fault::Payload),
                Some(Open::Array(left, elements)) => {
                    *left -= 1;
                    elements.push(done.unwrap_or_default());
                    if *left > 0 {
                        break;
                    }
                }
                Some(Open::Object(left, members, name)) => {
                    *left -= 1;
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

impl Open {
    fn finish(self) -> Value {
        match self {
            Self::Array(_, elements) => Value::Array(elements),
            Self::Object(_, members, _) => members.into_iter().collect(),
        }
    }
}

struct Input<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Input<'_> {
    fn next(&mut self) -> Result<Begun, Fault> {
        let [mark] = self.array()?;
        Ok(Begun::Value(match mark {
            0x00..=0x7f => Value::from(mark),
            0x80..=0x8f => return self.begun(usize::from(mark & 0x0f), Begun::Object),
            0x90..=0x9f => return self.begun(usize::from(mark & 0x0f), Begun::Array),
            0xa0..=0xbf => self.text(usize::from(mark & 0x1f))?,
            0xc0 => Value::Null,
            0xc2 => Value::Bool(false),
            0xc3 => Value::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(1 << (mark - 0xc4))?;
                Value::Binary(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (mark - 0xc7))?;
                self.ext_type()?;
                Value::Binary(self.take(length)?)
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
            0xd4 => {
                self.ext_type()?;
                return self.array().map(|[_]| Begun::Nothing);
            }
            // A date: milliseconds, as JavaScript counts them.
            0xd7 => {
                self.ext_type()?;
                Value::from(i64::from_be_bytes(self.array()?))
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (mark - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let count = self.length(2 << (mark - 0xdc))?;
                return self.begun(count, Begun::Array);
            }
            0xde | 0xdf => {
                let count = self.length(2 << (mark - 0xde))?;
                return self.begun(count, Begun::Object);
            }
            0xe0..=0xff => Value::from(i32::from(i8::from_be_bytes([mark]))),
            0xc1 | 0xd5 | 0xd6 | 0xd8 => return Err(Fault::Payload),
        }))
    }

    /// Each element takes a byte at least: no more can come than there are.
    fn begun(&self, count: usize, what: impl FnOnce(usize) -> Begun) -> Result<Begun, Fault> {
        if count > self.bytes.len() - self.at {
            return Err(Fault::Payload);
        }
        Ok(what(count))
    }

    fn ext_type(&mut self) -> Result<(), Fault> {
        match self.array()? {
            [0] => Ok(()),
            [_] => Err(Fault::Payload),
        }
    }

    fn text(&mut self, length: usize) -> Result<Value, Fault> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Fault::Payload)?;
        Ok(Value::from(text))
    }

    /// A length in 1, 2 or 4 bytes.
    fn length(&mut self, bytes: usize) -> Result<usize, Fault> {
        let digits = self.take(bytes)?;
        let length = digits
            .iter()
            .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(length).map_err(|_| Fault::Payload)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(&*bytes).map_err(|_| Fault::Payload)
    }

    /// The next so many bytes, shared.
    fn take(&mut self, count: usize) -> Result<Bytes, Fault> {
        let end = self
            .at
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(Fault::Payload)?;
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Ok(taken)
    }
}
