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
            ) -> crate::handle::RepliesFuture<T> {
                self.everybody().emit_with_ack(event, args)
            }

            /// Names rooms to emit to: [`To::to`](crate::app::To::to).
            pub fn to(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// The same as [`to`](Self::to), by the name it has in JavaScript.
            pub fn r#in(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// The same as [`to`](Self::to).
            pub fn within(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.everybody().to(rooms)
            }

            /// Names rooms not to emit to: [`To::except`](crate::app::To::except).
            pub fn except(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
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

            /// Emits what may be lost, but for the newest: [`To::volatile_latest`](crate::app::To::volatile_latest).
            pub fn volatile_latest(&self) -> crate::handle::To {
                self.everybody().volatile_latest()
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
            /// No other node can be asked.
            #[doc(alias = "allSockets")]
            pub async fn clients(
                &self,
            ) -> Result<
                crate::adapter::Gathered<Vec<sio_core::id::SocketId>>,
                crate::adapter::AdapterError,
            > {
                self.everybody().clients().await
            }

            /// How many sockets it has, on all nodes: [`To::count`](crate::app::To::count).
            ///
            /// # Errors
            /// No other node can be asked.
            pub async fn count(
                &self,
            ) -> Result<crate::adapter::Gathered<usize>, crate::adapter::AdapterError> {
                self.everybody().count().await
            }

            /// All its sockets, on all nodes: [`To::fetch_sockets`](crate::app::To::fetch_sockets).
            ///
            /// # Errors
            /// No other node can be asked.
            #[doc(alias = "fetchSockets")]
            pub async fn fetch_sockets(
                &self,
            ) -> Result<
                crate::adapter::Gathered<Vec<crate::adapter::RemoteSocket>>,
                crate::adapter::AdapterError,
            > {
                self.everybody().fetch_sockets().await
            }

            /// All its sockets join these rooms.
            #[doc(alias = "socketsJoin")]
            pub fn join(&self, rooms: impl crate::adapter::IntoRooms) {
                self.everybody().join(rooms);
            }

            /// All its sockets leave these rooms.
            #[doc(alias = "socketsLeave")]
            pub fn leave(&self, rooms: impl crate::adapter::IntoRooms) {
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
            pub fn to(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// The same as [`to`](Self::to), by the name it has in JavaScript.
            pub fn r#in(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// The same as [`to`](Self::to).
            pub fn within(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.broadcast().to(rooms)
            }

            /// To the others that are in none of these rooms: [`To::except`](crate::app::To::except).
            pub fn except(&self, rooms: impl crate::adapter::IntoRooms) -> crate::handle::To {
                self.broadcast().except(rooms)
            }

            /// To everybody else in the namespace on this node.
            pub fn local(&self) -> crate::handle::To {
                self.broadcast().local()
            }
        }
    };
}

pub(super) use {emitting_methods, others_methods};
