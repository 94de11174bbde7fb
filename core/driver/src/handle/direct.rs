//! How to emit to one socket.

use std::time::Duration;

use sio_core::config::BacklogPolicy;
use sio_core::engine::Flags;
use sio_core::packet::IntoArgs;

use super::emitting::others_methods;
use super::ready::EmitWhenReady;
use super::replies::AckFuture;
use super::{Socket, To};
use crate::error::EmitError;

/// How to emit to one socket: values that end in `emit`, and can be kept and used again.
///
/// ```
/// # use std::time::Duration;
/// # use sio_driver::app::{AckError, Socket};
/// # async fn example(socket: Socket) -> Result<(), AckError> {
/// let (name,): (String,) = socket
///     .timeout(Duration::from_secs(5))
///     .emit_with_ack("name?", &())
///     .await?;
/// socket.volatile().emit("position", &(1, 2))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `emit`"]
pub struct Direct {
    socket: Socket,
    flags: Flags,
    timeout: Option<Duration>,
}

impl Direct {
    pub(super) fn new(socket: &Socket) -> Self {
        Self {
            socket: socket.clone(),
            flags: Flags::default(),
            timeout: None,
        }
    }

    /// What may be lost: it is dropped if the client is not ready for it at once.
    pub fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// What may be lost, but for the newest: if the client is not ready for it at once it waits, and the next one of the
    /// same event takes its place, behind what was emitted meanwhile. For positions, levels and the like, of which only
    /// the last one counts. Where an answer is asked for, as [`volatile`](Self::volatile).
    ///
    /// ```
    /// # use sio_driver::app::{EmitError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EmitError> {
    /// for x in 0..1_000 {
    ///     // A slow client gets some of them, and the last one if there is room for it.
    ///     socket.volatile_latest().emit("cursor", &(x, 0))?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn volatile_latest(mut self) -> Self {
        self.flags.volatile = true;
        self.flags.latest = true;
        self
    }

    /// What happens if it does not fit into what may wait for the client, in place of what its
    /// [namespace](crate::app::Namespace::set_backlog_policy) or the
    /// [configuration](crate::app::Config::backlog_policy) says.
    pub fn backlog_policy(mut self, policy: BacklogPolicy) -> Self {
        self.flags.policy = Some(policy);
        self
    }

    /// Whether it may be compressed, where compression is on.
    pub fn compress(mut self, compress: bool) -> Self {
        self.flags.compress = compress;
        self
    }

    /// The time for the answer. `ack_timeout` if not given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// To everybody else in the namespace instead.
    pub fn broadcast(&self) -> To {
        To::others(&self.socket).flagged(self.flags, self.timeout)
    }

    /// Emits to the socket.
    ///
    /// # Errors
    /// The arguments cannot be written, the socket is not connected, or its backlog is full.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        self.socket.emit_flagged(event.as_ref(), args, self.flags)
    }

    /// Emits to the socket as soon as there is room: [`Socket::emit_when_ready`].
    pub fn emit_when_ready(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> EmitWhenReady {
        EmitWhenReady::new(&self.socket, event.as_ref(), args, self.flags)
    }

    /// Emits the event `message` to the socket.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send(&self, args: &(impl IntoArgs + ?Sized)) -> Result<(), EmitError> {
        self.emit("message", args)
    }

    /// Emits to the socket and waits for its answer, decoded as `T`.
    ///
    /// The event is sent when this is called; the future only waits, and ends exactly once: with the
    /// answer, when the time is over, or when the client goes away.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        self.socket
            .ask_flagged(event.as_ref(), args, self.flags, self.timeout)
    }
}

others_methods!(Direct);
