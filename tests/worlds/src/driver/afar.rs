//! What is said at one node of a cluster and heard at another.
//!
//! Nobody hears it twice, or in another order than its sender has said it, or where it is not meant. And it is heard,
//! unless somebody was told that it may not be: the node that has said it, or the one that was to hear it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sio_sim::ClusterEvent;

use super::application::NAMESPACES;
use super::model::{Among, Known, now};
use super::options::{Kind, Together};

/// Something that was said.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) number: u64,
    pub(super) at: Duration,
    /// The process that has said it.
    pub(super) node: usize,
    pub(super) namespace: String,
    pub(super) among: Among,
    pub(super) volatile: bool,
}

/// Within which it has come to other nodes, where nothing goes wrong.
pub(super) const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// The same to clients, some of which come by polling while bytes take their time.
pub(super) const TO_CLIENTS: Duration = Duration::from_secs(10);

/// What does not hold: a property, and what was seen.
type Broken = (&'static str, String);

/// What somebody hears of other nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    heard: BTreeSet<u64>,
    /// The last of each node, of what a stream brings apart from the rest.
    last: BTreeMap<(usize, bool), u64>,
    owed: BTreeMap<u64, Said>,
}

impl Ear {
    pub(super) fn owes(&mut self, said: &Said) {
        self.owed.insert(said.number, said.clone());
    }

    pub(super) fn owed(&self) -> impl Iterator<Item = &Said> {
        self.owed.values()
    }

    /// It is owed no more than this.
    pub(super) fn forget(&mut self, still: impl Fn(&Said) -> bool) {
        self.owed.retain(|_, said| still(said));
    }

    fn hears(&mut self, said: &Said, nodes: &Nodes) -> Result<(), Broken> {
        self.owed.remove(&said.number);
        if !nodes.keeps_order(said) {
            return Ok(());
        }
        let number = said.number;
        if !self.heard.insert(number) {
            return Err(("cluster", format!("{number} comes twice")));
        }
        // Beside the stream it may overtake, and be overtaken.
        let lane = (said.node, nodes.is_streamed(said));
        let last = self.last.entry(lane).or_default();
        if number < *last {
            return Err(("cluster", format!("{number} comes behind {last}")));
        }
        *last = number;
        Ok(())
    }
}

impl Known {
    /// It has heard something that was said at another node.
    pub(super) fn hears_afar(
        &mut self,
        id: &str,
        said: &Said,
        nodes: &Nodes,
    ) -> Result<(), Broken> {
        let guest = self.guest.clone();
        if said.namespace != self.namespace || !said.may_be_for(id, self) {
            return Err(("reach", format!("{guest} hears {said:?} on {id}")));
        }
        let heard = self.ear.hears(said, nodes);
        heard.map_err(|(property, seen)| (property, format!("to {guest} on {id}, {seen}")))
    }
}

impl Said {
    /// Whether it may be meant for a socket of another node: it counts where that was when it came there.
    fn may_be_for(&self, id: &str, known: &Known) -> bool {
        let moved = |room: &String| known.moved.get(room).is_some_and(|at| *at >= self.at);
        let is_in = |room: &String| known.rooms.contains(room);
        match &self.among {
            Among::All | Among::Others => true,
            Among::Room(room) | Among::OthersIn(room) => is_in(room) || moved(room),
            Among::Except(room) => !is_in(room) || moved(room),
            Among::Only(it) => it == id,
            Among::Here | Among::One | Among::Servers => false,
        }
    }

    /// Whether it is, as long as that socket stays where it is.
    pub(super) fn is_surely_for(&self, id: &str, known: &Known) -> bool {
        match &self.among {
            Among::All | Among::Others => true,
            Among::Room(room) | Among::OthersIn(room) => known.reached.contains(room),
            Among::Except(room) => !known.rooms.contains(room),
            Among::Only(it) => it == id && known.reached.contains(id),
            Among::Here | Among::One | Among::Servers => false,
        }
    }
}

/// The processes that there were.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    all: Vec<Node>,
    /// When a line was cut last: who comes back is not counted at once.
    cut: Duration,
    pub(super) together: Option<Together>,
}

/// A process of a server.
#[derive(Debug)]
struct Node {
    server: String,
    /// The namespaces in which others are reached.
    up: BTreeSet<String>,
    /// Since when all of them are.
    whole: Duration,
    /// When something was told last of which it follows that not all may come.
    troubled: Duration,
    /// Its line was cut, and it has not heard so: while it stands still it does not, and is not counted already.
    cut_off: bool,
    /// Whether it was reached at all.
    joined: bool,
    gone: Option<Duration>,
    /// What its servers hear, by namespace.
    servers: BTreeMap<String, Ear>,
}

impl Nodes {
    /// A process begins: its number.
    pub(super) fn begin(&mut self, server: &str) -> usize {
        self.all.push(Node {
            server: server.to_owned(),
            up: BTreeSet::new(),
            whole: Duration::MAX,
            troubled: now(),
            cut_off: false,
            joined: false,
            gone: None,
            servers: BTreeMap::new(),
        });
        self.all.len() - 1
    }

    pub(super) fn server(&self, node: usize) -> &str {
        self.all.get(node).map_or("", |it| &it.server)
    }

    pub(super) fn crash(&mut self, server: &str) {
        let its = self.all.iter_mut().filter(|it| it.server == server);
        its.for_each(|it| {
            it.gone.get_or_insert(now());
        });
    }

    /// The line of a server was cut.
    pub(super) fn cut(&mut self, server: &str) {
        self.cut = now();
        let its = self.all.iter_mut().filter(|it| it.server == server);
        its.for_each(|it| it.cut_off = true);
    }

