//! Numbers as they are written: what survives a Rust number, and what is whole.

use serde::Serialize;

/// Whether a Rust number says what a number's text says: an integer of 64 bits, or an `f64` that is
/// written with the same digits.
pub(super) fn holds(text: &str) -> bool {
    // Up to 15 digits and a point every decimal comes back from an `f64` as it was.
    if text.len() <= 16 && !text.contains(['e', 'E']) {
        true
    } else if text.contains(['.', 'e', 'E']) {
        is_exact(text, text.parse::<f64>().unwrap_or(f64::INFINITY))
    } else {
        text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok()
    }
}

/// Whether `number` is the decimal that `text` writes: by its value, or when it is written as it leaves
/// here. Of two decimals that are equally short and equally near, everybody who writes takes the one he
/// likes: so this asks the one who will.
pub(super) fn is_exact(text: &str, number: impl Serialize + Into<f64> + Copy) -> bool {
    let value = number.into();
    let written = serde_json::to_string(&number).unwrap_or_default();
    value.is_finite()
        && (Decimal::read(text) == Decimal::read(&written) || format!("{value:.0}") == text)
}

/// A number's sign, its digits without zeros around them, and the power of ten of the last of them.
#[derive(PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None`: its exponent is beyond everything.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = all.len().saturating_sub(digits.len());
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() {
            0
        } else {
            exponent
                .checked_sub(i64::try_from(fraction.len()).ok()?)?
                .checked_add(i64::try_from(zeros).ok()?)?
        };
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }

    /// The same number as whole numbers are written, without point and exponent. `None`: it is not whole, or
    /// has more digits than any integer.
    pub(super) fn whole(&self) -> Option<String> {
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        let zeros = usize::try_from(self.exponent).ok()?;
        let length = self.digits.len().saturating_add(zeros);
        let sign = if self.negative { "-" } else { "" };
        (length <= MOST_DIGITS).then(|| format!("{sign}{}{}", self.digits, "0".repeat(zeros)))
    }
}

/// The digits of the largest `u128`.
const MOST_DIGITS: usize = 39;
