//! Tables whose places are used again.
//!
//! A [`Key`] is a place and a number that nobody else gets there for a long time: once what it was given for
//! is gone, it names nobody, whoever has the place by then.

use std::hash::{Hash, Hasher};
use std::ops::DerefMut;

use smallvec::SmallVec;

/// Names what was put into a table; nobody, once that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    slot: u32,
    generation: u32,
}

impl Key {
    /// As it was written down. One that was never given out names nobody.
    pub(crate) const fn new(slot: u32, generation: u32) -> Self {
        Self { slot, generation }
    }

    /// The place.
    pub(crate) const fn slot(self) -> u32 {
        self.slot
    }

    /// What nobody else has there.
    pub(crate) const fn generation(self) -> u32 {
        self.generation
    }
}

/// A place, with somebody in it or without.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Place<T> {
    generation: u32,
    /// Which of those in a [`Pool`] it is. Beside the generation it takes no room.
    at: u32,
    value: Option<T>,
}

/// Where places lie.
pub(crate) trait Places: DerefMut<Target = [Place<Self::Item>]> + Default {
    /// What is in them.
    type Item;

    fn push(&mut self, place: Place<Self::Item>);

    fn pop(&mut self);
}

impl<T> Places for Vec<Place<T>> {
    type Item = T;

    fn push(&mut self, place: Place<T>) {
        // Many have one and no more.
        if self.is_empty() {
            self.reserve_exact(1);
        }
        self.push(place);
    }

    fn pop(&mut self) {
        self.pop();
    }
}

impl<T> Places for SmallVec<[Place<T>; 1]> {
    type Item = T;

    fn push(&mut self, place: Place<T>) {
        self.push(place);
    }

    fn pop(&mut self) {
        self.pop();
    }
}

/// A table whose owner says which place is used again.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Arena<P> {
    places: P,
    /// The next one's. Drawn for all places together, so that one that was given back may come again.
    generation: u32,
}

impl<P: Places> Arena<P> {
    pub(crate) fn new() -> Self {
        Self {
            places: P::default(),
            generation: 0,
        }
    }

    /// Into a place of its own, behind all others.
    pub(crate) fn push(&mut self, value: P::Item) -> Key {
        let slot = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(Place {
            generation: 0,
            at: 0,
            value: None,
        });
        self.put(slot, value)
    }

    /// Into a place that there is. Whoever was there is gone.
    pub(crate) fn put(&mut self, slot: u32, value: P::Item) -> Key {
        let generation = self.generation;
        self.generation = generation.wrapping_add(1);
        if let Some(place) = self.places.get_mut(slot as usize) {
            place.generation = generation;
            place.value = Some(value);
        }
        Key { slot, generation }
    }

    /// Out of its place, which stays.
    pub(crate) fn take(&mut self, key: Key) -> Option<P::Item> {
        self.places
            .get_mut(key.slot as usize)
            .filter(|place| place.generation == key.generation)?
            .value
            .take()
    }

    /// Gives the places at the end back that nobody is in.
    pub(crate) fn trim(&mut self) {
        while self.places.last().is_some_and(|it| it.value.is_none()) {
            self.places.pop();
        }
    }

    pub(crate) fn get(&self, key: Key) -> Option<&P::Item> {
        let place = self.places.get(key.slot as usize)?;
        place
            .value
            .as_ref()
            .filter(|_| place.generation == key.generation)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut P::Item> {
        let place = self.places.get_mut(key.slot as usize)?;
        place
            .value
            .as_mut()
            .filter(|_| place.generation == key.generation)
    }

    /// Whoever is in a place.
    pub(crate) fn at(&self, slot: u32) -> Option<(Key, &P::Item)> {
        let place = self.places.get(slot as usize)?;
        let key = Key {
            slot,
            generation: place.generation,
        };
        place.value.as_ref().map(|value| (key, value))
    }

    /// Whoever is in a place.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut P::Item> {
        self.places.get_mut(slot as usize)?.value.as_mut()
    }

    /// All of them, in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &P::Item)> {
        self.places.iter().zip(0u32..).filter_map(|(place, slot)| {
            let key = Key {
                slot,
                generation: place.generation,
            };
            place.value.as_ref().map(|value| (key, value))
        })
    }

    /// How many places there are, with somebody in them or without.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }
}

/// A table that knows its places, those with somebody in them and those without.
#[derive(Clone, Debug)]
pub(crate) struct Pool<T> {
    arena: Arena<Vec<Place<T>>>,
    /// Places without anybody, the latest last.
    free: Vec<u32>,
    /// Places with somebody. Walked, since a crowd that has left may have left many places between them.
    taken: Vec<u32>,
}

impl<T: Hash> Hash for Pool<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { arena, free, taken } = self;
        (arena, taken).hash(state);
        hash_free(free, arena.places.len(), state);
    }
}

