//! What is registered on a client's socket, or on many alike.

use super::handles::Handlers;
use super::inner::{Callback, Socket};
use crate::handler::call::{Handler, erase};
use crate::listeners::{ListenerId, Listeners, Topic};

macro_rules! listener_methods {
    ($type:ty) => {
        impl $type {
            /// Handles an event that the server sends. Several handlers run in the order of registration.
            ///
            /// The names of JavaScript's own events mean what they mean there: `connect`, `disconnect`,
            /// `connect_error`.
            #[doc(alias = "addListener")]
            pub fn on<M>(
                &self,
                event: impl Into<String>,
                handler: impl Handler<M, Socket>,
            ) -> ListenerId {
                let topic = Topic::of_client(event.into());
                self.listeners().add(topic, false, erase(handler))
            }

            /// Handles the next event of that name, and no other.
            pub fn once<M>(
                &self,
                event: impl Into<String>,
                handler: impl Handler<M, Socket>,
            ) -> ListenerId {
                let topic = Topic::of_client(event.into());
                self.listeners().add(topic, true, erase(handler))
            }

            /// Like [`on`](Self::on), before the handlers that are there already.
            #[doc(alias = "prependListener")]
            pub fn prepend<M>(
                &self,
                event: impl Into<String>,
                handler: impl Handler<M, Socket>,
            ) -> ListenerId {
                let topic = Topic::of_client(event.into());
                self.listeners().put_first(topic, erase(handler))
            }

            /// Handles every event that the server sends, before the handlers for the event itself.
            #[doc(alias = "onAny")]
            pub fn on_any<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners().add(Topic::AnyEvent, false, erase(handler))
            }

            /// Like [`on_any`](Self::on_any), before the handlers that are there already.
            #[doc(alias = "prependAny")]
            pub fn prepend_any<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners().put_first(Topic::AnyEvent, erase(handler))
            }

            /// Handles its being in its namespace, each time. The handler may name
            /// [`Connected`](super::Connected).
            #[doc(alias = "connect")]
            pub fn on_connect<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners().add(Topic::Connect, false, erase(handler))
            }

            /// Handles its having left, each time. The handler may name [`Disconnected`](super::Disconnected).
            #[doc(alias = "disconnect")]
            pub fn on_disconnect<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners()
                    .add(Topic::Disconnect, false, erase(handler))
            }

            /// Handles its not being let in, and each attempt to dial that has failed while it wanted to be in. The
            /// handler may name the [`ConnectError`](super::ConnectError).
            #[doc(alias = "connect_error")]
            pub fn on_connect_error<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners()
                    .add(Topic::ConnectError, false, erase(handler))
            }

            /// Handles what a server of 2.x says of something that was sent to it and refused. The handler may name
            /// the [`Data`](crate::app::Data).
            #[doc(alias = "error")]
            pub fn on_error<M>(&self, handler: impl Handler<M, Socket>) -> ListenerId {
                self.listeners().add(Topic::Error, false, erase(handler))
            }

            /// Takes a handler away. `false`: it was gone.
            #[doc(alias = "removeListener")]
            pub fn off(&self, listener: ListenerId) -> bool {
                self.listeners().remove(listener)
            }

            /// Takes all handlers of one event away (named as in [`on`](Self::on)), or all there are.
            #[doc(alias = "removeAllListeners")]
            pub fn off_all(&self, event: Option<&str>) {
                self.listeners().clear(event);
            }

            /// Takes the handlers of every event away ([`on_any`](Self::on_any)).
            #[doc(alias = "offAny")]
            pub fn off_any(&self) {
                self.listeners().clear_any();
            }

            /// The names of the events that it has handlers for, in the order of registration.
            #[doc(alias = "eventNames")]
            pub fn event_names(&self) -> Vec<String> {
                self.listeners().names()
            }

            /// The handlers of one event, in the order in which they run.
            #[doc(alias = "listenerCount")]
            pub fn listeners_of(&self, event: &str) -> Vec<ListenerId> {
                self.listeners().of(&Topic::of_client(event.to_owned()))
            }
        }
    };
}

listener_methods!(Socket);
listener_methods!(Handlers);

impl Socket {
    fn listeners(&self) -> &Listeners<Callback> {
        &self.inner.listeners
    }
}

impl Handlers {
    fn listeners(&self) -> &Listeners<Callback> {
        &self.listeners
    }
}
