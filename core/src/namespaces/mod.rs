//! The namespaces that clients can ask for: by their names, or as children of parents (§22).

mod parameters;
mod pattern;
mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytestring::ByteString;

use crate::arena::{Key, Pool};
use crate::config::Config;

pub use parameters::{Parameters, ParametersError};
pub use pattern::{Pattern, PatternError};
pub use rule::{Judgement, Rule};

/// Which namespaces there are, and what belongs to each: `N`. And which there may be: the children of parents,
/// to each of which a `P` belongs, that says for which names it has children.
///
/// A client that asks for any other is refused ([`Refusal::invalid_namespace`]), and so is one that asks for a
/// child where as many as may be were brought into being by clients already.
///
/// [`Refusal::invalid_namespace`]: crate::socket::Refusal::invalid_namespace
#[derive(Clone, Debug, Hash)]
pub struct Namespaces<N, P = Pattern> {
    /// In the order of their names, which is that of [`iter`](Self::iter); and no client that brings names into
    /// being can choose some that meet.
    by_name: BTreeMap<ByteString, Key>,
    all: Pool<Entry<N>>,
    /// In the order in which they are asked.
    parents: Vec<P>,
    bounds: Bounds,
    /// Children that clients have brought into being and that are there.
    brought: usize,
    /// How many of them each client has, of those that have any.
    by_client: BTreeMap<ClientNumber, usize>,
}

#[derive(Clone, Debug, Hash)]
struct Entry<N> {
    name: ByteString,
    its: N,
    child: Option<Child>,
    /// Who is in it, or has asked for it and not been turned away.
    guests: usize,
    /// Whether its name is another's by now, or nobody's.
    removed: bool,
}

/// What is known of a namespace that is a child.
#[derive(Clone, Debug, Hash)]
struct Child {
    birth: Birth,
    /// The client that brought it into being. None: the application did, or has asked for it since.
    brought_by: Option<ClientNumber>,
    /// Whether it stays when nobody is in it.
    stays: bool,
}

#[derive(Clone, Debug, Hash)]
struct Bounds {
    children: usize,
    children_of_client: usize,
    cleans_up: bool,
}

/// One namespace. Names nobody once it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamespaceKey(Key);

/// A parent, by its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParentKey(u32);

/// A client that may bring namespaces into being: any number that no other has or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientNumber(pub u64);

/// Whose child a namespace is, and by which parameters in its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Birth {
    /// The parent.
    pub parent: ParentKey,
    /// What its rule has found in the name.
    pub parameters: Parameters,
}

/// What there is by a name that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Search {
    /// This namespace.
    Found(NamespaceKey),
    /// A parent that would have it as its child: to be [brought](Namespaces::bring) into being.
    Child(Birth),
    /// A parent that is to be asked. If it agrees, the namespace is a child of it; if not,
    /// [`search_behind`](Namespaces::search_behind) it.
    Ask(ParentKey),
    /// Nothing, or nothing any more that this client may bring into being.
    Nowhere,
}

/// The name by which a namespace is kept: one without a `/` at its beginning gets one.
pub fn whole_name(name: &str) -> Cow<'_, str> {
    match name.starts_with('/') {
        true => name.into(),
        false => format!("/{name}").into(),
    }
}

impl<N, P> Namespaces<N, P> {
    /// None yet, not even `/`.
    pub fn new(config: &Config) -> Self {
        Self {
            by_name: BTreeMap::new(),
            all: Pool::new(),
            parents: Vec::new(),
            bounds: Bounds::new(config),
            brought: 0,
            by_client: BTreeMap::new(),
        }
    }

    /// The bounds are others from now on. Namespaces that are there stay.
    pub fn set_bounds(&mut self, config: &Config) {
        self.bounds = Bounds::new(config);
    }

    /// A parent that is asked behind those that are there.
    pub fn add_parent(&mut self, parent: P) -> ParentKey {
        let key = ParentKey(u32::try_from(self.parents.len()).unwrap_or(u32::MAX));
        self.parents.push(parent);
        key
    }

    /// The namespace of this [whole name](whole_name), made if there is none: as a child, if `birth` says so. One
    /// that the application has opened stays until it is [removed](Self::remove), and counts for no client.
    pub fn open(
        &mut self,
        name: &str,
        birth: Option<Birth>,
        make: impl FnOnce() -> N,
    ) -> NamespaceKey {
        if let Some(key) = self.find(name) {
            self.keep(key);
            return key;
        }
        let child = birth.map(|birth| Child {
            birth,
            brought_by: None,
            stays: true,
        });
        self.insert(name, child, make())
    }

