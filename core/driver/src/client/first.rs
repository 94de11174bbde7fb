//! The first word of a socket that is in its namespace.

use std::sync::Arc;

use sio_core::engine::Flags;
use sio_core::id::SocketId;
use sio_core::packet::IntoArgs;

use super::inner::{First, Socket};
use crate::error::EmitError;
use crate::handle::AckFuture;

impl Socket {
    /// Has the first word each time that the socket is in its namespace, before what was emitted while it was away and
    /// before the handlers of `connect`: to say who one is, or to come back into rooms. There is one hook; the last
    /// one that is set counts. It must not block.
    ///
    /// ```
    /// # use sio_driver::client::Socket;
    /// # fn f(socket: &Socket) {
    /// socket.on_entering(|first| {
    ///     if !first.recovered() {
    ///         // Nothing to be done about it: the connection is lost, and there will be another first word.
    ///         let _ = first.emit("join", &("lobby",));
    ///     }
    /// });
    /// // Whenever this is said, and however often the connection is lost: it is said in the lobby.
    /// socket.emit("say", &("hello",)).unwrap();
    /// # }
    /// ```
    pub fn on_entering(&self, hook: impl Fn(&First) + Send + Sync + 'static) {
        let before = self.inner.rest().entering.replace(Arc::new(hook));
        // What it holds may be the application's, too.
        drop(before);
        let key = self.inner.key;
        self.shared()
            .with(|state, _| state.machine.ask_first(key, true));
    }
}

impl First {
    /// The socket. What is emitted by it waits for its turn.
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Its id.
    pub const fn id(&self) -> &SocketId {
        &self.id
    }

    /// Whether it is the one that it was before, and has missed nothing (§21).
    pub const fn recovered(&self) -> bool {
        self.recovered
    }

    /// Emits an event to the server.
    ///
    /// # Errors
    /// The arguments cannot be written, there is no room, or the socket has left again.
    pub fn emit(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError> {
        let (ticket, flags) = (&self.ticket, Flags::default());
        self.socket
            .emit_by(event.as_ref(), args, |machine, now, packet| {
                machine.emit_first(now, ticket, packet, flags)
            })
            .map(drop)
    }

    /// Emits and waits for the server's answer: [`Socket::emit_with_ack`]. The future is for a task of its own, since
    /// nothing is read while the hook runs.
    #[doc(alias = "emitWithAck")]
    pub fn emit_with_ack<T>(
        &self,
        event: impl AsRef<str>,
        args: &(impl IntoArgs + ?Sized),
    ) -> AckFuture<T> {
        let (ticket, flags) = (&self.ticket, Flags::default());
        self.socket
            .ask_by(event.as_ref(), args, |machine, now, id, packet, give| {
                let asked = machine.request_first(now, ticket, id, packet, flags, give, None);
                asked.map_err(|(why, give)| (why, false, give))
            })
    }
}
