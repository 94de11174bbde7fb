//! The parsers that clients may ask for.

use super::{Config, ConfigError};
use crate::packet::Codec;

/// Parsers by the names that clients ask for them by, in the order in which they were given:
/// [`Config::parsers`].
#[derive(Clone, Debug, Default)]
pub struct Parsers(Vec<(String, Codec)>);

impl Parsers {
    /// How many there may be.
    pub const MOST: usize = 8;

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Codec> {
        let named = self.iter().find(|(its, _)| *its == name);
        named.map(|(_, parser)| parser)
    }

    /// All of them, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Codec)> {
        self.0.iter().map(|(name, parser)| (&**name, parser))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none: what clients ask for is not looked at then.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.len() > Self::MOST {
            return Err(ConfigError::OverLimit {
                option: "parsers",
                value: self.len(),
                most: Self::MOST,
            });
        }
        for (number, (name, _)) in self.0.iter().enumerate() {
            let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            let again = self.0.iter().take(number).any(|(other, _)| other == name);
            if name.is_empty() || name.len() > NAME || !name.bytes().all(sound) || again {
                return Err(ConfigError::ParserName(name.clone()));
            }
        }
        Ok(())
    }
}

/// Bytes of a name.
const NAME: usize = 64;

impl<N: Into<String>, P: Into<Codec>, const COUNT: usize> From<[(N, P); COUNT]> for Parsers {
    fn from(named: [(N, P); COUNT]) -> Self {
        let named = named.into_iter();
        Self(named.map(|(name, it)| (name.into(), it.into())).collect())
    }
}

impl Config {
    /// The parameter of the query by which a client asks for one of its [`parsers`](Self::parsers).
    pub const PARSER_KEY: &str = "parser";

    /// The parser of a client that asks for one by this name, or for none: [`parser`](Self::parser). `None`: nobody
    /// has a parser of this name, and its handshake is refused.
    pub fn parser_of(&self, asked: Option<&str>) -> Option<&Codec> {
        match asked {
            Some(name) if !self.parsers.is_empty() => self.parsers.get(name),
            Some(_) | None => Some(&self.parser),
        }
    }

    /// The parser that what is for many is written by: [`parser`](Self::parser), or the protocol's own way where that is
    /// one of the application's own beside others, since what such a one has written is not read again. Connections of
    /// others make their own form of it.
    pub fn common_parser(&self) -> &Codec {
        match self.parser.is_own() && !self.parsers.is_empty() {
            true => &Codec::BUILT_IN,
            false => &self.parser,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::parser::{Decoder, EncodeError, Fault, Limits, Message, Packet, Parser};

    struct Own;

    impl Parser for Own {
        fn encode(&self, _: &Packet) -> Result<Vec<Message>, EncodeError> {
            Ok(Vec::new())
        }

        fn decoder(&self) -> Box<dyn Decoder> {
            Box::new(|_: Message, _: &Limits| Err(Fault::Payload))
        }
    }

    fn named(count: usize) -> Config {
        let mut config = Config::v4();
        let names = (0..count).map(|n| (format!("p{n}"), Codec::BUILT_IN));
        config.parsers = Parsers(names.collect());
        config
    }

    #[test]
    fn there_are_so_many_at_most() {
        assert_eq!(named(Parsers::MOST).validate(), Ok(()));
        assert_eq!(
            named(Parsers::MOST + 1).validate(),
            Err(ConfigError::OverLimit {
                option: "parsers",
                value: 9,
                most: 8
            })
        );
    }

    #[test]
    fn names_are_words_and_each_is_there_once() {
        let longest = "x".repeat(NAME);
        for name in ["msgpack", "a-b_c.1", &longest] {
            let config = Config::v4().parsers([(name, Codec::BUILT_IN)]);
            assert_eq!(config.validate(), Ok(()), "{name}");
        }
        for name in ["", "a b", "a&b", "ä", &format!("{longest}x")] {
            let config = Config::v4().parsers([(name, Codec::BUILT_IN)]);
            let refused = Err(ConfigError::ParserName(name.to_owned()));
            assert_eq!(config.validate(), refused, "{name}");
        }
        let twice = Config::v4().parsers([("a", Codec::BUILT_IN), ("a", Own.into())]);
        assert_eq!(twice.validate(), Err(ConfigError::ParserName("a".into())));
    }

    #[test]
    fn who_asks_for_none_has_the_usual_one() {
        let own = Codec::from(Own);
        let alone = Config::v4().parser(own.clone());
        // The application's own parameter, as long as there is nothing to choose.
        assert!(alone.parser_of(Some("x")).unwrap().is(&own));
        assert!(alone.common_parser().is(&own));
        let config = Config::v4().parsers([("own", own.clone())]);
        assert!(config.parser_of(None).unwrap().is_built_in());
        assert!(config.parser_of(Some("own")).unwrap().is(&own));
        assert!(config.parser_of(Some("")).is_none());
        assert!(config.parser_of(Some("OWN")).is_none());
        assert!(config.common_parser().is_built_in());
        // What the usual one writes could not be read.
        let beside = alone.parsers([("text", Codec::BUILT_IN)]);
        assert!(beside.common_parser().is_built_in());
    }
}
