//! An event of a contract, as its handler takes it.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sio_core::packet::{ArgumentError, FromArgs};

use super::{Event, ServerToClient};
use crate::client;
use crate::error::{EmitError, Failure};
use crate::event::SocketKind;
use crate::handle::{Invocation, Socket};
use crate::handler::answer::Ack;
use crate::handler::extract::FromEvent;

/// An event of a contract, in a handler that [hears](crate::app::Namespace::hear) it: its first argument. Others may
/// follow, as in any handler.
///
/// ```
/// # use sio_driver::app::{Config, Io, Socket};
/// # use sio_driver::contract::Call;
/// # sio_driver::contract! {
/// #     pub Board
/// #     server to client { Moved = "moved"(piece: u32, x: u8, y: u8); }
/// #     client to server { Move = "move"(piece: u32, x: u8, y: u8) -> bool; }
/// # }
/// # let io = Io::new(Config::v4());
/// io.of("/").hear(|Call { args, reply }: Call<Move>, socket: Socket| {
///     let (piece, x, y) = args;
///     socket.broadcast().tell::<Moved>(&(piece, x, y))?;
///     reply.send(&true)
/// });
/// ```
pub struct Call<E: Event, S: SocketKind = Socket> {
    /// Its arguments.
    pub args: E::Args,
    /// For its answer.
    pub reply: Reply<E, S>,
}

/// An event of a contract, in a handler of a client.
pub type ClientCall<E> = Call<E, client::Socket>;

/// The other end's wish for the answer of an event of a contract. Dropped, it answers nothing.
pub struct Reply<E: Event, S: SocketKind = Socket> {
    ack: Ack<S>,
    of: PhantomData<fn(E)>,
}

impl<E: Event, S: SocketKind> Reply<E, S> {
    fn new(ack: Ack<S>) -> Self {
        Self {
            ack,
            of: PhantomData,
        }
    }

    /// Whether the other end waits for an answer.
    pub fn is_requested(&self) -> bool {
        self.ack.is_requested()
    }

    /// Answers. Nothing happens if the other end did not ask.
    ///
    /// # Errors
    /// The answer cannot be written, or the other end has gone.
    pub fn send(self, answer: &E::Ack) -> Result<(), EmitError>
    where
        E::Ack: Serialize,
    {
        self.ack.send(&(answer,))
    }
}

impl<E: Event, S: SocketKind> FromEvent<S> for Call<E, S>
where
    E::Args: DeserializeOwned,
{
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        Ok(Self {
            args: call.next().map_err(Failure::Mistyped)?,
            reply: Reply::new(Ack::from_event(call)?),
        })
    }
}

/// Why an event of a stream is not one of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// It has another name.
    Name(String),
    /// It has other arguments.
    Arguments(ArgumentError),
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "another event: {name:?}"),
            Self::Arguments(why) => write!(f, "other arguments: {why}"),
        }
    }
}

impl std::error::Error for Unexpected {}

/// An event of a [stream](client::Events).
impl<E: ServerToClient> TryFrom<client::Event> for Call<E, client::Socket>
where
    E::Args: DeserializeOwned,
{
    type Error = Unexpected;

    fn try_from(event: client::Event) -> Result<Self, Unexpected> {
        if &*event.name != E::NAME {
            return Err(Unexpected::Name(event.name.to_string()));
        }
        Ok(Self {
            args: FromArgs::from_args(&event.args).map_err(Unexpected::Arguments)?,
            reply: Reply::new(event.ack),
        })
    }
}

impl<E: Event, S: SocketKind> fmt::Debug for Call<E, S>
where
    E::Args: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("event", &E::NAME)
            .field("args", &self.args)
            .field("reply", &self.reply)
            .finish()
    }
}

impl<E: Event, S: SocketKind> fmt::Debug for Reply<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("event", &E::NAME)
            .field("is_requested", &self.is_requested())
            .finish()
    }
}
