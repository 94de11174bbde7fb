//! An event on its way to the handlers, without the socket whose it is, and what becomes of a handler's call.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sio_core::details::Details;
use sio_core::engine::TransportKind;
use sio_core::packet::{Args, ArgumentError, FromArgs, IntoArgs, Name};
use sio_core::socket::{DisconnectReason, Refusal};

use crate::error::{EmitError, Failure};
use crate::scratch;
use crate::sync::BoxFuture;

/// A kind of socket: one of a server, one of a client. Handlers are called alike for all of them.
pub trait SocketKind: Clone + Send + Sync + 'static {
    /// The other end's wish for an answer.
    type Ticket: fmt::Debug + Send + 'static;

    /// What an event can be about, besides its arguments.
    type About: Clone + fmt::Debug + Send + 'static;

    /// The transport by which its events come.
    fn transport(&self) -> TransportKind;

    /// What handlers were given to work with, by its type.
    fn state<T: Clone + Send + Sync + 'static>(&self) -> Option<T>;

    /// Whether the other end is told of events that a handler could not take.
    fn refuses(&self) -> bool {
        false
    }

    /// Answers an event.
    ///
    /// # Errors
    /// The arguments cannot be written, or the other end has gone.
    fn answer(
        &self,
        ticket: Self::Ticket,
        args: &(impl IntoArgs + ?Sized),
    ) -> Result<(), EmitError>;
}

/// An event: its name, its arguments, and how far the handler that is called has taken them.
pub(crate) struct Event<S: SocketKind> {
    pub(crate) name: Name,
    pub(crate) args: Args,
    pub(crate) ack: Cell<AckSlot<S::Ticket>>,
    pub(crate) about: S::About,
    /// How many arguments the handler that is called has taken already.
    taken: Cell<usize>,
    /// How it holds them.
    held: Cell<Held>,
    /// Whether it may wait.
    lasting: Cell<bool>,
}

/// How the arguments are held by a handler that was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    #[default]
    Nothing,
    /// As they are.
    Text,
    /// As values of its own types.
    Values,
}

/// What an event of a server's socket is about, besides its arguments.
#[derive(Clone, Debug)]
pub enum About {
    /// It has entered.
    Connect,
    /// What its client has sent.
    Event,
    /// It is about to leave.
    Disconnecting(DisconnectReason, Option<Arc<Details>>),
    /// It has left.
    Disconnect(DisconnectReason, Option<Arc<Details>>),
    /// Something was refused.
    Error(ErrorSource, Refusal),
}

/// Who says that something went wrong, for handlers of errors
/// ([`Socket::on_error`](crate::app::Socket::on_error)). In 2.x both are one event, `error`, and whoever trusts
/// what it says trusts the client.
///
/// ```
/// # use sio_driver::app::{ErrorSource, Refusal, Socket};
/// # fn example(socket: &Socket) {
/// socket.on_error(|source: ErrorSource, why: Refusal| match source {
///     ErrorSource::Middleware => println!("refused: {why}"),
///     ErrorSource::Client => println!("the client says: {why}"),
/// });
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorSource {
    /// A client of revision 4, in an ERROR packet. It may say what it likes.
    Client,
    /// One of the application's own packet middlewares.
    Middleware,
}

/// The other end's wish for an answer, which the handlers of one event share.
#[derive(Debug, Default)]
pub(crate) enum AckSlot<T> {
    #[default]
    None,
    One(T),
    Shared(Arc<Mutex<Option<T>>>),
    /// The handler that is called has it, and gives it back if it cannot take the rest of what it asks for.
    Lent(Arc<Mutex<Option<T>>>),
}

impl<T> AckSlot<T> {
    /// The same, of which there can be others.
    pub(crate) fn shared(self) -> Self {
        match self {
            Self::One(ticket) => Self::Shared(Arc::new(Mutex::new(Some(ticket)))),
            as_it_is @ (Self::None | Self::Shared(_) | Self::Lent(_)) => as_it_is,
        }
    }

    /// Another one, if there can be others.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Shared(ticket) => Self::Shared(ticket.clone()),
            Self::None | Self::One(_) | Self::Lent(_) => Self::None,
        }
    }
}

/// A handler that was called.
pub struct Started(pub(crate) Progress);

pub(crate) enum Progress {
    Done(Result<(), Failure>),
    Pending(BoxFuture<Result<(), Failure>>),
}

