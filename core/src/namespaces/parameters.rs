//! What the parameters of a pattern are in a name, and how they become values.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, EnumAccess, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

/// The parameters in the name of a namespace, in the order in which they stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters(Box<[(Box<str>, Box<str>)]>);

impl Parameters {
    /// Names and values.
    pub fn new(all: impl Into<Box<[(Box<str>, Box<str>)]>>) -> Self {
        Self(all.into())
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(its, value)| (its == name).then_some(value))
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as a type: a struct or a map by their names, a tuple or a list in their order, and if there
    /// is one, any type that one text can be: a text, a number, a truth value, an enum by the names of its
    /// variants.
    ///
    /// ```
    /// # use sio_core::namespaces::Pattern;
    /// #[derive(serde::Deserialize)]
    /// struct Place { tenant: String, id: u32 }
    ///
    /// let pattern: Pattern = "/{tenant}/{id}".parse()?;
    /// let parameters = pattern.read("/acme/7").unwrap();
    /// let place: Place = parameters.decode()?;
    /// assert_eq!((&*place.tenant, place.id), ("acme", 7));
    /// assert_eq!(parameters.decode::<(String, u8)>()?, ("acme".to_owned(), 7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why they are not of that type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ParametersError> {
        T::deserialize(All(self))
    }
}

/// Why the parameters of a namespace are not of the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParametersError {
    /// One is something else, or there are too few or too many of them. In words.
    Mistyped(String),
}

impl fmt::Display for ParametersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Mistyped(why) = self;
        write!(f, "parameters: {why}")
    }
}

impl std::error::Error for ParametersError {}

impl serde::de::Error for ParametersError {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Mistyped(why.to_string())
    }
}

/// All parameters, to be taken as a type.
struct All<'de>(&'de Parameters);

impl<'de> All<'de> {
    fn values(&self) -> impl ExactSizeIterator<Item = One<'de>> + use<'de> {
        self.0.0.iter().map(|(_, value)| One(value))
    }

    /// The only one.
    fn only(&self) -> Result<One<'de>, ParametersError> {
        match &*self.0.0 {
            [(_, value)] => Ok(One(value)),
            all => Err(serde::de::Error::invalid_length(all.len(), &"one")),
        }
    }
}

/// Methods that take the only one as something.
macro_rules! of_the_only_one {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for All<'de> {
    type Error = ParametersError;

    of_the_only_one! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        let all = self.0.0.iter();
        let pairs = all.map(|(name, value)| (&**name, One(value)));
        let mut pairs = MapDeserializer::new(pairs);
        let value = visitor.visit_map(&mut pairs)?;
        pairs.end()?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        let mut values = SeqDeserializer::new(self.values());
        let value = visitor.visit_seq(&mut values)?;
        values.end()?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        match self.0.is_empty() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { unit unit_struct }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        visitor.visit_unit()
    }
}

/// One parameter: a text, which may be that of a number.
struct One<'de>(&'de str);

