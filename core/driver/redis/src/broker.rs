//! The broker: connects, and connects again.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{PushKind, RedisResult};
use sio_driver::binding::{Instant, Runtime, Sleep};
use sio_driver::cluster::{Broker, Event, Order};

use crate::command::Said;
use crate::identity::Identity;
use crate::inbox::Inbox;
use crate::line::{BEHIND_MESSAGES, Line};
use crate::lines::{Lines, Spread};
use crate::place::Place;
use crate::policy::Policy;
use crate::stream::StreamReader;
use crate::traffic::{Step, Traffic};
use crate::way::{Pushes, Wanted, Way};

/// What carries a cluster's messages over Redis.
pub struct RedisBroker<R: Runtime> {
    runtime: R,
    place: Place,
    policy: Policy,
    state: State,
    events: VecDeque<Event>,
    streams: BTreeMap<String, StreamReader>,
    /// What the last connection is known by.
    identities: Identities,
    /// Connections that were made, or not, since one lasted.
    failures: u32,
    /// The connection was lost, or never was, and that was told.
    told: bool,
    /// Publications that were ordered after the connection had gone and before that was told.
    missed: usize,
    up_since: Instant,
    sleep: Option<Pin<Box<R::Sleep>>>,
    armed: Option<Instant>,
}

/// What a connection is known by, of each that knows it; a single Redis has no name.
type Identities = Vec<(String, Identity)>;

type Connecting = Pin<Box<dyn Future<Output = RedisResult<(Reached, Identities)>> + Send>>;

/// What was connected to.
enum Reached {
    One(MultiplexedConnection),
    Cluster(Spread),
}

enum State {
    Waiting(Instant),
    Connecting(Connecting, Arc<Inbox>),
    Up(Link),
}

enum Link {
    One(Box<Line>),
    Cluster(Box<Lines>),
}

