//! The methods that register handlers of events, which several handles have alike, written once.

/// Handlers: for a type with a `fn listeners(&self) -> &Listeners<Callback>`.
macro_rules! listener_methods {
    ($type:ty) => {
        impl $type {
            /// Handles an event. Several handlers run in the order of registration; those of a namespace
            /// before those of the socket.
            ///
            /// The names of JavaScript's own events mean what they mean there: `connect` and `connection`
            /// are [`Namespace::on_connect`](crate::app::Namespace::on_connect), `disconnecting` is
            /// [`on_disconnecting`](Self::on_disconnecting), `disconnect` is
            /// [`on_disconnect`](Self::on_disconnect); handlers of `error` hear of what
            /// [`Socket::on_error`](crate::app::Socket::on_error) does, and of clients' events of that name.
            ///
            /// [`guide::not_called`](crate::guide::not_called) has what keeps a handler from being called, and
            /// how each of it shows.
            #[doc(alias = "addListener")]
            pub fn on<M>(
                &self,
                event: impl Into<String>,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                let topic = Topic::named(event.into());
                self.listeners().add(topic, false, erase(handler))
            }

            /// Handles the next event of that name, and no other.
            pub fn once<M>(
                &self,
                event: impl Into<String>,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                let topic = Topic::named(event.into());
                self.listeners().add(topic, true, erase(handler))
            }

            /// Like [`on`](Self::on), before the handlers that are there already.
            #[doc(alias = "prependListener")]
            pub fn prepend<M>(
                &self,
                event: impl Into<String>,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                let topic = Topic::named(event.into());
                self.listeners().put_first(topic, erase(handler))
            }

            /// Handles every event, before the handlers for the event itself.
            #[doc(alias = "onAny")]
            pub fn on_any<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners().add(Topic::AnyEvent, false, erase(handler))
            }

            /// Like [`on_any`](Self::on_any), before the handlers that are there already.
            #[doc(alias = "prependAny")]
            pub fn prepend_any<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners().put_first(Topic::AnyEvent, erase(handler))
            }

            /// Handles events that nobody else handles: neither their name nor every event has a handler, of its
            /// own or of its namespace. May answer them; where there is one,
            /// [`Io::on_error`](crate::app::Io::on_error) does not hear of them.
            ///
            /// ```
            /// # use sio_driver::app::{Ack, EventName, Io};
            /// # fn example(io: &Io) {
            /// io.of("/").on_unhandled(|name: EventName, ack: Ack| ack.send(&format!("no such event: {name}")));
            /// # }
            /// ```
            pub fn on_unhandled<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners()
                    .add(Topic::Unhandled, false, erase(handler))
            }

            /// Handles sockets' leaving, while they are still in their rooms. The handler may name the
            /// [`DisconnectReason`](crate::app::DisconnectReason).
            #[doc(alias = "disconnecting")]
            pub fn on_disconnecting<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners()
                    .add(Topic::Disconnecting, false, erase(handler))
            }

            /// Handles sockets' having left. The handler may name the
            /// [`DisconnectReason`](crate::app::DisconnectReason).
            #[doc(alias = "disconnect")]
            pub fn on_disconnect<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners()
                    .add(Topic::Disconnect, false, erase(handler))
            }

            /// Takes a handler away. `false`: it was gone.
            #[doc(alias = "removeListener")]
            #[doc(alias = "offAny")]
            pub fn off(&self, listener: crate::listeners::ListenerId) -> bool {
                self.listeners().remove(listener)
            }

            /// Takes all handlers of one event away (named as in [`on`](Self::on)), or all there are, those
            /// of its leaving too. Only its own: a socket's do not include its namespace's.
            #[doc(alias = "removeAllListeners")]
            pub fn off_all(&self, event: Option<&str>) {
                self.listeners().clear(event);
            }

            /// Takes the handlers of every event away ([`on_any`](Self::on_any)).
            #[doc(alias = "offAny")]
            pub fn off_any(&self) {
                self.listeners().clear_any();
            }

            /// The names of the events that it has handlers for, `disconnect` and its like among them,
            /// in the order of registration.
            #[doc(alias = "eventNames")]
            pub fn event_names(&self) -> Vec<String> {
                self.listeners().names()
            }

            /// The handlers of one event, in the order in which they run.
            #[doc(alias = "listeners")]
            #[doc(alias = "listenerCount")]
            pub fn listeners_of(&self, event: &str) -> Vec<crate::listeners::ListenerId> {
                self.listeners().of(&Topic::named(event.to_owned()))
            }

            /// The handlers of every event, in the order in which they run.
            #[doc(alias = "listenersAny")]
            pub fn listeners_any(&self) -> Vec<crate::listeners::ListenerId> {
                self.listeners().of(&Topic::AnyEvent)
            }
        }
    };
}

