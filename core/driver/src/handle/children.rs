//! Namespaces as they come and go: opened by the application, or brought into being by clients.

use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Context, Waker};

use bytestring::ByteString;
use futures_util::FutureExt;
use sio_core::namespaces::{
    Birth, ClientNumber, NamespaceKey, Namespaces, ParentKey, Pattern, Search, whole_name,
};

use super::inner::{Guest, Io, NameRule, Namespace, Origin, ParentNamespace, Predicate};
use super::watch::Expires;
use crate::endpoint::handshake::Handshake;
use crate::log::{debug, error};
use crate::mailbox::command::Command;
use crate::sync::guard::guarded;
use crate::sync::hook::Hook;

type Table = Namespaces<Namespace, ParentNamespace>;

/// What there is by a name that a client asks for.
pub(crate) enum Sought {
    Here(Door),
    /// This parent is to be asked first.
    Ask(ParentKey, ParentNamespace),
    Nowhere,
}

/// A namespace that somebody is about to enter.
pub(crate) struct Door {
    pub(crate) namespace: Namespace,
    /// If it is a child.
    pub(crate) guest: Option<Guest>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.io.left(self.key);
    }
}

impl Io {
    /// The namespace of this name, created if there is none. Also while clients are connected.
    ///
    /// A name without a `/` at its beginning gets one. If it is one of a parent's children by a pattern or a
    /// regular expression, so is the namespace. It stays, whoever is in it, until it is
    /// [removed](Self::remove_namespace): to look for one that a client may have brought into being,
    /// [`namespace`](Self::namespace).
    pub fn of(&self, name: &str) -> Namespace {
        let name = whole_name(name);
        let birth = {
            let namespaces = self.read();
            let found = namespaces.find(&name);
            if let Some(key) = found.filter(|key| !namespaces.is_passing(*key))
                && let Some(namespace) = namespaces.get(key)
            {
                return namespace.clone();
            }
            namespaces.birth_of(&name)
        };
        let fresh = self.fresh(&name, birth.as_ref());
        let namespace = {
            let mut namespaces = self.write();
            let key = namespaces.open(&name, birth, || fresh.clone());
            namespaces.get(key).unwrap_or(&fresh).clone()
        };
        self.settle(&namespace, &fresh);
        namespace
    }

    /// The namespace of this name, if there is one. A name without a `/` at its beginning gets one.
    pub fn namespace(&self, name: &str) -> Option<Namespace> {
        let namespaces = self.read();
        let key = namespaces.find(&whole_name(name))?;
        namespaces.get(key).cloned()
    }

    /// There is no namespace of this name any more: its sockets leave, and hear
    /// [`NamespaceRemoved`](crate::app::DisconnectReason::NamespaceRemoved); their clients that it was the
    /// server's wish. A client that asks for the name, or over which a middleware decides, gets `Invalid namespace`;
    /// unless a parent has it as a child or it is [opened](Self::of) anew, and then it is another. On this node
    /// alone. `false`: there was none, or it is `/`, which stays.
    pub fn remove_namespace(&self, name: &str) -> bool {
        let name = whole_name(name);
        if name == "/" {
            return false;
        }
        let removed = {
            let mut namespaces = self.write();
            let key = namespaces.find(&name);
            let namespace = key.and_then(|key| namespaces.get(key).cloned());
            namespace.filter(|_| namespaces.remove(&name))
        };
        let Some(namespace) = removed else {
            return false;
        };
        self.retire(&namespace);
        true
    }

    pub(crate) fn add_pattern(&self, pattern: Pattern) -> ParentNamespace {
        self.add_parent(NameRule::Pattern(pattern))
    }

    #[cfg(feature = "regex")]
    pub(crate) fn add_regex(&self, regex: regex_lite::Regex) -> ParentNamespace {
        self.add_parent(NameRule::Regex(regex))
    }

    pub(crate) fn add_predicate(&self, predicate: Arc<Predicate>) -> ParentNamespace {
        let hook = Hook::default();
        hook.set(predicate);
        self.add_parent(NameRule::Predicate(hook))
    }

    pub(crate) fn add_namespace_hook(&self, hook: Arc<dyn Fn(&Namespace) + Send + Sync>) {
        self.inner
            .on_namespace
            .update(|before| match before.cloned() {
                Some(before) => Arc::new(move |namespace| {
                    before(namespace);
                    hook(namespace);
                }),
                None => hook,
            });
    }

