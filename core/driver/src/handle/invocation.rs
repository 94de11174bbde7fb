//! An event of a socket, as its handlers are given it.

use std::fmt;

use sio_core::packet::{Args, ArgumentError, FromArgs, Name};

use super::inner::{Invocation, Socket};
use crate::event::{About, Event, SocketKind};

impl Invocation {
    /// For the middlewares of its namespace: its arguments are the client's credentials.
    pub(crate) fn entering(socket: &Socket) -> Self {
        let args = socket.handshake().auth.args();
        let name = Name::from_static("connect");
        Self::new(socket.clone(), name, args, About::Connect)
    }
}

impl<S: SocketKind> Invocation<S> {
    pub(crate) fn new(socket: S, name: Name, args: Args, about: S::About) -> Self {
        Self {
            socket,
            event: Event::new(name, args, about),
        }
    }

    /// The arguments behind those that the handler has taken already.
    #[inline]
    pub(crate) fn next<T: FromArgs>(&self) -> Result<T, ArgumentError> {
        self.event.next(|| self.socket.transport())
    }

    /// All arguments, whoever takes some.
    pub(crate) fn all(&self) -> Args {
        self.event.all(|| self.socket.transport())
    }

    /// The arguments, for something that may wait long.
    pub(crate) fn kept_args(&self) -> Args {
        self.event.kept_args(self.socket.transport())
    }

    /// The socket whose event this is.
    pub fn socket(&self) -> &S {
        &self.socket
    }

    /// The event's name; `connect`, `disconnecting`, `disconnect` and `error` for those handlers.
    pub fn name(&self) -> &str {
        &self.event.name
    }

    /// The event's arguments. For connect handlers the client's credentials. What is to outlive the event is
    /// taken from [`Args::detached`]: a clone holds on to all that was read with them.
    pub fn args(&self) -> &Args {
        self.event.args()
    }
}

impl<S: SocketKind + fmt::Debug> fmt::Debug for Invocation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("socket", &self.socket)
            .field("name", &self.event.name)
            .field("args", &self.event.args)
            .field("about", &self.event.about)
            .finish_non_exhaustive()
    }
}
