//! The arguments of an event or of an ack, as they arrived.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use serde::de::DeserializeOwned;
use smallvec::SmallVec;

use super::several;
use crate::json::{self, Binary, Value};
use crate::packet::{ArgumentError, Fault};

/// The arguments of an event or of an ack: checked JSON and the attachments that belong to it.
///
/// A slice of what was read, cheap to clone. Nothing is built before a type is asked for, and
/// arguments that are only passed on ([`event`](crate::packet::event), [`ack`](crate::packet::ack)) are copied as
/// they are, byte for byte.
#[derive(Clone, Default)]
pub struct Args {
    /// What the elements lie in, without their brackets: `1,{"a":2}`. A part by its place costs no
    /// count of references.
    text: ByteString,
    /// How many bytes of the text are before them, and how many behind.
    before: u32,
    behind: u32,
    count: usize,
    /// Shared, and apart, since most packets have none.
    pub(super) binary: Option<Arc<Binary>>,
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        self.elements() == other.elements() && self.binary == other.binary
    }
}

impl Hash for Args {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.elements().hash(state);
        self.binary.hash(state);
    }
}

/// Bytes that one value is taken to need: twice the size of a [`Value`], since a list grows by doubling.
const VALUE: usize = 64;

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.elements())?;
        if !self.attachments().is_empty() {
            write!(f, " + {} attachments", self.attachments().len())?;
        }
        Ok(())
    }
}

impl Args {
    /// Arguments from the text of a JSON array and the attachments that its placeholders name.
    ///
    /// # Errors
    /// The text is not a JSON array, nests deeper than [`DEEPEST`](crate::packet::DEEPEST), or names an
    /// attachment that is not there.
    pub fn from_json(array: &str, attachments: Vec<Bytes>) -> Result<Self, Fault> {
        let found = json::array(array.as_bytes(), json::DEEPEST).map_err(|_| Fault::Payload)?;
        let Some(first) = found.first else {
            return Ok(Self::default());
        };
        let elements = first.start..found.rest.end.max(first.end);
        let elements = array.get(elements).ok_or(Fault::Payload)?;
        let mut args = Self::checked(elements.into(), 0..elements.len(), found.count);
        if !attachments.is_empty() {
            args.attach(attachments.into(), usize::MAX)?;
        }
        Ok(args)
    }

    /// Elements that were checked, by their place in a text, and their number.
    #[inline]
    pub(in crate::packet) fn checked(
        text: ByteString,
        elements: Range<usize>,
        count: usize,
    ) -> Self {
        let behind = text.len().wrapping_sub(elements.end);
        match (u32::try_from(elements.start), u32::try_from(behind)) {
            (Ok(before), Ok(behind)) if !elements.is_empty() => Self {
                text,
                before,
                behind,
                count,
                binary: None,
            },
            _ => Self {
                // Nothing is not to hold on to a read buffer.
                text: text.get(elements).unwrap_or_default().into(),
                count,
                ..Self::default()
            },
        }
    }

