//! What is told by many: answers to an event, and what nodes say.

use std::ops::{Deref, DerefMut};

/// What the nodes have told that were asked: as much of it as came in time. Stands for what was asked for
/// itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathered<T> {
    /// All that is known.
    pub value: T,
    /// How many nodes have not answered in time, or could not be asked: what they know is not in it.
    pub silent_nodes: usize,
}

impl<T> Gathered<T> {
    /// What is known, if so many nodes have said nothing.
    pub const fn new(value: T, silent_nodes: usize) -> Self {
        Self {
            value,
            silent_nodes,
        }
    }

    /// What this node knows, where there is no other.
    pub const fn here(value: T) -> Self {
        Self::new(value, 0)
    }

    /// Whether all nodes have answered.
    pub const fn is_complete(&self) -> bool {
        self.silent_nodes == 0
    }
}

impl<T> Deref for Gathered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Gathered<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: IntoIterator> IntoIterator for Gathered<T> {
    type Item = T::Item;
    type IntoIter = T::IntoIter;

    fn into_iter(self) -> T::IntoIter {
        self.value.into_iter()
    }
}
