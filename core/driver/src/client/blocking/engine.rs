//! A client of Engine.IO alone whose calls wait, on a thread of its own.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use sio_core::engine::Message;

use super::iter::{Iter, NextError};
use super::thread::{OwnThread, Thread, begin};
use super::wait::{InHandler, WaitError, may_wait, wait};
use crate::client::builder::Builder;
use crate::client::connect::FirstError;
use crate::client::engine;
use crate::client::error::BuildError;

/// One session of Engine.IO with a thread for itself: [`engine::Client`], with calls that wait, and an iterator of the
/// messages that come.
///
/// What does not wait ([`send`](engine::Client::send), [`sender`](engine::Client::sender), ..) is that of
/// [`engine::Client`], which it derefs to. When it is dropped it is closed, politely, in the background, and its thread
/// ends; so does the thread when the session does.
pub struct Client {
    messages: Iter<engine::Client>,
    thread: Thread,
}

impl<R: OwnThread> Builder<R> {
    /// Dials, on a thread of the client's own, and waits until the session is open: as
    /// [`connect_engine`](Self::connect_engine).
    ///
    /// # Errors
    /// An option is wrong, there is no thread to be had, there is no connection, or a handler has called it.
    pub fn connect_engine_blocking(mut self) -> Result<Client, WaitError<FirstError>> {
        may_wait()?;
        let failed = |why: BuildError| WaitError::Failed(why.into());
        let (runtime, drive, _) = R::apart().map_err(|why| failed(BuildError::Thread(why)))?;
        self.runtime = runtime;
        let (runtime, plan) = self.plain().map_err(failed)?;
        let (task, opened) = engine::begin(runtime, plan);
        let thread = begin(move || R::drive(drive, task));
        let thread = thread.map_err(|why| failed(BuildError::Thread(why)))?;
        let client = wait(opened).map_err(WaitError::Failed)?;
        Ok(Client {
            messages: Iter::new(client),
            thread: Thread::new(Some(thread)),
        })
    }
}

/// A session with the server of this URL, at `/engine.io/`, with everything as it usually is.
///
/// # Errors
/// The URL is none, there is no connection, or a handler has called it.
pub fn connect_on<R: OwnThread>(runtime: R, url: &str) -> Result<Client, WaitError<FirstError>> {
    let builder = Builder::new(runtime, url).map_err(|why| WaitError::Failed(why.into()))?;
    builder.path("/engine.io/").connect_engine_blocking()
}

impl Client {
    /// The next message, if it comes within this time.
    ///
    /// # Errors
    /// It does not.
    pub fn next_within(&mut self, time: Duration) -> Result<Message, NextError> {
        self.messages.next_within(time)
    }

    /// Closes it after what is queued has left, within
    /// [`close_timeout`](sio_core::client::Config::close_timeout), and waits until nothing is left of it: its thread has
    /// ended.
    ///
    /// # Errors
    /// A handler of another client has called it. It is closed in the background.
    pub fn close(self) -> Result<(), InHandler> {
        may_wait()?;
        wait(self.messages.into_inner().close());
        self.thread.join();
        Ok(())
    }
}

impl Iterator for Client {
    type Item = Message;

    /// The next message; `None`: it is over.
    ///
    /// # Panics
    /// In a handler of another client, which must not wait.
    fn next(&mut self) -> Option<Message> {
        self.messages.next()
    }
}

impl Deref for Client {
    type Target = engine::Client;

    fn deref(&self) -> &engine::Client {
        &self.messages
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.messages.fmt(f)
    }
}
