//! What can go wrong for the application. A client's misbehaviour is not among it.

use std::any::Any;
use std::fmt;

use http::HeaderMap;
use sio_core::details::Details;
use sio_core::engine::ErrorContext;
use sio_core::id::SocketId;
use sio_core::namespaces::ParametersError;
use sio_core::packet::{ArgumentError, EncodeError};
use sio_core::socket::{self, Refusal};

/// Why an emit was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// The event's name is reserved, or the arguments cannot be written.
    Encode(EncodeError),
    /// The socket is not in its namespace: not yet (in a middleware), or not any more.
    Disconnected,
    /// More waits for this client than `max_backlog_bytes` allows, and the policy is to refuse.
    Full,
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(why) => why.fmt(f),
            Self::Disconnected => f.write_str("the socket is not connected"),
            Self::Full => f.write_str("the client's backlog is full (max_backlog_bytes)"),
        }
    }
}

impl std::error::Error for EmitError {}

impl From<EncodeError> for EmitError {
    fn from(why: EncodeError) -> Self {
        Self::Encode(why)
    }
}

/// Why an emit that asked for an ack has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AckError {
    /// The client did not answer in time.
    Timeout,
    /// The client went away before it answered, or was not there.
    Disconnected,
    /// It was not sent: it was volatile and the client not ready, or its backlog is full.
    NotSent,
    /// As many acks of this socket are open as may be (`max_pending_acks`).
    TooMany,
    /// The client answered, and its answers that its own handlers hold take as many bytes as may be
    /// (`max_running_bytes`) already. This one was not kept.
    Full,
    /// The client answered with something else than what was asked for.
    Mistyped(ArgumentError),
    /// The arguments of the emit cannot be written.
    Encode(EncodeError),
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("operation has timed out"),
            Self::Disconnected => f.write_str("the socket has been disconnected"),
            Self::NotSent => f.write_str("not sent: the client is not ready for it"),
            Self::TooMany => f.write_str("too many acks are waiting (max_pending_acks)"),
            Self::Full => f.write_str("too many answers are held (max_running_bytes)"),
            Self::Mistyped(why) => write!(f, "the answer: {why}"),
            Self::Encode(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for AckError {}

impl From<socket::AckError> for AckError {
    fn from(error: socket::AckError) -> Self {
        match error {
            socket::AckError::Timeout => Self::Timeout,
            socket::AckError::TooMany | socket::AckError::Duplicate => Self::TooMany,
            socket::AckError::NotSent => Self::NotSent,
            socket::AckError::Disconnected => Self::Disconnected,
        }
    }
}

impl From<EmitError> for AckError {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Encode(why) => Self::Encode(why),
            EmitError::Disconnected => Self::Disconnected,
            EmitError::Full => Self::NotSent,
        }
    }
}

/// An event that was not handled as it should have been: for [`Io::on_error`](crate::app::Io::on_error).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerError {
    /// The socket whose event it was. Of a client of revision 4 this is a secret ([`SocketId`]), and so is
    /// what this error is as text.
    pub socket: SocketId,
    /// The namespace the socket is in.
    pub namespace: String,
    /// The event's name; `connect`, `disconnecting` and `disconnect` for those handlers.
    pub event: String,
    /// What happened.
    pub why: Failure,
}

