//! Places in what all nodes of a cluster read.

use std::fmt;
use std::str::FromStr;

/// A place in the stream that the nodes of a cluster read, the id of its entry: `1795901440063-0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Milliseconds by the broker's clock.
    pub millis: u64,
    /// Which one of that millisecond.
    pub sequence: u64,
}

impl Place {
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

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.sequence)
    }
}

/// Not a place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPlace;

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a stream's entry")
    }
}

impl std::error::Error for NoPlace {}

impl FromStr for Place {
    type Err = NoPlace;

    /// Two numbers in digits alone, as a client must give them.
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let (millis, sequence) = text.split_once('-').ok_or(NoPlace)?;
        Ok(Self {
            millis: number(millis).ok_or(NoPlace)?,
            sequence: number(sequence).ok_or(NoPlace)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_two_numbers_in_order() {
        let id: Place = "1795901440063-7".parse().unwrap();
        assert_eq!(id.to_string(), "1795901440063-7");
        assert_eq!(id.next().to_string(), "1795901440063-8");
        assert!(id < "1795901440064-0".parse().unwrap());
        let last = Place {
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
            assert_eq!(other.parse::<Place>(), Err(NoPlace), "{other}");
        }
    }

    #[test]
    fn behind_the_last_place_there_is_none() {
        let last = Place {
            millis: u64::MAX,
            sequence: u64::MAX,
        };
        assert_eq!(last.next(), last);
        assert_eq!(NoPlace.to_string(), "not the id of a stream's entry");
    }
}