impl Link {
    fn order(&mut self, order: Order) {
        match self {
            Self::One(line) => line.order(order),
            Self::Cluster(lines) => lines.order(order),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Step> {
        match self {
            Self::One(line) => line.poll(cx, now),
            Self::Cluster(lines) => lines.poll(cx, now),
        }
    }

    fn due(&self) -> Instant {
        match self {
            Self::One(line) => line.due(),
            Self::Cluster(lines) => lines.due(),
        }
    }

    fn unsure(&self) -> usize {
        match self {
            Self::One(line) => line.unsure(),
            Self::Cluster(lines) => lines.unsure(),
        }
    }
}

/// The first wait between two connections, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A connection that lasted so long was one.
const LASTED: Duration = Duration::from_secs(2);

impl<R: Runtime> RedisBroker<R> {
    /// One that connects when it is polled first.
    pub(crate) fn new(runtime: R, place: Place, policy: Policy) -> Self {
        let now = runtime.now();
        Self {
            runtime,
            place,
            policy,
            state: State::Waiting(now),
            events: VecDeque::new(),
            streams: BTreeMap::new(),
            identities: Vec::new(),
            failures: 0,
            told: false,
            missed: 0,
            up_since: now,
            sleep: None,
            armed: None,
        }
    }

    fn connect(&self) -> State {
        let policy = &self.policy;
        let inbox = Arc::new(Inbox::new(policy.max_unread_bytes));
        let pushes = inbox.clone();
        let wanted = Wanted {
            patience: policy.connect_timeout,
            // A single one is looked after by its line, as long as anything comes. An answer may stand behind messages.
            answers: self
                .place
                .is_cluster()
                .then(|| policy.ping_timeout.saturating_mul(BEHIND_MESSAGES)),
            pushes: Some(Arc::new(move |push| pushes.push(push))),
        };
        let (place, before) = (self.place.clone(), self.identities.clone());
        let quiet = Wanted {
            answers: Some(policy.ping_timeout),
            pushes: wanted.pushes.clone().map(ends_alone),
            ..wanted.clone()
        };
        let connecting = async move {
            let patience = wanted.patience;
            let mut way = place.connect(wanted).await?;
            way.is_whole().await?;
            let heard_by = match way {
                Way::One(connection) => {
                    let mut asked = connection.clone();
                    asked.set_response_timeout(patience);
                    let before = before.first().map(|(_, identity)| identity);
                    let identity = Identity::succeed(&mut asked, before).await?;
                    let identity = identity.map(|it| (String::new(), it));
                    return Ok((Reached::One(connection), identity.into_iter().collect()));
                }
                Way::Cluster(heard_by) => heard_by,
            };
            let mut way = place.connect(quiet).await?;
            let masters = way.is_whole().await?;
            match way {
                Way::One(it) => Ok((Reached::One(it), Vec::new())),
                Way::Cluster(mut said_by) => {
                    let identities = Identity::succeed_all(&mut said_by, &before).await?;
                    let spread = Spread {
                        said_by,
                        heard_by,
                        masters,
                    };
                    Ok((Reached::Cluster(spread), identities))
                }
            }
        };
        State::Connecting(Box::pin(connecting), inbox)
    }

    /// The connection has gone, or was not made.
    fn gone(&mut self, why: String, now: Instant) {
        if let State::Up(line) = &self.state {
            self.missed = self.missed.saturating_add(line.unsure());
            if now >= self.up_since.saturating_add(LASTED) {
                self.failures = 0;
            }
        }
        // One that was told of once is told of when it is back.
        if !std::mem::replace(&mut self.told, true) {
            self.events.push_back(Event::Down { why, unsure: 0 });
        }
        self.state = State::Waiting(now.saturating_add(self.wait()));
        self.failures = self.failures.saturating_add(1);
    }

    /// At once the first time, then ever longer, and not all at the same time.
    fn wait(&self) -> Duration {
        let Some(doublings) = self.failures.checked_sub(1) else {
            return Duration::ZERO;
        };
        let doubled = FIRST_WAIT.saturating_mul(1 << doublings.min(16));
        let wait = doubled.min(LONGEST_WAIT);
        let mut byte = [0];
        self.runtime.random(&mut byte);
        // Between a half and the whole of it.
        wait / 2 + wait / 2 * u32::from(byte[0]) / 255
    }

    /// When something is to be done next: then, or for a reader. Those wait for what Redis says, however it stands with
    /// the connection by which all else goes.
    fn first_due(&self, at: Option<Instant>) -> Option<Instant> {
        let readers = self.streams.values().filter_map(StreamReader::due);
        readers.chain(at).min()
    }

    /// Whether that time has come.
    fn is_due(&mut self, at: Option<Instant>, cx: &mut Context<'_>) -> bool {
        let Some(at) = at else {
            return false;
        };
        // It may ring early: then it is set again.
        for _ in 0..3 {
            if self.runtime.now() >= at {
                return true;
            }
            let runtime = &self.runtime;
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(runtime.sleep_until(at)));
            // One that rings before is as good: most of what is waited for is put off all the time.
            if self.armed.is_none_or(|armed| armed > at) {
                sleep.as_mut().reset(at);
                self.armed = Some(at);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return false;
            }
            self.armed = None;
        }
        cx.waker().wake_by_ref();
        false
    }

    fn next(&mut self) -> Option<Event> {
        let mut event = self.events.pop_front()?;
        if let Event::Down { unsure, .. } = &mut event {
            *unsure = std::mem::take(&mut self.missed);
        }
        Some(event)
    }
}

/// Of what a connection tells, that it has ended.
fn ends_alone(pushes: Pushes) -> Pushes {
    Arc::new(move |push| {
        if push.kind == PushKind::Disconnection {
            pushes(push);
        }
    })
}

impl<R: Runtime> Broker for RedisBroker<R> {
    fn order(&mut self, order: Order) {
        match &mut self.state {
            State::Up(line) => {
                if let Order::Read { stream } = &order {
                    let (place, policy) = (&self.place, self.policy);
                    let reader = self.streams.entry(stream.clone());
                    let reader = reader.or_insert_with_key(|stream| {
                        StreamReader::new(stream.clone(), place.clone(), policy)
                    });
                    // One that has never learnt where it begins asks again.
                    if reader.due().is_some() {
                        return;
                    }
                }
                line.order(order);
            }
            State::Waiting(_) | State::Connecting(..) => {
                let lost = matches!(order, Order::Publish(_));
                self.missed = self.missed.saturating_add(usize::from(lost));
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            if let Some(event) = self.next() {
                return Poll::Ready(event);
            }
            let now = self.runtime.now();
            for reader in self.streams.values_mut() {
                if let Poll::Ready(event) = reader.poll(cx, now) {
                    return Poll::Ready(event);
                }
            }
            match &mut self.state {
                State::Waiting(at) => {
                    let at = *at;
                    if now >= at {
                        self.state = self.connect();
                        continue;
                    }
                    if !self.is_due(self.first_due(Some(at)), cx) {
                        return Poll::Pending;
                    }
                }
                State::Connecting(connecting, inbox) => match connecting.as_mut().poll(cx) {
                    Poll::Pending => {
                        if !self.is_due(self.first_due(None), cx) {
                            return Poll::Pending;
                        }
                    }
                    Poll::Ready(Ok((reached, identities))) => {
                        self.identities = identities;
                        let (inbox, policy) = (inbox.clone(), self.policy);
                        let link = match reached {
                            Reached::One(it) => {
                                Link::One(Box::new(Line::new(it, inbox, policy, now)))
                            }
                            Reached::Cluster(by) => {
                                Link::Cluster(Box::new(Lines::new(by, inbox, policy, now)))
                            }
                        };
                        self.state = State::Up(link);
                        (self.up_since, self.told, self.missed) = (now, false, 0);
                        self.events.push_back(Event::Up);
                    }
                    Poll::Ready(Err(why)) => self.gone(why.to_string(), now),
                },
                State::Up(line) => match line.poll(cx, now) {
                    Poll::Ready(Step::Said(Said::Event(event))) => return Poll::Ready(event),
                    Poll::Ready(Step::Said(Said::Stream(name, told))) => {
                        if let Some(reader) = self.streams.get_mut(&name) {
                            reader.begin(&told);
                        }
                    }
                    Poll::Ready(Step::Gone(why)) => self.gone(why, now),
                    Poll::Ready(Step::Moved(why)) => {
                        self.failures = 0;
                        self.gone(why.to_owned(), now);
                    }
                    Poll::Pending => {
                        let due = line.due();
                        if !self.is_due(self.first_due(Some(due)), cx) {
                            return Poll::Pending;
                        }
                    }
                },
            }
        }
    }
}

impl<R: Runtime> fmt::Debug for RedisBroker<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Waiting(_) => "RedisBroker(away)",
            State::Connecting(..) => "RedisBroker(connecting)",
            State::Up(_) => "RedisBroker(up)",
        })
    }
}

