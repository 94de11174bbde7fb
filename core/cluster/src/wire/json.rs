//! JSON: what its shape is, before anything of it is built.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::odd::Odd;

/// Text that is one JSON value of at most so many levels, and nothing else.
pub(crate) fn read(bytes: &[u8], levels: usize) -> Result<&RawValue, Odd> {
    let raw: &RawValue = serde_json::from_slice(bytes).map_err(|_| Odd::Syntax)?;
    if depth(raw.get()) > levels {
        return Err(Odd::TooDeep);
    }
    Ok(raw)
}

/// How deep JSON text nests.
fn depth(text: &str) -> usize {
    let (mut deepest, mut level) = (0_usize, 0_usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                level = level.saturating_add(1);
                deepest = deepest.max(level);
            }
            b']' | b'}' => level = level.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

/// The members of an object, or one more than allowed.
pub(crate) fn members(raw: &RawValue, most: usize) -> Result<Vec<(Cow<'_, str>, &RawValue)>, Odd> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let read = deserializer.deserialize_map(Members(most));
    read.map_err(|_| Odd::Syntax)
}

/// The elements of a list, or one more than allowed.
pub(crate) fn elements(raw: &RawValue, most: usize) -> Result<Vec<&RawValue>, Odd> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    let read = deserializer.deserialize_seq(Elements(most));
    read.map_err(|_| Odd::Syntax)
}

struct Members(usize);

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while members.len() <= self.0
            && let Some(Name(name)) = map.next_key()?
        {
            members.push((name, map.next_value()?));
        }
        while let Some((IgnoredAny, IgnoredAny)) = map.next_entry()? {}
        Ok(members)
    }
}

struct Elements(usize);

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() <= self.0
            && let Some(element) = seq.next_element()?
        {
            elements.push(element);
        }
        while let Some(IgnoredAny) = seq.next_element()? {}
        Ok(elements)
    }
}

/// Borrowed, unless something in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Text as JSON.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    // Memory takes all of it.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_as_json() {
        let all: String = (0..300).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        text(&mut out, &all);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
        out.clear();
        text(&mut out, "\n\u{b}\"");
        assert_eq!(out, br#""\n\u000b\"""#, "as JavaScript has it");
    }

    #[test]
    fn depth_does_not_count_what_stands_in_text() {
        assert_eq!(depth(r#"{"a[[\"[":[1,{}]}"#), 3);
        assert_eq!(depth("7"), 0);
        let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(read(deep.as_bytes(), 64).is_ok());
        assert_eq!(
            read(format!("[{deep}]").as_bytes(), 64).err(),
            Some(Odd::TooDeep)
        );
    }

    #[test]
    fn no_more_is_collected_than_allowed() {
        let raw = read(br#"{"a":1,"\u0062":[1,2]}"#, 9).unwrap();
        let found = members(raw, 2).unwrap();
        assert_eq!(found[1].0, "b");
        assert_eq!(members(raw, 0).unwrap().len(), 1);
        assert_eq!(elements(found[1].1, 2).unwrap().len(), 2);
        assert_eq!(elements(found[1].1, 0).unwrap().len(), 1);
        assert!(elements(raw, 9).is_err());
    }
}
