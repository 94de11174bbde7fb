//! A parent: which names its children may have, and what all of them have alike.

use std::collections::BTreeMap;
use std::fmt;
use std::future::ready;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use sio_core::config::BacklogPolicy;
#[cfg(feature = "regex")]
use sio_core::namespaces::Parameters;
use sio_core::namespaces::{Judgement, Rule};

use super::hearers::Hearers;
use super::inner::{
    Callback, NameRule, Namespace, NamespaceInner, NamespaceMiddleware, ParentInner,
    ParentNamespace, Shared,
};
use crate::endpoint::handshake::Handshake;
use crate::listeners::{Entry, ListenerId, Listeners, Topic};
use crate::sync::BoxFuture;
use crate::sync::guard::let_go;

impl ParentNamespace {
    pub(super) fn new(rule: NameRule) -> Self {
        let shared = Shared {
            children: BTreeMap::new(),
            middlewares: Arc::new([]),
            outgoing: Hearers::default(),
            sequential: false,
            policy: None,
        };
        Self {
            inner: Arc::new(ParentInner {
                rule,
                listeners: Listeners::default(),
                shared: Mutex::new(shared),
            }),
        }
    }

    /// Its children on this node, in the order in which they have come into being.
    pub fn children(&self) -> Vec<Namespace> {
        self.lock().all()
    }

    /// How many children it has on this node.
    pub fn len(&self) -> usize {
        self.lock().children.len()
    }

    /// Whether it has no children on this node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From now on the handlers of each socket in its children run strictly one after another:
    /// [`Namespace::sequential`].
    pub fn sequential(&self) {
        let children = {
            let mut shared = self.lock();
            shared.sequential = true;
            shared.all()
        };
        children.iter().for_each(Namespace::sequential);
    }

    /// What happens where there is no room, in all its children. Those that are there.
    pub(super) fn set_policy(&self, policy: BacklogPolicy) -> Vec<Namespace> {
        let mut shared = self.lock();
        shared.policy = Some(policy);
        shared.all()
    }

    /// A child comes into being, with all that the others have. Not found by anybody yet.
    pub(super) fn adopt(&self, child: &Namespace) {
        let mut shared = self.lock();
        let number = child.number();
        shared.children.insert(number, Arc::downgrade(&child.inner));
        child.listeners().begin_as(&self.inner.listeners);
        replace(&child.inner.middlewares, &shared.middlewares);
        child.begin_outgoing(&shared.outgoing);
        child
            .inner
            .sequential
            .store(shared.sequential, Ordering::Relaxed);
        child.inner.set_policy(shared.policy);
    }

    /// What no other parent has as long as this one is there.
    #[cfg(feature = "cluster")]
    pub(super) fn address(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// A child is there no more.
    pub(super) fn forget(&self, child: &Namespace) {
        self.lock().children.remove(&child.number());
    }

    /// Asks the application whether a namespace may come into being.
    pub(super) fn ask(&self, name: String, handshake: Arc<Handshake>) -> BoxFuture<bool> {
        if let NameRule::Predicate(predicate) = &self.inner.rule
            && let Some(predicate) = predicate.get()
        {
            return predicate(name, handshake);
        }
        // What knows by itself is not asked.
        Box::pin(ready(matches!(self.judge(&name), Judgement::Yes(_))))
    }

    /// Adds a middleware behind those that are there.
    pub(crate) fn add_middleware(&self, middleware: NamespaceMiddleware) {
        let children = {
            let mut shared = self.lock();
            if self.inner.listeners.is_closed() {
                Vec::new()
            } else {
                append(&mut shared.middlewares, middleware.clone());
                shared.all()
            }
        };
        for child in children {
            child.add_middleware(middleware.clone());
        }
    }

    /// Who hears of what is emitted to the sockets of its children, those to come.
    pub(crate) fn outgoing(&self) -> Option<Hearers> {
        Some(self.lock().outgoing.clone())
    }

    /// Changes who does, in the children that are there, too. `None`: they stay as they are.
    pub(crate) fn change_outgoing(&self, change: impl Fn(&Hearers) -> Option<Hearers>) -> bool {
        let (children, before) = {
            let mut shared = self.lock();
            if self.inner.listeners.is_closed() {
                return false;
            }
            let changed = change(&shared.outgoing);
            let before = changed.map(|changed| std::mem::replace(&mut shared.outgoing, changed));
            (shared.all(), before)
        };
        let mut is_changed = before.is_some();
        for child in children {
            is_changed |= child.change_outgoing(&change);
        }
        is_changed
    }

    /// The handlers of all its children, those to come too.
    pub(crate) fn listeners(&self) -> Broad<'_> {
        Broad(self)
    }