impl<T> Pool<T> {
    pub(crate) fn new() -> Self {
        Self {
            arena: Arena::new(),
            free: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Into the place that was left last, or one of its own.
    pub(crate) fn insert(&mut self, value: T) -> Key {
        let key = match self.vacant() {
            Some(slot) => self.arena.put(slot, value),
            None => self.arena.push(value),
        };
        self.note(key.slot, self.taken.len());
        self.taken.push(key.slot);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let value = self.arena.take(key)?;
        let at = self.arena.places.get(key.slot as usize)?.at as usize;
        self.free.push(key.slot);
        if at < self.taken.len() {
            self.taken.swap_remove(at);
        }
        if let Some(moved) = self.taken.get(at) {
            self.note(*moved, at);
        }
        Some(value)
    }

    /// A place is this one of those that are taken.
    fn note(&mut self, slot: u32, at: usize) {
        if let Some(place) = self.arena.places.get_mut(slot as usize) {
            place.at = u32::try_from(at).unwrap_or(u32::MAX);
        }
    }

    /// Gives memory back once a crowd has left. What remains decides how often: each time most of it has
    /// gone. Places before one who stays wait for others.
    pub(crate) fn shrink(&mut self) {
        self.arena.trim();
        let places = &mut self.arena.places;
        if is_loose(places.capacity(), places.len()) {
            places.shrink_to(places.len().saturating_mul(2));
            self.free.retain(|at| (*at as usize) < places.len());
            self.free.shrink_to_fit();
        }
        if is_loose(self.taken.capacity(), self.taken.len()) {
            self.taken.shrink_to(self.taken.len().saturating_mul(2));
        }
    }

    fn vacant(&mut self) -> Option<u32> {
        // What was given back may still be named, and be taken again since.
        while let Some(slot) = self.free.pop() {
            let place = self.arena.places.get(slot as usize);
            if place.is_some_and(|place| place.value.is_none()) {
                return Some(slot);
            }
        }
        None
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.arena.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.arena.get_mut(key)
    }

    /// Whoever is in a place.
    pub(crate) fn at(&self, slot: u32) -> Option<(Key, &T)> {
        self.arena.at(slot)
    }

    /// Whoever is in a place.
    pub(crate) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.arena.at_mut(slot)
    }

    /// All of them. Who leaves has the last one take its turn.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.taken.iter().filter_map(|slot| self.arena.at(*slot))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.taken.len()
    }

    /// Places that are kept, and room for naming them.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.arena.places.capacity() + self.free.capacity() + self.taken.capacity()
    }
}

/// Feeds which places are free. Those that were given back since are still named until memory is, which hangs on how
/// much there is: a clone has less. Nobody is put there by such a name, as no place comes while one is left.
pub(crate) fn hash_free(free: &[u32], places: usize, state: &mut impl Hasher) {
    let there = free.iter().filter(|at| (**at as usize) < places);
    for at in there.clone() {
        at.hash(state);
    }
    there.count().hash(state);
}

/// Whether so much of some memory is unused that it is worth moving the rest.
pub(crate) const fn is_loose(capacity: usize, used: usize) -> bool {
    capacity > LOOSE && capacity / 4 >= used
}

/// Elements for which memory is kept, whether there are any or not.
const LOOSE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_nobody_else() {
        let mut pool = Pool::new();
        let keys: Vec<_> = (0..3).map(|n| pool.insert(n)).collect();
        assert_eq!(pool.remove(keys[1]), Some(1));
        assert_eq!(pool.remove(keys[1]), None);
        let again = pool.insert(7);
        assert_eq!(again.slot(), keys[1].slot(), "its place is used again");
        assert_eq!((pool.get(keys[1]), pool.get(again)), (None, Some(&7)));
        assert_eq!(pool.len(), 3);
        let all: Vec<_> = pool.iter().map(|(_, value)| *value).collect();
        assert_eq!(all, [0, 2, 7]);
    }

    #[test]
    fn what_was_given_back_comes_again_with_other_keys() {
        let mut pool = Pool::new();
        let keys: Vec<_> = (0..1000).map(|n| pool.insert(n)).collect();
        for key in &keys {
            pool.remove(*key);
            pool.shrink();
        }
        assert!(pool.kept() <= 3 * LOOSE, "{}", pool.kept());
        let again: Vec<_> = (0..1000).map(|n| pool.insert(n)).collect();
        assert!(keys.iter().all(|key| pool.get(*key).is_none()));
        assert!(again.iter().all(|key| pool.get(*key).is_some()));
    }

    #[test]
    fn an_arena_uses_the_place_that_it_is_told() {
        let mut arena: Arena<SmallVec<[Place<u8>; 1]>> = Arena::new();
        let (a, b) = (arena.push(1), arena.push(2));
        let c = arena.put(a.slot(), 3);
        assert_eq!((arena.get(a), arena.get(c)), (None, Some(&3)));
        assert_eq!(arena.take(b), Some(2));
        assert_eq!((arena.places(), arena.at(b.slot())), (2, None));
        arena.trim();
        assert_eq!(arena.places(), 1);
    }
}
