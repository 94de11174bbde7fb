//! Tasks, and which of them may run.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use crate::trace::End;

/// All tasks that have not ended. The number 0 is the one that [`run`](crate::Sim::run) was given.
#[derive(Default)]
pub(crate) struct Tasks {
    alive: BTreeMap<usize, Task>,
    next: usize,
    /// The one that is being polled.
    current: Option<usize>,
}

pub(crate) struct Task {
    name: String,
    host: IpAddr,
    waker: Arc<TaskWaker>,
    /// Elsewhere while it is polled, and always elsewhere for the number 0.
    future: Option<BoxFuture>,
    /// What it waits for, of what the simulation knows.
    waits: Vec<Wait>,
}

/// What it takes to poll a task.
pub(crate) struct Turn {
    pub(crate) host: IpAddr,
    pub(crate) waker: Waker,
    pub(crate) future: Option<BoxFuture>,
}

pub(crate) type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something that a task waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A moment after the start.
    Until(Duration),
    /// Bytes from a stream.
    Read(End),
    /// Room in a stream.
    Write(End),
    /// A connection.
    Accept(SocketAddr),
}

impl Tasks {
    pub(crate) fn add(
        &mut self,
        name: String,
        host: IpAddr,
        future: Option<BoxFuture>,
        ready: &Arc<Ready>,
    ) -> usize {
        let number = self.next;
        self.next += 1;
        let waker = Arc::new(TaskWaker {
            number,
            queued: AtomicBool::new(false),
            ready: ready.clone(),
        });
        waker.queue();
        self.alive.insert(
            number,
            Task {
                name,
                host,
                waker,
                future,
                waits: Vec::new(),
            },
        );
        number
    }

    /// Begins to poll a task. `None`: it has ended already.
    pub(crate) fn begin(&mut self, number: usize) -> Option<Turn> {
        let task = self.alive.get_mut(&number)?;
        task.waits.clear();
        task.waker.queued.store(false, Ordering::Relaxed);
        self.current = Some(number);
        Some(Turn {
            host: task.host,
            waker: task.waker.clone().into(),
            future: task.future.take(),
        })
    }

    /// A task was polled and goes on later. Gives back what is nobody's, since its host has crashed meanwhile.
    #[must_use = "it locks what holds it when it is dropped"]
    pub(crate) fn pause(&mut self, number: usize, future: Option<BoxFuture>) -> Option<BoxFuture> {
        self.current = None;
        match self.alive.get_mut(&number) {
            Some(task) => {
                task.future = future;
                None
            }
            None => future,
        }
    }

    /// Where a task runs.
    pub(crate) fn host(&self, number: usize) -> Option<IpAddr> {
        self.alive.get(&number).map(|task| task.host)
    }

    /// Takes all of a host away.
    pub(crate) fn take_all(&mut self, host: IpAddr) -> Vec<Task> {
        let its = self.alive.iter().filter(|(_, task)| task.host == host);
        let numbers: Vec<_> = its.map(|(number, _)| *number).collect();
        let tasks = numbers.iter().filter_map(|it| self.alive.remove(it));
        tasks.collect()
    }

    /// A task has ended, or is taken away.
    pub(crate) fn end(&mut self, number: usize) -> Option<Task> {
        self.current = None;
        self.alive.remove(&number)
    }

    /// Takes one that is still there away.
    pub(crate) fn pop(&mut self) -> Option<Task> {
        self.alive.pop_last().map(|(_, task)| task)
    }

    /// Notes what the task that is being polled waits for.
    pub(crate) fn waits(&mut self, wait: Wait) {
        let current = self.current.and_then(|number| self.alive.get_mut(&number));
        if let Some(task) = current
            && !task.waits.contains(&wait)
        {
            task.waits.push(wait);
        }
    }

    /// What has not ended, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        self.alive.values().map(|task| task.name.clone()).collect()
    }
}

impl fmt::Display for Tasks {
    /// Who waits for what, one task a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, task) in &self.alive {
            write!(f, "\n  task {number} ({}) waits for", task.name)?;
            match &*task.waits {
                [] => f.write_str(" something that the simulation does not know")?,
                waits => {
                    for (at, wait) in waits.iter().enumerate() {
                        f.write_char(if at == 0 { ' ' } else { ',' })?;
                        wait.fmt(f)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(at) => write!(f, "{at:?} to have passed"),
            Self::Read(end) => write!(f, "bytes on {end}"),
            Self::Write(end) => write!(f, "room on {end}"),
            Self::Accept(address) => write!(f, "a connection to {address}"),
        }
    }
}

/// The tasks that were woken, in the order in which they were.
#[derive(Debug)]
pub(crate) struct Ready {
    woken: Mutex<Vec<usize>>,
    /// Whoever wakes a task from another thread does so at a moment that no seed decides.
    thread: ThreadId,
    strange: AtomicBool,
    /// Who waits until something is woken.
    sleeper: Mutex<Option<Waker>>,
}

impl Ready {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            woken: Mutex::default(),
            thread: thread::current().id(),
            strange: AtomicBool::new(false),
            sleeper: Mutex::default(),
        })
    }

    /// Has this woken when something is. `false`: something was already.
    #[cfg(feature = "tokio")]
    pub(crate) fn sleep(&self, waker: &Waker) -> bool {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        if woken.is_empty() {
            let mut sleeper = self.sleeper.lock().unwrap_or_else(PoisonError::into_inner);
            *sleeper = Some(waker.clone());
        }
        woken.is_empty()
    }

    /// Moves what was woken behind what is in `queue`.
    ///
    /// # Panics
    /// If another thread has woken something.
    pub(crate) fn take(&self, queue: &mut Vec<usize>) {
        assert!(
            !self.strange.load(Ordering::Relaxed),
            "a task was woken by another thread, which no seed repeats"
        );
        queue.append(&mut self.woken.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct TaskWaker {
    number: usize,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    fn queue(&self) {
        if thread::current().id() != self.ready.thread {
            self.ready.strange.store(true, Ordering::Relaxed);
        }
        if !self.queued.swap(true, Ordering::Relaxed) {
            let woken = &self.ready.woken;
            let mut woken = woken.lock().unwrap_or_else(PoisonError::into_inner);
            woken.push(self.number);
            drop(woken);
            let sleeper = &self.ready.sleeper;
            let sleeper = sleeper
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(sleeper) = sleeper {
                sleeper.wake();
            }
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.queue();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue();
    }
}
