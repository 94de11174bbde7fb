//! What is registered on a namespace: handlers, middlewares, hooks.

use std::sync::Arc;

use sio_core::packet::Args;

use super::call::{Handler, erase};
use super::listening::{error_listener_methods, listener_methods};
use super::middleware::Middleware;
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

    /// Handles sockets that have entered (`connect` and `connection` in JavaScript). The handler runs, up to its first await, before any event of
    /// the socket is looked at: what it registers misses nothing.
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.listeners().add(Topic::Connect, false, erase(handler))
    }

    /// Hears of every event emitted to its sockets, once for each emit, with its arguments.
    #[doc(alias = "onAnyOutgoing")]
    pub fn on_any_outgoing(&self, hook: impl Fn(&str, &Args) + Send + Sync + 'static) {
        self.add_outgoing(Arc::new(hook));
    }
}

listener_methods!(Namespace);
error_listener_methods!(Namespace);
