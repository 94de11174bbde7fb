//! The methods that several handles have alike, written once.

/// Emitting to everybody: for a type with a `fn everybody(&self) -> To`.
macro_rules! emitting_methods {
    ($type:ty) => {
        impl $type {
            /// Emits to everybody.
            ///
            /// # Errors
            /// The arguments cannot be written.
            pub fn emit(
                &self,
                event: impl AsRef<str>,
                args: &(impl sio_core::packet::IntoArgs + ?Sized),
            ) -> Result<(), crate::error::EmitError> {
                self.everybody().emit(event, args)
            }

            /// Emits the event `message` to everybody.
            ///
            /// # Errors
            /// The arguments cannot be written.
            #[doc(alias = "write")]
            pub fn send(
                &self,
                args: &(impl sio_core::packet::IntoArgs + ?Sized),
            ) -> Result<(), crate::error::EmitError> {
                self.everybody().send(args)
            }

            /// Emits to everybody and gathers their answers:
            /// [`To::emit_with_ack`](crate::app::To::emit_with_ack).
            #[doc(alias = "emitWithAck")]
            pub fn emit_with_ack<T>(
                &self,
                event: impl AsRef<str>,
                args: &(impl sio_core::packet::IntoArgs + ?Sized),
            ) -> crate::handler::ack::RepliesFuture<T> {
                self.everybody().emit_with_ack(event, args)
            }

            /// Names rooms to emit to: [`To::to`](crate::app::To::to).
            pub fn to(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// The same as [`to`](Self::to), by the name it has in JavaScript.
            pub fn r#in(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// The same as [`to`](Self::to).
            pub fn within(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// Names rooms not to emit to: [`To::except`](crate::app::To::except).
            pub fn except(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.everybody().except(rooms)
            }

            /// Emits on this node only: [`To::local`](crate::app::To::local).
            pub fn local(&self) -> crate::handle::To {
                self.everybody().local()
            }

            /// Emits what may be lost: [`To::volatile`](crate::app::To::volatile).
            pub fn volatile(&self) -> crate::handle::To {
                self.everybody().volatile()
            }

            /// Decides over compression: [`To::compress`](crate::app::To::compress).
            pub fn compress(&self, compress: bool) -> crate::handle::To {
                self.everybody().compress(compress)
            }

            /// Sets the time for answers: [`To::timeout`](crate::app::To::timeout).
            pub fn timeout(&self, timeout: std::time::Duration) -> crate::handle::To {
                self.everybody().timeout(timeout)
            }

            /// The ids of all its sockets, on all nodes: [`To::clients`](crate::app::To::clients).
            ///
            /// # Errors
            /// The other nodes cannot be asked.
            #[doc(alias = "allSockets")]
            pub async fn clients(
                &self,
            ) -> Result<Vec<sio_core::id::SocketId>, crate::adapter::AdapterError> {
                self.everybody().clients().await
            }

            /// All its sockets, on all nodes: [`To::fetch_sockets`](crate::app::To::fetch_sockets).
            ///
            /// # Errors
            /// The other nodes cannot be asked.
            #[doc(alias = "fetchSockets")]
            pub async fn fetch_sockets(
                &self,
            ) -> Result<Vec<crate::adapter::RemoteSocket>, crate::adapter::AdapterError> {
                self.everybody().fetch_sockets().await
            }

            /// All its sockets join these rooms.
            #[doc(alias = "socketsJoin")]
            pub fn join(&self, rooms: impl crate::handle::IntoRooms) {
                self.everybody().join(rooms);
            }

            /// All its sockets leave these rooms.
            #[doc(alias = "socketsLeave")]
            pub fn leave(&self, rooms: impl crate::handle::IntoRooms) {
                self.everybody().leave(rooms);
            }

            /// Disconnects all its sockets: [`Socket::disconnect`](crate::app::Socket::disconnect).
            #[doc(alias = "disconnectSockets")]
            pub fn disconnect(&self, close: bool) {
                self.everybody().disconnect(close);
            }
        }
    };
}

/// Emitting to others: for a type with a `fn broadcast(&self) -> To`.
macro_rules! others_methods {
    ($type:ty) => {
        impl $type {
            /// To the others in these rooms: [`To::to`](crate::app::To::to). The socket itself is left out.
            pub fn to(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// The same as [`to`](Self::to), by the name it has in JavaScript.
            pub fn r#in(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// The same as [`to`](Self::to).
            pub fn within(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// To the others that are in none of these rooms: [`To::except`](crate::app::To::except).
            pub fn except(&self, rooms: impl crate::handle::IntoRooms) -> crate::handle::To {
                self.broadcast().except(rooms)
            }

            /// To everybody else in the namespace on this node.
            pub fn local(&self) -> crate::handle::To {
                self.broadcast().local()
            }
        }
    };
}

/// Handlers: for a type with a `fn listeners(&self) -> &Listeners`.
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

pub(super) use {emitting_methods, error_listener_methods, listener_methods, others_methods};
