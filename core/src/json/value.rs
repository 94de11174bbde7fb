//! Values of any kind.

use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::number::Number;

/// Asked for by this name, a number that no Rust number holds comes as an enum whose variant is its
/// text: the one shape that nothing a peer writes can have here.
pub(super) const VALUE: &str = "$sio::Value";

/// Any argument: JSON, and bytes wherever they stand.
///
/// The order of members is kept, and so are numbers, to the digit.
///
/// ```
/// use sio_core::packet::{Args, Value};
///
/// let args = Args::from_json(r#"[{"b":18446744073709551615,"a":-0.5}]"#, vec![]).unwrap();
/// let value: Value = args.decode().unwrap();
/// assert_eq!(value.to_string(), r#"{"b":18446744073709551615,"a":-0.5}"#);
/// assert_eq!(value["a"].as_f64(), Some(-0.5));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, and what JavaScript calls `undefined`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(String),
    /// Bytes, which travel as an attachment.
    Binary(Bytes),
    /// A list.
    Array(Vec<Value>),
    /// Members in their order.
    Object(Map),
}

/// The members of an object, in their order. A name that comes twice keeps its last value, as in
/// JavaScript.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(String, Value)>);

impl Value {
    /// The member of that name, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name)
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The number as `u64`, if it is one and fits exactly, however it is written.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number as `i64`, if it is one and fits exactly, however it is written.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number as the nearest `f64`, if it is one and is not beyond all of them.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self {
            Some(number)
        } else {
            None
        }
    }

    /// The elements, if it is a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    /// The bytes, if it is an attachment.
    pub fn as_binary(&self) -> Option<&Bytes> {
        if let Self::Binary(bytes) = self {
            Some(bytes)
        } else {
            None
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }
}

impl std::ops::Index<&str> for Value {
    type Output = Self;

    /// The member of that name; `null` if there is none.
    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&Self::Null)
    }
}

impl std::ops::Index<usize> for Value {
    type Output = Self;

    /// The element at that place; `null` if there is none.
    fn index(&self, at: usize) -> &Self {
        self.as_array()
            .and_then(|elements| elements.get(at))
            .unwrap_or(&Self::Null)
    }
}

/// As JSON; an attachment is shown as `<3 bytes>`, which is none.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(text) => quoted(f, text),
            Self::Binary(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::Array(elements) => {
                f.write_str("[")?;
                for (at, element) in elements.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    write!(f, "{element}")?;
                }
                f.write_str("]")
            }
            Self::Object(Map(members)) => {
                f.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { "," })?;
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

macro_rules! value_from {
    ($($kind:ty => |$it:ident| $value:expr;)*) => {$(
        impl From<$kind> for Value {
            fn from($it: $kind) -> Self {
                $value
            }
        }
    )*};
}

