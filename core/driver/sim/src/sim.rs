//! A world, as one of its hosts sees it.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sio_driver::binding::{Instant, Remote, Runtime, Server, accept, serve_stream};

use crate::choices::{Choices, List};
use crate::clock::Sleep;
use crate::history::History;
use crate::hosts::Hosts;
use crate::ids::Ids;
use crate::net::{Backlog, Net, Weather};
use crate::stream::{Listener, Stream};
use crate::tasks::{BoxFuture, Ready, Tasks};
use crate::timers::Timers;
use crate::trace::{End, Step, Trace};
use crate::world::{State, World};

/// A simulated world, as one of its hosts sees it. Cheap to clone.
#[derive(Clone)]
pub struct Sim {
    pub(crate) world: Arc<World>,
    pub(crate) host: IpAddr,
}

/// The tasks that were woken, and how many were polled since time has passed.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    woken: Vec<usize>,
    pub(crate) polls: usize,
}

/// What came of running a task.
pub(crate) enum Turn<T> {
    /// The first of all has ended, with this.
    Over(T),
    Ran,
    /// None can run before time passes.
    Idle,
}

/// So many seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Where [`Sim::new`] is.
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// What the clock on the wall shows at the start, in seconds of Unix time.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// Polls while no time passes, after which a world is stuck.
const MOST_POLLS: usize = 2_000_000;

thread_local! {
    /// The world whose task this thread polls.
    static CURRENT: RefCell<Option<Sim>> = const { RefCell::new(None) };
}

impl Sim {
    /// A world of its own, from its host 10.0.0.1.
    pub fn new(seed: u64) -> Self {
        Self::begin(Choices::from_seed(seed), format!("seed {seed}"))
    }

    /// The same, by another source of what is drawn.
    pub fn drawing(choices: Choices) -> Self {
        Self::begin(choices, "a source of its own".to_owned())
    }

    fn begin(mut choices: Choices, source: String) -> Self {
        let ready = Ready::new();
        let mut tasks = Tasks::default();
        tasks.add("main".to_owned(), HOME, None, &ready);
        let state = State {
            now: Duration::ZERO,
            ids: Ids::new(&mut choices),
            choices,
            net: Net::new(),
            hosts: Hosts::default(),
            tasks,
            timers: Timers::default(),
            trace: Trace::default(),
            history: History::default(),
            servers: Vec::new(),
            open_acks: 0,
            wake: Vec::new(),
        };
        Self {
            world: Arc::new(World {
                source,
                ready,
                state: Mutex::new(state),
            }),
            host: HOME,
        }
    }

    /// The world that runs the calling task, from that task's host; `None` outside of any.
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// The same world from another host.
    #[must_use]
    pub fn at(&self, host: impl Into<IpAddr>) -> Self {
        Self {
            world: self.world.clone(),
            host: host.into(),
        }
    }

    /// Runs the world until this future, its task number 0, has ended. What is left of the other tasks
    /// stays for [`left`](Self::left) and is dropped with [`clear`](Self::clear).
    ///
    /// # Panics
    /// If a task does, if no task can ever run again, or if no time passes any more.
    pub fn run<T>(&self, main: impl Future<Output = T>) -> T {
        let _report = Report(self);
        self.play(main)
    }

    /// The same, of whose panics somebody else tells.
    pub(crate) fn play<T>(&self, main: impl Future<Output = T>) -> T {
        let mut main = pin!(main);
        let mut queue = Queue::default();
        loop {
            match self.turn(&mut queue, main.as_mut()) {
                Turn::Over(value) => return value,
                Turn::Ran => {}
                Turn::Idle => {
                    self.world.pass_time();
                    queue.polls = 0;
                }
            }
        }
    }

    /// Runs one task, if one can run.
    pub(crate) fn turn<T>(
        &self,
        queue: &mut Queue,
        main: Pin<&mut impl Future<Output = T>>,
    ) -> Turn<T> {
        self.world.ready.take(&mut queue.woken);
        let Some(next) = self.world.with(|state| state.pick(&mut queue.woken)) else {
            return Turn::Idle;
        };
        if self.world.with(|state| state.is_struck(next)) {
            queue.woken.push(next);
            return Turn::Ran;
        }
        queue.polls += 1;
        assert!(
            queue.polls < MOST_POLLS,
            "no time passes any more: {:?} keep waking each other",
            self.left()
        );
        self.poll(next, main).map_or(Turn::Ran, Turn::Over)
    }

