//! Arguments as one type: a tuple takes several, everything else the first.

use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};

use crate::json::{Binary, Cursor, Mismatch};
use crate::packet::ArgumentError;

/// All arguments as one type; see [`Args::decode`](super::Args::decode).
pub(super) fn arguments<T: DeserializeOwned>(
    elements: &str,
    binary: Option<&Binary>,
) -> Result<T, ArgumentError> {
    arguments_from(elements, binary, &mut 0)
}

/// Those behind the first so many as one type. Then it is moved behind those that the type takes, whether
/// they are what it takes them for or not.
#[inline]
pub(super) fn arguments_from<T: DeserializeOwned>(
    elements: &str,
    binary: Option<&Binary>,
    from: &mut usize,
) -> Result<T, ArgumentError> {
    let mut all = All {
        rest: Cursor::new(elements, 0, binary),
        index: 0,
        until: 0,
    };
    if *from > 0 {
        all.skip(*from);
    }
    // Changed in its place, here and below: a result is as large as the type, and each step of the way
    // that takes it apart and puts it together again copies it.
    let mut read = T::deserialize(&mut all);
    if let Err(error) = &mut read {
        error.index = all.index.saturating_sub(1);
    }
    *from = all.index.max(all.until);
    read
}

/// Each of the arguments as the same type.
pub(super) fn all<T: DeserializeOwned>(
    elements: &str,
    count: usize,
    binary: Option<&Binary>,
) -> Result<Vec<T>, ArgumentError> {
    let mut all = All {
        rest: Cursor::new(elements, 0, binary),
        index: 0,
        until: 0,
    };
    (0..count).map(|_| all.next(PhantomData::<T>)).collect()
}

/// All arguments: a tuple takes several, everything else the first.
struct All<'a> {
    rest: Cursor<'a>,
    /// How many arguments have been asked for.
    index: usize,
    /// How many are taken by the tuple that is being read.
    until: usize,
}

impl<'a> All<'a> {
    /// Passes over the first so many arguments.
    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            // What cannot be read as anything can be passed over: it was checked when it arrived.
            let _ = self.next(PhantomData::<de::IgnoredAny>);
        }
    }

    fn next<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, ArgumentError> {
        let index = self.index;
        self.index = index.saturating_add(1);
        self.read(seed).map_err(|why| ArgumentError { index, why })
    }

    fn read<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        self.rest.next();
        self.rest.pass(',');
        if self.rest.next().is_none() {
            return seed.deserialize(&mut Cursor::new("null", 0, None));
        }
        let left = self.rest.rest.len();
        let mut value = seed.deserialize(&mut self.rest);
        // A type that looks at nothing has read nothing. Every other one has read all of its value,
        // since containers insist on their closing bracket.
        if self.rest.rest.len() == left
            && value.is_ok()
            && let Err(why) = self.rest.take()
        {
            value = Err(why);
        }
        value
    }
}

struct First<'b, 'a>(&'b mut All<'a>);

