//! The words in which a type refuses an argument. What a client sent is not among them: they come to
//! logs, and to people who look over a server's output.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::args::{ArgumentError, Mismatch};

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string().into())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = kind(found);
        match found {
            Unexpected::Bytes(_) => Self::custom(format_args!(
                "invalid type: {kind}, expected {expected}; an attachment is taken as `Bytes`, or as \
                 `#[serde(with = \"serde_bytes\")]` does, not as `Vec<u8>`"
            )),
            Unexpected::Bool(_)
            | Unexpected::Unsigned(_)
            | Unexpected::Signed(_)
            | Unexpected::Float(_)
            | Unexpected::Char(_)
            | Unexpected::Str(_)
            | Unexpected::Unit
            | Unexpected::Option
            | Unexpected::NewtypeStruct
            | Unexpected::Seq
            | Unexpected::Map
            | Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant
            | Unexpected::Other(_) => {
                Self::custom(format_args!("invalid type: {kind}, expected {expected}"))
            }
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = kind(found);
        Self::custom(format_args!("invalid value: {kind}, expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!(
            "unknown variant, expected {}",
            OneOf(expected)
        ))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("unknown field, expected {}", OneOf(expected)))
    }
}

/// Of the first argument, until it is known of which.
impl de::Error for ArgumentError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        first(Mismatch::custom(message))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        first(Mismatch::invalid_type(found, expected))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        first(Mismatch::invalid_value(found, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        first(Mismatch::unknown_variant(variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        first(Mismatch::unknown_field(field, expected))
    }
}

fn first(why: Mismatch) -> ArgumentError {
    ArgumentError { index: 0, why }
}

/// What was found, without its value.
fn kind(found: Unexpected<'_>) -> &str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "number with a fraction",
        Unexpected::Char(_) => "character",
        Unexpected::Str(_) => "string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit => "null or nothing",
        Unexpected::Option => "option",
        Unexpected::NewtypeStruct => "newtype struct",
        Unexpected::Seq => "array",
        Unexpected::Map => "object",
        Unexpected::Enum => "enum",
        Unexpected::UnitVariant => "unit variant",
        Unexpected::NewtypeVariant => "newtype variant",
        Unexpected::TupleVariant => "tuple variant",
        Unexpected::StructVariant => "struct variant",
        Unexpected::Other(what) => what,
    }
}

struct OneOf(&'static [&'static str]);

impl fmt::Display for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of")?;
        for (at, name) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma} `{name}`")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
