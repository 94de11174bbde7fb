//! Handlers: closures, sync or async, that take what they name.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use crate::error::{Failure, refusal};
use crate::event::{Progress, SocketKind, Started};
use crate::handle::{Callback, Invocation, Socket};
use crate::handler::extract::FromEvent;

/// A closure that can handle events.
///
/// Up to eight arguments of any types that implement [`FromEvent`], in any order; sync or async; the
/// result is `()` or `Result<(), E>` with `E: Display`, of which [`Io::on_error`](crate::app::Io::on_error) hears:
/// clients are told nothing of it, unless it is a [`Refusal`](crate::app::Refusal) and
/// [`Reaction::RefuseAck`](crate::app::Reaction::RefuseAck) is set. `M` only tells the compiler which of these a
/// closure is. `S` is the kind of socket whose events they are.
///
/// A sync handler runs to its end, an async one to its first await, before the next event of its
/// connection is looked at; after that, handlers interleave. Long work belongs on a task of its own.
#[diagnostic::on_unimplemented(
    message = "this is not a handler of events",
    label = "not a handler: its arguments or what it returns are not those of one",
    note = "arguments of the event are taken as `Data<T>`: `|Data(text): Data<String>|`, where `T: serde::de::DeserializeOwned` (`#[derive(serde::Deserialize)]`), so `String` and not `&str`",
    note = "handles are taken by value: `socket: Socket`, not `&Socket`",
    note = "what `Io::set_state` was given is taken as `State<T>`, where `T: Clone`: `State(app): State<Arc<App>>`",
    note = "at most eight arguments are taken: several of an event are one tuple, `Data<(A, B, C)>`",
    note = "`ack: Ack` is there whether the client has asked or not (`Ack::is_requested`): not `Option<Ack>`",
    note = "a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`",
    note = "what it captures is `Send + Sync + 'static`, and so is what its future holds (but for `Sync`)",
    note = "more of this: `sio_driver::app::Handler`"
)]
pub trait Handler<M, S: SocketKind = Socket>: Send + Sync + 'static {
    /// Calls it.
    fn call(&self, call: &Invocation<S>) -> Started;
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "a handler returns `()` or `Result<(), E>` where `E: Display + 'static`; to answer, `ack.send(&value)`"
)]
pub trait Outcome {
    /// As a result, with the error in its own words.
    ///
    /// # Errors
    /// What the handler says went wrong.
    fn into_result(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Display + 'static> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(|error| match refusal(&error) {
            Some(refusal) => Failure::Refused(Box::new(refusal.clone())),
            None => Failure::Failed(error.to_string()),
        })
    }
}

/// Marks sync closures.
#[derive(Debug)]
pub struct Synchronous;

/// Marks async closures.
#[derive(Debug)]
pub struct Asynchronous;

macro_rules! handlers {
    ($($argument:ident),*) => {
        impl<S, F, R, $($argument),*> Handler<(Synchronous, $($argument,)*), S> for F
        where
            S: SocketKind,
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Outcome,
            $($argument: FromEvent<S>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, call: &Invocation<S>) -> Started {
                $(let $argument = match $argument::from_event(call) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                Started(Progress::Done(self($($argument),*).into_result()))
            }
        }

        impl<S, F, R, $($argument),*> Handler<(Asynchronous, $($argument,)*), S> for F
        where
            S: SocketKind,
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Outcome,
            $($argument: FromEvent<S>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, call: &Invocation<S>) -> Started {
                call.event.lasts();
                $(let $argument = match $argument::from_event(call) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                let running = self($($argument),*);
                Started(Progress::Pending(Box::pin(async move {
                    running.await.into_result()
                })))
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
handlers!(A, B, C, D, E);
handlers!(A, B, C, D, E, G);
handlers!(A, B, C, D, E, G, H);
handlers!(A, B, C, D, E, G, H, I);

/// The same without its type.
pub(crate) fn erase<M, S: SocketKind>(handler: impl Handler<M, S>) -> Callback<S> {
    Arc::new(move |call| handler.call(call))
}