    /// Where in the elements an object stands for an attachment, and for which; in order.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &(usize, usize)> {
        let binary = self.binary.as_ref();
        binary.into_iter().flat_map(|it| &it.placeholders)
    }

    /// Adds the attachments that the placeholders name. One may be named often, and is copied as
    /// often when a type is asked for: together that may be `limit` bytes.
    pub(in crate::packet) fn attach(
        &mut self,
        attachments: SmallVec<[Bytes; 1]>,
        limit: usize,
    ) -> Result<(), Fault> {
        let placeholders = json::placeholders(self.elements().as_bytes(), attachments.len())?;
        let copied = placeholders
            .iter()
            .filter_map(|(_, num)| attachments.get(*num))
            .fold(0usize, |sum, part| sum.saturating_add(part.len()));
        if copied > limit {
            return Err(Fault::TooManyAttachments);
        }
        // Of no arguments none is named: they are the same as if it had not come.
        if self.is_empty() {
            return Ok(());
        }
        self.binary = Some(Arc::new(Binary {
            attachments,
            placeholders,
        }));
        Ok(())
    }

    /// Adds attachments whose places are known.
    pub(in crate::packet) fn place(&mut self, binary: Binary) {
        self.binary = Some(Arc::new(binary));
    }

    /// How many arguments there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The attachments, in the order in which they arrived.
    pub fn attachments(&self) -> &[Bytes] {
        self.binary
            .as_ref()
            .map_or(&[], |binary| &binary.attachments)
    }

    /// The JSON text of all arguments, separated by commas, without brackets: `1,{"a":2}`.
    pub fn elements(&self) -> &str {
        let end = self.text.len().saturating_sub(self.behind as usize);
        self.text.get(self.before as usize..end).unwrap_or_default()
    }

    /// Bytes that these arguments hold on to.
    pub fn size(&self) -> usize {
        let around = (self.before as usize).saturating_add(self.behind as usize);
        let elements = self.text.len().saturating_sub(around);
        self.attachments()
            .iter()
            .fold(elements, |sum, part| sum.saturating_add(part.len()))
    }

    /// About as many bytes as these arguments take as values of a type, [`Value`] or another: each of them
    /// with its room in a list or an object, and what it holds beside that.
    pub fn value_size(&self) -> usize {
        let separates = |byte: &&u8| matches!(**byte, b',' | b':' | b'[' | b'{');
        let values = self.elements().as_bytes().iter().filter(separates).count();
        self.size().saturating_add(values.saturating_mul(VALUE))
    }

    /// The JSON text of one argument.
    pub fn raw(&self, index: usize) -> Option<&str> {
        self.elements().get(json::element(self.elements(), index)?)
    }

    /// The arguments as the type that is asked for.
    ///
    /// A tuple (or an array of fixed length) takes one argument for each of its members: those that
    /// are missing count as `null`, those beyond it are ignored. `()` takes none. Every other type is
    /// the first argument. [`Bytes`] and [`Value::Binary`] take attachments, wherever in a structure
    /// they stand; they are copied, so that what is kept does not hold on to a read buffer.
    ///
    /// # Errors
    /// Which argument is not of its type, and why.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ArgumentError> {
        several::arguments(self.elements(), self.binary.as_deref())
    }

    /// One argument as the type that is asked for. One that is missing counts as `null`.
    ///
    /// # Errors
    /// Why the argument is not of that type.
    pub fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, ArgumentError> {
        let value = match json::element(self.elements(), index) {
            Some(place) => json::read(self.elements(), place.start, self.binary.as_deref()),
            None => json::read("null", 0, None),
        };
        value.map_err(|why| ArgumentError { index, why })
    }

    /// The arguments behind the first `count`, with the same attachments.
    #[must_use]
    pub fn behind(&self, count: usize) -> Self {
        if count == 0 {
            return self.clone();
        }
        let elements = self.elements();
        let left = self.count.saturating_sub(count);
        let Some(first) = (left > 0).then(|| json::element(elements, count)).flatten() else {
            return Self::default();
        };
        let start = first.start;
        let mut rest = self.clone();
        rest.count = left;
        rest.before =
            u32::try_from(start).map_or(u32::MAX, |start| rest.before.saturating_add(start));
        rest.binary = self.binary.as_ref().map(|binary| {
            let behind = binary.placeholders.iter().filter(|(at, _)| *at >= start);
            Arc::new(Binary {
                attachments: binary.attachments.clone(),
                placeholders: behind
                    .map(|(at, num)| (at.saturating_sub(start), *num))
                    .collect(),
            })
        });
        rest
    }

    /// All arguments as dynamic values.
    ///
    /// # Errors
    /// A string with half a surrogate pair, which no Rust string can hold.
    pub fn values(&self) -> Result<Vec<Value>, ArgumentError> {
        several::all(self.elements(), self.count, self.binary.as_deref())
    }

    /// The same arguments without their hold on what they were read from: copied, for keeping.
    #[must_use]
    pub fn detached(&self) -> Self {
        let copied = |binary: &Arc<Binary>| {
            let copy = |part: &Bytes| Bytes::copy_from_slice(part);
            Arc::new(Binary {
                attachments: binary.attachments.iter().map(copy).collect(),
                placeholders: binary.placeholders.clone(),
            })
        };
        Self {
            text: self.elements().into(),
            before: 0,
            behind: 0,
            count: self.count,
            binary: self.binary.as_ref().map(copied),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packet::FromArgs;

    /// What a tuple takes at once, its members take in turn.
    fn in_turn(args: &Args) -> Result<(Value, (Value, Value), Args), ArgumentError> {
        let mut taken = 0;
        let one = Value::take(args, &mut taken)?;
        let () = FromArgs::take(args, &mut taken)?;
        let two = FromArgs::take(args, &mut taken)?;
        assert_eq!(taken, 3);
        Ok((one, two, Args::take(args, &mut taken)?))
    }

    proptest! {
        #[test]
        fn arguments_are_taken_in_turn(count in 0..6_usize, sizes in prop::collection::vec(0..3_usize, 6)) {
            // faults: A4
            let attachments = sizes.iter().map(|size| Bytes::from(vec![7; *size]));
            let all: Vec<Value> = attachments.map(Value::Binary).take(count).collect();
            let args = all.iter().enumerate().map(|(num, _)| {
                format!(r#" {{"_placeholder":true,"num":{num}}} "#)
            });
            let text = format!("[{}]", args.collect::<Vec<_>>().join(","));
            let attachments = all.iter().filter_map(|it| it.as_binary().cloned()).collect();
            let args = Args::from_json(&text, attachments).unwrap();
            let (one, (two, three), rest) = in_turn(&args).unwrap();
            let mut values = vec![one, two, three];
            values.truncate(count);
            values.extend(rest.values().unwrap());
            prop_assert_eq!(values, all);
            prop_assert_eq!(rest.len(), count.saturating_sub(3));
        }
    }

    #[test]
    fn no_arguments_hold_no_attachments() {
        let blob = Bytes::from_static(b"xyz");
        let none = Args::from_json("[]", vec![blob.clone()]).unwrap();
        assert_eq!(none, Args::default());
        let mut none = Args::default();
        none.attach([blob].into_iter().collect(), usize::MAX)
            .unwrap();
        assert_eq!(none, Args::default());
    }

    #[test]
    fn arguments_know_what_they_hold() {
        let blob = Bytes::from_static(b"xyz");
        let text = r#"[{"a":[1,{"_placeholder":true,"num":0}]},"x"]"#;
        let args = Args::from_json(text, vec![blob.clone()]).unwrap();
        assert_eq!(args.size(), text.len() - 2 + 3);
        // As many as there are commas, colons and brackets that open.
        let separators = text.matches([',', ':', '[', '{']).count() - 1;
        assert_eq!(args.value_size(), args.size() + 64 * separators);
        assert_eq!(Args::default().value_size(), 0);
        assert_eq!(args.behind(0), args);
        assert_eq!(args.get::<Option<u8>>(2).unwrap(), None);
        assert_eq!(args.get::<u8>(2).unwrap_err().index, 2);
        assert_eq!(format!("{args:?}"), format!("{text} + 1 attachments"));
        assert_eq!(Args::from_args(&args).unwrap(), args);
        assert_eq!(<(Value, String)>::from_args(&args).unwrap().1, "x");
        let wrong = <(Value, u8)>::from_args(&args).unwrap_err();
        assert_eq!(wrong.index, 1);
    }

    #[test]
    fn a_type_of_the_applications_takes_what_is_left() {
        #[derive(Debug, PartialEq)]
        struct Count(usize);

        impl FromArgs for Count {
            fn from_args(args: &Args) -> Result<Self, ArgumentError> {
                args.decode::<(u8,)>().map(|_| Self(args.len()))
            }
        }

        let args = Args::from_json(r#"["x",2,3]"#, Vec::new()).unwrap();
        let mut taken = 1;
        assert_eq!(Count::take(&args, &mut taken), Ok(Count(2)));
        assert_eq!(taken, 3);
        let mut taken = 0;
        assert_eq!(Count::take(&args, &mut taken).unwrap_err().index, 0);
        let args = Args::from_json(r#"[1,2,"x"]"#, Vec::new()).unwrap();
        let mut taken = 2;
        assert_eq!(Count::take(&args, &mut taken).unwrap_err().index, 2);
        assert_eq!(taken, 3);
    }
}
