//! Places in a stream.

use std::fmt;
use std::str::FromStr;

/// The id of a stream's entry: `1795901440063-0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// Milliseconds by the broker's clock.
    pub millis: u64,
    /// Which one of that millisecond.
    pub sequence: u64,
}

impl EntryId {
    /// Before all entries.
    pub const FIRST: Self = Self {
        millis: 0,
        sequence: 0,
    };

    /// The id that comes after this, for reading on behind it.
    pub const fn next(self) -> Self {
        match (self.sequence.checked_add(1), self.millis.checked_add(1)) {
            (Some(sequence), _) => Self {
                millis: self.millis,
                sequence,
            },
            (None, Some(millis)) => Self {
                millis,
                sequence: 0,
            },
            (None, None) => self,
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

/// Not the id of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoEntryId;

impl fmt::Display for NoEntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a stream's entry")
    }
}

impl std::error::Error for NoEntryId {}

impl FromStr for EntryId {
    type Err = NoEntryId;

    /// Two numbers in digits alone, as a client must give them.
    fn from_str(text: &str) -> Result<Self, NoEntryId> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let (millis, sequence) = text.split_once('-').ok_or(NoEntryId)?;
        Ok(Self {
            millis: number(millis).ok_or(NoEntryId)?,
            sequence: number(sequence).ok_or(NoEntryId)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_two_numbers_in_order() {
        let id: EntryId = "1795901440063-7".parse().unwrap();
        assert_eq!(id.to_string(), "1795901440063-7");
        assert_eq!(id.next().to_string(), "1795901440063-8");
        assert!(id < "1795901440064-0".parse().unwrap());
        let last = EntryId {
            millis: 3,
            sequence: u64::MAX,
        };
        assert_eq!(last.next().to_string(), "4-0");
        for other in [
            "",
            "1",
            "-",
            "1-",
            "-1",
            "+1-1",
            "1-1-1",
            "1-1 ",
            "99999999999999999999-0",
        ] {
            assert_eq!(other.parse::<EntryId>(), Err(NoEntryId), "{other}");
        }
    }
}