/// Who hears of what is emitted: for a type with `outgoing` and `change_outgoing`.
macro_rules! outgoing_methods {
    ($type:ty, $what:literal) => {
        impl $type {
            #[doc = concat!("Hears of every event emitted to ", $what)]
            /// Before it leaves, with its arguments, in the order of registration.
            #[doc(alias = "onAnyOutgoing")]
            pub fn on_any_outgoing(
                &self,
                hook: impl Fn(&str, &sio_core::packet::Args) + Send + Sync + 'static,
            ) -> crate::listeners::ListenerId {
                self.put_outgoing(std::sync::Arc::new(hook), false)
            }

            /// Like [`on_any_outgoing`](Self::on_any_outgoing), before those that are there already.
            #[doc(alias = "prependAnyOutgoing")]
            pub fn prepend_any_outgoing(
                &self,
                hook: impl Fn(&str, &sio_core::packet::Args) + Send + Sync + 'static,
            ) -> crate::listeners::ListenerId {
                self.put_outgoing(std::sync::Arc::new(hook), true)
            }

            /// Takes one of these hooks away. `false`: it was gone.
            #[doc(alias = "offAnyOutgoing")]
            pub fn off_outgoing(&self, listener: crate::listeners::ListenerId) -> bool {
                self.change_outgoing(|hearers| hearers.without(listener))
            }

            /// Takes all of these hooks away.
            #[doc(alias = "offAnyOutgoing")]
            pub fn off_any_outgoing(&self) {
                // One by one: a parent's change reaches its children, who may have hooks of their own.
                for listener in self.listeners_any_outgoing() {
                    self.off_outgoing(listener);
                }
            }

            /// These hooks, in the order in which they hear.
            #[doc(alias = "listenersAnyOutgoing")]
            pub fn listeners_any_outgoing(&self) -> Vec<crate::listeners::ListenerId> {
                self.outgoing()
                    .map(|hearers| hearers.ids())
                    .unwrap_or_default()
            }

            fn put_outgoing(
                &self,
                hook: std::sync::Arc<crate::handle::Hear>,
                first: bool,
            ) -> crate::listeners::ListenerId {
                let id = crate::listeners::ListenerId::new();
                self.change_outgoing(|hearers| Some(hearers.with(id, hook.clone(), first)));
                id
            }
        }
    };
}

/// Handlers of errors: for the same types, where the name is not taken.
macro_rules! error_listener_methods {
    ($type:ty) => {
        impl $type {
            /// Handles packets that a packet middleware refused, where their client cannot be told, and what
            /// clients of revision 4 say in ERROR packets: that they could not write something, for one. The
            /// handler may name the [`Refusal`](crate::app::Refusal), and the [`ErrorSource`](crate::app::ErrorSource)
            /// to tell these two apart. Without a handler, nothing happens: Node would throw.
            #[doc(alias = "error")]
            pub fn on_error<M>(
                &self,
                handler: impl crate::handler::call::Handler<M>,
            ) -> crate::listeners::ListenerId {
                self.listeners().add(Topic::Error, false, erase(handler))
            }
        }
    };
}

pub(super) use {error_listener_methods, listener_methods, outgoing_methods};
