//! Types whose methods are handlers.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::call::{Asynchronous, Outcome, Synchronous};
use super::extract::FromEvent;
use crate::event::{Progress, SocketKind, Started};
use crate::handle::{Callback, Invocation, Io, Namespace, ParentNamespace, Socket};
use crate::listeners::{ListenerId, Topic};

/// A type whose methods are the handlers of a namespace. What they share is its fields.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use sio_driver::app::{Ack, Config, Data, EmitError, Group, Io, Methods, RoomError, Socket};
///
/// #[derive(Default)]
/// struct Chat {
///     lines: Mutex<Vec<String>>,
/// }
///
/// impl Chat {
///     fn enters(&self, socket: Socket) -> Result<(), RoomError> {
///         socket.join("all")
///     }
///
///     fn say(&self, socket: Socket, Data(line): Data<String>) -> Result<(), EmitError> {
///         self.lines.lock().unwrap().push(line.clone());
///         socket.to("all").emit("said", &line)
///     }
///
///     // One that waits holds on to the group.
///     async fn history(self: Arc<Self>, ack: Ack) -> Result<(), EmitError> {
///         ack.send(&*self.lines.lock().unwrap())
///     }
/// }
///
/// impl Group for Chat {
///     fn register(methods: &Methods<'_, Self>) {
///         methods.on_connect(Self::enters);
///         methods.on("say", Self::say);
///         methods.on("history", Self::history);
///     }
/// }
///
/// let io = Io::new(Config::default());
/// let chat = Arc::new(Chat::default());
/// io.of("/chat").add_group(&chat);
/// ```
pub trait Group: Sized + Send + Sync + 'static {
    /// Says which method handles what. Called once for each time that the group is added.
    fn register(methods: &Methods<'_, Self>);
}

/// A method that can handle events: as [`Handler`](crate::app::Handler), with the group before its arguments. One that
/// is not async takes `&self`, one that is takes `self: Arc<Self>`: it may outlive the call.
#[diagnostic::on_unimplemented(
    message = "this is not a method that handles events of `{T}`",
    label = "not a method of the group: what it takes or returns is not that of one",
    note = "a sync one takes `&self`, an async one `self: Arc<Self>`; then what a handler takes, up to eight arguments",
    note = "more of this: `sio_driver::app::Group` and `sio_driver::app::Handler`"
)]
pub trait Method<T, M, S: SocketKind = Socket>: Send + Sync + 'static {
    /// Calls it.
    fn call(&self, group: &Arc<T>, call: &Invocation<S>) -> Started;
}

/// Where a group says which of its methods handle what. All of them have the namesakes that they stand for.
pub struct Methods<'a, T> {
    group: &'a Arc<T>,
    add: &'a dyn Fn(Topic, bool, Callback) -> ListenerId,
}

impl<T: Group> Methods<'_, T> {
    /// The group itself, for what is no method: closures that hold on to it.
    pub const fn group(&self) -> &Arc<T> {
        self.group
    }

    /// [`Namespace::on`]: handles an event.
    pub fn on<M>(&self, event: impl Into<String>, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::named(event.into()), false, method)
    }

    /// [`Namespace::once`]: handles the next event of that name, and no other.
    pub fn once<M>(&self, event: impl Into<String>, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::named(event.into()), true, method)
    }

    /// [`Namespace::on_any`]: handles every event, before the handlers for the event itself.
    pub fn on_any<M>(&self, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::AnyEvent, false, method)
    }

    /// [`Namespace::on_unhandled`]: handles events that nobody else handles.
    pub fn on_unhandled<M>(&self, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::Unhandled, false, method)
    }

    /// [`Namespace::on_connect`]: handles sockets that have entered.
    pub fn on_connect<M>(&self, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::Connect, false, method)
    }

    /// [`Namespace::on_disconnecting`]: handles sockets' leaving, while they are still in their rooms.
    pub fn on_disconnecting<M>(&self, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::Disconnecting, false, method)
    }

    /// [`Namespace::on_disconnect`]: handles sockets' having left.
    pub fn on_disconnect<M>(&self, method: impl Method<T, M>) -> ListenerId {
        self.add(Topic::Disconnect, false, method)
    }

    fn add<M>(&self, topic: Topic, once: bool, method: impl Method<T, M>) -> ListenerId {
        let group = self.group.clone();
        let handler = move |call: &Invocation| method.call(&group, call);
        (self.add)(topic, once, Arc::new(handler))
    }
}

impl<T> fmt::Debug for Methods<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Methods").finish_non_exhaustive()
    }
}

macro_rules! add_group {
    ($type:ty) => {
        impl $type {
            /// Adds a group of handlers, behind those that are there: the methods of a type, which share what it
            /// holds ([`Group`]).
            pub fn add_group<T: Group>(&self, group: &Arc<T>) {
                T::register(&Methods {
                    group,
                    add: &|topic, once, callback| self.listeners().add(topic, once, callback),
                });
            }
        }
    };
}

add_group!(Io);
add_group!(Namespace);
add_group!(ParentNamespace);

macro_rules! methods {
    ($($argument:ident),*) => {
        impl<T, S, F, R, $($argument),*> Method<T, (Synchronous, $($argument,)*), S> for F
        where
            S: SocketKind,
            F: Fn(&T $(, $argument)*) -> R + Send + Sync + 'static,
            R: Outcome,
            $($argument: FromEvent<S>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, group: &Arc<T>, call: &Invocation<S>) -> Started {
                $(let $argument = match $argument::from_event(call) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                Started(Progress::Done(self(group $(, $argument)*).into_result()))
            }
        }

        impl<T, S, F, R, $($argument),*> Method<T, (Asynchronous, $($argument,)*), S> for F
        where
            S: SocketKind,
            F: Fn(Arc<T> $(, $argument)*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            R::Output: Outcome,
            $($argument: FromEvent<S>,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(&self, group: &Arc<T>, call: &Invocation<S>) -> Started {
                call.event.lasts();
                $(let $argument = match $argument::from_event(call) {
                    Ok(value) => value,
                    Err(failure) => return Started(Progress::Done(Err(failure))),
                };)*
                let running = self(group.clone() $(, $argument)*);
                Started(Progress::Pending(Box::pin(async move {
                    running.await.into_result()
                })))
            }
        }
    };
}

methods!();
methods!(A);
methods!(A, B);
methods!(A, B, C);
methods!(A, B, C, D);
methods!(A, B, C, D, E);
methods!(A, B, C, D, E, G);
methods!(A, B, C, D, E, G, H);
methods!(A, B, C, D, E, G, H, I);
