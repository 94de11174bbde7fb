//! What the children of one parent hold together for other nodes: clients say how many children there are.

use std::collections::{BTreeMap, BTreeSet};

use sio_cluster::Config;
use sio_cluster::node::Node;
use sio_core::time::Instant;

/// All families, by their parents.
#[derive(Debug)]
pub(super) struct Families {
    /// Of each namespace that is somebody's child: whose, and what it holds.
    children: BTreeMap<u32, (usize, Share)>,
    all: BTreeMap<usize, Family>,
    /// Bytes that wait for the broker, in one family, and those that are on their way to the stream.
    waiting: usize,
    flying: usize,
}

#[derive(Debug, Default)]
struct Family {
    children: usize,
    waiting: usize,
    flying: usize,
    /// Since when the oldest of each waits that has any.
    oldest: BTreeSet<(Instant, u32)>,
}

/// What one of them holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    waiting: usize,
    flying: usize,
    oldest: Option<Instant>,
}

impl Families {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            children: BTreeMap::new(),
            all: BTreeMap::new(),
            waiting: config.outage_buffer,
            flying: config.append_window,
        }
    }

    /// A namespace comes, a child of that parent if it has one.
    pub(super) fn enter(&mut self, of: u32, parent: Option<usize>) {
        let Some(parent) = parent else {
            return;
        };
        self.children.insert(of, (parent, Share::default()));
        let family = self.all.entry(parent).or_default();
        family.children = family.children.saturating_add(1);
    }

    pub(super) fn leave(&mut self, of: u32) {
        self.put(of, Share::default());
        let Some((parent, _)) = self.children.remove(&of) else {
            return;
        };
        if let Some(family) = self.all.get_mut(&parent) {
            family.children = family.children.saturating_sub(1);
            if family.children == 0 {
                self.all.remove(&parent);
            }
        }
    }

    /// Says how much it may have on its way beside its siblings.
    pub(super) fn lend<T>(&self, of: u32, node: &mut Node<T>) {
        if let Some((parent, share)) = self.children.get(&of) {
            let family = self.all.get(parent).map_or(0, |family| family.flying);
            let others = family.saturating_sub(share.flying);
            node.limit_appends(self.flying.saturating_sub(others));
        }
    }

    /// Looks at what it holds.
    pub(super) fn weigh<T>(&mut self, of: u32, node: &Node<T>) {
        if self.children.contains_key(&of) {
            let status = node.status();
            self.put(
                of,
                Share {
                    waiting: status.buffered,
                    flying: status.unplaced,
                    oldest: node.oldest_waiting(),
                },
            );
        }
    }

    fn put(&mut self, of: u32, share: Share) {
        let Some((parent, before)) = self.children.get_mut(&of) else {
            return;
        };
        let before = std::mem::replace(before, share);
        if before == share {
            return;
        }
        let Some(family) = self.all.get_mut(parent) else {
            return;
        };
        let turned =
            |all: usize, before: usize, now| all.saturating_sub(before).saturating_add(now);
        family.waiting = turned(family.waiting, before.waiting, share.waiting);
        family.flying = turned(family.flying, before.flying, share.flying);
        if before.oldest != share.oldest {
            if let Some(at) = before.oldest {
                family.oldest.remove(&(at, of));
            }
            family.oldest.extend(share.oldest.map(|at| (at, of)));
        }
    }

    /// Who has waited longest in its family, if too much waits there.
    pub(super) fn over(&self, of: u32) -> Option<u32> {
        let (parent, _) = self.children.get(&of)?;
        let family = self.all.get(parent)?;
        let over = family.waiting > self.waiting;
        let oldest = family.oldest.first().filter(|_| over);
        oldest.map(|(_, of)| *of)
    }
}

#[cfg(test)]
mod tests {
    use sio_cluster::Dialect;
    use sio_cluster::id::Uid;
    use sio_cluster::message::To;
    use sio_cluster::node::Output;
    use sio_core::packet::{Args, Call};

