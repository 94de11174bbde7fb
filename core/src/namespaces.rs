//! The namespaces that clients can ask for, by their names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytestring::ByteString;

use crate::arena::{Key, Pool};

/// Which namespaces there are, and what belongs to each: `N`.
///
/// A client that asks for any other is refused ([`Refusal::invalid_namespace`]).
///
/// [`Refusal::invalid_namespace`]: crate::socket::Refusal::invalid_namespace
#[derive(Clone, Debug, Hash)]
pub struct Namespaces<N> {
    /// In the order of their names, which is that of [`iter`](Self::iter); and no client that brings names into
    /// being can choose some that meet.
    by_name: BTreeMap<ByteString, Key>,
    all: Pool<(ByteString, N)>,
}

/// One namespace. Names nobody once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceKey(Key);

/// The name by which a namespace is kept: one without a `/` at its beginning gets one.
pub fn whole_name(name: &str) -> Cow<'_, str> {
    match name.starts_with('/') {
        true => name.into(),
        false => format!("/{name}").into(),
    }
}

impl<N> Namespaces<N> {
    /// None yet, not even `/`.
    pub fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            all: Pool::new(),
        }
    }

    /// The namespace of this [whole name](whole_name), made if there is none.
    pub fn open(&mut self, name: &str, make: impl FnOnce() -> N) -> NamespaceKey {
        if let Some(key) = self.by_name.get(name) {
            return NamespaceKey(*key);
        }
        let name = ByteString::from(name);
        let key = self.all.insert((name.clone(), make()));
        self.by_name.insert(name, key);
        NamespaceKey(key)
    }

    /// The namespace of a name, as a client or the application has it.
    pub fn find(&self, name: &str) -> Option<NamespaceKey> {
        self.by_name.get(name).copied().map(NamespaceKey)
    }

    /// What belongs to a namespace.
    pub fn get(&self, key: NamespaceKey) -> Option<&N> {
        self.all.get(key.0).map(|(_, its)| its)
    }

    /// What belongs to a namespace.
    pub fn get_mut(&mut self, key: NamespaceKey) -> Option<&mut N> {
        self.all.get_mut(key.0).map(|(_, its)| its)
    }

    /// The name of a namespace.
    pub fn name(&self, key: NamespaceKey) -> Option<&ByteString> {
        self.all.get(key.0).map(|(name, _)| name)
    }

    /// The keys of all of them, in the order of their names.
    pub fn keys(&self) -> impl Iterator<Item = NamespaceKey> {
        self.by_name.values().copied().map(NamespaceKey)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ByteString, &N)> {
        let keys = self.by_name.values();
        keys.filter_map(|key| self.all.get(*key).map(|(name, its)| (name, its)))
    }
}

impl<N> Default for Namespaces<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_made_once_and_found_by_its_name() {
        let mut namespaces = Namespaces::new();
        let main = namespaces.open("/", || 1);
        let chat = namespaces.open(&whole_name("chat"), || 2);
        assert_eq!(namespaces.open("/chat", || 3), chat);
        assert_eq!(namespaces.find("/chat"), Some(chat));
        assert_eq!((namespaces.find("chat"), namespaces.find("")), (None, None));
        assert_eq!(
            (namespaces.get(main), namespaces.get(chat)),
            (Some(&1), Some(&2))
        );
        assert_eq!(namespaces.name(chat).map(|name| &**name), Some("/chat"));
        *namespaces.get_mut(chat).unwrap() = 4;
        let all: Vec<_> = namespaces
            .iter()
            .map(|(name, its)| (&**name, *its))
            .collect();
        assert_eq!(all, [("/", 1), ("/chat", 4)]);
    }
}