impl<S: SocketKind> Event<S> {
    pub(crate) fn new(name: Name, args: Args, about: S::About) -> Self {
        Self {
            name,
            args,
            ack: Cell::default(),
            about,
            taken: Cell::new(0),
            held: Cell::default(),
            lasting: Cell::default(),
        }
    }

    /// A handler is called: it takes the arguments from the first one on.
    pub(crate) fn begin(&self) {
        self.taken.set(0);
        self.held.set(Held::Nothing);
        self.lasting.set(false);
    }

    /// The handler that is called may wait, and keep what it takes.
    pub(crate) fn lasts(&self) {
        self.lasting.set(true);
    }

    /// Bytes of the arguments that the handler which was called holds.
    pub(crate) fn held(&self) -> usize {
        match self.held.get() {
            Held::Nothing => 0,
            Held::Text => self.args.size(),
            Held::Values => self.args.value_size(),
        }
    }

    fn hold(&self, how: Held) {
        self.held.set(self.held.get().max(how));
    }

    /// The arguments behind those that the handler has taken already. They came by this transport.
    #[inline]
    pub(crate) fn next<T: FromArgs>(
        &self,
        transport: impl FnOnce() -> TransportKind,
    ) -> Result<T, ArgumentError> {
        self.hold(Held::Values);
        let mut taken = self.taken.get();
        let next = if T::SHARES && self.lasting.get() {
            T::take(&self.kept_args(transport()), &mut taken)
        } else {
            T::take(&self.args, &mut taken)
        };
        self.taken.set(taken);
        next
    }

    /// All arguments, whoever takes some.
    pub(crate) fn all(&self, transport: impl FnOnce() -> TransportKind) -> Args {
        self.hold(Held::Text);
        if self.lasting.get() {
            self.kept_args(transport())
        } else {
            self.args.clone()
        }
    }

    /// The arguments, which the handler looks at itself.
    pub(crate) fn args(&self) -> &Args {
        self.hold(Held::Values);
        &self.args
    }

    /// The arguments, for something that may wait long: copied, where they may hold on to much more than they are
    /// themselves.
    pub(crate) fn kept_args(&self, transport: TransportKind) -> Args {
        if is_small(self.args.size(), transport) {
            self.args.detached()
        } else {
            self.args.clone()
        }
    }

    /// Prepares the ack to be given to `handlers` handlers, of which the first one to answer wins.
    pub(crate) fn share_ack(&mut self, handlers: usize) {
        let slot = self.ack.get_mut();
        if handlers > 1
            && let AckSlot::One(ticket) = std::mem::take(slot)
        {
            *slot = AckSlot::Shared(Arc::new(Mutex::new(Some(ticket))));
        }
    }

    /// The ack for one handler. `lent`: it is wanted back if that cannot be called.
    pub(crate) fn take_ack(&self, lent: bool) -> AckSlot<S::Ticket> {
        match self.ack.take() {
            AckSlot::Shared(ticket) => {
                self.ack.set(AckSlot::Shared(ticket.clone()));
                AckSlot::Shared(ticket)
            }
            AckSlot::One(ticket) if lent => {
                let ticket = Arc::new(Mutex::new(Some(ticket)));
                self.ack.set(AckSlot::Lent(ticket.clone()));
                AckSlot::Shared(ticket)
            }
            lent @ AckSlot::Lent(_) => {
                self.ack.set(lent);
                AckSlot::None
            }
            alone @ (AckSlot::None | AckSlot::One(_)) => alone,
        }
    }

    /// The ack that no handler has. `called`: the one that has taken it, if one has, has all that it asked for.
    pub(crate) fn untaken_ack(&self, called: bool) -> Option<S::Ticket> {
        match self.ack.take() {
            AckSlot::One(ticket) => Some(ticket),
            AckSlot::Lent(ticket) if !called => {
                let mut ticket = ticket.lock().unwrap_or_else(PoisonError::into_inner);
                ticket.take()
            }
            taken @ (AckSlot::None | AckSlot::Shared(_) | AckSlot::Lent(_)) => {
                self.ack.set(taken);
                None
            }
        }
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Progress::Done(_) => "Done",
            Progress::Pending(_) => "Pending",
        })
    }
}

/// Whether what was read together may be many times as large as this: a read from a WebSocket, or the body of
/// a POST.
pub(crate) fn is_small(size: usize, transport: TransportKind) -> bool {
    match transport {
        TransportKind::WebSocket => size < scratch::SIZE / 4,
        TransportKind::Polling => true,
    }
}