/// Methods that read a number or a truth value.
macro_rules! read {
    ($($method:ident $visit:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => {
                    Err(serde::de::Error::invalid_type(Unexpected::Str(self.0), &visitor))
                }
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for One<'de> {
    type Error = ParametersError;

    read! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ParametersError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ParametersError> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, ParametersError> for One<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The name of a variant that has nothing in it.
impl<'de> EnumAccess<'de> for One<'de> {
    type Error = ParametersError;
    type Variant = Bare;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Bare), ParametersError> {
        seed.deserialize(self).map(|name| (name, Bare))
    }
}

struct Bare;

impl Bare {
    fn has_nothing(what: &'static str) -> ParametersError {
        serde::de::Error::invalid_type(Unexpected::UnitVariant, &what)
    }
}

impl<'de> VariantAccess<'de> for Bare {
    type Error = ParametersError;

    fn unit_variant(self) -> Result<(), ParametersError> {
        Ok(())
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        _seed: S,
    ) -> Result<S::Value, ParametersError> {
        Err(Self::has_nothing("newtype variant"))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        _visitor: V,
    ) -> Result<V::Value, ParametersError> {
        Err(Self::has_nothing("tuple variant"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, ParametersError> {
        Err(Self::has_nothing("struct variant"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    fn parameters(all: &[(&str, &str)]) -> Parameters {
        let all = all
            .iter()
            .map(|(name, value)| (Box::from(*name), Box::from(*value)));
        Parameters::new(all.collect::<Vec<_>>())
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Open,
        Closed,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Id(u32);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Place {
        tenant: String,
        id: Id,
        kind: Option<Kind>,
        #[serde(default)]
        more: u8,
    }

    #[test]
    fn parameters_become_what_a_handler_asks_for() {
        let one = parameters(&[("id", "7")]);
        assert_eq!(one.decode(), Ok(7u32));
        assert_eq!(one.decode(), Ok(Id(7)));
        assert_eq!(one.decode(), Ok(7.0f64));
        assert_eq!(one.decode(), Ok("7".to_owned()));
        assert_eq!(one.decode(), Ok('7'));
        assert_eq!(one.decode(), Ok(Some(7i8)));
        assert_eq!(one.decode(), Ok((7u8,)));
        assert_eq!(one.decode(), Ok(vec![7u64]));
        assert_eq!(parameters(&[("a", "true")]).decode(), Ok(true));
        assert_eq!(parameters(&[("a", "closed")]).decode(), Ok(Kind::Closed));
        let two = parameters(&[("id", "7"), ("tenant", "acme"), ("kind", "open")]);
        let place = Place {
            tenant: "acme".to_owned(),
            id: Id(7),
            kind: Some(Kind::Open),
            more: 0,
        };
        assert_eq!(two.decode(), Ok(place));
        let map: BTreeMap<String, String> = two.decode().unwrap();
        assert_eq!(map.len(), 3);
        assert_eq!(two.decode::<(u8, String, Kind)>().unwrap().0, 7);
        assert_eq!(parameters(&[]).decode(), Ok(None::<u8>));
        assert_eq!(two.get("tenant"), Some("acme"));
        assert_eq!(two.get("absent"), None);
    }

    #[test]
    fn parameters_of_another_type_are_refused_in_words() {
        let wrong = |all: &[(&str, &str)]| parameters(all).decode::<u8>().unwrap_err();
        let text = |error: ParametersError| error.to_string();
        assert_eq!(
            text(wrong(&[("id", "x")])),
            r#"parameters: invalid type: string "x", expected u8"#
        );
        assert_eq!(
            text(wrong(&[("id", "256")])),
            r#"parameters: invalid type: string "256", expected u8"#
        );
        assert_eq!(
            text(wrong(&[])),
            "parameters: invalid length 0, expected one"
        );
        assert_eq!(
            text(wrong(&[("a", "1"), ("b", "2")])),
            "parameters: invalid length 2, expected one"
        );
        let two = parameters(&[("a", "1"), ("b", "2")]);
        assert!(two.decode::<(u8,)>().is_err());
        assert!(two.decode::<(u8, u8, u8)>().is_err());
        assert!(two.decode::<Place>().is_err());
        assert!(parameters(&[("a", "ajar")]).decode::<Kind>().is_err());
        assert!(parameters(&[("a", "1")]).decode::<Vec<Vec<u8>>>().is_err());
    }

    #[test]
    fn parameters_become_other_shapes() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Pair(u8, String);

        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(untagged)]
        enum Either {
            Numbers { from: String, to: String },
            Named(BTreeMap<String, String>),
        }

        let range = parameters(&[("from", "7"), ("to", "x")]);
        assert_eq!(range.len(), 2);
        assert!(!range.is_empty() && Parameters::default().is_empty());
        assert_eq!(range.decode(), Ok(Pair(7, "x".to_owned())));
        let (from, to) = ("7".to_owned(), "x".to_owned());
        assert_eq!(range.decode(), Ok(Either::Numbers { from, to }));
        let named = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(parameters(&[("a", "b")]).decode(), Ok(Either::Named(named)));
        assert!(range.decode::<serde::de::IgnoredAny>().is_ok());
        assert!(range.decode::<Pair>().is_ok() && range.decode::<(Pair,)>().is_err());
    }

    #[test]
    fn a_variant_has_nothing_in_it() {
        #[derive(Debug, PartialEq, Deserialize)]
        enum Kind {
            New(u8),
            Tuple(u8, u8),
            Struct { a: u8 },
        }

        for (name, what) in [
            ("New", "newtype variant"),
            ("Tuple", "tuple variant"),
            ("Struct", "struct variant"),
        ] {
            let why = parameters(&[("kind", name)]).decode::<Kind>().unwrap_err();
            let words = format!("parameters: invalid type: unit variant, expected {what}");
            assert_eq!(why.to_string(), words);
        }
    }
}
