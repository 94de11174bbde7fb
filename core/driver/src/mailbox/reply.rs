//! What comes back: answers to the requests of a client, and its own answers to emits.

use std::sync::Arc;

use sio_core::engine::Reply;

use crate::error::AckError;
use crate::mailbox::gather::Part;
use crate::mailbox::held::Answered;
use crate::metrics::Outstanding;
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
pub(crate) struct Token {
    caller: Caller,
    pub(crate) asked: Outstanding,
}

#[derive(Debug)]
enum Caller {
    One(Answer<Result<Answered, AckError>>),
    Many(Part),
}

impl Token {
    pub(crate) fn one(answer: Answer<Result<Answered, AckError>>) -> Self {
        Self {
            caller: Caller::One(answer),
            asked: Outstanding::default(),
        }
    }

    pub(crate) fn many(part: Part) -> Self {
        Self {
            caller: Caller::Many(part),
            asked: Outstanding::default(),
        }
    }

    pub(crate) fn settle(self, answer: Result<Answered, AckError>) {
        match self.caller {
            Caller::One(one) => one.give(answer),
            Caller::Many(part) => part.settle(answer),
        }
    }
}
