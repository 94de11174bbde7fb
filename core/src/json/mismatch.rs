//! The words in which a type refuses what it is given. What a client sent is not among them: they come to
//! logs, and to people who look over a server's output.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::error::Mismatch;

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
    use serde::de::Error;

    use super::*;

    #[test]
    fn what_was_found_is_named_and_not_shown() {
        for (found, name) in [
            (Unexpected::Bool(true), "boolean"),
            (Unexpected::Unsigned(4711), "integer"),
            (Unexpected::Signed(-4711), "integer"),
            (Unexpected::Float(4711.5), "number with a fraction"),
            (Unexpected::Char('s'), "character"),
            (Unexpected::Str("secret"), "string"),
            (Unexpected::Unit, "null or nothing"),
            (Unexpected::Option, "option"),
            (Unexpected::NewtypeStruct, "newtype struct"),
            (Unexpected::Seq, "array"),
            (Unexpected::Map, "object"),
            (Unexpected::Enum, "enum"),
            (Unexpected::UnitVariant, "unit variant"),
            (Unexpected::NewtypeVariant, "newtype variant"),
            (Unexpected::TupleVariant, "tuple variant"),
            (Unexpected::StructVariant, "struct variant"),
            (Unexpected::Other("shape"), "shape"),
        ] {
            let why = Mismatch::invalid_type(found, &"a time");
            assert_eq!(
                why.to_string(),
                format!("invalid type: {name}, expected a time")
            );
            let why = Mismatch::invalid_value(found, &"a time");
            assert_eq!(
                why.to_string(),
                format!("invalid value: {name}, expected a time")
            );
        }
    }
}