    fn add_parent(&self, rule: NameRule) -> ParentNamespace {
        let parent = ParentNamespace::new(rule);
        if self.is_closing() {
            parent.release();
        }
        self.write().add_parent(parent.clone());
        parent
    }

    pub(super) fn release_parents(&self) {
        let parents: Vec<_> = self.read().parents().cloned().collect();
        for parent in parents {
            parent.release();
        }
    }

    /// What a client finds by a name, as far as it can be said at once. `client` draws its number.
    pub(crate) fn seek(&self, name: &str, client: impl FnOnce() -> ClientNumber) -> Sought {
        {
            let namespaces = self.read();
            if let Some(key) = namespaces.find(name)
                && namespaces.birth(key).is_none()
                && let Some(namespace) = namespaces.get(key)
            {
                let namespace = namespace.clone();
                return Sought::Here(Door {
                    namespace,
                    guest: None,
                });
            }
            if namespaces.parents().next().is_none() {
                return Sought::Nowhere;
            }
        }
        let client = client();
        self.seek_child(name, client, |namespaces| namespaces.search(name, client))
    }

    fn seek_child(
        &self,
        name: &str,
        client: ClientNumber,
        search: impl FnOnce(&Table) -> Search,
    ) -> Sought {
        let config = self.setup().config();
        let mut namespaces = self.write();
        // They may have been replaced before the server was attached.
        namespaces.set_bounds(&config);
        match search(&namespaces) {
            Search::Found(key) => self.enter(&mut namespaces, key),
            Search::Child(birth) => {
                drop(namespaces);
                self.bring(name, birth, client)
            }
            Search::Ask(key) => {
                let parent = namespaces.parent(key).cloned();
                parent.map_or(Sought::Nowhere, |parent| Sought::Ask(key, parent))
            }
            Search::Nowhere => Sought::Nowhere,
        }
    }

    /// Asks one parent after the other, from this one on, whether a client may bring a namespace into being.
    pub(crate) async fn ask_parents(
        self,
        name: ByteString,
        client: ClientNumber,
        handshake: Arc<Handshake>,
        first: (ParentKey, ParentNamespace),
    ) -> Option<Door> {
        let (mut key, mut parent) = first;
        loop {
            let agreed = parent.ask(name.to_string(), handshake.clone()).await;
            let sought = match agreed {
                true => {
                    let parameters = Default::default();
                    let birth = Birth {
                        parent: key,
                        parameters,
                    };
                    self.bring(&name, birth, client)
                }
                false => self.seek_child(&name, client, |namespaces| {
                    namespaces.search_behind(&name, client, key)
                }),
            };
            match sought {
                Sought::Here(door) => return Some(door),
                Sought::Ask(next, its) => (key, parent) = (next, its),
                Sought::Nowhere => return None,
            }
        }
    }

    /// Brings a child into being by a client's wish.
    fn bring(&self, name: &str, birth: Birth, client: ClientNumber) -> Sought {
        let fresh = self.fresh(name, Some(&birth));
        let sought = {
            let mut namespaces = self.write();
            match namespaces.bring(name, birth, client, || fresh.clone()) {
                Some(key) => self.enter(&mut namespaces, key),
                None => Sought::Nowhere,
            }
        };
        match &sought {
            Sought::Here(door) => self.settle(&door.namespace, &fresh),
            Sought::Ask(..) | Sought::Nowhere => fresh.disown(),
        }
        sought
    }

    /// Somebody is about to enter a namespace, which does not go before they have left it.
    fn enter(&self, namespaces: &mut Table, key: NamespaceKey) -> Sought {
        let Some(namespace) = namespaces.get(key).cloned() else {
            return Sought::Nowhere;
        };
        let guest = namespaces.birth(key).is_some().then(|| Guest {
            io: self.clone(),
            key,
        });
        if guest.is_some() {
            namespaces.enter(key);
        }
        Sought::Here(Door { namespace, guest })
    }

