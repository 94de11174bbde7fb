//! What a handler can ask for, by the types of its arguments.

use std::any::type_name;
use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use sio_core::details::Details;
use sio_core::engine::TransportKind;
use sio_core::packet::{Args, ArgumentError, FromArgs, Name};
use sio_core::socket::{AckTicket, DisconnectReason, Refusal};

use crate::error::Failure;
use crate::handle::{Io, Namespace, Socket};
use crate::handler::ack::Ack;
use crate::scratch;

/// An event on its way to the handlers: what extractors take from.
pub struct Invocation {
    pub(crate) socket: Socket,
    pub(crate) name: Name,
    pub(crate) args: Args,
    pub(crate) ack: Cell<AckSlot>,
    pub(crate) about: About,
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

/// What an event is about, besides its arguments.
#[derive(Clone, Debug)]
pub(crate) enum About {
    Connect,
    Event,
    Disconnecting(DisconnectReason, Option<Arc<Details>>),
    Disconnect(DisconnectReason, Option<Arc<Details>>),
    Error(ErrorSource, Refusal),
}

/// Who says that something went wrong, for handlers of errors ([`Socket::on_error`]). In 2.x both are one event,
/// `error`, and whoever trusts what it says trusts the client.
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

/// The client's wish for an answer, which the handlers of one event share.
#[derive(Debug, Default)]
pub(crate) enum AckSlot {
    #[default]
    None,
    One(AckTicket),
    Shared(Arc<Mutex<Option<AckTicket>>>),
}

impl Invocation {
    pub(crate) fn new(socket: Socket, name: Name, args: Args, about: About) -> Self {
        Self {
            socket,
            name,
            args,
            ack: Cell::default(),
            about,
            taken: Cell::new(0),
            held: Cell::default(),
            lasting: Cell::default(),
        }
    }

    /// For the middlewares of its namespace: its arguments are the client's credentials.
    pub(crate) fn entering(socket: &Socket) -> Self {
        let args = socket.handshake().auth.args();
        let name = Name::from_static("connect");
        Self::new(socket.clone(), name, args, About::Connect)
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

    /// The arguments behind those that the handler has taken already.
    #[inline]
    fn next<T: FromArgs>(&self) -> Result<T, ArgumentError> {
        self.hold(Held::Values);
        let mut taken = self.taken.get();
        let next = if T::SHARES && self.lasting.get() {
            T::take(&self.kept_args(), &mut taken)
        } else {
            T::take(&self.args, &mut taken)
        };
        self.taken.set(taken);
        next
    }

    /// The arguments, for something that may wait long.
    pub(crate) fn kept_args(&self) -> Args {
        for_keeping(&self.args, self.socket.task().transport())
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

    /// The ack for one handler.
    pub(crate) fn take_ack(&self) -> AckSlot {
        match self.ack.take() {
            AckSlot::Shared(ticket) => {
                self.ack.set(AckSlot::Shared(ticket.clone()));
                AckSlot::Shared(ticket)
            }
            alone @ (AckSlot::None | AckSlot::One(_)) => alone,
        }
    }

    /// The socket whose event this is.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The event's name; `connect`, `disconnecting`, `disconnect` and `error` for those handlers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The event's arguments. For connect handlers the client's credentials. What is to outlive the event is
    /// taken from [`Args::detached`]: a clone holds on to all that was read with them.
    pub fn args(&self) -> &Args {
        self.hold(Held::Values);
        &self.args
    }
}

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invocation")
            .field("socket", &self.socket)
            .field("name", &self.name)
            .field("args", &self.args)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

/// A type that a handler may have among its arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not something that an event has",
    note = "arguments of the event are taken as `Data<T>`: `|Data(text): Data<String>|`, where `T: serde::de::DeserializeOwned` (`#[derive(serde::Deserialize)]`), so `String` and not `&str`",
    note = "handles are taken by value: `socket: Socket`, not `&Socket`",
    note = "what `Io::set_state` was given is taken as `State<T>`, where `T: Clone`: `State(app): State<Arc<App>>`",
    note = "at most eight arguments are taken: several of an event are one tuple, `Data<(A, B, C)>`",
    note = "`ack: Ack` is there whether the client has asked or not (`Ack::is_requested`): not `Option<Ack>`"
)]
pub trait FromEvent: Sized {
    /// Takes it from the event.
    ///
    /// # Errors
    /// The event does not have it; the handler is not called then.
    fn from_event(event: &Invocation) -> Result<Self, Failure>;
}

/// Arguments of the event as a serde type: a tuple for several, any other type for one.
///
/// A handler that names several takes them in turn, each behind what those before it have taken: a tuple
/// takes as many as it has members, `()` none, any other type one, and `Data<Args>` all that are left.
/// Arguments that nobody takes do not matter; those that are missing are `null`.
///
/// ```
/// # use sio_driver::app::{Args, Data, Socket};
/// # fn example(socket: &Socket) {
/// // emit("place", "b", 3, 4, "red", "blue")
/// socket.on(
///     "place",
///     |Data(board): Data<String>, Data((x, y)): Data<(u8, u8)>, Data(rest): Data<Args>| {
///         println!("{x},{y} on {board}, and {} more", rest.len());
///     },
/// );
/// # }
/// ```
///
/// If they are something else, the handler is not called and
/// [`Io::on_error`](crate::app::Io::on_error) hears of it. In a connect handler these are the client's
/// credentials (`auth`), `{}` if it sent none. [`guide::shapes`](crate::guide::shapes) has which types take
/// what, and what becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

/// Like [`Data`], and in turn with it, for handlers that want to see for themselves what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryData<T>(pub Result<T, ArgumentError>);

/// The event's name: for catch-all handlers. Dereferences to `str`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName(pub Name);

/// What was given to [`Io::set_state`](crate::app::Io::set_state), by type. Cloned for each call: put large things
/// in an `Arc`.
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

impl<T: FromArgs> FromEvent for Data<T> {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        event.next().map(Self).map_err(Failure::Mistyped)
    }
}