    /// Its server is closed: lets go of what the application gave it.
    pub(super) fn release(&self) {
        self.inner.listeners.close();
        if let NameRule::Predicate(predicate) = &self.inner.rule {
            predicate.close();
        }
        let (middlewares, outgoing) = {
            let mut shared = self.lock();
            let middlewares = std::mem::replace(&mut shared.middlewares, Arc::new([]));
            (middlewares, std::mem::take(&mut shared.outgoing))
        };
        // Dropped outside the lock, and each by itself: a destructor that panics is the application's.
        let _ = let_go(middlewares).and(let_go(outgoing));
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        let shared = self.inner.shared.lock();
        shared.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn all(&self) -> Vec<Namespace> {
        let children = self.children.values().filter_map(Weak::upgrade);
        children.map(|inner| Namespace { inner }).collect()
    }
}

fn append<T: Clone>(list: &mut Arc<[T]>, item: T) {
    *list = list.iter().cloned().chain([item]).collect();
}

fn replace<T>(list: &RwLock<Arc<[T]>>, with: &Arc<[T]>) {
    let mut list = list.write().unwrap_or_else(PoisonError::into_inner);
    *list = with.clone();
}

/// The handlers of all children of a parent: what is said to them is said to those that are there and to those
/// to come.
///
/// A handler is put into the table that children begin with first, and then into those of the children that are
/// there. One that comes into being in between has it from the one and not twice from the other.
pub(crate) struct Broad<'a>(&'a ParentNamespace);

impl Broad<'_> {
    pub(crate) fn add(&self, topic: Topic, once: bool, callback: Callback) -> ListenerId {
        let (id, entry) = Entry::new(topic, once, callback);
        self.share(&entry, false);
        id
    }

    pub(crate) fn put_first(&self, topic: Topic, callback: Callback) -> ListenerId {
        let (id, entry) = Entry::new(topic, false, callback);
        self.share(&entry, true);
        id
    }

    fn share(&self, entry: &Entry<Callback>, first: bool) {
        self.own().share(entry, first);
        self.each(|child| child.share(entry, first));
    }

    pub(crate) fn remove(&self, id: ListenerId) -> bool {
        let removed = self.own().remove(id);
        self.each(|child| {
            child.remove(id);
        });
        removed
    }

    /// Those of the children's own stay.
    pub(crate) fn clear(&self, name: Option<&str>) {
        let all = match name {
            Some(name) => self.own().of(&Topic::named(name.to_owned())),
            None => self.own().all(),
        };
        self.remove_all(&all);
    }

    pub(crate) fn clear_any(&self) {
        self.remove_all(&self.own().of(&Topic::AnyEvent));
    }

    fn remove_all(&self, all: &[ListenerId]) {
        for id in all {
            self.remove(*id);
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.own().names()
    }

    pub(crate) fn of(&self, topic: &Topic) -> Vec<ListenerId> {
        self.own().of(topic)
    }

    fn own(&self) -> &Listeners<Callback> {
        let own = &self.0.inner.listeners;
        // Those that were to run once may have, in one of the children.
        own.sweep();
        own
    }

    fn each(&self, act: impl Fn(&Listeners<Callback>)) {
        for child in self.0.children() {
            act(child.listeners());
        }
    }
}

impl Rule for ParentNamespace {
    fn judge(&self, name: &str) -> Judgement {
        self.inner.rule.judge(name)
    }
}

impl Rule for NameRule {
    fn judge(&self, name: &str) -> Judgement {
        match self {
            Self::Pattern(pattern) => pattern.judge(name),
            #[cfg(feature = "regex")]
            Self::Regex(regex) => match regex.captures(name) {
                Some(found) => Judgement::Yes(groups(regex, &found)),
                None => Judgement::No,
            },
            Self::Predicate(_) => Judgement::Ask,
        }
    }
}

/// What its groups have found: by their names, else by their numbers.
#[cfg(feature = "regex")]
fn groups(regex: &regex_lite::Regex, found: &regex_lite::Captures<'_>) -> Parameters {
    let names = regex.capture_names().enumerate().skip(1);
    let pairs = names.filter_map(|(at, name)| {
        let value = found.get(at)?.as_str();
        let name = name.map_or_else(|| at.to_string(), str::to_owned);
        Some((name.into_boxed_str(), Box::from(value)))
    });
    Parameters::new(pairs.collect::<Vec<_>>())
}

impl PartialEq for ParentNamespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for ParentNamespace {}

impl fmt::Debug for ParentNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("ParentNamespace");
        match &self.inner.rule {
            NameRule::Pattern(pattern) => shown.field(&pattern.as_str()),
            #[cfg(feature = "regex")]
            NameRule::Regex(regex) => shown.field(&regex.as_str()),
            NameRule::Predicate(_) => shown.field(&"predicate"),
        };
        shown.finish()
    }
}

/// Children hold their parent, and not the other way round.
const _: fn(&Shared) -> Option<&Weak<NamespaceInner>> = |shared| shared.children.values().next();