    /// Those that have not ended.
    pub(super) fn alive(&self) -> usize {
        self.all.iter().filter(|it| it.gone.is_none()).count()
    }

    fn is_of(&self, kind: Kind) -> bool {
        self.together.as_ref().is_some_and(|it| it.kind == kind)
    }

    /// Whether the broker keeps what is said in its order, and loses nothing but with a line.
    pub(super) fn is_polite(&self) -> bool {
        self.together.as_ref().is_some_and(|it| !it.rude)
    }

    fn keeps_order(&self, said: &Said) -> bool {
        self.is_polite() || self.is_streamed(said)
    }

    /// What an application hears of its cluster.
    pub(super) fn tell(&mut self, node: usize, namespace: &str, event: &ClusterEvent) {
        let streams = self.is_of(Kind::Streams);
        let Some(it) = self.all.get_mut(node) else {
            return;
        };
        let now = now();
        if matches!(event, ClusterEvent::Up | ClusterEvent::Down { .. }) {
            it.cut_off = false;
        }
        match event {
            ClusterEvent::Up => {
                it.up.insert(namespace.to_owned());
                if it.up.len() == NAMESPACES.len() {
                    it.whole = now;
                    if !it.joined && streams {
                        // Reading begins a moment later.
                        it.troubled = now + ON_ITS_WAY;
                    }
                    it.joined = true;
                }
            }
            ClusterEvent::Down { .. } => {
                it.up.remove(namespace);
                it.whole = Duration::MAX;
            }
            ClusterEvent::Lost { .. } | ClusterEvent::Overflow { .. } => it.troubled = now,
            ClusterEvent::NodeGone { .. } | ClusterEvent::Foreign { .. } | _ => {}
        }
    }

    /// The broker stands still so long: who comes meanwhile is not there yet.
    pub(super) fn waits(&mut self, until: Duration) {
        for it in self.all.iter_mut().filter(|it| !it.joined) {
            it.troubled = it.troubled.max(until + ON_ITS_WAY);
        }
    }

    /// Whether it goes by a stream: what that has while a line is cut is read when it is back.
    fn is_streamed(&self, said: &Said) -> bool {
        self.is_of(Kind::Streams) && !said.volatile && !matches!(said.among, Among::Servers)
    }

    fn is_sound(&self, node: usize, at: Duration, streamed: bool) -> bool {
        self.all.get(node).is_some_and(|it| {
            // What is said as it comes back may have been said before.
            let reached = streamed || it.whole < at;
            it.gone.is_none() && it.joined && reached && it.troubled < at
        })
    }

    /// Whether the broker is there for a node, since that time.
    pub(super) fn is_whole(&self, node: usize, since: Duration) -> bool {
        self.all.get(node).is_some_and(|it| it.whole <= since)
    }

    /// Whether all that run are joined.
    pub(super) fn are_whole(&self) -> bool {
        let mut alive = self.all.iter().filter(|it| it.gone.is_none());
        self.together.is_none() || alive.all(|it| it.whole < Duration::MAX)
    }

    /// Whether others are to hear this: nothing has been said against it at this node.
    pub(super) fn tells(&self, said: &Said) -> bool {
        self.keeps_order(said) && self.is_sound(said.node, said.at, self.is_streamed(said))
    }

    /// The same at both ends.
    pub(super) fn tells_both(&self, said: &Said, node: usize) -> bool {
        self.tells(said) && self.is_sound(node, said.at, self.is_streamed(said))
    }

    /// Whether all nodes that there are have been well since that time, and none has gone.
    pub(super) fn are_well_since(&self, at: Duration) -> bool {
        let numbers = 0..self.all.len();
        self.is_polite()
            && (self.cut < at || self.cut.is_zero())
            && numbers.clone().all(|node| match self.all[node].gone {
                Some(gone) => gone < at,
                None => !self.all[node].cut_off && self.is_sound(node, at, false),
            })
    }

    /// The servers of other nodes are to hear this.
    pub(super) fn owe(&mut self, said: &Said) {
        if !self.tells(said) {
            return;
        }
        let others = self.all.iter_mut().enumerate();
        for (_, it) in others.filter(|(node, it)| *node != said.node && it.gone.is_none()) {
            let ear = it.servers.entry(said.namespace.clone()).or_default();
            ear.owes(said);
        }
    }

    /// It could not be said.
    pub(super) fn forget(&mut self, number: u64) {
        let ears = self.all.iter_mut().flat_map(|it| it.servers.values_mut());
        ears.for_each(|ear| ear.forget(|said| said.number != number));
    }

    pub(super) fn hears(
        &mut self,
        node: usize,
        namespace: &str,
        said: &Said,
    ) -> Result<(), Broken> {
        if said.node == node || said.namespace != namespace {
            return Err(("reach", format!("the server of node {node} hears {said:?}")));
        }
        let Some(it) = self.all.get_mut(node) else {
            return Ok(());
        };
        let mut ear = std::mem::take(it.servers.entry(namespace.to_owned()).or_default());
        let heard = ear.hears(said, self);
        self.all[node].servers.insert(namespace.to_owned(), ear);
        heard
            .map_err(|(property, seen)| (property, format!("to the server of node {node}, {seen}")))
    }

    /// What a server has not heard, of what it should have by now.
    pub(super) fn unheard(&self, late: impl Fn(&Said, usize) -> bool) -> Option<String> {
        for (node, it) in self.all.iter().enumerate() {
            let owed = it.servers.values().flat_map(Ear::owed);
            let mut owed = owed.filter(|said| self.tells_both(said, node));
            if let Some(said) = owed.find(|said| late(said, node)) {
                return Some(format!("the server of node {node} has not heard {said:?}"));
            }
        }
        None
    }
}
