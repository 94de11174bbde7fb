//! Serde types as JSON: compact, as `JSON.stringify` writes it, with placeholders where bytes stand.
//!
//! What `serde_json` writes, byte for byte; only faster where packets have most of theirs. It looks at
//! each byte of a string by itself, and that was 0.4 of the time of a short ack; here it is eight at a
//! time. What is rare is left to it: keys that are no strings, fractions, its own raw values and numbers.

use std::fmt::{self, Display, Write as _};

use bytes::Bytes;
use serde::ser::{self, Serialize, SerializeStruct as _, Serializer};

use super::error::Unwritten;
use super::key::{Bare, Key};
use super::placeholder::PLACEHOLDER;
use super::scan::DEEPEST;
use super::string::{escaped, first_key, next_key, string};

/// A JSON text that is being written, and the attachments found on the way.
pub(crate) struct Json<'a> {
    text: &'a mut Vec<u8>,
    attachments: &'a mut Vec<Bytes>,
    depth: usize,
}

impl<'a> Json<'a> {
    /// Writes behind whatever `text` already holds.
    pub(crate) fn new(text: &'a mut Vec<u8>, attachments: &'a mut Vec<Bytes>) -> Self {
        Self {
            text,
            attachments,
            depth: 0,
        }
    }

    fn open(&mut self, bracket: u8) -> Result<(), Unwritten> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(Unwritten::Refused("nested too deeply".into()));
        }
        self.text.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        self.text.push(bracket);
    }

    /// Opens the object of an enum's variant, up to its data.
    fn variant(&mut self, name: &str) -> Result<(), Unwritten> {
        self.open(b'{')?;
        string(self.text, name);
        self.text.push(b':');
        Ok(())
    }

    /// A value that `serde_json` writes, and that holds neither bytes nor others.
    fn leave<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        serde_json::to_writer(&mut *self.text, value).map_err(ser::Error::custom)
    }
}

macro_rules! integers {
    ($($method:ident: $kind:ty;)*) => {$(
        fn $method(self, number: $kind) -> Result<(), Unwritten> {
            self.text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            Ok(())
        }
    )*};
}

impl<'b, 'a> Serializer for &'b mut Json<'a> {
    type Ok = ();
    type Error = Unwritten;
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

    fn serialize_bool(self, value: bool) -> Result<(), Unwritten> {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.text.extend_from_slice(word);
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Unwritten> {
        self.leave(&number)
    }

    fn serialize_f64(self, number: f64) -> Result<(), Unwritten> {
        self.leave(&number)
    }

    fn serialize_char(self, character: char) -> Result<(), Unwritten> {
        string(self.text, character.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), Unwritten> {
        string(self.text, text);
        Ok(())
    }

    /// The bytes are copied once, here: serde has no way to hand over shared ones.
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritten> {
        let num = self.attachments.len();
        self.attachments.push(Bytes::copy_from_slice(value));
        self.text.extend_from_slice(PLACEHOLDER);
        self.text
            .extend_from_slice(itoa::Buffer::new().format(num).as_bytes());
        self.text.push(b'}');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Unwritten> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritten> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritten> {
        self.text.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Unwritten> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Unwritten> {
        self.serialize_str(variant)
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
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<List<'b, 'a>, Unwritten> {
        self.open(b'[')?;
        Ok(List {
            json: self,
            begun: false,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'b, 'a>, Unwritten> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        length: usize,
    ) -> Result<List<'b, 'a>, Unwritten> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<List<'b, 'a>, Unwritten> {
        self.variant(variant)?;
        self.serialize_seq(Some(length))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Members<'b, 'a>, Unwritten> {
        self.open(b'{')?;
        Ok(Members {
            json: self,
            begun: false,
            private: None,
        })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Members<'b, 'a>, Unwritten> {
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
    ) -> Result<Members<'b, 'a>, Unwritten> {
        self.variant(variant)?;
        self.serialize_map(Some(length))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unwritten> {
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
pub(crate) struct List<'b, 'a> {
    json: &'b mut Json<'a>,
    begun: bool,
}

impl List<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
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
            type Error = Unwritten;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unwritten> {
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
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.element(value)
    }

    fn end(self) -> Result<(), Unwritten> {
        self.json.close(b']');
        self.json.close(b'}');
        Ok(())
    }
}

/// An object that is being written, perhaps as the data of a variant.
pub(crate) struct Members<'b, 'a> {
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

    fn member<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Unwritten> {
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
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritten> {
        self.comma();
        match key.serialize(Key(self.json.text)) {
            Err(Unwritten::Other) => {
                let mut other = serde_json::Serializer::with_formatter(&mut *self.json.text, Bare);
                (&mut other)
                    .serialize_map(None)
                    .and_then(|mut map| map.serialize_key(key))
                    .map_err(ser::Error::custom)
            }
            written => written,
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.json.text.push(b':');
        value.serialize(&mut *self.json)
    }

    fn end(mut self) -> Result<(), Unwritten> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStruct for Members<'_, '_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        match self.private {
            None => self.member(key, value),
            Some(name) => self.json.leave(&Private { name, key, value }),
        }
    }

    fn end(mut self) -> Result<(), Unwritten> {
        self.finish();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Members<'_, '_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        self.member(key, value)
    }

    fn end(mut self) -> Result<(), Unwritten> {
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
