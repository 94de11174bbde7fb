//! What the driver needs from a runtime, and from a byte stream.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use futures_io::{AsyncRead, AsyncWrite};
use sio_core::time::Instant;

/// A runtime: its clock, its timer, its tasks and its random source.
///
/// The driver is written once for all of them; a binding implements this in some fifty lines. A
/// simulated runtime (virtual clock, seeded random) runs the same tasks deterministically.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// A timer that can be set again.
    type Sleep: Sleep;

    /// The clock by which every deadline is decided, counted from an origin of the runtime's choice. One that
    /// tells the time of the system converts by [`system_clock`](crate::binding::system_clock).
    fn now(&self) -> Instant;

    /// The time of day: shown to applications in the handshake and to clients in the header `Date`, never
    /// used for decisions.
    fn wall_clock(&self) -> SystemTime;

    /// A timer that rings at `at`.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;

    /// Runs a task on its own. The driver spawns one for each connection, and one for each namespace whose clients may
    /// come back ([`connection_state_recovery`](sio_core::config::Config::connection_state_recovery)); none for a message.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Fills `bytes` from a cryptographic source: whoever guesses a session id owns the session.
    fn random(&self, bytes: &mut [u8]);
}

/// How much too early a timer may ring ([`Sleep`]).
pub(crate) const EARLIEST: Duration = Duration::from_secs(1);

/// A timer of a [`Runtime`].
///
/// It is a doorbell only: it may ring late, and up to a second early; what is due is decided by
/// [`Runtime::now`].
pub trait Sleep: Future<Output = ()> + Send + Sync + 'static {
    /// Rings at `at` instead, also if it has rung already.
    fn reset(self: Pin<&mut Self>, at: Instant);
}

/// A byte stream to one peer: TCP, TLS, or memory in a test.
///
/// One that does not read before its reactor has told it to asks [`is_looking`](crate::binding::is_looking), too.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}
