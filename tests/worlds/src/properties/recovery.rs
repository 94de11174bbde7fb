//! *recovery*: who comes back as who it was is told all that it missed, once and in order, or there is a reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sio_core::recovery::{Expiry, Unrestored};
use sio_core::time::Instant;

use super::Stay;
use crate::failure::hold;

/// Sessions of which a server has said that they may come back, by what their clients present.
#[derive(Debug, Default)]
pub(crate) struct Recoveries(BTreeMap<String, Kept>);

#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: String,
    /// The stay that it is, or was.
    pub(crate) stay: Stay,
    pub(crate) namespace: usize,
    /// The rooms in which it was left, and when that was. `None`: it is there.
    away: Option<(BTreeSet<String>, Instant)>,
    /// By which places it has come back.
    by: Vec<String>,
}

/// What a world has drawn for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How long one may be away.
    pub(crate) longest: Duration,
    /// How long what was said is there for sure.
    pub(crate) kept: Duration,
    pub(crate) most: usize,
    pub(crate) packets: usize,
    /// Whether less is kept than one may miss.
    pub(crate) forgets: bool,
}

impl Recoveries {
    /// Somebody is there for the first time.
    pub(crate) fn entered(&mut self, pid: &str, id: &str, stay: Stay, namespace: usize) {
        let kept = Kept {
            id: id.to_owned(),
            stay,
            namespace,
            away: None,
            by: Vec::new(),
        };
        let before = self.0.insert(pid.to_owned(), kept);
        hold!(Recovery, before.is_none(), "{pid} is there already");
    }

    /// It has left.
    pub(crate) fn left(&mut self, stay: Stay, rooms: BTreeSet<String>, now: Instant, back: bool) {
        if back {
            let kept = self.0.values_mut().find(|kept| kept.stay == stay);
            if let Some(kept) = kept {
                kept.away = Some((rooms, now));
            }
        } else {
            self.0.retain(|_, kept| kept.stay != stay);
        }
    }

    /// Who is away, and in rooms that are meant.
    pub(crate) fn away(&self, namespace: usize, to: Option<&[&str]>, except: &[&str]) -> Vec<Stay> {
        let meant = |kept: &&Kept| {
            kept.namespace == namespace
                && kept.away.as_ref().is_some_and(|(rooms, _)| {
                    let is_in = |room: &&str| rooms.contains(*room);
                    to.is_none_or(|to| to.iter().any(is_in)) && !except.iter().any(is_in)
                })
        };
        self.0
            .values()
            .filter(meant)
            .map(|kept| kept.stay)
            .collect()
    }

    /// Whether a client that is away would come back from before the last time by this place, which it has seen.
    pub(crate) fn is_from_before(&self, pid: &str, offset: &str) -> bool {
        let kept = self.0.get(pid).filter(|kept| kept.away.is_some());
        let last = kept.and_then(|kept| kept.by.last());
        last.is_some_and(|last| !last.is_empty() && last != offset)
    }

    /// A client has come back, as this one. What it was, and the rooms that it was in if it was away.
    pub(crate) fn back(
        &mut self,
        (pid, offset): (&str, String),
        id: &str,
        stay: Stay,
        now: Instant,
        terms: Terms,
    ) -> (Stay, Option<BTreeSet<String>>) {
        let Some(kept) = self.0.get_mut(pid) else {
            hold!(Recovery, false, "{pid} comes back, and cannot");
            return (stay, None);
        };
        hold!(Recovery, kept.id == id, "{} comes back as {id}", kept.id);
        let last = kept.by.last();
        hold!(
            Recovery,
            !kept.by.contains(&offset) || kept.away.is_some() && last == Some(&offset),
            "{pid} comes back from {offset} once more: {kept:?}"
        );
        kept.by.push(offset);
        let before = std::mem::replace(&mut kept.stay, stay);
        let rooms = kept.away.take().map(|(rooms, since)| {
            let away = now.saturating_duration_since(since);
            hold!(
                Recovery,
                away < terms.longest,
                "{pid} comes back after {away:?}"
            );
            rooms
        });
        (before, rooms)
    }

    /// A client is told that it does not come back.
    pub(crate) fn not_back(&mut self, pid: &str, why: Unrestored, now: Instant, terms: Terms) {
        let Some(kept) = self.0.get(pid) else {
            hold!(
                Recovery,
                why == Unrestored::Unknown,
                "{pid} is nobody, and does not come back: {why:?}"
            );
            return;
        };
        let lived = now.saturating_duration_since(Instant::ORIGIN);
        let since = kept.away.as_ref().map(|(_, since)| *since);
        let away = since.map(|since| now.saturating_duration_since(since));
        let right = match why {
            // It is over just now, for its time or for others that have left.
            Unrestored::Unknown => {
                let crowded = self.figures(kept.namespace).1 > terms.most;
                away.is_some_and(|away| away >= terms.longest || crowded)
            }
            Unrestored::Used => !kept.by.is_empty(),
            Unrestored::Lost => lived >= terms.kept || terms.forgets,
            _ => false,
        };
        hold!(
            Recovery,
            right,
            "{pid} does not come back: {why:?}, {kept:?}"
        );
        if why == Unrestored::Lost {
            self.0.remove(pid);
        }
    }

    /// A session will not come back.
    pub(crate) fn expired(
        &mut self,
        id: &str,
        namespace: usize,
        why: Expiry,
        now: Instant,
        terms: Terms,
    ) {
        let at = |(pid, kept): (&String, &Kept)| {
            (kept.namespace == namespace && kept.id == id).then(|| pid.clone())
        };
        let pid = self.0.iter().find_map(at);
        if why == Expiry::Lost {
            return;
        }
        let (_, crowd) = self.figures(namespace);
        let kept = pid.and_then(|pid| self.0.remove(&pid));
        let since = kept.and_then(|kept| kept.away).map(|(_, since)| since);
        hold!(Recovery, since.is_some(), "{id} is over, and was not away");
        let away = now.saturating_duration_since(since.unwrap_or(now));
        let right = match why {
            Expiry::Late => away >= terms.longest,
            Expiry::Crowded => crowd > terms.most,
            Expiry::Lost | _ => false,
        };
        hold!(
            Recovery,
            right,
            "{id} is over after {away:?}, with {crowd} away: {why:?}"
        );
    }

    /// A client says that it is in.
    pub(crate) fn is_in(&self, stay: Option<Stay>, recovered: bool) {
        let kept = self.0.values().find(|kept| Some(kept.stay) == stay);
        let times = kept.map_or(0, |kept| kept.by.len());
        hold!(
            Recovery,
            kept.is_none() || recovered == (times > 0),
            "stay {stay:?} has come back {times} times, and its client says {recovered}"
        );
    }

    /// How many are there, and how many away.
    pub(crate) fn figures(&self, namespace: usize) -> (usize, usize) {
        let all = self.0.values().filter(|kept| kept.namespace == namespace);
        let (away, here): (Vec<_>, Vec<_>) = all.partition(|kept| kept.away.is_some());
        (here.len(), away.len())
    }

    pub(crate) fn server_died(&mut self) {
        self.0.clear();
    }
}