/// What went wrong in a handler.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// An argument is not of the type that the handler asks for; it was not called.
    Mistyped(ArgumentError),
    /// The handler asks for a [`State`](crate::app::State) that [`Io::set_state`](crate::app::Io::set_state) was not
    /// given; it was not called. Holds the type's name.
    NoState(&'static str),
    /// The parameters in the namespace's name are not of the type that the handler asks for
    /// ([`Params`](crate::app::Params)); it was not called.
    Params(ParametersError),
    /// The handler asks for something that this kind of event does not have; it was not called.
    Absent(&'static str),
    /// The handler returned an error, in its words.
    Failed(String),
    /// The handler returned a [`Refusal`]: words that it has chosen for the client.
    Refused(Box<Refusal>),
    /// The handler panicked. The connection is closed.
    Panicked(String),
    /// The handler was dropped where it waited, or before it was called, since its client has gone. Holds the
    /// option that was reached: `departed_timeout` or `max_departed_bytes`.
    Dropped(&'static str),
    /// There is no handler for this event, neither in its namespace nor on its socket. Its name is the
    /// client's, and cut after 128 characters.
    Unhandled,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistyped(why) => why.fmt(f),
            Self::Params(why) => why.fmt(f),
            Self::NoState(name) => write!(f, "no state of type {name}"),
            Self::Absent(what) => write!(f, "this event has no {what}"),
            Self::Failed(why) => f.write_str(why),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Panicked(why) => write!(f, "panicked: {why}"),
            Self::Dropped(limit) => write!(f, "dropped after its client had gone ({limit})"),
            Self::Unhandled => f.write_str("no handler for it"),
        }
    }
}

impl Failure {
    /// What a client may be told of it: what the application has chosen for that, or that it happened.
    /// Errors, types and arguments in their own words are the application's affair.
    pub(crate) fn told(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.message,
            Self::Mistyped(_) | Self::Params(_) => "invalid arguments",
            Self::NoState(_)
            | Self::Absent(_)
            | Self::Failed(_)
            | Self::Panicked(_)
            | Self::Dropped(_) => "internal error",
            Self::Unhandled => "no handler",
        }
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} of socket {} in {}: {}",
            self.event, self.socket, self.namespace, self.why
        )
    }
}

impl std::error::Error for HandlerError {}

/// What the server does with an event that a handler could not take, or a middleware refused, beyond
/// telling [`Io::on_error`](crate::app::Io::on_error).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reaction {
    /// Nothing; an ack that was asked for stays unanswered.
    Ignore,
    /// A line in the log, at `debug`: a client can cause it.
    #[default]
    Log,
    /// The line, and if an ack was asked for, an answer: `{"error": message}` of a middleware's or a
    /// handler's [`Refusal`]; else `{"error": "invalid arguments"}`, or `{"error": "internal error"}` where a
    /// handler has returned an error, or asked for what there is not. What an
    /// error says is told to [`Io::on_error`](crate::app::Io::on_error), never to a client.
    RefuseAck,
}

/// A request that was turned away, or a session that ended for what its client did or did not do: for
/// [`Io::on_connection_error`](crate::app::Io::on_connection_error). Of a session this has the request that ended it,
/// else its first one, no code, and its [`Details`] as message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionError {
    /// The status of the answer.
    pub status: http::StatusCode,
    /// The code in it, 0 to 5 (§9.5), if there is one.
    pub code: Option<u64>,
    /// The message in it; if it has none, what is wrong.
    pub message: String,
    /// The method and target of the request.
    pub request: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// What was wrong with the request: there for each that was turned away as it came. One of a file of the client's
    /// has none, nor has one whose session ends before its body is there.
    pub context: Option<ErrorContext>,
    /// What the client did: there for each session that ends for that.
    pub details: Option<Details>,
}

/// Why a middleware refuses, and what becomes of that.
#[derive(Debug)]
pub(crate) enum Denial {
    /// In words for the client.
    Refused(Refusal),
    /// In words for the application alone.
    Failed(Failure),
}

impl Denial {
    /// What the client is told, and what the application is to be.
    pub(crate) fn split(self) -> (Refusal, Option<Failure>) {
        match self {
            Self::Refused(refusal) => (refusal, None),
            Self::Failed(failure) => (Refusal::new(failure.told()), Some(failure)),
        }
    }
}

/// The refusal that an error of the application's is, if it is one, in a box or not.
pub(crate) fn refusal(error: &dyn Any) -> Option<&Refusal> {
    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    let boxed = || error.downcast_ref::<Boxed>()?.downcast_ref();
    error.downcast_ref().or_else(boxed)
}
