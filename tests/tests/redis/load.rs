//! Two servers of ours that speak all the time over one Redis, whatever befalls it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sio_redis::{Dialect, Options, Redis};
use sio_tokio::{AdapterError, ClusterEvent, Config, Io};

use crate::client::Client;
use crate::here::{Task, in_time, sleep, spawn};
use crate::node::{Binding, Node, join, options};

/// How long anything may take: never a measure, only an end.
const END: Duration = Duration::from_secs(120);

/// How far a server is ahead of what the other's client has heard before it speaks more slowly: no more than a part of
/// what a stream keeps.
const AHEAD: u64 = 2000;

/// So many of each are heard before nothing is taken to be wrong.
const STEADY: u64 = 20;

/// Both servers, by the place of each: each speaks, and each has a client that listens.
pub(crate) struct Load {
    nodes: [Node; 2],
    speakers: [Arc<Speaker>; 2],
    listeners: [Listener; 2],
    threads: Vec<JoinHandle<()>>,
    dialect: Dialect,
    /// What must not be missing at the other server: of whom, from where, up to where.
    whole: Vec<(usize, u64, u64)>,
    asked: Vec<Task<()>>,
}

struct Speaker {
    io: Io,
    place: usize,
    /// The number that is said next.
    next: AtomicU64,
    over: AtomicBool,
}

struct Listener {
    /// What it has heard of each server, in order.
    heard: Arc<Mutex<[Vec<u64>; 2]>>,
    listens: Task<()>,
}

/// Options in which nothing is let go that a slow machine cannot say in time.
pub(crate) fn patient(dialect: Dialect, key: &str) -> Options {
    let mut options = options(dialect, key);
    options.node.outage_age = END;
    options.node.outage_buffer = 64 << 20;
    options.node.heard = END * 10;
    options
}

