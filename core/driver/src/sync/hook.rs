//! What the application may set while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use super::guard::let_go;

/// Something that may be set once in a while and is read often.
pub(crate) struct Hook<T: ?Sized>(RwLock<Hung<T>>);

enum Hung<T: ?Sized> {
    Open(Option<Arc<T>>),
    /// Nothing is taken in any more.
    Closed,
}

impl<T: ?Sized> Hook<T> {
    pub(crate) fn set(&self, hook: Arc<T>) {
        let rest = match &mut *self.0.write().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(before) => before.replace(hook),
            Hung::Closed => Some(hook),
        };
        // Dropped outside the lock: it is the application's code.
        drop(rest);
    }

    /// Sets it to what is made of what is there.
    pub(crate) fn update(&self, make: impl FnOnce(Option<&Arc<T>>) -> Arc<T>) {
        let mut hung = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = match &mut *hung {
            Hung::Open(hook) => {
                let made = make(hook.as_ref());
                hook.replace(made)
            }
            Hung::Closed => None,
        };
        drop(hung);
        // Dropped outside the lock.
        drop(before);
    }

    /// Lets go of the hook, and of those to come: what it captures may be what holds this. A destructor that panics
    /// keeps nobody from what is behind this.
    pub(crate) fn close(&self) {
        let before = std::mem::replace(
            &mut *self.0.write().unwrap_or_else(PoisonError::into_inner),
            Hung::Closed,
        );
        let _ = let_go(before);
    }

    /// Takes the hook out.
    pub(crate) fn take(&self) -> Option<Arc<T>> {
        match &mut *self.0.write().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(hook) => hook.take(),
            Hung::Closed => None,
        }
    }

    /// The hook, to be called without any lock.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        match &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            Hung::Open(hook) => hook.clone(),
            Hung::Closed => None,
        }
    }
}

impl<T: ?Sized> Default for Hook<T> {
    fn default() -> Self {
        Self(RwLock::new(Hung::Open(None)))
    }
}
