//! What was drawn in a run, as it is written down and kept.

use std::fmt;
use std::str::FromStr;

/// The draws of a run, part by part, to be written and read: numbers with spaces between them, `0*17` for seventeen
/// times 0, and a `/` between two parts. What stands behind a `#` is for people.
///
/// ```
/// use sio_sim::choices::List;
///
/// let list: List = "3 0*2 7 / 1 # it is cut while it upgrades".parse().unwrap();
/// assert_eq!(list.0, [vec![3, 0, 0, 7], vec![1]]);
/// assert_eq!(list.to_string(), "3 0*2 7 / 1");
/// assert_eq!(list.choices(), 3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct List(pub Vec<Vec<u64>>);

/// Why a text is no [`List`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// What is neither a number nor a number of zeros.
    pub word: String,
}

impl List {
    /// How many draws were not 0: where something was chosen.
    pub fn choices(&self) -> usize {
        let all = self.0.iter().flatten();
        all.filter(|drawn| **drawn != 0).count()
    }

    /// How many draws there are.
    pub fn draws(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Leaves off what makes no difference: zeros at the end of parts, and parts at the end that are empty.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let kept = |draws: &[u64]| draws.iter().rposition(|drawn| *drawn != 0);
        for part in &mut self.0 {
            part.truncate(kept(part).map_or(0, |last| last + 1));
        }
        let last = self.0.iter().rposition(|part| !part.is_empty());
        self.0.truncate(last.map_or(0, |last| last + 1));
        self
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(if part.is_empty() { " /" } else { " / " })?;
            }
            for (at, run) in part.chunk_by(|a, b| (*a, *b) == (0, 0)).enumerate() {
                if at > 0 {
                    f.write_str(" ")?;
                }
                match run {
                    [drawn] => write!(f, "{drawn}")?,
                    zeros => write!(f, "0*{}", zeros.len())?,
                }
            }
        }
        Ok(())
    }
}

impl FromStr for List {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let lines = text.lines().map(|line| line.split('#').next());
        let mut part = Vec::new();
        let mut parts = Vec::new();
        for word in lines.flatten().flat_map(str::split_whitespace) {
            let wrong = || ListError {
                word: word.to_owned(),
            };
            match word.strip_prefix("0*") {
                Some(times) => {
                    let times: u16 = times.parse().map_err(|_| wrong())?;
                    part.extend((0..times).map(|_| 0));
                }
                None if word == "/" => parts.push(std::mem::take(&mut part)),
                None => part.push(word.parse().map_err(|_| wrong())?),
            }
        }
        parts.push(part);
        Ok(Self(parts))
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
            vec![vec![]],
            vec![vec![0]],
            vec![vec![0, 0, 1, 0, u64::MAX, 0, 0, 0]],
            vec![vec![5, 5], vec![], vec![], vec![0, 0], vec![]],
        ] {
            let list = List(list);
            assert_eq!(list.to_string().parse(), Ok(list));
        }
    }

    #[test]
    fn what_is_no_draw_is_named() {
        for word in ["x", "-1", "0*", "1*2", "1/2", "18446744073709551616"] {
            let wrong = format!("1 {word} 2").parse::<List>();
            assert_eq!(wrong.map_err(|it| it.word), Err(word.to_owned()));
        }
        assert_eq!("# x\n1 # y\n 2".parse(), Ok(List(vec![vec![1, 2]])));
    }

    #[test]
    fn what_makes_no_difference_is_left_off() {
        let list = List(vec![vec![0, 1, 0], vec![0], vec![2], vec![0], vec![]]);
        assert_eq!((list.draws(), list.choices()), (6, 2));
        assert_eq!(list.trimmed(), List(vec![vec![0, 1], vec![], vec![2]]));
    }
}
