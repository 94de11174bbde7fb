//! Serde types as JSON: compact, as `JSON.stringify` writes it, with placeholders where bytes stand.
//!
//! What `serde_json` writes, byte for byte; only faster where packets have most of theirs. It looks at
//! each byte of a string by itself, and that was 0.4 of the time of a short ack; here it is eight at a
//! time. What is rare is left to it: keys that are no strings, fractions, its own raw values and numbers.

use std::fmt::{self, Display, Write as _};

use bytes::Bytes;
use serde::ser::{self, Serialize, SerializeStruct as _, Serializer};

use self::key::{Bare, Key};
use super::arguments::Stop;
use super::json;

mod key;

/// What stands for bytes, up to their number (§15).
pub(super) const PLACEHOLDER: &[u8] = b"{\"_placeholder\":true,\"num\":";

/// A JSON text that is being written, and the attachments found on the way.
pub(super) struct Json<'a> {
    text: &'a mut Vec<u8>,
    attachments: &'a mut Vec<Bytes>,
    depth: usize,
}

impl<'a> Json<'a> {
    /// Writes behind whatever `text` already holds.
    pub(super) fn new(text: &'a mut Vec<u8>, attachments: &'a mut Vec<Bytes>) -> Self {
        Self {
            text,
            attachments,
            depth: 0,
        }
    }

    fn open(&mut self, bracket: u8) -> Result<(), Stop> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > json::DEEPEST {
            return Err(Stop::Refused("nested too deeply".into()));
        }
        self.text.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        self.text.push(bracket);
    }

    /// Opens the object of an enum's variant, up to its data.
    fn variant(&mut self, name: &str) -> Result<(), Stop> {
        self.open(b'{')?;
        string(self.text, name);
        self.text.push(b':');
        Ok(())
    }

    /// A value that `serde_json` writes, and that holds neither bytes nor others.
    fn leave<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        serde_json::to_writer(&mut *self.text, value).map_err(ser::Error::custom)
    }
}

/// A string in its quotes.
#[inline]
fn string(out: &mut Vec<u8>, text: &str) {
    around(out, b"\"", text, false);
}

/// A string behind what comes before it, its opening quote included, with a colon behind it if it is a
/// key.
///
/// What is short is put together in registers and written at once: each write waits for the length that
/// the one before it left.
#[inline(always)]
fn around<const N: usize>(out: &mut Vec<u8>, lead: &[u8; N], text: &str, key: bool) {
    let length = text.len();
    if let Some(word) = word(text.as_bytes())
        && out.capacity().wrapping_sub(out.len()) >= 16
    {
        // The quote behind it ends the run, unless something before it does.
        let quoted = word | u64::from(b'"').wrapping_shl(bits(length));
        if json::special(quoted).trailing_zeros() as usize / 8 == length {
            let mut block = u128::from(quoted);
            if key {
                block |= u128::from(b':').wrapping_shl(bits(length.wrapping_add(1)));
            }
            block = block.wrapping_shl(bits(N));
            for (at, byte) in lead.iter().enumerate() {
                block |= u128::from(*byte).wrapping_shl(bits(at));
            }
            let end = out
                .len()
                .wrapping_add(length)
                .wrapping_add(N)
                .wrapping_add(1)
                .wrapping_add(usize::from(key));
            out.extend_from_slice(&block.to_le_bytes());
            out.truncate(end);
            return;
        }
    }
    out.extend_from_slice(lead);
    inside(out, text.as_bytes());
    if key {
        out.push(b':');
    }
}

fn first_key(out: &mut Vec<u8>, key: &str) {
    around(out, b"\"", key, true);
}

fn next_key(out: &mut Vec<u8>, key: &str) {
    around(out, b",\"", key, true);
}

/// The inside of a string, and the quote behind it.
fn inside(out: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        if json::special(u64::from_le_bytes(*chunk)) != 0 {
            return slow(out, rest);
        }
        out.extend_from_slice(chunk);
        rest = tail;
    }
    let length = rest.len();
    if let Some(word) = word(rest)
        && out.capacity().wrapping_sub(out.len()) >= 8
    {
        // The quote behind it ends the run, unless something before it does.
        let word = word | u64::from(b'"').wrapping_shl(bits(length));
        if json::special(word).trailing_zeros() as usize / 8 == length {
            let end = out.len().wrapping_add(length).wrapping_add(1);
            out.extend_from_slice(&word.to_le_bytes());
            out.truncate(end);
            return;
        }
    }
    slow(out, rest);
}

#[cold]
#[inline(never)]
fn slow(out: &mut Vec<u8>, rest: &[u8]) {
    escaped(out, rest);
    out.push(b'"');
}

/// How many bits so few bytes are.
const fn bits(bytes: usize) -> u32 {
    (bytes as u32).wrapping_mul(8)
}

/// Up to 7 bytes as the low ones of a word.
#[inline]
fn word(bytes: &[u8]) -> Option<u64> {
    let length = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let [head, tail] = [head, tail].map(|half| u64::from(u32::from_le_bytes(*half)));
        return (length < 8).then(|| head | tail.wrapping_shl(bits(length.wrapping_sub(4))));
    }
    Some(match bytes {
        [] => 0,
        [a] => u64::from(*a),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a, b, c, ..] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
    })
}

/// The inside of a string.
fn escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    loop {
        let special = json::after_plain(rest);
        let plain = rest.len().wrapping_sub(special.len());
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        let Some((byte, tail)) = special.split_first() else {
            return;
        };
        escape(out, *byte);
        rest = tail;
    }
}

