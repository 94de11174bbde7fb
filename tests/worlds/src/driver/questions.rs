//! What servers ask each other.

use std::collections::BTreeSet;
use std::time::Duration;

use sio_sim::{Data, Sim, Socket, State};

use super::afar::ON_ITS_WAY;
use super::application::{Asking, Node};
use super::broker::BROKER;
use super::model::{Among, Book, Known, Life, lock, now};
use super::options::{ACK, ANSWERS};

/// How many questions there are.
pub(super) const QUESTIONS: u64 = 5;

/// How much later than its time a question may end, where nobody stands still.
const SLACK: Duration = Duration::from_secs(1);

/// So long all have been well when all of them answer: a broker that was away may count too few at first.
const SETTLED: Duration = Duration::from_secs(4);

/// A question: who has asked it, and when.
struct Question<'a> {
    book: &'a Book,
    node: usize,
    namespace: String,
    began: Duration,
}

/// Asks the other nodes something: it ends once, by its time, and is complete or says that it is not.
pub(super) async fn survey(
    socket: Socket,
    State(book): State<Book>,
    State(Node(node)): State<Node>,
    Data((number, what)): Data<(u64, u64)>,
) {
    let id = socket.id().to_string();
    {
        let mut model = lock(&book);
        model.told(&id, number);
        model.asked += 1;
    }
    let _asking = Asking(book.clone());
    let namespace = socket.namespace();
    let question = Question {
        book: &book,
        node,
        namespace: namespace.name().to_owned(),
        began: now(),
    };
    match what {
        0 => {
            let found = namespace.fetch_sockets().await;
            if let Ok(found) = found {
                let ids = found.iter().map(|it| it.id.to_string()).collect();
                question.sockets(ids, found.silent_nodes);
            }
        }
        1 => {
            let answers = namespace.server_side_ask("poll", &number, None).await;
            if let Ok(answers) = answers {
                let told = answers.iter();
                let told = told.filter_map(|it| it.args.get(0).ok()).collect();
                question.servers(told, answers.silent_nodes, number % 5 < 4);
            }
        }
        2 => {
            if let Ok(rooms) = namespace.rooms().await {
                question.rooms(&rooms, rooms.is_complete());
            }
        }
        3 => {
            if let Ok(count) = socket.namespace().adapter().server_count().await {
                question.count(count);
            }
        }
        _ => {
            let said = lock(&book).say(&id, &Among::All, true);
            let replies = namespace.emit_with_ack::<(String, u64)>("who", &said).await;
            if let Ok(replies) = replies {
                let answers = replies
                    .answers
                    .iter()
                    .filter_map(|(_, it)| it.as_ref().ok());
                let others = replies.others.iter().filter_map(|it| it.as_ref().ok());
                question.replies(answers.chain(others), said);
            }
        }
    }
    let longest = if what == 4 { ACK } else { ANSWERS };
    question.ends(longest);
}

impl Question<'_> {
    fn breaks(&self, property: &str, seen: &str) {
        let seen = format!("node {} asks since {:?}: {seen}", self.node, self.began);
        lock(self.book).breaks(property, &seen);
    }

    /// All nodes were well for as long as it was asked, and before.
    fn is_calm(&self) -> bool {
        let model = lock(self.book);
        let since = self.began.saturating_sub(SETTLED);
        since > Duration::ZERO && model.nodes.are_well_since(since)
    }

    /// It ends in time, if none of those stood still whom it takes.
    fn ends(&self, longest: Duration) {
        let sim = Sim::current().expect("it runs in a world");
        let (took, faults) = (now() - self.began, sim.faults());
        let excused = {
            let mut model = lock(self.book);
            model.excuses.look(&faults);
            let server = model.nodes.server(self.node).to_owned();
            let excuses = &model.excuses;
            [&*server, BROKER]
                .iter()
                .any(|it| excuses.has_only(it, now()))
        };
        if took > longest + SLACK && !excused {
            self.breaks("ack", &format!("it took {took:?}"));
        }
    }

    /// Those who are there are these.
    fn sockets(&self, ids: Vec<String>, silent: usize) {
        let calm = self.is_calm() && silent == 0;
        let all: BTreeSet<_> = ids.iter().cloned().collect();
        if all.len() < ids.len() && lock(self.book).nodes.is_polite() {
            return self.breaks("cluster", &format!("somebody is there twice: {ids:?}"));
        }
        let model = lock(self.book);
        let stays = |known: &Known| {
            let while_asked = known.since < self.began && known.until > now();
            let there = known.life == Life::Connected && known.namespace == self.namespace;
            there && while_asked && (calm || known.node == self.node)
        };
        let mut sockets = model.sockets();
        let missing = sockets.find(|(id, known)| stays(known) && !all.contains(*id));
        let missing = missing.map(|(id, _)| id.clone());
        drop(sockets);
        let gone = all.iter().find(|id| {
            let known = model.sockets().find(|(its, _)| its == id);
            known.is_none_or(|(_, it)| {
                it.until.saturating_add(ON_ITS_WAY) < self.began && it.life != Life::Crashed
            })
        });
        let gone = gone.cloned();
        drop(model);
        if let Some(id) = missing {
            self.breaks("cluster", &format!("{id} is not among {all:?}"));
        } else if let Some(id) = gone {
            self.breaks("cluster", &format!("{id} has gone, and is among {all:?}"));
        }
    }

    /// So many servers have answered.
    fn servers(&self, told: Vec<usize>, silent: usize, answered: bool) {
        let nodes: BTreeSet<_> = told.iter().collect();
        let others = lock(self.book).nodes.alive() - 1;
        let twice = nodes.len() < told.len() || nodes.contains(&self.node);
        if twice && lock(self.book).nodes.is_polite() {
            self.breaks("cluster", &format!("{told:?} have answered"));
        } else if answered && silent == 0 && self.is_calm() && told.len() != others {
            self.breaks("cluster", &format!("{told:?} have answered, of {others}"));
        }
    }

    fn rooms(&self, rooms: &[String], complete: bool) {
        let calm = complete && self.is_calm();
        let names: BTreeSet<_> = rooms.iter().collect();
        let model = lock(self.book);
        let stays = |known: &Known| {
            let there = known.life == Life::Connected && known.namespace == self.namespace;
            there && known.since < self.began && (calm || known.node == self.node)
        };
        let mut sockets = model.sockets();
        let missing = sockets.find(|(id, known)| stays(known) && !names.contains(id));
        let missing = missing.map(|(id, _)| id.clone());
        drop(sockets);
        drop(model);
        if names.len() < rooms.len() || missing.is_some() {
            self.breaks(
                "cluster",
                &format!("the rooms are {rooms:?}, without {missing:?}"),
            );
        }
    }

    fn count(&self, count: usize) {
        let alive = lock(self.book).nodes.alive();
        if self.is_calm() && count != alive {
            self.breaks(
                "cluster",
                &format!("{count} servers are told of, of {alive}"),
            );
        }
    }

    /// Each who has answered is another, and was asked for this.
    fn replies<'a>(&self, answers: impl Iterator<Item = &'a (String, u64)>, said: u64) {
        let answers: Vec<_> = answers.collect();
        // A client may be there with two sockets, but not in one namespace.
        let names: BTreeSet<_> = answers.iter().map(|(name, _)| name).collect();
        let others = answers.iter().any(|(_, number)| *number != said);
        let twice = names.len() < answers.len();
        if others || twice && lock(self.book).nodes.is_polite() && self.is_calm() {
            self.breaks("ack", &format!("{said} is answered by {answers:?}"));
        }
    }
}
