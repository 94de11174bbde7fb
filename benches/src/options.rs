//! Command lines of `--name value` pairs.

use std::str::FromStr;

/// The pairs that were given and not asked for yet, and what follows `--`.
#[derive(Debug)]
pub struct Options {
    pairs: Vec<(String, String)>,
    command: Vec<String>,
}

impl Options {
    /// Those of this process.
    pub fn from_env() -> Result<Self, String> {
        Self::parse(std::env::args().skip(1))
    }

    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut pairs = Vec::new();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            let Some(name) = word.strip_prefix("--") else {
                return Err(format!("expected --name, got {word}"));
            };
            let Some(value) = words.next() else {
                return Err(format!("--{name} needs a value"));
            };
            pairs.push((name.to_owned(), value));
        }
        Ok(Self {
            pairs,
            command: words.collect(),
        })
    }

    /// Takes the value of `--name`.
    pub fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        let Some(index) = self.pairs.iter().position(|(given, _)| given == name) else {
            return Ok(None);
        };
        let (_, value) = self.pairs.remove(index);
        match value.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("--{name} cannot be {value}")),
        }
    }

    /// The words after `--`, once all options were taken.
    pub fn command(self) -> Result<Vec<String>, String> {
        match self.pairs.first() {
            Some((name, _)) => Err(format!("there is no option --{name}")),
            None => Ok(self.command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        Options::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn options_are_taken_by_name_and_the_rest_is_the_command() {
        let mut options = options("--rounds 5 --seconds 2.5 -- node --flag x").unwrap();
        assert_eq!(options.take("seconds"), Ok(Some(2.5)));
        assert_eq!(options.take::<u32>("warmup"), Ok(None));
        assert_eq!(options.take("rounds"), Ok(Some(5)));
        assert_eq!(options.command().unwrap(), ["node", "--flag", "x"]);
    }

    #[test]
    fn what_nobody_asked_for_is_an_error() {
        assert!(options("rounds").is_err());
        assert!(options("--rounds").is_err());
        assert!(options("--rounds 5").unwrap().command().is_err());
        assert!(
            options("--rounds x")
                .unwrap()
                .take::<u32>("rounds")
                .is_err()
        );
    }
}
