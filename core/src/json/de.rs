//! Serde types out of text: a deserialiser over JSON that was checked when it arrived.
//!
//! The grammar is known to hold, so that this only finds its way; what does not fit a type is an
//! error with its reason. Placeholders become the attachments they name. Numbers are read exactly:
//! an integer that no Rust integer holds, or a fraction beyond every `f64`, is refused, and kept as
//! text by [`Value`](super::Value). Whole numbers are taken by the types that hold them, however they are
//! written.

use std::borrow::Cow;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::binary::Binary;
use super::cursor::{Cursor, broken, small};
use super::decimal::{Decimal, holds, is_exact};
use super::error::Mismatch;
use super::raw::RAW;
use super::value::VALUE;

/// The JSON value that begins at a place, as one type.
pub(crate) fn read<T: DeserializeOwned>(
    text: &str,
    at: usize,
    binary: Option<&Binary>,
) -> Result<T, Mismatch> {
    T::deserialize(&mut Cursor::new(text, at, binary))
}

impl<'a> Cursor<'a> {
    fn array<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        self.pass('[');
        let mut value = visitor.visit_seq(Elements(self));
        self.next();
        if value.is_ok() && !self.pass(']') {
            value = Err(Mismatch("more elements than expected".into()));
        }
        value
    }

    fn object<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        self.pass('{');
        let mut value = visitor.visit_map(Members(self));
        self.next();
        if value.is_ok() && !self.pass('}') {
            value = Err(Mismatch("more members than expected".into()));
        }
        value
    }

    fn number<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        if let Some((number, digits)) = small(self.rest.as_bytes()) {
            self.over(digits)?;
            return visitor.visit_u64(number);
        }
        let text = self.numeral()?;
        if let Ok(number) = text.parse::<u64>() {
            return visitor.visit_u64(number);
        }
        let refused = || Mismatch("a number out of range".into());
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return visitor.visit_u128(text.parse().map_err(|_| refused())?);
        }
        if text == "-0" {
            return visitor.visit_f64(-0.0);
        }
        if !text.contains(['.', 'e', 'E']) {
            if let Ok(number) = text.parse::<i64>() {
                return visitor.visit_i64(number);
            }
            return visitor.visit_i128(text.parse().map_err(|_| refused())?);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => visitor.visit_f64(number),
            Ok(_) | Err(_) => Err(refused()),
        }
    }

    /// A number for a type that holds whole ones: they may be written `1.0` or `1e3`, as Gson does it.
    fn whole<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Mismatch> {
        if !matches!(self.next(), Some(b'-' | b'0'..=b'9')) {
            return self.deserialize_any(visitor);
        }
        if let Some((number, digits)) = small(self.rest.as_bytes()) {
            self.over(digits)?;
            return visitor.visit_u64(number);
        }
        let text = self.numeral()?;
        let other = || Mismatch("a number that is not whole, or out of range".into());
        let whole = Decimal::read(text).and_then(|it| it.whole());
        let whole = &*whole.ok_or_else(other)?;
        if let Ok(number) = whole.parse::<u64>() {
            visitor.visit_u64(number)
        } else if let Ok(number) = whole.parse::<i64>() {
            visitor.visit_i64(number)
        } else if let Ok(number) = whole.parse::<u128>() {
            visitor.visit_u128(number)
        } else {
            visitor.visit_i128(whole.parse().map_err(|_| other())?)
        }
    }

    /// A number for a type that holds fractions: the nearest one. A whole number that it would change
    /// is refused.
    fn fraction<V, N>(&mut self, visitor: V) -> Result<V::Value, Mismatch>
    where
        V: Visitor<'a>,
        N: std::str::FromStr + Serialize + Into<f64> + Copy,
    {
        if !matches!(self.next(), Some(b'-' | b'0'..=b'9')) {
            return self.deserialize_any(visitor);
        }
        let text = self.numeral()?;
        // Up to 15 digits every double is exact, and up to 7 every single one.
        let short = text.len() <= 7;
        let whole = !text.contains(['.', 'e', 'E']);
        match text.parse::<N>() {
            Ok(number)
                if number.into().is_finite() && (short || !whole || is_exact(text, number)) =>
            {
                visitor.visit_f64(number.into())
            }
            Ok(_) | Err(_) => Err(Mismatch("a number out of range".into())),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            self.whole(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.next() {
            Some(b'n') => {
                self.word("null");
                visitor.visit_unit()
            }
            Some(b't') => {
                self.word("true");
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.word("false");
                visitor.visit_bool(false)
            }
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'[') => self.array(visitor),
            Some(b'{') => {
                if self.binary.is_some()
                    && let Some(part) = self.attachment()?
                {
                    return visitor.visit_byte_buf(part.to_vec());
                }
                self.object(visitor)
            }
            Some(_) => self.number(visitor),
            None => broken(),
        }
    }

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.fraction::<V, f32>(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.fraction::<V, f64>(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.next() == Some(b'n') {
            self.word("null");
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match name {
            RAW => visitor.visit_borrowed_str(self.take()?),
            VALUE => {
                if matches!(self.next(), Some(b'-' | b'0'..=b'9')) {
                    let start = self.rest;
                    let text = self.numeral()?;
                    if !holds(text) {
                        return visitor.visit_enum(text.into_deserializer());
                    }
                    self.rest = start;
                }
                self.deserialize_any(visitor)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.next() {
            Some(b'"') => visitor.visit_enum(self.string()?.into_deserializer()),
            Some(b'{') => {
                self.pass('{');
                let value = visitor.visit_enum(Variant(self))?;
                self.next();
                if self.pass('}') {
                    Ok(value)
                } else {
                    Err(Mismatch("an enum is an object of one member".into()))
                }
            }
            _ => Err(Mismatch(
                "expected an enum: a string or an object of one member".into(),
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.take()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

struct Elements<'b, 'a>(&'b mut Cursor<'a>);

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Mismatch;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        if self.0.next() == Some(b']') {
            return Ok(None);
        }
        self.0.pass(',');
        let left = self.0.rest.len();
        let value = seed.deserialize(&mut *self.0)?;
        // A type that looks at nothing would be given the same element for ever.
        if self.0.rest.len() == left {
            self.0.take()?;
        }
        Ok(Some(value))
    }
}

struct Members<'b, 'a>(&'b mut Cursor<'a>);

impl<'de> de::MapAccess<'de> for Members<'_, 'de> {
    type Error = Mismatch;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        match self.0.next() {
            Some(b',') => {
                self.0.pass(',');
                self.0.next();
            }
            Some(b'}') => return Ok(None),
            _ => {}
        }
        // A key that is a number is asked for as one: maps from integers are written so.
        seed.deserialize(Key(self.0.string()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        self.0.next();
        self.0.pass(':');
        seed.deserialize(&mut *self.0)
    }
}

/// The name of a member.
struct Key<'a>(Cow<'a, str>);

macro_rules! number_key {
    ($($method:ident => $visit:ident: $kind:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.0.parse::<$kind>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Mismatch;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    number_key! {
        deserialize_i8 => visit_i8: i8;
        deserialize_i16 => visit_i16: i16;
        deserialize_i32 => visit_i32: i32;
        deserialize_i64 => visit_i64: i64;
        deserialize_i128 => visit_i128: i128;
        deserialize_u8 => visit_u8: u8;
        deserialize_u16 => visit_u16: u16;
        deserialize_u32 => visit_u32: u32;
        deserialize_u64 => visit_u64: u64;
        deserialize_u128 => visit_u128: u128;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// `{"Variant":data}`, the cursor behind the brace.
struct Variant<'b, 'a>(&'b mut Cursor<'a>);

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Mismatch;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Mismatch> {
        if self.0.next() != Some(b'"') {
            return Err(Mismatch("an enum is an object of one member".into()));
        }
        let name = seed.deserialize(Key(self.0.string()?))?;
        self.0.next();
        self.0.pass(':');
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        de::Deserialize::deserialize(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mismatch> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.0.deserialize_any(visitor)
    }
}

#[cfg(test)]
mod tests;