#[cold]
fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        b'"' | b'\\' => byte,
        _ => {
            let digit = |half: u8| match half {
                0..10 => half.wrapping_add(b'0'),
                _ => half.wrapping_add(b'a' - 10),
            };
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

macro_rules! integers {
    ($($method:ident: $kind:ty;)*) => {$(
        fn $method(self, number: $kind) -> Result<(), Stop> {
            self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        }
    )*};
}

impl<'b, 'a> Serializer for &'b mut Json<'a> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = List<'b, 'a>;
    type SerializeTuple = List<'b, 'a>;
    type SerializeTupleStruct = List<'b, 'a>;
    type SerializeTupleVariant = List<'b, 'a>;
    type SerializeMap = Members<'b, 'a>;
    type SerializeStruct = Members<'b, 'a>;
    type SerializeStructVariant = Members<'b, 'a>;

    integers! {
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
    }

    fn serialize_bool(self, value: bool) -> Result<(), Stop> {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.text.extend_from_slice(word);
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Stop> {
        self.leave(&number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Stop> {
        self.leave(&number)
    }

    fn serialize_char(self, character: char) -> Result<(), Stop> {
        string(self.text, character.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Stop> {
        string(self.text, text);
        Ok(())
    }

    /// The bytes are copied once, here: serde has no way to hand over shared ones.
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        let num = self.attachments.len();
        self.attachments.push(Bytes::copy_from_slice(value));
        self.text.extend_from_slice(PLACEHOLDER);
        self.text
            .extend_from_slice(itoa::Buffer::new().format(num).as_bytes());
        self.text.push(b'}');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Stop> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Stop> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'b, 'a>, Stop> {
        self.open(b'[')?;
        Ok(List {
            json: self,
            begun: false,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'b, 'a>, Stop> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<List<'b, 'a>, Stop> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<List<'b, 'a>, Stop> {
        self.variant(variant)?;
        self.serialize_seq(Some(length))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Members<'b, 'a>, Stop> {
        self.open(b'{')?;
        Ok(Members {
            json: self,
            begun: false,
            private: None,
        })
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Members<'b, 'a>, Stop> {
        if name.starts_with(PRIVATE) {
            return Ok(Members {
                json: self,
                begun: false,
                private: Some(name),
            });
        }
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Members<'b, 'a>, Stop> {
        self.variant(variant)?;
        self.serialize_map(Some(length))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Stop> {
        struct Inside<'a>(&'a mut Vec<u8>);
        impl fmt::Write for Inside<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                escaped(self.0, text.as_bytes());
                Ok(())
            }
        }
        self.text.push(b'"');
        write!(Inside(self.text), "{value}").map_err(ser::Error::custom)?;
        self.text.push(b'"');
        Ok(())
    }
}

/// How the names of structs begin by which `serde_json` knows its own.
const PRIVATE: &str = "$serde_json::private::";

/// An array that is being written, perhaps as the data of a variant.
pub(super) struct List<'b, 'a> {
    json: &'b mut Json<'a>,
    begun: bool,
}

impl List<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if std::mem::replace(&mut self.begun, true) {
            self.json.text.push(b',');
        }
        value.serialize(&mut *self.json)
    }
}

macro_rules! list {
    ($($kind:ident::$method:ident;)*) => {$(
        impl ser::$kind for List<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.element(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.json.close(b']');
                Ok(())
            }
        }
    )*};
}

list! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
}

impl ser::SerializeTupleVariant for List<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.element(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.json.close(b']');
        self.json.close(b'}');
        Ok(())
    }
}

/// An object that is being written, perhaps as the data of a variant.
pub(super) struct Members<'b, 'a> {
    json: &'b mut Json<'a>,
    begun: bool,
    /// It is none, but something that `serde_json` knows by this name.
    private: Option<&'static str>,
}

impl Members<'_, '_> {
    fn comma(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.json.text.push(b',');
        }
    }

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Stop> {
        if std::mem::replace(&mut self.begun, true) {
            next_key(self.json.text, key);
        } else {
            first_key(self.json.text, key);
        }
        value.serialize(&mut *self.json)
    }

    fn finish(&mut self) {
        if self.private.is_none() {
            self.json.close(b'}');
        }
    }
}

impl ser::SerializeMap for Members<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.comma();
        match key.serialize(Key(self.json.text)) {
            Err(Stop::One) => {
                let mut other = serde_json::Serializer::with_formatter(&mut *self.json.text, Bare);
                (&mut other)
                    .serialize_map(None)
                    .and_then(|mut map| map.serialize_key(key))
                    .map_err(ser::Error::custom)
            }
            written => written,
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.json.text.push(b':');
        value.serialize(&mut *self.json)
    }

    fn end(mut self) -> Result<(), Stop> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStruct for Members<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        match self.private {
            None => self.member(key, value),
            Some(name) => self.json.leave(&Private { name, key, value }),
        }
    }

    fn end(mut self) -> Result<(), Stop> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Members<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.member(key, value)
    }

    fn end(mut self) -> Result<(), Stop> {
        self.finish();
        self.json.close(b'}');
        Ok(())
    }
}

/// A struct of one field, as `serde_json` serialises its own.
struct Private<'a, T: ?Sized> {
    name: &'static str,
    key: &'static str,
    value: &'a T,
}

impl<T: Serialize + ?Sized> Serialize for Private<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct(self.name, 1)?;
        fields.serialize_field(self.key, self.value)?;
        fields.end()
    }
}

#[cfg(test)]
mod tests;