    /// Somebody has left a child, or was turned away.
    fn left(&self, key: NamespaceKey) {
        let namespace = self.read().get(key).cloned();
        let Some(namespace) = namespace.filter(Namespace::is_awaited) else {
            let gone = self.write().leave(key);
            return self.emptied(gone);
        };
        let io = Arc::downgrade(&self.inner);
        namespace.on_forgotten(move || {
            if let Some(inner) = io.upgrade() {
                Self { inner }.clean_up(key);
            }
        });
        self.write().leave_behind(key);
        // All of it may have been forgotten meanwhile.
        self.clean_up(key);
    }

    /// A child goes if nobody is in it, and nobody is waited for.
    fn clean_up(&self, key: NamespaceKey) {
        let namespace = self.read().get(key).cloned();
        if namespace.is_some_and(|it| !it.is_awaited()) {
            let gone = self.write().clean_up(key);
            self.emptied(gone);
        }
    }

    /// A namespace may be gone with the last of its guests. Outside the lock.
    fn emptied(&self, gone: Option<Namespace>) {
        if let Some(namespace) = gone {
            debug!(namespace = namespace.name(), "namespace is empty");
            self.retire(&namespace);
        }
    }

    /// A namespace of this name, which nobody finds yet. If it is a child, it has what the others have.
    fn fresh(&self, name: &str, birth: Option<&Birth>) -> Namespace {
        let origin = birth.and_then(|birth| {
            Some(Origin {
                parent: self.read().parent(birth.parent)?.clone(),
                parameters: birth.parameters.clone(),
            })
        });
        let most = self.config().max_rooms_per_socket;
        let fresh = Namespace::new(name, self.setup().clone(), most, origin);
        if let Some(parent) = fresh.parent() {
            parent.adopt(&fresh);
        }
        if self.is_closing() {
            fresh.release();
        }
        fresh
    }

    /// A namespace was asked for, and `fresh` is the one that was made for it: unless somebody else was quicker, the
    /// same one.
    fn settle(&self, namespace: &Namespace, fresh: &Namespace) {
        if namespace != fresh {
            fresh.disown();
            return;
        }
        // Options may have been replaced meanwhile.
        namespace.limit_rooms(self.config().max_rooms_per_socket);
        // Outside the lock: it is the application's code.
        if let Some(make) = self.inner.adapters.get() {
            namespace.put_adapter(&*make);
        }
        if let Some(hook) = self.inner.on_namespace.get()
            && let Err(_panic) = guarded(|| hook(namespace))
        {
            error!(namespace = namespace.name(), why = %_panic.0, "handler panicked");
        }
        // Removed meanwhile, it has been let go of without this.
        self.bury(namespace);
    }

    /// A namespace is there no more: who is in it leaves.
    fn retire(&self, namespace: &Namespace) {
        for socket in namespace.set_removed() {
            socket.task().tell(Command::Expel(socket.key()));
        }
        namespace.disown();
        self.bury(namespace);
    }

    /// Lets go of what the application has given a namespace that is there no more, once nobody is in it.
    pub(super) fn bury(&self, namespace: &Namespace) {
        if !namespace.is_removed() || !namespace.is_empty() {
            return;
        }
        if let Some(adapter) = namespace.take_adapter() {
            // Whoever closes the server waits for this, and then looks again at what is left.
            let _busy = self.inner.closers.enter();
            self.inner.left.look();
            let mut closing = Box::pin(self.inner.left.close(adapter));
            // Most have nothing to wait for. Of one that has, the server's end waits for it.
            let _ = closing.poll_unpin(&mut Context::from_waker(Waker::noop()));
        }
        namespace.release();
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        let namespaces = self.inner.namespaces.read();
        namespaces.unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        let namespaces = self.inner.namespaces.write();
        namespaces.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Namespace {
    /// Whether it keeps anything for clients that have left it.
    fn is_awaited(&self) -> bool {
        let sessions = self.keeper().is_some_and(|keeper| keeper.is_awaited());
        !self.is_removed() && (sessions || self.repeats().is_some_and(|it| it.knows_any()))
    }

    /// Has this called when it keeps nothing of a kind any more.
    fn on_forgotten(&self, call: impl Fn() + Clone + Send + Sync + 'static) {
        if let Some(keeper) = self.keeper() {
            keeper.watching().on_rest(call.clone());
        }
        if let Some(repeats) = self.repeats() {
            repeats.watching().on_rest(call);
        }
    }

    /// Its parent has it no more.
    fn disown(&self) {
        if let Some(parent) = self.parent() {
            parent.forget(self);
        }
    }
}
