//! What is registered on a namespace: handlers, middlewares, hooks.

use std::sync::Arc;

use sio_core::packet::Args;
use sio_core::rooms::RoomEvent;

use super::call::{Handler, erase};
use super::listening::{error_listener_methods, listener_methods, outgoing_methods};
use super::middleware::Middleware;
use crate::adapter::{ClusterEvent, ServerAck};
use crate::handle::Namespace;
use crate::listeners::{ListenerId, Topic};

impl Namespace {
    /// Adds a middleware: it decides over each socket before it enters, in the order of registration;
    /// the first error refuses, and reaches the client as `connect_error`: in its words if they are meant for
    /// it, a [`Refusal`](crate::app::Refusal) or a text, else as `internal error` ([`Verdict`](crate::app::Verdict)).
    ///
    /// Nothing remains of a refused socket; rooms joined in a middleware count once it is accepted.
    /// After `middleware_timeout` the client is refused with `timed out`.
    #[doc(alias = "use")]
    pub fn use_<M>(&self, middleware: impl Middleware<M>) {
        self.add_middleware(Arc::new(move |entering| middleware.ask(entering).0));
    }

    /// Handles sockets that have entered (`connect` and `connection` in JavaScript). The handler runs, up to its
    /// first await, before any event of the socket is looked at: what it registers misses nothing.
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners().add(Topic::Connect, false, erase(handler))
    }

    /// Hears of rooms on this node as they come and go, and of who joins and leaves them: presence, say. In
    /// the order in which it happens, one after the other, with no lock held: by whoever causes it, or, while
    /// another thread is being told of something, by that one. It must not take long: while thousands of
    /// events wait for it, a connection whose handlers cause more starts no further ones, and in the end is not
    /// read, until half of them are told. Nobody else waits. Those that are there already hear of it before.
    ///
    /// ```
    /// # use sio_driver::app::{Namespace, RoomEvent};
    /// # fn example(namespace: &Namespace) {
    /// namespace.on_room_event(|event: &RoomEvent| match event {
    ///     RoomEvent::Created(room) => println!("{room} is there"),
    ///     RoomEvent::Joined(room, socket) => println!("{socket} is in {room}"),
    ///     RoomEvent::Left(room, socket) => println!("{socket} has left {room}"),
    ///     RoomEvent::Deleted(room) => println!("{room} is empty"),
    /// });
    /// # }
    /// ```
    pub fn on_room_event(&self, hook: impl Fn(&RoomEvent) + Send + Sync + 'static) {
        self.add_room_hook(Arc::new(hook));
    }

    /// Hears of what other nodes' servers emit to this one's, and of what they ask.
    pub fn on_server_side(&self, hook: impl Fn(&str, &Args) + Send + Sync + 'static) {
        self.nodes().server_side.set(Arc::new(hook));
    }

    /// Hears of what other nodes' servers ask this one's, and answers.
    pub fn on_server_side_ask(
        &self,
        hook: impl Fn(&str, &Args, ServerAck) + Send + Sync + 'static,
    ) {
        self.nodes().asked.set(Arc::new(hook));
    }

    /// Hears of what becomes of the cluster, as its adapter learns it.
    pub fn on_cluster(&self, hook: impl Fn(&ClusterEvent) + Send + Sync + 'static) {
        self.nodes().cluster.set(Arc::new(hook));
    }
}

listener_methods!(Namespace);
error_listener_methods!(Namespace);
outgoing_methods!(Namespace, "its sockets, once for each emit.");
