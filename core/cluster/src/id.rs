//! Names of nodes and of questions, as they travel.

use std::borrow::Borrow;
use std::fmt;

/// The name of a node in one namespace, or `emitter`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Box<str>);

/// The name of a question, by which its answers are recognised.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Box<str>);

impl Uid {
    /// The name of a node that speaks classic or v2: 6 characters. The first is a mark by which nodes of this
    /// implementation know each other. The bytes must come from a cryptographic source.
    pub fn classic(random: [u8; 8]) -> Self {
        Self(mark('R', letters(random).take(5)))
    }

    /// The name of a node that speaks cluster messages: 16 characters, the first of which is such a mark.
    pub fn cluster(random: [u8; 8]) -> Self {
        Self(mark('r', digits(random).skip(1)))
    }

    /// What programs that are no node call themselves.
    pub fn emitter() -> Self {
        Self(EMITTER.into())
    }

    /// Whether this is a node of this implementation, by its mark. One of Node's may bear it by chance: nothing
    /// may depend on it but what both understand.
    pub fn is_ours(&self) -> bool {
        matches!(
            (self.0.len(), self.0.bytes().next()),
            (6, Some(b'R')) | (16, Some(b'r'))
        )
    }

    /// Whether it is no node, and answers nothing.
    pub fn is_emitter(&self) -> bool {
        &*self.0 == EMITTER
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const EMITTER: &str = "emitter";

impl RequestId {
    /// A question's name in classic and v2: 6 characters. The bytes must come from a cryptographic source.
    pub fn classic(random: [u8; 8]) -> Self {
        Self(letters(random).take(6).collect())
    }

    /// A question's name among cluster messages: 16 hexadecimal digits.
    pub fn cluster(random: [u8; 8]) -> Self {
        Self(digits(random).collect())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn mark(mark: char, rest: impl Iterator<Item = char>) -> Box<str> {
    std::iter::once(mark).chain(rest).collect()
}

fn letters(random: [u8; 8]) -> impl Iterator<Item = char> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    random.into_iter().map(|byte| {
        let letter = ALPHABET.get(usize::from(byte & 63)).copied();
        char::from(letter.unwrap_or(b'A'))
    })
}

fn digits(random: [u8; 8]) -> impl Iterator<Item = char> {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    random
        .into_iter()
        .flat_map(move |byte| [digit(byte >> 4), digit(byte & 15)])
}

macro_rules! name {
    ($name:ident) => {
        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(Uid);
name!(RequestId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_those_of_the_packages() {
        let bytes = [0, 63, 64, 255, 1, 2, 3, 4];
        assert_eq!(Uid::classic(bytes).as_str(), "RA_A_B");
        assert_eq!(RequestId::classic(bytes).as_str(), "A_A_BC");
        assert_eq!(Uid::cluster(bytes).as_str(), "r03f40ff01020304");
        assert_eq!(RequestId::cluster(bytes).as_str(), "003f40ff01020304");
    }

    #[test]
    fn nodes_of_ours_know_each_other() {
        assert!(Uid::classic([7; 8]).is_ours());
        assert!(Uid::cluster([7; 8]).is_ours());
        for other in ["HAkhhj", "1d6b0b1aa6e47376", "emitter", "", "R", "r"] {
            assert!(!Uid::from(other).is_ours(), "{other}");
        }
        assert!(Uid::emitter().is_emitter());
        assert!(!Uid::from("HAkhhj").is_emitter());
    }
}
