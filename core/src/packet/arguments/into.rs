//! What can be emitted: serde types, several at once as a tuple, and arguments passed on.

use bytes::Bytes;
use serde::ser::{Impossible, Serialize, SerializeTuple, SerializeTupleStruct, Serializer};

use super::Args;
use crate::json::{self, Json, PLACEHOLDER, Unwritten, Value, not_written};
use crate::packet::EncodeError;

/// What can be emitted, and answered with.
///
/// Every `T: Serialize` is: a tuple (or an array of fixed length) as several arguments, `()` as none,
/// everything else as one. Bytes (`bytes::Bytes`, `serde_bytes`, [`Value::Binary`](crate::packet::Value))
/// become attachments wherever they stand; a `Vec<u8>` is a list of numbers. [`Args`], which is what a handler received, is passed on
/// as it is, without being read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emitted",
    label = "neither `serde::Serialize` nor `Args`",
    note = "what is emitted is written by serde: `#[derive(serde::Serialize)]`; several arguments are one tuple, `&(1, \"two\")`, none are `&()`, bytes are `bytes::Bytes`"
)]
pub trait IntoArgs {
    /// Writes the arguments behind whatever the writer already holds.
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting that is too deep.
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError>;

    /// About how many bytes of JSON that will be.
    fn size_hint(&self) -> usize {
        64
    }

    /// The arguments as values, for a parser of the application's own.
    ///
    /// # Errors
    /// As [`write`](Self::write); also a string with half a surrogate pair.
    fn to_values(&self) -> Result<Vec<Value>, EncodeError> {
        to_args(self)?.values().map_err(EncodeError::refused)
    }
}

/// The JSON array of a packet being written, and the attachments found on the way.
#[derive(Debug, Default)]
pub struct Writer {
    pub(in crate::packet) text: Vec<u8>,
    pub(in crate::packet) attachments: Vec<Bytes>,
    /// Whether there is an element already, so that the next one needs a comma.
    pub(in crate::packet) begun: bool,
    /// Where the array begins.
    pub(in crate::packet) start: usize,
    /// How many placeholders stand for bytes.
    pub(in crate::packet) placeholders: usize,
}

impl IntoArgs for Args {
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError> {
        if !self.is_empty() {
            out.comma();
            out.pass(self);
        }
        Ok(())
    }

    fn size_hint(&self) -> usize {
        self.elements().len()
    }

    /// Not by way of their text: what looks like a placeholder in it, and is none, stays what it is.
    fn to_values(&self) -> Result<Vec<Value>, EncodeError> {
        self.values().map_err(EncodeError::refused)
    }
}

impl<T: Serialize + ?Sized> IntoArgs for T {
    fn write(&self, out: &mut Writer) -> Result<(), EncodeError> {
        let written = match self.serialize(Top(out)) {
            Err(Unwritten::Other) => out.element(self),
            written => written,
        };
        written.map_err(|stop| match stop {
            Unwritten::Other => EncodeError::Refused("not a value".into()),
            Unwritten::Refused(why) => EncodeError::Refused(why),
        })
    }
}

/// Any serialisable arguments, as if they had been received.
pub(in crate::packet) fn to_args(value: &(impl IntoArgs + ?Sized)) -> Result<Args, EncodeError> {
    let mut out = Writer {
        text: vec![b'['],
        ..Writer::default()
    };
    value.write(&mut out)?;
    out.text.push(b']');
    out.check()?;
    let refused = |why: &str| EncodeError::Refused(why.into());
    let text = String::from_utf8(out.text).map_err(|_| refused("not UTF-8"))?;
    Args::from_json(&text, out.attachments)
        .map_err(|fault| EncodeError::Refused(fault.to_string().into()))
}

impl Args {
    /// Anything that can be emitted, as if it had been received.
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting that is too deep.
    pub fn from_arguments(args: &(impl IntoArgs + ?Sized)) -> Result<Self, EncodeError> {
        to_args(args)
    }
}