    /// Polls one task. Returns what the number 0 has come to.
    fn poll<T>(&self, number: usize, main: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let turn = self.world.with(|state| {
            let turn = state.tasks.begin(number)?;
            state.trace.note(Step::Polled(number));
            Some(turn)
        })?;
        let before = CURRENT.replace(Some(self.at(turn.host)));
        let _current = Current(before);
        let mut cx = Context::from_waker(&turn.waker);
        let (value, ended, future) = match turn.future {
            None => match main.poll(&mut cx) {
                Poll::Ready(value) => (Some(value), true, None),
                Poll::Pending => (None, false, None),
            },
            Some(mut future) => (None, future.as_mut().poll(&mut cx).is_ready(), Some(future)),
        };
        // A task that has ended is dropped when the state is not locked any more.
        let _ended = self.world.with(|state| {
            if ended {
                state.trace.note(Step::Ended(number));
                return (future, state.tasks.end(number));
            }
            (state.tasks.pause(number, future), None)
        });
        value
    }

    /// The tasks that have not ended, by name.
    pub fn left(&self) -> Vec<String> {
        self.world.with(|state| state.tasks.names())
    }

    /// Drops all tasks. Tasks hold the world that holds them: without this nothing of it is freed.
    pub fn clear(&self) {
        while let Some(task) = self.world.with(|state| state.tasks.pop()) {
            drop(task);
        }
        let rest = self.world.with(|state| {
            let boots = std::mem::take(&mut state.hosts.boots);
            (boots, std::mem::take(&mut state.servers))
        });
        drop(rest);
    }

    /// Draws something, from where all of this world is drawn.
    pub fn choose<T>(&self, draw: impl FnOnce(&mut Choices) -> T) -> T {
        self.world.with(|state| draw(&mut state.choices))
    }

    /// All that was drawn so far.
    pub fn drawn(&self) -> List {
        self.world.with(|state| state.choices.list())
    }

    /// What has happened so far.
    pub fn trace(&self) -> Trace {
        self.world.with(|state| state.trace.clone())
    }

    /// What servers read and wrote so far.
    pub fn history(&self) -> History {
        self.world.with(|state| state.history.clone())
    }

    /// What went wrong so far, and when.
    pub fn faults(&self) -> Vec<(Duration, String)> {
        self.world.with(|state| state.history.faults.clone())
    }

    /// The virtual time that has passed since the start.
    pub fn elapsed(&self) -> Duration {
        self.world.with(|state| state.now)
    }

    /// Waits for so long.
    pub fn sleep(&self, time: Duration) -> Sleep {
        self.sleep_until(self.now() + time)
    }

    /// Lets so much time pass, and everything happen that happens meanwhile.
    pub async fn advance(&self, time: Duration) {
        self.sleep(time).await;
    }

    /// Works for so long without letting others run, as a handler may that computes.
    pub fn block(&self, time: Duration) {
        self.world.with(|state| {
            state.now += time;
            state.trace.note(Step::Clock(state.now));
        });
    }

    /// Changes how the network is from now on.
    pub fn weather(&self, weather: Weather) {
        self.world.with(|state| state.net.weather = weather);
    }

    /// Listens.
    ///
    /// # Errors
    /// If somebody does already.
    pub fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        self.world.with(|state| {
            let listening = &mut state.net.listening;
            if listening.contains_key(&address) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            listening.insert(address, Backlog::default());
            Ok(Listener::new(self.world.clone(), address))
        })
    }

    /// Connects from this host.
    ///
    /// # Errors
    /// If nobody listens there, or does not hear of it for two minutes.
    pub async fn connect(&self, to: SocketAddr) -> io::Result<Stream> {
        let delay = self.world.with(|state| state.net.delay(&mut state.choices));
        self.sleep(delay).await;
        let mut knocked = 0;
        while self
            .world
            .with(|state| state.net.is_apart(self.host, to.ip()))
        {
            // As Linux knocks: after 1, 3, 7, .. seconds, and no more after 127.
            if knocked == 7 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.sleep(Duration::from_secs(1 << knocked)).await;
            knocked += 1;
        }
        self.world.with(|state| {
            if !state.net.listening.contains_key(&to) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let connection = state.net.pipes.len() / 2;
            for (from, to) in [(self.host, to.ip()), (to.ip(), self.host)] {
                let pipe = state.net.pipe(&mut state.choices, from, to);
                state.net.pipes.push(pipe);
            }
            // A port that no other connection has, as long as there are enough.
            let port = 1024 + u16::try_from(connection % 60_000).unwrap_or_default();
            let from = SocketAddr::new(self.host, port);
            state.trace.note(Step::Connected(connection, from, to));
            let end = |accepted| End {
                connection,
                accepted,
            };
            if let Some(backlog) = state.net.listening.get_mut(&to) {
                backlog.waiting.push_back((end(true), from));
                state.wake.extend(backlog.acceptor.take());
            }
            Ok(Stream::new(self.world.clone(), end(false)))
        })
    }

    /// Serves on a listener until the server is closed, as `serve` of a binding does.
    ///
    /// # Errors
    /// As [`sio_driver::binding::accept`].
    pub async fn serve(&self, listener: Listener, server: Server) -> io::Result<()> {
        if let Some(config) = server.config() {
            let config = config.clone();
            self.world.with(|state| {
                let before = state.history.acts.len();
                state.history.servers.push((before, config));
            });
        }
        let each = |(stream, address)| {
            let remote = Remote::plain(address);
            self.spawn(serve_stream(self.clone(), server.clone(), stream, remote));
        };
        accept(self, &server, listener, Listener::poll_accept, each).await
    }
}

