//! The adapter of a namespace, and how it is found.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Adapter, InMemory};
use crate::sync::hook::Hook;

/// The adapter of one namespace: the one in memory, until the application brings another.
pub(crate) struct Adapters {
    local: InMemory,
    custom: Hook<dyn Adapter>,
    has_custom: AtomicBool,
}

/// The one adapter that is to be called. That of this node is reached by no lock and no count of references.
pub(crate) enum Road<'a> {
    Here(&'a dyn Adapter),
    There(Arc<dyn Adapter>),
}

impl Adapters {
    pub(crate) fn new(local: InMemory) -> Self {
        Self {
            local,
            custom: Hook::default(),
            has_custom: AtomicBool::new(false),
        }
    }

    pub(crate) const fn local(&self) -> &InMemory {
        &self.local
    }

    /// The application's, if there is one.
    pub(crate) fn custom(&self) -> Option<Arc<dyn Adapter>> {
        let has = self.has_custom.load(Ordering::Acquire);
        has.then(|| self.custom.get()).flatten()
    }

    pub(crate) fn set(&self, adapter: Arc<dyn Adapter>) {
        self.custom.set(adapter);
        self.has_custom.store(true, Ordering::Release);
    }

    /// Takes the application's out, to be closed.
    pub(crate) fn take(&self) -> Option<Arc<dyn Adapter>> {
        self.has_custom.store(false, Ordering::Release);
        self.custom.take()
    }

    /// Takes no other any more.
    pub(crate) fn close(&self) {
        self.custom.close();
    }
}

impl Deref for Road<'_> {
    type Target = dyn Adapter;

    fn deref(&self) -> &(dyn Adapter + 'static) {
        match self {
            Self::Here(here) => *here,
            Self::There(adapter) => &**adapter,
        }
    }
}

impl fmt::Debug for Road<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.local().fmt(f)
    }
}
