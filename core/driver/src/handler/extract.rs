//! What a handler can ask for, by the types of its arguments.

use std::any::type_name;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use sio_core::details::Details;
use sio_core::packet::{Args, ArgumentError, FromArgs, Name};
use sio_core::socket::{DisconnectReason, Refusal};

use crate::error::Failure;
use crate::event::{About, ErrorSource, SocketKind};
use crate::handle::{Invocation, Io, Namespace, Socket};
use crate::handler::answer::Ack;

/// A type that a handler may have among its arguments, if it handles events of this kind of sockets.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not something that an event has",
    note = "arguments of the event are taken as `Data<T>`: `|Data(text): Data<String>|`, where `T: serde::de::DeserializeOwned` (`#[derive(serde::Deserialize)]`), so `String` and not `&str`",
    note = "handles are taken by value: `socket: Socket`, not `&Socket`",
    note = "what `Io::set_state` was given is taken as `State<T>`, where `T: Clone`: `State(app): State<Arc<App>>`",
    note = "at most eight arguments are taken: several of an event are one tuple, `Data<(A, B, C)>`",
    note = "`ack: Ack` is there whether the client has asked or not (`Ack::is_requested`): not `Option<Ack>`"
)]
pub trait FromEvent<S: SocketKind = Socket>: Sized {
    /// Takes it from the event.
    ///
    /// # Errors
    /// The event does not have it; the handler is not called then.
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure>;
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

/// The parameters in the name of the event's namespace, as a serde type: what a pattern names in braces
/// ([`Io::of_pattern`](crate::app::Io::of_pattern)) or the groups of a regular expression. A struct or a map takes
/// them by their names, a tuple in their order, and any other type the only one.
///
/// ```
/// # use sio_driver::app::{Config, Io, Params, PatternError, Socket};
/// # let io = Io::new(Config::v4());
/// #[derive(serde::Deserialize)]
/// struct Place {
///     tenant: String,
///     room: u32,
/// }
///
/// let rooms = io.of_pattern("/{tenant}/room-{room}")?;
/// rooms.on_connect(|socket: Socket, Params(place): Params<Place>| {
///     println!("{} is in room {} of {}", socket.id(), place.room, place.tenant);
/// });
/// rooms.on("leave", |Params((tenant, room)): Params<(String, u32)>| println!("{tenant} {room}"));
/// # Ok::<(), PatternError>(())
/// ```
///
/// If they are something else, the handler is not called, and a middleware refuses with `invalid arguments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params<T>(pub T);

/// What was given to [`Io::set_state`](crate::app::Io::set_state), by type. Cloned for each call: put large things
/// in an `Arc`.
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

impl<T: FromArgs, S: SocketKind> FromEvent<S> for Data<T> {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        call.next().map(Self).map_err(Failure::Mistyped)
    }
}

impl<T: FromArgs, S: SocketKind> FromEvent<S> for TryData<T> {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        Ok(Self(call.next()))
    }
}

impl<T: DeserializeOwned> FromEvent for Params<T> {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        let parameters = call.socket.namespace().parameters();
        parameters.decode().map(Self).map_err(Failure::Params)
    }
}

impl<S: SocketKind> FromEvent<S> for EventName {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        Ok(Self(call.event.name.clone()))
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

impl<T: Clone + Send + Sync + 'static, S: SocketKind> FromEvent<S> for State<T> {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        call.socket
            .state()
            .map(Self)
            .ok_or(Failure::NoState(type_name::<T>()))
    }
}

/// All of them, whoever else takes some.
impl<S: SocketKind> FromEvent<S> for Args {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        Ok(call.all())
    }
}

impl FromEvent for Socket {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        Ok(call.socket.clone())
    }
}

impl FromEvent for Namespace {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        Ok(call.socket.namespace().clone())
    }
}

impl FromEvent for Io {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        Ok(call.socket.io())
    }
}

impl<S: SocketKind> FromEvent<S> for Ack<S> {
    fn from_event(call: &Invocation<S>) -> Result<Self, Failure> {
        let slot = call.event.take_ack(call.socket.refuses());
        Ok(Self::new(call.socket.clone(), slot))
    }
}

impl FromEvent for DisconnectReason {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
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
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
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
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
            About::Error(_, refusal) => Ok(refusal.clone()),
            About::Connect | About::Event | About::Disconnecting(..) | About::Disconnect(..) => {
                Err(Failure::Absent("refusal"))
            }
        }
    }
}

impl FromEvent for ErrorSource {
    fn from_event(call: &Invocation) -> Result<Self, Failure> {
        match &call.event.about {
            About::Error(source, _) => Ok(*source),
            About::Connect | About::Event | About::Disconnecting(..) | About::Disconnect(..) => {
                Err(Failure::Absent("error source"))
            }
        }
    }
}
