//! What can be wrong: with a text, with what a type makes of it, with what is to be written.

use std::fmt::{self, Display};

use serde::ser;

/// Why a text is not acceptable JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON at this byte offset.
    Syntax(usize),
    /// Nested deeper than allowed.
    TooDeep,
}

/// Why the placeholders of a text cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlaceholderError {
    /// One of them names no attachment.
    Missing,
    /// The text is not JSON.
    Syntax,
}

/// Why an argument is not what was asked for, in the words of serde and of the type that refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(pub(super) Box<str>);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}

/// Why a value was not written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// It is not of the kind that is wanted here: nothing was written.
    Other,
    /// Its own serialisation failed.
    Refused(Box<str>),
}

impl Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "not of that kind",
            Self::Refused(why) => why,
        })
    }
}

impl std::error::Error for Unwritten {}

impl ser::Error for Unwritten {
    fn custom<T: Display>(message: T) -> Self {
        Self::Refused(message.to_string().into())
    }
}

/// Unwrittens at all of these.
macro_rules! not_written {
    ($($method:ident($($kind:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $kind),*) -> Result<$ok, Unwritten> {
            Err(Unwritten::Other)
        }
    )*};
}

pub(crate) use not_written;