macro_rules! first_argument {
    ($($method:ident($($name:ident: $kind:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, ArgumentError> {
            struct Seed<V>(V, ($($kind,)*));
            impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Seed<V> {
                type Value = V::Value;
                fn deserialize<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
                    let Seed(visitor, ($($name,)*)) = self;
                    inner.$method($($name,)* visitor)
                }
            }
            self.next(Seed(visitor, ($($name,)*)))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut All<'de> {
    type Error = ArgumentError;

    first_argument! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        self.until = self.index.saturating_add(length);
        visitor.visit_seq(First(self))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        self.until = self.index.saturating_add(length);
        visitor.visit_seq(First(self))
    }
}

impl<'de> de::SeqAccess<'de> for First<'_, 'de> {
    type Error = ArgumentError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ArgumentError> {
        if self.0.index >= self.0.until {
            return Ok(None);
        }
        self.0.next(seed).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use bytes::Bytes;
    use serde::Deserialize;

    use super::super::Args;
    use super::*;

    fn args(elements: &str, attachments: Vec<Bytes>) -> Args {
        Args::from_json(elements, attachments).unwrap()
    }

    fn why<T: de::DeserializeOwned + fmt::Debug>(args: &Args) -> String {
        args.decode::<T>().unwrap_err().to_string()
    }

    #[test]
    fn an_attachment_that_a_vec_refuses_names_the_type_that_takes_it() {
        // faults: A7
        #[derive(Debug, Deserialize)]
        struct Picture {
            #[allow(dead_code, reason = "never made")]
            data: Vec<u8>,
        }
        let bytes = || vec![Bytes::from_static(&[1, 2])];
        let bare = args(r#"[{"_placeholder":true,"num":0}]"#, bytes());
        let inside = args(r#"[{"data":{"_placeholder":true,"num":0}}]"#, bytes());
        for text in [why::<Vec<u8>>(&bare), why::<Picture>(&inside)] {
            assert!(text.contains("`Bytes`"), "{text}");
            assert!(text.contains("serde_bytes"), "{text}");
        }
        assert_eq!(bare.decode::<Bytes>().unwrap(), bytes()[0]);
    }

    #[test]
    fn what_a_client_sent_is_not_in_the_words() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "lowercase", deny_unknown_fields)]
        enum Choice {
            Yes,
            No,
        }
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Closed {}
        let secret = args(r#"["secret",{"secret":1},4711.5,4711]"#, Vec::new());
        let texts = [
            (why::<u8>(&secret), "invalid type: string, expected u8"),
            (
                why::<Choice>(&secret),
                "unknown variant, expected one of `yes`, `no`",
            ),
            (
                why::<(char,)>(&secret),
                "invalid value: string, expected a character",
            ),
            (
                why::<(String, Closed)>(&secret),
                "unknown field, expected one of",
            ),
            (
                why::<(String, Anything, u8)>(&secret),
                "a number that is not whole, or out of range",
            ),
            (
                why::<(String, Anything, f64, u8)>(&secret),
                "invalid value: integer, expected u8",
            ),
        ];
        for (text, expected) in texts {
            assert!(text.contains(expected), "{text}");
            assert!(!text.contains("secret") && !text.contains("4711"), "{text}");
        }
        let (yes, no): (Choice, Choice) = args(r#"["yes","no"]"#, Vec::new()).decode().unwrap();
        assert!(matches!((yes, no), (Choice::Yes, Choice::No)));
    }

    /// Whatever there is.
    type Anything = de::IgnoredAny;

    #[test]
    fn a_tuple_of_any_name_takes_several_and_a_type_without_content_none() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Unit;

        #[derive(Debug, PartialEq, Deserialize)]
        struct Pair(u8, String);

        let said = args(r#"[7,"x",true]"#, Vec::new());
        assert_eq!(said.decode::<Pair>().unwrap(), Pair(7, "x".to_owned()));
        let mut taken = 0;
        let mut from = |count| {
            (
                count,
                arguments_from::<Unit>(said.elements(), None, &mut taken),
            )
        };
        assert_eq!(from(0), (0, Ok(Unit)));
        let mut taken = 0;
        let pair = arguments_from::<Pair>(said.elements(), None, &mut taken);
        assert_eq!((pair, taken), (Ok(Pair(7, "x".to_owned())), 2));
        let unit = arguments_from::<Unit>(said.elements(), None, &mut taken);
        assert_eq!((unit, taken), (Ok(Unit), 2));
        let flag = arguments_from::<bool>(said.elements(), None, &mut taken);
        assert_eq!((flag, taken), (Ok(true), 3));
        // Whoever takes anything looks at nothing.
        said.decode::<de::IgnoredAny>().unwrap();
        let why = args(r#"["x","y"]"#, Vec::new()).decode::<Pair>();
        assert_eq!(why.unwrap_err().index, 0);
    }

    #[test]
    fn what_a_type_does_not_look_at_is_passed_over() {
        struct Blind;

        impl<'de> Deserialize<'de> for Blind {
            fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Ok(Self)
            }
        }

        let said = args(r#"[{"a":[1,"]"]},7]"#, Vec::new());
        let (Blind, seven) = said.decode::<(Blind, u8)>().unwrap();
        assert_eq!(seven, 7);
    }

    #[test]
    fn a_tuple_takes_no_more_than_its_length() {
        /// Asks until there are no more.
        struct Two(Vec<u8>);

        impl<'de> Deserialize<'de> for Two {
            fn deserialize<D: Deserializer<'de>>(inner: D) -> Result<Self, D::Error> {
                struct Greedy;
                impl<'de> Visitor<'de> for Greedy {
                    type Value = Two;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("numbers")
                    }
                    fn visit_seq<A: de::SeqAccess<'de>>(self, mut all: A) -> Result<Two, A::Error> {
                        let mut two = Vec::new();
                        while let Some(number) = all.next_element()? {
                            two.push(number);
                        }
                        Ok(Two(two))
                    }
                }
                inner.deserialize_tuple(2, Greedy)
            }
        }

        let said = args("[1,2,3]", Vec::new());
        assert_eq!(said.decode::<Two>().unwrap().0, [1, 2]);
        let mut taken = 0;
        let two = arguments_from::<Two>(said.elements(), None, &mut taken);
        assert_eq!((two.unwrap().0, taken), (vec![1, 2], 2));
    }
}
