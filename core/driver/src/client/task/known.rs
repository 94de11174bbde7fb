//! A socket as its client's task knows it.

use std::sync::Arc;

use super::jobs::Callbacks;
use crate::client::event::About;
use crate::client::inner::{Callback, SocketInner};
use crate::listeners::{Cached, Found, TopicRef};
use crate::sync::guard::guarded;

/// A socket as the task knows it: with copies of its own of the tables of handlers, so that finding those of an event
/// takes no lock.
pub(super) struct Known {
    pub(super) inner: Arc<SocketInner>,
    common: Cached<Callback>,
    own: Cached<Callback>,
}

impl Known {
    pub(super) fn new(inner: Arc<SocketInner>) -> Self {
        Self {
            inner,
            common: Cached::default(),
            own: Cached::default(),
        }
    }

    /// The handlers of an event, the first one last. Those that run once are not found again.
    pub(super) fn handlers(&mut self, name: &str, about: &About) -> Callbacks {
        let topics: &[TopicRef<'_>] = match about {
            About::Connect(_) => &[TopicRef::Connect],
            About::Event => &[TopicRef::AnyEvent, TopicRef::Event(name)],
            About::Disconnect(_) => &[TopicRef::Disconnect],
            About::ConnectError(..) => &[TopicRef::ConnectError],
            About::Error => &[TopicRef::Error],
        };
        let Self { inner, common, own } = self;
        refresh(inner, common, own);
        let mut found = Found::new();
        let (mut common_spent, mut own_spent) = (false, false);
        for topic in topics {
            common_spent |= common.find(*topic, &mut found);
            own_spent |= own.find(*topic, &mut found);
        }
        let all = found.into_iter().rev().cloned().collect();
        if common_spent && let Some(listeners) = &inner.common {
            let _ = guarded(|| listeners.sweep());
        }
        if own_spent {
            let _ = guarded(|| inner.listeners.sweep());
        }
        if common_spent || own_spent {
            refresh(inner, common, own);
        }
        all
    }
}

/// Lets go of what was taken away: what it captures may be all that keeps a client alive. It is the application's, and
/// so are its destructors.
fn refresh(inner: &SocketInner, common: &mut Cached<Callback>, own: &mut Cached<Callback>) {
    let _ = guarded(|| {
        if let Some(listeners) = &inner.common {
            listeners.refresh(common);
        }
        inner.listeners.refresh(own);
    });
}
