//! What can be wrong with a packet: the peer's fault, or the caller's.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::json::{JsonError, Mismatch, PlaceholderError};

/// Why a frame is not acceptable. The connection is closed for it (§15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The first character is no packet type.
    Kind,
    /// The number of attachments is missing, zero, or not made of digits alone.
    Attachments,
    /// More attachments, or more bytes in them, than allowed.
    TooManyAttachments,
    /// The namespace's name is longer than allowed.
    Namespace,
    /// An ack id of more than 16 digits, or above 2⁵³−1.
    AckId,
    /// The payload is not JSON, or not what this type of packet carries.
    Payload,
    /// The payload nests deeper than allowed.
    Depth,
    /// More arguments than allowed.
    Arguments,
    /// The event's name is longer than allowed.
    Name,
    /// An event name that the protocol keeps for itself.
    Reserved,
    /// A text frame while attachments were expected.
    UnexpectedText,
    /// A binary frame while none was expected.
    UnexpectedBinary,
    /// A placeholder that names no attachment.
    Placeholder,
    /// The application's parser has panicked.
    Panicked,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kind => "unknown packet type",
            Self::Attachments => "illegal number of attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::Namespace => "namespace too long",
            Self::AckId => "ack id too large",
            Self::Payload => "invalid payload",
            Self::Depth => "payload nested too deeply",
            Self::Arguments => "too many arguments",
            Self::Name => "event name too long",
            Self::Reserved => "reserved event name",
            Self::UnexpectedText => "text frame while attachments were expected",
            Self::UnexpectedBinary => "binary frame without a packet that announced it",
            Self::Placeholder => "placeholder without attachment",
            Self::Panicked => "the parser has panicked",
        })
    }
}

impl std::error::Error for Fault {}

impl From<JsonError> for Fault {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Syntax(_) => Self::Payload,
            JsonError::TooDeep => Self::Depth,
        }
    }
}

impl From<PlaceholderError> for Fault {
    fn from(error: PlaceholderError) -> Self {
        match error {
            PlaceholderError::Missing => Self::Placeholder,
            PlaceholderError::Syntax => Self::Payload,
        }
    }
}

/// Why something cannot be emitted. The caller's mistake: nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeError {
    /// The event's name is one that clients keep for themselves (§17).
    Reserved(Box<str>),
    /// The arguments cannot be written; in the words of the type that refused, or of the parser.
    Refused(Box<str>),
    /// There are bytes among the arguments, and data that would be taken for some of them: an object with
    /// `"_placeholder":true` (§15). Node sends it, and whoever gets it sees bytes in its place.
    Placeholder,
    /// The application's parser has panicked.
    Panicked,
}

impl EncodeError {
    /// What cannot be written, and why.
    pub fn refused(why: impl fmt::Display) -> Self {
        Self::Refused(why.to_string().into())
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserved(name) => write!(f, "{name:?} is a reserved event name"),
            Self::Refused(why) => write!(f, "arguments cannot be written: {why}"),
            Self::Placeholder => {
                f.write_str("an object with \"_placeholder\":true cannot travel beside bytes")
            }
            Self::Panicked => f.write_str("the parser has panicked"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// Arguments that are not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// Which argument, counted from 0.
    pub index: usize,
    /// Why not.
    pub why: Mismatch,
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "argument {}: {}", self.index, self.why)
    }
}

impl std::error::Error for ArgumentError {}

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_fault_has_words_of_its_own() {
        let all = [
            Fault::Kind,
            Fault::Attachments,
            Fault::TooManyAttachments,
            Fault::Namespace,
            Fault::AckId,
            Fault::Payload,
            Fault::Depth,
            Fault::Arguments,
            Fault::Name,
            Fault::Reserved,
            Fault::UnexpectedText,
            Fault::UnexpectedBinary,
            Fault::Placeholder,
            Fault::Panicked,
        ];
        let words: BTreeSet<_> = all.iter().map(Fault::to_string).collect();
        assert_eq!(words.len(), all.len());
    }

    #[test]
    fn what_cannot_be_emitted_is_named() {
        let refused = EncodeError::refused("a map without names");
        assert!(refused.to_string().ends_with("a map without names"));
        let reserved = EncodeError::Reserved("connect".into());
        assert_eq!(reserved.to_string(), "\"connect\" is a reserved event name");
        let beside = EncodeError::Placeholder.to_string();
        assert!(beside.contains("_placeholder"), "{beside}");
        assert_ne!(beside, EncodeError::Panicked.to_string());
    }

    /// By a type of the application's own that takes several arguments.
    #[test]
    fn a_type_that_takes_several_says_why_in_words_that_hold_nothing_of_them() {
        #[derive(Debug)]
        struct Both;

        impl<'de> de::Deserialize<'de> for Both {
            fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let (kind, text) = <(u8, String)>::deserialize(deserializer)?;
                let found = Unexpected::Str(&text);
                Err(match kind {
                    0 => de::Error::custom("not today"),
                    1 => de::Error::invalid_type(found, &"a time"),
                    2 => de::Error::invalid_value(found, &"a time"),
                    3 => de::Error::unknown_variant(&text, &["open"]),
                    _ => de::Error::unknown_field(&text, &["name", "age"]),
                })
            }
        }

        for (kind, words) in [
            (0, "not today"),
            (1, "invalid type: string, expected a time"),
            (2, "invalid value: string, expected a time"),
            (3, "unknown variant, expected one of `open`"),
            (4, "unknown field, expected one of `name`, `age`"),
        ] {
            let text = format!(r#"[{kind},"secret"]"#);
            let args = crate::packet::Args::from_json(&text, Vec::new()).unwrap();
            let why = args.decode::<Both>().unwrap_err();
            assert_eq!(why.to_string(), format!("argument 1: {words}"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_text_is_wrong_with_its_packet() {
        assert_eq!(Fault::from(JsonError::TooDeep), Fault::Depth);
        assert_eq!(Fault::from(JsonError::Syntax(3)), Fault::Payload);
        assert_eq!(Fault::from(PlaceholderError::Missing), Fault::Placeholder);
        assert_eq!(Fault::from(PlaceholderError::Syntax), Fault::Payload);
    }
}