impl<T: FromArgs> FromEvent for TryData<T> {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(Self(event.next()))
    }
}

impl FromEvent for EventName {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(Self(event.name.clone()))
    }
}

impl Deref for EventName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for EventName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EventName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Clone + Send + Sync + 'static> FromEvent for State<T> {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        event
            .socket
            .io()
            .state()
            .map(Self)
            .ok_or(Failure::NoState(type_name::<T>()))
    }
}

/// All of them, whoever else takes some.
impl FromEvent for Args {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        event.hold(Held::Text);
        Ok(if event.lasting.get() {
            event.kept_args()
        } else {
            event.args.clone()
        })
    }
}

impl FromEvent for Socket {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(event.socket.clone())
    }
}

impl FromEvent for Namespace {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(event.socket.namespace().clone())
    }
}

impl FromEvent for Io {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(event.socket.io())
    }
}

impl FromEvent for Ack {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        Ok(Self::new(event.socket.clone(), event.take_ack()))
    }
}

impl FromEvent for DisconnectReason {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        match &event.about {
            About::Disconnecting(reason, _) | About::Disconnect(reason, _) => Ok(*reason),
            About::Connect | About::Event | About::Error(..) => {
                Err(Failure::Absent("disconnect reason"))
            }
        }
    }
}

/// What lies behind a socket's [`DisconnectReason`], for handlers of `disconnecting` and `disconnect`: the rule
/// that its client broke, or the limit that it reached. `None` if it was somebody's wish, or the client just
/// went.
impl FromEvent for Option<Details> {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        match &event.about {
            About::Disconnecting(_, details) | About::Disconnect(_, details) => {
                Ok(details.as_deref().cloned())
            }
            About::Connect | About::Event | About::Error(..) => {
                Err(Failure::Absent("disconnect reason"))
            }
        }
    }
}

impl FromEvent for Refusal {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        match &event.about {
            About::Error(_, refusal) => Ok(refusal.clone()),
            About::Connect | About::Event | About::Disconnecting(..) | About::Disconnect(..) => {
                Err(Failure::Absent("refusal"))
            }
        }
    }
}

impl FromEvent for ErrorSource {
    fn from_event(event: &Invocation) -> Result<Self, Failure> {
        match &event.about {
            About::Error(source, _) => Ok(*source),
            About::Connect | About::Event | About::Disconnecting(..) | About::Disconnect(..) => {
                Err(Failure::Absent("error source"))
            }
        }
    }
}

/// Arguments that something keeps which may wait long: copied, where they may hold on to much more than they
/// are themselves.
fn for_keeping(args: &Args, transport: TransportKind) -> Args {
    if is_small(args.size(), transport) {
        args.detached()
    } else {
        args.clone()
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