impl Load {
    pub(crate) async fn new(redis: [Redis; 2], options: &Options, config: Config) -> Self {
        let dialect = options.node.dialect;
        let bindings = [Binding::Tokio, Binding::Smol];
        let [first, second] = redis;
        let nodes = [
            Node::with(bindings[0], first, options.clone(), config.clone()).await,
            Node::with(bindings[1], second, options.clone(), config).await,
        ];
        let mut listeners = Vec::new();
        for node in &nodes {
            let (mut client, _) = node.world.join().await;
            join(&mut client, "load").await;
            listeners.push(Listener::new(client));
        }
        let speakers = [0, 1].map(|place| {
            Arc::new(Speaker {
                io: nodes[place].io().clone(),
                place,
                next: AtomicU64::new(0),
                over: AtomicBool::new(false),
            })
        });
        let listeners: [Listener; 2] = listeners.try_into().ok().expect("there are two");
        let threads = speakers.iter().map(|speaker| {
            let its = speaker.clone();
            let elsewhere = listeners[1 - speaker.place].heard.clone();
            std::thread::spawn(move || its.speak(&elsewhere))
        });
        Self {
            threads: threads.collect(),
            nodes,
            speakers,
            listeners,
            dialect,
            whole: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn next(&self, of: usize) -> u64 {
        self.speakers[of].next.load(Ordering::SeqCst)
    }

    pub(crate) fn is_up(&self, of: usize) -> bool {
        self.nodes[of].io().adapter().status().up
    }

    /// Waits until that server takes its Redis for gone.
    pub(crate) async fn is_away(&self, of: usize) {
        eventually("the outage", || !self.is_up(of)).await;
    }

    /// Its own client hears what that server says from now on.
    pub(crate) async fn is_heard_here(&self, of: usize) {
        let from = self.next(of);
        eventually("what is said here", || {
            self.listeners[of].last(of) >= Some(from)
        })
        .await;
    }

    /// Waits until both servers hear all that they say: it must not be missing. What they have told of the cluster
    /// since the last time.
    pub(crate) async fn is_whole(&mut self) -> Vec<ClusterEvent> {
        let mut told = Vec::new();
        loop {
            eventually("Redis", || self.is_up(0) && self.is_up(1)).await;
            for node in &self.nodes {
                within("the count", async {
                    while node.io().adapter().server_count().await != Ok(2) {
                        sleep(Duration::from_millis(5)).await;
                    }
                })
                .await;
                told.extend(node.events());
            }
            let from = [self.next(0), self.next(1)];
            // Where Redis is lost once more meanwhile, which is told, nothing is known.
            eventually("what is said elsewhere", || {
                !self.is_up(0) || !self.is_up(1) || (0..2).all(|of| self.has_arrived(of, from[of]))
            })
            .await;
            let since = self.nodes.each_ref().map(Node::events).concat();
            let was_lost = since.iter().any(is_loss);
            told.extend(since);
            if !was_lost && self.is_up(0) && self.is_up(1) {
                let whole = (0..2).map(|of| (of, from[of], from[of] + STEADY));
                self.whole.extend(whole);
                return told;
            }
        }
    }

    fn has_arrived(&self, of: usize, from: u64) -> bool {
        self.listeners[1 - of].last(of) >= Some(from + STEADY)
    }

    /// Asks of each server what there is to ask: each question ends, and says whether all have answered.
    pub(crate) fn asks(&mut self) {
        for node in &self.nodes {
            let (io, dialect) = (node.io().clone(), self.dialect);
            self.asked.push(spawn(ask(io, dialect)));
        }
    }

    /// All that was asked has ended.
    pub(crate) async fn is_answered(&mut self) {
        for question in std::mem::take(&mut self.asked) {
            let answered = within("an answer", question.end()).await;
            answered.expect("it is as it must be");
        }
    }

    /// Nothing is said any more; what was heard is as it must be.
    pub(crate) async fn ends(mut self) {
        self.is_answered().await;
        for speaker in &self.speakers {
            speaker.over.store(true, Ordering::SeqCst);
        }
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
        let last = [self.next(0), self.next(1)].map(|next| next.checked_sub(1));
        eventually("the last word", || {
            (0..2).all(|of| (0..2).all(|at| self.listeners[at].last(of) == last[of]))
        })
        .await;
        for (at, listener) in self.listeners.iter().enumerate() {
            listener.listens.abort();
            let heard = listener.heard.lock().unwrap().clone();
            for (of, heard) in heard.iter().enumerate() {
                let all = 0..last[of].unwrap() + 1;
                if of == at || self.dialect == Dialect::Streams {
                    assert_eq!(difference(heard, all), None, "of {of} at {at}");
                    continue;
                }
                assert!(heard.is_sorted_by(|a, b| a < b), "in order, and once");
                for (_, from, to) in self.whole.iter().filter(|(whose, ..)| *whose == of) {
                    let begin = heard.partition_point(|number| number < from);
                    let found = heard[begin..].iter().take_while(|number| *number <= to);
                    assert_eq!(difference(found, *from..to + 1), None, "of {of} at {at}");
                }
            }
        }
        for node in self.nodes {
            node.ends().await;
        }
    }
}

/// Where it differs first from what was to be heard.
fn difference<'a>(
    heard: impl IntoIterator<Item = &'a u64>,
    all: std::ops::Range<u64>,
) -> Option<(Option<u64>, Option<u64>)> {
    let mut heard = heard.into_iter().copied();
    for expected in all {
        let found = heard.next();
        if found != Some(expected) {
            return Some((found, Some(expected)));
        }
    }
    heard.next().map(|more| (Some(more), None))
}

impl Speaker {
    fn speak(&self, elsewhere: &Mutex<[Vec<u64>; 2]>) {
        while !self.over.load(Ordering::SeqCst) {
            let number = self.next.load(Ordering::SeqCst);
            let said = (self.place, number);
            self.io.to("load").emit("n", &said).unwrap();
            self.next.store(number + 1, Ordering::SeqCst);
            let heard = elsewhere.lock().unwrap()[self.place].last().copied();
            let is_far = number > heard.unwrap_or_default() + AHEAD;
            std::thread::sleep(Duration::from_millis(if is_far { 500 } else { 10 }));
        }
    }
}

impl Listener {
    fn new(mut client: Client) -> Self {
        let heard: Arc<Mutex<[Vec<u64>; 2]>> = Arc::default();
        let notes = heard.clone();
        let listens = spawn(async move {
            loop {
                let text = client.text().await;
                if let Some(said) = text.strip_prefix(r#"42["n","#) {
                    // Where clients come back, the place stands behind it.
                    let mut parts = said.trim_end_matches(']').split(',');
                    let of: usize = parts.next().unwrap().parse().unwrap();
                    let number = parts.next().unwrap().parse().unwrap();
                    notes.lock().unwrap()[of].push(number);
                } else if let Some(id) = text.strip_suffix(r#"["ask"]"#) {
                    let id = id.strip_prefix("42").unwrap();
                    client.send(&format!(r#"43{id}["here"]"#)).await;
                }
            }
        });
        Self { heard, listens }
    }

    fn last(&self, of: usize) -> Option<u64> {
        self.heard.lock().unwrap()[of].last().copied()
    }
}

/// Of two servers, each with one client in the room: whatever says that nobody is silent has heard both.
async fn ask(io: Io, dialect: Dialect) {
    let to = || io.to("load");
    match dialect {
        Dialect::V2 => {
            let ids = io.to("load").clients().await.unwrap();
            assert!(ids.silent_nodes > 0 || ids.len() == 2, "{ids:?}");
        }
        Dialect::Classic | Dialect::Sharded | Dialect::Streams => {
            let sockets = to().fetch_sockets().await.unwrap();
            let all = sockets.silent_nodes > 0 || sockets.len() == 2;
            assert!(all, "{sockets:?}");
            let asked = to().timeout(END).emit_with_ack::<String>("ask", &());
            let replies = asked.await.unwrap();
            let count = replies.clone().ok().len();
            let all = replies.missing > 0 || replies.silent_nodes > 0 || count == 2;
            assert!(all && count <= 2, "{replies:?}");
            match io.of("/").server_side_ask("load", &"hi", None).await {
                Ok(answers) => {
                    let all = answers.silent_nodes > 0 || answers.len() == 1;
                    assert!(all && answers.len() <= 1, "{answers:?}");
                }
                // There is nobody else to be asked.
                Err(why) => assert!(matches!(why, AdapterError::Unreachable(_)), "{why}"),
            }
        }
    }
}

fn is_loss(event: &ClusterEvent) -> bool {
    matches!(
        event,
        ClusterEvent::Down { .. } | ClusterEvent::Lost { .. } | ClusterEvent::Overflow { .. }
    )
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    in_time(what, END, future).await
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}
