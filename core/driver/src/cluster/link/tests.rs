//! What becomes of those who wait when a link ends, and what a link holds while its broker is away.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

use sio_cluster::Dialect;
use sio_core::config::Config;
use sio_core::id::SocketId;
use sio_core::packet::Args;

use super::*;
use crate::adapter::{Gathered, Later, Recipients, RemoteSocket};
use crate::cluster::join::Cluster;
use crate::handle::Io;
use crate::sync::BoxFuture;

/// A runtime whose task is run by its test.
#[derive(Clone, Default)]
struct Hand(Arc<Mutex<Option<BoxFuture<()>>>>, Arc<AtomicU8>);

struct Never;

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

impl Runtime for Hand {
    type Sleep = Never;

    fn now(&self) -> Instant {
        Instant::ORIGIN
    }

    fn wall_clock(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn sleep_until(&self, _: Instant) -> Never {
        Never
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        *lock(&self.0) = Some(Box::pin(task));
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(self.1.fetch_add(1, Ordering::Relaxed));
    }
}

impl Hand {
    /// Whether the task has ended.
    fn turn(&self) -> bool {
        let mut task = lock(&self.0).take().expect("a task");
        let ended = poll(&mut task).is_ready();
        if !ended {
            *lock(&self.0) = Some(task);
        }
        ended
    }
}

/// A broker that is there as soon as it is let, says that it listens, and answers nothing else.
#[derive(Clone, Default)]
struct Quiet {
    is_there: Arc<AtomicBool>,
    breaks: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<Event>>>,
    published: Arc<Mutex<Vec<bytes::Bytes>>>,
    /// Behind which entries some were looked for.
    recalled: Arc<Mutex<Vec<Option<EntryId>>>>,
}

impl Broker for Quiet {
    fn order(&mut self, order: Order) {
        assert!(!self.breaks.load(Ordering::Relaxed), "on purpose");
        if let Order::Subscribe(to) = order {
            lock(&self.told).push(Event::Subscribed(to));
        } else if let Order::Publish(it) = order {
            lock(&self.published).push(it.payload);
        } else if let Order::Recall { behind, .. } = order {
            lock(&self.recalled).push(behind);
        }
    }

    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<Event> {
        if self.is_there.swap(false, Ordering::Relaxed) {
            return Poll::Ready(Event::Up);
        }
        match lock(&self.told).pop() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn now<T: Unpin>(mut later: Later<T>) -> T {
    match poll(&mut later) {
        Poll::Ready(told) => told,
        Poll::Pending => panic!("it waits"),
    }
}

fn joined(broker: &Quiet, options: Options) -> (Hand, Io) {
    let (hand, io) = (Hand::default(), Io::new(Config::v4()));
    let cluster = Cluster::join(&hand, broker.clone(), options);
    io.set_adapter(cluster.adapter()).expect("not attached yet");
    (hand, io)
}

#[test]
fn whoever_waits_for_a_link_that_ends_hears_why() {
    for panics in [true, false] {
        let broker = Quiet::default();
        let (hand, io) = joined(&broker, Options::new(Dialect::Classic));
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let notes = heard.clone();
        io.of("/").on_cluster(move |event: &ClusterEvent| {
            if let ClusterEvent::Down { why } = event {
                lock(&notes).push(why.clone());
            }
        });
        broker.is_there.store(true, Ordering::Relaxed);
        assert!(!hand.turn());
        let adapter = io.of("/").adapter();
        assert!(adapter.status().up);
        let all = Recipients::default();
        let args = Args::default();
        let ask = || {
            (
                adapter.fetch_sockets(&all),
                adapter.server_side_ask("e", &args, None),
                adapter.client_rooms(&SocketId::told("nobody")),
                adapter.server_count(),
                adapter.flush(),
            )
        };
        // Some are asked, and one question more is on its way.
        let (mut sockets, mut servers, mut rooms, mut count, mut flush) = ask();
        assert!(!hand.turn());
        let on_its_way = adapter.fetch_sockets(&all);
        assert!(poll(&mut sockets).is_pending() && poll(&mut servers).is_pending());
        assert!(poll(&mut rooms).is_pending() && poll(&mut count).is_pending());
        assert!(poll(&mut flush).is_pending());
        let words = match panics {
            true => {
                broker.breaks.store(true, Ordering::Relaxed);
                assert!(hand.turn(), "the task ends");
                "the link to the cluster has panicked"
            }
            false => {
                drop(lock(&hand.0).take());
                "the runtime of the link to the cluster has ended"
            }
        };
        let gone = AdapterError::Unreachable(words.to_owned());
        // What is known here is told.
        let is_here = |told: Result<Gathered<Vec<RemoteSocket>>, AdapterError>| {
            told.is_ok_and(|it| it.value.is_empty() && it.silent_nodes == 1)
        };
        assert!(is_here(now(sockets)) && is_here(now(on_its_way)));
        assert_eq!(now(servers).map(|_| ()), Err(gone.clone()));
        assert_eq!(now(rooms), Err(gone.clone()));
        assert_eq!(
            (now(count), now(flush)),
            (Err(gone.clone()), Err(gone.clone()))
        );
        assert!(!adapter.status().up);
        let told = lock(&heard).clone();
        assert!(told.iter().any(|it| it.contains(words)), "{told:?}");
        // Whoever asks from now on hears it at once.
        let (sockets, servers, rooms, count, flush) = ask();
        assert!(is_here(now(sockets)));
        assert_eq!(now(servers).map(|_| ()), Err(gone.clone()));
        assert_eq!(now(rooms), Err(gone.clone()));
        assert_eq!((now(count), now(flush)), (Err(gone.clone()), Err(gone)));
        now(adapter.close());
    }
}

#[test]
fn a_question_that_is_asked_while_its_link_breaks_is_not_left_alone() {
    let broker = Quiet::default();
    let (hand, io) = joined(&broker, Options::new(Dialect::Classic));
    broker.is_there.store(true, Ordering::Relaxed);
    assert!(!hand.turn());
    let adapter = io.of("/").adapter();
    broker.breaks.store(true, Ordering::Relaxed);
    let first = adapter.client_rooms(&SocketId::told("nobody"));
    let second = adapter.client_rooms(&SocketId::told("nobody"));
    assert!(hand.turn());
    for told in [now(first), now(second)] {
        assert!(
            matches!(told, Err(AdapterError::Unreachable(_))),
            "{told:?}"
        );
    }
}

/// What is published once the broker is back, of so many events to each of two children of a parent, and to a namespace
/// that is nobody's child.
fn kept(buffer: usize) -> (usize, usize) {
    let broker = Quiet::default();
    let mut options = Options::new(Dialect::Classic);
    options.node.outage_buffer = buffer;
    let (hand, io) = joined(&broker, options);
    io.of_pattern("/room/{id}").expect("a pattern");
    let names = ["/room/1", "/room/2", "/other"];
    let all = names.map(|name| io.of(name));
    assert!(!hand.turn());
    for number in 0..8 {
        for namespace in &all {
            namespace.emit("e", &number).expect("it can be written");
        }
    }
    assert!(!hand.turn());
    broker.is_there.store(true, Ordering::Relaxed);
    assert!(!hand.turn());
    let published = lock(&broker.published).clone();
    let of = |name: &str| {
        let its = published.iter();
        let its = its.filter(|it| it.windows(name.len()).any(|at| at == name.as_bytes()));
        its.map(|it| it.len()).collect::<Vec<_>>()
    };
    let children = [of("/room/1"), of("/room/2")].concat();
    (children.len(), of("/other").len())
}

#[test]
fn children_of_a_parent_hold_together_what_a_namespace_may_while_the_broker_is_away() {
    assert_eq!(kept(1 << 20), (16, 8));
    // The least of which a namespace keeps all eight.
    let mut least = (1..1 << 14).collect::<Vec<_>>();
    let at = least.partition_point(|buffer| kept(*buffer).1 < 8);
    let least = least.swap_remove(at);
    assert_eq!(kept(least).1, 8);
    assert_eq!(kept(least - 1).1, 7);
    let (together, alone) = kept(least);
    assert_eq!(alone, 8);
    // Their names are longer, and each is in its payload and its channel.
    assert!((6..=8).contains(&together), "{together}");
}

#[test]
fn entries_are_looked_for_behind_what_was_read_in_other_namespaces() {
    let broker = Quiet::default();
    let (hand, io) = joined(&broker, Options::new(Dialect::Streams));
    let stream = "socket.io";
    let place = |millis| EntryId {
        millis,
        sequence: 0,
    };
    let mut said = 0;
    let mut comes_back = |event: Event| {
        lock(&broker.told).push(event);
        broker.is_there.store(true, Ordering::Relaxed);
        assert!(!hand.turn());
        io.of("/").emit("e", &said).expect("it can be written");
        said += 1;
        assert!(!hand.turn());
        lock(&broker.told).push(Event::Down {
            why: "it was cut".to_owned(),
            unsure: 0,
        });
        assert!(!hand.turn());
        broker.is_there.store(true, Ordering::Relaxed);
        assert!(!hand.turn());
        lock(&broker.recalled).pop()
    };
    let read = Event::Entry {
        stream: stream.to_owned(),
        at: place(3),
        entry: Entry {
            nsp: Some("/other".into()),
            ..Entry::default()
        },
    };
    assert_eq!(comes_back(read), Some(Some(place(3))));
}
