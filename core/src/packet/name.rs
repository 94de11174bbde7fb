//! Names of events.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use compact_str::CompactString;

/// The name of an event. Dereferences to `str`.
///
/// Up to 24 bytes of it are held in place: most names are, so that one costs neither an allocation
/// nor a count of references, and does not hold on to a read buffer.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(CompactString);

impl Name {
    /// A name that is known when the program is built.
    pub const fn from_static(name: &'static str) -> Self {
        Self(CompactString::const_new(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(CompactString::new(name))
    }
}

impl From<String> for Name {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_name_is_its_text() {
        let tick = Name::from_static("tick");
        assert_eq!(tick, "tick");
        assert_eq!(&tick, "tick");
        assert_eq!(tick.as_ref(), "tick");
        assert_eq!((tick.len(), tick.as_str()), (4, "tick"));
        assert_eq!(format!("{tick} {tick:?}"), r#"tick "tick""#);
        let long = "a name that is too long to be held in place";
        assert_eq!(String::from(Name::from(long)), long);
        assert_eq!(Name::from(long.to_owned()), long);
        assert_ne!(tick, "tack");
    }

    /// Which needs both to be hashed to the same.
    #[test]
    fn a_map_by_names_is_asked_by_texts() {
        let map = HashMap::from([(Name::from("tick"), 1), (Name::from("tack"), 2)]);
        assert_eq!(map.get("tick"), Some(&1));
        assert_eq!(map.get("tock"), None);
    }
}
