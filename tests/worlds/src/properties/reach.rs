//! *reach*: a broadcast reaches exactly whom a map of sets says.

use std::collections::{BTreeMap, BTreeSet};

use super::Stay;

/// Who is in which rooms: of each namespace a map of sets.
#[derive(Debug, Default)]
pub(crate) struct Reach(BTreeMap<usize, BTreeMap<String, BTreeSet<Stay>>>);

/// The room in which everybody is.
const ALL: &str = "";

impl Reach {
    /// Somebody is there, in its own room.
    pub(crate) fn entered(&mut self, namespace: usize, stay: Stay, own: &str) {
        self.joined(namespace, stay, ALL);
        self.joined(namespace, stay, own);
    }

    pub(crate) fn joined(&mut self, namespace: usize, stay: Stay, room: &str) {
        let rooms = self.0.entry(namespace).or_default();
        rooms.entry(room.to_owned()).or_default().insert(stay);
    }

    pub(crate) fn left(&mut self, namespace: usize, stay: Stay, room: &str) {
        if let Some(members) = self.0.entry(namespace).or_default().get_mut(room) {
            members.remove(&stay);
        }
    }

    pub(crate) fn gone(&mut self, namespace: usize, stay: Stay) {
        for members in self.0.entry(namespace).or_default().values_mut() {
            members.remove(&stay);
        }
    }

    /// How many are in a namespace.
    pub(crate) fn members(&self, namespace: usize) -> usize {
        let rooms = self.0.get(&namespace);
        rooms
            .and_then(|rooms| rooms.get(ALL))
            .map_or(0, BTreeSet::len)
    }

    pub(crate) fn rooms(&self, namespace: usize, stay: Stay) -> BTreeSet<&str> {
        let rooms = self.0.get(&namespace).into_iter().flatten();
        let its = rooms.filter(|(room, members)| *room != ALL && members.contains(&stay));
        its.map(|(room, _)| &**room).collect()
    }

    /// Whom a broadcast is for. `None`: everybody's.
    pub(crate) fn of(
        &self,
        namespace: usize,
        to: Option<&[&str]>,
        except: &[&str],
        skip: Option<Stay>,
    ) -> BTreeSet<Stay> {
        let members = |room: &&str| {
            let rooms = self.0.get(&namespace);
            rooms
                .and_then(|rooms| rooms.get(*room))
                .into_iter()
                .flatten()
        };
        let mut all: BTreeSet<Stay> = to
            .unwrap_or(&[ALL])
            .iter()
            .flat_map(members)
            .copied()
            .collect();
        for stay in except.iter().flat_map(members).chain(&skip) {
            all.remove(stay);
        }
        all
    }

    pub(crate) fn server_died(&mut self) {
        self.0.clear();
    }
}
