//! What is registered on a server: handlers and middlewares of its main namespace.

use super::call::{Handler, erase};
use super::listening::listener_methods;
use super::middleware::Middleware;
use crate::handle::Io;
use crate::listeners::{ListenerId, Topic};

impl Io {
    /// Handles connections to `/`: [`Namespace::on_connect`](crate::app::Namespace::on_connect).
    #[doc(alias = "connection")]
    pub fn on_connect<M>(&self, handler: impl Handler<M>) -> ListenerId {
        self.sockets().on_connect(handler)
    }

    /// Adds a middleware to `/`: [`Namespace::use_`](crate::app::Namespace::use_).
    #[doc(alias = "use")]
    pub fn use_<M>(&self, middleware: impl Middleware<M>) {
        self.sockets().use_(middleware);
    }
}

listener_methods!(Io);
