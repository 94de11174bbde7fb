//! The text of a value, as it is.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use super::error::JsonError;
use super::scan;

/// Asked for by this name, a value comes as its JSON text.
pub(super) const RAW: &str = "$sio::Raw";

/// The text of one JSON value, passed on as it is.
///
/// Taken from an argument that holds attachments, it keeps their placeholders but not their bytes:
/// pass [`Args`](crate::packet::Args) on to keep both.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw(Box<str>);

impl Raw {
    /// JSON text, checked.
    ///
    /// # Errors
    /// It is not one JSON value, or nests deeper than [`DEEPEST`](super::DEEPEST).
    pub fn new(json: impl Into<String>) -> Result<Self, JsonError> {
        let json = json.into();
        scan::check(json.as_bytes(), scan::DEEPEST)?;
        Ok(Self(json.into()))
    }

    /// Text that was checked.
    pub(super) const fn checked(json: Box<str>) -> Self {
        Self(json)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the arguments of a packet")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw(text.into()))
            }
        }
        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Args;

    #[test]
    fn a_raw_value_is_shown_as_it_stands_and_is_not_read_out_of_anything_else() {
        let raw = Raw::new(r#"{"a": [1 ,2]}"#).unwrap();
        assert_eq!(format!("{raw:?}"), raw.as_str());
        let args = Args::from_json(r#"[{"a": [1 ,2]}]"#, Vec::new()).unwrap();
        assert_eq!(args.get::<Raw>(0).unwrap().as_str(), raw.as_str());
        let why = serde_json::from_str::<Raw>("7").unwrap_err().to_string();
        assert!(why.contains("expected the arguments of a packet"), "{why}");
    }
}