impl Runtime for Sim {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        let clock = |state: &mut State| state.hosts.clock(self.host, state.now);
        Instant::ORIGIN + self.world.with(clock)
    }

    fn wall_clock(&self) -> SystemTime {
        // It goes on while a host is suspended.
        let shown = |state: &mut State| state.now + state.hosts.ahead(self.host);
        UNIX_EPOCH + EPOCH + self.world.with(shown)
    }

    fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep::new(self.world.clone(), self.host, at)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let name = name_of(&task);
        let task = Box::pin(task) as BoxFuture;
        let refused = self.world.with(|state| {
            if state.hosts.down.contains(&self.host) {
                return Some(task);
            }
            let task = Some(task);
            let number = (state.tasks).add(name.clone(), self.host, task, &self.world.ready);
            state.trace.note(Step::Spawned(number, name));
            None
        });
        // Nothing runs there any more.
        drop(refused);
    }

    fn random(&self, bytes: &mut [u8]) {
        self.world.with(|state| {
            state.ids.fill(bytes);
            state.trace.note(Step::Random(bytes.len()));
        });
    }
}

/// A task's name is its type's, without the paths: `Task<Sim>`; a function's for its future.
fn name_of<T>(_: &T) -> String {
    let paths = std::any::type_name::<T>().split_inclusive(['<', '>', ',', ' ', '(', ')']);
    let short = paths.map(|path| {
        let mut names = path.rsplit("::");
        names.find(|name| *name != "{{closure}}").unwrap_or(path)
    });
    short.collect()
}

/// Says whose turn it was before, when this one is over.
struct Current(Option<Sim>);

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Says how to repeat a run that panics.
struct Report<'a>(&'a Sim);

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Sim { world, .. } = self.0;
            eprintln!(
                "{}, after {:?}; the end of the trace:\n{}",
                world.source,
                self.0.elapsed(),
                self.0.trace().tail(40)
            );
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim")
            .field("source", &self.world.source)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};

    use super::*;

    /// Three tasks that each note themselves three times, and let the others run between.
    fn interleaved(seed: u64) -> Trace {
        let sim = Sim::new(seed);
        for _ in 0..3 {
            let inner = sim.clone();
            sim.spawn(async move {
                for _ in 0..3 {
                    let mut id = [0; 4];
                    inner.random(&mut id);
                    yield_now().await;
                }
            });
        }
        let inner = sim.clone();
        sim.run(async move { inner.sleep(Duration::from_secs(1)).await });
        assert!(sim.left().is_empty());
        sim.trace()
    }

    async fn yield_now() {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    #[test]
    fn a_seed_decides_the_order_and_always_the_same() {
        let first = interleaved(1);
        first.assert_same(&interleaved(1));
        assert_ne!(first.schedule(), interleaved(2).schedule());
    }

    #[test]
    #[should_panic(expected = "deadlock: no timer is set, and nothing can run\n  \
                    task 0 (main) waits for something that the simulation does not know\n  \
                    task 1 (serve) waits for a connection to 10.0.0.1:80")]
    fn a_world_without_progress_says_who_waits_for_what() {
        async fn serve(listener: Listener) {
            let _ = poll_fn(|cx| listener.poll_accept(cx)).await;
        }
        let sim = Sim::new(1);
        let listener = sim.listen((HOME, 80).into()).unwrap();
        sim.spawn(serve(listener));
        sim.run(pending::<()>());
    }

    #[test]
    #[should_panic(expected = "no time passes any more: [\"main\"] keep waking each other")]
    fn a_world_that_spins_is_stopped() {
        Sim::new(1).run(async {
            loop {
                yield_now().await;
            }
        });
    }

    #[test]
    #[should_panic(expected = "a task was woken by another thread, which no seed repeats")]
    fn other_threads_may_not_interfere() {
        Sim::new(1).run(poll_fn(|cx| {
            let waker = cx.waker().clone();
            std::thread::spawn(|| waker.wake()).join().unwrap();
            Poll::<()>::Pending
        }));
    }

    #[test]
    fn a_task_knows_its_world_and_its_host() {
        assert!(Sim::current().is_none());
        let sim = Sim::new(1);
        let other = IpAddr::from([10, 0, 0, 9]);
        sim.at(other).spawn(async move {
            assert_eq!(Sim::current().unwrap().host, other);
        });
        sim.run(async {
            assert_eq!(Sim::current().unwrap().host, HOME);
            yield_now().await;
            let sim = Sim::current().unwrap();
            sim.sleep(Duration::from_millis(1)).await;
            assert!(sim.left() == ["main"]);
        });
        assert!(Sim::current().is_none());
    }
}
