//! Handling events of a contract.

use super::{Call, ClientToServer, Event, ServerToClient};
use crate::client;
use crate::event::SocketKind;
use crate::handle::{Io, Namespace, ParentNamespace, Socket};
use crate::handler::call::Handler;
use crate::listeners::ListenerId;

/// What marks a handler whose first argument is the [`Call`] of an event.
#[diagnostic::on_unimplemented(
    message = "this handler does not say which event of a contract it hears",
    label = "its first argument is not a `Call`",
    note = "`|say: Call<Say>, socket: Socket|`; a client's handlers have `ClientCall<Said>`"
)]
pub trait Hears<S: SocketKind = Socket> {
    /// The event.
    type Event: Event;
}

macro_rules! hears {
    ($($argument:ident),*) => {
        impl<X, E: Event, S: SocketKind, $($argument),*> Hears<S> for (X, Call<E, S>, $($argument,)*) {
            type Event = E;
        }
    };
}

hears!();
hears!(A);
hears!(A, B);
hears!(A, B, C);
hears!(A, B, C, D);
hears!(A, B, C, D, G);
hears!(A, B, C, D, G, H);
hears!(A, B, C, D, G, H, I);

macro_rules! hear_methods {
    ($type:ty, $socket:ty, $direction:ident) => {
        impl $type {
            /// Handles an event of a [contract](mod@crate::contract): that whose [`Call`] is the handler's first argument.
            /// Otherwise as [`on`](Self::on).
            pub fn hear<M>(&self, handler: impl Handler<M, $socket>) -> ListenerId
            where
                M: Hears<$socket, Event: $direction>,
            {
                self.on(<M::Event as Event>::NAME, handler)
            }
        }
    };
}

hear_methods!(Io, Socket, ClientToServer);
hear_methods!(Namespace, Socket, ClientToServer);
hear_methods!(ParentNamespace, Socket, ClientToServer);
hear_methods!(Socket, Socket, ClientToServer);
hear_methods!(client::Socket, client::Socket, ServerToClient);
hear_methods!(client::Handlers, client::Socket, ServerToClient);
