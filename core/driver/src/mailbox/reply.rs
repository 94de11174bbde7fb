//! What comes back: answers to the requests of a client, and its own answers to emits.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use sio_core::engine::Reply;
use sio_core::id::SocketId;

use crate::error::AckError;
use crate::mailbox::held::Answered;
use crate::sync::one_shot::Answer;

/// What a session says to a request.
pub(crate) struct Said {
    pub(crate) reply: Reply,
    /// What its client is behind until this is written.
    pub(crate) owed: Option<Owed>,
}

/// Where the bytes of answers count that are not written yet.
pub(crate) trait Unwritten: Send + Sync {
    /// An answer of so many bytes is to be written.
    fn owe(&self, bytes: usize);

    /// It was, or will never be.
    fn settle(&self, bytes: usize);

    /// It will never be: the client has taken too little of it for too long.
    fn lose(&self);
}

/// Bytes that count among what waits for a client as long as this lives, but while it is paid.
pub(crate) struct Owed {
    whose: Arc<dyn Unwritten>,
    bytes: usize,
    paid: bool,
}

impl Said {
    pub(crate) fn new(task: &Arc<impl Unwritten + 'static>, reply: Reply) -> Self {
        let bytes = reply.backlog();
        let owed = (bytes > 0).then(|| Owed::new(task.clone(), bytes));
        Self { reply, owed }
    }
}

impl Owed {
    fn new(whose: Arc<dyn Unwritten>, bytes: usize) -> Self {
        whose.owe(bytes);
        Self {
            whose,
            bytes,
            paid: false,
        }
    }

    /// It is given up.
    pub(crate) fn lose(&self) {
        self.whose.lose();
    }

    /// All of it may be with the client from now on.
    pub(crate) fn pay(&mut self) {
        if !std::mem::replace(&mut self.paid, true) {
            self.whose.settle(self.bytes);
        }
    }

    /// Some of it is not.
    pub(crate) fn take_back(&mut self) {
        if std::mem::replace(&mut self.paid, false) {
            self.whose.owe(self.bytes);
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        self.pay();
    }
}

/// The caller's end of an emit that waits: given to the core, and back with the answer.
#[derive(Debug)]
pub(crate) enum Token {
    One(Answer<Result<Answered, AckError>>),
    Many(Part),
}

impl Token {
    pub(crate) fn settle(self, answer: Result<Answered, AckError>) {
        match self {
            Self::One(one) => one.give(answer),
            Self::Many(part) => part.settle(answer),
        }
    }
}

/// Answers being gathered.
#[derive(Debug)]
pub(crate) struct Gather(Mutex<Gathered>);

type Answers = Vec<(SocketId, Option<Result<Answered, AckError>>)>;

#[derive(Debug)]
struct Gathered {
    answers: Answers,
    missing: usize,
    waker: Option<Waker>,
}

/// One recipient's part of a [`Gather`]. Dropped, it counts as one that went away.
#[derive(Debug)]
pub(crate) struct Part {
    all: Option<Arc<Gather>>,
    index: usize,
}

impl Gather {
    pub(crate) fn new(recipients: impl Iterator<Item = SocketId>) -> Arc<Self> {
        let answers: Vec<_> = recipients.map(|id| (id, None)).collect();
        Arc::new(Self(Mutex::new(Gathered {
            missing: answers.len(),
            answers,
            waker: None,
        })))
    }

    pub(crate) fn part(self: &Arc<Self>, index: usize) -> Part {
        Part {
            all: Some(self.clone()),
            index,
        }
    }

    /// What all of them have answered, once they have.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Answers> {
        let mut gathered = self.lock();
        if gathered.missing > 0 {
            gathered.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut gathered.answers))
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn settle(mut self, answer: Result<Answered, AckError>) {
        // Copied: it waits for all others, and must not hold on to a read buffer.
        self.put(answer.map(|answered| Answered {
            args: answered.args.detached(),
            ..answered
        }));
    }

    fn put(&mut self, answer: Result<Answered, AckError>) {
        let Some(all) = self.all.take() else { return };
        let waker = {
            let mut gathered = all.lock();
            if let Some((_, place)) = gathered.answers.get_mut(self.index)
                && place.replace(answer).is_none()
            {
                gathered.missing = gathered.missing.saturating_sub(1);
            }
            if gathered.missing == 0 {
                gathered.waker.take()
            } else {
                None
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.put(Err(AckError::Disconnected));
    }
}
