//! The answers of many to one event.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use sio_core::id::SocketId;
use sio_core::packet::Args;

use crate::error::AckError;
use crate::log::error;
use crate::mailbox::held::Answered;
use crate::sync::guard::guarded;

/// Where the answers to one event come together, those of this node and what an adapter learns of others.
///
/// Whoever asks is told when all who were asked here have answered, and everybody who has this has dropped
/// it: an adapter keeps it until the other nodes have told all, or it waits no longer. What came is not lost.
pub struct Answers {
    all: Arc<Gather>,
}

impl Answers {
    /// Where answers come together, and who waits for them.
    ///
    /// `whose` is the number of the namespace that has drawn the event's id.
    pub(crate) fn new(whose: u64) -> (Self, Arc<Gather>) {
        let all = Arc::new(Gather {
            gathered: Mutex::new(Collected {
                asking: 1,
                whose: Some(whose),
                ..Collected::default()
            }),
            hear: None,
        });
        (Self { all: all.clone() }, all)
    }

    /// Where answers do not come together, but are told one by one, with no lock held.
    pub(crate) fn told_to(
        hear: impl Fn(SocketId, Result<Args, AckError>) + Send + Sync + 'static,
    ) -> Self {
        let all = Arc::new(Gather {
            gathered: Mutex::default(),
            hear: Some(Box::new(hear)),
        });
        all.lock().asking = 1;
        Self { all }
    }

    /// So many clients of another node were asked.
    pub fn expect(&self, clients: usize) {
        let mut gathered = self.all.lock();
        gathered.expected = gathered.expected.saturating_add(clients);
    }

    /// A client of another node has answered, or is known not to. Not every node says which client it is.
    pub fn answer(&self, from: Option<SocketId>, answer: Result<Args, AckError>) {
        self.all.lock().elsewhere.push((from, answer));
    }

    /// So many nodes have not said in time how many clients were asked there, or could not be asked.
    pub fn silent(&self, nodes: usize) {
        let mut gathered = self.all.lock();
        gathered.silent_nodes = gathered.silent_nodes.saturating_add(nodes);
    }

    /// Whether the id that the event has is for this namespace to be used. Once: it is no id of others, and
    /// who is asked twice is asked by two.
    pub(crate) fn take_id(&self, namespace: u64) -> bool {
        let mut gathered = self.all.lock();
        gathered
            .whose
            .take_if(|whose| *whose == namespace)
            .is_some()
    }

    /// These sockets of this node are asked: by which parts they answer.
    pub(crate) fn ask(
        &self,
        sockets: impl Iterator<Item = SocketId>,
    ) -> impl Iterator<Item = Part> {
        let (first, next) = {
            let mut gathered = self.all.lock();
            let first = gathered.here.len();
            gathered.here.extend(sockets.map(|id| (id, None)));
            let next = gathered.here.len();
            gathered.missing = gathered.missing.saturating_add(next.saturating_sub(first));
            (first, next)
        };
        (first..next).map(|index| Part {
            all: Some(self.all.clone()),
            index,
        })
    }
}

impl Clone for Answers {
    fn clone(&self) -> Self {
        let mut gathered = self.all.lock();
        gathered.asking = gathered.asking.saturating_add(1);
        drop(gathered);
        Self {
            all: self.all.clone(),
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.all.change(|gathered| {
            gathered.asking = gathered.asking.saturating_sub(1);
        });
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answers").field(&self.all).finish()
    }
}

/// Answers being gathered.
pub(crate) struct Gather {
    gathered: Mutex<Collected>,
    hear: Option<Box<Hear>>,
}

type Hear = dyn Fn(SocketId, Result<Args, AckError>) + Send + Sync;

/// What has come.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// Of each socket of this node that was asked, in the order in which they were.
    pub(crate) here: Vec<(SocketId, Option<Result<Answered, AckError>>)>,
    /// Of other nodes' clients.
    pub(crate) elsewhere: Vec<(Option<SocketId>, Result<Args, AckError>)>,
    /// How many of those were asked.
    expected: usize,
    pub(crate) silent_nodes: usize,
    /// Sockets of this node that have not answered.
    missing: usize,
    /// Who may tell of more.
    asking: usize,
    /// Whose id the event has, until it is used.
    whose: Option<u64>,
    waker: Option<Waker>,
}

impl Collected {
    /// Clients of other nodes that have not answered.
    pub(crate) const fn missing_elsewhere(&self) -> usize {
        self.expected.saturating_sub(self.elsewhere.len())
    }
}

impl fmt::Debug for Gather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gather").field(&self.gathered).finish()
    }
}

impl Gather {
    /// What all of them have answered, once they have.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Collected> {
        let mut gathered = self.lock();
        if gathered.missing > 0 || gathered.asking > 0 {
            gathered.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut *gathered))
    }

    /// Changes what is known, and wakes who waits if that was the last.
    fn change(&self, change: impl FnOnce(&mut Collected)) {
        let waker = {
            let mut gathered = self.lock();
            change(&mut gathered);
            let done = gathered.missing == 0 && gathered.asking == 0;
            done.then(|| gathered.waker.take()).flatten()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One recipient's part of a [`Gather`]. Dropped, it counts as one that went away.
#[derive(Debug)]
pub(crate) struct Part {
    all: Option<Arc<Gather>>,
    index: usize,
}

impl Part {
    pub(crate) fn settle(mut self, answer: Result<Answered, AckError>) {
        // Copied: it waits for all others, and must not hold on to a read buffer.
        self.put(answer.map(|answered| Answered {
            args: answered.args.detached(),
            ..answered
        }));
    }

    fn put(&mut self, answer: Result<Answered, AckError>) {
        let Some(all) = self.all.take() else { return };
        if let Some(hear) = &all.hear {
            let id = all.lock().here.get(self.index).map(|(id, _)| id.clone());
            // A panic here is nobody's who answers.
            if let Some(id) = id
                && let Err(_panic) = guarded(|| hear(id, answer.map(|answered| answered.args)))
            {
                error!(why = %_panic.0, "handler panicked");
            }
            return;
        }
        all.change(|gathered| {
            if let Some((_, place)) = gathered.here.get_mut(self.index)
                && place.replace(answer).is_none()
            {
                gathered.missing = gathered.missing.saturating_sub(1);
            }
        });
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.put(Err(AckError::Disconnected));
    }
}
