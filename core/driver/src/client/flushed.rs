//! Waiting for what was emitted to have left.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::inner::Socket;
use crate::error::{AckError, EmitError};
use crate::mailbox::held::Answered;
use crate::sync::one_shot::{Waiting, answer};

/// Waits until what was emitted has left: [`Socket::flushed`].
#[derive(Debug)]
#[must_use = "it may not have left yet"]
pub struct Flushed(Result<Waiting<Result<Answered, AckError>>, EmitError>);

impl Socket {
    /// Waits until all that it has emitted until now has left: the kernel has it where the client is on a WebSocket,
    /// and where it polls the server has answered the request that carries it. While the socket is away that takes
    /// until it is in again. What is repeated until it is answered ([`retry`](Self::retry)) has a future of its own. What was on a connection that is
    /// lost already is not waited for: nothing is known of it.
    ///
    /// ```
    /// # use sio_driver::client::Socket;
    /// # async fn f(socket: &Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.emit("report", &("all is well",))?;
    /// socket.flushed().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The future's errors: [`EmitError::Disconnected`], if the connection is lost before it was known, what was kept
    /// is forgotten ([`clear_offline`](Self::clear_offline)), or the client is closed; and [`EmitError::Full`], if
    /// [`max_pending_acks`](sio_core::client::Config::max_pending_acks) wait already. Futures that were dropped do not
    /// count.
    pub fn flushed(&self) -> Flushed {
        let (give, waiting) = answer();
        let key = self.inner.key;
        let (flushed, forsaken) = self.shared().with(|state, now| {
            let machine = &mut state.machine;
            match machine.flush(now, key, give) {
                Err((sio_core::socket::AckError::TooMany, give)) => {
                    // Whose future was dropped keeps nobody out.
                    let forsaken = machine.take_forsaken(|it| !it.is_awaited());
                    (machine.flush(now, key, give), forsaken)
                }
                flushed => (flushed, Vec::new()),
            }
        });
        drop(forsaken);
        // What comes back of its other end is used, or dropped, outside the lock.
        Flushed(match flushed {
            Ok(left) => {
                if let Some(give) = left {
                    give.give(Ok(Answered::default()));
                }
                Ok(waiting)
            }
            Err((sio_core::socket::AckError::TooMany, _give)) => Err(EmitError::Full),
            Err((_, _give)) => Err(EmitError::Disconnected),
        })
    }
}

impl Future for Flushed {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Err(why) => Poll::Ready(Err(why.clone())),
            Ok(waiting) => Pin::new(waiting).poll(cx).map(|outcome| match outcome {
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => Err(EmitError::Disconnected),
            }),
        }
    }
}