value_from! {
    bool => |it| Self::Bool(it);
    u8 => |it| Self::Number(Number::from(u64::from(it)));
    u16 => |it| Self::Number(Number::from(u64::from(it)));
    u32 => |it| Self::Number(Number::from(u64::from(it)));
    u64 => |it| Self::Number(Number::from(it));
    i32 => |it| Self::Number(Number::from(i64::from(it)));
    i64 => |it| Self::Number(Number::from(it));
    f64 => |it| Number::from_f64(it).map_or(Self::Null, Self::Number);
    &str => |it| Self::String(it.to_owned());
    String => |it| Self::String(it);
    Bytes => |it| Self::Binary(it);
    Map => |it| Self::Object(it);
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        Self::Array(elements.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

impl Map {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Sets a member, in its place if it is there, else behind the others.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn members(&self) -> std::slice::Iter<'_, (String, Value)> {
        self.0.iter()
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(members: I) -> Self {
        let mut all: Vec<(String, Value)> = members
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        // A peer may send many members, and the same name again: neither may cost a square.
        let mut order: Vec<usize> = (0..all.len()).collect();
        let name = |at: usize| all.get(at).map(|(name, _)| name.as_str());
        order.sort_by(|a, b| name(*a).cmp(&name(*b)).then(a.cmp(b)));
        let mut moves = Vec::new();
        let mut first = None;
        for at in order {
            match first {
                Some(kept) if name(kept) == name(at) => moves.push((kept, at)),
                _ => first = Some(at),
            }
        }
        if moves.is_empty() {
            return Self(all);
        }
        let mut gone = vec![false; all.len()];
        for (kept, at) in moves {
            let value = all.get_mut(at).map(|(_, value)| std::mem::take(value));
            if let (Some((_, old)), Some(value)) = (all.get_mut(kept), value) {
                *old = value;
            }
            if let Some(gone) = gone.get_mut(at) {
                *gone = true;
            }
        }
        let mut gone = gone.into_iter();
        all.retain(|_| !gone.next().unwrap_or(false));
        Self(all)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Not a unit: that would be no argument at all.
            Self::Null => serializer.serialize_none(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Binary(bytes) => serializer.serialize_bytes(bytes),
            Self::Array(elements) => serializer.collect_seq(elements),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE, Any)
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(members) => Ok(members),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Binary(_)
            | Value::Array(_) => Err(D::Error::custom("expected an object")),
        }
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Binary(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Binary(bytes.into()))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (text, variant): (String, _) = data.variant()?;
        de::VariantAccess::unit_variant(variant)?;
        Ok(Value::Number(Number::from_text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value()?));
        }
        Ok(Value::Object(members.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: de::DeserializeOwned>(text: &str) -> Result<T, String> {
        serde_json::from_str(text).map_err(|why| why.to_string())
    }

    #[test]
    fn a_value_is_what_it_is_asked_for_or_nothing() {
        let members = [("a", 1u8)].into_iter().collect::<Value>();
        let all = [
            Value::Null,
            Value::from(true),
            Value::from(-1i64),
            Value::from("x"),
            Value::from(Bytes::from_static(b"xyz")),
            Value::from(vec![1u8]),
            members,
        ];
        for (at, value) in all.iter().enumerate() {
            assert_eq!(value.is_null(), at == 0);
            assert_eq!(value.as_bool(), (at == 1).then_some(true));
            assert_eq!(value.as_i64(), (at == 2).then_some(-1));
            assert_eq!(value.as_u64(), None);
            assert_eq!(value.as_f64(), (at == 2).then_some(-1.0));
            assert_eq!(value.as_str(), (at == 3).then_some("x"));
            assert_eq!(value.as_binary().is_some(), at == 4);
            assert_eq!(
                value.as_array(),
                (at == 5).then_some(&[Value::from(1u8)][..])
            );
            assert_eq!(value.as_object().map(Map::len), (at == 6).then_some(1));
        }
        let shown = Value::from(all.to_vec()).to_string();
        assert_eq!(shown, r#"[null,true,-1,"x",<3 bytes>,[1],{"a":1}]"#);
    }

    #[test]
    fn a_member_that_is_set_again_keeps_its_place() {
        let mut map = Map::default();
        assert!(map.is_empty());
        map.insert("a", 1u8);
        map.insert("b", true);
        map.insert("a", "x");
        assert!(!map.is_empty());
        let members: Vec<_> = map.iter().collect();
        assert_eq!(
            members,
            [("a", &Value::from("x")), ("b", &Value::from(true))]
        );
    }

    #[test]
    fn members_are_an_object_and_nothing_else() {
        let map: Map = read(r#"{"b":[1,null],"a":"x"}"#).unwrap();
        assert_eq!(Value::from(map).to_string(), r#"{"b":[1,null],"a":"x"}"#);
        for text in ["null", "true", "1", "\"x\"", "[]"] {
            let why = read::<Map>(text).unwrap_err();
            assert!(why.starts_with("expected an object"), "{why}");
        }
    }

    /// Formats that tell options apart from nothing, and have bytes.
    #[test]
    fn a_value_is_read_from_what_json_does_not_have() {
        use serde::de::value::{BytesDeserializer, Error};

        let bytes = BytesDeserializer::<Error>::new(b"xyz");
        let value = bytes.deserialize_any(Any).unwrap();
        assert_eq!(value, Value::Binary(Bytes::from_static(b"xyz")));
        assert_eq!(Any.visit_none::<Error>().unwrap(), Value::Null);
        let some = serde::de::value::U64Deserializer::<Error>::new(7);
        assert_eq!(Any.visit_some(some).unwrap(), Value::from(7u64));
        let refused = <Error as de::Error>::invalid_type(de::Unexpected::Char('x'), &Any);
        assert!(refused.to_string().ends_with("expected any value"));
    }

    #[test]
    fn a_number_is_read_as_a_kind_that_holds_it_or_not_at_all() {
        let both = |number: Value| (number.as_i64(), number.as_u64());
        let most = i64::MAX as u64;
        for (text, signed, unsigned) in [
            ("0", Some(0), Some(0)),
            ("9223372036854775807", Some(i64::MAX), Some(most)),
            ("9223372036854775808", None, Some(most + 1)),
            ("18446744073709551615", None, Some(u64::MAX)),
            ("-9223372036854775808", Some(i64::MIN), None),
            ("1e3", Some(1000), Some(1000)),
            ("1.5", None, None),
        ] {
            assert_eq!(both(read(text).unwrap()), (signed, unsigned), "{text}");
        }
    }
}
