//! What was drawn in a run, as it is written down and kept.

use std::fmt;
use std::str::FromStr;

/// The draws of a run, to be written and read: numbers with spaces between them, `0*17` for seventeen times 0.
/// What stands behind a `#` is for people.
///
/// ```
/// use sio_sim::choices::List;
///
/// let list: List = "3 0*2 7 # it is cut while it upgrades".parse().unwrap();
/// assert_eq!(list.0, [3, 0, 0, 7]);
/// assert_eq!(list.to_string(), "3 0*2 7");
/// assert_eq!(list.choices(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<u64>);

/// Why a text is no [`List`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// What is neither a number nor a number of zeros.
    pub word: String,
}

impl List {
    /// How many draws were not 0: where something was chosen.
    pub fn choices(&self) -> usize {
        self.0.iter().filter(|drawn| **drawn != 0).count()
    }
}

impl From<&[u64]> for List {
    fn from(list: &[u64]) -> Self {
        Self(list.to_vec())
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for run in self.0.chunk_by(|a, b| (*a, *b) == (0, 0)) {
            f.write_str(between)?;
            match run {
                [drawn] => write!(f, "{drawn}")?,
                zeros => write!(f, "0*{}", zeros.len())?,
            }
            between = " ";
        }
        Ok(())
    }
}

impl FromStr for List {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let lines = text.lines().map(|line| line.split('#').next());
        let mut list = Vec::new();
        for word in lines.flatten().flat_map(str::split_whitespace) {
            let wrong = || ListError {
                word: word.to_owned(),
            };
            match word.strip_prefix("0*") {
                Some(times) => {
                    let times: u32 = times.parse().map_err(|_| wrong())?;
                    list.extend((0..times).map(|_| 0));
                }
                None => list.push(word.parse().map_err(|_| wrong())?),
            }
        }
        Ok(Self(list))
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is nothing that was drawn", self.word)
    }
}

impl std::error::Error for ListError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for list in [
            vec![],
            vec![0],
            vec![0, 0, 1, 0, u64::MAX, 0, 0, 0],
            vec![5, 5],
        ] {
            let list = List(list);
            assert_eq!(list.to_string().parse(), Ok(list));
        }
    }

    #[test]
    fn what_is_no_draw_is_named() {
        for word in ["x", "-1", "0*", "1*2", "18446744073709551616"] {
            let wrong = format!("1 {word} 2").parse::<List>();
            assert_eq!(wrong.map_err(|it| it.word), Err(word.to_owned()));
        }
        assert_eq!("# x\n1 # y\n 2".parse(), Ok(List(vec![1, 2])));
    }
}