    fn insert(&mut self, name: &str, child: Option<Child>, its: N) -> NamespaceKey {
        let name = ByteString::from(name);
        let key = self.all.insert(Entry {
            name: name.clone(),
            its,
            child,
            guests: 0,
            removed: false,
        });
        self.by_name.insert(name, key);
        NamespaceKey(key)
    }

    /// The child of this name, made by a client's wish if there is none. `None`: as many as may be are there
    /// already.
    pub fn bring(
        &mut self,
        name: &str,
        birth: Birth,
        client: ClientNumber,
        make: impl FnOnce() -> N,
    ) -> Option<NamespaceKey> {
        if let Some(key) = self.find(name) {
            return Some(key);
        }
        if !self.may_bring(client) {
            return None;
        }
        self.brought = self.brought.saturating_add(1);
        let its = self.by_client.entry(client).or_default();
        *its = its.saturating_add(1);
        let child = Child {
            birth,
            brought_by: Some(client),
            stays: !self.bounds.cleans_up,
        };
        Some(self.insert(name, Some(child), make()))
    }

    /// Whether a client may bring one more child into being.
    fn may_bring(&self, client: ClientNumber) -> bool {
        let its = self.by_client.get(&client).copied().unwrap_or_default();
        self.brought < self.bounds.children && its < self.bounds.children_of_client
    }

    /// Somebody has asked for a namespace, and is its guest until [`leave`](Self::leave). Whose namespaces are
    /// neither cleaned up nor removed with somebody in them need not say so.
    pub fn enter(&mut self, key: NamespaceKey) {
        if let Some(entry) = self.all.get_mut(key.0) {
            entry.guests = entry.guests.saturating_add(1);
        }
    }

    /// Somebody has left a namespace, or was turned away. If that was the last one, and the namespace is not to
    /// stay, it is gone, and this is what belonged to it.
    pub fn leave(&mut self, key: NamespaceKey) -> Option<N> {
        self.leave_behind(key);
        self.clean_up(key)
    }

    /// The same, but what is kept for who has left is in it: it stays until it is [cleaned up](Self::clean_up).
    pub fn leave_behind(&mut self, key: NamespaceKey) {
        if let Some(entry) = self.all.get_mut(key.0) {
            entry.guests = entry.guests.saturating_sub(1);
        }
    }

    /// If nobody is in a namespace and it is not to stay, it is gone, and this is what belonged to it.
    pub fn clean_up(&mut self, key: NamespaceKey) -> Option<N> {
        let entry = self.all.get(key.0)?;
        if entry.guests > 0 || !(entry.removed || self.is_passing(key)) {
            return None;
        }
        if let Some(name) = self.name(key).filter(|name| self.find(name) == Some(key)) {
            self.by_name.remove(&name.clone());
        }
        self.keep(key);
        let entry = self.all.remove(key.0)?;
        self.all.shrink();
        Some(entry.its)
    }

