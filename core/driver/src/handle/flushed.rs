//! Waiting until what was sent to a client has left.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::conn::Conn;
use super::engine::EngineSocket;
use super::inner::Socket;
use crate::error::EmitError;
use crate::mailbox::task_handle::{Counted, TaskHandle};
use crate::sync::one_shot::Waiting;

/// Waits until what was sent has left: [`Conn::flushed`]. Dropping it is always safe.
#[must_use = "it may not have left yet"]
pub struct Flushed(Result<(Waiting<()>, Counted), EmitError>);

impl Flushed {
    fn new(task: &Arc<TaskHandle>) -> Self {
        Self(task.follow())
    }
}

impl Future for Flushed {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok((waiting, _)) => {
                let left = Pin::new(waiting).poll(cx);
                left.map(|left| left.ok_or(EmitError::Disconnected))
            }
            Err(why) => Poll::Ready(Err(why.clone())),
        }
    }
}

impl fmt::Debug for Flushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flushed").field(&self.0.is_ok()).finish()
    }
}

impl Conn {
    /// Waits until all that was sent to it until now has left, by whomever: the kernel has it where the client is on a
    /// WebSocket, and where it polls the request that carries it is answered. That it has arrived only an
    /// [ack](Socket::ask) says. What is emitted to many (rooms, namespaces) is among it once it was handed out to this
    /// client.
    ///
    /// ```
    /// # use sio_driver::app::{EmitError, Socket};
    /// # async fn example(socket: Socket) -> Result<(), EmitError> {
    /// socket.emit("goodbye", &())?;
    /// socket.conn().flushed().await?;
    /// socket.conn().close();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The future's errors: [`EmitError::Disconnected`], if the connection ends before it is known, and
    /// [`EmitError::Full`], if [`max_ready_waits`](crate::app::Serving::max_ready_waits) wait for this client already.
    #[doc(alias("callback", "drain"))]
    pub fn flushed(&self) -> Flushed {
        Flushed::new(&self.task)
    }
}

impl EngineSocket {
    /// Waits until all that was sent until now has left: [`Conn::flushed`].
    #[doc(alias("callback", "drain"))]
    pub fn flushed(&self) -> Flushed {
        Flushed::new(self.task())
    }
}

impl Socket {
    /// Waits until all that was emitted to its client until now has left, to its other sockets, too:
    /// [`Conn::flushed`].
    pub fn flushed(&self) -> Flushed {
        Flushed::new(self.task())
    }
}