    use super::*;

    fn node() -> Node<()> {
        Node::new(Config::new(Dialect::Classic, "/"), Uid::classic([7; 8]))
    }

    fn say(node: &mut Node<()>, at: u64) -> usize {
        let before = node.status().buffered;
        let call = Call {
            name: "e".into(),
            args: Args::default(),
        };
        let said = node.broadcast(Instant::from_nanos(at), call, To::default(), None);
        assert_eq!(said, Ok(()));
        node.status().buffered - before
    }

    #[test]
    fn children_of_one_parent_hold_together_what_one_namespace_may() {
        let mut nodes: Vec<_> = (0..3).map(|_| node()).collect();
        let size = say(&mut node(), 0);
        let mut config = Config::new(Dialect::Classic, "/");
        config.outage_buffer = 3 * size;
        let mut families = Families::new(&config);
        for of in 0..3 {
            families.enter(of, Some(usize::from(of == 2)));
        }
        // Three are the limit, of whichever child they are.
        for (of, at) in [(0, 1), (1, 2), (0, 3)] {
            say(&mut nodes[of as usize], at);
            families.weigh(of, &nodes[of as usize]);
            assert_eq!(families.over(of), None);
        }
        // One more: the oldest goes, whoever has said it. Another parent's children have room of their own.
        say(&mut nodes[1], 4);
        families.weigh(1, &nodes[1]);
        assert_eq!((families.over(1), families.over(2)), (Some(0), None));
        nodes[0].drop_oldest(Instant::from_nanos(4));
        families.weigh(0, &nodes[0]);
        assert_eq!(families.over(1), None);
        assert_eq!(nodes[0].oldest_waiting(), Some(Instant::from_nanos(3)));
        let told = |output| matches!(output, Output::Notice(_));
        assert!(nodes[0].poll().is_some_and(told));
        // What leaves takes its part with it.
        say(&mut nodes[1], 5);
        families.weigh(1, &nodes[1]);
        assert_eq!(families.over(1), Some(1));
        families.leave(0);
        assert_eq!(families.over(1), None);
        families.leave(1);
        families.leave(2);
        assert!(families.all.is_empty() && families.children.is_empty());
    }

    #[test]
    fn what_is_on_its_way_to_the_stream_is_shared_too() {
        let mut config = Config::new(Dialect::Streams, "/");
        config.append_window = 1000;
        let mut families = Families::new(&config);
        let share = |flying| Share {
            flying,
            ..Share::default()
        };
        let mut nodes = [1, 2].map(|of| {
            families.enter(of, Some(7));
            let mut node = Node::<u8>::new(config.clone(), Uid::cluster([7; 8]));
            node.handle_connected(Instant::ORIGIN);
            while let Some(output) = node.poll() {
                if let Output::Subscribe(to) = output {
                    node.handle_subscribed(Instant::ORIGIN, &to);
                }
            }
            assert!(node.status().up);
            node
        });
        let mut say = |families: &Families, of: u32, token| {
            let node = &mut nodes[of as usize - 1];
            families.lend(of, node);
            let call = Call {
                name: "e".into(),
                args: Args::default(),
            };
            let said = node.broadcast(Instant::ORIGIN, call, To::default(), Some(token));
            assert_eq!(said, Ok(()));
            let given_up = std::iter::from_fn(|| node.poll())
                .filter(|it| matches!(it, Output::Appended { at: None, .. }))
                .count();
            (node.status().unplaced, given_up)
        };
        let (size, given_up) = say(&families, 1, 1);
        assert!(size > 0 && given_up == 0);
        // The sibling has all but one byte of the rest: one more would be that byte too much.
        families.put(1, share(size));
        families.put(2, share(1000 - 2 * size));
        assert_eq!(say(&families, 1, 2), (2 * size, 0), "at the limit");
        families.put(2, share(1000 - 3 * size + 1));
        assert_eq!(say(&families, 1, 3), (2 * size, 1), "one past it");
    }
}