    /// There is no namespace of this name any more, and the next one of the name is another. What belongs to it
    /// is there until the last of its guests [has left](Self::leave). `false`: there was none.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(key) = self.by_name.remove(name).map(NamespaceKey) else {
            return false;
        };
        self.keep(key);
        let guests = self.all.get_mut(key.0).map(|entry| {
            entry.removed = true;
            entry.guests
        });
        if guests == Some(0) {
            self.all.remove(key.0);
            self.all.shrink();
        }
        true
    }

    /// A namespace that was brought into being stays, as one that the application has opened does.
    pub fn keep(&mut self, key: NamespaceKey) {
        let client = self.child_mut(key).and_then(|child| {
            child.stays = true;
            child.brought_by.take()
        });
        self.forgive(client);
    }

    /// One namespace less counts for a client.
    fn forgive(&mut self, client: Option<ClientNumber>) {
        let Some(client) = client else { return };
        self.brought = self.brought.saturating_sub(1);
        if let Some(its) = self.by_client.get_mut(&client) {
            *its = its.saturating_sub(1);
            if *its == 0 {
                self.by_client.remove(&client);
            }
        }
    }

    /// The namespace of a name, as a client or the application has it.
    pub fn find(&self, name: &str) -> Option<NamespaceKey> {
        self.by_name.get(name).copied().map(NamespaceKey)
    }

    /// Whether clients can ask for it.
    pub fn is_there(&self, key: NamespaceKey) -> bool {
        self.all.get(key.0).is_some_and(|entry| !entry.removed)
    }

    /// What belongs to a namespace.
    pub fn get(&self, key: NamespaceKey) -> Option<&N> {
        self.all.get(key.0).map(|entry| &entry.its)
    }

    /// What belongs to a namespace.
    pub fn get_mut(&mut self, key: NamespaceKey) -> Option<&mut N> {
        self.all.get_mut(key.0).map(|entry| &mut entry.its)
    }

    /// The name of a namespace.
    pub fn name(&self, key: NamespaceKey) -> Option<&ByteString> {
        self.all.get(key.0).map(|entry| &entry.name)
    }

    /// Whose child a namespace is, if anybody's.
    pub fn birth(&self, key: NamespaceKey) -> Option<&Birth> {
        let child = self.all.get(key.0)?.child.as_ref();
        child.map(|child| &child.birth)
    }

    /// Whether it goes by itself once nobody is in it.
    pub fn is_passing(&self, key: NamespaceKey) -> bool {
        let child = self.all.get(key.0).and_then(|entry| entry.child.as_ref());
        child.is_some_and(|child| !child.stays)
    }

    fn child_mut(&mut self, key: NamespaceKey) -> Option<&mut Child> {
        self.all.get_mut(key.0)?.child.as_mut()
    }

    /// What belongs to a parent.
    pub fn parent(&self, key: ParentKey) -> Option<&P> {
        self.parents.get(key.0 as usize)
    }

    /// What belongs to each parent, in the order in which they are asked.
    pub fn parents(&self) -> impl Iterator<Item = &P> {
        self.parents.iter()
    }

    /// The keys of all of them, in the order of their names.
    pub fn keys(&self) -> impl Iterator<Item = NamespaceKey> {
        self.by_name.values().copied().map(NamespaceKey)
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&ByteString, &N)> {
        let keys = self.by_name.values();
        keys.filter_map(|key| self.all.get(*key).map(|entry| (&entry.name, &entry.its)))
    }

    /// The children of a parent, in the order of their names.
    pub fn children(&self, parent: ParentKey) -> impl Iterator<Item = (&ByteString, &N)> {
        let keys = self.by_name.values();
        let all = keys.filter_map(|key| self.all.get(*key));
        let its = all.filter(move |entry| {
            let child = entry.child.as_ref();
            child.is_some_and(|child| child.birth.parent == parent)
        });
        its.map(|entry| (&entry.name, &entry.its))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them clients have brought into being.
    pub fn brought(&self) -> usize {
        self.brought
    }
}

impl<N, P: Rule> Namespaces<N, P> {
    /// What there is by a name that a client asks for. The first parent that has a child of the name has it.
    pub fn search(&self, name: &str, client: ClientNumber) -> Search {
        match self.find(name) {
            Some(key) => Search::Found(key),
            None => self.judge(name, client, 0),
        }
    }

    /// The same after a parent was asked and would not have it.
    pub fn search_behind(&self, name: &str, client: ClientNumber, parent: ParentKey) -> Search {
        // It may have come into being meanwhile.
        match self.find(name) {
            Some(key) => Search::Found(key),
            None => self.judge(name, client, parent.0.saturating_add(1)),
        }
    }

    fn judge(&self, name: &str, client: ClientNumber, from: u32) -> Search {
        if !may_be_child(name) || !self.may_bring(client) {
            return Search::Nowhere;
        }
        for (parent, at) in self.parents.iter().zip(0u32..).skip(from as usize) {
            let key = ParentKey(at);
            match parent.judge(name) {
                Judgement::Yes(parameters) => {
                    return Search::Child(Birth {
                        parent: key,
                        parameters,
                    });
                }
                Judgement::Ask => return Search::Ask(key),
                Judgement::No => {}
            }
        }
        Search::Nowhere
    }

    /// Whose child a namespace of this name is that the application opens: the first parent's that has it
    /// without being asked.
    pub fn birth_of(&self, name: &str) -> Option<Birth> {
        let mut parents = self.parents.iter().zip(0u32..);
        let born = parents.find_map(|(parent, at)| match parent.judge(name) {
            Judgement::Yes(parameters) => Some(Birth {
                parent: ParentKey(at),
                parameters,
            }),
            Judgement::Ask | Judgement::No => None,
        });
        born.filter(|_| may_be_child(name))
    }
}

impl Bounds {
    fn new(config: &Config) -> Self {
        Self {
            children: config.max_child_namespaces,
            children_of_client: config.max_child_namespaces_per_connection,
            cleans_up: config.cleanup_empty_child_namespaces,
        }
    }
}

/// Whether a name can be that of a child: clients of revision 5 put no query behind it, and if one does, it asks
/// for a namespace that nobody means (§16.1).
fn may_be_child(name: &str) -> bool {
    name.starts_with('/') && !name.contains('?')
}