impl Value {
    /// Any serde type as a value. Bytes become [`Value::Binary`].
    ///
    /// # Errors
    /// What the type's own serialisation refuses, or nesting beyond [`DEEPEST`](crate::packet::DEEPEST).
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        let args = to_args(&(value,))?;
        args.get(0)
            .map_err(|error| EncodeError::Refused(error.to_string().into()))
    }
}

impl Writer {
    fn comma(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            self.text.push(b',');
        }
    }

    /// Elements that were received, as they are, but for the numbers of their attachments if there are others
    /// already.
    fn pass(&mut self, args: &Args) {
        let elements = args.elements().as_bytes();
        let offset = self.attachments.len();
        let mut rest = 0;
        for &(at, num) in args.placeholders().filter(|_| offset > 0) {
            let Ok(behind) = json::skip(elements.get(at..).unwrap_or_default()) else {
                continue;
            };
            self.text
                .extend_from_slice(elements.get(rest..at).unwrap_or_default());
            self.text.extend_from_slice(PLACEHOLDER);
            let num = num.saturating_add(offset);
            self.text
                .extend_from_slice(itoa::Buffer::new().format(num).as_bytes());
            self.text.push(b'}');
            rest = elements.len().saturating_sub(behind.len());
        }
        self.text
            .extend_from_slice(elements.get(rest..).unwrap_or_default());
        self.attachments.extend_from_slice(args.attachments());
        self.placeholders = self
            .placeholders
            .saturating_add(args.placeholders().count());
    }

    /// Refuses data that whoever reads it would take for bytes: it looks like a placeholder, and there are some
    /// (§15).
    pub(in crate::packet) fn check(&self) -> Result<(), EncodeError> {
        if self.attachments.is_empty() {
            return Ok(());
        }
        let text = self.text.get(self.start..).unwrap_or_default();
        // Looked at closely only if the word stands there more often than it was written, or a name may be
        // spelled with escapes.
        // By single bytes, which are rare there: to prepare a search for words took longer than it.
        let words = memchr::memchr_iter(b'_', text).filter(|at| follows(text, *at, b"placeholder"));
        let spelled = || memchr::memchr_iter(b'\\', text).any(|at| follows(text, at, b"u"));
        if words.count() == self.placeholders && !spelled() {
            return Ok(());
        }
        match json::placeholders(text, usize::MAX) {
            Ok(found) if found.len() == self.placeholders => Ok(()),
            Ok(_) | Err(_) => Err(EncodeError::Placeholder),
        }
    }

    /// One more element.
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.comma();
        let before = self.attachments.len();
        value.serialize(&mut Json::new(&mut self.text, &mut self.attachments))?;
        let new = self.attachments.len().saturating_sub(before);
        self.placeholders = self.placeholders.saturating_add(new);
        Ok(())
    }
}

/// Whether a word follows the byte at `at`.
fn follows(text: &[u8], at: usize, word: &[u8]) -> bool {
    let rest = text.get(at.saturating_add(1)..);
    rest.is_some_and(|rest| rest.starts_with(word))
}

/// Writes the members of a tuple, and stops at everything else before it has written anything.
struct Top<'a>(&'a mut Writer);

type Never = Impossible<(), Unwritten>;

impl Serializer for Top<'_> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Never;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    not_written! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<(), Unwritten> {
        Err(Unwritten::Other)
    }

    fn serialize_unit(self) -> Result<(), Unwritten> {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unwritten> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Unwritten> {
        Err(Unwritten::Other)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _length: usize,
    ) -> Result<Self, Unwritten> {
        Ok(self)
    }
}

impl SerializeTuple for Top<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.0.element(value)
    }

    fn end(self) -> Result<(), Unwritten> {
        Ok(())
    }
}

impl SerializeTupleStruct for Top<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.0.element(value)
    }

    fn end(self) -> Result<(), Unwritten> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
