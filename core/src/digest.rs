//! What a machine's state is told to a hasher by, so that two runs can be compared step by step.
//!
//! A digest is fed all that can make a difference to what a machine does next, in an order that is the same
//! in each run; what it was configured with is left out.

use std::hash::{Hash, Hasher};
use std::ops::Deref;

use http::{HeaderMap, HeaderName};

/// What a digest leaves out: configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Apart<T>(pub(crate) T);

impl<T> Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Hash for Apart<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Feeds the headers of a request or of a response: in the order of their names, which is not that of their map.
pub(crate) fn headers(headers: &HeaderMap, state: &mut impl Hasher) {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    for name in names {
        name.hash(state);
        for value in headers.get_all(name) {
            value.hash(state);
        }
    }
    headers.len().hash(state);
}

/// The digest of a machine as a number, for tests.
#[cfg(test)]
pub(crate) fn of(feed: impl FnOnce(&mut std::hash::DefaultHasher)) -> u64 {
    let mut state = std::hash::DefaultHasher::new();
    feed(&mut state);
    state.finish()
}
