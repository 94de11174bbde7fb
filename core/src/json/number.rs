//! Numbers that survive.

use std::fmt;

use serde::ser::{Serialize, Serializer};

use super::decimal::Decimal;
use super::raw::Raw;

/// A number as JSON writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Number(Digits);

#[derive(Clone, Debug, PartialEq)]
enum Digits {
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    /// Finite.
    Float(f64),
    /// What none of the others holds.
    Text(Box<str>),
}

impl Number {
    /// A number from an `f64`, `None` if it is not finite.
    pub fn from_f64(number: f64) -> Option<Self> {
        number.is_finite().then_some(Self(Digits::Float(number)))
    }

    /// A number that no Rust number holds.
    pub(super) fn from_text(text: String) -> Self {
        Self(Digits::Text(text.into()))
    }

    /// Its value, if it is a whole number that fits, however it is written: `1.0` and `1e3` are.
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Digits::Unsigned(number) => Some(*number),
            Digits::Signed(_) => None,
            Digits::Float(_) | Digits::Text(_) => self.whole(),
        }
    }

    /// Its value, if it is a whole number that fits, however it is written.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Digits::Unsigned(number) => i64::try_from(*number).ok(),
            Digits::Signed(number) => Some(*number),
            Digits::Float(_) | Digits::Text(_) => self.whole(),
        }
    }

    /// Its value, by its digits.
    fn whole<N: std::str::FromStr>(&self) -> Option<N> {
        Decimal::read(&self.to_string())?.whole()?.parse().ok()
    }

    /// The nearest `f64`, `None` if it is beyond all of them.
    pub fn as_f64(&self) -> Option<f64> {
        self.to_string()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self(Digits::Unsigned(number))
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(u64::try_from(number).map_or(Digits::Signed(number), Digits::Unsigned))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Digits::Unsigned(number) => write!(f, "{number}"),
            Digits::Signed(number) => write!(f, "{number}"),
            Digits::Float(number) => {
                f.write_str(&serde_json::to_string(number).map_err(|_| fmt::Error)?)
            }
            Digits::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Digits::Unsigned(number) => serializer.serialize_u64(*number),
            Digits::Signed(number) => serializer.serialize_i64(*number),
            Digits::Float(number) => serializer.serialize_f64(*number),
            Digits::Text(text) => Raw::checked(text.clone()).serialize(serializer),
        }
    }
}
