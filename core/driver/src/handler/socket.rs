//! What is registered on a socket: handlers, packet middlewares, hooks.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;

use super::call::erase;
use super::listening::{error_listener_methods, listener_methods, outgoing_methods};
use super::middleware::denial;
use crate::handle::{Incoming, Socket};
use crate::listeners::Topic;

impl Socket {
    /// Adds a packet middleware: it sees each event before the handlers and may change it. An error
    /// refuses it, and the handlers do not hear of it. What its client may be told of the error is said at
    /// [`Verdict`](crate::app::Verdict). A client of revision 4 is told, by an ERROR packet
    /// with the refusal's data, or its message if it has none; in revision 5, which has no packet for it,
    /// [`on_error`](Self::on_error) hears of it (§17).
    ///
    /// ```
    /// # use sio_driver::app::{Incoming, Refusal, Socket};
    /// # fn example(socket: &Socket) {
    /// socket.use_(|packet: &mut Incoming| {
    ///     packet.name.make_ascii_lowercase();
    ///     if packet.args.len() > 3 {
    ///         return Err(Refusal::new("too much to say"));
    ///     }
    ///     Ok(())
    /// });
    /// # }
    /// ```
    #[doc(alias = "use")]
    pub fn use_<E: Display + 'static>(
        &self,
        filter: impl Fn(&mut Incoming) -> Result<(), E> + Send + Sync + 'static,
    ) {
        self.add_middleware(Arc::new(move |mut packet| {
            let decision = filter(&mut packet).map(|()| packet);
            let decision = decision.map_err(|error| denial(&error));
            Box::pin(std::future::ready(decision))
        }));
    }

    /// Adds a packet middleware that may wait. Events that come meanwhile wait behind it, so that
    /// their order is kept.
    pub fn use_async<F, R, E>(&self, filter: F)
    where
        F: Fn(Incoming) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Incoming, E>> + Send + 'static,
        E: Display + 'static,
    {
        self.add_middleware(Arc::new(move |packet| {
            let decision = filter(packet);
            Box::pin(async move { decision.await.map_err(|error| denial(&error)) })
        }));
    }
}

listener_methods!(Socket);
error_listener_methods!(Socket);
outgoing_methods!(
    Socket,
    "this socket alone; for broadcasts: [`Namespace::on_any_outgoing`](crate::app::Namespace::on_any_outgoing)."
);