impl<R: Runtime> Unpin for RedisBroker<R> {}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::task::Waker;
    use std::time::SystemTime;

    use super::*;

    /// A clock that its test moves, and when the timer was set to ring.
    #[derive(Clone, Default)]
    struct Hand(Arc<Mutex<(Duration, Vec<Instant>)>>);

    struct Bell(Hand, Instant);

    impl Future for Bell {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            match self.0.now() >= self.1 {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }
    }

    impl Sleep for Bell {
        fn reset(mut self: Pin<&mut Self>, at: Instant) {
            self.1 = at;
            self.0.0.lock().expect("not poisoned").1.push(at);
        }
    }

    impl Runtime for Hand {
        type Sleep = Bell;

        fn now(&self) -> Instant {
            Instant::ORIGIN + self.0.lock().expect("not poisoned").0
        }

        fn wall_clock(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn sleep_until(&self, at: Instant) -> Bell {
            Bell(self.clone(), at)
        }

        fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

        fn random(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    /// It accepts connections and answers nothing, neither to whom all goes by nor to who reads a stream.
    #[test]
    fn who_reads_a_stream_gives_up_in_time_however_it_stands_with_all_else() {
        let second = Duration::from_secs(1);
        let place = || {
            let client = redis::Client::open("redis://127.0.0.1/").expect("a URL");
            Place::new(client.get_connection_info().clone()).expect("a place")
        };
        for is_away in [false, true] {
            let hand = Hand::default();
            let policy = Policy::default();
            let mut broker = RedisBroker::new(hand.clone(), place(), policy);
            let due = Instant::ORIGIN + 5 * second;
            let reader = StreamReader::silent("s".to_owned(), place(), policy, due);
            broker.streams.insert("s".to_owned(), reader);
            broker.state = match is_away {
                true => State::Waiting(Instant::ORIGIN + 60 * second),
                false => State::Connecting(
                    Box::pin(std::future::pending()),
                    Arc::new(Inbox::new(policy.max_unread_bytes)),
                ),
            };
            let mut cx = Context::from_waker(Waker::noop());
            let mut pass = |seconds, broker: &mut RedisBroker<Hand>| {
                hand.0.lock().expect("not poisoned").0 = seconds * second;
                assert!(broker.poll_event(&mut cx).is_pending());
                let set = std::mem::take(&mut hand.0.lock().expect("not poisoned").1);
                (set, broker.streams["s"].due())
            };
            assert_eq!(pass(0, &mut broker), (vec![due], Some(due)));
            assert_eq!(pass(4, &mut broker).1, Some(due));
            // It is given up, and dialled again a moment later.
            let (set, next) = pass(5, &mut broker);
            assert!(next > Some(due) && next < Some(due + second), "{next:?}");
            assert_eq!(set.last().copied(), next);
        }
    }
}
