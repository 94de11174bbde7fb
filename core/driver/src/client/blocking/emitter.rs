//! How to emit to a server, and wait for its answer.

use std::ops::Deref;
use std::time::Duration;

use sio_core::packet::{FromArgs, IntoArgs};

use super::wait::{WaitError, outcome};
use crate::client::emitter::{self, Retry};
use crate::error::AckError;

/// How to emit to a server: [`client::Emitter`](crate::client::Emitter), which waits for answers.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emitter {
    inner: emitter::Emitter,
}

impl Emitter {
    pub(super) const fn new(inner: emitter::Emitter) -> Self {
        Self { inner }
    }

    /// What may be lost: it is dropped unless there is a connection for it now.
    pub fn volatile(self) -> Self {
        Self::new(self.inner.volatile())
    }

    /// Whether it may be compressed, where compression is on.
    pub fn compress(self, yes: bool) -> Self {
        Self::new(self.inner.compress(yes))
    }

    /// The time for the answer. `ack_timeout` if not given, and for each try of what is repeated.
    pub fn timeout(self, time: Duration) -> Self {
        Self::new(self.inner.timeout(time))
    }

    /// Repeats what asks for an answer until there is one, so often besides the first time. Nothing else of how to
    /// emit counts then.
    pub fn retry(self, times: impl Into<Retry>) -> Self {
        Self::new(self.inner.retry(times))
    }

    /// Emits, waits for the server's answer, and decodes it as `T`.
    ///
    /// # Errors
    /// As [`Socket::emit_with_ack`](super::Socket::emit_with_ack).
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<T, WaitError<AckError>> {
        outcome(|| self.inner.emit_with_ack(event, args))
    }
}

impl Deref for Emitter {
    type Target = emitter::Emitter;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}
