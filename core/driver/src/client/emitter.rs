//! How to emit to a server.

use std::time::Duration;

use sio_core::engine::Flags;
use sio_core::packet::IntoArgs;

use super::inner::Socket;
use crate::error::EmitError;
use crate::handle::AckFuture;

/// How to emit to a server: values that end in `emit`, and can be kept and used again.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emitter {
    socket: Socket,
    flags: Flags,
    timeout: Option<Duration>,
    retries: Option<u32>,
}

/// How often something is said again until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry(u32);

impl Retry {
    /// So often, besides the first time.
    pub const fn times(times: u32) -> Self {
        Self(times)
    }

    /// Until it is answered, or forgotten ([`Socket::clear_retries`]).
    pub const fn forever() -> Self {
        Self(u32::MAX)
    }
}

impl From<u32> for Retry {
    fn from(times: u32) -> Self {
        Self(times)
    }
}

/// What became of an emit that was no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It leaves now, or as soon as the socket is in its namespace.
    Queued,
    /// It could not leave at once and was volatile, or it was one too many and
    /// [`OfflinePolicy::DropNewest`](sio_core::client::OfflinePolicy::DropNewest) is set.
    Dropped,
}

impl Emitter {
    pub(super) fn new(socket: &Socket) -> Self {
        Self {
            socket: socket.clone(),
            flags: Flags::default(),
            timeout: None,
            retries: None,
        }
    }

    /// What may be lost: it is dropped unless there is a connection for it now.
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether it may be compressed, where compression is on.
    pub const fn compress(mut self, yes: bool) -> Self {
        self.flags.compress = yes;
        self
    }

    /// The time for the answer. `ack_timeout` if not given, and for each try of what is repeated.
    pub const fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// Repeats what asks for an answer until there is one, so often besides the first time. Nothing else of how to
    /// emit counts then.
    pub fn retry(mut self, times: impl Into<Retry>) -> Self {
        self.retries = Some(times.into().0);
        self
    }

    /// Emits to the server.
    ///
    /// # Errors
    /// As [`Socket::emit`].
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<Sent, EmitError> {
        self.socket.emit_flagged(event.as_ref(), args, self.flags)
    }

    /// Emits the event `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<Sent, EmitError> {
        self.emit("message", args)
    }

    /// Emits and waits for the server's answer: [`Socket::emit_with_ack`].
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        let event = event.as_ref();
        match self.retries {
            Some(times) => self.socket.retry_flagged(event, args, times),
            None => self
                .socket
                .ask_flagged(event, args, self.flags, self.timeout),
        }
    }
}
