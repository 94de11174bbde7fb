//! Waiting until a client has room for more (§20).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use sio_core::config::BacklogPolicy;
use sio_core::engine::Flags;
use sio_core::packet::{Args, IntoArgs};
use sio_core::socket::SocketKey;

use super::inner::Socket;
use crate::error::EmitError;
use crate::mailbox::task_handle::{Counted, TaskHandle};
use crate::mailbox::weight::Weight;
use crate::sync::one_shot::Waiting;

/// Ends when there is room for more: [`Socket::ready`]. With an error if the client has gone meanwhile, or if as many
/// wait as may (`max_ready_waits`). Dropping it is always safe.
#[must_use = "it waits when it is awaited"]
pub struct Ready(Result<Option<(Waiting<()>, Counted)>, Option<EmitError>>);

impl Ready {
    /// Until there is room for so much on a connection: for a socket of it, or for any.
    pub(super) fn new(task: &Arc<TaskHandle>, socket: Option<SocketKey>, weight: Weight) -> Self {
        Self(task.wait(socket, weight).map_err(Some))
    }
}

impl Future for Ready {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(None) => Poll::Ready(Ok(())),
            Ok(Some((waiting, _))) => {
                let gone = EmitError::Disconnected;
                Pin::new(waiting).poll(cx).map(|room| room.ok_or(gone))
            }
            Err(why) => Poll::Ready(Err(why.take().unwrap_or(EmitError::Disconnected))),
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = matches!(self.0, Ok(Some(_)));
        f.debug_tuple("Ready").field(&waits).finish()
    }
}

/// An emit that waits until there is room for it: [`Socket::emit_when_ready`]. Dropped before it has ended, the event is
/// not sent.
#[must_use = "nothing is sent before it is awaited"]
#[derive(Debug)]
pub struct EmitWhenReady {
    socket: Socket,
    event: String,
    args: Result<Args, EmitError>,
    flags: Flags,
    ready: Option<Ready>,
    /// It weighs more than it seemed, or another was faster: it goes when nothing waits.
    alone: bool,
}

impl EmitWhenReady {
    pub(super) fn new(
        socket: &Socket,
        event: &str,
        args: &(impl IntoArgs + ?Sized),
        flags: Flags,
    ) -> Self {
        Self {
            socket: socket.clone(),
            event: event.to_owned(),
            args: Args::from_arguments(args).map_err(EmitError::from),
            flags: Flags {
                policy: Some(BacklogPolicy::Refuse),
                ..flags
            },
            ready: None,
            alone: false,
        }
    }

    /// About what it will weigh.
    fn weight(&self) -> Weight {
        let args = self.args.as_ref().map_or(0, Args::size);
        let bytes = args.saturating_add(self.event.len());
        Weight {
            bytes: if self.alone { usize::MAX } else { bytes },
            packets: 1,
        }
    }
}

impl Future for EmitWhenReady {
    type Output = Result<(), EmitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let it = &mut *self;
        loop {
            let weight = it.weight();
            let waiting = it.ready.get_or_insert_with(|| it.socket.room_for(weight));
            ready!(Pin::new(waiting).poll(cx))?;
            it.ready = None;
            let args = it.args.as_ref().map_err(EmitError::clone)?;
            match it.socket.emit_untold(&it.event, args, it.flags) {
                Err(EmitError::Full) => it.alone = true,
                Ok(()) => return Poll::Ready(it.socket.tell_outgoing(&it.event, args)),
                Err(why) => return Poll::Ready(Err(why)),
            }
        }
    }
}

impl Socket {
    /// Waits until its client has read so much of what waits for it that half of what may wait
    /// ([`max_backlog_bytes`](crate::app::Config::max_backlog_bytes), `max_backlog_packets`) is free, or nothing waits. At
    /// once, as long as it keeps up. So one that has much to say says it as fast as it is read, and nothing is lost:
    ///
    /// ```
    /// # use sio_driver::app::{EmitError, Socket};
    /// # async fn example(socket: Socket, rows: Vec<String>) -> Result<(), EmitError> {
    /// for row in &rows {
    ///     socket.ready().await?;
    ///     socket.emit("row", row)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Those that wait go on in the order in which they came, and nothing is reserved for them: where several emit to
    /// one client, [`emit_when_ready`](Self::emit_when_ready) waits for what each has to say. It ends, too, with [`EmitError::Disconnected`], when the
    /// socket leaves; a client that takes nothing any more is closed by `write_timeout` or its heartbeat. No more than
    /// [`max_ready_waits`](crate::app::Serving::max_ready_waits) wait for one client: the next gets
    /// [`EmitError::Full`].
    #[doc(alias = "drain")]
    pub fn ready(&self) -> Ready {
        self.room_for(Weight::default())
    }

    /// Emits an event as soon as there is room for it ([`ready`](Self::ready)), whatever the
    /// [`backlog_policy`](crate::app::Config::backlog_policy) is: nobody is closed for it, and it is not refused. What is
    /// emitted in the plain way meanwhile goes first.
    ///
    /// ```
    /// # use sio_driver::app::{EmitError, Socket};
    /// # async fn example(socket: Socket) -> Result<(), EmitError> {
    /// socket.emit_when_ready("page", &(1, "much text")).await
    /// # }
    /// ```
    pub fn emit_when_ready(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> EmitWhenReady {
        EmitWhenReady::new(self, event.as_ref(), args, Flags::default())
    }

    fn room_for(&self, weight: Weight) -> Ready {
        match self.connected() {
            true => Ready::new(self.task(), Some(self.key()), weight),
            false => Ready(Err(Some(EmitError::Disconnected))),
        }
    }
}
